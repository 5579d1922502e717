"""Requests that are posted beside a load, each different, and whose answers are looked at: wrk cannot."""

import http.client
import json
import struct
import time


class Checks:
    """Asks one thing after the other, and keeps what was wrong with the answers."""

    path = kind = None

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        self.count = 0
        self.faults = []

    def check_one(self):
        self.count += 1
        text = f"check {self.count} at {time.monotonic_ns()} ns"
        try:
            self.connection.request("POST", self.path, self.body(text), {"Content-Type": self.kind})
            response = self.connection.getresponse()
            body = response.read()
            if response.status != 200:
                self.fault(f"a message got status {response.status}: {body[:200]!r}")
            elif not self.is_right(body, text):
                self.fault(f"the message {text!r} got another reply: {body[:200]!r}")
        except (OSError, http.client.HTTPException, ValueError, struct.error) as error:
            self.connection.close()  # the next request opens it again
            self.fault(f"a message got no answer: {error!r}")

    def fault(self, sentence):
        if len(self.faults) < 3:  # the first ones tell; a broken server would fill the screen
            self.faults.append(sentence)

    def close(self):
        self.connection.close()


class JSONChecks(Checks):
    path, kind = "/api/messages", "application/json"

    def __init__(self, port, is_relayed):
        super().__init__(port)
        self.is_relayed = is_relayed

    def body(self, text):
        return json.dumps({"message": text}).encode()

    def is_right(self, body, text):
        answer = json.loads(body)
        return not self.is_relayed or (answer.get("reply") == text and answer.get("match") is True)


class DNSChecks(Checks):
    path, kind = "/dns-query", "application/dns-message"

    def question(self, text):
        name = text.replace(" ", "-").encode()
        return bytes([len(name)]) + name + b"\4test\0" + struct.pack("!HH", 1, 1)

    def body(self, text):
        return struct.pack("!HHHHHH", 0, 0x0100, 1, 0, 0, 0) + self.question(text)

    def is_right(self, body, text):
        """A response without an error that has our question, and the responder's address at its end."""
        _, flags, questions, answers, _, _ = struct.unpack("!HHHHHH", body[:12])
        question = self.question(text)
        return (flags & 0x800F == 0x8000 and (questions, answers) == (1, 1)
                and body[12:12 + len(question)] == question and body.endswith(bytes([127, 0, 0, 1])))
