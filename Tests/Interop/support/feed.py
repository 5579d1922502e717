"""The live feed as a client of server-sent events reads it."""

import http.client
import json
import resource
import socket

from .http import request_bytes
from .waiting import PATIENCE

ACCEPT = "text/event-stream"
REQUEST = request_bytes("GET", "/api/datagrams", headers=[f"Accept: {ACCEPT}"])


class Feed:
    """A feed that is read event by event."""

    def __init__(self, gateway, source="", last_event_id=None, address=None):
        self.connection = http.client.HTTPConnection(
            *(address or gateway.http), timeout=PATIENCE, source_address=(source, 0)
        )
        headers = {"Accept": ACCEPT, **({"Last-Event-ID": last_event_id} if last_event_id is not None else {})}
        self.connection.request("GET", "/api/datagrams", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, (self.answer.status, self.answer.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def line(self):
        """The next line; None at the stream's end."""
        line = self.answer.readline()
        if not line:
            return None
        assert line.endswith(b"\n") and b"\r" not in line, line
        return line[:-1].decode()

    def next(self):
        """The next event as (name, id, data), comments skipped; None at the stream's end."""
        fields = {}
        while (line := self.line()) is not None:
            if line.startswith(":"):
                continue
            if line:
                name, value = line.split(": ", 1)
                assert name not in fields and name in ("event", "id", "data"), line
                fields[name] = value
            elif fields:
                return fields["event"], fields.get("id"), json.loads(fields["data"])
        return None

    def datagram(self):
        """The next event, which is a datagram; its data."""
        name, identifier, data = self.next()
        assert name == "datagram" and data["id"] == identifier, (name, data)
        return data

    def until(self, text):
        """The datagrams up to one with this text, and the gaps on the way."""
        datagrams, gaps = [], []
        while event := self.next():
            name, _, data = event
            if name == "gap":
                gaps.append(data["missed"])
                continue
            datagrams.append(data)
            if data["text"] == text:
                return datagrams, gaps
        raise AssertionError(f"the feed ended before {text!r}")

    def close(self):
        self.answer.close()
        self.connection.close()


class SilentReader:
    """A client that asks for a feed and reads nothing of it."""

    def __init__(self, gateway, source="127.0.0.1"):
        self.socket = socket.socket()
        # The kernel's least, so that what is not read is soon seen at the other end.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE)
        self.socket.bind((source, 0))
        self.socket.connect(gateway.http)
        self.socket.sendall(REQUEST)

    def close(self):
        self.socket.close()


def allow_descriptors(count):
    """Let this process have so many descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count), hard), hard))
