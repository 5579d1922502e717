#!/usr/bin/env python3
"""Puts what was measured where it is read: `chapters.py README.md FILE` replaces the README's figures with FILE's."""

import sys
from pathlib import Path

BEGIN, END = "<!-- measured -->\n", "<!-- end of what was measured -->\n"


def put(text, chapter):
    """Replaces what stands between the chapter's marks."""
    before, begin, rest = chapter.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{chapter} has no marks {BEGIN.strip()} and {END.strip()}")
    chapter.write_text(f"{before}{BEGIN}\n{text.strip()}\n\n{END}{after}")


if __name__ == "__main__":
    put(Path(sys.argv[2]).read_text(), Path(sys.argv[1]))
