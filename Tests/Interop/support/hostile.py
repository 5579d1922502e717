"""A UDP server that answers as badly as one can, as a program of its own, and clients that check every answer of it.

    python3 hostile.py SEED PERCENT

answers every datagram with that datagram, `|`, and whatever; PERCENT of them with a fault: never, late, several times
at several distances, out of order, with other bytes behind the mark, at great length, or after a stranger's datagram.
It prints its port, and ends at the end of its standard input.
"""

import asyncio
import base64
import collections
import json
import random
import subprocess
import sys

MARK = b"|"
TIMEOUT_MS = 400
# Seconds after the first copy at which further ones leave.
DISTANCES = (0, 0.001, 0.01, 0.06, 0.2, 0.4)
# Past it nobody can tell a late reply from the next message's: sockets are held for ten seconds.
LATEST = 8.0
LARGEST = 60_000


class HostileServer(asyncio.DatagramProtocol):
    """What the program does about each datagram."""

    def __init__(self, seed, percent):
        self._random = random.Random(seed)
        self._percent = percent
        self._loop = asyncio.get_running_loop()
        self.stranger = None

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, source):
        if self._random.random() * 100 >= self._percent:
            self._reply(data, source)
        else:
            self._random.choice(self.FAULTS)(self, data, source)

    def _reply(self, data, source, after=0.0, more=b""):
        if after:
            self._loop.call_later(after, self._transport.sendto, data + MARK + more, source)
        else:
            self._transport.sendto(data + MARK + more, source)

    def _silent(self, _data, _source):
        pass

    def _late(self, data, source):
        self._reply(data, source, after=self._random.uniform(TIMEOUT_MS / 1000 * 0.9, LATEST))

    def _doubled(self, data, source):
        self._reply(data, source)
        for distance in self._random.sample(DISTANCES, self._random.randint(1, 3)):
            self._reply(data, source, after=distance)

    def _reordered(self, data, source):
        self._reply(data, source, after=self._random.uniform(0.001, 0.05))

    def _different(self, data, source):
        self._reply(data, source, more=self._random.randbytes(20))

    def _long(self, data, source):
        self._reply(data, source, more=b"x" * self._random.randint(1, LARGEST))

    def _after_a_stranger(self, data, source):
        self.stranger.sendto(b"forged" + MARK, source)
        self._reply(data, source, after=0.005)

    FAULTS = (_silent, _late, _doubled, _doubled, _reordered, _different, _long, _after_a_stranger)


async def serve(seed, percent):
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: HostileServer(seed, percent), local_addr=("127.0.0.1", 0)
    )
    server.stranger, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


class HostileProcess:
    """The program, started; a target for a gateway."""

    def __init__(self, seed, percent):
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(seed), str(percent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.port = int(self._process.stdout.readline())

    def __str__(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Tally:
    """How messages ended, and what was wrong with an answer."""

    def __init__(self):
        self.outcomes = collections.Counter()
        self.wrong = []

    @property
    def messages(self):
        return self.outcomes.total()

    def judge(self, tag, status, body):
        answer = json.loads(body)
        name = "reply" if status == 200 else answer["type"].rpartition(":")[2]
        self.outcomes[name] += 1
        if status == 200:
            reply = base64.b64decode(answer["reply_base64"]) if answer["reply"] is None else answer["reply"].encode()
            if not reply.startswith(tag.encode() + MARK):
                self.wrong.append(f"{tag} got {reply[:60]!r}")
        elif name not in ("no-reply", "overloaded"):
            self.wrong.append(f"{tag} met {status} {body[:200]!r}")


async def ask(address, path, connections, tally, go_on, pause=0.0):
    """Send messages over so many kept connections at once, each as long as `go_on(number)`; every answer is judged."""

    async def one(worker):
        reader, writer = await asyncio.open_connection(*address)
        number = 0
        while go_on(number):
            tag = f"{worker}.{number}"
            number += 1
            fields = f"Host: localhost\r\nContent-Type: text/plain\r\nContent-Length: {len(tag)}"
            writer.write(f"POST {path} HTTP/1.1\r\n{fields}\r\n\r\n{tag}".encode())
            status, body = await read_answer(reader)
            tally.judge(tag, status, body)
            if pause:
                await asyncio.sleep(pause)
        writer.close()

    await asyncio.gather(*(one(worker) for worker in range(connections)))


async def read_answer(reader):
    """One answer's status and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
