// The controls of what the echo server does to datagrams. They show what is in force, whoever set it.

import { button, make } from "./dom.js";
import { impairmentsInWords } from "./words.js";

const none = {
  loss_percent: 0, burst_loss: null, delay_ms: 0, jitter_ms: 0, distribution: "uniform", duplicate_percent: 0,
  corrupt_percent: 0, reorder_percent: 0, rate_kbit: null, seed: null, expires_in_ms: null,
};

// Round trips, since all of it happens between receipt and reply.
const presets = {
  "Lossy Wi-Fi": { burst_loss: { enter_percent: 3, leave_percent: 40 }, delay_ms: 6, jitter_ms: 4, distribution: "normal", duplicate_percent: 0.5 },
  "3G": { loss_percent: 0.5, delay_ms: 150, jitter_ms: 30, distribution: "normal", rate_kbit: 1600 },
  "Satellite": { loss_percent: 0.3, delay_ms: 600, jitter_ms: 8, distribution: "normal", rate_kbit: 10000 },
  "Everything": { loss_percent: 10, delay_ms: 80, jitter_ms: 20, duplicate_percent: 10, corrupt_percent: 10, reorder_percent: 25 },
};

// How far a slider goes; by number it goes further.
const sliderEnds = { delay_ms: 1000, jitter_ms: 200 };

const further = [
  ["Rate", "rate_kbit", "kbit/s", "for all that leaves, headers included", { min: 1 }],
  ["Burst begins", "enter_percent", "%", "chance at each datagram; within a burst all are lost", { min: 0, max: 100 }],
  ["Burst ends", "leave_percent", "%", "chance at each datagram", { min: 0, max: 100 }],
  ["Seed", "seed", "", "the same seed means the same fates, from the first", { min: 0, max: 2 ** 53 - 1, step: 1 }],
  ["Expiry", "expires_in_ms", "ms", "then back to none", { min: 1 }],
];

// So that a slider that is dragged does not ask sixty times a second.
const pauseInTyping = 250;

export class Impairments {
  constructor(echo, composer) {
    this.echo = echo;
    this.form = document.getElementById("impairments-form");
    this.note = document.getElementById("impairments-note");
    this.reset = document.getElementById("reset");
    this.presets = document.getElementById("presets");
    this.edits = {};

    this.presets.append(...Object.entries(presets).map(([name, preset]) => button(name, () => this.set("PUT", { ...none, ...preset }))));
    this.makeFurther();
    for (const slid of this.form.querySelectorAll("#knobs input")) {
      this.makeSlider(slid);
    }
    this.reset.addEventListener("click", () => this.set("DELETE"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply();
    });
    this.form.addEventListener("input", ({ target }) => this.edit(target));
    // What was left unfinished goes back to what is in force.
    this.form.addEventListener("focusout", () => this.showInForce());
    echo.subscribe(() => this.show());
    composer.onTarget(() => this.show());
    this.composer = composer;
    this.show();
  }

  makeFurther() {
    const shape = make("select", { id: "distribution", name: "distribution", "aria-describedby": "distribution-is" });
    shape.append(new Option("uniform", "uniform"), new Option("normal", "normal"));
    const place = document.getElementById("more-knobs");
    place.append(this.knob("Distribution", shape, "", "of the jitter"));
    for (const [label, name, unit, words, bounds] of further) {
      const field = make("input", { id: name, name, type: "number", step: "any", ...bounds, placeholder: "none", "aria-describedby": `${name}-is` });
      place.append(this.knob(label, field, unit, words));
    }
  }

  knob(label, field, unit, words) {
    const meaning = make("span", { id: `${field.id}-is` }, make("b", {}, unit), " ", make("i", {}, words));
    return make("div", { class: "knob" }, make("label", { for: field.id }, label), field, meaning);
  }

  // For the hand only: the number beside it is the same control for the keyboard and the screen reader.
  makeSlider(field) {
    const end = sliderEnds[field.name] ?? 100;
    const slider = make("input", { type: "range", min: 0, max: end, step: 1, value: 0, tabindex: "-1", "aria-hidden": "true" });
    slider.addEventListener("input", (event) => {
      event.stopPropagation();
      field.value = slider.value;
      this.edit(field);
    });
    field.slider = slider;
    field.before(slider);
  }

  edit(field) {
    if (field.slider) {
      field.slider.value = field.value;
    }
    this.edits[field.name] = field;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.apply(), pauseInTyping);
  }

  // What the gateway refused stays an edit: a reorder waits for its delay.
  async apply() {
    clearTimeout(this.timer);
    const fields = Object.values(this.edits);
    const wrong = fields.find((field) => !field.checkValidity());
    if (wrong) {
      this.say(`${wrong.labels[0].textContent}: ${wrong.validationMessage}`);
    } else if (fields.length > 0) {
      await this.set("PATCH", this.changes(fields));
    }
  }

  changes(fields) {
    const changes = Object.fromEntries(fields.map(({ name, value }) =>
      [name, name === "distribution" ? value : value === "" ? null : Number(value)]));
    if ("enter_percent" in changes || "leave_percent" in changes) {
      const [enter, leave] = ["enter_percent", "leave_percent"].map((name) => this.form.elements[name].value);
      delete changes.enter_percent;
      delete changes.leave_percent;
      changes.burst_loss = enter === "" ? null : { enter_percent: Number(enter), leave_percent: Number(leave || 100) };
    }
    return changes;
  }

  async set(method, impairments) {
    clearTimeout(this.timer);
    const sent = this.edits;
    try {
      await this.echo.impair(method, impairments);
      // What was typed meanwhile is still to be sent.
      this.edits = method === "PATCH" ? Object.fromEntries(Object.entries(this.edits).filter(([name]) => !(name in sent))) : {};
      this.say("");
      this.showInForce();
    } catch (error) {
      this.say(error.detail);
    }
  }

  show() {
    const { target, impairments } = this.echo;
    const hasNone = target === null;
    this.form.querySelectorAll("fieldset, .knobs input, .knobs select").forEach((control) => { control.disabled = hasNone; });
    [this.reset, ...this.presets.children].forEach((control) => { control.disabled = hasNone; });
    if (hasNone) {
      this.say("This gateway has no embedded echo server (--no-echo), so there is nothing to impair.");
    } else if (impairments) {
      this.showInForce();
      this.say(this.problem);
    }
  }

  /// Never over what is being edited.
  showInForce() {
    const { impairments } = this.echo;
    if (!impairments) {
      return;
    }
    const values = { ...impairments, ...impairments.burst_loss };
    for (const field of this.form.elements) {
      if (field.name && field !== document.activeElement && !(field.name in this.edits)) {
        field.value = values[field.name] ?? "";
        if (field.slider) {
          field.slider.value = field.value;
        }
      }
    }
  }

  /// A problem, else what there is to know.
  say(problem) {
    this.problem = problem;
    const chosen = this.composer?.chosenTarget();
    const words = problem || (this.echo.impairments && impairmentsInWords(this.echo.impairments) && chosen && !chosen.embedded
      ? `They do not touch messages to “${chosen.name}”, which is not the embedded server.` : "");
    if (this.note.textContent !== words) {
      this.note.textContent = words;
    }
    this.note.classList.toggle("wrong", Boolean(problem));
  }
}
