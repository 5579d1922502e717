"""The datagrams of a series, as a target meets them."""

import json


def number_of(data):
    """The number that a probe carries."""
    return int.from_bytes(data[:8], "little") & ((1 << 40) - 1)


def flipped(data, bit):
    """The datagram with one bit flipped."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def treated(treatment, pause=0.0):
    """A target's behaviour: does to each datagram what `treatment(number)` says, in the words of the API."""

    def behave(target, data, source):
        number = number_of(data)
        fate = treatment(number)
        if fate == "lost":
            return
        if fate == "corrupted":
            target.reply(flipped(data, number % (8 * len(data))), source)
        elif fate == "late":
            target.reply(data, source, after=pause)
        else:
            target.reply(data, source)
        if fate == "duplicate":
            target.reply(data, source)

    return behave


class Outcome:
    """All that a series told: its lines, and its summary, which comes last."""

    def __init__(self, text):
        parsed = [json.loads(line) for line in text.splitlines()]
        assert parsed and "summary" in parsed[-1], text[-500:]
        self.lines = parsed[:-1]
        self.summary = parsed[-1]["summary"]
        assert all("summary" not in line for line in self.lines)
        fates = ("received", "late", "corrupted", "lost", "unreachable")
        assert self.summary["sent"] == sum(self.summary[fate] for fate in fates), self.summary
        assert ("undecided" in self.summary) == (not self.summary["complete"]), self.summary

    def fates(self):
        """By number, what became of each in the end."""
        return {line["seq"]: line["fate"] for line in self.lines if line["fate"] != "duplicate"}

    def duplicates(self):
        return sorted(line["seq"] for line in self.lines if line["fate"] == "duplicate")
