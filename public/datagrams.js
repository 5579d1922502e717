// The datagrams of the feed, as many as are kept, and those of them that the filter lets through.

import { fromHex } from "./bytes.js";
import { addressText } from "./words.js";

/// Enough for a look back; with the longest payloads some 15 MB.
export const kept = 5000;

export class Datagrams {
  constructor() {
    this.all = [];
    this.passes = null;
    this.shown = this.all;
  }

  /// Of the shown ones, 0 being the newest.
  at(index) {
    return this.shown[this.shown.length - 1 - index];
  }

  get length() {
    return this.shown.length;
  }

  /// Gives how many of them are shown.
  add(datagrams) {
    const before = this.shown.length;
    for (const datagram of datagrams) {
      this.all.push(datagram);
      if (this.passes?.(datagram)) {
        this.shown.push(datagram);
      }
    }
    const added = this.shown.length - before;
    // A tenth at a time: taking one from the front of a long array for each that comes would cost more.
    if (this.all.length > kept) {
      const dropped = new Set(this.all.splice(0, this.all.length - kept + kept / 10));
      if (this.passes) {
        this.shown = this.shown.filter((datagram) => !dropped.has(datagram));
      }
    }
    return added;
  }

  filter(words) {
    this.passes = filterFor(words.trim());
    this.shown = this.passes ? this.all.filter(this.passes) : this.all;
  }
}

/// Whether a datagram has the words in its text, its addresses or its fate, or these bytes in hex; null lets all through.
export function filterFor(words) {
  if (words === "") {
    return null;
  }
  const wanted = words.toLowerCase();
  const bytes = /^[0-9a-f]{2}([ ]?[0-9a-f]{2})*$/i.test(words) ? String.fromCharCode(...fromHex(words).bytes) : null;
  return (datagram) => textOf(datagram).includes(wanted) || (bytes !== null && datagram.base64 !== undefined && atob(datagram.base64).includes(bytes));
}

function textOf(datagram) {
  if (datagram.missed) {
    return "missed";
  }
  const { text, source, fate, reason, impairments, via_gateway: isOurs } = datagram;
  return `${text ?? ""} ${addressText(source)} ${fate} ${reason ?? ""} ${impairments.join(" ")} ${originOf(isOurs)}`.toLowerCase();
}

export function originOf(isOurs) {
  return isOurs ? "gateway" : "direct";
}
