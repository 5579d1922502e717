"""`--allow-target`: which literal addresses a request may name."""

import pytest

from support.checks import is_exchange, is_problem
from support.child import run_yodel
from support.gateway import Gateway
from support.udp import Target, echo, upper


@pytest.fixture(scope="module")
def targets(own_for_module):
    return {"plain": own_for_module(Target, echo), "upper": own_for_module(Target, upper)}


@pytest.mark.parametrize("value", ["nonsense", "127.0.0.0/33", "127.0.0.1/32:2-1", "127.0.0.1/32:70000"])
def test_a_bad_range_is_64_and_is_named(value):
    ended = run_yodel("serve", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--allow-target", value)
    assert ended.returncode == 64
    assert "--allow-target" in ended.stderr


def test_an_allowed_literal_is_a_target(serve, targets):
    gateway = serve("--allow-target", "127.0.0.0/8")
    assert is_exchange(gateway.send("x", target=str(targets["plain"])))["match"] is True


@pytest.mark.parametrize("allowed", ["0.0.0.0/0", "127.0.0.2/32", "127.0.0.1/32:1-1000", "127.0.0.1/32:1024"])
def test_a_literal_outside_of_what_is_allowed_is_refused(serve, targets, allowed):
    gateway = serve("--allow-target", allowed)
    is_problem(gateway.send("x", target=str(targets["plain"])), 403, "target-not-allowed")


def test_an_allowed_port_range_is_a_target(serve, targets):
    port = targets["plain"].port
    gateway = serve("--allow-target", f"127.0.0.1/32:{port}-{port}")
    assert is_exchange(gateway.send("x", target=str(targets["plain"])))["match"] is True
    is_problem(gateway.send("x", target=str(targets["upper"])), 403, "target-not-allowed")


def test_without_a_port_only_ports_from_1024_up_are_allowed(serve):
    gateway = serve("--allow-target", "127.0.0.0/8")
    is_problem(gateway.send("x", target="127.0.0.1:1023"), 403, "target-not-allowed")


@pytest.fixture(scope="module")
def open_gateway(own_for_module):
    """A gateway that allows as many literals as flags can."""
    ranges = ("0.0.0.0/0:1-65535", "127.0.0.0/8:1-65535", "[::/0]:1-65535", "[fe80::/10]:1-65535")
    options = [word for cidr in ranges for word in ("--allow-target", cidr)]
    return own_for_module(Gateway, *options)


@pytest.mark.parametrize(
    "literal",
    [
        "127.0.0.1:0",
        "0.0.0.0:5000",
        "255.255.255.255:5000",
        "224.0.0.1:5000",
        "240.0.0.1:5000",
        "[::]:5000",
        "[ff02::1]:5000",
        "[::ffff:0.0.0.0]:5000",
        "[::ffff:224.0.0.1]:5000",
        "127.255.255.255:5000",
        "[fe80::1]:5000",
        "[64:ff9b::127.0.0.1]:5000",
    ],
)
def test_some_literals_can_never_be_a_target(open_gateway, literal):
    is_problem(open_gateway.send("x", target=literal), 403, "target-not-allowed")


@pytest.mark.parametrize("name", ["localhost:5000", "example.org:5000", "127.0.0.1", "127.1:5000"])
def test_what_is_no_literal_is_an_unknown_target(open_gateway, name):
    is_problem(open_gateway.send("x", target=name), 400, "unknown-target")


@pytest.mark.parametrize("zone", ["lo", "nowhere", "1"])
def test_a_literal_outside_tells_of_no_interface(serve, zone):
    reply = serve("--allow-target", "127.0.0.0/8").send("x", target=f"[fe80::1%{zone}]:5000")
    is_problem(reply, 403, "target-not-allowed")


def test_a_mapped_literal_is_its_ipv4_address_and_the_one_that_is_sent_to(serve, targets):
    gateway = serve("--allow-target", "127.0.0.0/8")
    port = targets["plain"].port
    exchange = is_exchange(gateway.send("x", target=f"[::ffff:127.0.0.1]:{port}"))
    assert exchange["target"] == f"127.0.0.1:{port}"
    assert exchange["sender"] == {"address": "127.0.0.1", "port": port}


@pytest.mark.needs_ipv6
def test_a_literal_of_ipv6_is_a_target(serve, own):
    target = own(Target, echo, "::1")
    gateway = serve("--allow-target", f"[::1/128]:{target.port}")
    assert is_exchange(gateway.send("x", target=str(target)))["sender"] == {"address": "::1", "port": target.port}


def test_literals_have_one_label_in_the_metrics_and_no_entry_among_the_targets(serve, targets):
    gateway = serve("--allow-target", "127.0.0.0/8")
    for target in targets.values():
        is_exchange(gateway.send("x", target=str(target)))
    assert gateway.outcomes("other", "reply") == len(targets)
    assert not any(str(target) in gateway.get("/metrics").text() for target in targets.values())
    assert [target["name"] for target in gateway.get("/api/targets").json()["targets"]] == ["echo"]


def test_a_refused_literal_is_sent_nothing(serve, own):
    target = own(Target, echo)
    gateway = serve("--allow-target", "0.0.0.0/0")
    is_problem(gateway.send("x", target=str(target)), 403, "target-not-allowed")
    assert is_exchange(gateway.send("y"))["match"] is True
    assert target.received == []


@pytest.mark.parametrize(
    "place", ["0.0.0.0:5000", "224.0.0.1:5000", "255.255.255.255:5000", "127.255.255.255:5000", "240.0.0.1:5000",
              "[::]:5000", "[ff02::1]:5000", "[fe80::1]:5000", "[::ffff:224.0.0.1]:5000"],
)
def test_a_configured_target_that_can_never_be_ends_the_start(place):
    ended = run_yodel("serve", "--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--target", f"lab={place}")
    assert ended.returncode == 1
    assert "'lab'" in ended.stderr and "--target" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_every_address_of_a_name_is_checked(namespace, tmp_path):
    """The first address of the name would do; the second can never be a target."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 fine.example\n127.0.0.1 mixed.example\n224.0.0.1 mixed.example\n")
    with_hosts = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
    prefix = [*namespace.prefix, *with_hosts]
    words = ["serve", "--http", "127.0.0.1:0", "--no-echo"]
    ended = run_yodel(*words, "--target", "lab=mixed.example:5000", prefix=prefix)
    assert ended.returncode == 1
    assert "224.0.0.1" in ended.stderr and "mixed.example" in ended.stderr and "'lab'" in ended.stderr
