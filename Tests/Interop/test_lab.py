"""The lab's own client and server, unchanged: they insist on 127.0.0.1:9999, so each test has a network of its own."""

import pathlib
import sys

import pytest

from support.checks import is_exchange
from support.child import Child, run, run_yodel, yodel_binary
from support.curl import curl
from support.gateway import EchoServer, Gateway
from support.waiting import wait_until

LAB = pathlib.Path(__file__).parent / "lab"


@pytest.fixture
def lab_server(own, namespace):
    """The lab's server.py, ready."""
    server = namespace.python(LAB / "server.py")
    own(lambda: Killed(server))
    wait_until(lambda: "127.0.0.1:9999" in udp_ports(namespace), "server.py is bound")
    return server


class Killed:
    """Ends a program that knows no other end."""

    def __init__(self, child):
        self.close = child.kill


def udp_ports(namespace):
    """The bound UDP addresses in a network, as HOST:PORT."""
    table = run([*namespace.prefix, "cat", "/proc/thread-self/net/udp"]).stdout.decode().splitlines()[1:]
    return {_address(row.split()[1]) for row in table}


def _address(written):
    address, port = written.split(":")
    return "{}:{}".format(".".join(str(byte) for byte in reversed(bytes.fromhex(address))), int(port, 16))


def run_lab_client(namespace, lines):
    """Type `lines` into the lab's client.py; return what it showed. It knows no end of input and dies of it."""
    typed = "".join(line + "\n" for line in lines)
    return run([*namespace.prefix, sys.executable, "-u", LAB / "client.py"], stdin=typed).stdout.decode()


def test_the_labs_client_talks_to_yodel_echo(own, namespace):
    server = own(EchoServer, udp="127.0.0.1:9999", prefix=namespace.prefix)
    shown = run_lab_client(namespace, ["hello from client!!", "This message is sent by client"])
    assert "('127.0.0.1', 9999): hello from client!!" in shown
    assert "('127.0.0.1', 9999): This message is sent by client" in shown
    printed = server.out.wait_for_count(2)
    assert [line.split(": ", 1)[1] for line in printed] == ["hello from client!!", "This message is sent by client"]


def test_without_any_option_yodel_listens_where_the_contract_says(own, namespace):
    gateway = own(Gateway, http=(), udp=(), prefix=namespace.prefix)
    assert set(gateway.http_addresses) >= {("127.0.0.1", 8080)}
    assert set(gateway.udp_addresses) >= {("127.0.0.1", 9999)}
    assert "('127.0.0.1', 9999): hi" in run_lab_client(namespace, ["hi"])
    answer = curl("-d", "hello", "http://127.0.0.1:8080/api/messages", prefix=namespace.prefix)
    assert is_exchange(answer)["sender"] == {"address": "127.0.0.1", "port": 9999}
    assert run_yodel("healthcheck", prefix=namespace.prefix).returncode == 0


@pytest.mark.needs_ipv6
def test_without_any_option_yodel_listens_on_ipv6_too(own, namespace):
    gateway = own(Gateway, http=(), udp=(), prefix=namespace.prefix)
    assert gateway.http_addresses == [("127.0.0.1", 8080), ("::1", 8080)]
    assert gateway.udp_addresses == [("127.0.0.1", 9999), ("::1", 9999)]
    answer = curl("-d", "hello", "http://[::1]:8080/api/messages", prefix=namespace.prefix)
    assert is_exchange(answer)["reply"] == "hello"


def test_yodel_without_a_subcommand_serves(own, namespace):
    yodel = own(Child, [*namespace.prefix, yodel_binary()])
    assert yodel.out.wait_for(lambda line: line.startswith("Try: ")), yodel.err.so_far()
    assert curl("http://127.0.0.1:8080/readyz", prefix=namespace.prefix).status == 200


def test_a_first_word_that_is_no_address_is_the_message(own, namespace):
    own(EchoServer, udp="127.0.0.1:9999", prefix=namespace.prefix)
    for message in ("hello", "hello from client!!", "a:b", "note: this", "127.0.0.1"):
        ended = run_yodel("send", message, prefix=namespace.prefix)
        assert ended.stdout == f"127.0.0.1:9999: {message}\n", ended


def test_yodel_send_talks_to_the_labs_server(lab_server, namespace):
    ended = run_yodel("send", "127.0.0.1:9999", "hello from client!!", prefix=namespace.prefix)
    assert (ended.returncode, ended.stdout) == (0, "127.0.0.1:9999: hello from client!!\n")
    ended = run_yodel("send", stdin="one\ntwo\n", prefix=namespace.prefix)
    assert ended.stdout == "127.0.0.1:9999: one\n127.0.0.1:9999: two\n"
    assert len(lab_server.out.wait_for_count(3)) == 3


def test_the_gateway_talks_to_the_labs_server(own, lab_server, namespace):
    options = ("--no-echo", "--target", "lab=127.0.0.1:9999")
    gateway = own(Gateway, *options, udp=(), prefix=namespace.prefix)
    exchange = is_exchange(curl("-d", "hello from client!!", gateway.messages, prefix=namespace.prefix))
    assert (exchange["reply"], exchange["target"], exchange["match"]) == ("hello from client!!", "lab", True)
    # It shows its client as Python writes a tuple.
    wanted = "('127.0.0.1', {}): hello from client!!".format(exchange["local"]["port"])
    assert lab_server.out.wait_for(lambda line: line == wanted), lab_server.out.so_far()


def test_the_labs_server_cuts_at_1024_bytes_and_the_gateway_says_so(own, lab_server, namespace):
    gateway = own(Gateway, "--no-echo", "--target", "lab=127.0.0.1:9999", udp=(), prefix=namespace.prefix)
    exchange = is_exchange(curl("-d", "x" * 2000, gateway.messages, prefix=namespace.prefix))
    assert (exchange["bytes"], exchange["match"]) == (1024, False)


def test_beside_the_labs_server_yodel_says_how_to_use_it(lab_server, namespace):
    ended = run_yodel("serve", "--http", "127.0.0.1:0", prefix=namespace.prefix)
    assert ended.returncode == 1
    assert "127.0.0.1:9999" in ended.stderr and "--no-echo --target lab=127.0.0.1:9999" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
