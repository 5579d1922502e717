"""The README's commands do what it says, typed as they stand there; only the port is another."""

import json
import pathlib
import re
import subprocess

import pytest

from support.child import run
from support.gateway import Gateway
from support.metrics import Metrics
from support.prometheus import Prometheus, program

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
MONITORING = (ROOT / "Packaging/prometheus/README.md").read_text()


@pytest.fixture(scope="module")
def gateway(own_for_module):
    return own_for_module(Gateway)


# What has a test of its own.
APART = ("event-stream", "--cacert")


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def curl_lines():
    found = blocks("sh") + blocks("console") + blocks("sh", MONITORING)
    lines = [line.removeprefix("$ ") for block in found for line in block.splitlines()]
    return [line for line in lines if line.startswith("curl ") and not any(word in line for word in APART)]


def test_the_feed_of_the_readme_shows_what_comes(gateway):
    line = next(line for block in blocks("sh") for line in block.splitlines() if "event-stream" in line)
    assert line.startswith("curl -N ")
    feed = subprocess.Popen(
        ["bash", "-c", "exec " + line.replace("http://127.0.0.1:8080", gateway.url) + " -sS"], stdout=subprocess.PIPE
    )
    try:
        assert feed.stdout.readline().startswith(b":")
        assert gateway.send("watched").status == 200
        shown = next(line for line in feed.stdout if line.startswith(b"data: "))
        entry = json.loads(shown.removeprefix(b"data: "))
        assert entry["text"] == "watched" and entry["via_gateway"] is True
        example = json.loads(re.search(r"^data: (\{.*\})$", README, re.M)[1])
        assert list(example) == list(entry)
    finally:
        feed.kill()
        feed.wait()
        feed.stdout.close()


def test_there_are_lines_to_try():
    assert len(curl_lines()) >= 4


@pytest.mark.parametrize("line", [line for line in curl_lines() if "token" not in line])
def test_curl_lines_of_the_readme_work(gateway, line):
    command = line.replace("http://127.0.0.1:8080", gateway.url)
    done = subprocess.run(["bash", "-c", command + " --fail -sS"], cwd=ROOT, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    if "--data-binary @README.md" in line:
        assert done.stdout == (ROOT / "README.md").read_bytes()
    elif "/api/echo/impairments" in line:
        asked = json.loads(re.search(r"-d '(.*?)'", line)[1])
        del asked["expires_in_ms"]
        assert json.loads(done.stdout).items() >= asked.items()
        assert gateway.request("DELETE", "/api/echo/impairments").status == 200, "the next line meets none"
    elif "/api/datagrams" in line:
        assert len(json.loads(done.stdout)["datagrams"]) <= 10
    elif "/api/probes" in line:
        assert json.loads(done.stdout.splitlines()[-1])["summary"]["received"] > 0
    elif "/probe" in line:
        assert Metrics(done.stdout.decode()).value("probe_success") == 1
    elif "/metrics" in line:
        assert Metrics(done.stdout.decode()).value("yodel_ready") == 1
    else:
        assert json.loads(done.stdout)["match"] is True


def test_the_transcript_has_the_members_of_a_real_answer(gateway):
    shown = json.loads(re.search(r"^\{\"reply\".*\}$", README, re.M)[0])
    line = next(line for line in curl_lines() if shown["reply"] in line)
    command = line.replace("http://127.0.0.1:8080", gateway.url)
    real = json.loads(subprocess.run(["bash", "-c", command + " -sS"], capture_output=True, timeout=30).stdout)
    assert list(shown) == list(real)
    assert shown["reply"] == real["reply"] and shown["bytes"] == real["bytes"]


def test_the_tables_of_metrics_are_the_programs_own(gateway):
    told = set(gateway.metrics().types) | set(Metrics(gateway.get("/probe?target=echo").text()).types)
    cells = re.findall(r"^\| (`(?:yodel|probe)_[^|]*) \|", MONITORING, re.M)
    documented = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(documented) == sorted(name for name in told if not name.startswith("process_"))


def test_the_table_of_alerts_is_that_of_the_rules():
    rules = (ROOT / "Packaging/prometheus/yodel.rules.yml").read_text()
    rows = re.findall(r"^\| (`Yodel[^|]*) \|", MONITORING, re.M)
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(documented) == sorted(re.findall(r"- alert: (\w+)", rules))


def monitoring_lines(start):
    lines = [line for block in blocks("sh", MONITORING) for line in block.splitlines()]
    return [line for line in lines if line.startswith(start)]


def test_the_lines_of_promtool_work():
    # Those on a machine with the package are its test's.
    lines = [line for line in monitoring_lines("promtool ") if "/etc/" not in line]
    assert len(lines) == 2
    for line in lines:
        done = run([program("promtool"), *line.split()[1:]])
        assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_starts_as_the_readme_has_it(own, tmp_path):
    [line] = monitoring_lines("prometheus ")
    config, data = re.fullmatch(r"prometheus --config.file=(\S+) --storage.tsdb.path=(\S+)", line).groups()
    assert data.startswith(".build/")
    # It asks for the addresses of the example, where nobody is to answer: only that it starts is of interest.
    text = (ROOT / config).read_text().replace(":8080", ":1")
    (tmp_path / "prometheus.yml").write_text(text)
    (tmp_path / "yodel.rules.yml").write_text((ROOT / config).with_name("yodel.rules.yml").read_text())
    prometheus = own(Prometheus, tmp_path / "prometheus.yml", tmp_path / "data")
    assert len(prometheus.ask("rules")["groups"]) == 4


def test_the_token_of_the_readme_works(serve, tmp_path):
    lines = next(block for block in blocks("sh") if "--token-file" in block).splitlines()
    make, _, ask = lines
    subprocess.run(["bash", "-c", make], cwd=tmp_path, check=True, timeout=30)
    gateway = serve("--token-file", tmp_path / "token")
    command = ask.replace("http://127.0.0.1:8080", gateway.url)
    for words, status in [(command, "200"), (command.replace("$(cat token)", "wrong"), "401")]:
        asked = words + " -sS -o /dev/null -w '%{http_code}'"
        done = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert done.stdout == status, done.stderr


def test_the_certificate_of_the_readme_works(serve, tmp_path):
    lines = next(block for block in blocks("sh") if "openssl req" in block).splitlines()
    make, run, ask = lines
    subprocess.run(["bash", "-c", make], cwd=tmp_path, check=True, capture_output=True, timeout=30)
    words = re.search(r'ARGS="(.*)"', run)[1].replace("certificate.pem", str(tmp_path / "certificate.pem"))
    gateway = serve(*words.replace(" key.pem", f" {tmp_path / 'key.pem'}").split())
    command = ask.replace("https://127.0.0.1:8080", gateway.url)
    done = subprocess.run(["bash", "-c", command + " -sS"], cwd=tmp_path, capture_output=True, timeout=30)
    assert json.loads(done.stdout)["match"] is True, done.stderr
