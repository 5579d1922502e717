#!/usr/bin/env python3
"""Calculates what a larger machine would do, and what would break first, from what `run` has measured on this one.

It is arithmetic, not a measurement: each line says what bounds the rate and how that was reckoned. Inputs are the medians
that `run --markdown FILE.md` leaves in FILE.json, Yodel's bounds (Limits.swift), and assumptions, which are options.
"""

import argparse
import json
import random
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # nothing but .build is written

import chapters

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = Path(__file__).with_name("scale.md")

REST_SECONDS, RETIREMENT_SECONDS = 0.5, 10  # Limits.rest, Limits.retirement
OPENING_SHARE, RETIRED_SHARE = 7 / 8, 3 / 4  # of --max-in-flight: SocketPool's openingLimit and retiredLimit
FRAME_BYTES, SMALLEST_FRAME = 38, 84  # Ethernet's around an IP packet, preamble and gap included (IEEE 802.3)
IP_TCP, IP_UDP = 52, 28  # headers, TCP's with time stamps
REQUEST_BYTES, ANSWER_BYTES, MESSAGE_BYTES = 180, 460, 19  # what wrk sends and gets, and what is relayed


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measured", type=Path, default=ROOT / ".build/bench/report.json", metavar="FILE",
                        help="the medians of a run (.build/bench/report.json)")
    parser.add_argument("--write", action="store_true", help="put the tables into scale.md")
    option = lambda name, default, help: parser.add_argument(name, type=float, default=default, help=f"{help} ({default})")
    option("--cores", 64, "cores, a loop each")
    option("--gbit", 25, "the network card, each way")
    option("--ports", 28232, "ephemeral ports of the one local address (net.ipv4.ip_local_port_range)")
    option("--max-in-flight", 4096, "as Yodel's option")
    option("--rtt-ms", 1, "round trip to the target")
    option("--loss-percent", 0.01, "messages that get no reply")
    option("--accept-us", 20, "CPU that accepting a connection and handing it over takes; assumed")
    option("--shared-ns", 50, "a write to a counter that all cores write to; assumed")
    option("--shared-writes", 2, "such writes of a message to the same counter")
    option("--efficiency", 0.7, "a core among many beside a core alone: memory, interrupts, the card's work; assumed")
    return parser.parse_args()


def frame(payload, headers):
    return max(SMALLEST_FRAME, payload + headers + FRAME_BYTES)


def busiest_share(flows, loops, rounds=2000):
    """How much of the traffic the busiest loop has when the kernel spreads flows by their hash (SO_REUSEPORT)."""
    draw = random.Random(1)
    total = 0
    for _ in range(rounds):
        counts = [0] * loops
        for _ in range(flows):
            counts[draw.randrange(loops)] += 1
        total += max(counts) / flows
    return total / rounds


def messages(m, o):
    """Bounds on messages a second: what, how many, how it was reckoned; the least first."""
    cpu_us = m["yodel, 64 connections"]["cpu_us"]
    bytes_out = frame(ANSWER_BYTES, IP_TCP) + frame(MESSAGE_BYTES, IP_UDP)
    in_flight = o.max_in_flight
    most_in_flight = o.ports / 3
    found = [
        ("CPU", o.cores * 1e6 / cpu_us * o.efficiency,
         f"{cpu_us:.1f} µs a message, {o.cores:.0f} loops, {o.efficiency:.0%} each"),
        ("the network card", o.gbit * 1e9 / 8 / bytes_out, f"{bytes_out} bytes out a message (answer and datagram)"),
        ("exchanges in flight", in_flight / (o.rtt_ms / 1e3),
         f"--max-in-flight {in_flight:.0f}, a round trip of {o.rtt_ms:g} ms"),
        ("the rest of 500 ms in full", OPENING_SHARE * in_flight / REST_SECONDS,
         "7/8 of as many sockets may rest; past it the longest rested goes early, and a target that duplicates gets 503"),
        ("the same with every port", OPENING_SHARE * most_in_flight / REST_SECONDS,
         f"--max-in-flight {most_in_flight:.0f}: in flight, resting and retired share {o.ports:.0f} ports"),
        ("retired sockets", RETIRED_SHARE * in_flight / RETIREMENT_SECONDS / (o.loss_percent / 100),
         f"3/4 of as many of a target's sockets, 10 s each, where {o.loss_percent:g} % get no reply; past it 503"),
        ("one shared counter", 1e9 / o.shared_ns / o.shared_writes,
         f"{o.shared_writes:g} writes a message of {o.shared_ns:g} ns: exchanges in flight, over all loops"),
        ("accepting, without keep-alive", 1e6 / o.accept_us,
         f"one acceptor, {o.accept_us:g} µs a connection; kept alive: no bound"),
    ]
    return sorted(found, key=lambda line: line[1])


def datagrams(m, o):
    """Bounds on echoed datagrams a second."""
    plain = m["yodel echo, 16 × 16 × 64 bytes"]["cpu_us"]
    found = [("64 bytes, one flow: one loop", o.efficiency * 1e6 / plain, f"{plain:.2f} µs a datagram")]
    for flows in (16, 64, 1000):
        share = busiest_share(flows, int(o.cores))
        found.append((f"64 bytes, {flows} flows", o.efficiency * 1e6 / plain / share,
                      f"the busiest of {o.cores:.0f} loops has {share:.1%} of them (hash of the shared port)"))
    card = o.gbit * 1e9 / 8
    found.append(("64 bytes: the network card", card / frame(64, IP_UDP), f"{frame(64, IP_UDP)} bytes on the wire"))
    if burst := m.get("yodel echo, UDP_GRO"):
        found.append(("512 bytes in bursts, one flow: one loop", o.efficiency * 1e6 / burst["cpu_us"],
                      f"{burst['cpu_us']:.2f} µs a datagram, if the card's driver lets the kernel coalesce (UDP_GRO)"))
    found.append(("512 bytes: the network card", card / frame(512, IP_UDP), f"{frame(512, IP_UDP)} bytes on the wire"))
    return found


def table(title, unit, lines):
    text = [f"| {title} | {unit} | |", "| --- | ---: | --- |"]
    return "\n".join(text + [f"| {what} | {round_(rate):,} | {how} |" for what, rate, how in lines]) + "\n"


def round_(value):
    """Two digits: it is arithmetic on noisy figures."""
    digits = max(0, len(str(int(value))) - 2)
    return round(int(value), -digits)


def main():
    options = arguments()
    try:
        measured = json.loads(options.measured.read_text())
    except OSError as error:
        return f"bench: {error}: make bench, or Benchmarks/run --markdown FILE.md, writes it"
    title = f"{options.cores:.0f} cores, {options.gbit:g} Gbit/s"
    text = (table(f"messages, {title}: bounded by", "a second", messages(measured, options)) + "\n"
            + table(f"echo, {title}", "datagrams a second", datagrams(measured, options)))
    print(text)
    if options.write:
        chapters.put(text, CHAPTER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
