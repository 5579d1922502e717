"""Requests that two parsers could read differently, against the program: refused before anything acts on them."""

import time

import pytest

from support.checks import is_exchange, is_problem
from support.gateway import Gateway
from support.http import Wire, request_bytes
from support.waiting import wait_until

SMUGGLED = request_bytes("POST", "/api/messages", b"smuggled")
POST = b"POST /api/messages HTTP/1.1\r\n"
HOST = b"Host: 127.0.0.1\r\n"
LENGTH = b"Content-Length: 5\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def gateway(own_for_module):
    return own_for_module(Gateway)


@pytest.fixture(autouse=True)
def nothing_is_smuggled(gateway):
    """No datagram leaves whatever a test sends, and the gateway is well afterwards."""
    before = gateway.echo_counters()["received"]
    yield
    assert gateway.echo_counters()["received"] == before
    assert gateway.get("/healthz").status == 200


def refused(gateway, head, body=b"hello"):
    """The one answer to a bad request with another one behind it; its connection ends."""
    with gateway.wire() as wire:
        wire.send(head + b"\r\n" + body + SMUGGLED)
        answer = wire.response("POST")
        assert wire.rest() == b"", "nothing comes after the refusal"
        return answer


@pytest.mark.parametrize(
    "head",
    [
        POST + HOST + b"Content(Length): 5\r\n" + LENGTH,
        POST + HOST + LENGTH + CHUNKED,
        POST + HOST + CHUNKED + LENGTH,
        POST + HOST + LENGTH + LENGTH,
        POST + HOST + LENGTH + b"Content-Length: 0\r\n",
        POST + HOST + b"Content-Length: +5\r\n",
        POST + HOST + b"Content-Length: -1\r\n",
        POST + HOST + b"Content-Length:\r\n",
        POST + HOST + b"Content-Length: 5, 5\r\n",
        POST + HOST + b"Content-Length: 18446744073709551621\r\n",
        POST + LENGTH,
        POST + HOST + HOST + LENGTH,
        POST + HOST + b"Host: elsewhere\r\n" + LENGTH,
        b"POST /api/messages HTTP/1.2\r\n" + HOST + LENGTH,
        b"POST http://127.0.0.1/api/messages HTTP/1.1\r\n" + HOST + LENGTH,
        POST + HOST + b"X: y\x1bz\r\n" + LENGTH,
        b"POST\t/api/messages\tHTTP/1.1\r\n" + HOST + LENGTH,
        b"\r\n\r\n" + POST + HOST + LENGTH,
        b"\r\n" * 8 + POST + HOST + LENGTH,
        b"\n" + POST + HOST + LENGTH,
        b"\0 GET /a HTTP/\r\n" + POST + HOST + LENGTH,
    ],
)
def test_what_could_be_read_in_two_ways_is_malformed(gateway, head):
    is_problem(refused(gateway, head), 400, "malformed-request")


@pytest.mark.parametrize(
    "head",
    [
        POST + HOST + b"Content-Length : 5\r\n",
        POST + HOST + b"Content-Length\t: 5\r\n",
        b"POST  /api/messages HTTP/1.1\r\n" + HOST + LENGTH,
        POST + HOST + b"Content-Length: 5\r\n 0\r\n",
        POST + HOST + b"Content: 5\r\n -Length\r\n",
        POST + HOST + b"X: y\nContent-Length: 5\r\n",
        POST + HOST + b"X: y\rContent-Length: 5\r\n",
        POST + HOST + b"X: y\0z\r\n" + LENGTH,
    ],
)
def test_lines_that_could_be_read_in_two_ways_are_refused(gateway, head):
    answer = refused(gateway, head)
    assert answer.status == 400
    # libmicrohttpd 1.0 finds these by itself, and answers with a page of its own.
    if not answer.body.startswith(b"<html>"):
        is_problem(answer, 400, "malformed-request")


@pytest.mark.parametrize("data", [b"", b"\r\n", b"GE", b"GET /", b"\0" * 5000, b"GET\t/\r\n\r\n"])
def test_a_client_that_ends_early_has_an_end_and_no_reset(gateway, data):
    for pause in (0, 0.02):
        with gateway.wire() as wire:
            wire.send(data)
            time.sleep(pause)
            wire.half_close()
            assert wire.rest().split()[1:2] in ([], [b"400"])
            wire.close()
    wait_until(lambda: gateway.metrics().value("yodel_http_connections") == 1, "they are closed", timeout=3)


def test_one_blank_line_before_a_request_is_ignored(gateway):
    with gateway.wire() as wire:
        for _ in range(3):
            wire.send(b"\r\n" + request_bytes("GET", "/healthz"))
            assert wire.response().status == 200


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, chunked", b"chunked, chunked", b"identity", b"xchunked", b""])
def test_a_coding_other_than_chunked_is_not_implemented(gateway, coding):
    answer = refused(gateway, POST + HOST + b"Transfer-Encoding: " + coding + b"\r\n", b"0\r\n\r\n")
    is_problem(answer, 501, "not-implemented", "chunked")


@pytest.mark.parametrize("line", [b"TRACE /api/messages", b"TRACE /nope", b"CONNECT 127.0.0.1:80"])
def test_trace_and_connect_are_not_allowed_and_end_the_connection(gateway, line):
    answer = refused(gateway, line + b" HTTP/1.1\r\n" + HOST, b"")
    is_problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.header("Allow") and "TRACE" not in answer.header("Allow")


@pytest.mark.parametrize("size", [b"zz", b"-5", b"+5", b"0x5", b" 5", b"5 ", b"", b"11111111111111111"])
def test_a_bad_chunk_size_is_an_error_and_ends_the_connection(gateway, size):
    with gateway.wire() as wire:
        wire.send(POST + HOST + CHUNKED + b"\r\n" + size + b"\r\nhello\r\n0\r\n\r\n" + SMUGGLED)
        assert wire.response("POST").status in (400, 413)
        assert wire.rest() == b""


def test_a_proxys_chunked_body_is_the_last_on_its_connection(gateway):
    # A proxy that takes the line feed for a part of the extension finds another end of this body.
    body = b"3;a\nabc\r\n0\r\n\r\n"
    with gateway.wire() as wire:
        wire.send(b"GET /api/messages HTTP/1.1\r\nVia: 1.1 front\r\n" + HOST + CHUNKED + b"\r\n" + body + SMUGGLED)
        assert wire.response().status in (400, 405)
        assert wire.rest() == b""


@pytest.mark.parametrize(
    "head, status",
    [
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST, 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 70_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: y\r\n" % number for number in range(3000)), 431),
    ],
    ids=["target", "header", "headers"],
)
def test_a_head_that_is_too_large_is_told_so(gateway, head, status):
    with gateway.wire() as wire:
        wire.send_all_that_is_taken(head + b"\r\n")
        assert wire.response().status == status


@pytest.mark.parametrize(
    "data",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
        b"\0" * 20_000,
        b"\r\n" * 10_000,
    ],
    ids=["HTTP/2", "HTTP/0.9", "TLS", "NUL", "blank lines"],
)
def test_what_is_another_protocol_gets_an_error_or_an_end(gateway, data):
    with gateway.wire() as wire:
        wire.send_all_that_is_taken(data, half_close=True)
        said = wire.rest()
        assert said == b"" or said.split()[1] in (b"400", b"414", b"431", b"505"), said


def test_a_good_request_after_all_that_is_a_good_request(serve):
    with Wire(serve().http) as wire:
        assert is_exchange(wire.ask("POST", "/api/messages", b"hello"))["reply"] == "hello"
