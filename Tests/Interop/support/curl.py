"""The `curl` command, as people type it."""

import pathlib
import tempfile

from .child import run
from .http import Response


def curl(*words, prefix=(), stdin=b""):
    """Run `curl` with `words`; return the final answer."""
    with tempfile.TemporaryDirectory() as folder:
        head, body = pathlib.Path(folder, "head"), pathlib.Path(folder, "body")
        body.touch()
        command = ["curl", "-q", "--silent", "--show-error", "--globoff", "--max-time", "30"]
        ended = run([*prefix, *command, "-D", head, "-o", body, *words], stdin=stdin, timeout=40)
        if ended.returncode:
            raise AssertionError(f"curl ended with {ended.returncode}: {ended.stderr.decode()}")
        return _response(head.read_bytes(), body.read_bytes())


def _response(head, body):
    final = [block for block in head.decode("latin-1").split("\r\n\r\n") if block][-1]
    status_line, *lines = final.split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Response(int(status_line.split(" ")[1]), headers, body)
