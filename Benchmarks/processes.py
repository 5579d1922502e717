"""Processes under measurement: started on their core, timed by the kernel, always ended."""

import ctypes
import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

START_SECONDS = 15  # until a server has said where it listens
STOP_SECONDS = 10  # from SIGTERM to SIGKILL
PR_SET_PDEATHSIG = 1  # prctl(2)

libc = ctypes.CDLL(None, use_errno=True)


class BenchmarkError(Exception):
    """What the user should read instead of a traceback."""


def raise_descriptor_limit(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise BenchmarkError(f"{count} descriptors are needed, {hard} allowed: ulimit -n {count}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def placement(pin):
    """The cores for the server under measurement and for everything else.

    A server that shares a core with its load is measured by the scheduler's mood; on a core of its own it is the
    bottleneck, its batches are full, and a round repeats. So the last core (the first has most of the interrupts) is the
    server's, and the load gets those that are not its hyperthreads, where there are such.
    """
    cores = os.sched_getaffinity(0)
    if not pin or len(cores) < 2:
        return cores, cores
    server = max(cores)
    others = cores - {server}
    return {server}, others - hyperthreads(server) or others


def hyperthreads(core):
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text()
    except OSError:
        return set()
    ranges = [part.split("-") for part in text.strip().split(",")]
    return {number for r in ranges for number in range(int(r[0]), int(r[-1]) + 1)}


def start(command, cores, **options):
    """Starts a process on `cores` that gets SIGTERM should this one die without a chance to send it."""
    parent = os.getpid()

    def before_exec():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        os.sched_setaffinity(0, cores)
        if os.getppid() != parent:  # it died before the first line
            os._exit(1)

    # A session of its own: Ctrl-C reaches `run` alone, which then ends the others in order.
    return subprocess.Popen(command, preexec_fn=before_exec, start_new_session=True, stdin=subprocess.DEVNULL, **options)


def stop(process):
    """Ends it by SIGTERM; False if that took a SIGKILL."""
    if process.poll() is not None:
        return True
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
        return False


class Server:
    """A server in its own process; a context manager, so that it ends whatever happens."""

    def __init__(self, name, command, cores, logs):
        self.name = name
        self.command = [str(word) for word in command]
        self.cores = cores
        self.output = Path(logs) / f"{name}.out"
        self.errors = Path(logs) / f"{name}.err"

    def __enter__(self):
        with open(self.output, "wb") as output, open(self.errors, "wb") as errors:
            self.process = start(self.command, self.cores, stdout=output, stderr=errors)
        return self

    def __exit__(self, *_):
        if not stop(self.process):
            print(f"warning: {self.name} did not end by SIGTERM within {STOP_SECONDS} s and was killed")

    def printed(self, pattern):
        """The first match in what the server prints, waited for; a server is ready when it says where it listens."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            has_ended = self.process.poll() is not None
            # `yodel echo` says where it listens on standard error: its standard output is for the datagrams.
            said = self.output.read_text(errors="replace") + self.errors.read_text(errors="replace")
            match = re.search(pattern + r".*\n", said)
            if match:
                return match
            if has_ended:
                raise BenchmarkError(f"{self.name} ended with {self.process.returncode}{self.last_words()}")
            time.sleep(0.01)
        raise BenchmarkError(f"{self.name} printed no line like {pattern!r} within {START_SECONDS} s{self.last_words()}")

    @property
    def http_port(self):
        return int(self.printed(r"HTTP: http://127\.0\.0\.1:(\d+)")[1])

    @property
    def udp_port(self):
        return int(self.printed(r"UDP echo: 127\.0\.0\.1:(\d+)")[1])

    def resident_kib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def last_words(self):
        lines = self.errors.read_text(errors="replace").splitlines()[-5:]
        return "".join(f"\n    {line}" for line in [f"command: {' '.join(self.command)}", *lines])

    def cpu_seconds(self):
        """User and system time of all its threads, ended ones too, in nanoseconds' resolution.

        The process's own CPU clock, clock_getcpuclockid(3): /proc/PID/stat counts in hundredths of a second, and
        /proc/PID/schedstat tells the main thread alone.
        """
        clock = ctypes.c_int()
        error = libc.clock_getcpuclockid(self.process.pid, ctypes.byref(clock))
        if error or self.process.poll() is not None:
            raise BenchmarkError(f"{self.name} has ended during the benchmark{self.last_words()}")
        return time.clock_gettime(clock.value)
