// What the gateway says in words: numbers, times, addresses, impairments. Without toLocaleString: the first call loads the browser's tables, which takes 25 ms.

/// With commas between thousands, and at most `digits` decimals.
export function grouped(number, digits = 3) {
  const [whole, decimals] = String(Number(number.toFixed(digits))).split(".");
  return inThousands(whole) + (decimals ? `.${decimals}` : "");
}

/// One decimal is enough of a percentage; the space never breaks.
export function percent(value) {
  return `${grouped(value, 1)}\u00a0%`;
}

export function sizeInWords(count) {
  return `${grouped(count)} ${count === 1 ? "byte" : "bytes"}`;
}

export function duration(milliseconds) {
  const [whole, decimals] = milliseconds.toFixed(milliseconds < 10 ? 3 : milliseconds < 100 ? 2 : 1).split(".");
  return `${inThousands(whole)}.${decimals} ms`;
}

/// The local time of day. What is below a millisecond, a Date does not hold, so the decimals come from the text.
export function clock(iso, decimals = 6) {
  const time = new Date(iso);
  const whole = [time.getHours(), time.getMinutes(), time.getSeconds()].map((number) => String(number).padStart(2, "0")).join(":");
  const fraction = (iso.match(/\.(\d+)/)?.[1] ?? "").slice(0, decimals);
  return fraction ? `${whole}.${fraction}` : whole;
}

/// As in the API's texts: brackets around IPv6.
export function addressText({ address, port }) {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/// What is switched on, as a list in words; empty when nothing is.
export function impairmentsInWords(i) {
  const burst = i.burst_loss;
  return [
    i.loss_percent && `loss ${grouped(i.loss_percent)} %`,
    burst && `bursts of loss (enter ${grouped(burst.enter_percent)} %, leave ${grouped(burst.leave_percent)} %)`,
    (i.delay_ms || i.jitter_ms) && `delay ${grouped(i.delay_ms)}${i.jitter_ms ? ` ± ${grouped(i.jitter_ms)}` : ""} ms`,
    i.duplicate_percent && `duplicate ${grouped(i.duplicate_percent)} %`,
    i.corrupt_percent && `corrupt ${grouped(i.corrupt_percent)} %`,
    i.reorder_percent && `reorder ${grouped(i.reorder_percent)} %`,
    i.rate_kbit && `rate ${grouped(i.rate_kbit)} kbit/s`,
  ].filter(Boolean).join(", ");
}

function inThousands(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
