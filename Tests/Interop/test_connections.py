"""What comes in pieces, all at once, or goes away in the middle."""

import subprocess
import time

import pytest

from support.checks import is_exchange
from support.gateway import Gateway, message_path
from support.http import request_bytes
from support.udp import Target, paced, silence
from support.waiting import wait_until

FORM = ("Content-Type: application/x-www-form-urlencoded",)
JSON = ("Content-Type: application/json",)


@pytest.fixture(scope="module")
def gateway(own_for_module):
    silent, slow = own_for_module(Target, silence), own_for_module(Target, paced)
    return own_for_module(Gateway, "--target", f"silent={silent}", "--target", f"paced={slow}")


def message(text, headers=(), **options):
    return request_bytes("POST", message_path(**options), text.encode(), headers)


# Pipelining


def test_pipelined_requests_are_answered_in_their_order(gateway):
    slow, quick = "after 300 ms, the first", "the second"
    with gateway.wire() as wire:
        wire.send(message(slow, target="paced") + message(quick, target="paced") + request_bytes("GET", "/api/targets"))
        assert is_exchange(wire.response("POST"))["reply"] == slow
        assert is_exchange(wire.response("POST"))["reply"] == quick
        assert "targets" in wire.response().json()


def test_a_hundred_pipelined_messages_are_answered_in_their_order(gateway):
    texts = [f"after {(n * 7) % 5} ms, message {n}" for n in range(100)]
    with gateway.wire() as wire:
        wire.send(b"".join(message(text, target="paced") for text in texts))
        assert [is_exchange(wire.response("POST"))["reply"] for _ in texts] == texts


def test_a_pipelined_request_after_a_timeout_is_answered(gateway):
    with gateway.wire() as wire:
        wire.send(message("x", target="silent", timeout_ms=50) + message("y"))
        assert wire.response("POST").status == 504
        assert is_exchange(wire.response("POST"))["reply"] == "y"


# Pieces

CHUNKED = b"POST /api/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
IN_PIECES = [
    pytest.param(message("message=a+form%21&fresh=false", FORM), "a form!", id="form"),
    pytest.param(message('{"message":"\\ud83d\\ude00 é"}', JSON), "😀 é", id="json"),
    pytest.param(
        CHUNKED + b"5\r\nhello\r\n0000b\r\n in chunks!\r\n0\r\nTrailer: x\r\n\r\n", "hello in chunks!", id="chunked"
    ),
    pytest.param(
        CHUNKED + b"5\r\nhello\r\n0000b;note=x\r\n in chunks!\r\n0\r\n\r\n",
        "hello in chunks!",
        id="chunk-extension",
        marks=pytest.mark.not_on_microhttpd_1("it miscounts a chunk's extension, and refuses what follows"),
    ),
]


@pytest.mark.parametrize("request_, reply", IN_PIECES)
def test_a_request_a_byte_at_a_time_gets_the_same_answer(gateway, request_, reply):
    with gateway.wire() as wire:
        for number in range(len(request_)):
            wire.send(request_[number : number + 1])
            time.sleep(0.0005)
        assert is_exchange(wire.response("POST"))["reply"] == reply


@pytest.mark.parametrize("request_, reply", IN_PIECES)
def test_a_request_split_at_any_point_gets_the_same_answer(gateway, request_, reply):
    with gateway.wire() as wire:
        for point in range(1, len(request_)):
            wire.send(request_[:point])
            time.sleep(0.002)
            wire.send(request_[point:])
            assert is_exchange(wire.response("POST"))["reply"] == reply


def test_many_requests_in_pieces_at_the_same_time_do_not_mix(gateway):
    requests = [message(f"message {n} " + "x" * n * 50) for n in range(30)]
    wires = [gateway.wire() for _ in requests]
    for start in range(0, max(map(len, requests)), 100):
        for wire, whole in zip(wires, requests, strict=True):
            if piece := whole[start : start + 100]:
                wire.send(piece)
    for number, wire in enumerate(wires):
        assert is_exchange(wire.response("POST"))["reply"] == f"message {number} " + "x" * number * 50
        wire.close()


# Clients that go


@pytest.mark.parametrize("pause", [0, 0.001, 0.02])
def test_a_client_that_resets_frees_its_place_at_once(gateway, pause):
    before = gateway.outcomes("silent", "cancelled")
    for _ in range(20):
        wires = [gateway.wire() for _ in range(10)]
        for wire in wires:
            wire.send(message("gone", target="silent", timeout_ms=10000))
        wait_until(lambda: gateway.in_flight() == 10, "all are in flight", pause=0.001)
        time.sleep(pause)
        for wire in wires:
            wire.reset()
        wait_until(lambda: gateway.in_flight() == 0, "well before the timeout the places are free", timeout=5)
    assert gateway.outcomes("silent", "cancelled") == before + 200


def test_a_client_that_half_closes_still_reads_its_answer(gateway):
    with gateway.wire() as wire:
        wire.send(message("after 300 ms, still here", target="paced"))
        wire.half_close()
        assert is_exchange(wire.response("POST"))["reply"] == "after 300 ms, still here"
        assert wire.is_ended()


def test_netcat_that_half_closes_reads_its_answer(gateway):
    address, port = gateway.http
    typed = message("after 200 ms, by hand", target="paced")
    ended = subprocess.run(
        ["nc", "-N", "-w", "15", address, str(port)], input=typed, capture_output=True, timeout=30, check=True
    )
    assert b"200 OK" in ended.stdout and b'"after 200 ms, by hand"' in ended.stdout


def test_a_client_that_goes_in_the_middle_of_a_request_leaves_nothing_behind(gateway):
    baseline = gateway.metrics().value("yodel_http_connections")
    whole = message("never finished")
    for point in range(1, len(whole), 3):
        with gateway.wire() as wire:
            wire.send(whole[:point])
            wire.reset()
    wait_until(lambda: gateway.metrics().value("yodel_http_connections") <= baseline, "all are gone")
    assert is_exchange(gateway.send("after"))["reply"] == "after"


def test_a_client_that_resets_while_pipelining_harms_nobody(gateway):
    for _ in range(20):
        wire = gateway.wire()
        wire.send(message("after 20 ms, one", target="paced") * 5)
        wire.reset()
    wait_until(lambda: gateway.in_flight() == 0, "nothing is in flight")
    assert is_exchange(gateway.send("after"))["reply"] == "after"
