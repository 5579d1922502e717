"""HTTPS: curl and Python's ssl against `--tls-certificate`, and renewal by SIGHUP."""

import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import threading
import time

import pytest

from support.checks import carries_security_headers, is_exchange, is_problem
from support.child import TERMINATE, run, run_yodel
from support.gateway import Gateway, message_path
from support.http import Wire, request_bytes
from support.namespace import can_have_namespaces
from support.tls import ELLIPTIC, RSA, Certificate, SecureGateway, trusting
from support.udp import Target, ask, paced, silence
from support.waiting import wait_until

FREE = ("--http", "127.0.0.1:0", "--udp", "127.0.0.1:0")
LARGEST = 65507


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def gateway(own_for_module, certificate):
    silent, slow = own_for_module(Target, silence), own_for_module(Target, paced)
    return own_for_module(
        SecureGateway, certificate, "--target", f"silent={silent}", "--target", f"paced={slow}", "--loops", "2"
    )


def message(text, **options):
    return request_bytes("POST", message_path(**options), text.encode())


def curl(*words):
    """What curl says, and how it ended."""
    return run(["curl", "-q", "-sS", "--max-time", "20", *words])


# What is encrypted is what was there before


def test_the_printed_line_works(gateway):
    assert gateway.url.startswith("https://127.0.0.1:")
    done = run(gateway.try_words())
    assert json.loads(done.stdout)["match"] is True, done.stderr


def test_the_printed_line_checks_a_certificate_that_is_for_the_address(own, certificate):
    assert "--cacert" in own(SecureGateway, certificate, http=("[::1]:0",)).try_line


