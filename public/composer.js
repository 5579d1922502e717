// The form: one message, written as text or as hex, where it goes, and how long to wait.

import { fromHex, fromText, toHex, toText } from "./bytes.js";
import { announce } from "./dom.js";
import { addressText, grouped, sizeInWords } from "./words.js";

// What fits into one packet of 1,500 bytes, and into one datagram at all, after the headers of IP and UDP.
const bounds = { v4: { packet: 1472, datagram: 65_507 }, v6: { packet: 1452, datagram: 65_527 } };

export class Composer {
  constructor(onSend) {
    this.form = document.getElementById("compose");
    this.text = document.getElementById("message");
    this.hex = document.getElementById("message-hex");
    this.views = this.form.elements.view;
    this.target = document.getElementById("target");
    this.timeout = document.getElementById("timeout");
    this.targets = [];

    this.text.addEventListener("input", () => this.take({ bytes: fromText(this.text.value) }));
    this.hex.addEventListener("input", () => this.take(fromHex(this.hex.value)));
    this.form.addEventListener("change", (event) => event.target.name === "view" && this.show(this.views.value));
    this.target.addEventListener("input", () => this.describe());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      onSend(this.request());
    });
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
        event.preventDefault();
        this.form.requestSubmit();
      }
    });

    // A browser may have put back what was typed before a reload.
    this.views.value = "text";
    this.take({ bytes: fromText(this.text.value) });
  }

  request() {
    return {
      bytes: this.bytes,
      text: this.views.value === "text" ? toText(this.bytes) : null,
      target: this.chosenTarget(),
      timeout: this.timeout.valueAsNumber,
    };
  }

  /// What a link says of the message and its target; nothing of what is as at first, nor of a message that makes a link too long.
  share(longest) {
    const first = this.targets.find((target) => target.default)?.name;
    const isFirst = this.views.value === "text" && this.text.value === this.text.defaultValue;
    const isShort = this.bytes && this.bytes.length <= longest && !isFirst;
    return {
      ...(this.target.value && this.target.value !== first ? { target: this.target.value } : {}),
      ...(isShort ? this.views.value === "text" ? { message: this.text.value } : { hex: toHex(this.bytes).join("") } : {}),
    };
  }

  /// From a link; a target is chosen once it is known.
  fillIn(state) {
    const { bytes } = state.has("hex") ? fromHex(state.get("hex")) : {};
    this.wanted = state.get("target");
    this.views.value = bytes ? "hex" : "text";
    this.text.value = state.get("message") ?? this.text.defaultValue;
    this.take({ bytes: bytes ?? fromText(this.text.value) });
    this.show(this.views.value);
    this.offer(this.targets);
  }

  /// Keeps the choice where it is still there.
  offer(targets) {
    const chosen = this.wanted ?? this.target.value;
    this.targets = targets;
    this.target.replaceChildren(...targets.map(({ name }) => new Option(name, name)));
    const names = targets.map(({ name }) => name);
    this.target.value = names.includes(chosen) ? chosen : (targets.find((target) => target.default) ?? targets[0])?.name;
    this.target.disabled = targets.length === 0;
    if (targets.length > 0) {
      this.wanted = null;
    }
    this.describe();
  }

  take({ bytes, error }) {
    this.bytes = bytes;
    this.error = error;
    this.hex.setCustomValidity(error ?? "");
    this.describe();
  }

  show(view) {
    const asText = view === "text";
    if (asText) {
      this.text.value = toText(this.bytes);
    } else {
      this.hex.value = toHex(this.bytes).join(" ");
    }
    this.text.hidden = !asText;
    this.hex.hidden = asText;
    document.getElementById("text-label").hidden = !asText;
    document.getElementById("hex-label").hidden = asText;
    this.describe();
  }

  describe() {
    const target = this.chosenTarget();
    const { packet, datagram } = target?.address.includes(":") ? bounds.v6 : bounds.v4;
    const size = this.bytes?.length;
    const hasText = size !== undefined && isTypeable(toText(this.bytes));
    const words = [
      this.error,
      size > datagram ? `Over ${grouped(datagram)}: too large for one datagram.`
        : size > packet ? `Over ${grouped(packet)}: on an Ethernet path it will be fragmented.` : undefined,
      size !== undefined && !hasText ? "It has no form as typed text." : undefined,
    ].filter(Boolean).join(" ");
    document.getElementById("count-of-bytes").textContent = size === undefined ? "" : sizeInWords(size);
    const notice = document.getElementById("notice");
    this.sayLater(words, notice.textContent);
    notice.textContent = words;
    notice.classList.toggle("wrong", Boolean(this.error) || size > datagram);
    this.hex.setAttribute("aria-invalid", String(Boolean(this.error)));
    this.form.querySelector("input[value=text]").disabled = this.views.value === "hex" && !hasText;
    document.getElementById("target-address").textContent = target ? addressText(target) + (target.embedded ? ", built in" : "") : "\u00a0";
  }

  // Every other hex digit is an odd one: only a pause in typing makes a notice worth interrupting for.
  sayLater(words, before) {
    if (words !== before) {
      clearTimeout(this.speech);
      this.speech = words ? setTimeout(announce, 1000, words) : undefined;
    }
  }

  /// Calls when another target may have been chosen.
  onTarget(listener) {
    this.target.addEventListener("input", listener);
  }

  chosenTarget() {
    return this.targets.find(({ name }) => name === this.target.value);
  }
}

// A text field turns a carriage return into a line feed, so such bytes would not survive it.
function isTypeable(text) {
  return text !== null && !text.includes("\r");
}
