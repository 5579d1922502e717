"""What was measured on, by which versions, and who else was at work meanwhile."""

import os
import platform
import subprocess
from datetime import date
from pathlib import Path

import peers

BUSY_OTHERS = 0.05  # of the machine; beyond it the figures are not ours alone


class Usage:
    """Who had the machine's time between `__init__` and `finish`: we and our ended children, the hypervisor, others."""

    def __init__(self):
        self.begin = self.now()

    def finish(self):
        """Call it when all children have ended: only then does the kernel count them as ours."""
        total, idle, stolen, own = (end - begin for begin, end in zip(self.begin, self.now()))
        self.stolen = stolen / total
        self.others = max(0, total - idle - stolen - own) / total

    @staticmethod
    def now():
        """Seconds, summed over all cores: all of them, idle, stolen (proc(5), /proc/stat), and our own."""
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        seconds = [int(word) / os.sysconf("SC_CLK_TCK") for word in words[1:9]]  # user nice system idle iowait … steal
        return sum(seconds), seconds[3] + seconds[4], seconds[7], sum(os.times()[:4])

    def warnings(self):
        if self.others <= BUSY_OTHERS:
            return []
        return [f"other programs used {self.others:.0%} of the machine's time: measure again when it is quiet"]


def description(server_cores, load_cores, usage):
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    pinned = "nothing pinned" if server_cores == load_cores else (
        f"server on core {span(server_cores)}, load on {span(load_cores)}")
    return (f"{date.today()}, {model}, {len(server_cores | load_cores)} of {os.cpu_count()} cores ({pinned}), "
            f"Linux {platform.release()}; of the machine's time other programs used {usage.others:.0%}, "
            f"the hypervisor stole {usage.stolen:.0%}.")


def span(cores):
    return ", ".join(map(str, sorted(cores)))


def versions(microhttpd, yodel, with_all):
    found = [first_line([yodel, "--version"], "yodel"), f"libmicrohttpd {microhttpd}",
             first_line(["wrk", "--version"], "wrk").split(" Copyright")[0],
             first_line(["swift", "--version"], "swift"), first_line(["cc", "--version"], "cc")]
    if with_all:
        found += [first_line([*peers.program(), "--version"], "dnsdist").split(" (")[0],
                  first_line(["go", "version"], "go").removeprefix("go version ")]
    return ", ".join(found) + "."


def first_line(command, name):
    """The first line a program says of its version; with its name before it if it does not say that itself."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=15, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return f"{name}: unknown"
    line = ((result.stdout + result.stderr).strip().splitlines() or ["unknown"])[0]
    return line if name in line.lower() else f"{name} {line}"
