"""`GET /metrics`: the format, and that each number moves with what it counts."""

import itertools
import json
import pathlib
import re
import threading

import pytest

from support.checks import carries_security_headers
from support.child import TERMINATE
from support.gateway import Gateway, message_path
from support.http import request_bytes
from support.metrics import Metrics
from support.udp import ClosedPort, Target, ask, echo, silence, udp_socket
from support.waiting import wait_until

BUCKETS = [5e-05] + [digit * 10.0**power for power in range(-4, 1) for digit in (1, 2.5, 5)] + [10.0]
COUNTERS = [
    "yodel_exchanges_total", "yodel_late_replies_total", "yodel_probes_total", "yodel_echo_datagrams_total",
    "yodel_echo_bytes_total", "yodel_echo_dropped_total", "yodel_echo_duplicated_total", "yodel_echo_impaired_total",
    "yodel_echo_receive_buffer_full_total", "yodel_feed_missed_total", "yodel_http_requests_total",
    "yodel_http_connections_closed_total", "process_cpu_seconds_total",
]
GAUGES = [
    "yodel_exchanges_in_flight", "yodel_exchanges_limit", "yodel_relay_sockets", "yodel_series", "yodel_echo_held",
    "yodel_impairments_active", "yodel_feeds", "yodel_http_connections", "yodel_http_connections_limit", "yodel_ready",
    "yodel_build_info", "process_open_fds", "process_max_fds", "process_virtual_memory_bytes",
    "process_virtual_memory_max_bytes", "process_resident_memory_bytes", "process_threads",
    "process_start_time_seconds",
]
FAMILIES = {
    "yodel_exchange_rtt_seconds": "histogram", **dict.fromkeys(COUNTERS, "counter"), **dict.fromkeys(GAUGES, "gauge")
}
OUTCOMES = {
    "reply", "cancelled", "no-reply", "port-unreachable", "target-unreachable", "message-too-large", "overloaded"
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


def test_each_family_has_its_type_and_a_word_on_it(gateway):
    metrics = gateway.metrics()
    assert metrics.types == FAMILIES
    assert set(re.findall(r"^# HELP (\w+) [A-Z0-9].*\.$", metrics.text, re.M)) == set(FAMILIES)


def test_a_family_is_in_one_piece_and_its_head_before_it(gateway):
    order = []
    for line in gateway.metrics().text.splitlines():
        word = line.split()[2] if line.startswith("#") else re.match(r"\w+", line)[0]
        family = re.sub(r"_(bucket|sum|count)$", "", word) if word not in FAMILIES else word
        order.append((family, line.split()[1] if line.startswith("#") else "sample"))
    families = [family for family, _ in itertools.groupby(order, lambda pair: pair[0])]
    assert sorted(families) == sorted(FAMILIES)
    for _, lines in itertools.groupby(order, lambda pair: pair[0]):
        assert [kind for _, kind in lines][:3] == ["HELP", "TYPE", "sample"]


def test_each_target_begins_at_0(serve, own):
    gateway = serve("--target", f"lab={own(ClosedPort)}", "--allow-target", "127.0.0.0/8")
    metrics = gateway.metrics()
    exchanges = {(labels["target"], labels["outcome"]): value for labels, value in metrics.labelled("yodel_exchanges_total")}
    assert exchanges == {(target, outcome): 0 for target in ("echo", "lab", "other") for outcome in OUTCOMES}
    timed = {labels["target"]: value for labels, value in metrics.labelled("yodel_exchange_rtt_seconds_count")}
    assert timed == dict.fromkeys(("echo", "lab", "other"), 0)
    assert gateway.send("x", target=own(Target, echo)).status == 200
    assert gateway.outcomes("other", "reply") == 1


def test_limits_and_readiness_are_told(serve):
    gateway = serve("--max-in-flight", "77", "--max-connections", "55", "--drain-delay", "3600")
    metrics = gateway.metrics()
    assert metrics.value("yodel_exchanges_limit") == 77
    assert metrics.value("yodel_http_connections_limit") == 55
    assert metrics.value("yodel_ready") == 1
    gateway.signal(TERMINATE)
    wait_until(lambda: gateway.metrics().value("yodel_ready") == 0, "it is not ready any more")
    assert gateway.get("/readyz").status == 503
    gateway.signal(TERMINATE)
    assert gateway.exit_code() != 0, "a second signal ends it at once"


def test_the_process_is_what_the_kernel_says(gateway):
    process = pathlib.Path("/proc", str(gateway.pid))
    metrics = gateway.metrics()
    assert metrics.value("process_threads") == len(list((process / "task").iterdir()))
    # The scrape's own connection has gone, or not yet.
    assert 0 <= metrics.value("process_open_fds") - len(list((process / "fd").iterdir())) <= 2
    limits = (process / "limits").read_text()
    assert metrics.value("process_max_fds") == float(re.search(r"Max open files +(\d+)", limits)[1])
    space = re.search(r"Max address space +(\S+)", limits)[1]
    assert metrics.value("process_virtual_memory_max_bytes") == (2.0**64 if space == "unlimited" else float(space))
    resident = float(re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())[1]) * 1024
    assert metrics.value("process_resident_memory_bytes") == pytest.approx(resident, rel=0.2)
    assert metrics.value("process_virtual_memory_bytes") > metrics.value("process_resident_memory_bytes")
    assert metrics.value("process_start_time_seconds") == pytest.approx(process.stat().st_mtime, abs=60)
    assert 0 < metrics.value("process_cpu_seconds_total") < 600


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
    def unheard():
        return gateway.metrics().value("yodel_http_requests_total", route="/api/messages", method="POST", code="499")

    before, unheard_before = gateway.outcomes("silent", "cancelled"), unheard()
    with gateway.wire() as wire:
        wire.send(request_bytes("POST", message_path(target="silent", timeout_ms=10000), b"x"))
        wait_until(lambda: gateway.in_flight() == 1, "it is in flight")
        wire.reset()
    wait_until(lambda: gateway.in_flight() == 0, "it is gone")
    assert gateway.outcomes("silent", "cancelled") == before + 1
    assert unheard() == unheard_before + 1


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


