"""`POST /api/probes`: a series, streamed, and accounted for to the last datagram."""

import json
import socket
import time

import pytest

from support.checks import is_json, is_problem
from support.child import TERMINATE, Child
from support.http import request_bytes
from support.probes import Outcome, treated
from support.udp import ClosedPort, Target, echo, silence
from support.waiting import PATIENCE, wait_until

PATH = "/api/probes"


def series(gateway, **members):
    """A whole series."""
    answer = gateway.request("POST", PATH, json.dumps(members).encode())
    assert answer.status == 200, answer
    assert answer.media_type() == "application/x-ndjson"
    assert answer.header("Cache-Control") == "no-store"
    return Outcome(answer.text())


def begin(gateway, headers=(), **members):
    """Ask for a series and wait for the head of its answer; return the connection."""
    wire = gateway.wire()
    wire.send(request_bytes("POST", PATH, json.dumps(members).encode(), headers))
    return wire


def gauge(gateway):
    return gateway.metrics().value("yodel_series")


@pytest.fixture
def serve_with(serve, own):
    """`serve_with(behaviour, option, …)` starts a gateway whose target `peer` behaves so; returns both."""

    def start(behave, *options):
        target = own(Target, behave)
        return serve("--target", f"peer={target}", *options), target

    return start


# What is told


def test_each_datagram_of_a_whole_series_has_its_line(serve):
    outcome = series(serve(), count=20, interval_ms=1)
    assert [line["seq"] for line in outcome.lines] == list(range(1, 21))
    for line in outcome.lines:
        assert set(line) == {"seq", "fate", "rtt_ms", "sender", "bytes"} and line["bytes"] == 64
        assert line["fate"] == "reply" and line["rtt_ms"] > 0
    assert outcome.summary["complete"] is True and outcome.summary["loss_percent"] == 0
    assert set(outcome.summary["rtt_ms"]) == {"min", "mean", "p50", "p90", "p99", "max", "stddev"}


def test_lines_come_as_soon_as_they_are_known(serve_with, own):
    gateway, target = serve_with(echo)
    body = json.dumps({"target": "peer", "count": 3, "interval_ms": 700})
    client = own(Child, ["curl", "-sN", "-d", body, gateway.url + PATH])
    assert client.out.wait_for(lambda line: '"seq":1,' in line)
    assert len(target.received) == 1, "the first is told before the second is sent"
    assert client.exit_code() == 0
    assert Outcome("\n".join(client.out.all())).summary["received"] == 3


def fate_of(number):
    """The known list: every kind, in no order."""
    if number <= 12:
        return ("late", "reply", "lost", "duplicate")[number % 4]
    return ("reply", "lost", "corrupted", "duplicate", "reply", "reply", "lost")[number % 7]


def test_the_summary_is_exactly_what_was_done_to_them(serve_with):
    gateway, _ = serve_with(treated(fate_of, pause=0.7))
    outcome = series(gateway, target="peer", count=200, interval_ms=7, timeout_ms=500)
    done = {number: fate_of(number) for number in range(1, 201)}
    assert outcome.fates() == {n: "reply" if fate == "duplicate" else fate for n, fate in done.items()}
    assert outcome.duplicates() == [n for n, fate in done.items() if fate == "duplicate"]
    kinds = list(done.values())
    assert outcome.summary["received"] == kinds.count("reply") + kinds.count("duplicate")
    for fate in ("late", "lost", "corrupted"):
        assert outcome.summary[fate] == kinds.count(fate), fate
    assert outcome.summary["duplicates"] == kinds.count("duplicate")
    assert outcome.summary["loss_percent"] == round(kinds.count("lost") / 2, 3)
    assert outcome.summary["reordered"] == kinds.count("late")
    lost_first = [line["seq"] for line in outcome.lines if line["fate"] == "lost"]
    assert {n for n in done if done[n] == "late"} <= set(lost_first), "lost is said at the deadline, and taken back"
    probes = gateway.metrics()
    assert probes.value("yodel_probes_total", target="peer", fate="lost") == kinds.count("lost")
    assert probes.value("yodel_probes_total", target="peer", fate="late") == kinds.count("late")


