"""SIGTERM: who waits gets an answer, who comes later is told, and then the process is gone."""

import concurrent.futures
import time

import pytest

from support.checks import is_exchange, is_problem
from support.child import INTERRUPT, TERMINATE, run_yodel
from support.gateway import message_path
from support.http import refuses_connections, request_bytes
from support.udp import Target, paced, silence
from support.waiting import wait_until


@pytest.fixture
def serve_slow(serve, own):
    """Starts a gateway with targets `paced` and `silent`."""
    words = ("--target", f"paced={own(Target, paced)}", "--target", f"silent={own(Target, silence)}")
    return lambda *options: serve(*words, *options)


def start_message(gateway, text, **options):
    """Send a message and do not wait; return the connection."""
    wire = gateway.wire()
    wire.send(request_bytes("POST", message_path(**options), text.encode()))
    return wire


def is_draining(wire):
    """Whether a request on a kept connection is refused because the gateway drains."""
    answer = wire.ask("GET", "/api/info")
    if answer.status == 200:
        return False
    is_problem(answer, 503, "draining")
    return True


def test_every_message_in_flight_gets_its_answer(serve_slow):
    gateway = serve_slow()
    texts = [f"after 1500 ms, number {n}" for n in range(150)]
    answered = [start_message(gateway, text, target="paced", timeout_ms=10000) for text in texts]
    unanswered = [start_message(gateway, "hello?", target="silent", timeout_ms=1500) for _ in range(150)]
    wait_until(lambda: gateway.in_flight() == 300, "all are in flight", pause=0.005)
    gateway.signal(TERMINATE)
    assert [is_exchange(wire.response("POST"))["reply"] for wire in answered] == texts
    for wire in unanswered:
        assert is_problem(wire.response("POST"), 504, "no-reply")["timeout_ms"] == 1500
    assert gateway.exit_code() == 0
    for wire in answered + unanswered:
        wire.close()


@pytest.mark.parametrize("number", [TERMINATE, INTERRUPT])
def test_a_gateway_at_rest_ends_at_once_however_many_loops_it_has(serve, number):
    gateway = serve("--loops", "16")
    assert gateway.send("x").status == 200
    began = time.monotonic()
    gateway.signal(number)
    assert gateway.exit_code() == 0
    assert time.monotonic() - began < 3


def test_an_idle_connection_does_not_hold_up_the_end(serve):
    gateway = serve()
    with gateway.wire() as idle, gateway.wire() as silent:
        assert idle.ask("GET", "/healthz").status == 200
        silent.send(b"GET /hea")
        gateway.signal(TERMINATE)
        assert gateway.exit_code() == 0
        assert idle.rest() == b""


def test_connections_that_the_kernel_had_queued_are_served(serve):
    gateway = serve()
    with gateway.stopped():
        wires = [start_message(gateway, f"queued {n}") for n in range(40)]
        gateway.signal(TERMINATE)
    assert [is_exchange(wire.response("POST"))["reply"] for wire in wires] == [f"queued {n}" for n in range(40)]
    assert all(wire.is_ended() for wire in wires), "served once"
    assert gateway.exit_code() == 0


def test_a_thousand_messages_in_flight_and_connections_that_are_queued_are_all_answered(serve_slow):
    gateway = serve_slow()
    held = [start_message(gateway, "x", target="silent", timeout_ms=6000) for _ in range(500)]
    answered = [start_message(gateway, f"after 5000 ms, {n}", target="paced", timeout_ms=10000) for n in range(500)]
    wait_until(lambda: gateway.in_flight() == 1000, "all are in flight", pause=0.05)
    with gateway.stopped():
        queued = [start_message(gateway, f"queued {n}") for n in range(100)]
        gateway.signal(TERMINATE)
    for number, wire in enumerate(queued):
        assert is_exchange(wire.response("POST"))["reply"] == f"queued {number}"
    for number, wire in enumerate(answered):
        assert is_exchange(wire.response("POST"))["reply"] == f"after 5000 ms, {number}"
    for wire in held:
        is_problem(wire.response("POST"), 504, "no-reply")
    assert gateway.exit_code() == 0
    for wire in held + answered + queued:
        wire.close()


