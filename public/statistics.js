// A series in figures, as the gateway's own summary defines them: for the table while it runs, and for one that was stopped.

const fates = ["reply", "late", "corrupted", "lost", "unreachable"];

export class SeriesRecord {
  constructor() {
    this.lines = [];
    this.fateOf = new Map();
    this.duplicates = 0;
    this.reordered = 0;
    this.highest = 0;
    this.roundTrips = new Map();
  }

  /// A line of the answer, but not its summary.
  add(line) {
    this.lines.push(line);
    const { seq, fate, rtt_ms: roundTrip } = line;
    if (fate === "duplicate") {
      this.duplicates += 1;
      return;
    }
    if (!fates.includes(fate)) {
      return;
    }
    this.fateOf.set(seq, fate); // A late reply overrides what had been given up.
    if (fate === "lost" || fate === "unreachable") {
      return;
    }
    if (seq < this.highest) {
      this.reordered += 1;
    }
    this.highest = Math.max(this.highest, seq);
    if (fate === "reply") {
      this.roundTrips.set(seq, roundTrip);
    }
  }

  get decided() {
    return this.fateOf.size;
  }

  summary() {
    const counts = Object.fromEntries(fates.map((fate) => [fate, 0]));
    for (const fate of this.fateOf.values()) {
      counts[fate] += 1;
    }
    const { reply: received, ...others } = counts;
    const sent = this.decided;
    return {
      complete: false, sent, received, ...others,
      loss_percent: sent ? (100 * (counts.lost + counts.unreachable)) / sent : null,
      duplicates: this.duplicates, reordered: this.reordered,
      rtt_ms: distribution(Float64Array.from(this.roundTrips.values())), jitter_ms: jitter(this.roundTrips),
    };
  }
}

/// The nearest rank of the sorted samples.
export function percentile(sorted, percent) {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

/// Equal classes from the shortest round trip to the longest.
export function histogram(samples, classes) {
  const from = samples.reduce((least, sample) => Math.min(least, sample), Infinity);
  const to = samples.reduce((most, sample) => Math.max(most, sample), 0);
  const width = (to - from) / classes || 1;
  const counts = new Array(classes).fill(0);
  for (const sample of samples) {
    counts[Math.min(classes - 1, Math.floor((sample - from) / width))] += 1;
  }
  return { from, to, counts };
}

function distribution(samples) {
  if (samples.length === 0) {
    return { min: null, mean: null, p50: null, p90: null, p99: null, max: null, stddev: null };
  }
  const sorted = samples.sort();
  const mean = sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length;
  const variance = sorted.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / sorted.length;
  return {
    min: sorted[0], mean, p50: percentile(sorted, 50), p90: percentile(sorted, 90), p99: percentile(sorted, 99),
    max: sorted.at(-1), stddev: Math.sqrt(variance),
  };
}

/// The mean of what consecutive numbers differ by.
function jitter(roundTrips) {
  let sum = 0;
  let pairs = 0;
  for (const [seq, roundTrip] of roundTrips) {
    const before = roundTrips.get(seq - 1);
    if (before !== undefined) {
      sum += Math.abs(roundTrip - before);
      pairs += 1;
    }
  }
  return pairs ? sum / pairs : null;
}
