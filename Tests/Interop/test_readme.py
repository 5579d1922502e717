"""The README's commands do what it says, typed as they stand there; only the port is another."""

import json
import pathlib
import re
import subprocess

import pytest

from support.gateway import Gateway

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def gateway(own_for_module):
    return own_for_module(Gateway)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def curl_lines():
    lines = [line.removeprefix("$ ") for block in blocks("sh") + blocks("console") for line in block.splitlines()]
    return [line for line in lines if line.startswith("curl ")]


def test_there_are_lines_to_try():
    assert len(curl_lines()) >= 4


@pytest.mark.parametrize("line", curl_lines())
def test_curl_lines_of_the_readme_work(gateway, line):
    command = line.replace("http://127.0.0.1:8080", gateway.url)
    done = subprocess.run(["bash", "-c", command + " --fail -sS"], cwd=ROOT, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    if "--data-binary @README.md" in line:
        assert done.stdout == (ROOT / "README.md").read_bytes()
    else:
        assert json.loads(done.stdout)["match"] is True


def test_the_transcript_has_the_members_of_a_real_answer(gateway):
    shown = json.loads(re.search(r"^\{\"reply\".*\}$", README, re.M)[0])
    line = next(line for line in curl_lines() if shown["reply"] in line)
    command = line.replace("http://127.0.0.1:8080", gateway.url)
    real = json.loads(subprocess.run(["bash", "-c", command + " -sS"], capture_output=True, timeout=30).stdout)
    assert list(shown) == list(real)
    assert shown["reply"] == real["reply"] and shown["bytes"] == real["bytes"]
