// Exchanges that survive a reload, in this browser only.

import { fromHex, fromText } from "./bytes.js";
import { messageBody } from "./gateway.js";

const key = "yodel-history";

/// So that a page left open for a week does not grow.
export const kept = 200;

// Browsers give an origin some 5 million characters.
const longest = 1_000_000;

export class History {
  constructor() {
    this.stored = read();
  }

  /// The oldest first.
  get records() {
    return this.stored.map(({ request, ...rest }) => ({ ...rest, request: asRequest(request) }));
  }

  add({ request, ...rest }) {
    const { address, port, name } = request.target ?? {};
    const record = { ...rest, request: { ...messageBody(request), target: name ? { name, address, port } : null } };
    // Another tab may have written meanwhile.
    this.stored = [...read(), record].slice(-kept);
    let lengths = this.stored.map((entry) => JSON.stringify(entry).length);
    while (lengths.length > 1 && lengths.reduce((sum, length) => sum + length) > longest) {
      lengths.shift();
      this.stored.shift();
    }
    write(this.stored);
  }

  clear() {
    this.stored = [];
    write(null);
  }
}

function asRequest({ message, hex, target, timeout_ms: timeout }) {
  return { bytes: hex === undefined ? fromText(message) : fromHex(hex).bytes, text: message ?? null, target, timeout };
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? [];
  } catch {
    return []; // Switched off, or written by another version.
  }
}

function write(records) {
  try {
    if (records) {
      localStorage.setItem(key, JSON.stringify(records));
    } else {
      localStorage.removeItem(key);
    }
  } catch {
    // Full or switched off: then the history lasts until the reload.
  }
}
