"""User instructions under callgrind: they repeat to a tenth of a percent where times do not."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from processes import BenchmarkError, Server

END_SECONDS = 60


def per_unit(program, words, drive, short, long):
    """What one unit costs: the difference between a long run and a short one, divided by the units between.

    `drive` is given the server and the number of units, and returns when all of them have been served.
    """
    if shutil.which("valgrind") is None:
        raise BenchmarkError("valgrind is missing; on Debian: apt-get install valgrind")
    counts = [count(program, words, lambda server, units=units: drive(server, units)) for units in (short, long)]
    return (counts[1] - counts[0]) / (long - short)


def count(program, words, drive):
    """All user instructions of a server, from its start to its end."""
    with tempfile.TemporaryDirectory() as directory:
        stripped = Path(directory) / "yodel"
        shutil.copy(program, stripped)
        subprocess.run(["strip", "-g", stripped], check=True)  # callgrind stumbles over Swift's debug information
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/callgrind.out", stripped, *words]
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.tcache_count=500"  # as the program has it, without its second start
        with Server("callgrind", command, os.sched_getaffinity(0), directory) as server:
            drive(server)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(END_SECONDS)
        found = re.search(r"Collected : (\d+)", server.errors.read_text(errors="replace"))
        if not found:
            raise BenchmarkError(f"callgrind told no count{server.last_words()}")
        return int(found[1])
