// The log of exchanges, newest first, as long as this browser keeps it.

import { announce, button } from "./dom.js";
import { Exchange } from "./exchange.js";
import { save, toCSV } from "./export.js";
import { Problem, sendMessage } from "./gateway.js";
import { History, kept } from "./history.js";
import { addressText } from "./words.js";

export class ExchangeLog {
  constructor() {
    this.log = document.getElementById("exchanges");
    this.empty = document.getElementById("no-exchanges");
    this.tools = document.getElementById("exchanges-tools");
    this.history = new History();
    this.tools.append(
      button("Save as JSON", () => save("yodel-exchanges.json", "application/json", JSON.stringify(this.history.stored, null, 2))),
      button("Save as CSV", () => save("yodel-exchanges.csv", "text/csv", toCSV(this.history.records.map(row)))),
      button("Clear", () => this.clear()));
    this.log.append(...this.history.records.map((record) => this.card(record).element).reverse());
    this.showState();
  }

  async send(request) {
    const record = { id: crypto.getRandomValues(new Uint32Array(2)).join("-"), at: new Date().toISOString(), request };
    const exchange = this.card(record);
    exchange.element.classList.add("new");
    this.log.prepend(exchange.element);
    while (this.log.childElementCount > kept) {
      this.log.lastElementChild.remove();
    }
    this.showState();
    exchange.bringIntoView();
    record.outcome = await outcomeOf(request);
    announce(exchange.decided());
    exchange.bringIntoView();
    this.history.add(record);
  }

  card(record) {
    return new Exchange(record, () => this.send(record.request));
  }

  clear() {
    this.history.clear();
    this.log.replaceChildren();
    this.showState();
    announce("Cleared.");
    document.getElementById("message").focus();
  }

  showState() {
    const isEmpty = this.log.childElementCount === 0;
    this.empty.hidden = !isEmpty;
    this.tools.hidden = isEmpty;
  }
}

async function outcomeOf(request) {
  try {
    return { answer: await sendMessage(request) };
  } catch (error) {
    return error instanceof Problem ? { problem: { ...error.members, name: error.name, retry_after: error.retryAfter } } : { unreachable: true };
  }
}

function row({ at, request, outcome: { answer = {}, problem } }) {
  return {
    time: at,
    target: request.target?.name ?? "",
    sent_bytes: request.bytes.length,
    sent: request.text ?? "",
    outcome: problem ? problem.name : answer.sender ? "reply" : "unreachable",
    match: answer.match ?? "",
    rtt_ms: answer.rtt_ms ?? "",
    reply_bytes: answer.bytes ?? "",
    reply: answer.reply ?? "",
    reply_base64: answer.reply_base64 ?? "",
    sender: answer.sender ? addressText(answer.sender) : "",
    local: answer.local ? addressText(answer.local) : "",
  };
}
