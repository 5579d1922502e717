// Panels whose code comes when they are needed.

/// Loads a panel when it is first used, and does again what was done to it before it was ready. Gives a function that
/// loads it now.
export function whenNeeded(panel, load) {
  const missed = [];
  const kinds = ["click", "input", "submit"];
  const keep = (event) => {
    if (event.type === "submit") {
      event.preventDefault();
    }
    // Only what waits for the panel: a submit button submits, and a summary opens, by itself.
    if (event.type !== "click" || event.target.matches("[type=button]")) {
      missed.push(event);
    }
    start();
  };
  let isLoading = false;
  const start = async () => {
    if (isLoading) {
      return;
    }
    isLoading = true;
    await load();
    kinds.forEach((kind) => panel.removeEventListener(kind, keep));
    panel.removeEventListener("focusin", start);
    missed.forEach(({ type, target }) => (type === "click" ? target.click() : target.dispatchEvent(new Event(type, { bubbles: true }))));
  };
  kinds.forEach((kind) => panel.addEventListener(kind, keep));
  panel.addEventListener("focusin", start);
  return start;
}

/// Once the page stands and the browser has nothing better to do.
export function onIdle(work) {
  const later = globalThis.requestIdleCallback ?? setTimeout;
  addEventListener("load", () => later(() => work(), { timeout: 500 }), { once: true });
}
