// In what a reply differs from what was sent.

import { grouped, sizeInWords } from "./words.js";

/// One sentence about the bytes.
export function differenceInWords(sent, received) {
  const offset = firstDifference(sent, received);
  if (received.length === 0) {
    return `An empty datagram came back for ${sizeInWords(sent.length)}.`;
  }
  if (sent.length === received.length) {
    const count = sent.reduce((sum, byte, i) => sum + (byte !== received[i]), 0);
    const howMany = `${grouped(count)} of ${sizeInWords(sent.length)} ${count === 1 ? "differs" : "differ"}`;
    return `${howMany}${count === 1 ? "" : ", the first"} at offset ${grouped(offset)}: ${hex(sent[offset])} went out, ${hex(received[offset])} came back.`;
  }
  if (offset === received.length) {
    return `Cut short: the first ${grouped(received.length)} of ${sizeInWords(sent.length)} came back.`;
  }
  if (offset === sent.length) {
    return `${sizeInWords(received.length - sent.length)} more came back than went out.`;
  }
  return `${sizeInWords(received.length)} came back for ${grouped(sent.length)}; they differ from offset ${grouped(offset)} on.`;
}

/// The part of `received`, from and to, that common beginnings and ends leave over. For bytes and for arrays of characters.
export function changedPart(sent, received) {
  const from = firstDifference(sent, received);
  let end = 0;
  const shortest = Math.min(sent.length, received.length) - from;
  while (end < shortest && sent[sent.length - 1 - end] === received[received.length - 1 - end]) {
    end += 1;
  }
  return { from, to: received.length - end };
}

function firstDifference(sent, received) {
  const shortest = Math.min(sent.length, received.length);
  let i = 0;
  while (i < shortest && sent[i] === received[i]) {
    i += 1;
  }
  return i;
}

function hex(byte) {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
