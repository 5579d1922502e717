/// What is switched on, as a list in words; empty when nothing is.
export function inWords(i) {
  const burst = i.burst_loss;
  return [
    i.loss_percent && `loss ${number(i.loss_percent)} %`,
    burst && `bursts of loss (enter ${number(burst.enter_percent)} %, leave ${number(burst.leave_percent)} %)`,
    (i.delay_ms || i.jitter_ms) && `delay ${number(i.delay_ms)}${i.jitter_ms ? ` ± ${number(i.jitter_ms)}` : ""} ms`,
    i.duplicate_percent && `duplicate ${number(i.duplicate_percent)} %`,
    i.corrupt_percent && `corrupt ${number(i.corrupt_percent)} %`,
    i.reorder_percent && `reorder ${number(i.reorder_percent)} %`,
    i.rate_kbit && `rate ${number(i.rate_kbit)} kbit/s`,
  ].filter(Boolean).join(", ");
}

function number(value) {
  return value.toLocaleString("en", { maximumFractionDigits: 3 });
}
