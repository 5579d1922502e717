"""Impairments of the echo server, set with curl and met by Python, netcat and the lab's client."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from support.checks import is_exchange, is_json, is_problem
from support.child import Child, run_yodel
from support.curl import curl
from support.gateway import EchoServer, Gateway
from support.udp import ask, udp_socket
from support.waiting import wait_until

LAB = pathlib.Path(__file__).parent / "lab"
PATH = "/api/echo/impairments"
NONE = {
    "loss_percent": 0,
    "burst_loss": None,
    "delay_ms": 0,
    "jitter_ms": 0,
    "distribution": "uniform",
    "duplicate_percent": 0,
    "corrupt_percent": 0,
    "reorder_percent": 0,
    "rate_kbit": None,
    "seed": None,
    "expires_in_ms": None,
}
# What the README says may be held: replies, payload, and memory for all of it.
HELD_BYTES = 92 << 20


@pytest.fixture
def gateway(serve):
    return serve()


def change(gateway, method, **members):
    """Change impairments; what is in force then."""
    answer = curl("-X", method, "-d", json.dumps(members), gateway.url + PATH)
    assert answer.status == 200, answer
    return is_json(answer)


def in_force(gateway):
    return is_json(curl(gateway.url + PATH))


def is_balanced(counters):
    told = counters["echoed"] + counters["held"] + sum(counters["dropped"].values())
    return counters["received"] + counters["duplicated"] == told


def settled(gateway, received):
    """The counters once so many datagrams have been received and none is held."""

    def are_there():
        counters = gateway.echo_counters()
        assert is_balanced(counters), counters
        return counters if counters["received"] == received and counters["held"] == 0 else None

    return wait_until(are_there, f"{received} datagrams are through")


# The API


def test_put_sets_all_patch_sets_some_delete_ends_them(gateway):
    assert in_force(gateway) == NONE
    put = change(gateway, "PUT", loss_percent=10, delay_ms=50.5, jitter_ms=5, distribution="normal", seed=7)
    assert put == NONE | {"loss_percent": 10, "delay_ms": 50.5, "jitter_ms": 5, "distribution": "normal", "seed": 7}
    chain = {"enter_percent": 1, "leave_percent": 25}
    patched = change(gateway, "PATCH", loss_percent=None, burst_loss=chain, rate_kbit=1000, reorder_percent=2.5)
    assert patched == put | {"loss_percent": 0, "burst_loss": chain, "rate_kbit": 1000, "reorder_percent": 2.5}
    assert in_force(gateway) == patched == gateway.echo_counters()["impairments"]
    assert change(gateway, "PUT", **patched) == patched, "what is told can be set"
    replaced = change(gateway, "PUT", corrupt_percent=1)
    assert replaced == NONE | {"corrupt_percent": 1, "seed": replaced["seed"]}
    assert isinstance(replaced["seed"], int) and 0 <= replaced["seed"] < 1 << 53
    assert change(gateway, "PATCH", duplicate_percent=1)["seed"] == replaced["seed"]
    assert is_json(curl("-X", "DELETE", gateway.url + PATH)) == NONE == in_force(gateway)


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "multipart/form-data; boundary=x"])
def test_a_body_is_json_whatever_its_type_says(gateway, media_type):
    words = ["-X", "PUT", "-H", f"Content-Type: {media_type}", "-d", '{"loss_percent":1,"seed":3}']
    assert is_json(curl(*words, gateway.url + PATH)) == NONE | {"loss_percent": 1, "seed": 3}


def test_an_empty_body_stands_for_no_members(gateway):
    change(gateway, "PUT", loss_percent=1, seed=3)
    assert is_json(curl("-X", "PATCH", gateway.url + PATH)) == NONE | {"loss_percent": 1, "seed": 3}
    assert is_json(curl("-X", "PUT", gateway.url + PATH)) == NONE
    assert is_json(curl("-X", "DELETE", "-d", "{}", gateway.url + PATH + "/")) == NONE


@pytest.mark.parametrize(
    "body, mentions",
    [
        ('{"loss":1}', ["'loss'", "loss_percent", "burst_loss", "rate_kbit", "expires_in_ms"]),
        ('{"loss_percent":1,"loss_percent":1}', ["'loss_percent'", "twice"]),
        ('{"loss_percent":100.5}', ["'loss_percent'", "0 to 100"]),
        ('{"loss_percent":-1}', ["'loss_percent'", "0 to 100"]),
        ('{"loss_percent":"1"}', ["'loss_percent'", "number", "a text"]),
        ('{"delay_ms":60000.1}', ["'delay_ms'", "60000"]),
        ('{"jitter_ms":1e9}', ["'jitter_ms'", "60000"]),
        ('{"reorder_percent":25}', ["'reorder_percent'", "delay"]),
        ('{"reorder_percent":25,"jitter_ms":5}', ["'reorder_percent'", "delay"]),
        ('{"distribution":"pareto"}', ["'distribution'", "uniform", "normal"]),
        ('{"rate_kbit":0}', ["'rate_kbit'", "from 1 to"]),
        ('{"seed":9007199254740992}', ["'seed'", "9007199254740991"]),
        ('{"seed":1.5}', ["'seed'", "whole"]),
        ('{"seed":-1}', ["'seed'", "whole"]),
        ('{"expires_in_ms":-1}', ["'expires_in_ms'"]),
        ('{"burst_loss":5}', ["'burst_loss'", "enter_percent", "leave_percent"]),
        ('{"burst_loss":{"enter_percent":5}}', ["'burst_loss'", "leave_percent"]),
        ('{"burst_loss":{"enter_percent":5,"leave_percent":101}}', ["'burst_loss'", "0 to 100"]),
        ('{"burst_loss":{"enter":5,"leave_percent":1}}', ["'enter'", "enter_percent"]),
        ("[]", ["object", "a list"]),
        ("loss_percent=10", ["JSON"]),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(gateway, body, mentions):
    before = change(gateway, "PUT", loss_percent=1, seed=3)
    for method in ("PUT", "PATCH"):
        answer = curl("-X", method, "-d", body, gateway.url + PATH)
        is_problem(answer, 400, "invalid-request", *mentions)
    assert in_force(gateway) == before


def test_its_methods_are_told(gateway):
    told = {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}
    for method, status in [("OPTIONS", 204), ("POST", 405)]:
        answer = curl("-X", method, gateway.url + PATH)
        assert answer.status == status
        assert set(answer.header("Allow").split(", ")) == told
    head = gateway.request("HEAD", PATH)
    assert (head.status, head.body) == (200, b"")
    traced = curl("-X", "TRACE", gateway.url + "/")
    assert traced.status == 405 and set(traced.header("Allow").split(", ")) == told | {"POST"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_pages_of_other_origins_and_whoever_a_proxy_speaks_for_change_nothing(gateway, method):
    before = change(gateway, "PUT", loss_percent=1, seed=3)
    for header, problem in [
        ("Origin: http://elsewhere.example", "cross-site"),
        ("Sec-Fetch-Site: same-site", "cross-site"),
        ("X-Forwarded-For: 198.51.100.7", "control-refused"),
    ]:
        answer = curl("-X", method, "-H", header, "-d", "{}", gateway.url + PATH)
        is_problem(answer, 403, problem)
    assert in_force(gateway) == before


def test_strangers_may_look_and_change_nothing(own, internet):
    gateway = own(Gateway, "--allow-anonymous", http=("203.0.113.1:0", "127.0.0.1:0"), prefix=internet.prefix)
    stranger = ["--interface", "198.51.100.7"]
    assert curl(*stranger, gateway.urls[0] + PATH, prefix=internet.prefix).status == 200
    for method in ("PUT", "PATCH", "DELETE"):
        words = ["-X", method, "-d", "{}"]
        answer = curl(*words, *stranger, gateway.urls[0] + PATH, prefix=internet.prefix)
        is_problem(answer, 403, "control-refused", "--token-file")
        assert curl(*words, gateway.urls[1] + PATH, prefix=internet.prefix).status == 200


def test_the_token_opens_it_to_all_who_have_it(serve, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef\n")
    token.chmod(0o600)
    gateway = serve("--token-file", token)
    words = ["-X", "PUT", "-d", '{"loss_percent":1}', "-H", "X-Forwarded-For: 198.51.100.7", gateway.url + PATH]
    is_problem(curl(*words), 401, "unauthorized")
    assert curl("-H", "Authorization: Bearer 0123456789abcdef", *words).status == 200


def test_without_an_echo_server_there_is_nothing_to_impair(serve):
    gateway = serve("--no-echo", "--target", "lab=127.0.0.1:9", udp=[])
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        is_problem(curl("-X", method, gateway.url + PATH), 404, "not-found", "--no-echo")


# What clients meet


def test_a_message_meets_them_once(gateway):
    change(gateway, "PUT", delay_ms=40)
    exchange = is_exchange(gateway.send("slowly"))
    assert exchange["match"] is True and 40 <= exchange["rtt_ms"] < 2000
    change(gateway, "PUT", corrupt_percent=100)
    exchange = is_exchange(curl("-d", "hex=00ff00ff00", gateway.messages), more={"reply_base64"})
    assert (exchange["bytes"], exchange["match"]) == (5, False)
    change(gateway, "PUT", loss_percent=100)
    is_problem(gateway.send("hello", timeout_ms=50), 504, "no-reply")
    curl("-X", "DELETE", gateway.url + PATH)
    assert is_exchange(gateway.send("hello"))["match"] is True
    assert settled(gateway, 4)["dropped"]["impaired"] == 1


def test_netcat_gets_a_duplicate(gateway, tmp_path):
    change(gateway, "PUT", duplicate_percent=100)
    typed = tmp_path / "typed"
    typed.write_bytes(b"hello from client!!\n")
    address, port = gateway.udp
    with typed.open() as stdin:
        command = ["nc", "-u", "-W", "2", "-w", "15", address, str(port)]
        ended = subprocess.run(command, stdin=stdin, capture_output=True, timeout=30, check=True)
    assert ended.stdout == typed.read_bytes() * 2
    counters = settled(gateway, 1)
    assert (counters["echoed"], counters["duplicated"]) == (2, 1)


def test_the_same_seed_replays_what_becomes_of_each_datagram(gateway):
    def replies():
        change(gateway, "PUT", loss_percent=20, duplicate_percent=20, corrupt_percent=20, seed=7,
               burst_loss={"enter_percent": 2, "leave_percent": 30})
        before = gateway.echo_counters()
        with udp_socket() as client:
            for number in range(300):
                client.sendto(b"datagram %03d" % number, gateway.udp)
                # One after another: the sender's next could be read by another loop before this one.
                if number % 10 == 0:
                    settled(gateway, before["received"] + number + 1)
            came = settled(gateway, before["received"] + 300)["echoed"] - before["echoed"]
            return sorted(client.recv(100) for _ in range(came))

    first = replies()
    assert 150 < len(first) < 350
    assert replies() == first


def test_a_rate_spaces_what_leaves(gateway):
    # 125 bytes with the headers of UDP and IPv4: a thousand bits, a millisecond each.
    change(gateway, "PUT", rate_kbit=1000)
    with udp_socket() as client:
        began = time.monotonic()
        for _ in range(100):
            client.sendto(b"x" * 97, gateway.udp)
        for _ in range(100):
            client.recv(100)
        assert time.monotonic() - began >= 0.1
    assert gateway.metrics().value("yodel_echo_impaired_total", kind="rate") == 100


def test_metrics_count_each_kind(gateway):
    metrics = gateway.metrics()
    kinds = {labels["kind"] for labels, _ in metrics.labelled("yodel_echo_impaired_total")}
    assert kinds == {"loss", "burst_loss", "duplicate", "corrupt", "delay", "reorder", "rate"}
    assert metrics.value("yodel_impairments_active") == 0
    everything = {"duplicate_percent": 100, "corrupt_percent": 100, "rate_kbit": 1e6}
    for number, (members, counted) in enumerate([
        ({"loss_percent": 100}, {"loss": 1}),
        ({"burst_loss": {"enter_percent": 100, "leave_percent": 0}}, {"burst_loss": 1}),
        (everything | {"delay_ms": 1}, {"duplicate": 1, "corrupt": 2, "delay": 2, "rate": 2}),
        (everything | {"delay_ms": 1, "reorder_percent": 100}, {"duplicate": 1, "corrupt": 2, "reorder": 2, "rate": 2}),
    ]):
        before = gateway.metrics()
        change(gateway, "PUT", **members)
        with udp_socket() as client:
            client.sendto(b"hello", gateway.udp)
            settled(gateway, number + 1)
        after = gateway.metrics()
        assert after.value("yodel_impairments_active") == 1
        for kind in kinds:
            found = [of.value("yodel_echo_impaired_total", kind=kind) for of in (before, after)]
            assert found[1] - found[0] == counted.get(kind, 0), (members, kind)
    assert gateway.metrics().value("yodel_echo_duplicated_total") == 2
    assert gateway.metrics().value("yodel_echo_dropped_total", reason="impaired") == 2


# Their end


def test_they_end_by_themselves_and_the_log_says_so(gateway):
    told = change(gateway, "PUT", loss_percent=100, seed=7, expires_in_ms=400)
    assert 0 < told["expires_in_ms"] <= 400
    kept = change(gateway, "PATCH", delay_ms=1)["expires_in_ms"]
    assert 0 < kept < told["expires_in_ms"]
    wait_until(lambda: in_force(gateway) == NONE, "they have ended")
    assert gateway.metrics().value("yodel_impairments_active") == 0
    assert ask(gateway.udp, b"hello") == (b"hello", gateway.udp)
    assert gateway.err.wait_for(lambda line: "impairments expired" in line), gateway.err.so_far()
    changes = [line for line in gateway.err.so_far() if "impairments changed" in line]
    assert len(changes) == 2 and "loss 100 %" in changes[0] and "seed 7" in changes[0] and "delay 1 ms" in changes[1]


def test_what_is_held_leaves_after_they_have_ended(gateway):
    change(gateway, "PUT", delay_ms=1500)
    with udp_socket() as client:
        client.sendto(b"late", gateway.udp)
        wait_until(lambda: gateway.echo_counters()["held"] == 1, "it is held")
        curl("-X", "DELETE", gateway.url + PATH)
        client.sendto(b"early", gateway.udp)
        assert [client.recv(100), client.recv(100)] == [b"early", b"late"]


def test_fifty_thousand_are_held_within_the_bound_of_memory(serve):
    gateway = serve("--delay", "60000", "--loops", "1")
    before = gateway.metrics().value("process_resident_memory_bytes")
    connection = gateway.connection()

    def counters():
        connection.request("GET", "/api/echo")
        return json.loads(connection.getresponse().read())

    with udp_socket() as client:
        client.connect(gateway.udp)
        for number in range(50_000):
            client.send(b"%0996d" % number)
            # Slowly enough for the kernel's queue.
            if number % 100 == 99:
                wait_until(lambda: counters()["received"] == number + 1, "they are read", pause=0.001)
    connection.close()
    told = gateway.echo_counters()
    assert told["held"] == told["received"] == 50_000 and is_balanced(told)
    metrics = gateway.metrics()
    assert metrics.value("yodel_echo_held") == 50_000
    grown = metrics.value("process_resident_memory_bytes") - before
    assert 50_000 * 996 <= grown <= HELD_BYTES, grown
    # It ends at once, and well.
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_code() == 0


# The command line


def test_echo_takes_them_as_flags_and_says_what_is_in_force(echo_server):
    words = "--loss 0.5 --delay 20 --jitter 5 --duplicate 100 --corrupt 1 --reorder 2 --rate 100000 --seed 7".split()
    server = echo_server(*words)
    told = server.err.wait_for(lambda line: line.startswith("Impairments: "))
    assert told == (
        "Impairments: loss 0.5 %, delay 20 ± 5 ms (uniform), duplicate 100 %, corrupt 1 %, reorder 2 %, "
        "rate 100000 kbit/s, seed 7"
    )
    with udp_socket() as client:
        client.sendto(b"hello", server.udp)
        assert {len(client.recv(100)) for _ in range(2)} == {5}


def test_serve_takes_them_as_flags_and_from_the_environment(serve):
    gateway = serve("--loss", "10", "--seed", "7", environment={"YODEL_DELAY": "50", "YODEL_LOSS": "99"})
    assert in_force(gateway) == NONE | {"loss_percent": 10, "delay_ms": 50, "seed": 7}
    assert gateway.err.wait_for(lambda line: "started" in line and "loss 10 %" in line), gateway.err.so_far()


@pytest.mark.parametrize(
    "words, environment, mentions",
    [
        (["--loss", "120"], {}, ["--loss", "0 to 100", "120"]),
        (["--corrupt", "many"], {}, ["--corrupt", "many"]),
        (["--delay", "70000"], {}, ["--delay", "60000"]),
        (["--reorder", "5"], {}, ["--reorder", "delay"]),
        (["--rate", "0"], {}, ["--rate"]),
        (["--seed", "9007199254740992"], {}, ["--seed", "9007199254740991"]),
        ([], {"YODEL_JITTER": "70000"}, ["YODEL_JITTER", "60000"]),
    ],
)
def test_a_bad_value_is_named(words, environment, mentions):
    for command in ("serve", "echo") if words else ("serve",):
        ended = run_yodel(command, *words, environment=environment)
        assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (64, "", 1), ended
        assert all(mention in ended.stderr for mention in mentions), ended.stderr


# The lab's client, and what to use instead


def test_the_labs_client_waits_for_ever_where_yodel_send_goes_on(own, namespace):
    server = own(EchoServer, "--loss", "100", udp="127.0.0.1:9999", prefix=namespace.prefix)
    lab = own(LabClient, namespace)
    lab.type("is anyone there?\n")
    assert server.out.wait_for(lambda line: line.endswith(": is anyone there?")), server.out.so_far()
    lab.type("hello again\n")
    for line in ("one", "two"):
        ended = run_yodel("send", "-W", "0.3", line, prefix=namespace.prefix)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "no reply" in ended.stderr and "127.0.0.1:9999" in ended.stderr
    ended = run_yodel("send", "-W", "0.3", stdin="three\nfour\n", prefix=namespace.prefix)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (0, "", 2), ended
    # Each of these was sent; the lab's client still waits for its first reply.
    said = [line.split(": ", 1)[1] for line in server.out.wait_for_count(5)]
    assert said == ["is anyone there?", "one", "two", "three", "four"]
    assert lab.is_running() and lab.out.so_far() == []


class LabClient(Child):
    """The lab's client.py, at which one can type."""

    def __init__(self, namespace):
        command = [*namespace.prefix, sys.executable, "-u", LAB / "client.py"]
        super().__init__(command, stdin=subprocess.PIPE)

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def close(self):
        """It knows no end."""
        self.kill()
        self.process.stdin.close()
