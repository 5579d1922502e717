"""Many messages over many connections: each reply its own, and nothing is left behind."""

import concurrent.futures
import http.client
import json
import os

import pytest

from support.gateway import Gateway
from support.waiting import PATIENCE, wait_until

CONNECTIONS = 64
PADDING = "p" * 6000
MESSAGES, MESSAGES_A_RUN = 10_000, 3_000
MAX_IN_FLIGHT = 256
# What an allocator may keep for itself between two equal runs; leaking each message once would be 18 MB.
MEMORY_SLACK = 8 << 20
FEW_DESCRIPTORS = 16


def send_in_turn(gateway, texts):
    """Send `texts` over one kept connection; return what was wrong."""
    wrong = []
    connection = http.client.HTTPConnection(*gateway.http, timeout=2 * PATIENCE)
    for text in texts:
        connection.request("POST", "/api/messages", text.encode(), {"Content-Type": "text/plain"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or json.loads(body)["reply"] != text:
            wrong.append((text[:40], answer.status, body[:200]))
    connection.close()
    return wrong


def send_all(gateway, count, name, padding=""):
    """Send `count` distinct messages over all connections; return what was wrong."""
    texts = [f"{name} message {number} {padding}" for number in range(count)]
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [texts[first::CONNECTIONS] for first in range(CONNECTIONS)]
        return [wrong for share in pool.map(lambda share: send_in_turn(gateway, share), shares) for wrong in share]


def descriptors(gateway):
    return len(os.listdir(f"/proc/{gateway.pid}/fd"))


def resident_bytes(gateway):
    with open(f"/proc/{gateway.pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_ten_thousand_messages_each_get_their_own_reply(serve):
    gateway = serve()
    assert send_all(gateway, MESSAGES, "one of many") == []
    assert gateway.outcomes("echo", "reply") == MESSAGES
    assert gateway.in_flight() == 0


@pytest.fixture(scope="module")
def after_runs(own_for_module):
    """Descriptors before, and descriptors and memory after each of three equal runs."""
    gateway = own_for_module(Gateway, "--max-in-flight", MAX_IN_FLIGHT)
    at_rest = descriptors(gateway)
    seen = []
    for run in range(3):
        assert send_all(gateway, MESSAGES_A_RUN, f"run {run}", PADDING) == []
        wait_until(lambda: gateway.metrics().value("yodel_http_connections") <= 1, "its connections are gone")
        seen.append((descriptors(gateway), resident_bytes(gateway)))
    return gateway, at_rest, seen


def test_descriptors_come_back(after_runs):
    gateway, at_rest, seen = after_runs
    most = at_rest + MAX_IN_FLIGHT + FEW_DESCRIPTORS
    wait_until(lambda: descriptors(gateway) <= most, f"at most {most} descriptors: the rested sockets and a few")
    assert seen[2][0] <= max(seen[1][0], most)


def test_memory_is_flat(after_runs):
    _, _, seen = after_runs
    assert seen[2][1] - seen[1][1] < MEMORY_SLACK, f"resident bytes after each run: {[memory for _, memory in seen]}"
