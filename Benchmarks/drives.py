"""Loads that are the same in every run, so that what they cost can be counted: messages one after the other over one
connection, each whole and when the server has nothing left to do; datagrams one after the other, or in bursts: each sent
while the server is halted, so that all of it is there when it goes on, or as one (UDP_SEGMENT)."""

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from pathlib import Path

from processes import BenchmarkError

BURST, DATAGRAM_BYTES = 32, 64
ASLEEP_SECONDS = 60
UDP_SEGMENT = 103  # linux/udp.h; Python has no name for it
RELAY = ["serve", "--loops", "1", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"]
ECHO = ["echo", "--loops", "1", "--quiet", "--udp", "127.0.0.1:0"]


def post(server, count):
    """Posts messages, and compares what comes back."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=60)
    for number in range(count):
        message = f"message {number:06}"
        body = json.dumps({"message": message})
        wait_until_asleep(server)
        with halted(server):  # http.client sends head and body one after the other
            connection.request("POST", "/api/messages", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        if answer.get("reply") != message:
            raise BenchmarkError(f"the message {message!r} got {answer}")
    connection.close()


@contextlib.contextmanager
def halted(server):
    """The server stands still meanwhile."""
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


def wait_until_asleep(server):
    """Waits until no thread of the server runs: what it still does after an answer is not to be done with the next."""
    deadline = time.monotonic() + ASLEEP_SECONDS
    while any(state(task) != "S" for task in Path(f"/proc/{server.process.pid}/task").iterdir()):
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the server had not come to rest after {ASLEEP_SECONDS} s")


def state(task):
    """A thread's state: proc_pid_stat(5)."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


def send(server, count):
    """Sends datagrams in bursts, and compares what comes back; it comes in order."""
    def at_once(client, burst):
        with halted(server):
            for datagram in burst:
                client.send(datagram)

    exchange(server, count, BURST, at_once)


def send_alone(server, count):
    """Sends datagrams one after the other, each when the last is back."""
    exchange(server, count, 1, lambda client, burst: client.send(burst[0]))


def send_runs(server, count):
    """Sends datagrams in bursts, each by one call and to the kernel one datagram until it is read."""
    def as_one(client, burst):
        client.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, DATAGRAM_BYTES)
        client.send(b"".join(burst))

    exchange(server, count, BURST, as_one)


def exchange(server, count, at_once, put):
    """Has `put` send so many datagrams at once, and compares what comes back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", server.udp_port))
        client.settimeout(30)
        for first in range(0, count, at_once):
            burst = [b"%0*d" % (DATAGRAM_BYTES, number) for number in range(first, min(first + at_once, count))]
            put(client, burst)
            if any(client.recv(DATAGRAM_BYTES + 1) != datagram for datagram in burst):
                raise BenchmarkError("a datagram came back changed or out of order")
