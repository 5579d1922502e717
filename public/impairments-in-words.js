import { grouped } from "./words.js";

/// What is switched on, as a list in words; empty when nothing is.
export function inWords(i) {
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
