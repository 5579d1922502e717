// The embedded echo server's impairments, for whoever shows them: one small request a second, and one at once when
// something tells that they may have changed.

import { call } from "./gateway.js";
import { impairmentsInWords } from "./words.js";

const path = "api/echo/impairments";
const interval = 1000;

// Two hundred datagrams a second are not two hundred requests.
const shortestInterval = 500;

export class EchoWatch {
  constructor() {
    this.listeners = [];
    this.state = null;
    this.target = undefined;
    this.problem = "";
    this.asked = 0;
    document.addEventListener("visibilitychange", () => this.schedule(0));
    addEventListener("focus", () => this.hint()); // Who comes back from a shell may have changed them there.
  }

  /// `target`: the embedded server; null where there is none.
  follow(target) {
    this.target = target ?? null;
    this.tell(target ? this.state : null);
    this.schedule(0);
  }

  /// It is not known whether there is one, and why.
  leave(problem) {
    this.problem = problem;
    this.tell(this.state);
  }

  get impairments() {
    return this.state?.impairments ?? null;
  }

  /// `listener(state)` gets what is in force as `impairments`, now and at every change; null where it is not known.
  subscribe(listener) {
    this.listeners.push(listener);
    listener(this.state);
  }

  /// Sets impairments: PUT all of them, PATCH some, DELETE back to none. Throws what the gateway says against it.
  async impair(method, impairments) {
    const inForce = await call(path, method, impairments);
    this.answers = (this.answers ?? 0) + 1; // What is being asked meanwhile is old.
    this.tell({ ...this.state, impairments: inForce });
    return inForce;
  }

  /// Datagrams that were impaired while nothing is known to be in force, or were not while something is: ask what is.
  seen(datagrams) {
    const isOn = Boolean(this.impairments && impairmentsInWords(this.impairments));
    if (datagrams.some(({ impairments }) => (impairments?.length > 0) !== isOn)) {
      this.hint();
    }
  }

  hint() {
    this.schedule(Math.max(0, this.asked + shortestInterval - Date.now()));
  }

  tell(state) {
    this.state = state;
    this.listeners.forEach((listener) => listener(state));
  }

  async ask() {
    const before = this.answers;
    this.asked = Date.now();
    try {
      const state = { impairments: await call(path) };
      if (before === this.answers && this.target) {
        this.tell(state);
      }
    } catch {
      // Whoever observes the requests has said it; the next one may succeed.
    }
    this.schedule(interval);
  }

  // A hidden page asks nothing.
  schedule(delay) {
    clearTimeout(this.timer);
    if (this.target && !document.hidden) {
      this.timer = setTimeout(() => this.ask(), delay);
    }
  }
}
