// Bytes as hexdump -C and Wireshark show them: offset, hex, characters.

import { make } from "./dom.js";
import { toHex } from "./bytes.js";

export function hexDump(bytes) {
  const width = matchMedia("(max-width: 40rem)").matches ? 8 : 16;
  const lines = [];
  for (let offset = 0; offset < bytes.length; offset += width) {
    const part = bytes.subarray(offset, offset + width);
    const characters = Array.from(part, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${offset.toString(16).padStart(4, "0")}  ${toHex(part).join(" ").padEnd(3 * width - 1)}  ${characters}`);
  }
  return make("pre", { class: "payload dump", role: "group", tabindex: "0", "aria-label": "Its bytes in hex" }, lines.join("\n") || "no bytes");
}
