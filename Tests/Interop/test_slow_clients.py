"""Clients that drip: each has its deadline. They are slow together, so that this file takes one deadline's time."""

import concurrent.futures
import time

import pytest

from support.gateway import Gateway
from support.waiting import wait_until

HEAD_DEADLINE, BODY_DEADLINE = 10, 15
# A late turn on a loaded machine, and the time until the next drop is sent, are allowed for.
EARLY, LATE = 1, 6
GIVE_UP = BODY_DEADLINE + LATE + 4


def seconds_until_closed(gateway, start, drop, pause=0.4):
    """Send `start`, then `drop` again and again; return after how many seconds the gateway closed."""
    with gateway.wire() as wire:
        began = time.monotonic()
        wire.socket.settimeout(pause)
        wire.send(start)
        while time.monotonic() - began < GIVE_UP:
            if was_closed(wire, drop):
                return time.monotonic() - began
    return None


def was_closed(wire, drop):
    try:
        if drop:
            wire.send(drop)
        while wire.socket.recv(4096):
            pass
        return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def seconds_until_forgotten(gateway, count=200):
    """Leave `count` partial requests behind with a FIN; return after how many seconds no connection was counted."""
    began = time.monotonic()
    wires = [gateway.wire() for _ in range(count)]
    for number, wire in enumerate(wires):
        wire.send(b"POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nxyz"[: 10 + number % 70])
        wire.half_close()
    # One for the scrape itself, and the few other slow clients of this file.
    wait_until(lambda: gateway.metrics().value("yodel_http_connections") <= 8, "the connections are gone", GIVE_UP)
    for wire in wires:
        wire.close()
    return time.monotonic() - began


HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
BODY = b"POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000\r\n\r\n"
CHUNKS = b"POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def outcomes(own_for_module):
    """What became of each slow client, and of the quick ones beside them."""
    gateway = own_for_module(Gateway)
    slow = {
        "head": (HEAD, b"x"),
        "head, then silence": (HEAD, b""),
        "body": (BODY, b"x"),
        "body, then silence": (BODY + b"x", b""),
        "chunks": (CHUNKS, b"1\r\nx\r\n"),
    }
    with concurrent.futures.ThreadPoolExecutor(len(slow) + 1) as pool:
        running = {name: pool.submit(seconds_until_closed, gateway, *how) for name, how in slow.items()}
        running["forgotten"] = pool.submit(seconds_until_forgotten, gateway)
        quick = []
        while not all(future.done() for future in running.values()):
            quick.append(gateway.send("in between").status)
            time.sleep(0.1)
    return {"quick": quick, **{name: future.result() for name, future in running.items()}}


@pytest.mark.parametrize("name", ["head", "head, then silence"])
def test_a_head_must_be_complete_within_its_deadline(outcomes, name):
    assert outcomes[name] is not None, "it was never closed"
    assert HEAD_DEADLINE - EARLY < outcomes[name] < HEAD_DEADLINE + LATE


@pytest.mark.parametrize("name", ["body", "body, then silence", "chunks"])
def test_a_body_must_be_complete_within_its_deadline(outcomes, name):
    assert outcomes[name] is not None, "it was never closed"
    assert BODY_DEADLINE - EARLY < outcomes[name] < BODY_DEADLINE + LATE


def test_partial_requests_followed_by_a_fin_are_forgotten(outcomes):
    assert outcomes["forgotten"] < BODY_DEADLINE + LATE


def test_others_are_served_beside_the_slow(outcomes):
    assert len(outcomes["quick"]) > 20
    assert set(outcomes["quick"]) == {200}
