"""The live feed of `GET /api/datagrams`: curl, Python, nginx, and a thousand who do not read."""

import concurrent.futures
import os
import shutil
import signal
import socket
import struct
import time

import pytest

from support.checks import carries_security_headers, is_problem
from support.child import ROOT, Child
from support.feed import ACCEPT, REQUEST, Feed, SilentReader, allow_descriptors
from support.gateway import Gateway
from support.udp import ask, udp_socket
from support.waiting import wait_until


@pytest.fixture
def gateway(serve):
    return serve()


def send_all(gateway, payloads, window=32):
    """Have datagrams echoed, some at a time; each must come back."""
    payloads = list(payloads)
    with udp_socket() as client:
        for start in range(0, len(payloads), window):
            some = payloads[start : start + window]
            for data in some:
                client.sendto(data, gateway.udp)
            assert sorted(client.recv(9999) for _ in some) == sorted(some)


def feeds(gateway):
    return gateway.metrics().value("yodel_feeds")


def newest_id(gateway, data=None):
    """The newest event's identifier, once `data` was echoed and is listed, if that is given."""

    def newest():
        return gateway.get("/api/datagrams?limit=1").json()["datagrams"][:1]

    if data is not None:
        send_all(gateway, [data])
        wait_until(lambda: [entry["text"] for entry in newest()] == [data.decode()], "it is listed")
    return newest()[0]["id"]


# Reading


def test_curl_shows_events_as_they_come(gateway, own):
    headers = ["-H", f"Accept: {ACCEPT}"]
    curl = own(Child, ["curl", "-q", "-sS", "-N", "-i", *headers, gateway.url + "/api/datagrams"])
    assert curl.out.wait_for(lambda line: line.startswith(": ")), "a comment comes before the first datagram"
    for text in ("first", "second\r\nof two lines"):
        ask(gateway.udp, text.encode())
        shown = text.replace("\r\n", "\\r\\n")
        assert curl.out.wait_for(lambda line: line.startswith("data: ") and f'"text":"{shown}"' in line)
    lines = [line.rstrip("\r") for line in curl.out.so_far()]
    for field in ("Content-Type: text/event-stream", "Cache-Control: no-store", "X-Accel-Buffering: no"):
        assert field in lines
    first = lines.index("event: datagram")
    assert lines[first + 1].startswith("id: ") and lines[first + 2].startswith("data: ") and lines[first + 3] == ""
    curl.kill()


def test_what_came_before_is_not_told_and_what_comes_is_in_order(gateway):
    ask(gateway.udp, b"before")
    with Feed(gateway) as feed:
        carried = {name.lower(): value for name, value in feed.answer.getheaders()}
        assert carried["x-content-type-options"] == "nosniff"
        send_all(gateway, (b"%d" % number for number in range(500)), window=1)
        assert [feed.datagram()["text"] for _ in range(500)] == [str(number) for number in range(500)]


def test_two_feeds_see_the_same(gateway):
    with Feed(gateway) as one, Feed(gateway) as other:
        send_all(gateway, (b"%d" % number for number in range(100)))
        seen = [[feed.datagram() for _ in range(100)] for feed in (one, other)]
    assert seen[0] == seen[1]
    assert list(reversed(gateway.get("/api/datagrams").json()["datagrams"])) == seen[0], "and so is the list"


def test_head_says_what_a_feed_would_be_and_takes_no_place(gateway):
    for _ in range(10):
        answer = gateway.request("HEAD", "/api/datagrams", headers={"Accept": ACCEPT})
        assert answer.status == 200 and answer.media_type() == ACCEPT
        carries_security_headers(answer)
    wait_until(lambda: feeds(gateway) == 0, "no place is taken")


def test_a_feed_has_no_limit(gateway):
    is_problem(gateway.get("/api/datagrams?limit=5", Accept=ACCEPT), 400, "invalid-request", "Last-Event-ID")
    assert feeds(gateway) == 0


# Resuming


def test_a_feed_goes_on_after_the_last_event(gateway):
    with Feed(gateway) as feed:
        send_all(gateway, [b"a", b"b"], window=1)
        last = [feed.datagram() for _ in range(2)][0]["id"]
    send_all(gateway, [b"c"])
    with Feed(gateway, last_event_id=last) as feed:
        assert [feed.datagram()["text"] for _ in range(2)] == ["b", "c"]
        send_all(gateway, [b"d"])
        assert feed.datagram()["text"] == "d"


