"""Bursts of datagrams (udp(7), UDP_SEGMENT and UDP_GRO), sent and read by Python: each datagram is one of its own."""

import socket
import struct

import pytest

from support.gateway import Gateway
from support.udp import has_ipv6, udp_socket

UDP_SEGMENT, UDP_GRO = 103, 104
ADDRESSES = ["127.0.0.1", pytest.param("::1", marks=pytest.mark.needs_ipv6)]


@pytest.fixture(scope="module")
def gateway(own_for_module):
    wildcard = "[::]:0" if has_ipv6() else "0.0.0.0:0"
    return own_for_module(Gateway, udp=[wildcard])


def send_burst(client, datagrams, to):
    """Sends datagrams as one, in one call; all are of one size, but the last may be shorter."""
    size = struct.pack("=H", len(datagrams[0]))
    sent = client.sendmsg(datagrams, [(socket.SOL_UDP, UDP_SEGMENT, size)], 0, to)
    assert sent == sum(map(len, datagrams))


def numbered(count, size, last=None):
    made = [bytes([number]) * size for number in range(count)]
    return made if last is None else [*made[:-1], made[-1][:last]]


def received(client, count):
    return [client.recv(70000) for _ in range(count)]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("shape", [(32, 512), (64, 1), (2, 20000), (45, 1400, 7)])
def test_each_datagram_of_a_burst_comes_back(gateway, address, shape):
    datagrams = numbered(*shape)
    before = gateway.echo_counters()
    with udp_socket(address) as client:
        send_burst(client, datagrams, (address, gateway.udp[1]))
        assert received(client, len(datagrams)) == datagrams
    after = gateway.echo_counters()
    for name in ("received", "echoed"):
        assert after[name] - before[name] == len(datagrams)
    assert after["dropped"] == before["dropped"]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_a_reader_of_bursts_gets_them_as_one_from_the_address_it_asked(gateway, address):
    datagrams = numbered(20, 300, 200)
    with udp_socket("127.0.0.1") as client:
        client.setsockopt(socket.SOL_UDP, UDP_GRO, 1)
        send_burst(client, datagrams, (address, gateway.udp[1]))
        data, control, _, sender = client.recvmsg(70000, 64)
    assert data == b"".join(datagrams) and sender == (address, gateway.udp[1])
    assert control == [(socket.SOL_UDP, UDP_GRO, struct.pack("=i", 300))]


def test_bursts_of_two_clients_keep_apart_and_in_order(gateway):
    to = ("127.0.0.1", gateway.udp[1])
    with udp_socket() as one, udp_socket() as other:
        expected = {one: [], other: []}
        for round_ in range(20):
            for client, size in ((one, 40 + round_), (other, 90 - round_)):
                datagrams = [bytes([round_, number]) * size for number in range(10)]
                if round_ % 3:
                    send_burst(client, datagrams, to)
                else:
                    for datagram in datagrams:
                        client.sendto(datagram, to)
                expected[client] += datagrams
        for client, datagrams in expected.items():
            assert received(client, len(datagrams)) == datagrams
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.recv(1)
