"""Fixtures: gateways, targets and echo servers that are gone when their test is over."""

import os
import pathlib

import pytest

from support.child import microhttpd_version, yodel_binary
from support.gateway import EchoServer, Gateway
from support.namespace import Internet, LoopbackNamespace, can_have_namespaces
from support.udp import has_ipv6


def pytest_configure(config):
    config.addinivalue_line("markers", "needs_ipv6: skipped where there is no IPv6 loopback")
    config.addinivalue_line(
        "markers", "not_on_microhttpd_1(what): skipped where libmicrohttpd 1.0 runs, which does that by itself"
    )


def pytest_report_header():
    return f"libmicrohttpd {microhttpd_version()}"


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("needs_ipv6") and not has_ipv6():
            item.add_marker(pytest.mark.skip(reason="this machine has no IPv6 loopback"))
        otherwise = item.get_closest_marker("not_on_microhttpd_1")
        if otherwise and not microhttpd_version().startswith("0."):
            item.add_marker(pytest.mark.skip(reason=f"libmicrohttpd {microhttpd_version()}: {otherwise.args[0]}"))


@pytest.fixture(scope="session", autouse=True)
def binary():
    """The executable under test is there."""
    path = yodel_binary()
    if not (pathlib.Path(path).is_file() and os.access(path, os.X_OK)):
        pytest.exit(f"no executable at {path}: build it (swift build), or name another in YODEL_BINARY", 2)


class Owner:
    """Makes things that have a `close`, and closes the last one first, all of them, whatever one says."""

    def __init__(self):
        self._owned = []

    def __call__(self, make, *arguments, **options):
        made = make(*arguments, **options)
        self._owned.append(made)
        return made

    def close(self):
        failures = []
        while self._owned:
            try:
                self._owned.pop().close()
            except AssertionError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]


@pytest.fixture
def own():
    """`own(make, …)` makes something that is closed when the test is over."""
    owner = Owner()
    yield owner
    owner.close()


@pytest.fixture(scope="module")
def own_for_module():
    """As `own`, for what the tests of a module share."""
    owner = Owner()
    yield owner
    owner.close()


@pytest.fixture
def serve(own):
    """`serve(option, …)` starts a gateway for one test."""
    return lambda *options, **more: own(Gateway, *options, **more)


@pytest.fixture
def echo_server(own):
    """`echo_server(option, …)` starts a `yodel echo` for one test."""
    return lambda *options, **more: own(EchoServer, *options, **more)


def needs_namespaces():
    if not can_have_namespaces():
        pytest.skip("a network namespace needs root, unshare and ip")


@pytest.fixture
def namespace(own):
    """A network of its own; skipped where this user may not make one."""
    needs_namespaces()
    return own(LoopbackNamespace)


@pytest.fixture(scope="module")
def internet(own_for_module):
    """A network of its own with public addresses; skipped where this user may not make one."""
    needs_namespaces()
    return own_for_module(Internet)
