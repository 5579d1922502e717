"""From samples to one table: medians, ratios of each round, their spread, and what is wanted and required."""

from statistics import median

import rows
from rows import Plain

WIDE_SPREAD = 0.25  # (max − min) ÷ median of a ratio; beyond it the machine was not quiet
IDLE_SERVER = 0.9  # below this share of its core a server was not the bottleneck
FULL_LOADS = (rows.MESSAGES, rows.CROWDED, rows.ECHO, rows.SEGMENT, rows.GRO)

HEADINGS = ["work", "Yodel", "beside", "ratio", "min–max", "goal", "must", "verdict"]


class Report:
    """What a run came to, for the rows whose samples it has."""

    def __init__(self, samples):
        self.samples = samples
        self.rows = [row for row in rows.ROWS
                     if row.yodel in samples and (isinstance(row, Plain) or row.peer in samples)]

    def values(self, row):
        """What is judged, a value a round: a ratio where there is a peer, else the figure itself."""
        own = [row.metric(sample) for sample in self.samples[row.yodel]]
        if isinstance(row, Plain):
            return own
        return [a / row.metric(sample) for a, sample in zip(own, self.samples[row.peer])]

    def figure(self, row, key):
        return number(median(row.metric(sample) for sample in self.samples[key])) + row.unit

    def verdict(self, row):
        if row.must is None:
            return ""
        middle = median(self.values(row))
        return "goal" if row.meets(middle, row.goal) else "met" if row.meets(middle, row.must) else "MISSED"

    def cells(self, row):
        values = self.values(row)
        spread = f"{number(min(values))}–{number(max(values))}" if len(values) > 1 else ""
        own = self.figure(row, row.yodel)
        bounds = ["", ""] if row.must is None else [f"{sign(row)} {number(b)}" for b in (row.goal, row.must)]
        if isinstance(row, Plain):
            return [row.title, own, "", "", spread, *bounds, self.verdict(row)]
        return [row.title, own, f"{self.figure(row, row.peer)} ({row.peer[0]})", number(median(values)), spread, *bounds,
                self.verdict(row)]

    @property
    def missed(self):
        return [row.title for row in self.rows if self.verdict(row) == "MISSED"]

    @property
    def faults(self):
        return [f"{server}, {load}, round {index + 1}: {fault}" for (server, load), list_ in self.samples.items()
                for index, sample in enumerate(list_) for fault in sample.faults]

    def warnings(self):
        found = []
        for row in self.rows:
            values = self.values(row)
            spread = (max(values) - min(values)) / abs(median(values))
            if spread > WIDE_SPREAD and not isinstance(row, Plain):
                found.append(f"wide spread ({spread:.0%} of the median): {row.title}, {row.peer[0]}. The machine was not "
                             "quiet.")
        for (server, load), list_ in self.samples.items():
            if load in FULL_LOADS and (busy := median(sample.busy for sample in list_)) < IDLE_SERVER:
                found.append(f"{server}, {load}: used only {busy:.0%} of its core: its rate is not its limit "
                             "(and part-filled batches cost more CPU)")
        return found

    def notes(self):
        """What a reader of the table may ask next."""
        lines = [f"Messages a second with {load}: {self.rates(load)}." for load in (rows.MESSAGES, rows.CROWDED)
                 if self.rates(load)]
        lost = [f"{server}, {load}: {sum(s.lost for s in list_):,} of {sum(s.answered for s in list_):,}"
                for (server, load), list_ in self.samples.items() if sum(s.lost for s in list_)]
        lines.append(f"Datagrams lost: {'; '.join(lost) or 'none'}.")
        lines += self.note_on_loops() + self.note_on_waiting() + self.note_on_memory()
        return lines + [f"Answers that were errors or wrong: {f'{len(self.faults)}, see below' if self.faults else 'none'}."]

    def rates(self, load):
        return ", ".join(f"{server} {number(median(s.rate for s in list_))}"
                         for (server, other), list_ in self.samples.items() if other == load)

    def note_on_loops(self):
        """On two cores this says that both loops and one have the same to share, so that two cannot do much more."""
        shares = [f"with {server.removeprefix('yodel, ')} ({len(list_)} samples) the gateway used "
                  f"{median(s.busy for s in list_):.2f} of them and its target "
                  f"{median(s.figures['target'] for s in list_):.2f}"
                  for (server, load), list_ in self.samples.items() if load == rows.CORES]
        return [f"All cores, shared with the load: {', '.join(shares)}; the rest was wrk's."] if shares else []

    def note_on_waiting(self):
        lines = []
        for server in (rows.YODEL, rows.C_RELAY):
            if not (waiting := self.samples.get((server, rows.SILENT))):
                continue
            kib = [median(s.figures[name] for s in waiting) for name in ("exchange_kib", "connection_kib")]
            lines.append(f"4,000 messages without a reply took {kib[0]:.1f} KiB each of {server}, their connections "
                         f"{kib[1]:.1f} KiB before.")
            if alone := self.samples.get((server, rows.MESSAGES)):
                kept = median(a.rate / b.rate for a, b in zip(waiting, alone))
                lines[-1] += f" Beside them it kept {kept:.2f} of its messages a second."
        return lines

    def note_on_memory(self):
        list_ = self.samples.get((rows.YODEL, rows.GROWTH), [])
        return [f"Resident memory after message 10⁵: {s.figures['early_kib'] / 1024:.1f} MiB, after 10⁶: "
                f"{s.figures['late_kib'] / 1024:.1f} MiB." for s in list_]

    def text_table(self):
        table = [HEADINGS] + [self.cells(row) for row in self.rows]
        widths = [max(len(line[column]) for line in table) for column in range(len(HEADINGS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    def markdown_table(self):
        table = [HEADINGS, ["---"] * len(HEADINGS)] + [self.cells(row) for row in self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in table)

    def json(self):
        """The medians, for what goes on from them."""
        return {f"{server}, {load}": {
            "rate": median(s.rate for s in list_), "cpu_us": median(s.cpu_us for s in list_),
            **{name: median(s.figures[name] for s in list_) for name in list_[0].figures}}
            for (server, load), list_ in self.samples.items()}


def sign(row):
    return "≥" if getattr(row, "more_is_better", False) else "≤"


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.0f}" if value == int(value) and value >= 4 else f"{value:.2f}"
