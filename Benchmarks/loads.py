"""The loads: wrk for messages over HTTP, udpload for datagrams, latency for one client. Each returns one Sample."""

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from checks import DNSChecks, JSONChecks
from processes import BenchmarkError, start, stop

HTTP_CONNECTIONS = 64
UDP_CLIENTS, UDP_OUTSTANDING, UDP_BYTES = 16, 16, 64
SLACK_SECONDS = 15  # how much longer than asked a load may take
CHECK_INTERVAL_SECONDS = 0.05  # between messages that are checked in full while wrk runs
SETTLE_SECONDS = 0.05  # for what a server still does after the load has ended


@dataclass
class Sample:
    """What one load of one server came to."""

    answered: int
    seconds: float
    cpu_seconds: float
    lost: int = 0
    faults: list = field(default_factory=list)  # sentences; empty when every answer was right
    figures: dict = field(default_factory=dict)  # what only some loads tell

    @property
    def cpu_us(self):
        """CPU of the server's process for one answer, in microseconds."""
        return self.cpu_seconds / self.answered * 1e6

    @property
    def rate(self):
        return self.answered / self.seconds

    @property
    def busy(self):
        """How much of one core the server used; well below 1, the load or the scheduler was the limit."""
        return self.cpu_seconds / self.seconds


def messages(server, seconds, cores, is_relayed=True, connections=HTTP_CONNECTIONS, others=()):
    """wrk posts messages; a few more, each different, are posted beside it, and their replies compared.

    `others` are servers whose CPU time is told too.
    """
    port = server.http_port
    return _posted(server, seconds, cores, connections, "message.lua", f"http://127.0.0.1:{port}/api/messages",
                   JSONChecks(port, is_relayed), others)


def queries(server, seconds, cores, connections=HTTP_CONNECTIONS):
    """The same with DNS queries over HTTP."""
    port = server.http_port
    return _posted(server, seconds, cores, connections, "dns.lua", f"http://127.0.0.1:{port}/dns-query",
                   DNSChecks(port), ())


def _posted(server, seconds, cores, connections, script, url, checks, others):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", Path(__file__).with_name(script), url]
    before, before_others = server.cpu_seconds(), [other.cpu_seconds() for other in others]
    report = run_load(command, cores, seconds, meanwhile=checks.check_one)
    checks.close()
    cpu_seconds = server.cpu_seconds() - before
    faults = [f"wrk counted {count} {kind} errors" for kind, count in report["errors"].items() if count]
    figures = {other.name: (other.cpu_seconds() - was) / report["seconds"] for other, was in zip(others, before_others)}
    return Sample(answered(report["requests"], server) + checks.count, report["seconds"], cpu_seconds,
                  faults=faults + checks.faults, figures=figures)


def datagrams(server, seconds, cores, udpload, clients=UDP_CLIENTS, outstanding=UDP_OUTSTANDING, size=UDP_BYTES, flags=()):
    """udpload keeps datagrams outstanding and compares every reply."""
    command = [udpload, *flags, server.udp_port, seconds, clients, outstanding, size]
    before = server.cpu_seconds()
    report = run_load(command, cores, seconds)
    cpu_seconds = server.cpu_seconds() - before
    faults = [f"{report['wrong']} wrong replies"] if report["wrong"] else []
    return Sample(answered(report["echoed"], server), report["seconds"], cpu_seconds, report["lost"], faults)


def answer_times(kind, port, seconds, cores, latency):
    """One client, one request after the other; the times are among the sample's figures."""
    report = run_load([latency, kind, port, seconds], cores, seconds)
    return Sample(report["answered"], report["seconds"], 0, figures=report)


def answered(count, server):
    if count == 0:
        raise BenchmarkError(f"{server.name} answered nothing{server.last_words()}")
    return count


def run_load(command, cores, seconds, meanwhile=lambda: None):
    """Runs a load to its end, which is bounded, and returns the JSON of its last line."""
    process = start([str(word) for word in command], cores, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + seconds + SLACK_SECONDS
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{command[0]} did not end {SLACK_SECONDS} s after its time")
            meanwhile()
            time.sleep(CHECK_INTERVAL_SECONDS)
        output, errors = process.communicate()  # a screen of text: it fits the pipe, so nothing blocked above
    finally:
        stop(process)
    time.sleep(SETTLE_SECONDS)
    try:
        return json.loads(output.splitlines()[-1])
    except (IndexError, ValueError):
        raise BenchmarkError(f"{command[0]} failed ({process.returncode}): {(errors or output).strip()}") from None
