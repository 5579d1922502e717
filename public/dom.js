// A payload is hostile: children are nodes or text, so that nothing that came from the network is ever parsed.

import { clock } from "./words.js";

export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function makeSVG(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

export function button(name, onClick) {
  const element = make("button", { type: "button", class: "quiet" }, name);
  element.addEventListener("click", onClick);
  return element;
}

/// Terms and their values, in a row.
export function facts(members) {
  return make("dl", { class: "facts" }, ...Object.entries(members).map(([term, value]) =>
    make("div", {}, make("dt", {}, term), make("dd", {}, value))));
}

/// Local time, with as many decimals of a second as it came with, or `decimals`.
export function time(iso, decimals = undefined) {
  return make("time", { datetime: iso, title: iso }, clock(iso, decimals));
}

/// Says one sentence to a screen reader.
export function announce(sentence) {
  const region = document.getElementById("announcement");
  region.textContent = "";
  // The same sentence twice is only spoken twice when the region was seen empty in between.
  requestAnimationFrame(() => { region.textContent = sentence; });
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
