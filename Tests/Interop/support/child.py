"""Programs under test as child processes: their lines as they come, and an end that is checked."""

import contextlib
import ctypes
import functools
import os
import pathlib
import signal
import subprocess
import threading
import time

from .waiting import PATIENCE

INTERRUPT, TERMINATE = signal.SIGINT, signal.SIGTERM
ROOT = pathlib.Path(__file__).resolve().parents[3]


def yodel_binary():
    """The executable under test: `YODEL_BINARY`, or the debug build of this repository."""
    path = pathlib.Path(os.environ.get("YODEL_BINARY", ".build/debug/yodel"))
    return str(path if path.is_absolute() else ROOT / path)


@functools.cache
def microhttpd_version():
    """The version of the libmicrohttpd that the program under test runs with: the loader's choice, here as there."""
    library = ctypes.CDLL("libmicrohttpd.so.12")
    library.MHD_get_version.restype = ctypes.c_char_p
    return library.MHD_get_version().decode()


def clean_environment(extra=None):
    """The environment without what would configure the program under test or send curl through a proxy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("YODEL_") and not name.lower().endswith("_proxy")
    }
    return {**kept, **(extra or {})}


class Lines:
    """The lines of one stream, gathered by a thread so that no pipe ever fills."""

    def __init__(self, stream):
        self._lines = []
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._gather, args=(stream,), daemon=True).start()

    def _gather(self, stream):
        for line in iter(stream.readline, b""):
            with self._changed:
                self._lines.append(line.decode("utf-8", "replace").removesuffix("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        stream.close()

    def so_far(self):
        """The lines that have come."""
        with self._changed:
            return list(self._lines)

    def wait_for(self, accept, timeout=PATIENCE):
        """Return the first line that `accept` likes; None when the stream ends or the time is over without one."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = next((line for line in self._lines if accept(line)), None)
                left = deadline - time.monotonic()
                if found is not None or self._ended or left <= 0:
                    return found
                self._changed.wait(left)

    def wait_for_count(self, count, timeout=PATIENCE):
        """Wait until `count` lines are there, or the stream ends, or the time is over; return the lines."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while len(self._lines) < count and not self._ended:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return list(self._lines)

    def all(self, timeout=PATIENCE):
        """All lines of a stream that ends."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._ended and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
            return list(self._lines)


class Child:
    """A process that this test started. It is ended by its own id only, and how it ended is looked at."""

    def __init__(self, command, environment=None, stdin=subprocess.DEVNULL, pass_fds=()):
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(environment),
            pass_fds=pass_fds,
        )
        self.pid = self.process.pid
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)
        self._end_was_asked_for = False
        self._end_was_seen = False

    def signal(self, number):
        self._end_was_asked_for |= number in (TERMINATE, INTERRUPT)
        self.process.send_signal(number)

    @contextlib.contextmanager
    def stopped(self):
        """While it stands still the kernel keeps what comes for it: connections, datagrams, signals."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def exit_code(self, timeout=PATIENCE):
        """Wait for the end that the test asked for, and return the exit code (negative: the signal)."""
        code = self.process.wait(timeout)
        self._end_was_seen = True
        return code

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        """End at once what has no better way to end, or was never meant to have one."""
        self._end_was_seen = True
        if self.is_running():
            self.process.kill()
            self.process.wait()

    def close(self):
        """Ask for the end with SIGTERM. A crash before, or an end that is not clean, is an error of its own."""
        if self._end_was_seen:
            return
        crashed = not self.is_running() and not self._end_was_asked_for
        if not self._end_was_asked_for:
            self.process.terminate()
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {PATIENCE} s after SIGTERM; stderr:\n{self._tail()}") from None
        if crashed or code != 0:
            raise AssertionError(
                f"{'ended by itself' if crashed else 'ended badly'} with {code}; stderr:\n{self._tail()}"
            )

    def _tail(self):
        return "\n".join(self.err.all(2)[-40:])


def run(command, environment=None, stdin="", timeout=PATIENCE):
    """Run a program to its end and return it with `returncode`, and `stdout` and `stderr` as text."""
    return subprocess.run(
        [str(word) for word in command],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=timeout,
        cwd=ROOT,
        env=clean_environment(environment),
        check=False,
    )


def run_yodel(*words, prefix=(), **options):
    """Run the program under test to its end; its output as text."""
    ended = run([*prefix, yodel_binary(), *words], **options)
    ended.stdout = ended.stdout.decode()
    ended.stderr = ended.stderr.decode()
    return ended
