"""What is measured of Yodel by itself: how soon it answers after its start, and whether its memory stays flat."""

import http.client
import os
import signal
import time

import loads
from loads import Sample
from peers import free_port
from processes import BenchmarkError, Server

PATIENCE_SECONDS = 10
POLL_SECONDS = 0.0005
EARLY, LATE = 100_000, 1_000_000
FIRST_GUESS = 40_000  # messages a second


def start_ms(yodel, cores):
    """From just before the program is started, as `yodel serve` is, to the end of its first answer to a message."""
    port = free_port()
    words = [str(yodel), "serve", "--http", f"127.0.0.1:{port}", "--udp", "127.0.0.1:0"]
    silent = [(os.POSIX_SPAWN_OPEN, descriptor, "/dev/null", os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    began = time.perf_counter()
    process = os.posix_spawn(words[0], words, os.environ, file_actions=silent)
    try:
        os.sched_setaffinity(process, cores)
        return (first_answer(port, began) - began) * 1000
    finally:
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)


def first_answer(port, began):
    while time.perf_counter() - began < PATIENCE_SECONDS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("POST", "/api/messages", b"hello", {"Content-Type": "text/plain", "Accept": "text/plain"})
            answer = connection.getresponse()
            body, now = answer.read(), time.perf_counter()
            if answer.status != 200 or body != b"hello":
                raise BenchmarkError(f"the first answer was {answer.status}: {body[:200]!r}")
            return now
        except ConnectionRefusedError:
            time.sleep(POLL_SECONDS)
        finally:
            connection.close()
    raise BenchmarkError(f"there was no answer {PATIENCE_SECONDS} s after the start")


def growth(command, cores, load_cores, logs):
    """Has a fresh gateway relay a million messages; the sample's figures are its resident memory early and late."""
    with Server("growth", command, cores, logs) as server:
        count, elapsed, early, faults = 0, 0, None, []
        while count < LATE:
            rate = count / elapsed if count else FIRST_GUESS
            wanted = (EARLY if early is None else LATE) - count
            sample = loads.messages(server, max(1, min(20, round(wanted / rate))), load_cores)
            count, elapsed, faults = count + sample.answered, elapsed + sample.seconds, faults + sample.faults
            if early is None and count >= EARLY:
                early = server.resident_kib()
        late = server.resident_kib()
        figures = {"early_kib": early, "late_kib": late, "growth": late / early}
        return Sample(count, elapsed, server.cpu_seconds(), faults=faults, figures=figures)
