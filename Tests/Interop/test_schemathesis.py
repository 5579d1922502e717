"""schemathesis, told nothing but the URL of the OpenAPI document, finds nothing to say against the gateway.

Streams are left out; they have tests of their own.
"""

import os
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent / "schemathesis"
TOKEN = "0123456789abcdef"
STREAMS = "runSeries"


def schemathesis(gateway, folder, *options):
    """Run it against a gateway; how many requests it made."""
    command = [
        pathlib.Path(sys.executable).with_name("st"), "--config-file", FOLDER / "schemathesis.toml",
        "run", gateway.url + "/openapi.json", *options,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, "\n".join(line[:600] for line in (done.stdout + done.stderr).splitlines())
    return int(re.search(r"(\d+) generated", done.stdout)[1])


def test_it_finds_nothing_behind_a_token(serve, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    gateway = serve("--token-file", tmp_path / "token")
    apart = ["--exclude-operation-id", STREAMS, "--exclude-path", "/api/echo/impairments"]
    count = schemathesis(gateway, tmp_path, "--header", f"Authorization: Bearer {TOKEN}", *apart)
    assert count > 300


def test_it_finds_nothing_in_impairments(serve, tmp_path):
    assert schemathesis(serve(), tmp_path, "--include-path", "/api/echo/impairments") > 100
