// One exchange: what was sent and what came of it.

import { actions } from "./exchange-actions.js";
import { fromBase64, fromText, toText } from "./bytes.js";
import { changedParts } from "./difference.js";
import { facts, make, time } from "./dom.js";
import { hexPayload, textPayload } from "./payload.js";
import { problemVerdict, replyVerdict, unreachableVerdict } from "./verdicts.js";
import { addressText, duration, sizeInWords } from "./words.js";

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
      ...(answer.match ? [payload(received)] : compared(request.bytes, received)),
      facts({
        "Size": sizeInWords(answer.bytes),
        "Sender": addressText(answer.sender),
        "Sent from": addressText(answer.local),
        "Target": make("bdi", {}, answer.target),
        "At": time(at, 0),
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
        "At": time(at, 0),
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

/// As text where it is text, else as hex.
function payload(bytes) {
  const text = toText(bytes);
  return text === null ? hexPayload(bytes) : textPayload(text);
}

/// What was sent and what came, in one form, with what differs marked in both: as text where both are text, else as hex.
function compared(sent, received) {
  const texts = [toText(sent), toText(received)];
  if (!texts.includes(null)) {
    const [before, after] = texts.map((text) => Array.from(text));
    return [
      labelled("Sent", textPayload(texts[0], changedParts(after, before))),
      labelled("Reply", textPayload(texts[1], changedParts(before, after))),
    ];
  }
  return [
    ...(texts[0] === null ? [] : [labelled("Sent", textPayload(texts[0]))]),
    labelled("Sent, in hex", hexPayload(sent, changedParts(received, sent))),
    labelled("Reply, in hex", hexPayload(received, changedParts(sent, received))),
  ];
}

function labelled(label, content) {
  return make("div", { class: "labelled" }, make("span", { class: "label" }, label), content);
}
