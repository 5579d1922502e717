"""`--allow-target`: which literal addresses a request may name."""

import pytest

from support.checks import is_exchange, is_problem
from support.child import run_yodel
from support.gateway import Gateway
from support.udp import Target, echo, upper


@pytest.fixture(scope="module", autouse=True)
def has_the_option():
    if "--allow-target" not in run_yodel("serve", "--help").stdout:
        pytest.skip("this build has no --allow-target")


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
    options = [word for cidr in ("0.0.0.0/0:1-65535", "127.0.0.0/8", "::/0") for word in ("--allow-target", cidr)]
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
    ],
)
def test_some_literals_can_never_be_a_target(open_gateway, literal):
    is_problem(open_gateway.send("x", target=literal), 403, "target-not-allowed")
