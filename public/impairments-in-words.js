import { grouped } from "./words.js";

/// What is switched on, as a list in words; empty when nothing is.
export function inWords(i) {
  const burst = i.burst_loss;
  return [
    i.loss_percent && `loss ${grouped(i.loss_percent)}\u00a0%`,
    burst && `bursts of loss (enter ${grouped(burst.enter_percent)}\u00a0%, leave ${grouped(burst.leave_percent)}\u00a0%)`,
    (i.delay_ms || i.jitter_ms) && `delay ${grouped(i.delay_ms)}${i.jitter_ms ? `\u00a0±\u00a0${grouped(i.jitter_ms)}` : ""}\u00a0ms`,
    i.duplicate_percent && `duplicate ${grouped(i.duplicate_percent)}\u00a0%`,
    i.corrupt_percent && `corrupt ${grouped(i.corrupt_percent)}\u00a0%`,
    i.reorder_percent && `reorder ${grouped(i.reorder_percent)}\u00a0%`,
    i.rate_kbit && `rate ${grouped(i.rate_kbit)}\u00a0kbit/s`,
  ].filter(Boolean).join(", ");
}
