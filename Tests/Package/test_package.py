"""The Debian package on a machine of its own: installed, started by systemd, used, upgraded, removed.

The tests follow one another: each leaves the machine as the next one needs it.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from machine import Machine, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = pathlib.Path(os.environ.get("YODEL_PACKAGE") or next(iter(sorted(ROOT.glob("dist/yodel_*_amd64.deb"))), ""))
TREE = ROOT / ".build-package" / "tree"
SEND = "curl -sS --max-time 30 -d 'hello from client!!' http://127.0.0.1:8080/api/messages"
UNITS = ("yodel.service", "yodel-http.socket", "yodel-udp.socket")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a machine of its own takes root")


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder with the package, and with one that differs in its version alone."""
    folder = tmp_path_factory.mktemp("dist")
    shutil.copy(PACKAGE, folder / "yodel.deb")
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", PACKAGE, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*", "Version: 999.0", control.read_text(), flags=re.M))
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "-b", tree, folder / "next.deb"], check=True, capture_output=True)
    shutil.rmtree(tree)
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def machine(packages):
    made = Machine(TREE, packages)
    made.untouched = made.files()
    yield made
    made.close()


def is_answered(text):
    answer = json.loads(text)
    return answer["match"] is True and answer["reply"] == "hello from client!!"


def test_lintian_finds_no_error():
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", PACKAGE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_installed_and_serves(machine):
    machine.run("apt-get install -y /dist/yodel.deb")
    for unit in UNITS:
        assert machine.out(f"systemctl is-active {unit}") == "active"
        assert machine.out(f"systemctl is-enabled {unit}") == "enabled"
    assert is_answered(machine.out(SEND))
    assert "0% packet loss" in machine.out("yodel ping -c 3 -i 0.05")
    assert machine.out("yodel send hello") == "127.0.0.1:9999: hello"
    assert "<title>" in machine.out("curl -sS http://[::1]:8080/")
    assert machine.run("yodel healthcheck").returncode == 0


def test_systemd_hears_how_it_is(machine):
    assert machine.show("yodel", "Type") == "notify"
    assert machine.show("yodel", "StatusText").startswith("Serving on http://127.0.0.1:8080 http://[::1]:8080 udp://")
    assert machine.show("yodel", "WatchdogTimestampMonotonic") != "0"
    user = machine.out("stat -c %u /proc/$(systemctl show --value -p MainPID yodel)")
    assert 61184 <= int(user) <= 65519, "a user made for this run (systemd.exec(5), DynamicUser=)"
    assert "systemd" in machine.out("ss -ltnp sport = :8080"), "the first process holds the listeners as well"


def test_the_service_may_do_little(machine):
    checked = machine.out("systemd-analyze security --no-pager yodel.service | tail -1")
    score = float(re.search(r"yodel\.service: ([\d.]+)", checked)[1])
    assert score <= 1.5, checked
    machine.run("systemd-analyze verify /lib/systemd/system/yodel.service")


def test_a_stopped_service_is_started_by_who_asks(machine):
    machine.run("systemctl stop yodel")
    assert is_answered(machine.out(SEND))
    assert machine.out("systemctl is-active yodel") == "active"
    machine.run("systemctl stop yodel")
    assert machine.out("yodel send -W 10 hello") == "127.0.0.1:9999: hello"


def test_a_restart_refuses_nobody(machine):
    loop = f"for i in $(seq 60); do {SEND} || echo refused; done"
    assert_all_are_answered(machine.out(f"systemctl restart yodel & {loop}; wait"), 60)


def assert_all_are_answered(text, count):
    lines = text.splitlines()
    assert len(lines) == count and all(line != "refused" and is_answered(line) for line in lines), text


def test_a_reload_leaves_it_running(machine):
    before = machine.show("yodel", "MainPID")
    machine.run("systemctl reload yodel")
    wait_until(lambda: "nothing to reload" in machine.out("journalctl -u yodel"), "the reload is told to the log")
    assert is_answered(machine.out(SEND)) and machine.show("yodel", "MainPID") == before


