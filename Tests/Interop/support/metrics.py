"""Prometheus' text format, read strictly."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL},?)*)\}})? (\S+)(?: -?\d+)?")
COMMENT = re.compile(rf"# (HELP|TYPE) ({NAME})(?: (.*))?")


class Metrics:
    """The samples of one scrape."""

    def __init__(self, text):
        assert text.endswith("\n"), "the exposition ends in a newline"
        self.text = text
        self.types = {}
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                self._comment(line)
            elif line:
                self._sample(line)

    def value(self, name, **labels):
        """The sample `name{labels}`; 0 where it is not there yet."""
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def labelled(self, name):
        """All samples of `name`: their labels as a dictionary, and the value."""
        return [(dict(labels), value) for (key, labels), value in self.samples.items() if key == name]

    def total(self, name, **labels):
        """The sum over all samples of `name` that carry at least these labels."""
        wanted = labels.items()
        return sum(value for found, value in self.labelled(name) if wanted <= found.items())

    def _comment(self, line):
        found = COMMENT.fullmatch(line)
        if found and found[1] == "TYPE":
            assert found[2] not in self.types, f"two TYPE lines for {found[2]}"
            self.types[found[2]] = found[3]

    def _sample(self, line):
        found = SAMPLE.fullmatch(line)
        assert found, f"not a sample: {line!r}"
        labels = re.findall(LABEL, found[2] or "")
        key = (found[1], frozenset(labels))
        assert key not in self.samples, f"twice: {line!r}"
        assert len(dict(labels)) == len(labels), f"a label twice: {line!r}"
        self.samples[key] = float(found[5])
