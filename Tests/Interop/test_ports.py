"""A gateway in a network of its own that has few local ports, or no way out: which port a message has is forced."""

import time

import pytest

from support.checks import is_exchange, is_problem
from support.curl import curl
from support.gateway import Gateway, message_path
from support.metrics import Metrics
from support.udp import Target
from support.waiting import wait_until

FIRST_PORT = 40_000
# A socket that may hear something late is held for ten seconds, and looked at once a second.
HELD = 12
# What listens asks for its port, and what sends requests too: none of the few is theirs.
ADDRESSES = {"http": ["127.0.0.1:8080"], "udp": ["127.0.0.1:9999"]}
CLIENT_PORTS = "50000-59999"


def silent_or_late(target, data, source):
    """Echoes; `silent …` never, `late …` after 300 ms."""
    if not data.startswith(b"silent"):
        target.reply(data, source, after=0.3 if data.startswith(b"late") else 0)


@pytest.fixture
def start(own, namespace):
    """`start(ports)` starts a gateway that has so many local ports for a target."""

    def make(ports):
        target = own(namespace.inside, Target, silent_or_late)
        gateway = own(Gateway, "--target", f"lab={target}", **ADDRESSES, prefix=namespace.prefix)
        namespace.allow_ports(FIRST_PORT, ports)
        return gateway, target

    return make


def send(namespace, gateway, text, timeout_ms=2000, target="lab"):
    url = gateway.url + message_path(target=target, timeout_ms=timeout_ms)
    words = ("-H", "Content-Type: text/plain", "--data-binary", text, "--local-port", CLIENT_PORTS)
    return curl(*words, url, prefix=namespace.prefix)


def test_a_late_reply_never_answers_the_next_message_on_the_same_port(namespace, start):
    gateway, target = start(1)
    is_problem(send(namespace, gateway, "late and lost", timeout_ms=50), 504, "no-reply")
    # The only port is held as long as the late reply may come; whoever wants it is refused, and gets nothing wrong.
    is_problem(send(namespace, gateway, "next"), 503, "overloaded")

    def mine():
        answer = send(namespace, gateway, "mine")
        return answer.status == 200 and is_exchange(answer)

    assert wait_until(mine, "the port is free again", HELD + 15, pause=0.5)["reply"] == "mine"
    assert target.received == [b"late and lost", b"mine"]
    assert gateway_metric(namespace, gateway, "yodel_late_replies_total") == 1


def gateway_metric(namespace, gateway, name):
    answer = curl("--local-port", CLIENT_PORTS, gateway.url + "/metrics", prefix=namespace.prefix)
    return Metrics(answer.text()).value(name)


def test_out_of_ports_a_message_is_refused_at_once(namespace, start):
    gateway, _ = start(4)
    for number in range(4):
        is_problem(send(namespace, gateway, f"silent {number}", timeout_ms=20), 504, "no-reply")
    begin = time.monotonic()
    refused = send(namespace, gateway, "one too many", timeout_ms=10_000)
    is_problem(refused, 503, "overloaded")
    assert refused.header("Retry-After")
    assert time.monotonic() - begin < 5


def test_without_a_route_a_target_is_unreachable_at_once(own, namespace):
    gateway = own(Gateway, "--target", "far=192.0.2.1:7", **ADDRESSES, prefix=namespace.prefix)
    begin = time.monotonic()
    is_problem(send(namespace, gateway, "hello?", timeout_ms=10_000, target="far"), 502, "target-unreachable")
    assert time.monotonic() - begin < 5
