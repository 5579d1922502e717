"""What make installs where it is missing, by an apt-get that only writes down what it is asked for."""

import os
import shutil
import subprocess

import pytest

from support.child import ROOT

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
