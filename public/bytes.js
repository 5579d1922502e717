// Bytes and their spellings: text, hex, base64. Nothing here guesses: what has no such spelling is null.

const encoder = new TextEncoder();

// Without ignoreBOM a leading byte order mark would be swallowed, and the text would not be the same bytes.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function fromText(text) {
  return encoder.encode(text);
}

export function toText(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
}

/// Pairs of digits, with white space between pairs where it pleases; else a sentence that says what is wrong.
export function fromHex(text) {
  const digits = text.replace(/\s+/g, "");
  const stranger = digits.match(/[^0-9a-f]/iu);
  if (stranger) {
    return { error: `“${printable(stranger[0])}” is no hex digit.` };
  }
  if (digits.length % 2 === 1) {
    return { error: "A digit is missing: each byte takes two." };
  }
  return { bytes: Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.substr(2 * i, 2), 16)) };
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function sameBytes(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function printable(character) {
  return /[\p{C}\p{Z}]/u.test(character) ? `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}` : character;
}
