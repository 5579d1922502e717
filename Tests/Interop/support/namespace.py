"""Networks of a test's own: for programs that insist on port 9999, and for addresses that this machine has not."""

import concurrent.futures
import ctypes
import os
import subprocess
import sys

from .child import Child, run

CLONE_NEWNET = 0x40000000


class LoopbackNamespace:
    """A network namespace in which only loopback is up; it lives as long as a child process that sleeps in it."""

    # What is done there beside, in the shell's words.
    setup = "true"

    def __init__(self):
        script = f"ip link set lo up && {self.setup} && echo up && exec sleep 600"
        self._holder = Child(["unshare", "--net", "sh", "-c", script])
        if self._holder.out.wait_for(lambda line: line == "up") is None:
            self.close()
            raise OSError(f"no network namespace: {self._holder.err.so_far()}")
        self.prefix = ("nsenter", f"--net=/proc/{self._holder.pid}/ns/net")

    def close(self):
        self._holder.kill()

    def inside(self, function, *arguments, **options):
        """Call a function on a thread that is in here; sockets that it makes stay in here."""

        def call():
            with open(f"/proc/{self._holder.pid}/ns/net") as network:
                if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return function(*arguments, **options)

        # The thread ends with the call: it is in here to stay.
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            return threads.submit(call).result()

    def allow_ports(self, first, count):
        """From now on sockets get so many local ports, unless they ask for others (ip(7), ip_local_port_range)."""
        setting = f"echo {first} {first + count - 1} > /proc/sys/net/ipv4/ip_local_port_range"
        assert run([*self.prefix, "sh", "-c", setting]).returncode == 0

    def python(self, program, **options):
        """Start a Python program in here, its output unbuffered."""
        return Child([*self.prefix, sys.executable, "-u", program], **options)


class Internet(LoopbackNamespace):
    """A network in which every address of some networks is on this machine: 198.51.100.0/24 and 2001:db8::/32, public,
    10.0.0.0/8, private. Its own are 203.0.113.1, and 10.9.0.1 on a link with a broadcast address."""

    setup = " && ".join(
        [
            "echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind",
            "ip link set lo multicast on",
            *(f"ip route add local {net} dev lo" for net in ("198.51.100.0/24", "10.0.0.0/8")),
            "ip addr add 203.0.113.1/24 dev lo",
            "ip -6 route add local 2001:db8::/32 dev lo",
            "ip link add yodel0 type veth peer name yodel1",
            "ip addr add 10.9.0.1/24 dev yodel0",
            "ip link set yodel0 up",
            "ip link set yodel1 up",
            "ip route add 239.0.0.0/8 dev lo",
        ]
    )


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
