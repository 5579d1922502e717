"""What make installs where it is missing, by an apt-get that only writes down what it is asked for; and make run."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from support.child import ROOT, Child

# All that make and its recipe run; neither git nor pkg-config is among it.
TOOLS = ("bash", "env", "find", "id", "make")


@pytest.fixture
def bare_machine(tmp_path):
    """Runs make in a mount namespace without headers; returns what it said, and what apt-get was asked for."""
    if subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may make no mount namespace")
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool))
    asked = tmp_path / "asked"
    apt = tmp_path / "apt-get"
    apt.write_text(f'#!{shutil.which("bash")}\necho "$*" >> {asked}\n')
    apt.chmod(0o755)

    def make(goal):
        script = f"mount -t tmpfs none /usr/include && PATH={tmp_path} exec make --no-print-directory {goal}"
        done = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines(), asked.read_text().splitlines()

    return make


def test_what_the_program_is_built_with_is_installed_and_said(bare_machine):
    said, asked = bare_machine("need-build")
    packages = [["git", "ca-certificates"], ["pkg-config"], ["libmicrohttpd-dev"], ["zlib1g-dev"]]
    assert said == [f"installing {' '.join(names)} (Debian packages)" for names in packages]
    assert asked[::2] == ["update -qq"] * 4
    assert [line.split()[1:] for line in asked[1::2]] == [["-y", "-qq", *names] for names in packages]


def test_nothing_is_asked_for_that_is_there(bare_machine, tmp_path):
    for tool in ("git", "pkg-config"):
        (tmp_path / tool).symlink_to(shutil.which("true"))
    said, _ = bare_machine("need-build")
    assert said == [f"installing {name} (Debian packages)" for name in ("libmicrohttpd-dev", "zlib1g-dev")]


def run_lines():
    """What the documents' lines pass to the program that they start; those with files have tests of their own."""
    text = (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    options = {given or "" for given in re.findall(r'^(?:\$ )?make run(?: ARGS="(.*)")?', text, re.M)}
    return sorted(given for given in options if "token" not in given and "--tls" not in given)


def test_there_are_lines_that_start_it():
    assert run_lines()[0] == "" and len(run_lines()) > 1


@pytest.mark.parametrize("options", run_lines())
def test_make_run_starts_the_program_with_its_options(own, options):
    planned = subprocess.run(["make", "-n", "run"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    if "swift build" in planned.stdout:
        pytest.skip("the program that make runs is not built: make build")
    free = "--http 127.0.0.1:0" + ("" if "--no-echo" in options else " --udp 127.0.0.1:0")
    make = own(Child, ["make", "run", f"ARGS={options} {free}"])
    said = make.out.wait_for(lambda line: line.startswith("Try: "))
    assert said, make.err.so_far()
    (program,) = children(make.pid)
    # Make ends as the program does, which is told to.
    os.kill(program, signal.SIGTERM)
    assert make.exit_code() == 0


def children(pid):
    """The processes that a process has started and not yet buried."""
    with open(f"/proc/{pid}/task/{pid}/children") as told:
        return [int(number) for number in told.read().split()]
