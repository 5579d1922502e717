"""What is there of everything, and what happens when it is all taken: clear words, and recovery by itself."""

import os
import re
import resource
import time

from support.checks import is_exchange, is_problem
from support.child import run_yodel
from support.gateway import message_path
from support.http import request_bytes
from support.udp import Target, silence
from support.waiting import wait_until

LOOPBACK = ("--http", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--loops", "2")


def limited(soft, hard):
    """A command prefix that bounds the descriptors of what follows."""
    # Root may raise the hard limit again, unless that capability is taken away.
    without = ("setpriv", "--bounding-set", "-sys_resource") if os.geteuid() == 0 else ()
    return ("sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "limited", *without)


def needed(*options):
    """How many descriptors a gateway says that it needs."""
    ended = run_yodel("serve", *LOOPBACK, *options, prefix=limited(64, 64))
    assert ended.returncode == 1 and ended.stdout == ""
    found = re.fullmatch(r"yodel: (\d+) descriptors are needed and 64 allowed: (.*)\n", ended.stderr)
    assert found, ended.stderr
    assert f"ulimit -n {found[1]}" in found[2] and "--max-in-flight" in found[2] and "--max-connections" in found[2]
    return int(found[1])


def open_descriptors(gateway):
    return len(os.listdir(f"/proc/{gateway.pid}/fd"))


def processor_seconds(gateway):
    with open(f"/proc/{gateway.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_what_is_needed_grows_with_the_bounds():
    few = needed("--max-in-flight", "10", "--max-connections", "20")
    assert needed("--max-in-flight", "11", "--max-connections", "20") == few + 3
    assert needed("--max-in-flight", "10", "--max-connections", "21") == few + 1


def test_the_soft_limit_is_raised_to_what_is_needed_and_no_further(serve):
    options = ("--loops", "2", "--max-in-flight", "300", "--max-connections", "20")
    enough = needed("--max-in-flight", "300", "--max-connections", "20")
    gateway = serve(*options, prefix=limited(256, 8192))
    assert resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE) == (enough, 8192)


def test_a_soft_limit_that_suffices_is_left_alone(serve):
    gateway = serve("--max-in-flight", "10", "--max-connections", "20", prefix=limited(4000, 4000))
    assert resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE) == (4000, 4000)


def test_one_descriptor_less_than_needed_is_refused_and_as_many_suffice_when_every_bound_is_reached(serve, own):
    bounds = ("--max-in-flight", "10", "--max-connections", "20")
    enough = needed(*bounds)
    assert run_yodel("serve", *LOOPBACK, *bounds, prefix=limited(enough - 1, enough - 1)).returncode == 1
    silent = own(Target, silence)
    gateway = serve(
        *bounds, "--loops", "2", "--target", f"silent={silent}", prefix=limited(enough, enough))
    served = [gateway.wire() for _ in range(20)]
    for wire in served:
        assert wire.ask("GET", "/healthz").status == 200
    beyond = [gateway.wire() for _ in range(256)]
    # Sockets that rest, then sockets that are retired, then some in flight: as many as there can be.
    for wire in served[:10]:
        wire.send(request_bytes("POST", message_path(), b"rest"))
    for wire in served[:10]:
        is_exchange(wire.response("POST"))
    for timeout in (20, 20, 3000):
        for wire in served:
            wire.send(request_bytes("POST", message_path(target="silent", timeout_ms=timeout), b"x"))
        if timeout == 3000:
            wait_until(lambda: open_descriptors(gateway) > enough - 64, "nearly all that are allowed are open")
        statuses = [wire.response("POST").status for wire in served]
        assert set(statuses) <= {503, 504}, statuses
    for wire in beyond:
        is_problem(wire.ask("GET", "/healthz"), 503, "overloaded")
    assert not [line for line in gateway.err.so_far() if "open files" in line or "descriptor" in line]
    for wire in served + beyond:
        wire.close()


def test_out_of_descriptors_is_told_does_not_spin_and_passes_by_itself(serve):
    gateway = serve("--loops", "2", "--max-in-flight", "100", "--max-connections", "100")
    kept = gateway.wire()
    assert is_exchange(kept.ask("POST", message_path(), b"before"))["match"] is True
    soft, hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (open_descriptors(gateway), hard))
    # A relay socket cannot be had: that is said, and the connection goes on.
    problem = is_problem(kept.ask("POST", message_path(fresh="true"), b"no socket"), 503, "overloaded")
    assert "descriptor" in problem["detail"]
    # Nor can a connection: it waits, and nothing spins for it.
    waiting = [gateway.wire() for _ in range(5)]
    for wire in waiting:
        wire.send(request_bytes("POST", message_path(), b"waited"))
    wait_until(lambda: any("Too many open files" in line for line in gateway.err.so_far()), "it is logged")
    began, used = time.monotonic(), processor_seconds(gateway)
    logged = len(gateway.err.so_far())
    time.sleep(3)
    assert processor_seconds(gateway) - used < 0.3 * (time.monotonic() - began)
    assert len(gateway.err.so_far()) - logged <= 4, "a line a second"
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (soft, hard))
    for wire in waiting:
        assert is_exchange(wire.response("POST"))["reply"] == "waited"
        wire.close()
    assert is_exchange(kept.ask("POST", message_path(fresh="true"), b"after"))["match"] is True
    kept.close()
