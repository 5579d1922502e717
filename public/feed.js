// The live feed of datagrams: read with fetch, so that it carries the token; resumed where it ended; closed while nobody looks.

import { events } from "./event-stream.js";
import { Problem, call, stream } from "./gateway.js";

const path = "api/datagrams";
const firstRetry = 500;
const longestRetry = 5000;

export class Feed {
  /// `onDatagrams(datagrams)`: the oldest first; `onGap(missed)`; `onState(state, error)`: "live", "waiting" or "refused".
  constructor({ onDatagrams, onGap, onState }) {
    Object.assign(this, { onDatagrams, onGap, onState });
    this.lastID = null;
    this.isOn = false;
    document.addEventListener("visibilitychange", () => this.turn(this.isOn));
  }

  /// Off, or on (anew).
  turn(isOn) {
    this.isOn = isOn;
    clearTimeout(this.timer);
    this.opening?.abort();
    this.retry = firstRetry;
    if (isOn && !document.hidden) {
      this.opening = new AbortController();
      this.run(this.opening.signal);
    }
  }

  async run(signal) {
    let wait = this.retry;
    try {
      await this.read(signal);
      this.onState("waiting");
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      const isRefused = error instanceof Problem;
      this.onState(isRefused ? "refused" : "waiting", error);
      if (isRefused && error.members.status !== 503) {
        return; // It would be refused again, until there is a token or another gateway.
      }
      wait = Math.max(wait, 1000 * Number(error.retryAfter ?? 0));
    }
    if (!signal.aborted) {
      this.retry = Math.min(this.retry * 2, longestRetry);
      this.timer = setTimeout(() => this.run(signal), wait);
    }
  }

  async read(signal) {
    const isFirst = this.lastID === null;
    const headers = isFirst ? {} : { "Last-Event-ID": this.lastID };
    const lines = await stream(path, { accept: "text/event-stream", headers, signal });
    // Listed once the feed has begun, so that nothing falls between the two; what is in both is shown once.
    const known = isFirst ? await this.list() : new Set();
    this.onState("live");
    for await (const { id, type, data } of events(lines)) {
      if (signal.aborted) {
        return;
      }
      this.retry = firstRetry;
      this.lastID = id || this.lastID;
      if (type === "datagram" && !known.delete(id)) {
        this.onDatagrams([JSON.parse(data)]);
      } else if (type === "gap") {
        this.onGap(JSON.parse(data).missed);
      }
    }
  }

  async list() {
    const datagrams = (await call(path)).datagrams.reverse();
    this.lastID = datagrams.at(-1)?.id ?? null;
    this.onDatagrams(datagrams);
    return new Set(datagrams.map(({ id }) => id));
  }
}
