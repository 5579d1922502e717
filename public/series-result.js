// What a series came to: the plot, the counts in words, percentiles and how the round-trip times spread.

import { make, makeSVG } from "./dom.js";
import { Plot } from "./plot.js";
import { histogram } from "./statistics.js";
import { duration, grouped, percent } from "./words.js";

const rows = ["min", "p50", "p90", "p99", "max", "mean", "stddev"];
const classes = 24;

const legend = [["reply", "●", "reply"], ["lost", "✕", "lost"], ["duplicate", "○", "duplicate"], ["late", "□", "late"], ["corrupted", "▲", "corrupted"]];

export class SeriesResult {
  constructor(place, tools) {
    const canvas = make("canvas", { class: "plot", role: "img", "aria-label": "Round-trip times" });
    this.canvas = canvas;
    this.words = make("p", { class: "said" });
    this.cells = new Map([...rows, "jitter"].map((name) => [name, make("td")]));
    this.bars = makeSVG("svg", { class: "histogram", role: "img", viewBox: `0 0 ${classes} 100`, preserveAspectRatio: "none" });
    this.scale = make("p", { class: "hint scale" });
    const table = make("table", {},
      make("caption", {}, "Round-trip times"),
      make("tbody", {}, ...Array.from(this.cells, ([name, cell]) => make("tr", {}, make("th", { scope: "row" }, name), cell))));
    place.replaceChildren(
      make("div", { class: "picture beside" },
        canvas,
        make("ul", { class: "legend hint" }, ...legend.map(([kind, sign, name]) =>
          make("li", {}, make("span", { class: kind, "aria-hidden": "true" }, sign), ` ${name}`))),
        this.words, this.bars, this.scale),
      make("div", { class: "figures" }, table, make("div", { class: "row" }, ...tools)));
    this.plot = new Plot(canvas);
  }

  show(record, request, summary) {
    const words = inWords(summary);
    const { rtt_ms: times } = summary;
    this.words.textContent = words;
    this.plot.show(record, request.count);
    const range = times?.p50 ? `Round-trip times from ${duration(times.min)} to ${duration(times.max)}, half of them under ${duration(times.p50)}.` : "No round-trip times.";
    this.canvas.setAttribute("aria-label", `${range} ${words}`);
    for (const [name, cell] of this.cells) {
      const value = name === "jitter" ? summary.jitter_ms : times?.[name];
      cell.textContent = value === null || value === undefined ? "–" : duration(value);
    }
    this.spread(Array.from(record.roundTrips.values()));
  }

  spread(samples) {
    if (samples.length === 0) {
      this.bars.replaceChildren();
      this.bars.setAttribute("aria-label", "No round-trip times to count.");
      this.scale.textContent = "";
      return;
    }
    const { from, to, counts } = histogram(samples, classes);
    const most = Math.max(...counts);
    this.bars.replaceChildren(...counts.map((count, i) =>
      makeSVG("rect", { x: i + 0.08, y: 100 - (100 * count) / most, width: 0.84, height: (100 * count) / most })));
    this.bars.setAttribute("aria-label", `How the round-trip times spread: most between ${duration(classStart(counts.indexOf(most)))} and ${duration(classStart(counts.indexOf(most) + 1))}.`);
    this.scale.replaceChildren(make("span", {}, duration(from)), make("span", {}, duration(to)));

    function classStart(index) {
      return from + ((to - from) * index) / classes;
    }
  }
}

function inWords(summary) {
  const { sent, received, lost, late, corrupted, unreachable, duplicates, reordered, loss_percent: loss } = summary;
  const also = Object.entries({ lost, late, corrupted, unreachable, duplicated: duplicates, "out of order": reordered })
    .filter(([, count]) => count > 0).map(([name, count]) => `${grouped(count)} ${name}`);
  const share = loss ? ` That is ${percent(loss)} loss.` : "";
  return `${grouped(received)} of ${grouped(sent)} came back${also.length ? ` intact; ${also.join(", ")}` : ", each once and in order"}.${share}`;
}