@pytest.mark.parametrize("flaws", [{"corrupt_percent": 20}, {"duplicate_percent": 20}])
def test_what_the_echo_says_of_its_impairments_is_what_a_series_met(serve, flaws):
    gateway = serve()
    asked = {"loss_percent": 20, "delay_ms": 5, "jitter_ms": 2, "seed": 11, **flaws}
    set_ = gateway.request("PUT", "/api/echo/impairments", json.dumps(asked).encode())
    assert set_.status == 200, set_
    outcome = series(gateway, count=1000, interval_ms=1)
    echo_ = gateway.echo_counters()
    impaired = gateway.metrics()
    assert outcome.summary["sent"] == echo_["received"] == 1000
    assert outcome.summary["lost"] == echo_["dropped"]["impaired"] > 100
    assert outcome.summary["corrupted"] == impaired.value("yodel_echo_impaired_total", kind="corrupt")
    # The last one's copy may come after the end.
    assert 0 <= echo_["duplicated"] - outcome.summary["duplicates"] <= 1
    assert outcome.summary["reordered"] > 100 and outcome.summary["rtt_ms"]["p50"] > 3


def test_a_closed_port_is_told_of_each_at_once(serve, own):
    gateway = serve("--target", f"closed={own(ClosedPort)}")
    started = time.monotonic()
    outcome = series(gateway, target="closed", count=20, interval_ms=5, timeout_ms=10000)
    assert time.monotonic() - started < 8
    assert outcome.summary["unreachable"] == 20 and outcome.summary["loss_percent"] == 100
    assert outcome.lines[0] == {"seq": 1, "fate": "unreachable", "icmp": {"version": 4, "type": 3, "code": 3}}
    assert outcome.summary["rtt_ms"]["p50"] is None and outcome.summary["jitter_ms"] is None


def test_the_summary_alone(serve):
    gateway = serve()
    headers = {"Accept": "application/json"}
    answer = gateway.request("POST", PATH, b'{"count":10,"interval_ms":0}', headers)
    outcome = is_json(answer)
    assert outcome["summary"]["received"] == 10 and outcome["summary"]["complete"] is True


@pytest.mark.parametrize("accept", ["application/json;q=0", "application/json;q=0.5, application/x-ndjson", "*/*"])
def test_lines_are_for_all_who_do_not_like_json_better(serve, accept):
    answer = serve().request("POST", PATH, b'{"count":1}', {"Accept": accept})
    assert answer.media_type() == "application/x-ndjson"


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
def test_the_body_is_json_whatever_its_type_says(serve, type_):
    gateway = serve()
    answer = gateway.request("POST", PATH, b'{"count":2,"interval_ms":1,"size":100}', {"Content-Type": type_})
    assert [line["bytes"] for line in Outcome(answer.text()).lines] == [100, 100]


def test_an_empty_body_is_the_defaults(serve_with):
    gateway, target = serve_with(echo, "--no-echo")
    with begin(gateway) as wire:
        wait_until(lambda: target.received, "the first datagram")
        assert len(target.received[0]) == 64
        wire.reset()