def test_what_hangs_is_killed_and_started_anew(machine):
    machine.run("mkdir -p /run/systemd/system/yodel.service.d")
    machine.run("printf '[Service]\\nWatchdogSec=1\\n' > /run/systemd/system/yodel.service.d/quick.conf")
    machine.run("systemctl daemon-reload && systemctl restart yodel")
    before = machine.show("yodel", "MainPID")
    machine.run(f"kill -STOP {before}")
    assert is_answered(machine.out(SEND)), "by another process, which the connection waited for"
    assert machine.show("yodel", "NRestarts") == "1" and machine.show("yodel", "MainPID") != before
    machine.run("rm -r /run/systemd/system/yodel.service.d && systemctl daemon-reload && systemctl restart yodel")


def test_its_settings_are_variables(machine):
    settings = machine.out("grep -o '^#YODEL_[A-Z_]*=' /etc/default/yodel").splitlines()
    options = re.findall(r"^ +(?:-\w, )?--([a-z-]+)", machine.out("yodel serve --help"), re.M)
    variables = {"YODEL_" + option.upper().replace("-", "_") for option in options} - {"YODEL_HELP", "YODEL_VERSION"}
    assert {line.strip("#=") for line in settings} == variables
    machine.run("sed -i 's/^#YODEL_TIMEOUT_MS=.*/YODEL_TIMEOUT_MS=1234/' /etc/default/yodel; systemctl restart yodel")
    limits = json.loads(machine.out("curl -sS http://127.0.0.1:8080/api/info"))["limits"]
    assert limits["default_timeout_ms"] == 1234


def test_there_are_pages_of_the_manual_and_completions(machine):
    for command in ("", "-serve", "-echo", "-send", "-ping", "-healthcheck"):
        done = machine.run(f"MANWIDTH=100 man --warnings yodel{command}")
        assert "SYNOPSIS" in done.stdout and done.stderr == "", done.stderr
    assert "YODEL_MAX_IN_FLIGHT" in machine.out("man yodel-serve")
    complete = "source /usr/share/bash-completion/bash_completion; _completion_loader yodel; complete -p yodel"
    assert "yodel" in machine.out(complete)


def test_the_examples_are_those_of_the_sources(machine):
    folder = "/usr/share/doc/yodel/examples"
    for kind in ("fleet", "prometheus"):
        for file in (ROOT / "Packaging" / kind).iterdir():
            assert machine.run(f"cat {folder}/{kind}/{file.name}").stdout == file.read_text(), file
    assert machine.out(f"test -x {folder}/fleet/rolling-restart && echo yes") == "yes"
    links = re.findall(r"\]\(([^:)]+)\)", machine.out(f"cat {folder}/README.md {folder}/*/README.md"))
    assert "../README.md" in links and "prometheus/README.md" in links
    assert machine.out(f"cd {folder}/fleet && cat ../README.md | head -1") == "# Yodel as a service"


def test_an_upgrade_refuses_nobody_and_keeps_the_settings(machine):
    socket, service = (machine.show(unit, "ActiveEnterTimestampMonotonic") for unit in UNITS[1::-1])
    loop = f"while [ ! -e /tmp/done ]; do {SEND} || echo refused; done"
    script = f"(apt-get install -y /dist/next.deb >/tmp/log 2>&1; touch /tmp/done) & {loop}; wait"
    text = machine.out(script)
    assert_all_are_answered(text, len(text.splitlines()))
    assert machine.out("dpkg-query -W -f '${Version}' yodel") == "999.0", machine.out("cat /tmp/log")
    assert machine.show("yodel-http.socket", "ActiveEnterTimestampMonotonic") == socket
    assert machine.show("yodel.service", "ActiveEnterTimestampMonotonic") != service
    assert "YODEL_TIMEOUT_MS=1234" in machine.out("cat /etc/default/yodel")


def blocks(document):
    return re.findall(r"```sh\n(.*?)```", (ROOT / document).read_text(), re.S)


DOCUMENTS = ("README.md", "Packaging/prometheus/README.md", "Packaging/README.md")


def is_for_a_machine(script):
    """Commands that change the machine that they are typed on."""
    return re.search(r"systemctl|apt-get", script) is not None


