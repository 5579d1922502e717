"""From samples to one table: medians, ratios of each round, their spread, and what is required."""

from dataclasses import dataclass
from statistics import median
from typing import Callable, Optional

WIDE_SPREAD = 0.25  # (max − min) ÷ median of a ratio; beyond it the machine was not quiet
IDLE_SERVER = 0.9  # below this share of its core a server was not the bottleneck


@dataclass
class Row:
    """One line: the same work done by Yodel and by its peer, with the bound on their ratio where there is one."""

    title: str
    unit: str
    yodel: str
    peer: str
    metric: Callable
    at_most: Optional[float] = None
    at_least: Optional[float] = None

    def ratios(self, samples):
        return [self.metric(a) / self.metric(b) for a, b in zip(samples[self.yodel], samples[self.peer])]

    def is_met(self, samples):
        ratio = median(self.ratios(samples))
        return (self.at_most is None or ratio <= self.at_most) and (self.at_least is None or ratio >= self.at_least)

    def cells(self, samples):
        ratios = self.ratios(samples)
        figures = [number(median(map(self.metric, samples[key]))) + self.unit for key in (self.yodel, self.peer)]
        return [self.title, f"{figures[0]}", f"{figures[1]} ({self.peer})", f"{median(ratios):.2f}",
                f"{min(ratios):.2f}–{max(ratios):.2f}", self.requirement(samples)]

    def requirement(self, samples):
        if self.at_most is None and self.at_least is None:
            return ""
        bound = f"≤ {self.at_most}" if self.at_most is not None else f"≥ {self.at_least}"
        return bound + (": met" if self.is_met(samples) else ": MISSED")


HEADINGS = ["work", "Yodel", "peer", "ratio", "min–max", "required"]

# The samples' names; they are also what the table calls the peers.
RELAY, GATEWAY, CONSTANT, C_RELAY = "yodel, echo elsewhere", "yodel", "constant.c", "relay.c"
YODEL_ECHO, ECHO = "yodel echo", "echo.c"

ROWS = [
    Row("JSON message relayed, gateway process alone: CPU", " µs", RELAY, CONSTANT, lambda s: s.cpu_us, at_most=3.0),
    Row("the same: CPU", " µs", RELAY, C_RELAY, lambda s: s.cpu_us),
    Row("JSON message relayed, embedded echo server included: CPU", " µs", GATEWAY, CONSTANT, lambda s: s.cpu_us),
    Row("JSON messages relayed, gateway process alone", "/s", RELAY, CONSTANT, lambda s: s.rate),
    Row("datagrams echoed", "/s", YODEL_ECHO, ECHO, lambda s: s.rate, at_least=0.85),
    Row("datagram echoed: CPU", " µs", YODEL_ECHO, ECHO, lambda s: s.cpu_us),
]


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def missed(samples):
    return [row.title for row in ROWS if not row.is_met(samples)]


def faults(samples):
    return [f"{name}, round {index + 1}: {fault}"
            for name, list_ in samples.items() for index, sample in enumerate(list_) for fault in sample.faults]


def warnings(samples):
    found = []
    for row in ROWS:
        ratios = row.ratios(samples)
        spread = (max(ratios) - min(ratios)) / median(ratios)
        if spread > WIDE_SPREAD:
            found.append(f"wide spread ({spread:.0%} of the median): {row.title}. The machine was not quiet.")
    for name, list_ in samples.items():
        busy = median(sample.busy for sample in list_)
        if busy < IDLE_SERVER:
            found.append(f"{name} used only {busy:.0%} of its core: its rate is not its limit (and part-filled batches cost more CPU)")
    return found


def notes(samples):
    """What a reader of the table may ask next."""
    busy = ", ".join(f"{name} {median(s.busy for s in list_):.0%}" for name, list_ in samples.items())
    lost = ", ".join(f"{name} {sum(s.lost for s in samples[name]):,} of {sum(s.answered for s in samples[name]):,}"
                     for name in (YODEL_ECHO, ECHO))
    wrong = len(faults(samples))
    return [f"Share of a core used: {busy}.", f"Datagrams lost: {lost}.",
            f"Answers that were errors or wrong: {'none' if wrong == 0 else f'{wrong} found, see below'}."]


def text_table(samples):
    table = [HEADINGS] + [row.cells(samples) for row in ROWS]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def markdown_table(samples):
    rows = [HEADINGS, ["---"] * len(HEADINGS)] + [row.cells(samples) for row in ROWS]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
