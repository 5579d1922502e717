"""A network of its own, for programs that insist on port 9999."""

import os
import subprocess
import sys

from .child import Child


class LoopbackNamespace:
    """A network namespace in which only loopback is up; it lives as long as a child process that sleeps in it."""

    def __init__(self):
        script = "ip link set lo up && echo up && exec sleep 600"
        self._holder = Child(["unshare", "--net", "sh", "-c", script])
        if self._holder.out.wait_for(lambda line: line == "up") is None:
            self.close()
            raise OSError(f"no network namespace: {self._holder.err.so_far()}")
        self.prefix = ("nsenter", f"--net=/proc/{self._holder.pid}/ns/net")

    def close(self):
        self._holder.kill()

    def python(self, program, **options):
        """Start a Python program in here, its output unbuffered."""
        return Child([*self.prefix, sys.executable, "-u", program], **options)


def can_have_namespaces():
    """Whether this user may make a network namespace."""
    if os.geteuid() != 0:
        return False
    try:
        ended = subprocess.run(
            ["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, timeout=30, check=False
        )
    except OSError:
        return False
    return ended.returncode == 0
