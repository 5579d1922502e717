// The log of exchanges, newest first.

import { addressText, isLoopback } from "./address.js";
import { fromBase64, fromText, sizeInWords, toText } from "./bytes.js";
import { copy } from "./clipboard.js";
import { asCurl, asNetcat, asPython } from "./copy-as.js";
import { changedPart } from "./difference.js";
import { announce, make } from "./dom.js";
import { hexPayload, textPayload } from "./payload.js";
import { currentToken } from "./token.js";
import { problemVerdict, replyVerdict, unreachableVerdict } from "./verdicts.js";

// So that a page left open for a week does not grow.
const keptExchanges = 200;

const signs = { waiting: "…", reply: "✓", differs: "≠", silent: "–", failed: "✕" };
let count = 0;

export class ExchangeLog {
  constructor(onResend) {
    this.log = document.getElementById("exchanges");
    this.onResend = onResend;
  }

  begin(request) {
    document.getElementById("no-exchanges").hidden = true;
    const entry = new Entry(request, () => this.onResend(request));
    this.log.prepend(entry.element);
    entry.bringIntoView();
    while (this.log.childElementCount > keptExchanges) {
      this.log.lastElementChild.remove();
    }
    return entry;
  }
}

class Entry {
  constructor(request, onResend) {
    count += 1;
    this.request = request;
    this.began = new Date();
    this.heading = make("h3", { id: `exchange-${count}` });
    this.roundTrip = make("p", { class: "round-trip" });
    this.body = make("div", { class: "outcome" });
    this.element = make("article", { class: "exchange", "aria-labelledby": this.heading.id },
      make("header", {}, this.heading, this.roundTrip), this.body, this.actions(onResend));
    this.verdict({ kind: "waiting", title: "Waiting for the reply", detail: "" });
  }

  replied(answer) {
    const { request } = this;
    const received = answer.reply === null ? fromBase64(answer.reply_base64) : fromText(answer.reply);
    const verdict = replyVerdict(request, received, answer.match);
    this.sender = answer.sender;
    this.verdict(verdict);
    this.roundTrip.append("Round trip ", make("strong", {}, duration(answer.rtt_ms)));
    this.body.append(
      ...(answer.match ? [payload(received)] : [labelled("Sent", payload(request.bytes)), labelled("Reply", payload(received, request.bytes))]),
      facts({
        "Size": sizeInWords(answer.bytes),
        "Sender": addressText(answer.sender),
        "Sent from": addressText(answer.local),
        "Target": make("bdi", {}, answer.target),
        "At": clock(this.began),
      }));
    this.bringIntoView();
    announce(`${verdict.title}. ${verdict.detail} ${duration(answer.rtt_ms)}.`);
  }

  failed(verdict) {
    const { bytes, target } = this.request;
    this.verdict(verdict);
    this.body.append(
      labelled("Sent", payload(bytes)),
      facts({
        "Size": sizeInWords(bytes.length),
        ...(target ? { "Target": make("bdi", {}, `${target.name}, ${addressText(target)}`) } : {}),
        "At": clock(this.began),
      }));
    this.bringIntoView();
    announce(`${verdict.title}. ${verdict.detail}`);
  }

  refused(problem) {
    this.failed(problemVerdict(this.request, problem));
  }

  unanswered() {
    this.failed(unreachableVerdict());
  }

  // On a phone, or scrolled down, the top of the log is out of sight. Where it is in sight, nothing moves.
  bringIntoView() {
    this.element.scrollIntoView({ block: "nearest" });
  }

  verdict({ kind, title, detail }) {
    this.element.dataset.kind = kind;
    this.heading.replaceChildren(make("span", { class: "sign", "aria-hidden": "true" }, signs[kind]), title);
    this.body.replaceChildren(...(detail ? [make("p", { class: "detail" }, make("bdi", {}, detail))] : []));
  }

  actions(onResend) {
    const note = make("span", { class: "note" });
    const button = (name, onClick) => {
      const element = make("button", { type: "button", class: "quiet" }, name);
      element.addEventListener("click", onClick);
      return element;
    };
    const copier = (name, compose) => button(`Copy as ${name}`, async () => {
      const { command, error } = compose();
      const done = error ?? ((await copy(command)) ? copied(name, this.request.target) : "The browser did not let it be copied.");
      note.textContent = done;
      announce(done);
    });
    const hasToken = () => currentToken() !== null;
    return make("footer", { class: "actions" },
      button("Resend", onResend),
      copier("curl", () => asCurl(this.request, hasToken())),
      copier("Python", () => asPython(this.request, hasToken())),
      copier("nc", () => asNetcat(this.request, this.sender)),
      note);
  }
}

function copied(name, target) {
  const elsewhere = name === "nc" && target && isLoopback(target.address) && !isLoopback(location.hostname);
  return elsewhere ? "Copied, for a shell on the gateway’s machine." : "Copied.";
}

/// As text where it is text, else as hex; what was not `expected` is marked.
function payload(bytes, expected = null) {
  const text = toText(bytes);
  if (text === null) {
    return hexPayload(bytes, expected && changedPart(expected, bytes));
  }
  const expectedText = expected && toText(expected);
  return textPayload(text, expectedText === null ? null : changedPart(Array.from(expectedText), Array.from(text)));
}

function labelled(label, content) {
  return make("div", { class: "labelled" }, make("span", { class: "label" }, label), content);
}

function facts(members) {
  return make("dl", { class: "facts" }, ...Object.entries(members).map(([term, value]) =>
    make("div", {}, make("dt", {}, term), make("dd", {}, value))));
}

function duration(milliseconds) {
  const digits = milliseconds < 10 ? 3 : milliseconds < 100 ? 2 : 1;
  return `${milliseconds.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`;
}

function clock(now) {
  return make("time", { datetime: now.toISOString() }, now.toLocaleTimeString());
}
