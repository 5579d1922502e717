"""How often a client may send messages, and how often the echo server answers a network of public addresses."""

import os
import socket
import struct
import time

import pytest

from support.checks import is_problem
from support.gateway import EchoServer, Gateway
from support.http import Wire, request_bytes
from support.udp import ask, udp_socket
from support.waiting import wait_until

BURST = 400


MESSAGE = request_bytes("POST", "/api/messages", b"hello", ["Content-Type: text/plain"])


def statuses(gateway, count, source="", to=None):
    """The status of each of so many messages, all sent at once on one connection."""
    with Wire(to or gateway.http, source=source) as wire:
        wire.send(MESSAGE * count)
        return [wire.response().status for _ in range(count)]


def posting_takes(count, function):
    """What `function` returns, and for how many seconds it ran."""
    start = time.monotonic()
    return function(count), time.monotonic() - start


# Messages


def test_by_default_loopback_sends_as_often_as_it_likes(serve):
    assert statuses(serve(), BURST) == [200] * BURST


def test_a_given_rate_holds_on_loopback_too(serve):
    gateway = serve("--message-rate", "5")
    found, seconds = posting_takes(30, lambda count: statuses(gateway, count))
    assert found[:5] == [200] * 5, "a second's worth at once"
    assert set(found) == {200, 429} and found.count(200) <= 5 + 5 * seconds + 1


def refused(gateway, *request):
    """The first refusal for its rate of requests that are alike, and what was answered before."""
    before = []
    for _ in range(100):
        answer = gateway.request(*request)
        if answer.status == 429:
            return answer, before
        before.append(answer.status)
    raise AssertionError(f"none is refused: {before}")


def test_what_is_refused_says_when_to_come_back_and_then_is_taken(serve):
    gateway = serve("--message-rate", "1")
    with gateway.wire() as wire:
        wire.send(MESSAGE * 2)
        assert wire.response().status == 200
        answer = wire.response()
        assert is_problem(answer, 429, "rate-limited", "--message-rate")["limit"] == 1
        assert answer.header("Retry-After") == "1"
        time.sleep(1)
        wire.send(MESSAGE)
        assert wire.response().status == 200, "after as long as it was told, on the same connection"


def test_only_what_sends_is_bounded_and_the_refusals_are_counted(serve):
    gateway = serve("--message-rate", "1")
    found = statuses(gateway, 10)
    for path in ("/api", "/api/echo", "/healthz", "/readyz", "/metrics"):
        assert all(gateway.get(path).status == 200 for _ in range(5)), path
    assert gateway.request("OPTIONS", "/api/messages").status == 204
    refused = gateway.metrics().value("yodel_http_requests_total", route="/api/messages", method="POST", code="429")
    assert refused == found.count(429) > 0


def test_a_refusal_comes_before_the_body_is_looked_at(serve):
    gateway = serve("--message-rate", "1")
    answer, before = refused(gateway, "POST", "/api/messages", b"{", {"Content-Type": "application/json"})
    assert is_problem(answer, 429, "rate-limited") and set(before) == {400}


@pytest.mark.parametrize("option", ["--message-rate", "--echo-rate"])
def test_a_rate_has_its_variable(serve, option):
    name = "YODEL" + option[1:].upper().replace("-", "_")
    limits = serve(environment={name: "7"}).get("/api/info").json()["limits"]
    assert limits[option[2:].replace("-", "_")] == 7


@pytest.fixture(scope="module")
def open_gateway(own_for_module, internet):
    """A gateway of a public network, with the defaults."""
    http = ("203.0.113.1:0", "[2001:db8::1]:0", "127.0.0.1:0")
    udp = ("203.0.113.1:0", "[2001:db8::1]:0", "10.0.0.1:0", "127.0.0.1:0")
    return own_for_module(Gateway, "--allow-anonymous", http=http, udp=udp, prefix=internet.prefix)


def test_beyond_loopback_a_client_sends_a_hundred_a_second(internet, open_gateway):
    http = open_gateway.http_addresses[0]
    found, seconds = posting_takes(
        BURST, lambda count: internet.inside(statuses, open_gateway, count, "198.51.100.7", http)
    )
    assert found[:100] == [200] * 100
    assert found.count(429) == BURST - found.count(200) > 0
    assert found.count(200) <= 100 + 100 * seconds + 1
    others = internet.inside(statuses, open_gateway, 50, "198.51.100.8", http)
    assert others == [200] * 50, "a neighbour has a rate of its own"
    loopback = internet.inside(statuses, open_gateway, BURST, "127.0.0.1", open_gateway.http_addresses[2])
    assert loopback == [200] * BURST


