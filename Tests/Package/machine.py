"""A Debian machine that was just installed, with systemd as its first process and a network of its own."""

import os
import pathlib
import subprocess
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
# How long anything may take; it bounds a failure.
PATIENCE = 90


def wait_until(condition, what):
    """Wait for a condition; fail, saying `what` was awaited, when its time is over."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.1)


class Machine:
    def __init__(self, tree, packages):
        self._work = tempfile.TemporaryDirectory()
        namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc", "--cgroup"]
        self._unshare = subprocess.Popen(
            ["unshare", *namespaces, FOLDER / "boot", tree, self._work.name, packages],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._wait_until_it_runs()

    def _wait_until_it_runs(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._unshare.poll() is not None:
                raise OSError(f"the machine does not start: {self._unshare.stderr.read()}")
            self._init = self._child()
            if self._init and self._is_up():
                return
            time.sleep(0.1)
        self.close()
        raise OSError("the machine does not come up")

    def _child(self):
        pid = self._unshare.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None

    def _is_up(self):
        try:
            if os.path.basename(os.readlink(f"/proc/{self._init}/exe")) != "systemd":
                return False
        except OSError:
            return False
        state = self.run("systemctl is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def run(self, script, check=True, timeout=PATIENCE):
        """Run a script in the machine as root; its output as text."""
        done = subprocess.run(
            ["nsenter", f"--target={self._init}", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root",
             "--wd", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive",
             "LC_ALL=C.UTF-8", "bash", "-c", script],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"{script}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def out(self, script):
        """What a script prints."""
        return self.run(script).stdout.strip()

    def files(self):
        """Every file and folder that is not of a running system, with its kind; contents of /etc too."""
        kept = "-path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /dist"
        # Logs and the lists and copies of what is installed change with every package.
        kept += " -o -path /var/log -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/lib/apt"
        listing = self.out(f"find / \\( {kept} \\) -prune -o -printf '%y %p\\n' | sort")
        settings = self.out("cd /etc && find . -type f -exec md5sum {} + | sort -k2")
        return set(listing.splitlines()) | set(settings.splitlines())

    def show(self, unit, name):
        return self.out(f"systemctl show --value -p {name} {unit}")

    def close(self):
        self._unshare.kill()
        self._unshare.wait()
        self._unshare.stderr.close()
        self._work.cleanup()
