"""The peers: how each is built, and how it is started beside Yodel."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from processes import BenchmarkError, Server

SOURCES = Path(__file__).resolve().parent
ROOT = SOURCES.parent
BUILD = ROOT / ".build" / "bench"
DNSDIST = ROOT / ".build" / "dnsdist"  # unpacked by `make need-bench`
PACKAGES = "apt-get install gcc libc6-dev libmicrohttpd-dev wrk golang-go"

RELAY_PARTS = ["relay_guard.c", "relay_json.c", "relay_sockets.c", "-lmicrohttpd"]
LOADS = {"udpload": [], "latency": []}
PEERS = {"constant": ["-lmicrohttpd"], "relay": RELAY_PARTS, "echo": [], "dns": []}


def build(yodel, with_all):
    """Compiles the peers and the load: some seconds, so there is no rule for when."""
    if not os.access(yodel, os.X_OK):
        raise BenchmarkError(f"there is no program {yodel}; build it: make build")
    for tool in ("cc", "wrk") + (("go",) if with_all else ()):
        if shutil.which(tool) is None:
            raise BenchmarkError(f"{tool} is missing: make need-bench, or on Debian: {PACKAGES}")
    BUILD.mkdir(parents=True, exist_ok=True)
    for name, others in (LOADS | PEERS).items():
        compile_(["cc", "-O2", "-Wall", "-Wextra", "-Werror", f"{name}.c", "-o", BUILD / name, *others])
    if with_all:
        compile_(["go", "build", "-o", BUILD / "relay-go", "relay.go"])


def compile_(command):
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath", "GOCACHE": str(BUILD / "go-cache")}
    if subprocess.run(command, cwd=SOURCES, timeout=120, env=environment).returncode != 0:
        raise BenchmarkError(f"{command[0]} failed; is all there? make need-bench, or on Debian: {PACKAGES}")


def free_port(kind=socket.SOCK_STREAM):
    """A port that nobody has just now, for programs that cannot take one themselves."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class DNSDist(Server):
    """DNS over plain HTTP to one UDP responder; one that asks the Internet nothing."""

    def __init__(self, dns_port, cores):
        self.port = free_port()
        configuration = BUILD / "dnsdist.conf"
        configuration.write_text(
            f'setSecurityPollSuffix("")\nsetLocal("127.0.0.1:{free_port(socket.SOCK_DGRAM)}")\n'
            f'addDOHLocal("127.0.0.1:{self.port}", nil, nil, "/dns-query")\nnewServer("127.0.0.1:{dns_port}")\n')
        super().__init__("dnsdist", [*program(), "--supervised", "--disable-syslog", "-C", configuration], cores, BUILD)

    @property
    def http_port(self):
        self.printed(r"Marking downstream \S+ as 'up'")
        return self.port


def program():
    """Debian's dnsdist, an installed one first, else with the libraries that were unpacked beside it."""
    if installed := shutil.which("dnsdist"):
        return [installed]
    if not (DNSDIST / "usr/bin/dnsdist").exists():
        raise BenchmarkError("there is no dnsdist: make need-bench")
    libraries = ":".join(sorted({str(path.parent) for path in DNSDIST.rglob("*.so.*")}))
    return ["env", f"LD_LIBRARY_PATH={libraries}", DNSDIST / "usr/bin/dnsdist"]


class Peers:
    """All servers of a run, which are warm and run to its end: idle ones cost nothing."""

    def __init__(self, stack, yodel, server_cores, load_cores, with_all):
        def server(name, *command, cores=server_cores):
            return stack.enter_context(Server(name, command, cores, BUILD))

        # The relays' target: part of the load, so it is off the server's core.
        self.target = server("target", BUILD / "echo", cores=load_cores)
        self.servers = {
            "constant.c": server("constant", BUILD / "constant"),
            "relay.c": server("c-relay", *self.c_relay()),
            "yodel": server("relay", *self.gateway(yodel, 1)),
            "echo.c": server("echo", BUILD / "echo"),
            "echo.c --single": server("echo-single", BUILD / "echo", "--single"),
            "yodel echo": server("yodel-echo", yodel, "echo", "--udp", "127.0.0.1:0", "--loops", "1", "--quiet"),
        }
        if with_all:
            self.dns = server("dns", BUILD / "dns", cores=load_cores)
            dns_port = int(self.dns.printed(r"UDP DNS: 127\.0\.0\.1:(\d+)")[1])
            all_cores = server_cores | load_cores
            self.servers |= {
                "dnsdist": stack.enter_context(DNSDist(dns_port, server_cores)),
                "Go": server("go-relay", BUILD / "relay-go", self.target.udp_port),
                "yodel, 2 loops": server("relay-2", *self.gateway(yodel, 2), cores=all_cores),
                "yodel, 1 loop": server("relay-1", *self.gateway(yodel, 1), cores=all_cores),
            }

    def gateway(self, yodel, loops, *targets):
        """A gateway alone, its target elsewhere."""
        words = [word for target in (f"echo={self.target_address}", *targets) for word in ("--target", target)]
        return [yodel, "serve", "--http", "127.0.0.1:0", "--loops", str(loops), "--no-echo", *words]

    def c_relay(self, *targets):
        return [BUILD / "relay", f"echo={self.target.udp_port}", *targets]

    @property
    def target_address(self):
        return f"127.0.0.1:{self.target.udp_port}"
