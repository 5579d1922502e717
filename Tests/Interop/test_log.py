"""The log on stderr: what an operator learns, one line an event, and how many lines a flood makes."""

import contextlib
import fcntl
import json
import os
import re
import resource
import socket
import subprocess
import time

import pytest

from support.child import ROOT, TERMINATE, Lines, clean_environment, run_yodel, yodel_binary
from support.gateway import parse_address
from support.http import Wire
from support.udp import ask, udp_socket
from support.waiting import wait_until

TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (trace|debug|info|notice|warning|error|critical) \S.*")
HOSTILE = "\x1b[2Jred\x07\x7f\x85\x9b31m\u2028\u202e\u2066\r"


def events(gateway):
    """The log's lines as objects; each is one."""
    return [json.loads(line) for line in gateway.err.so_far()]


def told(gateway, message):
    """The events of a kind, and how many they stand for."""
    found = [event for event in events(gateway) if event["message"] == message]
    suppressed = sum(int(event["metadata"].get("suppressed", 0)) for event in found)
    own = sum(set(event["metadata"]) != {"suppressed"} for event in found)
    return found, suppressed + own


def lines_to_the_end(gateway):
    """All that a gateway has logged when it has ended as it should."""
    gateway.signal(TERMINATE)
    assert gateway.exit_code() == 0
    return gateway.err.all()


def is_harmless(text):
    """No control character (C0 but for the line's end, DEL, C1), line separator or mark that turns the direction."""
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)


def test_start_and_end_are_told_as_text(serve):
    gateway = serve("--no-echo", "--target", "lab=127.0.0.1:9", udp=())
    lines = lines_to_the_end(gateway)
    assert all(TEXT.fullmatch(line) for line in lines), lines
    assert [line.split()[2] for line in lines] == ["started", "draining", "stopped"]
    assert f"http={gateway.http[0]}:{gateway.http[1]}" in lines[0]


def test_start_and_end_are_told_as_json(serve):
    gateway = serve("--log-format", "json")
    lines_to_the_end(gateway)
    found = events(gateway)
    assert [event["message"] for event in found] == ["started", "draining", "stopped"]
    assert all(set(event) == {"time", "level", "message", "metadata"} and event["level"] == "info" for event in found)
    assert found[0]["metadata"]["udp"] == f"127.0.0.1:{gateway.udp[1]}"
    assert found[1]["metadata"] == {"connections": "0", "in_flight": "0"}
    assert float(found[2]["metadata"]["draining_ms"]) < 10_000


def test_the_level_leaves_out_what_is_below(serve):
    gateway = serve("--log-level", "warning", environment={"YODEL_LOG_FORMAT": "json"})
    assert lines_to_the_end(gateway) == []


def test_an_unknown_format_is_refused():
    ended = run_yodel("serve", "--log-format", "xml")
    assert ended.returncode == 64 and "text" in ended.stderr and "json" in ended.stderr


def test_a_flood_is_a_line_a_second_and_told_to_the_last_when_it_has_ended(serve):
    gateway = serve("--max-connections", "1", "--log-format", "json", "--loops", "2")
    start = time.monotonic()
    held = [socket.create_connection(gateway.http) for _ in range(300)]
    # All but the one that is served are told, though no more come.
    refused, closed = "more connections than are served", "connections are closed unheard"
    wait_until(lambda: told(gateway, refused)[1] == 256 and told(gateway, closed)[1] == 43, "all are told")
    for message in (refused, closed):
        found, _ = told(gateway, message)
        assert len(found) <= 1 + (time.monotonic() - start)
        assert found[0]["level"] == "warning" and "suppressed" not in found[0]["metadata"]
    for client in held:
        client.close()


def test_what_a_flood_left_untold_is_told_at_the_end(serve):
    gateway = serve("--max-connections", "1", "--log-format", "json")
    held = [socket.create_connection(gateway.http) for _ in range(100)]
    message = "more connections than are served"
    wait_until(lambda: told(gateway, message)[1], "the first is told")
    for client in held:
        client.close()
    lines_to_the_end(gateway)
    assert told(gateway, message)[1] == 99


def open_files(gateway):
    """What the descriptors of a gateway lead to."""
    folder = f"/proc/{gateway.pid}/fd"
    return [os.readlink(f"{folder}/{number}") for number in os.listdir(folder)]


def test_the_lack_of_descriptors_is_told_and_ends(serve):
    gateway = serve("--log-format", "json", "--loops", "1")
    wait_until(lambda: "anon_inode:[signalfd]" in open_files(gateway), "it has opened what it needs")
    soft, hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (len(open_files(gateway)) + 20, hard))
    held = [socket.create_connection(gateway.http) for _ in range(60)]
    message = "no connection can be accepted"
    found = wait_until(lambda: told(gateway, message)[0], "it is told")
    assert "open files" in found[0]["metadata"]["error"]
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (soft, hard))
    for client in held:
        client.close()
    assert gateway.get("/healthz").status == 200


