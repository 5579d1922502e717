"""UDP servers of the test's own, with whatever manners a test needs, and a UDP client."""

import heapq
import itertools
import re
import socket
import struct
import threading
import time

import pytest

from .waiting import PATIENCE

LARGEST_IPV4 = 65507
LARGEST_IPV6 = 65527


def udp_socket(address="127.0.0.1", port=0):
    """A bound UDP socket with room for a few of the largest datagrams."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    try:
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    made.settimeout(PATIENCE)
    return made


def text_of(address, port):
    """HOST:PORT, with brackets where the address is IPv6."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Target:
    """A UDP server in a thread: for each datagram it calls `behave(target, data, source)`."""

    def __init__(self, behave, address="127.0.0.1"):
        self.socket = udp_socket(address)
        self.address, self.port = self.socket.getsockname()[:2]
        self.received = []
        self._behave = behave
        self._due = []
        self._order = itertools.count()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __str__(self):
        return text_of(self.address, self.port)

    def reply(self, data, to, after=0.0):
        """Send `data`, now or `after` some seconds; to be called from `behave` only."""
        if after:
            heapq.heappush(self._due, (time.monotonic() + after, next(self._order), data, to))
        else:
            self.socket.sendto(data, to)

    def close(self):
        self._closing = True
        self._thread.join()
        self.socket.close()

    def _serve(self):
        while not self._closing:
            self.socket.settimeout(self._until_due())
            try:
                data, source = self.socket.recvfrom(65536)
            except TimeoutError:
                continue
            except BlockingIOError:
                continue
            self.received.append(data)
            self._behave(self, data, source)

    def _until_due(self):
        """Send what is due; return for how many seconds to wait at most."""
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, data, to = heapq.heappop(self._due)
            self.socket.sendto(data, to)
        left = self._due[0][0] - time.monotonic() if self._due else 0.1
        return min(0.1, max(left, 0.0005))


def echo(target, data, source):
    target.reply(data, source)


def silence(_target, _data, _source):
    pass


def upper(target, data, source):
    target.reply(data.upper(), source)


def twice(target, data, source):
    """Answers at once, and again: the second copy of every other datagram some milliseconds later."""
    target.reply(data, source)
    target.reply(data, source, after=0.03 * (len(target.received) % 2))


def paced(target, data, source):
    """Echoes; a datagram that starts with `after N ms` only then."""
    wish = re.match(rb"after (\d+) ms", data)
    target.reply(data, source, after=int(wish[1]) / 1000 if wish else 0)


class ClosedPort:
    """A UDP port that stays ours and refuses everyone: bound, but connected to itself, it has the kernel send ICMP."""

    def __init__(self, address="127.0.0.1"):
        self.socket = udp_socket(address)
        self.socket.connect(self.socket.getsockname())
        self.address, self.port = self.socket.getsockname()[:2]

    def __str__(self):
        return text_of(self.address, self.port)

    def close(self):
        self.socket.close()


def ask(address, data, source="127.0.0.1"):
    """Send one datagram; return the reply and who sent it."""
    with udp_socket(source) as client:
        client.sendto(data, address)
        reply, sender = client.recvfrom(65536)
        return reply, sender[:2]


def send_forged(source, destination, data):
    """Send a datagram with a forged source, over a raw socket."""
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    except PermissionError:
        pytest.skip("a forged source needs a privilege")
    with raw:
        udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(data), 0) + data
        addresses = socket.inet_aton(source[0]) + socket.inet_aton(destination[0])
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
        raw.sendto(head + addresses + udp, destination)


def has_ipv6():
    """Whether this machine has an IPv6 loopback address."""
    try:
        udp_socket("::1").close()
    except OSError:
        return False
    return True
