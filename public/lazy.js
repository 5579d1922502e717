// Panels whose code comes when they are needed.

/// Loads a panel when it comes near the window or is first used, and does again what was done to it before it was ready.
/// Gives a function that loads it now.
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
  const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && start(), { rootMargin: "100px" });

  let isLoading = false;
  async function start() {
    if (isLoading) {
      return;
    }
    isLoading = true;
    seen.disconnect();
    await load();
    kinds.forEach((kind) => panel.removeEventListener(kind, keep));
    panel.removeEventListener("focusin", start);
    missed.forEach((event) => event.target.dispatchEvent(new event.constructor(event.type, event)));
  }

  kinds.forEach((kind) => panel.addEventListener(kind, keep));
  panel.addEventListener("focusin", start);
  seen.observe(panel);
  return start;
}

/// Once the page stands and the browser has nothing better to do.
export function onIdle(work) {
  const later = globalThis.requestIdleCallback ?? setTimeout;
  addEventListener("load", () => later(work), { once: true });
}
