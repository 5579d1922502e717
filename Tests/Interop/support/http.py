"""HTTP spoken byte by byte, for what a well-behaved client library would not do."""

import json
import socket
import struct

from .waiting import PATIENCE


class Response:
    """One answer: status, headers in their order, body."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = list(headers)
        self.body = body

    def header(self, name):
        """The value of the header `name`; several of them joined with a comma; None where there is none."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def media_type(self):
        return (self.header("Content-Type") or "").split(";")[0].strip().lower()

    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body.decode())

    def __repr__(self):
        return f"<{self.status} {self.media_type()} {self.body[:300]!r}>"


def request_bytes(method, path, body=None, headers=(), host="127.0.0.1"):
    """A request as it goes over the wire, with a Content-Length where it has a body."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def refuses_connections(gateway):
    """Whether nobody listens for HTTP there any more."""
    try:
        Wire(gateway.http, 1).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


class Wire:
    """One TCP connection on which the test decides every byte and its moment."""

    def __init__(self, address, timeout=PATIENCE, source=""):
        self.socket = socket.create_connection(address, timeout, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_all_that_is_taken(self, data, half_close=False):
        """Send until the peer has had enough; what it said is still to be read."""
        try:
            self.socket.sendall(data)
            if half_close:
                self.half_close()
        except OSError:
            pass

    def ask(self, method, path, body=None, headers=()):
        """Send a request and read its answer."""
        self.send(request_bytes(method, path, body, headers))
        return self.response(method)

    def response(self, method="GET"):
        """Read the next final answer, interim ones skipped."""
        while True:
            status, headers = self.head()
            if status >= 200:
                return Response(status, headers, self._body(status, headers, method))

    def head(self):
        """Read one status line with its headers, interim (1xx) ones included."""
        status_line = self._line()
        version, status, *_ = status_line.split(" ", 2)
        assert version.startswith("HTTP/1."), status_line
        headers = []
        while line := self._line():
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        return int(status), headers

    def is_ended(self):
        """Wait for the peer to close; true when it did without another byte."""
        try:
            return self._reader.read(1) == b""
        except ConnectionError:
            return True

    def rest(self):
        """All bytes until the peer closes or resets."""
        gathered = b""
        try:
            while piece := self._reader.read1(65536):
                gathered += piece
        except ConnectionError:
            pass
        return gathered

    def half_close(self):
        """Say that nothing more will be sent (FIN), and keep reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Go away without a goodbye (RST)."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self._reader.close()
        self.socket.close()

    def _line(self):
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"the connection ended in the middle of a head, after {line!r}")
        return line[:-2].decode("latin-1")

    def _body(self, status, headers, method):
        fields = {name.lower(): value for name, value in headers}
        if method == "HEAD" or status in (204, 304):
            return b""
        if fields.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self.chunks())
        if "content-length" in fields:
            return self._exactly(int(fields["content-length"]))
        return self._reader.read()

    def chunks(self):
        """The pieces of a chunked body, as they come."""
        while size := int(self._line().split(";")[0], 16):
            yield self._exactly(size)
            self._line()
        while self._line():
            pass

    def _exactly(self, count):
        data = self._reader.read(count)
        if len(data) != count:
            raise ConnectionError(f"{len(data)} of {count} bytes of the body came")
        return data
