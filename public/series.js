// A series: many datagrams on schedule, each with its fate.

import { announce, button } from "./dom.js";
import { save, toCSV } from "./export.js";
import { Problem } from "./gateway.js";
import { probe } from "./probes.js";
import { SeriesResult } from "./series-result.js";
import { SeriesRecord } from "./statistics.js";
import { grouped, percent } from "./words.js";

// Percentiles want sorting, so they are not taken for each frame.
const pictureInterval = 200;

const find = (id) => document.getElementById(id);

export class Series {
  constructor(composer) {
    this.composer = composer;
    this.start = find("series-form").querySelector("[type=submit]");
    this.stop = find("stop");
    this.progress = find("progress");
    this.words = find("progress-words");
    find("series-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.run(this.request());
    });
    this.stop.addEventListener("click", () => this.running?.abort());
  }

  request() {
    const target = this.composer.chosenTarget();
    return {
      ...(target && { target: target.name }), timeout_ms: this.composer.timeout.valueAsNumber || 2000,
      count: find("count").valueAsNumber, interval_ms: find("interval").valueAsNumber, size: find("size").valueAsNumber,
    };
  }

  async run(request) {
    if (this.running) {
      return;
    }
    this.running = new AbortController();
    this.record = new SeriesRecord();
    this.result ??= this.makeResult();
    this.setRunning(true);
    this.progress.max = request.count;
    const pictures = setInterval(() => this.show(request), pictureInterval);
    let summary = null;
    let problem = null;
    try {
      for await (const line of probe(request, this.running.signal)) {
        if (line.summary) {
          summary = line.summary;
        } else {
          this.record.add(line);
        }
      }
    } catch (error) {
      problem = error;
    }
    clearInterval(pictures);
    this.end(request, summary, problem);
  }

  end(request, summary, problem) {
    const wasStopped = this.running.signal.aborted;
    this.running = null;
    this.setRunning(false);
    this.summary = summary ?? this.record.summary();
    this.asked = request;
    this.show(request, this.summary);
    const how = problem && !wasStopped ? `${problem instanceof Problem ? problem.detail : "The gateway did not answer."}`
      : wasStopped ? "Stopped." : summary?.complete ? "Done." : "It ended early.";
    const { sent, received, loss_percent: loss } = this.summary;
    this.words.textContent = how;
    announce(`${how} ${received} of ${sent} came back${loss === null ? "" : `, ${percent(loss)} lost`}.`);
  }

  show(request, summary = this.record.summary()) {
    const { decided } = this.record;
    this.progress.value = decided;
    this.words.textContent = `${grouped(decided)} of ${grouped(request.count)}`;
    this.result.show(this.record, request, summary);
  }

  setRunning(isRunning) {
    this.start.disabled = isRunning;
    this.stop.disabled = !isRunning;
    // The button that was pressed is gone for now; the keyboard goes on at the other.
    if (document.activeElement === document.body) {
      (isRunning ? this.stop : this.start).focus();
    }
  }

  makeResult() {
    const csv = () => toCSV(this.record.lines.map(({ seq, fate, rtt_ms: time }) => ({ seq: seq ?? "", fate, rtt_ms: time ?? "" })));
    const json = () => JSON.stringify({ request: this.asked, datagrams: this.record.lines, summary: this.summary }, null, 2);
    return new SeriesResult(find("series-result"), [
      button("Save as JSON", () => save("yodel-series.json", "application/json", json())),
      button("Save as CSV", () => save("yodel-series.csv", "text/csv", csv())),
    ]);
  }
}
