// Panels whose code comes when they are needed.

/// Loads a panel's module when it is first used, hands it to `begin`, and does again what was done to the panel before.
/// Gives a function that does so now; where the gateway cannot be reached, that waits for the next time.
export function whenNeeded(panel, load, begin) {
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
    const module = await load().catch((error) => {
      if (!(error instanceof TypeError)) { // Which is what a failed fetch is called.
        throw error;
      }
    });
    isLoading = module !== undefined;
    if (!isLoading) {
      return;
    }
    begin(module);
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
