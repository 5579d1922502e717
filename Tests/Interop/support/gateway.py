"""`yodel serve` and `yodel echo` as processes, with the addresses that they print."""

import http.client
import re
import shlex
import urllib.parse

from .child import Child, yodel_binary
from .http import Response, Wire
from .metrics import Metrics
from .waiting import PATIENCE


def parse_address(text):
    """`127.0.0.1:9999` or `[::1]:9999` as (address, port)."""
    found = re.fullmatch(r"\[?([0-9a-fA-F.:]+?)\]?:(\d+)", text)
    assert found, f"no address: {text!r}"
    return found[1], int(found[2])


class Gateway(Child):
    """A running gateway on free ports of loopback."""

    def __init__(self, *options, http=("127.0.0.1:0",), udp=("127.0.0.1:0",), environment=None, prefix=()):
        listen = [word for address in http for word in ("--http", address)]
        echo = [word for address in udp for word in ("--udp", address)]
        super().__init__([*prefix, yodel_binary(), "serve", *listen, *echo, *options], environment)
        try:
            self._read_addresses()
        except BaseException:
            self.kill()
            raise

    def _read_addresses(self):
        self.try_line = self.out.wait_for(lambda line: line.startswith("Try: "))
        printed = self.out.so_far()
        assert self.try_line, f"no `Try:` line; stdout {printed}, stderr {self.err.so_far()}"
        self.urls = self._after(printed, "HTTP: ")
        self.http_addresses = [parse_address(re.sub("^https?://", "", url)) for url in self.urls]
        self.udp_addresses = [parse_address(text) for text in self._after(printed, "UDP echo: ")]
        self.url, self.http = self.urls[0], self.http_addresses[0]
        self.messages = self.url + "/api/messages"
        self.udp = self.udp_addresses[0] if self.udp_addresses else None

    @staticmethod
    def _after(lines, start):
        found = [line.removeprefix(start) for line in lines if line.startswith(start)]
        return found[0].split() if found else []

    def try_words(self):
        """The words of the printed command, as a shell reads them."""
        return shlex.split(self.try_line.removeprefix("Try: "))

    def wire(self):
        """A new connection, byte by byte."""
        return Wire(self.http)

    def connection(self):
        """A connection that keeps alive, by Python's http.client."""
        return http.client.HTTPConnection(*self.http, timeout=PATIENCE)

    def request(self, method, path, body=None, headers=None):
        """One request on a connection of its own, by Python's http.client."""
        connection = self.connection()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Response(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def get(self, path, **headers):
        """GET `path`; an underscore in a header's name stands for a hyphen."""
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def send(self, message, **options):
        """POST `message` as it is, with options in the query string."""
        data = message.encode() if isinstance(message, str) else message
        return self.request("POST", message_path(**options), data, {"Content-Type": "application/octet-stream"})

    def metrics(self):
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        return Metrics(answer.text())

    def in_flight(self):
        return self.metrics().value("yodel_exchanges_in_flight")

    def outcomes(self, target, outcome):
        return self.metrics().value("yodel_exchanges_total", target=target, outcome=outcome)

    def echo_counters(self):
        return self.get("/api/echo").json()


def message_path(**options):
    """`/api/messages` with options in the query string."""
    query = urllib.parse.urlencode(options)
    return "/api/messages" + ("?" + query if query else "")


class EchoServer(Child):
    """A running `yodel echo`."""

    def __init__(self, *options, udp="127.0.0.1:0", prefix=()):
        super().__init__([*prefix, yodel_binary(), "echo", "--udp", udp, *options])
        line = self.err.wait_for(lambda line: line.startswith("UDP echo: "))
        if line is None:
            self.kill()
            raise AssertionError(f"no `UDP echo:` line; stderr {self.err.so_far()}")
        self.udp = parse_address(line.removeprefix("UDP echo: ").split()[0])