def test_over_ipv6_a_client_is_a_network_of_64_bits(internet, open_gateway):
    http = open_gateway.http_addresses[1]

    def spread(count):
        return sum((statuses(open_gateway, 20, f"2001:db8:0:7::{n:x}", http) for n in range(1, count // 20)), [])

    found, seconds = posting_takes(BURST, lambda count: internet.inside(spread, count))
    assert 429 in found and found.count(200) <= 100 + 100 * seconds + 1
    assert internet.inside(statuses, open_gateway, 50, "2001:db8:0:8::1", http) == [200] * 50


# The echo server


def burst(address, count, sources, are_read):
    """Send so many datagrams at once from each of some addresses; how many came back once `are_read()` returns."""
    clients = [udp_socket(source) for source in sources]
    try:
        for number in range(count):
            for client in clients:
                client.sendto(b"%d" % number, address)
        are_read()
        return sum(drain(client) for client in clients)
    finally:
        for client in clients:
            client.close()


def drain(client):
    """How many datagrams have come."""
    client.setblocking(False)
    came = 0
    try:
        while client.recv(65536) is not None:
            came += 1
    except BlockingIOError:
        return came


def burst_at(gateway, address, count, sources):
    """As `burst`, with the server's own word on what it has read; what came back, and what was dropped by the rate."""
    before = gateway.echo_counters()

    def all_are_read():
        read = gateway.echo_counters()["received"] - before["received"]
        return read == count * len(sources)

    came = burst(address, count, sources, lambda: wait_until(all_are_read, "all are read"))
    return came, gateway.echo_counters()["dropped"]["rate_limited"] - before["dropped"]["rate_limited"]


@pytest.mark.parametrize(
    ("address", "network", "neighbour"),
    [
        (0, ["198.51.100.7", "198.51.100.8", "198.51.100.9"], "203.0.113.9"),
        (1, ["2001:db8:0:9::1", "2001:db8:0:9::2", "2001:db8:0:9:ffff::3"], "2001:db8:0:a::1"),
    ],
)
def test_a_public_network_is_answered_two_hundred_times_a_second(internet, open_gateway, address, network, neighbour):
    server = open_gateway.udp_addresses[address]
    (came, limited), seconds = posting_takes(
        400, lambda count: internet.inside(burst_at, open_gateway, server, count, network)
    )
    assert 200 <= came <= 200 + 200 * seconds + 1 and limited == 1200 - came
    beside = internet.inside(burst_at, open_gateway, server, 100, [neighbour])
    assert beside == (100, 0), "the network beside has a rate of its own"


@pytest.mark.parametrize(("address", "source"), [(2, "10.1.2.3"), (3, "127.0.0.1"), (0, "203.0.113.1")])
def test_private_and_own_addresses_are_answered_without_a_bound(internet, open_gateway, address, source):
    server = open_gateway.udp_addresses[address]
    assert internet.inside(burst_at, open_gateway, server, 800, [source]) == (800, 0)


def test_yodel_echo_has_the_rate_too(internet, own):
    options = ("--echo-rate", "20", "--quiet", "--loops", "1")
    server = own(EchoServer, *options, udp="203.0.113.1:0", prefix=internet.prefix)

    def flood(count):
        # One loop reads in order: what was sent before is read when this is answered.
        return burst(server.udp, count, ["198.51.100.7"], lambda: ask(server.udp, b"the last"))

    came, seconds = posting_takes(200, lambda count: internet.inside(flood, count))
    assert 20 <= came <= 20 + 20 * seconds + 1


def flood_from_everywhere(address, port, count):
    """Datagrams from as many networks, each from the next of 2001:db8::/32 (RFC 3542 section 6.1)."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as raw:
        for number in range(count):
            source = socket.inet_pton(socket.AF_INET6, f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1")
            control = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, source + struct.pack("@I", 0))
            raw.sendmsg([b"flood"], [control], 0, (address, port))


def resident_bytes(gateway):
    with open(f"/proc/{gateway.pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_flood_leaves_memory_flat_and_http_in_its_bounds(internet, own):
    options = {"http": ("127.0.0.1:0",), "udp": ("203.0.113.1:0", "[2001:db8::1]:0"), "prefix": internet.prefix}
    gateway = own(Gateway, **options)
    (address, port) = gateway.udp_addresses[1]
    internet.inside(flood_from_everywhere, address, port, 20_000)
    before = resident_bytes(gateway)

    began = time.monotonic()

    def answers_during_a_flood():
        took = []
        deadline = time.monotonic() + 2
        with udp_socket("198.51.100.7") as client:
            while time.monotonic() < deadline:
                # Ten times the rate and more, between any two requests.
                for _ in range(200):
                    client.sendto(b"flood", gateway.udp_addresses[0])
                start = time.monotonic()
                assert gateway.send("hello").status == 200
                took.append(time.monotonic() - start)
        return sorted(took)

    took = internet.inside(answers_during_a_flood)
    assert took[len(took) // 2] < 0.25, took
    internet.inside(flood_from_everywhere, address, port, 60_000)
    counters = internet.inside(gateway.echo_counters)
    answered = 200 * (1 + time.monotonic() - began)
    assert counters["dropped"]["rate_limited"] >= 200 * len(took) - answered - counters["receive_buffer_full"] > 2000
    assert resident_bytes(gateway) - before < 4 << 20
