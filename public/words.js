// Numbers as they are read.

export function grouped(number) {
  return number.toLocaleString("en", { maximumFractionDigits: 3 });
}

/// One decimal is enough of a percentage; the space never breaks.
export function percent(value) {
  return `${value.toLocaleString("en", { maximumFractionDigits: 1 })}\u00a0%`;
}

export function sizeInWords(count) {
  return `${grouped(count)} ${count === 1 ? "byte" : "bytes"}`;
}

export function duration(milliseconds) {
  const digits = milliseconds < 10 ? 3 : milliseconds < 100 ? 2 : 1;
  return `${milliseconds.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`;
}
