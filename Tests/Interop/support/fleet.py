"""Hosts as network namespaces, joined by a bridge, with the programs of Packaging/fleet on them."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading

from .child import ROOT, Child, Lines, clean_environment, yodel_binary
from .namespace import LoopbackNamespace
from .waiting import wait_until

FOLDER = ROOT / "Packaging/fleet"
README = (FOLDER / "README.md").read_text()
PROXY, CLIENT = "10.77.0.1", "10.77.0.2"
GATEWAYS = ("10.77.0.11", "10.77.0.12", "10.77.0.13")
ECHOES = ("10.77.0.21", "10.77.0.22")
# Where Debian's packages put these, and where make need-test unpacks them.
NGINX, MODULE = "usr/sbin/nginx", "usr/lib/nginx/modules/ngx_stream_module.so"


def nginx_root():
    """The tree that has nginx with its stream module; None where there is none."""
    trees = (pathlib.Path("/"), ROOT / ".build/nginx")
    return next((tree for tree in trees if (tree / NGINX).exists() and (tree / MODULE).exists()), None)


def blocks():
    """The README's commands: the lines of each block."""
    found = re.findall(r"```sh\n(.*?)\n *```", README, re.S)
    return [re.sub(r"^  ", "", block, flags=re.M) if block.startswith("  ") else block for block in found]


def block(mention):
    """The one block that mentions something."""
    (found,) = [text for text in blocks() if mention in text]
    return found


class Host(LoopbackNamespace):
    """A host with an address on the fleet's network."""

    def __init__(self, switch, address, *more):
        super().__init__()
        self.address = address
        port = f"h{address.rsplit('.', 1)[1]}"
        self._port = (switch, port)
        holder = self._holder.pid
        switch.do(f"ip link add {port} type veth peer name eth0 netns {holder}")
        switch.do(f"ip link set {port} master bridge up")
        for each in (address, *more):
            self.do(f"ip addr add {each}/24 dev eth0")
        self.do("ip link set eth0 up")

    def do(self, words):
        subprocess.run([*self.prefix, "sh", "-c", words], check=True, timeout=30, capture_output=True)

    def cut_off(self):
        """Unplug the cable: nothing arrives, and nobody is told."""
        switch, port = self._port
        switch.do(f"ip link set {port} down")

    def plug_in(self):
        switch, port = self._port
        switch.do(f"ip link set {port} up")


class Switch(LoopbackNamespace):
    """What hosts are plugged into."""

    setup = "ip link add bridge type bridge && ip link set bridge up"

    do = Host.do


class Fleet:
    """All hosts, each with what the README has it run, from one folder that stands for every host's."""

    def __init__(self, folder):
        self._ends = contextlib.ExitStack()
        try:
            self._start(folder)
        except BaseException:
            self._ends.close()
            raise

    def _start(self, folder):
        self.folder = folder / "fleet"
        shutil.copytree(FOLDER, self.folder)
        self._have_programs(folder / "bin")
        switch = self._own(Switch())
        self.proxy = self._own(Host(switch, PROXY))
        self.client = self._own(Host(switch, CLIENT, *(f"10.77.0.{number}" for number in range(3, 10))))
        self.hosts = {address: self._own(Host(switch, address)) for address in (*GATEWAYS, *ECHOES)}
        self.run(self.proxy, block("openssl rand"))
        self.token = (self.folder / "token").read_text().strip()
        self.services = {}
        self._ends.callback(self._end_services)
        for address in self.hosts:
            self.start(address)
        self._answer_ssh()
        for address in self.hosts:
            self.wait_for(address)
        self.run(self.proxy, block("nginx -p"))
        self._ends.callback(self.end_nginx)

    def _own(self, made):
        self._ends.callback(made.close)
        return made

    def _have_programs(self, folder):
        """`yodel`, `nginx` and `ssh` as the commands call them."""
        folder.mkdir()
        (folder / "yodel").symlink_to(yodel_binary())
        tree = nginx_root()
        if tree != pathlib.Path("/"):
            (folder / "nginx").symlink_to(tree / NGINX)
            config = self.folder / "nginx.conf"
            config.write_text(config.read_text().replace("/" + MODULE, str(tree / MODULE)))
        self._ssh = folder / "ssh.socket"
        (folder / "ssh").write_text(f"#!/bin/sh\ntest \"$(echo \"$*\" | nc -N -U '{self._ssh}')\" = done\n")
        (folder / "ssh").chmod(0o755)
        self.environment = clean_environment({"PATH": f"{folder}:/usr/sbin:{os.environ['PATH']}", "SETTLE": "0.2"})

    # Commands

    def run(self, host, commands, **options):
        """Run a block of the README on a host, to its end; a command that fails fails the test."""
        words = [*host.prefix, "env", f"ADDRESS={host.address}", "bash", "-euo", "pipefail", "-c", commands]
        ended = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, **options
        )
        assert ended.returncode == 0, (commands, ended.stdout, ended.stderr)
        return ended.stdout

    def start(self, address):
        """Start what a host serves, as the README says."""
        host = self.hosts[address]
        command = block("yodel serve" if address in GATEWAYS else "yodel echo")
        words = [*host.prefix, "env", f"ADDRESS={address}", "bash", "-c", "exec " + command]
        self.services[address] = subprocess.Popen(
            words, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.services[address].log = Lines(self.services[address].stderr)

    def wait_for(self, address):
        """Wait until a host's service answers."""
        ask = f"yodel healthcheck http://{address}:8080" if address in GATEWAYS else f"yodel ping -c 1 {address}:9999"

        def answers():
            words = [*self.proxy.prefix, *ask.split()]
            return subprocess.run(words, env=self.environment, capture_output=True, timeout=30).returncode == 0

        wait_until(answers, f"{address} answers", pause=0.1)

    def end(self, address):
        """End a service with SIGTERM; it must end as it should."""
        self.services[address].terminate()
        assert self.services[address].wait(30) == 0

    def kill(self, address):
        self.services[address].kill()
        self.services[address].wait()

    def _end_services(self):
        for service in self.services.values():
            service.kill()
            service.wait()

    def _answer_ssh(self):
        """Do what `ssh HOST systemctl restart …` would do, and `… stop …`."""
        self.restarted = []
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._ssh))
        listener.listen()
        self._ends.callback(listener.close)
        threading.Thread(target=self._serve_ssh, args=(listener,), daemon=True).start()

    def _serve_ssh(self, listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, connection.makefile("rw") as stream:
                    address, *command = stream.readline().split()
                    self.end(address)
                    if command[1] == "restart":
                        self.start(address)
                        self.restarted.append((address, command[2]))
                    stream.write("done")

    def end_nginx(self):
        pid = int((self.folder / "nginx.pid").read_text())
        self.run(self.proxy, "nginx -p . -c nginx.conf -s stop")
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "nginx has ended")

    def close(self):
        self._ends.close()
