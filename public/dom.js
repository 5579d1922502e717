// A payload is hostile: children are nodes or text, so that nothing that came from the network is ever parsed.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/// Says one sentence to a screen reader.
export function announce(sentence) {
  const region = document.getElementById("announcement");
  region.textContent = "";
  // The same sentence twice is only spoken twice when the region was seen empty in between.
  requestAnimationFrame(() => { region.textContent = sentence; });
}
