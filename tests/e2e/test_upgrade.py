"""Another process takes over from a running node (SIGUSR2)."""

import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

import pytest

import services
from node import free_port, until
from test_failover import hanging, make_sites  # noqa: F401, the fixture
from test_reload import Load, echoes, works


class Successor:
    """What a Node has of a process that it did not start: it is nobody's child, so its end is
    seen in /proc."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        try:
            state = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return 0
        return 0 if state in "ZX" else None

    def wait(self, timeout=20):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.005)
        return 0

    def kill(self):
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Predecessor:
    """The process that was replaced."""

    def __init__(self, node):
        self.node, self.process = node, node.process

    def poll(self):
        return self.process.poll()

    def wait(self, timeout):
        status = self.process.wait(timeout)
        self.node.mark = self.node.position()  # what the log says from here on is of the new one
        return status


def upgrade(node):
    """Returns the old process; the node stands for the new one from then on."""
    since, old = node.position(), Predecessor(node)
    node.signal(signal.SIGUSR2)
    pid = int(node.wait("upgrade_done", since=since)["pid"])
    node.process = Successor(pid)
    return old


def all_end(pair, opened, olds):
    """The connections cleanly, and with them the processes that were replaced."""
    for s in opened:
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
        s.close()
    for old in olds:
        assert old.wait(10) == 0
    for node in (pair.hq, pair.store):
        assert not node.events("session_lost")


class Running:
    """A program that runs beside, and what it says in the end."""

    def __init__(self, process):
        self.process = process

    def result(self):
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, out[-2000:]
        return out

    def close(self):
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize("side", ["store", "hq"])
def test_streams_finish_with_the_old_one(pair, side):
    node = getattr(pair, side)
    with pair.connect() as s:
        assert echoes(s)
        at_hq, at_store = pair.hq.position(), pair.store.position()
        old = upgrade(node)
        pair.up(at_hq, at_store)
        for _ in range(5):
            assert works(pair.route)
            assert echoes(s), "the new process's link does not cut what the old one has"
        assert old.poll() is None
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
    assert old.wait(10) == 0
    assert works(pair.route)
    node.cli("status")


@pytest.mark.parametrize("side", ["store", "hq"])
def test_nobody_is_refused(sanitized, pair, closing, side):
    """Five in a row, under load: not one of many short connections fails."""
    node = getattr(pair, side)
    load = closing.add(Load(pair.route, long=0, short=4))
    until(lambda: load.rounds > 50, "the load runs")
    for _ in range(2 if sanitized else 5):
        old = upgrade(node)
        assert old.wait(20) == 0
        before = load.rounds
        until(lambda: load.rounds > before + 50, "the load goes on with the new process")
    load.close()
    assert not load.failures


def away(pair):
    """The link is lost, and does not come back before relay.resume()."""
    pair.relay.stall()
    at_store, at_hq = pair.store.position(), pair.hq.position()
    pair.relay.cut()
    pair.store.wait("link_down", since=at_store)
    pair.hq.wait("link_down", since=at_hq)


def both_ways(make_pair, closing, **options):
    """hq has a route to store too, and cannot dial; returns the pair and the addresses of both
    routes."""
    target = closing.add(services.Echo())
    pair = make_pair(start=False, relay=True, **options)
    back = f"127.0.0.1:{free_port()}"
    pair.hq.set("route back", listen=back, peer="store", service="back")
    pair.store.set("service back", connect=target.address, allow="hq")
    pair.start()
    return pair, {"store": pair.route, "hq": back}


@pytest.mark.parametrize("link", ["shared", "own"])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("side", ["store", "hq"])
def test_who_waits_is_served_by_the_new_one(make_pair, closing, side, times, link):
    """The link is away when the node upgrades, also twice in a row: clients that wait for it,
    whichever side dials, what they have said, and that they have said all, go to the new
    process, and the old one has no reason to stay."""
    if link == "own" and side == "hq":
        pytest.skip("hq does not dial")
    pair, routes = both_ways(make_pair, closing, route={"link": link})
    away(pair)
    node = getattr(pair, side)
    with services.connect(routes[side]) as s, services.connect(
            routes[side]) as silent, services.connect(routes[side]) as ended:
        s.sendall(b"said before")
        ended.sendall(b"x" * 10000)
        ended.shutdown(socket.SHUT_WR)
        since = node.position()
        for _ in range(times):
            old = upgrade(node)
            assert old.wait(10) == 0
        pair.relay.resume()
        assert services.receive(s, 11) == b"said before"
        assert services.receive_all(ended) == b"x" * 10000
        assert echoes(s) and echoes(silent)
    assert not node.events("connection_refused", since=since)


@pytest.mark.parametrize("size", [100_000, 200_000])
def test_who_waits_and_has_said_much(make_sites, closing, size):  # noqa: F811
    """The first peer has refused it, the second one is not there: all that it has said goes to
    the new process."""
    sites = make_sites(peer={"connect": "demand"})
    sites.sites[0].set("service echo", connect=hanging(closing), connect_timeout="500ms")
    sites.sites[0].start(), sites.store.start()
    said = random.randbytes(size)
    with services.connect(sites.route) as s:
        s.sendall(said)
        sites.store.wait("connection_moved", to="site1")
        assert upgrade(sites.store).wait(10) == 0
        sites.sites[1].start()
        assert services.receive(s, 1 + size) == b"1" + said
    assert not sites.store.events("connection_refused")


def test_an_upgrade_right_after_another(sanitized, pair, closing):
    """The first new process has hardly begun: it has no link yet, and connections that wait for
    one."""
    load = closing.add(Load(pair.route, long=0, short=4))
    until(lambda: load.rounds > 50, "the load runs")
    for _ in range(2 if sanitized else 5):
        olds = [upgrade(pair.store), upgrade(pair.store)]
        for old in olds:
            assert old.wait(20) == 0
        before = load.rounds
        until(lambda: load.rounds > before + 50, "the load goes on with the new process")
    load.close()
    assert not load.failures


def test_a_route_that_the_new_one_does_not_have(make_pair, closing):
    pair, _ = both_ways(make_pair, closing)
    away(pair)
    with pair.connect() as s:
        s.sendall(b"?")
        pair.store.set("route other", **pair.store.sections.pop("route echo")).write()
        since = pair.store.position()
        old = upgrade(pair.store)
        assert services.is_reset(s)
        assert "does not have" in pair.store.wait("connection_refused", since=since,
                                                  route="echo")["reason"]
        assert old.wait(10) == 0
    pair.relay.resume()


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("side", ["store", "hq"])
def test_the_link_is_away_meanwhile(make_pair, closing, side, times):
    """Connections that the old process has go on when the peer is back: it dials for them; or
    the peer calls, and reaches the new one, which finds out for whom that is. Connections of
    each process between three upgrades too."""
    pair, routes = both_ways(make_pair, closing, node={"drain": "60s"})
    node = getattr(pair, side)
    opened, olds = [], []
    for _ in range(times):
        opened += [services.connect(routes[name]) for name in ("store", "hq")]
        for s in opened:
            assert echoes(s)
        away(pair)
        olds.append(upgrade(node))
        pair.relay.resume()
        for s in opened:
            assert echoes(s), node.text()[-6000:]
    all_end(pair, opened, olds)
    assert works(routes["store"]) and works(routes["hq"])


def test_a_session_that_no_process_knows(make_pair, closing):
    """The old one has ended when the peer is back: it is told so, and its connections are reset."""
    pair, routes = both_ways(make_pair, closing, node={"drain": "1s"})
    with pair.connect() as s:
        assert echoes(s)
        away(pair)
        old = upgrade(pair.hq)
        assert old.wait(10) == 0
        pair.relay.resume()
        assert services.is_reset(s)
    assert works(routes["store"]) and works(routes["hq"])


@pytest.mark.heavy
@pytest.mark.parametrize("side", ["store", "hq"])
def test_under_wrk_and_curl(make_pair, nginx, closing, side):
    """Connections kept alive, new ones for each request, and slow downloads, which the old
    process finishes: no error in any."""
    pair = make_pair(nginx.address)
    node, url = getattr(pair, side), f"http://127.0.0.1:{pair.port}"

    def start(*command):
        return closing.add(
            Running(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)))

    loads = [
        start("wrk", "-t1", "-c8", "-d8s", *headers, url + "/small")
        for headers in ([], ["-H", "Connection: close"])
    ]
    downloads = [
        start("curl", "-sS", "--max-time", "60", "--limit-rate", "2M", url + "/large")
        for _ in range(3)
    ]
    until(lambda: len(pair.hq.events("connection_closed")) > 100, "the loads run")
    olds = []
    for _ in range(2):
        olds.append(upgrade(node))
        downloads.append(
            start("curl", "-sS", "--max-time", "60", "--limit-rate", "4M", url + "/large"))
        since = pair.hq.position()
        until(lambda: len(pair.hq.events("connection_closed", since=since)) > 100,
              "the loads go on")
    for download in downloads:
        assert download.result() == nginx.large
    for load in loads:
        out = load.result().decode()
        assert int(re.search(r"(\d+) requests in", out)[1]) > 100, out
        assert "Socket errors" not in out and "Non-2xx" not in out, out
    for old in olds:  # in whatever order they end
        assert old.wait(30) == 0


def test_unix_sockets_and_a_new_configuration(pair, folder):
    """The path stays; what needs a restart counts; ports that are new are opened, others closed."""
    path, more = str(folder / "r.sock"), f"127.0.0.1:{free_port()}"
    pair.store.set("route echo", listen=f"{pair.route}, {path}")
    pair.store.write()
    pair.store.cli("reload")
    assert works(path)
    pair.store.set("node", name="another", log_format="json")
    pair.store.set("route echo", listen=f"{path}, {more}")
    pair.store.write()
    at_hq = pair.hq.position()
    old = upgrade(pair.store)
    assert old.wait(10) == 0
    assert works(path) and works(more)
    with pytest.raises(ConnectionRefusedError):
        pair.connect()
    assert pair.hq.wait("link_up", since=at_hq)["name"] == "another"
    assert pair.store.wait("inherited_unused", since=0)
    pair.store.stop()
    assert not os.path.exists(path)


def exchangeable(pair, folder, command):
    """Starts the pair, store from a path of its own; returns that."""
    program = folder / "secureconn"
    program.symlink_to(command[-1])
    pair.store.command = [*command[:-1], program]
    pair.start()
    return program


def begin_in_vain(pair, program):
    """Begins an upgrade to a program that is never ready; returns its process."""
    program.unlink()
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    program.chmod(0o755)
    pair.store.signal(signal.SIGUSR2)
    return int(pair.store.wait("upgrade_begin")["pid"])


@pytest.mark.parametrize("what", ["configuration", "program"])
def test_a_new_one_that_fails_changes_nothing(make_pair, folder, command, what):
    pair = make_pair(start=False)
    program = exchangeable(pair, folder, command)
    with pair.connect() as s:
        assert echoes(s)
        if what == "configuration":
            pair.store.set("route echo", peer="nobody").write()
        else:
            program.unlink()
            program.symlink_to("/bin/false")
        pair.store.signal(signal.SIGUSR2)
        failed = pair.store.wait("upgrade_failed")
        assert ("status 2" if what == "configuration" else "status 1") in failed["reason"]
        assert echoes(s) and works(pair.route)
        program.unlink()
        program.symlink_to(command[-1])
        pair.store.set("route echo", peer="hq").write()
        old = upgrade(pair.store)
        assert echoes(s) and works(pair.route)
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
    assert old.wait(10) == 0


def test_sigterm_while_the_new_one_is_not_ready(make_pair, folder, command):
    pair = make_pair(start=False)
    program = exchangeable(pair, folder, command)
    child = begin_in_vain(pair, program)
    pair.store.signal(signal.SIGUSR2)
    assert pair.store.wait("upgrade_ignored")["reason"] == "one is under way"
    pair.store.signal(signal.SIGHUP)
    pair.store.wait("reload_ignored")
    assert works(pair.route)
    pair.store.signal(signal.SIGTERM)
    assert pair.store.ended(10) == 0
    until(lambda: Successor(child).poll() is not None, "the new one is gone too")


@pytest.mark.heavy
def test_a_new_one_that_is_never_ready(make_pair, folder, command):
    """After half a minute it is ended, and nothing is left of it; another one may come."""
    pair = make_pair(start=False)
    program = exchangeable(pair, folder, command)
    child = begin_in_vain(pair, program)
    assert "not ready in time" in pair.store.wait("upgrade_failed", deadline=60)["reason"]
    assert works(pair.route)
    until(lambda: not os.path.exists(f"/proc/{child}"), "the new one is gone, and waited for")
    program.unlink()
    program.symlink_to(command[-1])
    old = upgrade(pair.store)
    assert works(pair.route)
    assert old.wait(10) == 0


def test_arguments_without_end(make_pair):
    """The new process cannot be given what the old one has not room to read."""
    pair = make_pair(start=False)
    # the -c that follows counts
    pair.store.command = [*pair.store.command, "-c", "/" + "./" * 2040]
    pair.start()
    pair.store.signal(signal.SIGUSR2)
    assert "argument list too long" in pair.store.wait("upgrade_failed")["reason"]
    assert works(pair.route)


def test_a_variable_of_somebody_else(make_pair):
    """Only the parent process's word counts, and nothing in it does any harm."""
    pair = make_pair(start=False)
    for text in ("1 1 " + "00" * 16, f"{os.getpid()} 9999 " + "00" * 16,
                 f"{os.getpid()} 1 " + "00" * 15, f"{os.getpid()} -1 x", "", "x" * 5000):
        pair.store.env["SECURECONN_UPGRADE"] = text
        pair.store.start()
        pair.store.stop()