def test_what_is_gone_is_a_gap_of_its_size_and_is_counted(gateway):
    last = newest_id(gateway, b"the last that is known")
    send_all(gateway, (b"%d" % number for number in range(1500)))
    wait_until(lambda: newest_id(gateway).endswith("-1501"), "all are recorded")
    with Feed(gateway, last_event_id=last) as feed:
        name, identifier, data = feed.next()
        assert (name, identifier, data) == ("gap", None, {"missed": 1500 - 1024})
        numbers = [int(feed.datagram()["text"]) for _ in range(1024)]
    assert sorted(numbers) == list(range(476, 1500)), "what there is follows"
    assert gateway.metrics().value("yodel_feed_missed_total") == 476


@pytest.mark.parametrize("stranger", ["0-1", "nonsense", "é"])
def test_an_event_of_another_process_is_a_gap_and_then_what_there_is(gateway, stranger):
    send_all(gateway, [b"a", b"b"], window=1)
    with Feed(gateway, last_event_id=stranger.encode().decode("latin-1")) as feed:
        assert feed.next() == ("gap", None, {"missed": 0})
        assert [feed.datagram()["text"] for _ in range(2)] == ["a", "b"]
    assert gateway.metrics().value("yodel_feed_missed_total") == 0, "nobody was too slow"


def test_after_a_restart_an_old_identifier_is_none(serve):
    first = serve()
    last = newest_id(first, b"a")
    second = serve()
    send_all(second, [b"b", b"c"], window=1)
    with Feed(second, last_event_id=last) as feed:
        assert feed.next()[0] == "gap"
        assert feed.datagram()["text"] == "b"


def test_a_reader_that_was_slow_finds_a_gap_and_misses_nothing_uncounted(gateway):
    slow = SilentReader(gateway)
    wait_until(lambda: feeds(gateway) == 1, "it has its feed")
    count = 4000
    send_all(gateway, (b"%05d" % number + b"x" * 1000 for number in range(count)))
    # Now it reads, from what was kept for it on.
    reading = Feed.__new__(Feed)
    reading.answer = slow.socket.makefile("rb")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += reading.answer.read(1)
    reading.answer = Unchunked(reading.answer)
    send_all(gateway, [b"the end"])
    datagrams, gaps = reading.until("the end")
    slow.close()
    assert gaps and all(gap > 0 for gap in gaps)
    numbers = [int(entry["id"].split("-")[1]) for entry in datagrams]
    assert numbers == sorted(set(numbers))
    assert len(datagrams) + sum(gaps) == count + 1


class Unchunked:
    """The lines within the chunks of a body."""

    def __init__(self, stream):
        self.stream, self.rest = stream, b""

    def readline(self):
        while b"\n" not in self.rest:
            size = int(self.stream.readline(), 16)
            self.rest += self.stream.read(size)
            assert self.stream.read(2) == b"\r\n"
        line, self.rest = self.rest.split(b"\n", 1)
        return line + b"\n"


# Bounds


def test_a_client_has_eight_feeds_and_another_has_its_own(gateway):
    mine = [Feed(gateway) for _ in range(8)]
    refused = gateway.get("/api/datagrams", Accept=ACCEPT)
    assert is_problem(refused, 503, "overloaded", "8 feeds of this address")["limit"] == 8
    assert refused.header("Retry-After") == "1"
    assert gateway.get("/api/datagrams").status == 200, "the list is no feed"
    with Feed(gateway, source="127.0.0.2"):
        assert feeds(gateway) == 9
    mine.pop().close()
    wait_until(lambda: feeds(gateway) == 7, "its place is given back")
    mine.append(Feed(gateway))
    for feed in mine:
        feed.close()
    wait_until(lambda: feeds(gateway) == 0, "all are given back")


@pytest.mark.parametrize("how", ["option", "variable"])
def test_all_clients_together_have_max_feeds(serve, how):
    gateway = serve("--max-feeds", "2") if how == "option" else serve(environment={"YODEL_MAX_FEEDS": "2"})
    limits = gateway.get("/api/info").json()["limits"]
    assert (limits["max_feeds"], limits["max_feeds_per_client"]) == (2, 8)
    with Feed(gateway, source="127.0.0.2"), Feed(gateway, source="127.0.0.3"):
        refused = gateway.get("/api/datagrams", Accept=ACCEPT)
        assert is_problem(refused, 503, "overloaded", "--max-feeds")["limit"] == 2


