// How a payload is shown: as text that cannot reorder, hide or colour anything around it, or as hex.

import { make } from "./dom.js";
import { toHex } from "./bytes.js";

// Long payloads are shown in part first: 65,507 bytes would push everything else away.
const previewCharacters = 640;
const previewBytes = 256;

// What joins an emoji stays; whatever else is invisible, reorders text or only looks like a space is spelled out.
const joinsAnEmoji = "(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}]\\uFE0F?)\\u200D(?=\\p{Extended_Pictographic})|(?<=\\p{Emoji})\\uFE0F";
const notVisible = "[\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}\\u00A0\\u1680\\u2000-\\u200A\\u202F\\u205F]";
const special = new RegExp(`(?<joiner>${joinsAnEmoji})|(?<escaped>${notVisible})`, "gu");

const shortEscapes = new Map([["\0", "\\0"], ["\t", "\\t"], ["\r", "\\r"], ["\n", "\\n"]]);

/// `differs` are the parts of the text, in code points from and to, that are not the same on the other side.
export function textPayload(text, differs = []) {
  const characters = Array.from(text);
  return preview(characters, previewCharacters, differs, (part) => escaped(part.join("")));
}

export function hexPayload(bytes, differs = []) {
  return preview(toHex(bytes), previewBytes, differs, (part) => [part.join(" ")], " ");
}

function preview(units, limit, differs, render, separator = "") {
  const isolated = make("bdi", { dir: "auto" });
  const box = make("pre", { class: "payload" }, isolated);
  const fill = (end) => isolated.replaceChildren(...marked(units.slice(0, end), differs, render, separator));
  fill(limit);
  if (units.length === 0) {
    isolated.append(make("i", { class: "nothing" }, "empty: 0 bytes"));
  }
  if (units.length > limit) {
    const more = make("button", { type: "button", class: "quiet more" }, "Show all of it");
    more.addEventListener("click", () => {
      fill(units.length);
      more.remove();
      box.tabIndex = -1;
      box.focus();
    });
    box.append("…", more);
  }
  return box;
}

function marked(units, differs, render, separator) {
  const nodes = [];
  const add = (from, to, wrap) => {
    if (from < to) {
      nodes.push(nodes.length ? separator : "", ...wrap(render(units.slice(from, to))));
    }
  };
  let end = 0;
  for (const { from, to } of differs) {
    add(end, Math.min(from, units.length), (part) => part);
    add(from, Math.min(to, units.length), (part) => [make("mark", {}, ...part)]);
    end = to;
  }
  add(end, units.length, (part) => part);
  return nodes;
}

function escaped(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(special)) {
    if (match.groups.joiner) {
      continue;
    }
    nodes.push(text.slice(end, match.index), make("span", { class: "escape" }, spelled(match[0])));
    end = match.index + match[0].length;
    if (match[0] === "\n") {
      nodes.push("\n");
    }
  }
  nodes.push(text.slice(end));
  return nodes;
}

function spelled(character) {
  const code = character.codePointAt(0);
  const digits = code.toString(16);
  return shortEscapes.get(character)
    ?? (code < 0x80 ? `\\x${digits.padStart(2, "0")}` : code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`);
}
