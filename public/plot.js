// Round-trip times by sequence number, drawn as they come. What did not come back stands in a lane of its own.

import { duration, grouped } from "./words.js";

const margin = { left: 60, right: 10, top: 10, bottom: 22 };
const lane = 26;

export class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.isWanted = false;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(record, count) {
    Object.assign(this, { record, count });
    this.draw();
  }

  /// At the next frame, however often it is asked for.
  draw() {
    if (!this.isWanted) {
      this.isWanted = true;
      requestAnimationFrame(() => {
        this.isWanted = false;
        this.paint();
      });
    }
  }

  paint() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!this.record || width === 0) {
      return;
    }
    const scale = devicePixelRatio;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    this.pen = this.canvas.getContext("2d");
    this.pen.scale(scale, scale);
    const style = getComputedStyle(this.canvas);
    this.colour = (name) => style.getPropertyValue(`--${name}`);
    this.right = width - margin.right;
    this.bottom = height - margin.bottom - lane;
    this.most = niceEnd(this.record.lines.reduce((most, { rtt_ms: time }) => Math.max(most, time ?? 0), 0.01));
    this.pen.font = `12px ${style.fontFamily}`;
    this.axes();
    this.record.lines.forEach((line) => this.mark(line));
  }

  x(seq) {
    return margin.left + ((seq - 0.5) / this.count) * (this.right - margin.left);
  }

  y(time) {
    return this.bottom - (time / this.most) * (this.bottom - margin.top);
  }

  axes() {
    const { pen } = this;
    pen.textBaseline = "middle";
    pen.strokeStyle = this.colour("line");
    pen.fillStyle = this.colour("muted");
    for (const part of [0, 0.5, 1]) {
      const y = Math.round(this.y(part * this.most)) + 0.5;
      pen.beginPath();
      pen.moveTo(margin.left, y);
      pen.lineTo(this.right, y);
      pen.stroke();
      pen.textAlign = "right";
      pen.fillText(part === 0 ? "0 ms" : tick(part * this.most), margin.left - 8, y);
    }
    pen.fillText("lost", margin.left - 8, this.bottom + lane / 2 + 4);
    const y = this.bottom + lane + margin.bottom / 2 + 2;
    pen.fillText(`no. ${grouped(this.count)}`, this.right, y);
    pen.textAlign = "left";
    pen.fillText("no. 1", margin.left, y);
  }

  // Told apart by shape as well as by colour.
  mark({ seq, fate, rtt_ms: time }) {
    const { pen } = this;
    const x = this.x(seq);
    const radius = this.count > 500 ? 1.5 : 2.5;
    if (fate === "lost" || fate === "unreachable") {
      const y = this.bottom + lane / 2 + 4;
      pen.strokeStyle = this.colour("bad");
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x - 3, y - 3);
      pen.lineTo(x + 3, y + 3);
      pen.moveTo(x + 3, y - 3);
      pen.lineTo(x - 3, y + 3);
      pen.stroke();
      return;
    }
    if (time === undefined) {
      return;
    }
    const y = this.y(time);
    pen.beginPath();
    if (fate === "duplicate" || fate === "late") {
      pen.strokeStyle = this.colour("warn");
      pen.lineWidth = 1.5;
      if (fate === "late") {
        pen.rect(x - 3, y - 3, 6, 6);
      } else {
        pen.arc(x, y, 4, 0, 7);
      }
      pen.stroke();
    } else if (fate === "corrupted") {
      pen.fillStyle = this.colour("bad");
      pen.moveTo(x, y - 5);
      pen.lineTo(x + 5, y + 4);
      pen.lineTo(x - 5, y + 4);
      pen.fill();
    } else {
      pen.fillStyle = this.colour("accent");
      pen.arc(x, y, radius, 0, 7);
      pen.fill();
    }
  }
}

/// 1, 2 or 5 times a power of ten, at least `value`.
export function niceEnd(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= value);
}

function tick(time) {
  return time < 1 ? `${Number(time.toPrecision(2))} ms` : duration(time).replace(/\.?0+ ms$/, " ms");
}