@pytest.mark.parametrize("way", ["reset", "end, all read", "end, nothing read", "half, then gone"])
def test_a_client_that_goes_gives_its_place_back_without_a_word_in_the_log(gateway, way):
    with socket.create_connection(gateway.http, 15) as client:
        client.sendall(REQUEST)
        wait_until(lambda: feeds(gateway) == 1, "it has its place")
        if way != "end, nothing read":
            assert b": " in client.recv(9999)
        if way == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if way == "half, then gone":
            client.shutdown(socket.SHUT_WR)
            ask(gateway.udp, b"still told")
            gathered = b""
            while b"still told" not in gathered:
                gathered += client.recv(9999)
    if way == "half, then gone":
        # That it had ended was seen before: what comes next finds out that it is gone.
        ask(gateway.udp, b"x")
        ask(gateway.udp, b"x")
    wait_until(lambda: feeds(gateway) == 0, "its place is free, long before a silent feed has its comment", timeout=5)
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_code() == 0
    assert [line for line in gateway.err.all() if "warning" in line] == []


# A thousand


def resident_bytes(gateway):
    with open(f"/proc/{gateway.pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_who_do_not_read_cost_the_echo_nothing_but_memory_that_is_bounded(serve, own):
    allow_descriptors(4096)
    gateway = serve("--max-feeds", "1000")
    silent = [
        own(SilentReader, gateway, f"127.0.0.{host}") for host in range(2, 127) for _ in range(8 if host < 126 else 7)
    ]
    assert len(silent) == 999
    wait_until(lambda: feeds(gateway) == 999, "all have their feeds")
    with Feed(gateway) as live:
        refused = gateway.get("/api/datagrams", Accept=ACCEPT)
        is_problem(refused, 503, "overloaded", "1000 feeds", "--max-feeds")
        before = resident_bytes(gateway)
        payloads = [b"%06d" % number + b"x" * 1000 for number in range(6000)]
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            reading = threads.submit(live.until, "the end")
            # From one socket, so to one loop: another's may record its datagram before this one its last.
            send_all(gateway, [*payloads, b"the end"])
            datagrams, gaps = reading.result()
    assert len(datagrams) + sum(gaps) == len(payloads) + 1
    counters = gateway.echo_counters()
    assert (counters["received"], counters["echoed"]) == (len(payloads) + 1, len(payloads) + 1)
    assert counters["receive_buffer_full"] == 0
    # The documentation states 100 KiB of each; some 20 of them, its connection's, were there before.
    assert resident_bytes(gateway) - before < 999 * 80 * 1024
    assert gateway.send("and HTTP is served").status == 200
    for reader in silent:
        reader.close()
    wait_until(lambda: ask(gateway.udp, b"x") and feeds(gateway) == 0, "all places are given back")


# Ends


@pytest.mark.parametrize("reads", [True, False])
def test_a_drain_ends_feeds_at_once(serve, reads):
    gateway = serve("--loops", "1")
    if reads:
        feed = Feed(gateway)
    else:
        silent = SilentReader(gateway)
        wait_until(lambda: feeds(gateway) == 1, "it has its feed")
        # On the same loop another feed is told no sooner: when it has read all, the silent one's buffers are full.
        with Feed(gateway, source="127.0.0.2") as live:
            send_all(gateway, [b"x" * 1000] * 1000)
            send_all(gateway, [b"the end"])
            live.until("the end")
    began = time.monotonic()
    gateway.signal(signal.SIGTERM)
    if reads:
        assert feed.next() is None, "its last chunk comes, so that the client knows"
        feed.close()
    assert gateway.exit_code() == 0
    assert time.monotonic() - began < 4, "an answer that is not read may take 5 s, a feed not"
    if not reads:
        silent.close()


# Behind nginx


NGINX = """
daemon off; pid {folder}/pid; error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {url}; }} }}
}}
"""


@pytest.fixture
def nginx(gateway, own, tmp_path):
    places = ["/usr/sbin", str(ROOT / ".build/nginx/usr/sbin")]
    program = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], *places]))
    if program is None:
        pytest.skip("there is no nginx: make need-test unpacks one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = tmp_path / "nginx.conf"
    file.write_text(NGINX.format(folder=tmp_path, port=port, url=gateway.url))
    own(Child, [program, "-p", tmp_path, "-c", file])

    def answers():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, "nginx listens")
    return "127.0.0.1", port


def test_through_nginx_as_it_comes_events_are_not_held_back(gateway, nginx):
    with Feed(gateway, address=nginx) as feed:
        for number in range(3):
            ask(gateway.udp, b"%d" % number)
            assert feed.datagram()["text"] == str(number), "before the next one is sent"
    wait_until(lambda: feeds(gateway) == 0, "nginx passes it on that its client has gone")
