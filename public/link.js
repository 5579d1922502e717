// The state worth sharing is in the URL's fragment, which no server sees: a link fills in, it never sends.

const fields = ["timeout", "count", "interval", "size"].map((id) => document.getElementById(id));
const longestMessage = 2000;

export function shareByLink(composer) {
  let timer;
  const write = () => {
    const state = new URLSearchParams(composer.share(longestMessage));
    fields.filter((field) => field.value !== field.defaultValue).forEach((field) => state.set(field.id, field.value));
    const text = state.toString();
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };
  const read = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    fields.forEach((field) => { field.value = isNumber(state.get(field.id)) ? state.get(field.id) : field.defaultValue; });
    composer.fillIn(state);
  };
  // Browsers bound how often an address may change.
  document.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(write, 300);
  });
  addEventListener("hashchange", read);
  if (location.hash.length > 1) {
    read();
  }
}

function isNumber(text) {
  return text !== null && /^-?\d+(\.\d+)?$/.test(text);
}
