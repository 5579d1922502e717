"""The loads: wrk for messages over HTTP, udpload for datagrams. Each returns one Sample."""

import http.client
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

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
    lost: int
    faults: list  # sentences; empty when every answer was right

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


def messages(server, seconds, cores, is_relayed):
    """wrk posts messages; a few more, each different, are posted beside it, and their replies compared."""
    port = server.http_port
    command = ["wrk", "-t1", f"-c{HTTP_CONNECTIONS}", f"-d{seconds}s", "-s", Path(__file__).with_name("message.lua"),
               f"http://127.0.0.1:{port}/api/messages"]
    before = server.cpu_seconds()
    checks = Checks(port, is_relayed)
    report = run_load(command, cores, seconds, meanwhile=checks.check_one)
    checks.close()
    cpu_seconds = server.cpu_seconds() - before
    faults = [f"wrk counted {count} {kind} errors" for kind, count in report["errors"].items() if count]
    return Sample(answered(report["requests"], server) + checks.count, report["seconds"], cpu_seconds, lost=0,
                  faults=faults + checks.faults)


def datagrams(server, seconds, cores, udpload):
    """udpload keeps datagrams outstanding and compares every reply."""
    command = [udpload, server.udp_port, seconds, UDP_CLIENTS, UDP_OUTSTANDING, UDP_BYTES]
    before = server.cpu_seconds()
    report = run_load(command, cores, seconds)
    cpu_seconds = server.cpu_seconds() - before
    faults = [f"{report['wrong']} wrong replies"] if report["wrong"] else []
    return Sample(answered(report["echoed"], server), report["seconds"], cpu_seconds, report["lost"], faults)


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


class Checks:
    """Messages that wrk cannot check: each is different, and its reply must be the same."""

    def __init__(self, port, is_relayed):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        self.is_relayed = is_relayed
        self.count = 0
        self.faults = []

    def check_one(self):
        self.count += 1
        message = f"check {self.count} at {time.monotonic_ns()} ns"
        try:
            self.connection.request("POST", "/api/messages", json.dumps({"message": message}).encode(),
                                    {"Content-Type": "application/json"})
            response = self.connection.getresponse()
            body = response.read()
            answer = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.connection.close()  # the next request opens it again
            self.fault(f"a message got no answer: {error!r}")
            return
        if response.status != 200:
            self.fault(f"a message got status {response.status}: {body[:200]!r}")
        elif self.is_relayed and (answer.get("reply") != message or answer.get("match") is not True):
            self.fault(f"the message {message!r} got another reply: {body[:200]!r}")

    def fault(self, sentence):
        if len(self.faults) < 3:  # the first ones tell; a broken server would fill the screen
            self.faults.append(sentence)

    def close(self):
        self.connection.close()
