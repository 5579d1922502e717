"""`GET /probe`: one message to a target, told to Prometheus."""

import shlex
import time

import pytest

from support.checks import carries_security_headers, is_problem
from support.child import TERMINATE
from support.curl import curl
from support.gateway import Gateway
from support.http import refuses_connections, request_bytes
from support.metrics import Metrics
from support.udp import ClosedPort, Target, echo, silence, upper
from support.waiting import wait_until

OUTCOMES = ["reply", "no-reply", "port-unreachable", "target-unreachable"]
TIMEOUT = "X-Prometheus-Scrape-Timeout-Seconds"


@pytest.fixture(scope="module")
def lab(own_for_module):
    return own_for_module(Target, echo)


@pytest.fixture(scope="module")
def gateway(own_for_module, lab):
    made = {"lab": lab, "silent": own_for_module(Target, silence), "closed": own_for_module(ClosedPort),
            "upper": own_for_module(Target, upper)}
    words = [word for name, target in made.items() for word in ("--target", f"{name}={target}")]
    return own_for_module(Gateway, *words, "--allow-target", "127.0.0.0/8", "--timeout-ms", "700")


def probe(gateway, *words, timeout=None):
    """A probe by curl, which writes the query."""
    header = ["-H", f"{TIMEOUT}: {timeout}"] if timeout is not None else []
    query = [part for word in words for part in ("--data-urlencode", word)]
    return curl("-G", *query, *header, gateway.url + "/probe")


def report(answer):
    assert answer.status == 200, answer
    assert answer.header("Content-Type").startswith("text/plain; version=0.0.4")
    assert answer.header("Cache-Control") == "no-store"
    carries_security_headers(answer)
    metrics = Metrics(answer.text())
    assert set(metrics.types.values()) == {"gauge"}
    outcomes = {labels["outcome"]: value for labels, value in metrics.labelled("probe_udp_outcome")}
    assert list(outcomes) == OUTCOMES and sorted(outcomes.values()) == [0, 0, 0, 1]
    ended = next(name for name, value in outcomes.items() if value == 1)
    assert (("probe_udp_rtt_seconds", frozenset()) in metrics.samples) == (ended == "reply")
    return metrics.value("probe_success"), ended, metrics


@pytest.mark.parametrize(
    "words, success, outcome",
    [
        (["target=lab"], 1, "reply"),
        (["target=upper"], 0, "reply"),
        (["target=upper", "expect=any"], 1, "reply"),
        (["target=upper", "message=LOUD", "expect=echo"], 1, "reply"),
        (["target=closed"], 0, "port-unreachable"),
        (["target=closed", "expect=any"], 0, "port-unreachable"),
        (["target=silent"], 0, "no-reply"),
    ],
)
def test_a_probe_says_what_became_of_it(gateway, words, success, outcome):
    found, ended, metrics = report(probe(gateway, *words, timeout=0.6))
    assert (found, ended) == (success, outcome)
    assert 0 < metrics.value("probe_duration_seconds") < 10
    if outcome == "reply":
        assert 0 < metrics.value("probe_udp_rtt_seconds") <= metrics.value("probe_duration_seconds")


@pytest.mark.parametrize(
    "words, sent", [(["message=a b&c=ä"], "a b&c=ä".encode()), (["message="], b""), (["base64=AP+/"], b"\0\xff\xbf")]
)
def test_it_sends_what_it_is_told(gateway, lab, words, sent):
    before = len(lab.received)
    assert report(probe(gateway, "target=lab", *words))[:2] == (1, "reply")
    assert lab.received[before:] == [sent]


def test_no_two_probes_send_the_same_unless_told(gateway, lab):
    before = len(lab.received)
    for _ in range(5):
        assert report(gateway.get("/probe?target=lab"))[0] == 1
    sent = lab.received[before:]
    assert len(set(sent)) == 5 and all(b"yodel probe" in data for data in sent)


def test_each_probe_comes_from_a_port_that_no_message_used(gateway, own):
    sources = []
    target = own(Target, lambda target, data, source: (sources.append(source), target.reply(data, source)))
    with gateway.wire() as wire:

        def is_reused():
            assert wire.ask("POST", f"/api/messages?target={target}", b"x").status == 200
            return sources[-1] in sources[:-1]

        wait_until(is_reused, "a message comes from a port that rested")
        used = len(sources)
        for _ in range(5):
            assert report(wire.ask("GET", f"/probe?target={target}"))[0] == 1
    assert not set(sources[used:]) & set(sources[:used]) and len(set(sources[used:])) == 5


def test_a_literal_target_needs_its_range(gateway, own):
    assert report(probe(gateway, f"target={own(Target, echo)}"))[:2] == (1, "reply")
    is_problem(probe(gateway, "target=192.0.2.1:5000"), 403, "target-not-allowed")


@pytest.mark.parametrize("timeout, low, high", [(1, 0.5, 1), (0.6, 0.1, 0.6), (None, 0.7, 2), (2, 1.5, 2)])
def test_it_waits_half_a_second_less_than_prometheus(gateway, timeout, low, high):
    began = time.monotonic()
    _, outcome, metrics = report(probe(gateway, "target=silent", timeout=timeout))
    assert outcome == "no-reply"
    assert low <= metrics.value("probe_duration_seconds") <= time.monotonic() - began
    assert metrics.value("probe_duration_seconds") < high + 5, "an idle machine needs none of the five"


