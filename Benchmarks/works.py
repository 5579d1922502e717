"""What a round does: every server under every load that a row of the table needs."""

import contextlib
import socket
from dataclasses import dataclass
from typing import Callable

import crowd
import loads
import rows
import single
from loads import Sample
from peers import BUILD

WARM_UP_SECONDS = 1
# One loop that is bound to no core has a good second or a bad one, by where the scheduler puts it (45,000 to 70,000
# messages): seven samples of each are too few for a ratio near 1.
TURNS_ON_ALL_CORES = 3
BURSTS = {"clients": 8, "outstanding": 32, "size": 512}
BURST_FLAGS = {rows.SEGMENT: ["--segment"], rows.GRO: ["--segment", "--gro"]}


@dataclass
class Work:
    """One server under one load."""

    key: tuple
    sample: Callable  # of seconds
    warms_up: bool = True
    most_samples: int = 100

    def warm_up(self):
        if self.warms_up:
            self.sample(WARM_UP_SECONDS)


def works(peers, yodel, server_cores, load_cores, with_all):
    """In the order of a round; without all, those that the quick table needs."""
    servers = peers.servers
    udpload, latency = BUILD / "udpload", BUILD / "latency"

    def messages(name, load=rows.MESSAGES, **options):
        return Work((name, load), lambda seconds: loads.messages(
            servers[name], seconds, load_cores, is_relayed=name != rows.CONSTANT, **options))

    def datagrams(name, load, **options):
        return Work((name, load), lambda seconds: loads.datagrams(servers[name], seconds, load_cores, udpload, **options))

    found = [messages(name) for name in (rows.CONSTANT, rows.C_RELAY, rows.YODEL)]
    found += [datagrams(name, rows.ECHO) for name in (rows.C_ECHO, rows.YODEL_ECHO)]
    found += [datagrams(name, rows.SINGLE, clients=1, outstanding=1) for name in (rows.C_SINGLE, rows.YODEL_ECHO)]
    if not with_all:
        return found
    found += [Work(("dnsdist", rows.MESSAGES), lambda seconds: loads.queries(servers["dnsdist"], seconds, load_cores)),
              messages("Go")]
    found += [messages(name, rows.CROWDED, connections=800) for name in (rows.CONSTANT, rows.C_RELAY, rows.YODEL)]
    for load, flags in BURST_FLAGS.items():
        found += [datagrams(name, load, flags=flags, **BURSTS) for name in (rows.C_ECHO, rows.YODEL_ECHO)]
    all_cores = server_cores | load_cores
    found += TURNS_ON_ALL_CORES * [
        Work((name, rows.CORES), lambda seconds, name=name: loads.messages(
            servers[name], seconds, all_cores, others=[peers.target])) for name in ("yodel, 1 loop", "yodel, 2 loops")]
    found += answer_times(peers, server_cores, load_cores, latency)
    found += waiting(peers, yodel, server_cores, load_cores)
    found += [Work((rows.YODEL, rows.START), lambda _: Sample(
                  1, 1, 0, figures={"start_ms": single.start_ms(yodel, all_cores)})),
              Work((rows.YODEL, rows.GROWTH), lambda _: single.growth(
                  peers.gateway(yodel, 1), server_cores, load_cores, BUILD), warms_up=False, most_samples=1)]
    return found


def answer_times(peers, server_cores, load_cores, latency):
    """The client is on the load's core, as the relays' target is; what UDP alone takes is asked from the server's."""
    def times(name, seconds):
        return loads.answer_times("http", peers.servers[name].http_port, seconds, load_cores, latency)

    def yodel(seconds):
        udp = loads.answer_times("udp", peers.target.udp_port, seconds, server_cores, latency).figures
        sample = times(rows.YODEL, seconds)
        sample.figures |= {f"udp_{name}": udp[name] for name in ("p50_us", "p99_us")}
        return sample

    return [Work((rows.CONSTANT, rows.ONE), lambda seconds: times(rows.CONSTANT, seconds)),
            Work((rows.YODEL, rows.ONE), yodel)]


def waiting(peers, yodel, server_cores, load_cores):
    def sample(name, command, seconds):
        with contextlib.ExitStack() as stack:
            silent = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))  # never reads
            silent.bind(("127.0.0.1", 0))
            words = command(silent.getsockname()[1])
            return crowd.sample(name.replace(".", "-") + "-crowded", words, b"silent", seconds, server_cores, load_cores,
                                BUILD, stack)

    commands = {rows.C_RELAY: lambda port: peers.c_relay(f"silent={port}"),
                rows.YODEL: lambda port: peers.gateway(yodel, 1, f"silent=127.0.0.1:{port}")}
    return [Work((name, rows.SILENT), lambda seconds, name=name, command=command: sample(name, command, seconds),
                 warms_up=False) for name, command in commands.items()]
