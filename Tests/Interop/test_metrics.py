"""`GET /metrics`: the format, and that each number moves with what it counts."""

import pytest

from support.checks import carries_security_headers
from support.gateway import Gateway, message_path
from support.http import request_bytes
from support.metrics import Metrics
from support.udp import ClosedPort, Target, ask, silence
from support.waiting import wait_until

BUCKETS = [5e-05] + [digit * 10.0**power for power in range(-4, 1) for digit in (1, 2.5, 5)] + [10.0]
FAMILIES = {
    "yodel_exchanges_total": "counter",
    "yodel_exchange_rtt_seconds": "histogram",
    "yodel_exchanges_in_flight": "gauge",
    "yodel_late_replies_total": "counter",
    "yodel_echo_datagrams_total": "counter",
    "yodel_echo_bytes_total": "counter",
    "yodel_echo_dropped_total": "counter",
    "yodel_feeds": "gauge",
    "yodel_feed_missed_total": "counter",
    "yodel_http_requests_total": "counter",
    "yodel_http_connections": "gauge",
    "yodel_build_info": "gauge",
    "process_cpu_seconds_total": "counter",
    "process_open_fds": "gauge",
    "process_resident_memory_bytes": "gauge",
    "process_start_time_seconds": "gauge",
}


@pytest.fixture(scope="module")
def gateway(own_for_module):
    silent, closed = own_for_module(Target, silence), own_for_module(ClosedPort)
    gateway = own_for_module(Gateway, "--target", f"silent={silent}", "--target", f"closed={closed}")
    assert gateway.send("so that every family has a sample").status == 200
    return gateway


def test_it_is_prometheus_text(gateway):
    answer = gateway.get("/metrics")
    assert answer.header("Content-Type").startswith("text/plain; version=0.0.4")
    assert answer.header("Cache-Control") == "no-store"
    carries_security_headers(answer)
    assert Metrics(answer.text()).samples


@pytest.mark.parametrize("name, kind", FAMILIES.items())
def test_each_family_has_its_type(gateway, name, kind):
    assert gateway.metrics().types.get(name) == kind


def test_build_info_carries_the_version(gateway):
    [(labels, value)] = gateway.metrics().labelled("yodel_build_info")
    assert value == 1
    assert labels["version"] == gateway.get("/api/info").json()["version"]


def test_a_reply_is_counted_and_timed(gateway):
    before = gateway.metrics()
    for _ in range(3):
        assert gateway.send("hello").status == 200
    after = gateway.metrics()
    assert moved(before, after, "yodel_exchanges_total", target="echo", outcome="reply") == 3
    assert moved(before, after, "yodel_exchange_rtt_seconds_count", target="echo") == 3
    assert 0 < moved(before, after, "yodel_exchange_rtt_seconds_sum", target="echo") < 30


def moved(before, after, name, **labels):
    return after.total(name, **labels) - before.total(name, **labels)


def test_the_histogram_has_its_buckets_and_they_add_up(gateway):
    metrics = gateway.metrics()
    buckets = sorted(
        (float(labels["le"]), value)
        for labels, value in metrics.labelled("yodel_exchange_rtt_seconds_bucket")
        if labels["target"] == "echo"
    )
    assert [edge for edge, _ in buckets] == pytest.approx([*BUCKETS, float("inf")])
    counts = [count for _, count in buckets]
    assert counts == sorted(counts), "each bucket holds those below it"
    assert counts[-1] == metrics.value("yodel_exchange_rtt_seconds_count", target="echo") > 0


@pytest.mark.parametrize("target, outcome, status", [("closed", "port-unreachable", 502), ("silent", "no-reply", 504)])
def test_each_failure_has_its_outcome(gateway, target, outcome, status):
    before = gateway.outcomes(target, outcome)
    assert gateway.send("x", target=target, timeout_ms=100 if status == 504 else 10000).status == status
    assert gateway.outcomes(target, outcome) == before + 1


def test_in_flight_rises_and_falls_and_a_cancelled_one_is_counted(gateway):
    before = gateway.outcomes("silent", "cancelled")
    with gateway.wire() as wire:
        wire.send(request_bytes("POST", message_path(target="silent", timeout_ms=10000), b"x"))
        wait_until(lambda: gateway.in_flight() == 1, "it is in flight")
        wire.reset()
    wait_until(lambda: gateway.in_flight() == 0, "it is gone")
    assert gateway.outcomes("silent", "cancelled") == before + 1


def test_datagrams_and_bytes_are_counted_in_each_direction(gateway):
    before = gateway.metrics()
    ask(gateway.udp, b"12345")
    after = gateway.metrics()
    for name, step in (("yodel_echo_datagrams_total", 1), ("yodel_echo_bytes_total", 5)):
        directions = [labels for labels, _ in after.labelled(name)]
        assert len(directions) == 2
        assert [moved(before, after, name, **labels) for labels in directions] == [step, step]


def test_requests_are_counted_by_route_method_and_code(gateway):
    labels = {"route": "/api/messages", "method": "POST", "code": "200"}
    before = gateway.metrics()
    assert gateway.send("x").status == 200
    assert gateway.send("x", bogus=1).status == 400
    after = gateway.metrics()
    assert moved(before, after, "yodel_http_requests_total", **labels) == 1
    assert moved(before, after, "yodel_http_requests_total", **{**labels, "code": "400"}) == 1


def test_connections_are_counted_while_they_are_there(gateway):
    wires = [gateway.wire() for _ in range(5)]
    assert [wire.ask("GET", "/healthz").status for wire in wires] == [200] * 5
    assert gateway.metrics().value("yodel_http_connections") >= 5
    for wire in wires:
        wire.close()
    wait_until(lambda: gateway.metrics().value("yodel_http_connections") <= 1, "only the scrape is left")


def test_no_label_carries_what_a_client_chose(gateway):
    assert gateway.get("/chosen-by-a-client").status == 404
    assert gateway.request("CHOSEN", "/api/messages").status >= 400
    assert gateway.send("chosen-by-a-client", target="chosen-by-a-client").status == 400
    metrics = gateway.metrics()
    assert "chosen" not in metrics.text.lower()
    assert "127.0.0.1" not in metrics.text
    assert metrics.total("yodel_http_requests_total", code="404") >= 1
