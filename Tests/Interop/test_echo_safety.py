"""What the echo server must never be made to do: answer many, answer itself, answer an answer, stop answering."""

import socket

import pytest

from support.gateway import Gateway
from support.udp import ask, send_forged, udp_socket
from support.waiting import wait_until

# More than any bound that is stated here lets go round, and what goes round goes round in microseconds.
WITHOUT_BOUND = 3000


@pytest.fixture
def gateway_in(own, internet):
    """`gateway_in(address, option, …)` starts a gateway in the network whose echo server listens at an address."""
    return lambda address, *options: own(Gateway, *options, udp=(address,), prefix=internet.prefix)


def counters(internet, gateway):
    return internet.inside(gateway.echo_counters)


def dropped(internet, gateway):
    """The reasons for which something was dropped, and how often."""
    return {reason: count for reason, count in counters(internet, gateway)["dropped"].items() if count}


def set_on_each_other(internet, one, other, count=1):
    """Send `one` so many datagrams that claim to come from `other`."""
    for number in range(count):
        internet.inside(send_forged, other.udp, one.udp, b"round and round %d" % number)


def comes_to_rest(internet, *gateways):
    """What the gateways have received when nothing goes round any more; fails when too much has."""
    last = []

    def is_at_rest():
        received = [counters(internet, gateway)["received"] for gateway in gateways]
        assert sum(received) < WITHOUT_BOUND, received
        # A datagram that goes round is back thousands of times between two looks.
        was_the_same = last[-3:] == [received] * 3
        last.append(received)
        return was_the_same and received

    return wait_until(is_at_rest, "nothing goes round any more", pause=0.05)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("127.0.0.1:0", "0.0.0.0:0"),
        ("10.0.0.1:0", "10.0.0.2:0"),
        ("203.0.113.1:0", "127.0.0.1:0"),
    ],
)
def test_two_servers_near_each_other_stop_at_the_first_answer(internet, gateway_in, one, other):
    one, other = gateway_in(one), gateway_in(other)
    near = (other.udp[0].replace("0.0.0.0", "127.0.0.1"), other.udp[1])
    for number in range(20):
        internet.inside(send_forged, near, one.udp, b"round and round %d" % number)
    wait_until(lambda: counters(internet, other)["received"] == 20, "the answers are there")
    assert comes_to_rest(internet, one, other) == [20, 20]
    assert dropped(internet, one) == {} and dropped(internet, other) == {"own_address": 20}


def test_two_servers_far_from_each_other_stop_at_the_rate(internet, gateway_in):
    one, other = gateway_in("198.51.100.1:0", "--echo-rate", "50"), gateway_in("198.51.100.2:0", "--echo-rate", "50")
    set_on_each_other(internet, one, other, count=5)
    wait_until(lambda: dropped(internet, one) or dropped(internet, other), "the rate stops them")
    received = comes_to_rest(internet, one, other)
    assert sum(received) > 50, "they did go round"
    assert sum(dropped(internet, one).values()) + sum(dropped(internet, other).values()) == 5
    assert {*dropped(internet, one), *dropped(internet, other)} == {"rate_limited"}


def test_three_servers_in_a_ring_stop_too(internet, gateway_in):
    """An answer can only go where its question came from, so a third is never drawn in."""
    one, two, three = (gateway_in(f"10.0.0.{number}:0") for number in (1, 2, 3))
    for source, destination in ((one, two), (two, three), (three, one)):
        set_on_each_other(internet, destination, source, count=10)
    assert comes_to_rest(internet, one, two, three) == [20, 20, 20]


# Those who are many


def test_a_multicast_that_another_program_joined_is_not_answered(internet, gateway_in):
    """Linux gives what a wildcard socket never asked for, once anyone on the host has joined (ip(7))."""
    gateway = gateway_in("0.0.0.0:0")

    def send():
        with udp_socket("0.0.0.0") as member, udp_socket() as client:
            joined = socket.inet_aton("239.1.1.1") + socket.inet_aton("127.0.0.1")
            member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
            client.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            client.sendto(b"to all", ("239.1.1.1", gateway.udp[1]))
            wait_until(lambda: gateway.echo_counters()["received"] > 0, "it is read")

    internet.inside(send)
    found = counters(internet, gateway)
    assert found["echoed"] == 0 and found["dropped"]["bad_destination"] == found["received"]


def test_a_broadcast_of_a_link_is_not_answered(internet, gateway_in):
    gateway = gateway_in("0.0.0.0:0")

    def send():
        with udp_socket("10.9.0.1") as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            client.sendto(b"to all", ("10.9.0.255", gateway.udp[1]))
            wait_until(lambda: gateway.echo_counters()["received"] > 0, "it is read")
            assert ask(("10.9.0.1", gateway.udp[1]), b"to one", "10.9.0.1")[0] == b"to one"

    internet.inside(send)
    found = counters(internet, gateway)
    assert found["echoed"] == 1 and found["dropped"]["bad_destination"] == found["received"] - 1


@pytest.mark.parametrize(
    "source", ["224.0.0.1", "239.255.255.255", "255.255.255.255", "10.9.0.255", "127.255.255.255", "240.0.0.1", "0.0.0.1"]
)
def test_a_source_that_is_many_or_nobody_is_not_answered(internet, gateway_in, source):
    gateway = gateway_in("0.0.0.0:0")
    internet.inside(send_forged, (source, 4000), ("127.0.0.1", gateway.udp[1]), b"reflect me")
    wait_until(lambda: dropped(internet, gateway) == {"bad_source": 1}, "it is dropped")
    assert counters(internet, gateway)["echoed"] == 0


@pytest.mark.parametrize("port", [0, 7, 19, 53, 123, 1023])
def test_a_service_that_answers_too_is_not_answered(internet, gateway_in, port):
    gateway = gateway_in("127.0.0.1:0")
    internet.inside(send_forged, ("127.0.0.1", port), gateway.udp, b"chargen says hello")
    wait_until(lambda: dropped(internet, gateway) == {"low_source_port": 1}, "it is dropped")
    assert counters(internet, gateway)["echoed"] == 0


# Those who cannot be answered


def test_one_who_cannot_be_reached_holds_up_nobody(internet, gateway_in):
    gateway = gateway_in("127.0.0.1:0", "--loops", "1")

    def exchange():
        with udp_socket() as client:
            for number in range(50):
                client.sendto(b"%d" % number, gateway.udp)
                # There is no way there.
                send_forged(("192.0.2.77", 4000), gateway.udp, b"into the void")
            assert [client.recv(65536) for _ in range(50)] == [b"%d" % number for number in range(50)]

    internet.inside(exchange)
    wait_until(lambda: dropped(internet, gateway) == {"send_failed": 50}, "each is counted")
    found = counters(internet, gateway)
    assert found["received"] == 100 and found["echoed"] == 50
