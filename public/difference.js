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

// More marks than this tell less than one.
const mostParts = 100;

/// The parts of `received`, each from and to, that are not as in `sent`: one by one where the lengths are equal, else what
/// common beginnings and ends leave over. For bytes and for arrays of characters.
export function changedParts(sent, received) {
  const parts = sent.length === received.length ? runs(sent, received) : null;
  return parts && parts.length <= mostParts ? parts : [between(sent, received)];
}

function runs(sent, received) {
  const parts = [];
  for (let i = 0; i < received.length; i += 1) {
    if (sent[i] !== received[i]) {
      if (parts.at(-1)?.to !== i) {
        parts.push({ from: i, to: i });
      }
      parts.at(-1).to = i + 1;
    }
  }
  return parts;
}

function between(sent, received) {
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
