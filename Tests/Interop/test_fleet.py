"""Packaging/fleet: nginx in front of three gateways and two echo servers, each on a host of its own, while they are
restarted, killed and cut off."""

import concurrent.futures
import contextlib
import http.client
import json
import socket
import threading
import time

import pytest

from conftest import needs_namespaces
from support.fleet import ECHOES, GATEWAYS, PROXY, Fleet, block, blocks, nginx_root
from support.waiting import wait_until

WORKERS = 8
# Longer than nginx waits for a gateway: each request must have its answer by then.
LONGEST = 20


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, own_for_module):
    needs_namespaces()
    if nginx_root() is None:
        pytest.skip("there is no nginx with its stream module: make need-test unpacks both")
    return own_for_module(Fleet, tmp_path_factory.mktemp("packaging"))


class Thread(threading.Thread):
    """A thread on the client's host, whose failure is its owner's."""

    def __init__(self, fleet, run):
        super().__init__()
        self._run, self._fleet, self._failure = run, fleet, None

    def run(self):
        try:
            self._fleet.client.inside(self._run)
        except BaseException as failure:  # noqa: BLE001
            self._failure = failure

    def end(self):
        self.join()
        if self._failure:
            raise self._failure


class Traffic:
    """What goes on through nginx in a thread, from a first success on until it is left."""

    def __init__(self, fleet):
        self._stop = threading.Event()
        self._thread = Thread(fleet, self._run)

    def __enter__(self):
        self._thread.start()
        self.goes_on()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.end()


