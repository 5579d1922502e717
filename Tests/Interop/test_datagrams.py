"""`GET /api/datagrams`: what the echo server saw, as a list."""

import base64
import datetime
import json
import socket

import pytest

from support.checks import is_json, is_problem
from support.gateway import Gateway
from support.udp import ask, send_forged, udp_socket
from support.waiting import wait_until

MEMBERS = {
    "id", "time", "source", "destination", "bytes", "text", "base64", "fate", "impairments", "reason", "via_gateway",
}  # fmt: skip


@pytest.fixture
def gateway(serve):
    return serve(udp=("127.0.0.1:0", "0.0.0.0:0"))


def entries(gateway, limit=None, of=0):
    """What is listed, once there are `of`: a reply can be back before its datagram is."""
    wait_until(lambda: len(gateway.get("/api/datagrams?limit=1000").json()["datagrams"]) >= of, f"{of} are listed")
    found = is_json(gateway.get("/api/datagrams" + (f"?limit={limit}" if limit else "")))
    assert set(found) == {"datagrams"}
    for entry in found["datagrams"]:
        assert set(entry) == MEMBERS
    return found["datagrams"]


def when(entry):
    return datetime.datetime.strptime(entry["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)


def test_nothing_has_come(gateway):
    assert entries(gateway) == []


def test_the_newest_are_first_and_each_says_what_it_is(gateway):
    before = datetime.datetime.now(datetime.timezone.utc)
    with udp_socket() as client:
        port = client.getsockname()[1]
        for data in (b"hello", b"", b"\xff\x00\n"):
            client.sendto(data, gateway.udp)
            assert client.recv(9999) == data
    after = datetime.datetime.now(datetime.timezone.utc)
    binary, empty, hello = entries(gateway, of=3)
    assert [entry["text"] for entry in (hello, empty, binary)] == ["hello", "", None]
    assert base64.b64decode(binary["base64"]) == b"\xff\x00\n" and binary["bytes"] == 3
    assert hello["source"] == {"address": "127.0.0.1", "port": port}
    assert hello["destination"] == {"address": "127.0.0.1", "port": gateway.udp[1]}
    assert (hello["fate"], hello["reason"], hello["impairments"], hello["via_gateway"]) == ("echoed", None, [], False)
    assert len({entry["id"] for entry in (hello, empty, binary)}) == 3
    assert before <= when(hello) <= when(empty) <= when(binary) <= after, "the kernel's receipt"


def test_on_a_wildcard_the_destination_is_the_address_that_was_asked(gateway):
    _, port = gateway.udp_addresses[1]
    assert ask(("127.0.0.3", port), b"where")[0] == b"where"
    assert entries(gateway, of=1)[0]["destination"] == {"address": "127.0.0.3", "port": port}


def test_the_first_kilobyte_is_kept_and_a_character_that_was_cut_is_no_harm(gateway):
    data = ("x" + "é" * 1000).encode()
    assert ask(gateway.udp, data)[0] == data
    entry = entries(gateway, of=1)[0]
    assert entry["bytes"] == 2001 and base64.b64decode(entry["base64"]) == data[:1024]
    assert entry["text"] == "x" + "é" * 511


def test_what_is_refused_is_listed_with_its_reason(gateway):
    with udp_socket() as client:
        client.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 47)
        client.sendto(b"an answer's hop limit", gateway.udp)
    refused = entries(gateway, of=1)[0]
    assert (refused["fate"], refused["reason"], refused["text"]) == ("refused", "own_address", "an answer's hop limit")


def test_a_forged_source_is_listed_as_it_came(gateway):
    send_forged(("127.0.0.1", 19), gateway.udp, b"chargen")
    refused = entries(gateway, of=1)[0]
    assert refused["source"] == {"address": "127.0.0.1", "port": 19} and refused["reason"] == "low_source_port"


def test_our_own_messages_are_told_apart(gateway):
    assert gateway.send("by the gateway").status == 200
    ask(gateway.udp, b"by another program")
    assert [(entry["text"], entry["via_gateway"]) for entry in entries(gateway, of=2)] == [
        ("by another program", False),
        ("by the gateway", True),
    ]


def test_a_port_that_the_gateway_has_elsewhere_is_no_sign(gateway):
    local = gateway.send("mine").json()["local"]
    send_forged(("192.0.2.7", local["port"]), gateway.udp, b"forged")
    assert [entry["via_gateway"] for entry in entries(gateway, of=2)] == [False, True]


def test_as_many_as_are_asked_for_and_a_hundred_unasked(gateway):
    with udp_socket() as client:
        for number in range(1100):
            client.sendto(b"%d" % number, gateway.udp)
            assert client.recv(99) == b"%d" % number
    wait_until(lambda: entries(gateway, 1, of=1)[0]["text"] == "1099", "the last is listed")
    newest = [str(number) for number in range(1099, -1, -1)]
    for limit, count in ((None, 100), (1, 1), (33, 33), (1000, 1000)):
        assert [entry["text"] for entry in entries(gateway, limit)] == newest[:count]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=ten", "limit=", "limit=1&limit=2"])
def test_a_bad_limit_is_refused(gateway, query):
    is_problem(gateway.get("/api/datagrams?" + query), 400, "invalid-request", "limit")


def test_an_unknown_parameter_is_refused_and_the_known_one_named(gateway):
    is_problem(gateway.get("/api/datagrams?limt=5"), 400, "invalid-request", "'limt'", "known is limit")


def test_head_and_options(gateway):
    head = gateway.request("HEAD", "/api/datagrams")
    assert head.status == 200 and head.media_type() == "application/json" and head.body == b""
    options = gateway.request("OPTIONS", "/api/datagrams")
    assert options.status == 204 and options.header("Allow") == "GET, HEAD, OPTIONS"


def test_without_an_echo_server_there_is_nothing_to_see(serve):
    gateway = serve("--no-echo", "--target", "lab=127.0.0.1:9", udp=())
    for headers in ({}, {"Accept": "text/event-stream"}):
        answer = gateway.request("GET", "/api/datagrams", headers=headers)
        assert is_problem(answer, 404, "not-found", "--no-echo") == gateway.get("/api/echo").json()


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_without_a_token_it_is_for_this_machine_alone(gateway, accept):
    headers = {"Accept": accept, "X-Forwarded-For": "203.0.113.9"}
    is_problem(gateway.request("GET", "/api/datagrams", headers=headers), 403, "control-refused")
    assert gateway.request("OPTIONS", "/api/datagrams", headers=headers).status == 204, "anyone may ask what there is"


def test_with_a_token_it_is_for_who_has_it(own, tmp_path):
    file = tmp_path / "token"
    file.write_text("a-token-of-this-test-0123456789")
    file.chmod(0o600)
    gateway = own(Gateway, "--token-file", file)
    is_problem(gateway.get("/api/datagrams"), 401, "unauthorized")
    headers = {"Authorization": "Bearer a-token-of-this-test-0123456789", "X-Forwarded-For": "203.0.113.9"}
    assert gateway.request("GET", "/api/datagrams", headers=headers).status == 200


@pytest.mark.parametrize("impairments", [{}, {"corrupt_percent": 100}, {"duplicate_percent": 100}])
def test_what_the_kernel_does_not_send_is_refused(internet, own, impairments):
    gateway = own(Gateway, "--loops", "1", prefix=internet.prefix)

    def listed():
        if impairments:
            assert gateway.request("PUT", "/api/echo/impairments", json.dumps(impairments)).status == 200
        for number in range(20):
            ask(gateway.udp, b"%d" % number)
            # There is no way there.
            send_forged(("192.0.2.77", 4000), gateway.udp, b"into the void")
        return entries(gateway, of=40)

    found = internet.inside(listed)
    assert len(found) == 40
    for entry in found:
        is_void = entry["source"]["address"] == "192.0.2.77"
        assert (entry["fate"], entry["reason"]) == (("refused", "send_failed") if is_void else ("echoed", None))


def test_what_impairments_do_is_listed(gateway):
    for impairments, fate, names in [
        ({"loss_percent": 100}, "lost", ["loss"]),
        ({"delay_ms": 20, "duplicate_percent": 100}, "echoed", ["duplicate", "delay"]),
    ]:
        before = len(entries(gateway))
        assert gateway.request("PUT", "/api/echo/impairments", json.dumps(impairments)).status == 200
        with udp_socket() as client:
            client.sendto(b"impaired", gateway.udp)
            entry = entries(gateway, of=before + 1)[0]
        assert (entry["fate"], entry["impairments"], entry["reason"]) == (fate, names, None)
