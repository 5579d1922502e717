"""The UDP echo server, spoken to directly by Python's sockets and netcat."""

import subprocess

import pytest

from support.gateway import Gateway
from support.udp import LARGEST_IPV4, LARGEST_IPV6, ask, has_ipv6, send_forged, udp_socket
from support.waiting import wait_until

SIZES = [0, 1, 1472, 9000, LARGEST_IPV4]


@pytest.fixture(scope="module")
def gateway(own_for_module):
    addresses = ["127.0.0.1:0"] + (["[::1]:0"] if has_ipv6() else [])
    return own_for_module(Gateway, udp=addresses)


def payload(size):
    return bytes(i * 31 % 251 for i in range(size))


def dropped(gateway, reason):
    return gateway.echo_counters()["dropped"].get(reason, 0)


def nothing_more_came(client):
    """Whether the client's receive buffer is empty."""
    client.setblocking(False)
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    return False


@pytest.mark.parametrize("size", SIZES)
def test_a_datagram_comes_back_as_it_went(gateway, size):
    assert ask(gateway.udp, payload(size)) == (payload(size), gateway.udp)


@pytest.mark.needs_ipv6
@pytest.mark.parametrize("size", [*SIZES, LARGEST_IPV6])
def test_a_datagram_comes_back_over_ipv6(gateway, size):
    address = gateway.udp_addresses[1]
    assert ask(address, payload(size), source="::1") == (payload(size), address)


@pytest.mark.parametrize("size", SIZES)
def test_yodel_echo_alone_answers_too(echo_server, size):
    server = echo_server()
    assert ask(server.udp, payload(size)) == (payload(size), server.udp)


@pytest.mark.parametrize("text", [b"hello", b"hello from client!!\n", b"n" * 9000])
def test_netcat_gets_its_datagram_back(gateway, tmp_path, text):
    typed = tmp_path / "typed"
    typed.write_bytes(text)
    address, port = gateway.udp
    with typed.open() as stdin:
        command = ["nc", "-u", "-W", "1", "-w", "15", address, str(port)]
        ended = subprocess.run(command, stdin=stdin, capture_output=True, timeout=30, check=True)
    assert ended.stdout == text


def test_every_datagram_comes_back_exactly_once(gateway):
    with udp_socket() as client:
        client.connect(gateway.udp)
        for start in range(0, 2000, 20):
            sent = [b"datagram %d" % number for number in range(start, start + 20)]
            for data in sent:
                client.send(data)
            assert sorted(client.recv(65536) for _ in sent) == sorted(sent)
        client.send(b"the last")
        assert client.recv(65536) == b"the last"
        assert nothing_more_came(client)


def test_many_clients_at_once_each_get_their_own(gateway):
    clients = [udp_socket() for _ in range(100)]
    try:
        for number, client in enumerate(clients):
            client.sendto(b"client %d" % number, gateway.udp)
        for number, client in enumerate(clients):
            assert client.recvfrom(65536) == (b"client %d" % number, gateway.udp)
        assert all(nothing_more_came(client) for client in clients)
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "127.1.2.3"])
def test_bound_to_a_wildcard_the_reply_comes_from_the_address_that_was_asked(echo_server, address):
    port = echo_server(udp="0.0.0.0:0").udp[1]
    assert ask((address, port), b"to " + address.encode()) == (b"to " + address.encode(), (address, port))


@pytest.mark.needs_ipv6
def test_bound_to_the_ipv6_wildcard_the_reply_comes_from_the_address_that_was_asked(echo_server):
    port = echo_server(udp="[::]:0").udp[1]
    assert ask(("::1", port), b"six", source="::1") == (b"six", ("::1", port))


def test_the_gateway_reaches_an_echo_server_bound_to_a_wildcard(serve):
    answer = serve(udp=["0.0.0.0:0"]).send("hello")
    assert answer.status == 200 and answer.json()["match"] is True, answer


# What is dropped and counted


def low_port_socket():
    """A UDP socket with a source port below 1024."""
    for port in range(1023, 700, -1):
        try:
            return udp_socket(port=port)
        except PermissionError:
            pytest.skip("a source port below 1024 needs a privilege")
        except OSError:
            continue
    pytest.skip("no free port below 1024")


def test_a_source_port_below_1024_is_dropped_and_counted(gateway):
    before = dropped(gateway, "low_source_port")
    with low_port_socket() as client:
        client.sendto(b"chargen says hello", gateway.udp)
        wait_until(lambda: dropped(gateway, "low_source_port") == before + 1, "the drop is counted")
        assert nothing_more_came(client)


def test_source_port_1024_is_answered(gateway):
    try:
        client = udp_socket(port=1024)
    except OSError:
        pytest.skip("port 1024 is taken")
    with client:
        client.sendto(b"just high enough", gateway.udp)
        assert client.recvfrom(65536) == (b"just high enough", gateway.udp)


def test_a_datagram_from_the_servers_own_address_does_not_loop(serve):
    gateway = serve()
    send_forged(gateway.udp, gateway.udp, b"round and round")
    wait_until(lambda: dropped(gateway, "own_address") == 1, "the drop is counted")
    assert ask(gateway.udp, b"after")[0] == b"after"
    counters = gateway.echo_counters()
    assert (counters["received"], counters["echoed"]) == (2, 1)


def test_source_port_0_is_dropped(serve):
    gateway = serve()
    send_forged(("127.0.0.1", 0), gateway.udp, b"nowhere to go")
    wait_until(lambda: dropped(gateway, "low_source_port") == 1, "the drop is counted")
    assert gateway.echo_counters()["echoed"] == 0


# GET /api/echo

COUNTERS = {"received", "echoed", "duplicated", "held", "bytes_received", "receive_buffer_full"}


def adds_up(counters):
    """The rule: received + duplicated = echoed + held + all that was dropped."""
    came = counters["received"] + counters["duplicated"]
    return came == counters["echoed"] + counters["held"] + sum(counters["dropped"].values())


def test_the_counters_of_the_echo_server_count_what_happened(serve):
    gateway = serve()
    sizes = [0, 1, 100, 65507]
    for size in sizes:
        ask(gateway.udp, payload(size))
    gateway.send("hello")
    counters = gateway.echo_counters()
    assert {name for name in COUNTERS if type(counters.get(name)) is int} == COUNTERS
    assert counters["received"] == counters["echoed"] == len(sizes) + 1
    assert counters["bytes_received"] == sum(sizes) + 5
    assert counters["duplicated"] == counters["held"] == counters["receive_buffer_full"] == 0
    assert sum(counters["dropped"].values()) == 0


def test_the_echo_servers_addresses_are_told(gateway):
    told = [(entry["address"], entry["port"]) for entry in gateway.echo_counters()["addresses"]]
    assert told == gateway.udp_addresses


def test_received_is_the_sum_of_what_became_of_it(serve):
    gateway = serve()
    with low_port_socket() as low, udp_socket() as client:
        for _ in range(10):
            low.sendto(b"refused", gateway.udp)
            client.sendto(b"echoed", gateway.udp)
            assert client.recv(65536) == b"echoed"
        counters = wait_until(
            lambda: (found := gateway.echo_counters())["received"] == 20 and found, "all twenty are counted"
        )
    assert adds_up(counters)
    assert counters["dropped"]["low_source_port"] == 10
    assert counters["echoed"] == 10
