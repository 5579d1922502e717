// Numbers as they are read. Without toLocaleString: the first call loads the browser's tables, which takes 25 ms.

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

function inThousands(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
