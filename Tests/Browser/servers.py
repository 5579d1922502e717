"""What the tests talk to: the gateway as a process, and UDP servers that misbehave in known ways."""

import json
import os
import queue
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("YODEL_BINARY") or ROOT / ".build/debug/yodel")
START_SECONDS = 15


class Gateway:
    """`yodel serve` with free ports, or with a given one for HTTP."""

    def __init__(self, targets=None, http_port=0, options=()):
        command = [
            BINARY, "serve", "--http", f"127.0.0.1:{http_port}", "--udp", "127.0.0.1:0", "--public", ROOT / "public",
        ]
        for name, address in (targets or {}).items():
            command += ["--target", f"{name}={address[0]}:{address[1]}"]
        command += options
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.url = self._announced("HTTP:").split()[0]
            self.udp = None if "--no-echo" in options else self._announced("UDP echo:").split()[0]
        except Exception:
            self.stop()
            raise

    @property
    def port(self):
        return int(self.url.rstrip("/").rsplit(":", 1)[1])

    def ask(self, method, path, body=None):
        """An answer of the API, as a program gets it."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data, {"Content-Type": "application/json"}, method=method)
        return json.load(urllib.request.urlopen(request, timeout=10))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the gateway did not end within 10 s of SIGTERM")

    # Reads to the end, so that a full pipe never stops the gateway.
    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _announced(self, prefix):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                line = self.lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                self.log.seek(0)
                raise AssertionError(f"{BINARY} printed no line {prefix!r}; on stderr:\n{self.log.read().decode()}")
            if line.startswith(prefix):
                return line.removeprefix(prefix)


class UDPClient:
    """A program that talks to the embedded echo server without the gateway."""

    def __init__(self, gateway):
        host, port = gateway.udp.rsplit(":", 1)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, int(port)))
        self.socket.settimeout(5)
        self.name = "{}:{}".format(*self.socket.getsockname())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, datagram):
        self.socket.send(datagram)

    def echo(self, datagram):
        self.send(datagram)
        return self.socket.recv(65_535)


class UDPServer:
    """Answers each datagram with what `answer` makes of it; None is silence. `received` keeps them all."""

    def __init__(self, answer):
        self.answer = answer
        self.received = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.address = self.socket.getsockname()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        while not self.stopping.is_set():
            try:
                datagram, sender = self.socket.recvfrom(65_535)
            except TimeoutError:
                continue
            self.received.append(datagram)
            reply = self.answer(datagram)
            if reply is not None:
                self.socket.sendto(reply, sender)

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.socket.close()


class ClosedPort:
    """A port that answers "nobody listens" and that no other process can take meanwhile.

    A socket connected elsewhere holds the port, but the kernel gives it nothing from anyone else.
    """

    def __init__(self):
        self.elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.elsewhere.bind(("127.0.0.1", 0))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.connect(self.elsewhere.getsockname())
        self.address = self.socket.getsockname()

    def stop(self):
        self.socket.close()
        self.elsewhere.close()
