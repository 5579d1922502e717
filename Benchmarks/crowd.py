"""Thousands of messages that wait for a target which never answers: what they take, and what they leave to others."""

import http.client
import re
import signal
import socket
import time

import loads
from processes import BenchmarkError, Server

EXCHANGES = 4000
WAIT_SECONDS = 10  # the longest timeout that a request may ask for: the load must be over by then
SETUP_SECONDS = 8
POST = b"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def request(target, timeout_ms):
    body = b'{"message":"hello from client!!","target":"%s","timeout_ms":%d}' % (target, timeout_ms)
    return POST % (len(body), body)


def in_flight(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return int(re.search(r"^\w+_exchanges_in_flight (\d+)", text, re.MULTILINE)[1])


def wait_for_exchanges(port, count):
    deadline = time.monotonic() + SETUP_SECONDS
    while (found := in_flight(port)) != count:
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{found} exchanges are in flight, not {count}")
        time.sleep(0.02)


def connect(port, stack):
    """A connection that has had its first answer, so that what a connection takes is there."""
    made = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
    made.sendall(request(b"echo", 2000))
    return made


def sample(name, command, silent, seconds, server_cores, load_cores, logs, stack):
    """One fresh server under the load that `messages` is, beside the crowd; its figures say what an exchange took.

    Fresh, since exchanges without a reply leave their sockets retired for longer than a round takes.
    """
    server = stack.enter_context(Server(name, command, server_cores, logs))
    try:
        port = server.http_port
        loads.messages(server, 1, load_cores)
        empty_kib = server.resident_kib()
        crowd = [connect(port, stack) for _ in range(EXCHANGES)]
        for made in crowd:
            if not made.recv(4096).startswith(b"HTTP/1.1 200"):
                raise BenchmarkError(f"{name}: a connection of the crowd was not served")
        connected_kib = server.resident_kib()
        began = time.monotonic()
        for made in crowd:
            made.sendall(request(silent, WAIT_SECONDS * 1000))
        wait_for_exchanges(port, EXCHANGES)
        waiting_kib = server.resident_kib()
        result = loads.messages(server, seconds, load_cores)
        if in_flight(port) != EXCHANGES or time.monotonic() - began > WAIT_SECONDS - 1:
            raise BenchmarkError(f"{name}: the crowd did not last as long as the load")
    finally:
        server.process.send_signal(signal.SIGKILL)  # an orderly end would wait for the crowd's replies
        server.process.wait()
    result.figures = {"exchange_kib": (waiting_kib - connected_kib) / EXCHANGES,
                      "connection_kib": (connected_kib - empty_kib) / EXCHANGES}
    return result