# What is refused


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"count":0}', "invalid-request"),
        (b'{"count":10001}', "invalid-request"),
        (b'{"count":2.5}', "invalid-request"),
        (b'{"count":"2"}', "invalid-request"),
        (b'{"interval_ms":60001}', "invalid-request"),
        (b'{"interval_ms":-1}', "invalid-request"),
        (b'{"interval_ms":0.5}', "invalid-request"),
        (b'{"count":3601,"interval_ms":1000}', "invalid-request"),
        (b'{"size":23}', "invalid-request"),
        (b'{"size":65508}', "invalid-request"),
        (b'{"timeout_ms":0}', "invalid-request"),
        (b'{"timeout_ms":10001}', "invalid-request"),
        (b'{"cuont":3}', "invalid-request"),
        (b'{"count":3,"count":3}', "invalid-request"),
        (b"[]", "invalid-request"),
        (b"count=3", "invalid-request"),
        (b'{"target":"nobody"}', "unknown-target"),
        (b'{"target":1}', "invalid-request"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(serve_with, body, name):
    gateway, target = serve_with(silence, "--no-echo")
    is_problem(gateway.request("POST", PATH, body), 400, name)
    assert target.received == [] and gauge(gateway) == 0


def test_a_literal_that_is_not_allowed_is_403(serve):
    is_problem(serve().request("POST", PATH, b'{"target":"127.0.0.1:9"}'), 403, "target-not-allowed")


def test_an_unknown_member_hears_of_the_known_ones(serve):
    answer = serve().request("POST", PATH, b'{"cuont":3}')
    is_problem(answer, 400, "invalid-request", "cuont", "target, count, interval_ms, size, timeout_ms")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods_are_405(serve, method):
    answer = serve().request(method, PATH)
    assert answer.status == 405 and "POST" in answer.header("Allow")


def test_through_a_proxy_at_least_ten_milliseconds_lie_between(serve_with):
    gateway, _ = serve_with(echo)
    headers = {"X-Forwarded-For": "192.0.2.1"}
    is_problem(gateway.request("POST", PATH, b'{"interval_ms":9}', headers), 400, "invalid-request", "10")
    for interval in (10, 0):
        started = time.monotonic()
        body = json.dumps({"count": 6, "interval_ms": interval}).encode()
        assert Outcome(gateway.request("POST", PATH, body, headers).text()).summary["received"] == 6
        assert time.monotonic() - started >= 0.05


# How many, and how they end


def test_past_max_series_there_is_a_503_until_one_ends(serve_with):
    gateway, target = serve_with(silence, "--max-series", "2")
    assert gateway.get("/api/info").json()["limits"]["max_series"] == 2
    first = begin(gateway, target="peer", count=3600)
    with begin(gateway, target="peer", count=3600):
        wait_until(lambda: len(target.received) >= 2, "both send")
        answer = gateway.request("POST", PATH, b"{}")
        assert is_problem(answer, 503, "overloaded", "--max-series")["limit"] == 2
        assert answer.header("Retry-After")
        # That there is no room is said before what is wrong with the body.
        is_problem(gateway.request("POST", PATH, b'{"cuont":1}'), 503, "overloaded")
        first.reset()
        wait_until(lambda: gauge(gateway) == 1, "the first one's place is free")
        assert series(gateway, count=2, interval_ms=1).summary["received"] == 2


@pytest.mark.parametrize("way", ["reset", "close"])
@pytest.mark.parametrize("accept", [(), ("Accept: application/json",)])
def test_a_client_that_goes_away_ends_its_series(serve_with, way, accept):
    gateway, target = serve_with(echo)
    wire = begin(gateway, accept, target="peer", count=10000, interval_ms=20)
    wait_until(lambda: len(target.received) > 3, "it sends")
    getattr(wire, way)()
    wait_until(lambda: gauge(gateway) == 0, "the series has ended")
    count = len(target.received)
    time.sleep(0.2)
    assert len(target.received) <= count + 1
    assert gateway.in_flight() == 0


def test_a_client_that_has_only_ended_its_sending_has_its_summary(serve):
    wire = begin(serve(), ("Accept: application/json",), count=5, interval_ms=20)
    wire.half_close()
    assert json.loads(wire.response("POST").text())["summary"]["received"] == 5


def test_the_socket_of_a_clean_series_is_held_no_longer_than_a_messages(serve_with):
    gateway, _ = serve_with(echo)
    series(gateway, target="peer", count=2, interval_ms=1)
    started = time.monotonic()
    wait_until(lambda: gateway.metrics().value("yodel_relay_sockets", state="retired") == 0, "it is closed")
    assert time.monotonic() - started < 5, "ten seconds are for those that may hear something late"


@pytest.mark.parametrize("accept", [(), ("Accept: application/json",)])
def test_sigterm_ends_a_series_at_once_with_its_summary(serve_with, accept):
    gateway, target = serve_with(silence)
    wire = begin(gateway, accept, target="peer", count=3600, interval_ms=1000, timeout_ms=10000)
    wait_until(lambda: target.received, "it sends")
    started = time.monotonic()
    gateway.signal(TERMINATE)
    summary = Outcome(wire.response("POST").text()).summary
    assert summary["complete"] is False and summary["sent"] == 0 and summary["undecided"] == len(target.received)
    assert gateway.exit_code() == 0
    assert time.monotonic() - started < PATIENCE / 2


def five_times(target, data, source):
    for _ in range(5):
        target.reply(data, source)


def test_a_reader_that_stands_still_keeps_its_place_and_costs_bounded_memory(serve_with):
    gateway, _ = serve_with(five_times)
    with gateway.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        wire.send(request_bytes("POST", PATH, b'{"target":"peer","count":3000,"interval_ms":1}'))
        replies = ("yodel_probes_total", {"target": "peer", "fate": "reply"})
        wait_until(lambda: gateway.metrics().value(replies[0], **replies[1]) == 3000, "it is over")
        assert gauge(gateway) == 1, "its lines wait"
        outcome = Outcome(wire.response("POST").text())
    # Past a bound copies are counted alone; those of the last datagram may come after the end.
    assert len(outcome.duplicates()) == 10_000 and 4 * 2999 <= outcome.summary["duplicates"] <= 4 * 3000
    assert outcome.summary["received"] == 3000 and set(outcome.fates().values()) == {"reply"}
    wait_until(lambda: gauge(gateway) == 0, "its place is free")