def test_a_kept_connection_is_told_that_the_gateway_drains(serve_slow):
    gateway = serve_slow()
    with gateway.wire() as kept, start_message(gateway, "hold", target="silent", timeout_ms=3000) as holding:
        assert kept.ask("GET", "/healthz").status == 200
        wait_until(lambda: gateway.in_flight() == 1, "a message is in flight")
        gateway.signal(TERMINATE)
        wait_until(lambda: is_draining(kept), "the kept connection is refused")
        assert kept.is_ended()
        is_problem(holding.response("POST"), 504, "no-reply")
    assert gateway.exit_code() == 0


def test_no_new_connection_is_taken_while_it_drains(serve_slow):
    gateway = serve_slow()
    with start_message(gateway, "after 2500 ms, hold", target="paced", timeout_ms=10000) as holding:
        wait_until(lambda: gateway.in_flight() == 1, "a message is in flight")
        gateway.signal(TERMINATE)
        wait_until(lambda: refuses_connections(gateway), "new connections are refused", timeout=2.4)
        assert is_exchange(holding.response("POST"))["match"] is True
    assert gateway.exit_code() == 0


def test_during_the_drain_delay_it_is_not_ready_but_serves(serve):
    gateway = serve("--drain-delay", "2")
    began = time.monotonic()
    gateway.signal(TERMINATE)
    wait_until(lambda: gateway.get("/readyz").status == 503, "it is not ready any more", timeout=1.5)
    assert run_yodel("healthcheck", gateway.url).returncode == 1
    assert is_exchange(gateway.send("still served"))["reply"] == "still served"
    assert gateway.get("/healthz").status == 200
    assert gateway.exit_code() == 0
    assert time.monotonic() - began >= 1.9


def test_a_second_signal_ends_at_once(serve_slow):
    gateway = serve_slow()
    with gateway.wire() as kept, start_message(gateway, "hold", target="silent", timeout_ms=10000):
        wait_until(lambda: gateway.in_flight() == 1, "a message is in flight")
        assert kept.ask("GET", "/healthz").status == 200
        gateway.signal(TERMINATE)
        wait_until(lambda: is_draining(kept), "the first signal has arrived")
        gateway.signal(TERMINATE)
        gateway.exit_code(timeout=5)


def test_two_signals_that_come_at_once_end_at_once_too(serve_slow):
    gateway = serve_slow()
    with start_message(gateway, "hold", target="silent", timeout_ms=10000):
        wait_until(lambda: gateway.in_flight() == 1, "a message is in flight")
        with gateway.stopped():
            gateway.signal(TERMINATE)
            gateway.signal(INTERRUPT)
        assert gateway.exit_code(timeout=5) in (-TERMINATE, -INTERRUPT)


def send_until_it_is_gone(gateway, worker):
    """Send messages, each on a connection of its own, until there is none to be had; return what was answered."""
    seen = []
    while True:
        try:
            seen.append(gateway.send(f"{worker}.{len(seen)}").status)
        except ConnectionRefusedError:
            return seen
        except ConnectionResetError:
            return [*seen, "reset"]


def test_messages_under_way_from_many_clients_are_answered_and_not_dropped(serve):
    gateway = serve("--drain-delay", "0.3")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(send_until_it_is_gone, gateway, worker) for worker in range(8)]
        wait_until(lambda: gateway.outcomes("echo", "reply") > 50, "messages are under way")
        gateway.signal(TERMINATE)
        answers = [answer for worker in workers for answer in worker.result()]
    assert set(answers) <= {200, "reset"}
    assert answers.count(200) > 50
    # Between the last accept and the close of the listener the kernel may still say yes to somebody.
    assert answers.count("reset") <= 2
    assert gateway.exit_code() == 0
