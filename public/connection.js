// Whether the gateway can be reached: said when it cannot, and taken back by itself.

import { make } from "./dom.js";
import { readiness } from "./gateway.js";

const heartbeat = 3000;
const firstRetry = 400;
const longestRetry = 3000;

export class Connection {
  constructor(onReturn) {
    this.status = document.getElementById("unreachable");
    this.onReturn = onReturn;
    this.reachable = true;
    this.retry = firstRetry;
    document.addEventListener("visibilitychange", () => this.schedule(document.hidden ? null : 0));
    this.schedule(heartbeat);
  }

  /// A request got no answer.
  failed() {
    if (!this.reachable) {
      return;
    }
    this.reachable = false;
    this.retry = firstRetry;
    this.status.hidden = false;
    // A live region is spoken when it changes while it is shown, so the words come a frame later.
    requestAnimationFrame(() => this.reachable || this.status.replaceChildren(
      make("strong", {}, "Cannot reach the gateway."), " It is stopped, or the network is. Trying again by itself."));
    this.schedule(this.retry);
  }

  /// A request got an answer, whatever it says.
  answered() {
    if (this.reachable) {
      this.schedule(heartbeat); // Who was just heard need not be asked.
      return;
    }
    this.reachable = true;
    this.status.hidden = true;
    this.status.replaceChildren();
    this.onReturn();
  }

  async check() {
    const state = await readiness();
    if (state === "silent") {
      this.failed();
    } else if (state === "ready") {
      this.answered();
    }
    this.retry = Math.min(this.retry * 1.6, longestRetry);
    this.schedule(this.reachable ? heartbeat : this.retry);
  }

  // A hidden page asks nothing.
  schedule(delay) {
    clearTimeout(this.timer);
    if (delay !== null && !document.hidden) {
      this.timer = setTimeout(() => this.check(), delay);
    }
  }
}