def as_run_here(script):
    """The package was made already, and is called otherwise here; nobody waits 15 s for a first scrape."""
    script = re.sub(r"^make deb$", "", script, flags=re.M).replace("sudo ", "")
    script = re.sub(r"\./dist/\S+\.deb", "--allow-downgrades /dist/yodel.deb", script)
    often = "sed -i 's/_interval: 15s/_interval: 1s/; s/timeout: 10s/timeout: 1s/' /etc/prometheus/prometheus.yml"
    script = script.replace("systemctl restart prometheus", often + "\nsystemctl restart prometheus")
    return script.replace("systemctl status", "systemctl --no-pager status")


def query(machine, expression):
    """The values that Prometheus has for an expression; none before it answers."""
    asked = machine.run(f"curl -fsS -G http://127.0.0.1:9090/api/v1/query -d 'query={expression}'", check=False).stdout
    return [float(result["value"][1]) for result in json.loads(asked)["data"]["result"]] if asked else []


@pytest.fixture
def as_it_was(machine):
    """What the commands of the documentation do to the machine is taken back, where the package's removal would not."""
    machine.run("mkdir /run/kept && cp -a /etc/prometheus /etc/group* /etc/gshadow* /run/kept")
    yield
    machine.run("systemctl stop prometheus; find /var/lib/prometheus/metrics2 -mindepth 1 -delete")
    machine.run("rm -r /etc/prometheus /etc/group* /etc/gshadow* /etc/yodel; cp -a /run/kept/. /etc; rm -r /run/kept")


def test_the_commands_of_the_documentation_work(machine, as_it_was):
    for document in DOCUMENTS:
        for script in filter(is_for_a_machine, blocks(document)):
            machine.run("set -eu -o pipefail; cd /\n" + as_run_here(script))
            assert machine.out("systemctl is-active yodel") == "active"
            if "restart prometheus" in script:
                wait_until(lambda: query(machine, 'up{job="yodel"}') == [1], "Prometheus sees the gateway")
                wait_until(lambda: query(machine, "probe_success") == [1], "Prometheus probes the echo server")
                assert "YodelDown" in machine.out("curl -sS http://127.0.0.1:9090/api/v1/rules")
    machine.run("rm /etc/systemd/system/yodel.service.d/tls.conf && sed -i 's/^YODEL_TLS/#&/' /etc/default/yodel")
    machine.run("systemctl daemon-reload && systemctl restart yodel")
    assert machine.run("systemctl is-active yodel-udp.socket", check=False).stdout == "inactive\n", "it was disabled"
    token = machine.out("cat /etc/yodel-token")
    address = machine.run("curl -sS http://127.0.0.1:8080/api/messages -d x -o /dev/null -w '%{http_code}'").stdout
    assert address == "401" and len(token) == 64
    information = json.loads(machine.out(f"curl -sS -H 'Authorization: Bearer {token}' http://127.0.0.1:8080/api/info"))
    assert information["http"] == [{"address": "0.0.0.0", "port": 8080}]
    assert information["limits"]["default_timeout_ms"] == 1234, "set before by another test"
    machine.run("rm -r /etc/yodel-token /etc/systemd/system/yodel*.d && systemctl daemon-reload")
    machine.run("systemctl restart yodel-http.socket && systemctl restart yodel")
    assert is_answered(machine.out(SEND))


def test_removal_leaves_the_settings_and_nothing_that_runs(machine):
    machine.run("apt-get remove -y yodel")
    assert machine.run("ss -Hltun 'sport = :8080 or sport = :9999'").stdout == ""
    assert machine.run("grep -x yodel /proc/[0-9]*/comm", check=False).stdout == ""
    assert "YODEL_TIMEOUT_MS=1234" in machine.out("cat /etc/default/yodel")
    assert machine.run("command -v yodel", check=False).returncode != 0


def test_a_purge_leaves_nothing(machine):
    machine.run("apt-get purge -y yodel")
    assert machine.files() ^ machine.untouched == set()
    assert machine.run("systemctl list-unit-files 'yodel*' --no-legend --no-pager", check=False).stdout == ""