@pytest.mark.parametrize("kind", [ELLIPTIC, RSA], ids=["elliptic", "rsa"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_sends_a_message(own, tmp_path, kind, version):
    certificate = Certificate(tmp_path, kind=kind)
    gateway = own(SecureGateway, certificate)
    tls = ["--cacert", certificate.file, f"--tlsv{version}", "--tls-max", version]
    done = curl(*tls, "-d", "hello", "-w", "%{http_code} %{http_version}", gateway.messages)
    assert b'"reply":"hello"' in done.stdout and done.stdout.endswith(b"200 1.1"), done


def test_what_is_older_than_tls_1_2_is_refused(gateway, certificate):
    old = ["--cacert", certificate.file, "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0"]
    assert curl(*old, gateway.url).returncode == 35


def test_who_does_not_know_the_certificate_refuses_it_and_the_log_tells(gateway):
    assert curl(gateway.url + "/api").returncode == 60
    assert gateway.err.wait_for(lambda line: "a TLS handshake failed" in line)


def test_a_connection_is_kept(gateway):
    with gateway.wire() as wire:
        for number in range(100):
            wire.send(message(f"number {number}"))
            assert is_exchange(wire.response("POST"))["reply"] == f"number {number}"


def test_requests_that_come_in_one_record_are_answered_in_their_order(gateway):
    texts = [f"after {(n * 7) % 5} ms, message {n}" for n in range(100)]
    with gateway.wire() as wire:
        wire.send(b"".join(message(text, target="paced") for text in texts))
        assert [is_exchange(wire.response("POST"))["reply"] for _ in texts] == texts


def test_a_request_of_a_record_a_byte_gets_its_answer(gateway):
    with gateway.wire() as wire:
        for byte in message("in pieces"):
            wire.send(bytes([byte]))
        assert is_exchange(wire.response("POST"))["reply"] == "in pieces"


def test_a_hundred_at_once_each_get_their_own_reply(gateway):
    texts = [f"after 300 ms, client {n}" for n in range(100)]
    with contextlib.ExitStack() as open_ones:
        wires = [open_ones.enter_context(gateway.wire()) for _ in texts]
        for wire, text in zip(wires, texts, strict=True):
            wire.send(message(text, target="paced"))
        for wire, text in zip(wires, texts, strict=True):
            assert is_exchange(wire.response("POST"))["reply"] == text


def test_the_largest_message_comes_back(gateway):
    data = bytes(n * 31 % 251 for n in range(LARGEST))
    headers = {"Content-Type": "application/octet-stream", "Accept": "application/octet-stream"}
    for _ in range(5):
        answer = gateway.request("POST", "/api/messages", data, headers)
        assert answer.status == 200 and answer.body == data


def test_a_body_of_half_a_mebibyte_is_read_and_a_larger_one_refused(gateway):
    with gateway.wire() as wire:
        wire.send(request_bytes("POST", "/api/messages", b"x" * (512 << 10)))
        is_problem(wire.response("POST"), 413, "message-too-large", "65507")
        wire.send_all_that_is_taken(request_bytes("POST", "/api/messages", b"x" * (513 << 10)))
        is_problem(wire.response("POST"), 413, "message-too-large")


def test_a_head_that_is_too_large_is_answered_before_the_end(gateway):
    with gateway.wire() as wire:
        is_problem(wire.ask("GET", "/api", headers=[f"X-{n}: {'y' * 75}" for n in range(50)]), 431, "head-too-large")
        assert wire.is_ended()


def test_a_bad_head_is_refused(gateway):
    with gateway.wire() as wire:
        wire.send(b"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx")
        is_problem(wire.response(), 400, "malformed-request")
        assert wire.is_ended()


def test_the_page_comes_with_its_policy(gateway):
    answer = gateway.get("/")
    assert answer.status == 200 and answer.media_type() == "text/html"
    carries_security_headers(answer)
    assert "'self'" in answer.header("Content-Security-Policy")
    # It would hold for every port of the host, those of others included.
    assert answer.header("Strict-Transport-Security") is None


def test_the_feed_is_live(gateway):
    with gateway.wire() as wire:
        wire.send(request_bytes("GET", "/api/datagrams", headers=["Accept: text/event-stream"]))
        assert wire.head()[0] == 200
        pieces = wire.chunks()
        for number in range(20):
            ask(gateway.udp, b"seen %d" % number)
            assert any(f'"text":"seen {number}"'.encode() in piece for piece in pieces)


def test_a_series_is_streamed(gateway):
    with gateway.wire() as wire:
        wire.send(request_bytes("POST", "/api/probes", b'{"count":500,"interval_ms":1}'))
        lines = wire.response("POST").body.splitlines()
        assert len(lines) == 501 and json.loads(lines[-1])["summary"]["received"] == 500


@pytest.mark.parametrize("scheme, status", [("https", 200), ("http", 403)])
def test_only_its_own_pages_may_send(gateway, scheme, status):
    origin = gateway.url.replace("https", scheme)
    headers = {"Origin": origin, "Content-Type": "text/plain"}
    assert gateway.request("POST", "/api/messages", b"x", headers).status == status


# Clients that go, stall or speak something else


def connections(gateway):
    return gateway.metrics().value("yodel_http_connections")


def cpu_seconds(gateway):
    return gateway.metrics().value("process_cpu_seconds_total")


def test_a_client_that_goes_frees_its_place_at_once(gateway):
    for _ in range(5):
        wires = [gateway.wire() for _ in range(10)]
        for wire in wires:
            wire.send(message("gone", target="silent", timeout_ms=10000))
        wait_until(lambda: gateway.in_flight() == 10, "all are in flight")
        for wire in wires:
            wire.reset()
        wait_until(lambda: gateway.in_flight() == 0, "well before the timeout the places are free", timeout=5)


def test_a_client_that_half_closes_still_reads_its_answer(gateway):
    with gateway.wire() as wire:
        wire.send(message("after 300 ms, still here", target="paced"))
        wire.half_close()
        assert is_exchange(wire.response("POST"))["reply"] == "after 300 ms, still here"


def test_plain_http_is_told_what_to_do(gateway):
    before = connections(gateway)
    for _ in range(10):
        with Wire(gateway.http) as wire:
            is_problem(wire.ask("GET", "/api"), 400, "malformed-request", "https://")
            assert wire.is_ended()
    wait_until(lambda: connections(gateway) <= before, "all are gone")


@pytest.mark.parametrize(
    "start", [b"\x16", b"\x16\x03\x01\x02\x00\x01", b"\x16" + b"\xff" * 300, b"\x16\x03\x01\x00\x02hi", b"\x80\x2e"]
)
def test_what_is_no_handshake_ends_and_harms_nobody(gateway, start):
    before = connections(gateway)
    wires = [Wire(gateway.http) for _ in range(20)]
    for number, wire in enumerate(wires):
        wire.send_all_that_is_taken(start, half_close=number % 2 == 0)
    assert is_exchange(gateway.send("meanwhile"))["reply"] == "meanwhile"
    for wire in wires[::2]:
        wire.rest()
    for wire in wires:
        wire.reset()
    wait_until(lambda: connections(gateway) <= before, "all are gone")


def test_a_handshake_that_stalls_ends_with_the_time_of_a_head_and_costs_next_to_nothing(gateway):
    stalled = [Wire(gateway.http) for _ in range(3)]
    began, worked = time.monotonic(), cpu_seconds(gateway)
    for wire in stalled:
        wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01")
    for wire in stalled:
        assert wire.is_ended()
        wire.close()
    assert 9 < time.monotonic() - began < 13
    assert cpu_seconds(gateway) - worked < 2, "a loop that spins takes nine"


def test_a_slow_reader_of_much_gets_all_of_it(gateway):
    with gateway.wire() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        wire.send(request_bytes("POST", "/api/probes", b'{"count":3000,"interval_ms":0}'))
        assert wire.head()[0] == 200
        time.sleep(0.5)
        lines = b"".join(wire.chunks()).splitlines()
    assert [json.loads(line)["seq"] for line in lines[:-1]] == list(range(1, 3001))


def test_messages_in_flight_are_answered_in_a_drain(own, certificate):
    slow = own(Target, paced)
    gateway = own(SecureGateway, certificate, "--target", f"paced={slow}")
    texts = [f"after 1000 ms, number {n}" for n in range(50)]
    wires = [gateway.wire() for _ in texts]
    idle = gateway.wire()
    for wire, text in zip(wires, texts, strict=True):
        wire.send(message(text, target="paced"))
    wait_until(lambda: gateway.in_flight() == 50, "all are in flight")
    gateway.signal(TERMINATE)
    assert [is_exchange(wire.response("POST"))["reply"] for wire in wires] == texts
    assert gateway.exit_code() == 0
    for wire in [*wires, idle]:
        assert wire.is_ended()
        wire.close()


# Renewal


@pytest.fixture
def renewable(own, tmp_path):
    """A gateway whose files may be replaced, and a certificate to replace them with."""
    certificate, other = Certificate(tmp_path, "first"), Certificate(tmp_path, "second", RSA)
    gateway = own(SecureGateway, certificate)
    gateway.certificate, gateway.context = certificate, trusting(certificate, other)
    return gateway, other


def reloads(gateway):
    return sum("serial=" in line for line in gateway.err.so_far())


def reload(gateway):
    """Have the certificate read again, and wait until it is."""
    before = reloads(gateway)
    gateway.signal(signal.SIGHUP)
    wait_until(lambda: reloads(gateway) > before, "the log tells which certificate is shown", pause=0.002)


def shown(gateway):
    with gateway.wire() as wire:
        return wire.fingerprint()


def test_new_connections_see_the_new_certificate_and_old_ones_go_on(renewable):
    gateway, other = renewable
    with gateway.wire() as old:
        first = old.fingerprint()
        assert first == gateway.certificate.fingerprint() == shown(gateway)
        gateway.certificate.replace(other)
        assert shown(gateway) == first, "nothing is read unasked"
        reload(gateway)
        assert shown(gateway) == other.fingerprint() != first
        assert f"serial={other.serial()} " in gateway.err.so_far()[-1] + " "
        old.send(message("from before"))
        assert is_exchange(old.response("POST"))["reply"] == "from before"


def test_what_cannot_be_used_leaves_the_old_certificate(renewable):
    gateway, other = renewable
    first, key = shown(gateway), gateway.certificate.key.read_bytes()
    for number, (file, content, mention) in enumerate(
        [
            (gateway.certificate.key, other.key.read_bytes(), "is not the key"),
            (gateway.certificate.key, b"nothing\n", "no PEM private key"),
            (gateway.certificate.file, b"", "no PEM certificate"),
        ],
        1,
    ):
        file.write_bytes(content)
        gateway.signal(signal.SIGHUP)
        stays = wait_until(
            lambda: [line for line in gateway.err.so_far() if "the old certificate stays" in line][number - 1 :],
            "the log tells of the failure",
        )
        assert len(stays) == 1 and mention in stays[0] and str(file) in stays[0] and " warning " in stays[0]
        assert shown(gateway) == first
        if file == gateway.certificate.key:
            file.write_bytes(key)
    gateway.certificate.replace(other)
    reload(gateway)
    assert shown(gateway) == other.fingerprint()


def send_until(gateway, stop, worker):
    """Send messages, ten on each connection; return what was wrong and which certificates were seen."""
    wrong, seen, number = [], set(), 0
    while not stop:
        with gateway.wire() as wire:
            seen.add(wire.fingerprint())
            for _ in range(10):
                text, number = f"{worker}.{number}", number + 1
                wire.send(message(text))
                answer = wire.response("POST")
                if answer.status != 200 or answer.json()["reply"] != text:
                    wrong.append(answer)
    return wrong, seen, number


def test_renewals_under_load_lose_nothing(renewable, tmp_path):
    gateway, other = renewable
    third = Certificate(tmp_path, "third")
    gateway.context.load_verify_locations(third.file)
    stop, expected = [], {gateway.certificate.fingerprint(), other.fingerprint(), third.fingerprint()}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(send_until, gateway, stop, worker) for worker in range(8)]
        for turn in range(20):
            gateway.certificate.replace(other if turn % 2 else third)
            reload(gateway)
        stop.append(True)
        results = [worker.result() for worker in workers]
    assert [wrong for wrong, _, _ in results] == [[]] * 8
    assert set().union(*(seen for _, seen, _ in results)) <= expected
    assert sum(number for _, _, number in results) > 100


def test_a_hundred_renewals_leave_nothing_behind(renewable):
    gateway, _ = renewable

    def resident():
        with open(f"/proc/{gateway.pid}/statm") as statm:
            return int(statm.read().split()[1]) * 4096

    for turn in range(200):
        if turn == 100:
            settled = resident()
        reload(gateway)
        shown(gateway)
    assert resident() - settled < 2 << 20


def test_without_a_certificate_sighup_is_told_and_harmless(serve):
    gateway = serve()
    for _ in range(3):
        gateway.signal(signal.SIGHUP)
    assert gateway.err.wait_for(lambda line: "nothing to reload" in line)
    assert gateway.send("still here").status == 200


def test_sighup_ends_what_has_nothing_to_read_anew(echo_server):
    server = echo_server()
    server.signal(signal.SIGHUP)
    assert server.exit_code() == -signal.SIGHUP


# The command line


@pytest.mark.parametrize("option", ["--tls-certificate", "--tls-key"])
def test_one_without_the_other_is_wrong_usage(option, certificate):
    ended = run_yodel("serve", *FREE, option, certificate.file)
    assert ended.returncode == 64 and "--tls-certificate" in ended.stderr and "--tls-key" in ended.stderr
    variable = "YODEL_" + option.removeprefix("--").upper().replace("-", "_")
    assert run_yodel("serve", *FREE, environment={variable: str(certificate.file)}).returncode == 64


def test_the_environment_names_the_files(own, certificate):
    files = {"YODEL_TLS_CERTIFICATE": str(certificate.file), "YODEL_TLS_KEY": str(certificate.key)}
    assert own(Gateway, environment=files).url.startswith("https://")


@pytest.fixture
def bad_files(tmp_path, certificate):
    other = Certificate(tmp_path, "other")
    locked = Certificate(tmp_path, "locked", passphrase="secret")
    empty = tmp_path / "empty.pem"
    empty.write_bytes(b"")
    return {
        "no such certificate": (tmp_path / "none.pem", certificate.key, "none.pem", "No such file"),
        "a folder": (tmp_path, certificate.key, str(tmp_path), "directory"),
        "an endless file": ("/dev/zero", certificate.key, "/dev/zero", "too large"),
        "an empty certificate": (empty, certificate.key, "empty.pem", "no PEM certificate"),
        "a key for a certificate": (certificate.key, certificate.key, str(certificate.key), "no PEM certificate"),
        "no such key": (certificate.file, tmp_path / "none.pem", "none.pem", "No such file"),
        "a certificate for a key": (certificate.file, certificate.file, str(certificate.file), "no PEM private key"),
        "another's key": (certificate.file, other.key, "other-key.pem", "not the key"),
        "a key that is locked": (locked.file, locked.key, "locked-key.pem", "passphrase"),
    }


@pytest.mark.parametrize(
    "case",
    [
        "no such certificate",
        "a folder",
        "an endless file",
        "an empty certificate",
        "a key for a certificate",
        "no such key",
        "a certificate for a key",
        "another's key",
        "a key that is locked",
    ],
)
def test_files_that_cannot_be_used_are_one_clear_line(bad_files, case):
    file, key, *mentions = bad_files[case]
    ended = run_yodel("serve", *FREE, "--tls-certificate", file, "--tls-key", key)
    assert ended.returncode == 1 and ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    for mention in mentions:
        assert mention in ended.stderr


def test_a_health_check_knows_the_certificate_by_its_file(gateway, certificate, tmp_path):
    assert run_yodel("healthcheck", gateway.url, "--tls-certificate", certificate.file).returncode == 0
    for words, mention in [
        ((gateway.url,), "not trusted"),
        ((gateway.url, "--tls-certificate", Certificate(tmp_path).file), "another certificate"),
        ((gateway.url, "--tls-certificate", tmp_path / "none.pem"), "cannot be read"),
    ]:
        ended = run_yodel("healthcheck", *words)
        assert ended.returncode == 1 and mention in ended.stderr, ended.stderr
        assert "spoken there" not in ended.stderr


def test_a_health_check_by_the_wrong_scheme_names_the_right_one(gateway, serve):
    plain = gateway.url.replace("https", "http")
    ended = run_yodel("healthcheck", plain)
    assert ended.returncode == 1 and f"{plain}/readyz answered 400; TLS is spoken there: {gateway.url}" in ended.stderr
    unencrypted = serve().url
    ended = run_yodel("healthcheck", unencrypted.replace("http", "https"))
    assert ended.returncode == 1 and f"; plain HTTP is spoken there: {unencrypted}\n" in ended.stderr
    # Neither: nothing is guessed.
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=hang_up, args=(other, 4), daemon=True).start()
        for scheme in ("http", "https"):
            ended = run_yodel("healthcheck", f"{scheme}://127.0.0.1:{other.getsockname()[1]}")
            assert ended.returncode == 1 and "spoken there" not in ended.stderr


def hang_up(server, times):
    """Read what each of so many clients sends first, answer with what is no protocol, and go."""
    for _ in range(times):
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"what is this?\n")


def test_a_health_check_trusts_whom_the_system_trusts(gateway, certificate, own):
    trusted = "/etc/ssl/certs/ca-certificates.crt"
    if not can_have_namespaces() or not os.path.exists(trusted):
        pytest.skip("another list of authorities needs root, unshare and a list to be in the place of")
    mount = f"mount --bind '{certificate.file}' {trusted} && exec \"$@\""
    within = ("unshare", "--mount", "sh", "-c", mount, "sh")
    assert run_yodel("healthcheck", gateway.url, prefix=within).returncode == 0
    # Too short for an allocation of its own to be left alone by what comes after: seen when its memory was used too late.
    six = own(SecureGateway, certificate, http=("[::1]:0",))
    assert run_yodel("healthcheck", six.url, prefix=within).returncode == 0
