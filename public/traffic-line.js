// A datagram as one line of the traffic.

import { fromBase64, toHex } from "./bytes.js";
import { originOf } from "./datagrams.js";
import { make } from "./dom.js";
import { addressText, clock, grouped } from "./words.js";

const fields = ["when", "who", "from", "size", "fate", "what"];
const invisible = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]+/gu;

/// Writes it into a row, which may have shown another before.
export function fillLine(row, datagram, isChosen) {
  if (row.childElementCount === 0) {
    row.append(...fields.map((name) => make("span", { class: name })));
  }
  const { missed, fate, text, via_gateway: isOurs } = datagram;
  const values = missed ? { what: `${grouped(missed)} datagrams were missed: this page was too slow, or away.` } : inShort(datagram);
  fields.forEach((name, i) => { row.children[i].textContent = values[name] ?? ""; });
  row.className = ["line", ...(missed ? ["missed"] : [fate, originOf(isOurs)]), text === null ? "binary" : ""].join(" ");
  row.setAttribute("aria-current", String(isChosen));
}

function inShort(datagram) {
  const { text, base64, fate, impairments, reason } = datagram;
  return {
    when: clock(datagram.time),
    who: originOf(datagram.via_gateway),
    from: addressText(datagram.source),
    size: `${datagram.bytes} B`,
    fate: [reason ? `${fate}: ${reason.replaceAll("_", " ")}` : fate, ...impairments.filter((kind) => kind !== "loss")].join(", "),
    what: text === null ? hexOf(base64) : text.slice(0, 200).replace(invisible, " "),
  };
}

function hexOf(base64) {
  return toHex(fromBase64(base64.slice(0, 64))).join(" ");
}