def test_every_scrape_adds_up_while_everything_moves(serve):
    gateway = serve("--loops", "4")
    impairments = {"loss_percent": 10, "duplicate_percent": 30, "corrupt_percent": 10, "delay_ms": 5, "jitter_ms": 5}
    assert gateway.request("PUT", "/api/echo/impairments", json.dumps(impairments).encode()).status == 200
    is_over = threading.Event()

    def datagrams():
        with udp_socket() as client:
            while not is_over.wait(0.001):
                for _ in range(20):
                    client.sendto(b"x" * 100, gateway.udp)

    def messages():
        while not is_over.is_set():
            gateway.send("x", timeout_ms=20)

    threads = [threading.Thread(target=work) for work in (datagrams, messages)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: gateway.metrics().value("yodel_echo_held") > 0, "replies are held")
        for _ in range(50):
            adds_up(gateway.metrics())
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    metrics = gateway.metrics()
    adds_up(metrics)
    assert metrics.value("yodel_echo_duplicated_total") > 0
    assert metrics.value("yodel_exchanges_total", target="echo", outcome="reply") > 0


def adds_up(metrics):
    directions = {labels["direction"]: value for labels, value in metrics.labelled("yodel_echo_datagrams_total")}
    came = directions["received"] + metrics.value("yodel_echo_duplicated_total")
    assert came == directions["sent"] + metrics.value("yodel_echo_held") + metrics.total("yodel_echo_dropped_total")
    for labels, value in metrics.labelled("yodel_exchange_rtt_seconds_count"):
        assert value == metrics.value("yodel_exchanges_total", outcome="reply", **labels)
        assert value == metrics.value("yodel_exchange_rtt_seconds_bucket", le="+Inf", **labels)


def test_no_label_carries_what_a_client_chose(gateway):
    assert gateway.get("/chosen-by-a-client").status == 404
    assert gateway.request("CHOSEN", "/api/messages").status >= 400
    assert gateway.send("chosen-by-a-client", target="chosen-by-a-client").status == 400
    assert gateway.get("/probe?target=chosen-by-a-client").status == 400
    assert gateway.get("/probe?target=echo&message=chosen-by-a-client").status == 200
    assert gateway.get("/api/chosen/by/a/client?chosen=chosen").status == 404
    metrics = gateway.metrics()
    assert "chosen" not in metrics.text.lower()
    assert "127.0.0.1" not in metrics.text
    assert metrics.total("yodel_http_requests_total", code="404") >= 1
