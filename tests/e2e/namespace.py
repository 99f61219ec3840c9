"""A network namespace of a test's own: for what only root may do, and for routing that is nobody
else's. Sockets of the test's own are made in it by a thread that enters it for the moment
(`Namespace.inside`); they stay there."""

import contextlib
import ctypes
import os
import shutil
import subprocess

import pytest

from node import until

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """Loopback is up in it; there is nothing else."""

    def __init__(self):
        if os.geteuid() != 0:
            pytest.skip("a network namespace needs root")
        for program in ("unshare", "nsenter", "ip"):
            if not shutil.which(program):
                pytest.skip(f"{program} is not installed")
        self.process = subprocess.Popen(
            ["unshare", "-n", "sh", "-c", "echo there; exec sleep 3600"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if self.process.stdout.readline() != b"there\n":
            self.process.wait()
            self.process.stdout.close()
            pytest.skip("network namespaces are not to be had here")
        self.path = f"/proc/{self.process.pid}/ns/net"
        self.command = ["nsenter", f"--net={self.path}"]
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments):
        done = subprocess.run([*self.command, "ip", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"

    def possible(self, *arguments):
        return subprocess.run([*self.command, "ip", *arguments],
                              capture_output=True).returncode == 0

    @contextlib.contextmanager
    def inside(self):
        """This thread, and those that it starts."""
        with open("/proc/thread-self/ns/net", "rb") as home, open(self.path, "rb") as there:
            enter(there.fileno())
            try:
                yield
            finally:
                enter(home.fileno())

    def cable(self, other, mine, theirs, name="wire"):
        """A cable to another namespace, with an address (and prefix) at each end; the devices
        have that name."""
        self.ip("link", "add", name, "type", "veth", "peer", "name", name, "netns",
                str(other.process.pid))
        for end, address in ((self, mine), (other, theirs)):
            end.ip("addr", "add", address, "dev", name, "nodad")
            end.ip("link", "set", name, "up")
        until(
            lambda: "state UP" in subprocess.run([*self.command, "ip", "link", "show", name],
                                                 capture_output=True, text=True).stdout,
            "the cable is up")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