def test_messages_that_lack_something_are_told(serve):
    with udp_socket() as deaf:
        target = f"deaf=127.0.0.1:{deaf.getsockname()[1]}"
        gateway = serve("--max-in-flight", "1", "--log-format", "json", "--target", target)
        first, second = gateway.connection(), gateway.connection()
        first.request("POST", "/api/messages?target=deaf&timeout_ms=10000", b"x", {"Content-Type": "text/plain"})
        wait_until(lambda: gateway.in_flight() == 1, "it waits")
        second.request("POST", "/api/messages", b"x", {"Content-Type": "text/plain"})
        assert second.getresponse().status == 503
        message = "a message is refused for lack of something"
        found = wait_until(lambda: told(gateway, message)[0], "it is told")
        assert found[0]["metadata"] == {"lacking": "exchanges", "target": "echo"}
        data, source = deaf.recvfrom(10)
        deaf.sendto(data, source)
        assert first.getresponse().status == 200
        first.close()
        second.close()


# Whatever comes from outside


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_libmicrohttpd_quotes_cannot_forge_a_line(serve, form):
    gateway = serve("--log-format", form)
    with gateway.wire() as wire:
        wire.send(f"GET /{HOSTILE}\n2026-01-01 forged HTTP/1.1\r\nHo\nst: {HOSTILE}\r\n\r\n".encode())
    with gateway.wire() as wire:
        wire.send(b"POST /api/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\x1b[2J\r\n")
        wire.socket.settimeout(5)
        while wire.socket.recv(4096):
            pass
    for line in lines_to_the_end(gateway):
        assert is_harmless(line), ascii(line)
        assert json.loads(line) if form == "json" else TEXT.fullmatch(line)


@pytest.mark.parametrize(
    "words",
    [
        ("serve", f"--{HOSTILE}"),
        ("serve", "--target", f"x=na{HOSTILE}me:9"),
        ("serve", "--public", f"/nowhere/{HOSTILE}", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"),
        ("serve", "--log-level", HOSTILE),
        ("send", f"na{HOSTILE}me", "x", "y"),
        ("healthcheck", f"http://{HOSTILE}/"),
        ("healthcheck", f"http://127.0.0.1:1/{HOSTILE}"),
        (HOSTILE,),
    ],
)
def test_an_argument_that_is_quoted_cannot_forge_a_line(words):
    ended = run_yodel(*words)
    assert ended.returncode != 0 and ended.stderr.endswith("\n")
    assert is_harmless(ended.stderr) and ended.stderr.count("\n") == 1, ascii(ended.stderr)


def test_a_datagram_is_one_line_whatever_is_in_it(echo_server):
    server = echo_server()
    payloads = [HOSTILE.encode(), b"two\nlines", b"\xff\xfe\x00", b"", "日本語".encode(), b"\r\n" * 1000]
    for payload in payloads:
        ask(server.udp, payload)
    lines = wait_until(lambda: len(found := server.out.so_far()) >= len(payloads) and found, "all are printed")
    assert len(lines) == len(payloads)
    assert all(is_harmless(line) and re.match(r"127\.0\.0\.1:\d+: ", line) for line in lines)
    assert lines[1].endswith(r": two\nlines") and lines[4].endswith(": 日本語")


def test_datagrams_that_nobody_reads_are_counted_and_told():
    """Standard output is a pipe that is full: what is not printed is said on stderr meanwhile."""
    command = [yodel_binary(), "echo", "--udp", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as server:
        try:
            said = Lines(server.stderr)
            address = parse_address(said.wait_for(lambda line: line.startswith("UDP echo: ")).split()[-1])
            with udp_socket() as client:
                for _ in range(100):
                    client.sendto(b"x" * 60_000, address)
                    client.recv(65536)
            line = said.wait_for(lambda line: "not printed" in line)
            assert re.fullmatch(r"yodel: \d+ datagrams were not printed: standard output is too slow", line)
            assert ask(address, b"still there")[0] == b"still there"
        finally:
            server.kill()


def test_a_reader_of_the_log_that_stands_still_holds_up_nobody(own):
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x")
    os.set_blocking(writing, True)
    command = [yodel_binary(), "serve", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=writing, env=clean_environment())
    try:
        address = parse_address(process.stdout.readline().decode().split()[1].removeprefix("http://"))
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            with Wire(address) as wire:
                wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n")
                assert wire.response().status == 400
            with Wire(address) as wire:
                assert wire.ask("GET", "/healthz").status == 200
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(writing)
        os.close(reading)
