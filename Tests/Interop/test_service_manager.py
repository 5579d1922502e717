"""A service manager's protocols, by a manager of our own: what it is told, and sockets that it has opened."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from support.checks import is_exchange
from support.child import TERMINATE, run_yodel, yodel_binary
from support.http import Wire, request_bytes
from support.service import ActivatedGateway, NotifySocket, held_thread
from support.udp import Target, silence, udp_socket
from support.waiting import wait_until

AS_ITSELF = ("sh", "-c", 'export WATCHDOG_PID=$$; exec "$@"', "sh")


@pytest.fixture
def manager(own):
    return own(NotifySocket)


@pytest.fixture
def activate(own):
    """`activate(option, …, sockets=…, names=…)` starts a gateway with sockets that are there already."""
    return lambda *options, **more: own(ActivatedGateway, *options, **more)


@pytest.fixture
def opened(own):
    """`opened(kind, address, …)` opens a socket as a service manager does; TCP is listened on."""

    def make(kind, address="127.0.0.1", port=0, family=socket.AF_INET, reuse_port=False):
        made = socket.socket(family, kind)
        if reuse_port:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family != socket.AF_UNIX:
            made.bind((address, port))
        if kind == socket.SOCK_STREAM:
            made.listen(128)
        return made

    return lambda *words, **more: own(make, *words, **more)


TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


# What is told


@pytest.mark.parametrize("is_in_file_system", [True, False])
def test_it_is_ready_when_it_answers_and_says_when_it_ends(serve, own, tmp_path, is_in_file_system):
    manager = own(NotifySocket, tmp_path if is_in_file_system else None)
    gateway = serve(environment={"NOTIFY_SOCKET": manager.address})
    ready = manager.next()
    assert list(ready) == ["READY", "STATUS"] and ready["READY"] == "1"
    assert gateway.url in ready["STATUS"] and f"udp://127.0.0.1:{gateway.udp[1]}" in ready["STATUS"]
    assert manager.queued() == [], "no watchdog was asked for"
    gateway.signal(TERMINATE)
    stopping = manager.next()
    assert list(stopping) == ["STOPPING", "STATUS", "EXTEND_TIMEOUT_USEC"] and stopping["STOPPING"] == "1"
    assert gateway.exit_code() == 0
    assert manager.queued() == []


def test_the_end_of_draining_is_announced_before_it_is_waited_for(serve, manager, own):
    target = own(Target, silence)
    gateway = serve("--target", f"silent={target}", environment={"NOTIFY_SOCKET": manager.address})
    assert "READY" in manager.next()
    with gateway.wire() as wire:
        wire.send(request_bytes("POST", "/api/messages?target=silent&timeout_ms=3000", b"x"))
        wait_until(lambda: gateway.in_flight() == 1, "a message is in flight")
        gateway.signal(TERMINATE)
        told = manager.next()
        assert told["STOPPING"] == "1" and gateway.is_running()
        assert wire.response("POST").status == 504
    assert gateway.exit_code() == 0


def test_the_time_to_end_covers_the_drain_delay_and_the_longest_timeout(serve, manager):
    gateway = serve("--drain-delay", "0.1", environment={"NOTIFY_SOCKET": manager.address})
    manager.next()
    gateway.signal(TERMINATE)
    assert 15_100_000 <= int(manager.next()["EXTEND_TIMEOUT_USEC"]) <= 60_000_000
    assert gateway.exit_code() == 0


def test_a_reload_begins_and_ends(serve, manager):
    gateway = serve(environment={"NOTIFY_SOCKET": manager.address})
    ready = manager.next()
    before = time.monotonic()
    gateway.signal(signal.SIGHUP)
    reloading = manager.next()
    assert list(reloading) == ["RELOADING", "MONOTONIC_USEC"] and reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) / 1e6 + 1e-6 and manager.next() == ready


def test_a_start_that_fails_is_never_ready(manager, opened):
    busy = opened(TCP)
    variables = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "20000"}
    ended = run_yodel(
        "serve", "--http", f"127.0.0.1:{busy.getsockname()[1]}", "--udp", "127.0.0.1:0", environment=variables
    )
    assert ended.returncode == 1
    assert manager.queued() == []


def test_a_sign_of_life_comes_in_half_of_the_time_asked_for(serve, manager):
    variables = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
    gateway = serve(environment=variables, prefix=AS_ITSELF)
    assert "READY" in manager.next()
    assert [manager.next(5) for _ in range(5)] == [{"WATCHDOG": "1"}] * 5
    gateway.signal(TERMINATE)
    wait_until(lambda: "STOPPING" in manager.next(5), "the end is told, among signs of life")
    assert gateway.exit_code() == 0


@pytest.mark.parametrize("loop", ["yodel-loop-0", "yodel-loop-1"])
def test_one_loop_that_hangs_ends_the_signs_of_life_until_it_turns_again(serve, manager, loop):
    variables = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"}
    gateway = serve("--loops", "2", environment=variables)
    assert "READY" in manager.next()
    with held_thread(gateway.pid, loop):
        # A loop is given five seconds.
        complaint = gateway.err.wait_for(lambda line: f"'{loop}' does not turn" in line)
        assert complaint, gateway.err.so_far()
        manager.queued()
        assert manager.next(1.2) is None, "six signs of life would have come"
    assert manager.next() == {"WATCHDOG": "1"}
    assert sum("does not turn" in line for line in gateway.err.so_far()) == 1


def test_a_watchdog_of_another_process_gets_nothing(serve, manager):
    variables = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}
    serve(environment=variables)
    assert "READY" in manager.next()
    assert manager.next(0.3) is None


def test_a_manager_that_is_not_there_is_complained_of_and_done_without(serve, tmp_path):
    for address in (f"{tmp_path}/none", "no-path", "/" + "x" * 107):
        gateway = serve(environment={"NOTIFY_SOCKET": address})
        assert any("service manager" in line and address in line for line in gateway.err.so_far())
        assert is_exchange(gateway.send("x"))["match"] is True


def test_other_commands_tell_a_manager_nothing(manager):
    variables = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "20000"}
    assert run_yodel("--version", environment=variables).returncode == 0
    assert run_yodel("healthcheck", "http://127.0.0.1:1", environment=variables).returncode == 1
    assert manager.queued() == []


# Sockets that are there


def test_sockets_that_were_opened_stand_for_http_and_udp(activate, opened):
    http, udp = opened(TCP), opened(UDP)
    gateway = activate("--http", "127.0.0.1:1", "--udp", "127.0.0.1:1", sockets=[udp, http], names="udp:http")
    assert gateway.http_addresses == [http.getsockname()]
    assert gateway.udp_addresses == [udp.getsockname()]
    information = gateway.get("/api/info").json()
    assert information["http"] == [{"address": "127.0.0.1", "port": http.getsockname()[1]}]
    assert information["udp"] == [{"address": "127.0.0.1", "port": udp.getsockname()[1]}]
    answer = is_exchange(gateway.send("x"))
    assert answer["sender"]["port"] == udp.getsockname()[1] and answer["match"] is True
    numbers = {3: 0o2004002, 4: 0o2004002}  # O_CLOEXEC, O_NONBLOCK, O_RDWR
    for number, flags in numbers.items():
        with open(f"/proc/{gateway.pid}/fdinfo/{number}") as information:
            assert int(re.search(r"flags:\s+(\d+)", information.read())[1], 8) == flags


@pytest.mark.parametrize("names", [None, "", "unknown:unknown"])
def test_sockets_without_names_are_known_by_their_kind(activate, opened, names):
    http, udp = opened(TCP), opened(UDP)
    gateway = activate(sockets=[http, udp], names=names)
    assert gateway.http == http.getsockname() and gateway.udp == udp.getsockname()


def test_one_kind_may_be_passed_alone(activate, opened):
    http = opened(TCP)
    gateway = activate("--udp", "127.0.0.1:0", sockets=[http], names="http")
    assert gateway.http == http.getsockname()
    assert is_exchange(gateway.send("x"))["match"] is True


@pytest.mark.needs_ipv6
def test_several_addresses_of_each_kind(activate, opened):
    places = [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]
    sockets = [opened(kind, address, family=family) for kind in (TCP, UDP) for address, family in places]
    gateway = activate("--loops", "2", sockets=sockets, names="http:http:udp:udp")
    assert gateway.http_addresses == [made.getsockname()[:2] for made in sockets[:2]]
    assert gateway.udp_addresses == [made.getsockname()[:2] for made in sockets[2:]]
    for made in sockets[2:]:
        with socket.socket(made.family, UDP) as client:
            client.settimeout(15)
            client.sendto(b"hello", made.getsockname())
            assert client.recvfrom(100)[0] == b"hello"


def ask(client, server, text):
    client.sendto(text, server)
    reply, sender = client.recvfrom(100)
    return reply == text and sender == server


@pytest.mark.parametrize("loops", ["1", "2", "3"])
def test_sockets_on_one_address_are_shared_out_over_the_loops(activate, opened, own, loops):
    first = opened(UDP, reuse_port=True)
    sockets = [first, opened(UDP, port=first.getsockname()[1], reuse_port=True)]
    gateway = activate("--http", "127.0.0.1:0", "--loops", loops, sockets=sockets, names="udp:udp")
    assert gateway.udp_addresses == [first.getsockname()], "an address is told once"
    clients = [own(socket.socket, socket.AF_INET, UDP) for _ in range(40)]
    for client in clients:
        client.settimeout(15)
        assert ask(client, first.getsockname(), b"before")
    # Impairments bring all loops' datagrams to one, by the place of their address.
    assert gateway.request("PUT", "/api/echo/impairments", b'{"delay_ms":1}').status == 200
    for client in clients:
        assert ask(client, first.getsockname(), b"while impaired")
    assert gateway.echo_counters()["received"] == 80


def test_a_wildcard_socket_answers_from_where_it_was_asked(activate, opened):
    udp = opened(UDP, "0.0.0.0")
    activate("--http", "127.0.0.1:0", sockets=[udp], names="udp")
    with socket.socket(socket.AF_INET, UDP) as client:
        client.settimeout(15)
        assert ask(client, ("127.0.0.7", udp.getsockname()[1]), b"hello")


def test_what_was_queued_before_the_start_is_answered(activate, opened):
    http, udp = opened(TCP), opened(UDP)
    early = [Wire(http.getsockname(), 15) for _ in range(20)]
    for number, wire in enumerate(early):
        wire.send(request_bytes("POST", "/api/messages", f"early {number}".encode()))
    with socket.socket(socket.AF_INET, UDP) as client:
        client.settimeout(15)
        client.sendto(b"early", udp.getsockname())
        activate(sockets=[http, udp], names="http:udp")
        assert client.recvfrom(100) == (b"early", udp.getsockname())
    for number, wire in enumerate(early):
        assert is_exchange(wire.response("POST"))["reply"] == f"early {number}"
        wire.close()


def test_a_restart_refuses_nobody(activate, opened):
    http, udp = opened(TCP), opened(UDP)
    first = activate(sockets=[http, udp], names="http:udp")
    assert is_exchange(first.send("x"))["match"] is True
    first.signal(TERMINATE)
    assert first.exit_code() == 0
    with Wire(http.getsockname(), 15) as between:
        between.send(request_bytes("POST", "/api/messages", b"between"))
        activate(sockets=[http, udp], names="http:udp")
        assert is_exchange(between.response("POST"))["reply"] == "between"


def test_sockets_of_another_process_are_left_alone(serve, opened):
    opened(TCP)
    gateway = serve(environment={"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "http"})
    assert is_exchange(gateway.send("x"))["match"] is True


def start_with(*sockets, names, options=()):
    """Start a gateway that cannot start; return its exit code and the only line that it says."""
    numbers = [made.fileno() for made in sockets]
    moves = "".join(f" {100 + index}<&{number}" for index, number in enumerate(numbers))
    moves += "".join(f" {3 + index}<&{100 + index}" for index in range(len(numbers)))
    script = f'export LISTEN_PID=$$; exec{moves}; exec "$@"'
    variables = {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": names, "PATH": os.environ["PATH"]}
    ended = subprocess.run(
        ["bash", "-c", script, "bash", yodel_binary(), "serve", *options],
        env=variables, pass_fds=numbers, capture_output=True, text=True, timeout=15, check=False,
    )  # fmt: skip
    lines = ended.stderr.splitlines()
    assert len(lines) == 1 and ended.stdout == "", ended
    return ended.returncode, lines[0]


def test_a_socket_that_cannot_be_listened_on_is_named(opened, own):
    unix = own(socket.socket, socket.AF_UNIX, TCP)
    unix.bind("")
    unix.listen()
    listener, bound = opened(TCP), opened(UDP)
    connection = own(socket.create_connection, listener.getsockname())
    connected = own(socket.socket, socket.AF_INET, UDP)
    connected.connect(("127.0.0.1", 9))
    for made, name, reason in [
        (unix, "http", "it is no TCP or UDP socket of IPv4 or IPv6"),
        (connection, "http", "it is not listened on"),
        (own(socket.socket, socket.AF_INET, UDP), "udp", "bound to no port"),
        (connected, "udp", "or connected"),
        (listener, "udp", "is TCP: its FileDescriptorName= must be 'http'"),
        (bound, "http", "is UDP: its FileDescriptorName= must be 'udp'"),
        (listener, "web", "is for nothing here: its FileDescriptorName= must be 'http'"),
    ]:
        code, line = start_with(made, names=name)
        assert code == 1 and reason in line and f"socket 3 '{name}'" in line, line


def test_what_is_no_socket_is_named(opened, tmp_path):
    with open(tmp_path / "file", "w") as file:
        assert "'http' cannot be listened on: it is no socket" in start_with(file, names="http")[1]


AS_THIS_PROCESS = ("sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh")


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        ("many", "LISTEN_FDS must be a number of sockets, not 'many'"),
        ("-1", "LISTEN_FDS must be"),
        # Not open, or what a library opened there as the program began.
        ("1", "socket 3 cannot be listened on: it is no"),
    ],
)
def test_sockets_that_were_not_passed_are_missed(count, reason):
    ended = run_yodel("serve", environment={"LISTEN_FDS": count}, prefix=AS_THIS_PROCESS)
    assert ended.returncode == 1 and reason in ended.stderr and len(ended.stderr.splitlines()) == 1


def test_a_socket_that_nobody_would_read_is_an_error(opened):
    code, line = start_with(opened(UDP), names="udp", options=("--no-echo", "--target", "lab=127.0.0.1:9"))
    assert code == 1 and "--no-echo" in line and "yodel-udp.socket" in line


def test_an_open_listener_needs_a_token_whoever_opened_it(opened):
    code, line = start_with(opened(TCP, "0.0.0.0"), names="http", options=("--udp", "127.0.0.1:0"))
    assert code == 1 and "--token-file" in line and "0.0.0.0:" in line


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="there is no systemd-socket-activate")
def test_systemd_opens_the_sockets(own, opened):
    free = opened(TCP)
    port = free.getsockname()[1]
    free.close()
    manager = subprocess.Popen(
        ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=http", yodel_binary(), "serve",
         "--udp", "127.0.0.1:0"],
        stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wire = wait_until(lambda: connected_wire(port), "systemd listens")
        with wire:
            wire.send(request_bytes("POST", "/api/messages", b"started by this"))
            assert is_exchange(wire.response("POST"))["reply"] == "started by this"
    finally:
        manager.terminate()
        assert manager.wait(15) == 0


def connected_wire(port):
    try:
        return Wire(("127.0.0.1", port), 15)
    except ConnectionRefusedError:
        return None


IP_PKTINFO, IPV6_RECVPKTINFO, UDP_SEGMENT = 8, 49, 103


@pytest.mark.parametrize("destination", ["127.0.0.1", "127.0.0.2"])
def test_a_socket_that_tells_its_destination_twice_answers_from_it(activate, own, opened, destination):
    """`PassPacketInfo=`: with IPv4's packet information and IPv6's, and all else, more is told than of our own sockets."""
    udp = opened(UDP, "::", family=socket.AF_INET6)
    udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    udp.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
    # The kernel tells with each datagram of what it has dropped.
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    port = udp.getsockname()[1]
    early = own(udp_socket)
    for _ in range(50):
        early.sendto(b"early", ("127.0.0.1", port))
    gateway = activate(sockets=[opened(TCP), udp])
    client = own(udp_socket)
    for number in range(8):
        texts = [b"%d piece %d" % (number, piece) for piece in range(4)]
        segment = (socket.IPPROTO_UDP, UDP_SEGMENT, len(texts[0]).to_bytes(2, "little"))
        client.sendmsg([b"".join(texts)], [segment], 0, (destination, port))
        assert [client.recvfrom(100) for _ in texts] == [(text, (destination, port)) for text in texts]
    assert not any(gateway.echo_counters()["dropped"].values())
