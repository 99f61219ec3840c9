"""A service manager in front of a node: sockets that it has opened, and what it is told."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

import services
from node import free_port, until

UNIT = pathlib.Path(__file__).parents[2] / "contrib/systemd/secureconn.service"


class Manager:
    """The socket that NOTIFY_SOCKET names."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = str(folder / "notify")
        self.socket.bind(self.path)
        self.socket.settimeout(20)

    def told(self):
        """The next message, as a dictionary."""
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def nothing(self):
        self.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            self.socket.recv(4096)
        self.socket.settimeout(20)

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(folder, closing):
    return closing.add(Manager(folder))


def test_ready_and_stopping(make_pair, manager):
    pair = make_pair(start=False)
    pair.store.env["NOTIFY_SOCKET"] = manager.path
    pair.start()
    assert manager.told()["READY"] == "1"
    manager.nothing()
    pair.store.signal(signal.SIGTERM)
    assert manager.told()["STOPPING"] == "1"
    assert pair.store.ended(10) == 0


def test_not_ready_when_it_cannot_start(make_pair, manager):
    pair = make_pair(start=False)
    pair.store.env["NOTIFY_SOCKET"] = manager.path
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        pair.store.set("route echo", listen="127.0.0.1:%d" % taken.getsockname()[1])
        pair.store.write()
        pair.store.cli("run", check=1, timeout=10)
    manager.nothing()


def activated(node, listeners, pid="$$"):
    """Starts the node with these descriptors from 3 on, as systemd does."""
    node.write()
    node.mark = node.position() if node.log.exists() else 0
    program = [str(part) for part in node.command]
    moves = " ".join(f"{3 + i}<&{s.fileno()}" for i, s in enumerate(listeners))
    script = f'exec {moves}; export LISTEN_PID={pid} LISTEN_FDS={len(listeners)}; exec "$@"'
    with open(node.log, "ab") as log:
        node.process = subprocess.Popen(
            ["bash", "-c", script, "-", *program, "-c",
             str(node.ini), "run"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=node.env,
            pass_fds=[s.fileno() for s in listeners])


def high(listener):
    """Moves a descriptor out of the way of those that the shell is about to set."""
    import fcntl
    moved = socket.socket(fileno=fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD, 50))
    listener.close()
    return moved


def test_sockets_of_the_manager(make_pair, folder, closing):
    """The manager holds the ports: who connects before the node is there is served, and the
    sockets stay when it goes."""
    pair = make_pair(start=False)
    path = str(folder / "route.sock")
    pair.store.set("route echo", listen=f"{pair.route}, {path}")
    pair.hq.start()
    tcp = closing.add(high(socket.create_server(("127.0.0.1", pair.port))))
    local = socket.socket(socket.AF_UNIX)
    local.bind(path)
    local.listen(5)
    local = closing.add(high(local))
    foreign = closing.add(high(socket.create_server(("127.0.0.1", 0))))
    with pair.connect() as early:
        early.sendall(b"early")
        activated(pair.store, [tcp, local, foreign])
        pair.store.wait("node_ready", since=pair.store.mark)
        assert services.receive(early, 5) == b"early"
    assert pair.store.events("inherited_unused", address="127.0.0.1:%d" % foreign.getsockname()[1])
    for address in (pair.route, path):
        with services.connect(address) as s:
            s.sendall(b"x")
            assert services.receive(s, 1) == b"x"
    pair.store.stop()
    assert os.path.exists(path), "it is the manager's"
    with pair.connect(), services.connect(path):
        pass  # both still listen


def test_what_is_meant_for_another_process(make_pair, closing):
    """LISTEN_PID of somebody else, as a child inherits it: the descriptors are left alone."""
    pair = make_pair(start=False)
    other = closing.add(high(socket.create_server(("127.0.0.1", 0))))
    activated(pair.store, [other], pid="1")
    pair.store.wait("node_ready", since=pair.store.mark)
    assert not pair.store.events("inherited_unused")


def test_descriptors_that_are_no_listeners(make_pair, closing):
    pair = make_pair(start=False)
    a, b = socket.socketpair()
    activated(pair.store, [closing.add(high(a)), closing.add(high(b))])
    pair.store.wait("node_ready", since=pair.store.mark)
    assert len(pair.store.events("inherited_ignored")) == 2


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_unit_file(program, folder):
    """It says nothing that systemd does not know, and shuts the node in."""
    unit = folder / "secureconn.service"
    unit.write_text(
        re.sub(r"^Documentation=.*\n", "",
               UNIT.read_text().replace("/usr/local/bin/secureconn", str(program)), flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", unit],
                          capture_output=True, text=True, timeout=60)
    exposure = float(re.search(r"Overall exposure level.*: ([\d.]+)", done.stdout)[1])
    assert exposure < 2, done.stdout[-2000:]
