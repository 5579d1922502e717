"""User instructions and allocations under callgrind: they repeat to a tenth of a percent where times do not."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from processes import BenchmarkError, Server

END_SECONDS = 60


# glibc chooses its string functions by processor, and valgrind counts `rep stosb` by the byte: with these it takes the
# same ones everywhere. The allocator's is what the program sets for itself, without its second start.
TUNABLES = "glibc.malloc.tcache_count=2000:glibc.cpu.hwcaps=-AVX2,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-BMI2,-SSE4_2,-SSSE3"
ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"}


def per_unit(program, words, drive, short, long):
    """What one unit costs in instructions; see costs_per_unit."""
    return costs_per_unit(program, words, drive, short, long)[0]


def costs_per_unit(program, words, drive, short, long):
    """The instructions and the allocations of one unit: the difference between a long run and a short one, divided by
    the units between.

    `drive` is given the server and the number of units, and returns when all of them have been served.
    """
    if shutil.which("valgrind") is None:
        raise BenchmarkError("valgrind is missing; on Debian: apt-get install valgrind")
    few, many = [count(program, words, lambda server, units=units: drive(server, units)) for units in (short, long)]
    return tuple((more - less) / (long - short) for less, more in zip(few, many))


def count(program, words, drive):
    """All user instructions and allocations of a server, from its start to its end."""
    with tempfile.TemporaryDirectory() as directory:
        stripped, profile = Path(directory) / "yodel", Path(directory) / "callgrind.out"
        shutil.copy(program, stripped)
        subprocess.run(["strip", "-g", stripped], check=True)  # callgrind stumbles over Swift's debug information
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", stripped, *words]
        os.environ["GLIBC_TUNABLES"] = TUNABLES
        os.environ["SWIFT_DETERMINISTIC_HASHING"] = "1"
        with Server("callgrind", command, os.sched_getaffinity(0), directory) as server:
            drive(server)
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(END_SECONDS)
        if not profile.exists():
            raise BenchmarkError(f"callgrind told no count{server.last_words()}")
        return totals(profile.read_text())


def totals(profile):
    """The instructions and the calls of allocating functions in callgrind's output (its manual, "Callgrind Format")."""
    names, called, allocations = {}, None, 0
    for line in profile.splitlines():
        if named := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
            number, name = named.groups()
            names.setdefault(number, name)
            called = names[number] if line[0] == "c" else None
        elif line.startswith("calls=") and called in ALLOCATORS:
            allocations += int(line[6:].split()[0])
    return int(re.search(r"^(?:summary|totals): (\d+)", profile, re.MULTILINE)[1]), allocations
