"""What a service manager does for `yodel serve`: it listens to how it is (sd_notify), and opens sockets for it."""

import contextlib
import ctypes
import os
import socket

from .child import Child, yodel_binary
from .gateway import Gateway
from .waiting import PATIENCE

SEIZE, INTERRUPT, DETACH, WAIT_FOR_THREADS = 0x4206, 0x4207, 17, 0x40000000


class NotifySocket:
    """The manager's end: a datagram socket, and the messages as they come, with the time of their arrival."""

    def __init__(self, folder=None):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # Without a folder it has a name that is in no file system.
        self._socket.bind(f"{folder}/notify" if folder else "")
        name = self._socket.getsockname()
        self.address = name if folder else "@" + name.removeprefix(b"\0").decode()

    def close(self):
        self._socket.close()

    def next(self, timeout=PATIENCE):
        """The next message as a dict; None where there is none in time."""
        self._socket.settimeout(timeout)
        try:
            text = self._socket.recv(4096).decode()
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in text.split("\n"))

    def queued(self):
        """What has come and was not looked at."""
        messages = []
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(self._socket.recv(4096).decode())
        return messages


class ActivatedGateway(Gateway):
    """A gateway with sockets that are opened already, as descriptors 3 and up in the order given."""

    def __init__(self, *options, sockets=(), names=None, environment=None, prefix=()):
        variables = {"LISTEN_FDS": str(len(sockets)), **({"LISTEN_FDNAMES": names} if names is not None else {})}
        # The shell puts each where it belongs; above all that may be in the way first.
        numbers = [made.fileno() for made in sockets]
        moves = " ".join(f"{100 + index}<&{number}" for index, number in enumerate(numbers))
        places = " ".join(f"{3 + index}<&{100 + index} {100 + index}<&-" for index in range(len(numbers)))
        script = f'export LISTEN_PID=$$ WATCHDOG_PID=$$; exec {moves}; exec {places}; exec "$@"'
        Child.__init__(
            self,
            [*prefix, "bash", "-c", script, "bash", yodel_binary(), "serve", *options],
            {**variables, **(environment or {})},
            pass_fds=numbers,
        )
        try:
            self._read_addresses()
        except BaseException:
            self.kill()
            raise


def _threads(pid, name):
    """The threads of a process with that name."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as comm:
            if comm.read().strip() == name:
                yield int(thread)


@contextlib.contextmanager
def held_thread(pid, name):
    """One thread of a child stands still, the others go on: as a debugger does it (ptrace(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    (thread,) = _threads(pid, name)

    def ptrace(request):
        if libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")

    ptrace(SEIZE)
    ptrace(INTERRUPT)
    os.waitpid(thread, WAIT_FOR_THREADS)
    try:
        yield
    finally:
        ptrace(DETACH)
