"""What is measured beside what, and how good it must be: the table's lines, in its order."""

from dataclasses import dataclass
from typing import Callable, Optional

# The loads; a sample's key is a server and a load.
MESSAGES, CROWDED, CORES, SILENT, ONE = "64 connections", "800 connections", "all cores", "4,000 waiting", "one client"
ECHO, SINGLE, SEGMENT, GRO = "16 × 16 × 64 bytes", "one outstanding", "UDP_SEGMENT", "UDP_GRO"
START, GROWTH = "start", "growth"
YODEL, CONSTANT, C_RELAY, YODEL_ECHO, C_ECHO = "yodel", "constant.c", "relay.c", "yodel echo", "echo.c"
C_SINGLE = "echo.c --single"


@dataclass
class Row:
    """One line: the same work done by Yodel and by a peer. `goal` is where we want to be, `must` what is required."""

    title: str
    unit: str
    yodel: tuple
    peer: tuple
    metric: Callable
    goal: Optional[float] = None
    must: Optional[float] = None
    more_is_better: bool = False

    def meets(self, ratio, bound):
        return ratio >= bound if self.more_is_better else ratio <= bound


@dataclass
class Plain:
    """One line without a peer: Yodel's figure itself has bounds."""

    title: str
    unit: str
    yodel: tuple
    metric: Callable
    goal: float
    must: float

    def meets(self, figure, bound):
        return figure <= bound


def cpu(sample):
    return sample.cpu_us


def rate(sample):
    return sample.rate


def beyond_udp(percentile):
    """An answer's time less that of the UDP round trip alone, which the sample has been given."""
    return lambda sample: sample.figures[percentile] - sample.figures.get("udp_" + percentile, 0)


ROWS = [
    Row("message, 64 connections: CPU", " µs", (YODEL, MESSAGES), ("dnsdist", MESSAGES), cpu, 0.80, 1.0),
    Row("message, 64 connections: CPU", " µs", (YODEL, MESSAGES), (CONSTANT, MESSAGES), cpu, 1.8, 2.4),
    Row("message, 64 connections: CPU", " µs", (YODEL, MESSAGES), (C_RELAY, MESSAGES), cpu, 1.0, 1.1),
    Row("message, 64 connections: CPU", " µs", (YODEL, MESSAGES), ("Go", MESSAGES), cpu, 0.30, 0.40),
    Row("message, 800 connections: CPU", " µs", (YODEL, CROWDED), (CONSTANT, CROWDED), cpu, 2.0, 2.6),
    Row("message, 800 connections: CPU", " µs", (YODEL, CROWDED), (C_RELAY, CROWDED), cpu),
    Row("messages, 2 loops beside 1", "/s", ("yodel, 2 loops", CORES), ("yodel, 1 loop", CORES), rate, 1.05, 1.0, True),
    Row("datagrams echoed, 16 × 16 × 64 bytes", "/s", (YODEL_ECHO, ECHO), (C_ECHO, ECHO), rate, 1.0, 0.9, True),
    Row("datagram echoed, 16 × 16 × 64 bytes: CPU", " µs", (YODEL_ECHO, ECHO), (C_ECHO, ECHO), cpu, 1.0, 1.15),
    Row("datagrams echoed, one outstanding", "/s", (YODEL_ECHO, SINGLE), (C_SINGLE, SINGLE), rate, 1.0, 0.85, True),
    Row("datagrams echoed, bursts sent with UDP_SEGMENT", "/s", (YODEL_ECHO, SEGMENT),
        (C_ECHO, SEGMENT), rate, 6, 4, True),
    Row("datagrams echoed, bursts read with UDP_GRO too", "/s", (YODEL_ECHO, GRO), (C_ECHO, GRO), rate, 18, 12, True),
    Plain("4,000 messages without a reply: memory each", " KiB",
        (YODEL, SILENT), lambda s: s.figures["exchange_kib"], 8, 16),
    Row("messages beside 4,000 without a reply", "/s", (YODEL, SILENT), (C_RELAY, SILENT), rate, 1.05, 1.0, True),
    Row("answer time, one client, less UDP's: p50", " µs", (YODEL, ONE),
        (CONSTANT, ONE), beyond_udp("p50_us"), 1.3, 1.6),
    Row("answer time, one client, less UDP's: p99", " µs", (YODEL, ONE),
        (CONSTANT, ONE), beyond_udp("p99_us"), 1.3, 1.6),
    Plain("start to the first answer", " ms", (YODEL, START), lambda s: s.figures["start_ms"], 50, 150),
    Plain("resident memory, message 10⁶ over 10⁵", "", (YODEL, GROWTH), lambda s: s.figures["growth"], 1.02, 1.05),
]
