// Three short lessons: what loss, duplication and reordering look like, on twenty datagrams to the embedded server.

import { announce, make } from "./dom.js";
import { probe } from "./probes.js";

const count = 20;
const everyMilliseconds = 20;

// Back to none by itself, should this page be closed meanwhile.
const expiry = 5000;

const lessons = {
  loss: { loss_percent: 25 },
  duplicate: { duplicate_percent: 30 },
  // What is held is overtaken by what goes at once.
  reorder: { delay_ms: 3.5 * everyMilliseconds, reorder_percent: 25 },
};

export class Primer {
  constructor(echo) {
    this.echo = echo;
    this.place = document.getElementById("lesson");
    this.buttons = Array.from(document.querySelectorAll("#primer button"));
    this.buttons.forEach((button) => button.addEventListener("click", () => this.teach(button)));
    echo.subscribe(() => this.offer());
  }

  offer() {
    const hasNone = this.echo.target === null;
    this.buttons.forEach((button) => { button.disabled = hasNone || this.isTeaching; });
    if (hasNone) {
      this.place.replaceChildren(make("p", { class: "hint" }, "This needs the embedded echo server, and this gateway runs without it (--no-echo)."));
    }
  }

  async teach(button) {
    this.isTeaching = true;
    this.offer();
    const before = this.echo.impairments;
    try {
      await this.echo.impair("PUT", { ...lessons[button.value], expires_in_ms: expiry });
      this.show(await this.run(), button.value);
      await this.putBack(before);
    } catch (error) {
      this.place.replaceChildren(make("p", { class: "said wrong" }, error.detail));
    }
    this.isTeaching = false;
    this.offer();
    if (document.activeElement === document.body) { // Where a disabled button leaves it.
      button.focus({ preventScroll: true });
    }
  }

  async run() {
    const arrivals = [];
    const sent = make("ol", { class: "numbers", "aria-label": "Sent" }, ...Array.from({ length: count }, (_, i) => make("li", {}, String(i + 1))));
    const back = make("ol", { class: "numbers", "aria-label": "Came back, in this order" });
    this.place.replaceChildren(make("p", { class: "label" }, "Sent"), sent, make("p", { class: "label" }, "Came back, in this order"), back);
    const body = { target: this.echo.target.name, count, interval_ms: everyMilliseconds, timeout_ms: 500 };
    for await (const { seq, fate } of probe(body, new AbortController().signal)) {
      if (fate === "lost") {
        sent.children[seq - 1].className = "lost";
      } else if (seq) {
        const kind = fate === "duplicate" ? "twice" : seq < Math.max(0, ...arrivals) ? "overtaken" : "";
        arrivals.push(seq);
        back.append(make("li", { class: kind }, String(seq)));
      }
    }
    return {
      lost: sent.querySelectorAll(".lost").length,
      twice: back.querySelectorAll(".twice").length,
      overtaken: back.querySelectorAll(".overtaken").length,
    };
  }

  show({ lost, twice, overtaken }, lesson) {
    const sentence = {
      loss: lost && `${lost} of ${count} were lost. Nobody said so: their replies just never came, and only waiting tells.`,
      duplicate: twice && `${twice} of ${count} came back twice. A program that counts would now have counted wrong.`,
      reorder: overtaken && `${overtaken} of ${count} were overtaken by a later one. Without numbers nobody could put them in order.`,
    }[lesson] || "This time nothing happened to any of them: that is chance. Press again.";
    this.place.append(make("p", { class: "said" }, sentence));
    announce(sentence);
  }

  // Should this fail, what is in force expires.
  putBack(before) {
    return before ? this.echo.impair("PUT", before) : this.echo.impair("DELETE");
  }
}
