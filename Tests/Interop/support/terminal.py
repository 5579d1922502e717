"""A program on a pseudo-terminal."""

import os
import pty
import select
import subprocess
import time

from .child import ROOT, clean_environment
from .waiting import PATIENCE

END_OF_INPUT = "\x04"


class Terminal:
    """A program on a pseudo-terminal, typed to by the test."""

    def __init__(self, *command, stdout=None):
        """`stdout` is where standard output goes instead."""
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            env=clean_environment({"TERM": "xterm"}),
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def signal(self, number):
        self._process.send_signal(number)

    def type(self, text):
        os.write(self._master, text.encode())

    def wait_for(self, text, times=1):
        """Wait until `text` was shown so many times."""
        deadline = time.monotonic() + PATIENCE
        while self.shown.count(text) < times:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self._master], [], [], left)[0], f"no {text!r} in {self.shown!r}"
            self.shown += os.read(self._master, 4096).decode("utf-8", "replace")

    def exit_code(self):
        return self._process.wait(PATIENCE)

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._master)
