// One exchange: what was sent and what came of it.

import { addressText } from "./address.js";
import { actions } from "./exchange-actions.js";
import { fromBase64, fromText, toText } from "./bytes.js";
import { changedPart } from "./difference.js";
import { facts, make, time } from "./dom.js";
import { hexPayload, textPayload } from "./payload.js";
import { problemVerdict, replyVerdict, unreachableVerdict } from "./verdicts.js";
import { duration, sizeInWords } from "./words.js";

const signs = { waiting: "…", reply: "✓", differs: "≠", silent: "–", failed: "✕" };
let count = 0;

export class Exchange {
  constructor(record, onResend) {
    count += 1;
    this.record = record;
    this.heading = make("h3", { id: `exchange-${count}` });
    this.roundTrip = make("p", { class: "round-trip" });
    this.body = make("div", { class: "outcome" });
    this.element = make("article", { class: "exchange card", "aria-labelledby": this.heading.id },
      make("header", {}, this.heading, this.roundTrip), this.body, actions(record, onResend));
    if (record.outcome) {
      this.decided();
    } else {
      this.verdict({ kind: "waiting", title: "Waiting for the reply", detail: "" });
    }
  }

  /// Shows the outcome; gives it back as one sentence to be spoken.
  decided() {
    const { request, outcome: { answer, problem } } = this.record;
    return answer ? this.replied(answer) : this.failed(problem ? problemVerdict(request, problem) : unreachableVerdict());
  }

  replied(answer) {
    const { request, at } = this.record;
    const received = answer.reply === null ? fromBase64(answer.reply_base64) : fromText(answer.reply);
    const verdict = replyVerdict(request, received, answer.match);
    this.verdict(verdict);
    this.roundTrip.append("Round trip ", make("strong", {}, duration(answer.rtt_ms)));
    this.body.append(
      ...(answer.match ? [payload(received)] : [labelled("Sent", payload(request.bytes)), labelled("Reply", payload(received, request.bytes))]),
      facts({
        "Size": sizeInWords(answer.bytes),
        "Sender": addressText(answer.sender),
        "Sent from": addressText(answer.local),
        "Target": make("bdi", {}, answer.target),
        "At": time(at),
      }));
    return `${verdict.title}. ${verdict.detail} ${duration(answer.rtt_ms)}.`;
  }

  failed(verdict) {
    const { request: { bytes, target }, at } = this.record;
    this.verdict(verdict);
    this.body.append(
      labelled("Sent", payload(bytes)),
      facts({
        "Size": sizeInWords(bytes.length),
        ...(target ? { "Target": make("bdi", {}, `${target.name}, ${addressText(target)}`) } : {}),
        "At": time(at),
      }));
    return `${verdict.title}. ${verdict.detail}`;
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