class Load(Traffic):
    """Messages through nginx from eight clients, each waiting for its answer, until told to stop."""

    def __init__(self, fleet, target=None, timeout_ms=500):
        self._token = fleet.token
        self._path = f"/api/messages?timeout_ms={timeout_ms}" + (f"&target={target}" if target else "")
        self.answers, self.wrong = [], []
        super().__init__(fleet)

    def goes_on(self, count=60):
        """Wait until so many more messages have come back well."""
        before = self.well()
        wait_until(lambda: self.well() >= before + count, f"messages go on: {self.failures()[-3:]}")

    def well(self):
        return sum(status == 200 for _, status, _ in list(self.answers))

    def failures(self):
        return [answer for answer in list(self.answers) if answer[1] != 200]

    def _run(self):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for worker in [pool.submit(self._send, worker) for worker in range(WORKERS)]:
                worker.result()

    def _send(self, worker):
        number = 0
        while not self._stop.is_set():
            number += 1
            text = f"client {worker}, message {number}"
            began = time.monotonic()
            status, body = self._exchange(worker, text)
            self.answers.append((text, status, body))
            assert time.monotonic() - began < LONGEST
            if status == 200 and json.loads(body)["reply"] != text:
                self.wrong.append((text, body))
            time.sleep(0.02)

    def _exchange(self, worker, text):
        source = (f"10.77.0.{worker + 2}", 0)
        connection = http.client.HTTPConnection(PROXY, 80, timeout=LONGEST, source_address=source)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "text/plain"}
        with contextlib.closing(connection):
            connection.request("POST", self._path, text.encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


class Datagrams(Traffic):
    """Four UDP clients that send to nginx and wait half a second for each reply, until told to stop."""

    def __init__(self, fleet):
        self.sent, self.lost, self.wrong = [0] * 4, [0] * 4, []
        super().__init__(fleet)

    def goes_on(self, count=100):
        """Wait until every client has had so many more replies."""
        before = [sent - lost for sent, lost in zip(self.sent, self.lost, strict=True)]
        wait_until(
            lambda: all(
                sent - lost >= one + count for sent, lost, one in zip(self.sent, self.lost, before, strict=True)
            ),
            "datagrams go on",
        )

    def _run(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for client in [pool.submit(self._send, client) for client in range(4)]:
                client.result()

    def _socket(self):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.connect((PROXY, 9999))
        made.settimeout(0.5)
        return made

    def _send(self, client):
        plain = self._socket()
        with contextlib.ExitStack() as ends:
            ends.callback(lambda: plain.close())
            while not self._stop.is_set():
                text = f"{client}.{self.sent[client]}".encode()
                plain.send(text)
                try:
                    reply = plain.recv(1000)
                    if reply == b"":
                        # nginx says so that it has no reply.
                        self.lost[client] += 1
                    elif reply != text:
                        self.wrong.append((text, reply))
                except TimeoutError:
                    self.lost[client] += 1
                    # What comes late for this one is not taken for the next one's.
                    plain.close()
                    plain = self._socket()
                self.sent[client] += 1
                time.sleep(0.002)


# Everything the page says


def test_every_command_of_the_page_is_run_here():
    run_here = ["openssl rand", "yodel echo", "yodel serve", "nginx -p", "yodel send", "-X PUT", "rolling-restart"]
    for text in blocks():
        assert any(mention in text for mention in run_here), text


def test_messages_and_datagrams_get_through(fleet):
    *answers, reply = fleet.run(fleet.client, block("yodel send")).splitlines()
    assert [json.loads(answer)["match"] for answer in answers] == [True, True]
    assert [json.loads(answer)["target"] for answer in answers] == ["echo", "fleet"]
    assert reply == "10.77.0.1:9999: hello from client!!"


def test_impairments_are_set_on_every_gateway(fleet):
    answers = [json.loads(line) for line in fleet.run(fleet.client, block("-X PUT")).splitlines()]
    assert [answer["delay_ms"] for answer in answers] == [1, 1, 1]


def ask(fleet, path, method="GET", **headers):
    """A request through nginx, from the client's host."""

    def call():
        with contextlib.closing(http.client.HTTPConnection(PROXY, 80, timeout=15)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers={"Authorization": f"Bearer {fleet.token}", **named})
            answer = connection.getresponse()
            return answer.status, answer.read()

    return fleet.client.inside(call)


def gateways_met(fleet, **headers):
    """Which gateways answered thirty requests."""
    answers = [ask(fleet, "/api/info", **headers) for _ in range(30)]
    return {json.dumps(json.loads(body)["http"]) for status, body in answers if status == 200}


def test_a_browser_keeps_to_one_gateway_and_programs_meet_all(fleet):
    assert len(gateways_met(fleet, Sec_Fetch_Site="same-origin")) == 1
    assert len(gateways_met(fleet)) == 3


def test_without_the_token_nothing_is_answered_and_numbers_are_each_gateways_own(fleet):
    assert ask(fleet, "/api/info", Authorization="Bearer wrong")[0] == 401
    for path in ("/metrics", "/metrics/", "/probe?target=echo", "/probe/?target=echo"):
        assert ask(fleet, path)[0] == 404, path


def test_a_feed_comes_through_as_it_happens(fleet):
    def read():
        connection = http.client.HTTPConnection(PROXY, 80, timeout=15)
        headers = {"Authorization": f"Bearer {fleet.token}", "Accept": "text/event-stream"}
        # A browser's requests meet one gateway: what it sends is what it sees.
        browser = {**headers, "Sec-Fetch-Site": "same-origin"}
        connection.request("GET", "/api/datagrams", headers=browser)
        feed = connection.getresponse()
        assert feed.status == 200
        for number in range(3):
            other = http.client.HTTPConnection(PROXY, 80, timeout=15)
            other.request("POST", "/api/messages", f"seen {number}", {**browser, "Content-Type": "text/plain"})
            assert other.getresponse().status == 200
            while f'"text":"seen {number}"'.encode() not in feed.readline():
                pass
            other.close()
        connection.close()

    fleet.client.inside(read)


# Restarts


def are_missing_replies(failures, at_most):
    for _, status, body in failures:
        assert status == 504 and json.loads(body)["type"] == "urn:yodel:problem:no-reply"
    assert len(failures) <= at_most


def test_a_rolling_restart_of_gateways_is_noticed_by_nobody(fleet):
    command = next(line for line in block("rolling-restart").splitlines() if "gateways.conf" in line)
    with Load(fleet) as load:
        assert fleet.run(fleet.proxy, command).split() == [f"{address}:8080" for address in GATEWAYS]
        load.goes_on()
    assert load.failures() == [] and load.wrong == []
    assert [address for address, service in fleet.restarted if service == "yodel"] == list(GATEWAYS)
    assert "down" not in (fleet.folder / "gateways.conf").read_text()


def test_a_rolling_restart_of_echo_servers_loses_no_more_than_nginx_had_in_hand(fleet):
    command = next(line for line in block("rolling-restart").splitlines() if "echoes.conf" in line)
    with Load(fleet, target="fleet") as load, Datagrams(fleet) as datagrams:
        assert fleet.run(fleet.proxy, command).split() == [f"{address}:9999" for address in ECHOES]
        load.goes_on()
        datagrams.goes_on()
    # Each of the four reloads drops the replies that are on their way through nginx at that moment.
    assert load.wrong == [] and datagrams.wrong == [] and sum(datagrams.lost) <= 4 * 4
    are_missing_replies(load.failures(), at_most=WORKERS)


def test_where_a_restarted_gateway_does_not_answer_it_stays_out(fleet):
    file = fleet.folder / "gateways.conf"
    whole = file.read_text()
    with Load(fleet) as load:
        with pytest.raises(AssertionError, match="does not answer: it stays out"):
            fleet.run(fleet.proxy, "PATIENCE=1 ./rolling-restart gateways.conf ssh HOST systemctl stop yodel")
        load.goes_on()
        assert file.read_text() == whole.replace(";", " down;", 1)
        fleet.start(GATEWAYS[0])
        fleet.wait_for(GATEWAYS[0])
        file.write_text(whole)
        fleet.run(fleet.proxy, "nginx -p . -c nginx.conf -s reload")
        load.goes_on()
    assert load.failures() == [] and load.wrong == []


# Failures


@pytest.fixture
def whole(fleet):
    """The fleet while nginx takes none of its gateways for failed."""
    wait_until(lambda: len(gateways_met(fleet)) == 3, "nginx asks all gateways again")
    return fleet


def keep_busy(fleet, address):
    """Have messages stay in one gateway for a while, and wait until some do."""

    def call(method, path, body=None):
        with contextlib.closing(http.client.HTTPConnection(address, 8080, timeout=15)) as connection:
            connection.request(method, path, body, {"Authorization": f"Bearer {fleet.token}"})
            return connection.getresponse().read()

    def is_busy():
        return b"\nyodel_exchanges_in_flight 0\n" not in fleet.client.inside(call, "GET", "/metrics")

    fleet.client.inside(call, "PUT", "/api/echo/impairments", '{"delay_ms":400}')
    wait_until(is_busy, "a message is in flight")


def test_a_gateway_that_ends_unannounced_loses_nothing(whole):
    with Load(whole, timeout_ms=2000) as load:
        keep_busy(whole, GATEWAYS[0])
        whole.end(GATEWAYS[0])
        load.goes_on()
        whole.start(GATEWAYS[0])
        whole.wait_for(GATEWAYS[0])
        load.goes_on()
    assert load.failures() == [] and load.wrong == []


def test_a_gateway_that_is_killed_loses_only_what_it_was_working_on(whole):
    with Load(whole, timeout_ms=2000) as load:
        keep_busy(whole, GATEWAYS[1])
        whole.kill(GATEWAYS[1])
        load.goes_on()
        whole.start(GATEWAYS[1])
        whole.wait_for(GATEWAYS[1])
        load.goes_on()
    assert {status for _, status, _ in load.failures()} <= {502} and load.wrong == []
    assert 1 <= len(load.failures()) <= WORKERS


def test_a_gateway_that_is_cut_off_leaves_nobody_without_an_answer(whole):
    with Load(whole, timeout_ms=2000) as load:
        keep_busy(whole, GATEWAYS[2])
        whole.hosts[GATEWAYS[2]].cut_off()
        load.goes_on(100)
        wait_until(load.failures, "nginx gives up on what was under way")
        whole.hosts[GATEWAYS[2]].plug_in()
        whole.wait_for(GATEWAYS[2])
    # Each had its answer before the load ended; what was under way at the cut had nginx's.
    assert {status for _, status, _ in load.failures()} <= {502, 504} and load.wrong == []
    assert 1 <= len(load.failures()) <= WORKERS


@pytest.mark.parametrize("how", ["killed", "cut off"])
def test_when_an_echo_server_fails_the_other_takes_over(fleet, how):
    host = fleet.hosts[ECHOES[0]]
    with Load(fleet, target="fleet") as load, Datagrams(fleet) as datagrams:
        fleet.kill(ECHOES[0]) if how == "killed" else host.cut_off()
        load.goes_on()
        datagrams.goes_on()
        fleet.start(ECHOES[0]) if how == "killed" else host.plug_in()
        fleet.wait_for(ECHOES[0])
        load.goes_on()
        datagrams.goes_on()
    assert datagrams.wrong == [] and sum(datagrams.lost) <= 4 * 4
    # nginx's empty datagram is a reply to a gateway, and no match.
    assert all(json.loads(body)["bytes"] == 0 and not json.loads(body)["match"] for _, body in load.wrong)
    are_missing_replies(load.failures(), at_most=4 * WORKERS)