@pytest.mark.parametrize(
    "words, name, mentions",
    [
        ([], "invalid-request", ["target"]),
        (["target="], "invalid-request", ["target"]),
        (["target=nowhere"], "unknown-target", ["lab", "silent"]),
        (["target=lab", "module=udp"], "invalid-request", ["module", "target", "message", "base64", "expect"]),
        (["target=lab", "target=silent"], "invalid-request", ["target"]),
        (["target=lab", "expect=pong"], "invalid-request", ["echo", "any"]),
        (["target=lab", "message=a", "base64=AA=="], "invalid-request", ["message", "base64"]),
        (["target=lab", "base64=A"], "invalid-request", ["base64"]),
    ],
)
def test_what_is_wrong_is_a_400_and_sends_nothing(gateway, lab, words, name, mentions):
    before = len(lab.received)
    is_problem(probe(gateway, *words), 400, name, *mentions)
    assert len(lab.received) == before


@pytest.mark.parametrize("timeout", ["soon", "-1", "nan"])
def test_a_timeout_that_is_none_is_a_400(gateway, timeout):
    is_problem(probe(gateway, "target=lab", timeout=timeout), 400, "invalid-request", TIMEOUT)


def test_the_curl_lines_that_are_shown_work(serve, lab):
    gateway = serve("--no-echo", "--target", f"lab={lab}", udp=[])
    shown = [route["curl"] for route in gateway.get("/api").json()["routes"] if route["path"] == "/probe"]
    detail = is_problem(gateway.request("POST", "/probe"), 405, "method-not-allowed")["detail"]
    for line in [*shown, detail[detail.index("curl"):]]:
        command, *words = shlex.split(line)
        assert command == "curl" and report(curl(*words))[:2] == (1, "reply")


# Who may


@pytest.mark.parametrize("header", ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: http://evil.example"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_of_another_origin_may_not(gateway, lab, header, method):
    before = len(lab.received)
    with gateway.wire() as wire:
        answer = wire.ask(method, "/probe?target=lab", headers=[header])
        assert answer.status == 403
        if method == "GET":
            is_problem(answer, 403, "cross-site")
    assert len(lab.received) == before


def test_programs_and_who_types_the_url_may(gateway):
    for headers in ([], ["Sec-Fetch-Site: none"], ["Sec-Fetch-Site: same-origin"]):
        with gateway.wire() as wire:
            assert report(wire.ask("GET", "/probe?target=lab", headers=headers))[0] == 1


def test_it_wants_the_token(serve, tmp_path):
    (tmp_path / "token").touch(0o600)
    (tmp_path / "token").write_text("a-token-of-this-test")
    gateway = serve("--token-file", tmp_path / "token")
    is_problem(gateway.get("/probe?target=echo"), 401, "unauthorized")
    assert report(gateway.get("/probe?target=echo", Authorization="Bearer a-token-of-this-test"))[0] == 1


def test_probes_count_against_the_rate_of_messages(serve):
    gateway = serve("--message-rate", "3")
    answers = [gateway.get("/probe?target=echo") for _ in range(20)]
    refused = [answer for answer in answers if answer.status != 200]
    assert refused and len(refused) < 20
    for answer in refused:
        is_problem(answer, 429, "rate-limited")
        assert int(answer.header("Retry-After")) >= 1


def test_the_limit_on_messages_holds_for_probes(serve, own):
    gateway = serve("--max-in-flight", "1", "--target", f"silent={own(Target, silence)}")
    with gateway.wire() as wire:
        wire.send(request_bytes("GET", "/probe?target=silent", headers=[f"{TIMEOUT}: 10"]))
        wait_until(lambda: gateway.in_flight() == 1, "it is in flight")
        answer = gateway.get("/probe?target=echo")
        is_problem(answer, 503, "overloaded")
        assert answer.header("Retry-After")
        is_problem(gateway.get("/probe"), 503, "overloaded")
        wire.reset()


def test_a_probe_in_flight_ends_before_the_gateway_does(serve, own):
    gateway = serve("--target", f"silent={own(Target, silence)}")
    with gateway.wire() as wire, gateway.wire() as kept:
        assert report(kept.ask("GET", "/probe?target=echo"))[0] == 1
        wire.send(request_bytes("GET", "/probe?target=silent", headers=[f"{TIMEOUT}: 3"]))
        wait_until(lambda: gateway.in_flight() == 1, "it is in flight")
        gateway.signal(TERMINATE)
        # The loops are told before listening ends; a request in between would have its answer, and the connection end.
        wait_until(lambda: refuses_connections(gateway), "new connections are refused")
        is_problem(kept.ask("GET", "/probe?target=echo"), 503, "draining")
        assert report(wire.response())[:2] == (0, "no-reply")
    assert gateway.exit_code() == 0


# The counters


def test_probes_are_counted_as_messages_are(gateway):
    before = gateway.metrics()
    assert report(probe(gateway, "target=lab"))[0] == 1
    assert report(probe(gateway, "target=closed"))[0] == 0
    after = gateway.metrics()
    for name, labels in [
        ("yodel_exchanges_total", {"target": "lab", "outcome": "reply"}),
        ("yodel_exchanges_total", {"target": "closed", "outcome": "port-unreachable"}),
        ("yodel_exchange_rtt_seconds_count", {"target": "lab"}),
    ]:
        assert after.value(name, **labels) - before.value(name, **labels) == 1
    labels = {"route": "/probe", "method": "GET", "code": "200"}
    assert after.value("yodel_http_requests_total", **labels) - before.value("yodel_http_requests_total", **labels) == 2
