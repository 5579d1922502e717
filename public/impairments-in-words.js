/// What is switched on, as a list in words; empty when nothing is.
export function inWords(i) {
  const burst = i.burst_loss;
  return [
    i.loss_percent && `loss ${number(i.loss_percent)}\u00a0%`,
    burst && `bursts of loss (enter ${number(burst.enter_percent)}\u00a0%, leave ${number(burst.leave_percent)}\u00a0%)`,
    (i.delay_ms || i.jitter_ms) && `delay ${number(i.delay_ms)}${i.jitter_ms ? `\u00a0±\u00a0${number(i.jitter_ms)}` : ""}\u00a0ms`,
    i.duplicate_percent && `duplicate ${number(i.duplicate_percent)}\u00a0%`,
    i.corrupt_percent && `corrupt ${number(i.corrupt_percent)}\u00a0%`,
    i.reorder_percent && `reorder ${number(i.reorder_percent)}\u00a0%`,
    i.rate_kbit && `rate ${number(i.rate_kbit)}\u00a0kbit/s`,
  ].filter(Boolean).join(", ");
}

function number(value) {
  return value.toLocaleString("en", { maximumFractionDigits: 3 });
}
