"""A configuration that changes under a running node: what goes on, what ends, what begins; and
what never does."""

import json
import random
import signal
import socket
import threading
import time

import pytest

import services
from node import DEADLINE, free_port, until
from relay import reset


def works(address):
    with services.connect(address) as s:
        s.sendall(b"hello")
        return services.receive(s, 5) == b"hello"


def serves(address):
    """The same where it may be reset."""
    try:
        return works(address)
    except ConnectionError:
        return False


def echoes(s, text=b"still here"):
    s.sendall(text)
    return services.receive(s, len(text)) == text


def refused(address):
    """Nobody listens there."""
    try:
        services.connect(address).close()
        return False
    except (ConnectionRefusedError, FileNotFoundError):
        return True


def reload(node, event="reload_done", **match):
    """Writes the configuration and has it read; returns the event."""
    node.write()
    since = node.position()
    node.signal(signal.SIGHUP)
    found = node.wait(event, since=since, **match)
    found["since"] = since
    return found


def fresh():
    return f"127.0.0.1:{free_port()}"


# ---- routes ----

def test_a_route_comes_and_goes(pair):
    """Its connections go on until they end; the others do not notice."""
    back = fresh()
    with pair.connect() as old:
        assert echoes(old)
        pair.store.set("route more", listen=back, peer="hq", service="echo")
        done = reload(pair.store)
        assert done["changes"] == "1"
        assert pair.store.events("config_changed", since=done["since"], what="[route more]",
                                 change="came")
        pair.store.wait("route_listening", route="more")
        with services.connect(back) as new:
            assert echoes(new)
            del pair.store.sections["route more"]
            assert reload(pair.store)["changes"] == "1"
            assert refused(back)
            assert echoes(new) and echoes(old)
            new.shutdown(socket.SHUT_WR)
            assert services.receive_all(new) == b""
        closed = pair.store.wait("connection_closed", route="more")
        assert closed["reason"] == "ended"
        assert echoes(old)
    assert not pair.store.events("link_down")


def test_a_port_passes_to_another_route(pair, closing):
    """The port stays open: who connects meanwhile is never refused, and reaches the one or the
    other."""
    other = closing.add(services.Server(lambda s: s.sendall(b"other")))
    pair.hq.set("service other", connect=other.address, allow="store")
    reload(pair.hq)
    stop, failures, seen = threading.Event(), [], set()

    def keep_connecting():
        while not stop.is_set():
            try:
                with services.connect(pair.route) as s:
                    s.sendall(b"hello")
                    seen.add(services.receive(s, 5))
            except OSError as e:
                failures.append(e)

    client = threading.Thread(target=keep_connecting)
    client.start()
    try:
        route = pair.store.sections.pop("route echo")
        pair.store.set("route other", **{**route, "service": "other"})
        reload(pair.store)
        assert pair.store.wait("route_listening", route="other")["address"] == pair.route
        until(lambda: b"other" in seen, "the new route is used")
        pair.store.sections.pop("route other")
        pair.store.set("route echo", **route)
        seen.clear()
        reload(pair.store)
        until(lambda: b"hello" in seen, "the old one again")
    finally:
        stop.set()
        client.join()
    assert not failures
    assert not pair.store.events("port_closed")


def test_addresses_of_a_route(pair, folder):
    path = str(folder / "r.sock")
    more = fresh()
    pair.store.set("route echo", listen=f"{pair.route}, {more}, {path}")
    reload(pair.store)
    assert works(pair.route) and works(more) and works(path)
    pair.store.set("route echo", listen=more)
    reload(pair.store)
    assert works(more) and refused(pair.route) and refused(path)
    pair.store.set("route echo", listen=pair.route)
    reload(pair.store)
    assert works(pair.route) and refused(more)


def test_from_one_address_to_all_and_back(pair):
    """127.0.0.1:port and 0.0.0.0:port cannot be open beside each other, unless by the same
    program."""
    port = pair.port
    pair.store.set("route echo", listen=f"0.0.0.0:{port}", plaintext="allow")
    reload(pair.store)
    pair.store.wait("route_listening", address=f"0.0.0.0:{port}")
    assert works(f"127.0.0.1:{port}") and works(f"127.0.0.2:{port}")
    pair.store.set("route echo", listen=f"127.0.0.1:{port}", plaintext=None)
    reload(pair.store)
    assert works(f"127.0.0.1:{port}") and refused(f"127.0.0.2:{port}")
    # Nothing of that leaves the port open to another program.
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError):
            s.bind(("127.0.0.1", port))


def test_max_connections_counts_on(pair):
    """Connections that came by the route before the reload are among its connections after it."""
    with pair.connect() as a, pair.connect() as b:
        assert echoes(a) and echoes(b)
        pair.store.set("route echo", max_connections=2)
        reload(pair.store)
        assert services.gets_reset(pair.route)
        pair.store.set("route echo", max_connections=3)
        reload(pair.store)
        with pair.connect() as c:
            assert echoes(c)
            assert services.gets_reset(pair.route)
        assert echoes(a)
    until(lambda: serves(pair.route), "all have left")


# ---- what is wrong ----

@pytest.mark.parametrize("key, value, word", [
    ("lisen", "127.0.0.1:1", "listen"), ("peer", "nobody", "nobody"), ("idle", "soon", "soon")])
def test_a_broken_file_changes_nothing(pair, key, value, word):
    with pair.connect() as s:
        assert echoes(s)
        pair.store.set("route more", listen=fresh(), peer="hq")
        pair.store.set("route echo", **{key: value})
        failed = reload(pair.store, "reload_failed")
        line = pair.store.ini.read_text().splitlines().index(f"{key} = {value}") + 1
        assert f"{pair.store.ini}:{line}:" in failed["error"] and word in failed["error"]
        assert refused(pair.store.sections["route more"]["listen"])
        assert echoes(s) and works(pair.route)
        assert not pair.store.events("reload_done")


def test_names_that_only_the_program_knows(pair):
    """Algorithms are checked as at the start."""
    pair.store.set("node", symmetric="AES 256, DES")
    failed = reload(pair.store, "reload_failed")
    assert f"{pair.store.ini}:" in failed["error"] and "DES" in failed["error"]
    assert works(pair.route)


def test_an_identity_without_keys(pair):
    """With such a file the node would not start again."""
    store = pair.store
    store.set("peer other", identity="branches")
    failed = reload(store, "reload_failed")
    assert "[peer other] identity: there are no keys of \"branches\"" in failed["error"]
    assert failed["error"].endswith(f"run `secureconn -c {store.ini} init`")
    said = store.cli("reload", check=1).stderr
    assert "no keys of \"branches\"" in said
    status = json.loads(store.cli("status", "--json").stdout)
    assert "other" not in [peer["name"] for peer in status["peers"]]
    store.cli("init")
    assert "has read" in store.cli("reload").stdout
    assert works(pair.route)


def test_a_file_that_is_gone(pair):
    pair.store.ini.rename(pair.store.folder / "away")
    since = pair.store.position()
    pair.store.signal(signal.SIGHUP)
    assert str(pair.store.ini) in pair.store.wait("reload_failed", since=since)["error"]
    assert works(pair.route)
    (pair.store.folder / "away").rename(pair.store.ini)
    reload(pair.store)


def test_a_port_that_is_taken(pair):
    """Nothing changes then, not even what could."""
    first = fresh()
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        pair.store.set("route a", listen=first, peer="hq", service="echo")
        pair.store.set("route b", listen=address, peer="hq", service="echo")
        pair.store.set("route echo", max_connections=1)
        pair.store.set("node", log="debug")
        failed = reload(pair.store, "reload_failed")
        assert address in failed["error"]
        assert refused(first)
        with pair.connect() as x, pair.connect() as y:
            assert echoes(x) and echoes(y)
        assert not pair.store.events(level="debug")
    reload(pair.store)
    assert works(first) and works(address)


def test_what_needs_a_restart_is_named(pair):
    pair.store.set("node", name="another", symmetric="AES 128", drain="5s")
    done = reload(pair.store)
    assert done["changes"] == "1" and done["restart_needed"] == "2"
    lines = pair.store.ini.read_text().splitlines()
    for key, value in (("name", "another"), ("symmetric", "AES 128")):
        said = pair.store.events("restart_needed", since=done["since"], what=f"[node] {key}")
        assert len(said) == 1 and said[0]["level"] == "warning"
        assert said[0]["at"] == "%s:%d" % (pair.store.ini, lines.index(f"{key} = {value}") + 1)
    # As long as it is so, and no longer.
    assert reload(pair.store)["restart_needed"] == "2"
    assert "2 of what it says count only after a restart" in pair.store.cli("reload").stdout
    assert json.loads(pair.store.cli("reload", "--json").stdout)["restart_needed"] == 2
    pair.store.set("node", name="store", symmetric=None)
    assert reload(pair.store)["restart_needed"] == "0"
    assert "nothing in it is different" in pair.store.cli("reload").stdout


# ---- peers ----

def test_a_removed_peer_is_cut(make_pair, make_node):
    """At the side that dials and at the side that is dialed: its connections end, it is not
    dialed, and it may not call."""
    pair = make_pair()
    other = make_node("other", {"peer hq": {"address": f"127.0.0.1:{pair.peer_port}"},
                                "route echo": {"listen": fresh(), "peer": "hq"}}).init()
    pair.hq.set("peer other")
    pair.hq.set("service echo", allow="store, other")
    pair.hq.write()
    pair.hq.trust(other), other.trust(pair.hq)
    reload(pair.hq)
    other.start()
    other.wait("link_up")
    with pair.connect() as a, services.connect(other.sections["route echo"]["listen"]) as b:
        assert echoes(a) and echoes(b)
        del pair.hq.sections["peer other"]
        pair.hq.set("service echo", allow="store")
        start, at_other = time.monotonic(), other.position()
        reload(pair.hq)
        assert services.is_reset(b)
        assert time.monotonic() - start < 5
        pair.hq.wait("peer_removed", peer="other")
        assert "denied" in other.wait("link_down", since=at_other)["reason"]
        pair.hq.wait("handshake_failed", hint=lambda hint: hint and "section" in hint)
        assert echoes(a)
        pair.hq.set("peer other")
        pair.hq.set("service echo", allow="store, other")
        at_other = other.position()
        reload(pair.hq)
        other.wait("link_up", since=at_other)
        assert works(other.sections["route echo"]["listen"])
        assert echoes(a)


def test_a_peer_that_is_dialed_goes_and_comes_back(pair):
    with pair.connect() as s:
        assert echoes(s)
        peer, route = pair.store.sections.pop("peer hq"), pair.store.sections.pop("route echo")
        reload(pair.store)
        assert services.is_reset(s)
    assert refused(pair.route)
    pair.hq.wait("link_down", peer="store")
    at_hq, at_store = pair.hq.position(), pair.store.position()
    pair.store.set("peer hq", **peer)
    pair.store.set("route echo", **route)
    reload(pair.store)
    pair.up(at_hq, at_store)
    assert works(pair.route)


def test_who_waits_for_a_removed_peer(make_pair):
    pair = make_pair(start=False)
    pair.store.start()
    with pair.connect() as s:
        s.sendall(b"hello?")
        pair.store.wait("dial_failed")
        del pair.store.sections["peer hq"], pair.store.sections["route echo"]
        reload(pair.store)
        assert services.is_reset(s)
    at = pair.store.position()
    pair.hq.start()
    end = time.monotonic() + 2
    until(lambda: time.monotonic() > end, "two seconds without a dial", deadline=5)
    assert not pair.store.events("dial_failed", since=at) and not pair.hq.events("handshake_failed")


def test_another_address_of_a_peer(make_pair):
    """It was dialed in vain where it is no more; the reload says where it is."""
    pair = make_pair(start=False)
    right = pair.store.sections["peer hq"]["address"]
    pair.store.set("peer hq", address=fresh())
    pair.hq.start(), pair.store.start()
    pair.store.wait("dial_failed")
    pair.store.set("peer hq", address=right)
    start = time.monotonic()
    reload(pair.store)
    pair.up()
    assert time.monotonic() - start < 5
    assert works(pair.route)


# ---- services ----

def test_allow_ends_streams(pair):
    pair.hq.set("peer friend")
    pair.hq.set("service mine", connect=pair.target, allow="store")
    reload(pair.hq)
    front = fresh()
    pair.store.set("route mine", listen=front, peer="hq")
    reload(pair.store)
    with pair.connect() as a, services.connect(front) as b:
        assert echoes(a) and echoes(b)
        pair.hq.set("service mine", allow="friend")
        reload(pair.hq)
        assert services.is_reset(b)
        assert pair.hq.wait("connection_closed",
                            service="mine")["reason"].startswith("denied: `allow`")
        assert pair.store.wait("connection_closed", route="mine")["reason"] == "denied"
        assert services.gets_reset(front)
        assert echoes(a)
    assert not pair.hq.events("link_down")


def test_a_service_goes(pair):
    with pair.connect() as s:
        assert echoes(s)
        service = pair.hq.sections.pop("service echo")
        reload(pair.hq)
        assert services.is_reset(s)
        assert services.gets_reset(pair.route)
    pair.hq.set("service echo", **service)
    reload(pair.hq)
    assert works(pair.route)


def test_another_target(pair, closing):
    """Connections that are there stay with the old one."""
    other = closing.add(services.Server(lambda s: s.sendall(b"other")))
    with pair.connect() as old:
        assert echoes(old)
        pair.hq.set("service echo", connect=other.address)
        reload(pair.hq)
        with pair.connect() as new:
            assert services.receive(new, 5) == b"other"
        assert echoes(old)


def test_a_service_that_is_connecting_meanwhile(pair, closing):
    """The target does not answer: the attempt outlives the configuration that it was begun with."""
    silent = socket.create_server(("127.0.0.1", free_port()), backlog=0)
    closing.add(silent)
    fill = [socket.socket() for _ in range(4)]
    for s in fill:
        closing.add(s)
        s.setblocking(False)
        s.connect_ex(silent.getsockname())
    pair.hq.set("service echo", connect="127.0.0.1:%d" % silent.getsockname()[1],
                connect_timeout="3s")
    reload(pair.hq)
    with pair.connect() as a, pair.connect() as b:
        a.sendall(b"x"), b.sendall(b"x")
        end = time.monotonic() + 0.3
        until(lambda: time.monotonic() > end, "they are connecting", deadline=5)
        pair.hq.set("service echo", connect=pair.target)
        reload(pair.hq)
        assert works(pair.route)
        del pair.hq.sections["service echo"]
        reload(pair.hq)
        assert services.is_reset(a) and services.is_reset(b)


# ---- the node itself ----

def test_the_peer_port_moves(pair):
    with pair.connect() as s:
        assert echoes(s)
        port = free_port()
        pair.hq.set("node", listen=f"127.0.0.1:{port}")
        reload(pair.hq)
        assert refused(f"127.0.0.1:{pair.peer_port}")
        assert echoes(s), "the link that is up stays"
        pair.store.set("peer hq", address=f"127.0.0.1:{port}")
        reload(pair.store)
        assert echoes(s)
    pair.store.stop()
    at_hq, at_store = pair.hq.position(), pair.store.position()
    pair.store.start()
    pair.up(at_hq, at_store)
    assert works(pair.route)


def test_the_log(pair):
    pair.store.set("node", log="debug", log_format="json")
    reload(pair.store)
    since = pair.store.position()
    assert works(pair.route)
    assert pair.store.wait("connection_open", since=since)["level"] == "debug"
    assert pair.store.text(since).startswith("{")
    pair.store.set("node", log="error", log_format="text")
    pair.store.write()
    pair.store.signal(signal.SIGHUP)
    until(lambda: works(pair.route) and not pair.store.text(pair.store.position()),
          "nothing is logged any more")


def test_the_drain_that_the_reload_says(make_pair):
    pair = make_pair(store={"drain": "60s"})
    with pair.connect() as s:
        assert echoes(s)
        pair.store.set("node", drain="1s")
        reload(pair.store)
        start = time.monotonic()
        pair.store.signal(signal.SIGTERM)
        assert services.is_reset(s)
        assert pair.store.ended(10) == 0
        assert 0.8 < time.monotonic() - start < 6


def test_limits_of_callers(pair):
    """[limits] counts at once, in both directions."""
    pair.hq.set("limits", source=1, unauthenticated=2, reserved=0)
    reload(pair.hq)
    held = [socket.create_connection(("127.0.0.1", pair.peer_port)) for _ in range(3)]
    pair.hq.wait("caller_refused")
    for s in held:
        s.close()
    assert works(pair.route)


# ---- signals in odd moments ----

def test_many_signals_are_few_reloads(pair):
    since = pair.store.position()
    for _ in range(200):
        pair.store.signal(signal.SIGHUP)
    pair.store.set("route more", listen=fresh(), peer="hq", service="echo").write()
    pair.store.signal(signal.SIGHUP)
    pair.store.wait("config_changed", since=since, what="[route more]")
    assert works(pair.store.sections["route more"]["listen"])
    until(
        lambda: len(pair.store.events("reload_done", since=since)) == len(
            pair.store.events("reload_begin", since=since)), "all done")
    assert len(pair.store.events("reload_begin", since=since)) < 200


def test_sighup_while_draining(pair):
    with pair.connect() as s:
        assert echoes(s)
        pair.store.signal(signal.SIGTERM)
        pair.store.wait("drain_begin")
        pair.store.set("route more", listen=fresh(), peer="hq").write()
        pair.store.signal(signal.SIGHUP)
        assert pair.store.wait("reload_ignored")["reason"] == "the node is stopping"
        assert echoes(s)
        assert refused(pair.store.sections["route more"]["listen"])
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
    assert pair.store.ended(10) == 0


@pytest.mark.parametrize("again", [False, True])
def test_sigterm_while_reloading(pair, again):
    """In whatever moment it comes: the node drains, or stops, and ends well."""
    for i in range(8):
        if pair.store.process is None:
            pair.store.start()
        pair.store.set("route more", listen=fresh(), peer="hq").write()
        pair.store.signal(signal.SIGHUP)
        end = time.monotonic() + i * 0.004
        until(lambda: time.monotonic() >= end, "the moment", pause=0.0005)
        pair.store.signal(signal.SIGTERM)
        if again:
            pair.store.signal(signal.SIGTERM)
        assert pair.store.ended(10) == 0
        assert refused(pair.store.sections["route more"]["listen"])


# ---- very many peers ----

def others(node, numbers):
    """The other peers of the configuration are these."""
    for title in [t for t in node.sections if t.startswith("peer other-")]:
        del node.sections[title]
    for i in numbers:
        node.set(f"peer other-{i}")


def sections(node):
    """Names of the peers of the file, in their order."""
    return [title.split()[1] for title in node.sections if title.startswith("peer ")]


def shown(node):
    """The same as `status` has them, but for one that is there for the sake of workers."""
    peers = json.loads(node.cli("status", "--json").stdout)["peers"]
    return [p["name"] for p in peers if p["configured"] and p["name"] != "on-the-first-worker"]


def test_thousands_of_peers_come_and_go(pair):
    """They are taken over in pieces: a connection goes on meanwhile, and in the end, also of
    reloads that come one right after the other, the peers are those of the file."""
    with pair.connect() as s:
        for numbers, gone in ((range(2000), 0), (range(1000, 3000), 1000),
                              (range(2999, 0, -3), 1333), (range(0), 1000), (range(1500), 0)):
            others(pair.store, numbers)
            since = reload(pair.store)["since"]
            until(lambda: len(pair.store.events("peer_removed", since=since)) >= gone, "all cut")
            assert shown(pair.store) == sections(pair.store)
            assert echoes(s)
        since = pair.store.position()
        for last in range(4):
            others(pair.store, range(last % 2 * 500, 2000))
            pair.store.write()
            pair.store.signal(signal.SIGHUP)
            pair.store.wait("reload_begin", since=since)
        until(lambda: len(pair.store.events("reload_done", since=since)) == len(
            pair.store.events("reload_begin", since=since)), "all done")
        until(lambda: shown(pair.store) == sections(pair.store), "the last one counts")
        assert echoes(s)


@pytest.mark.parametrize("again", [False, True])
def test_sigterm_while_thousands_come(pair, again):
    """In whatever moment of it: the node ends well."""
    for i in range(6):
        others(pair.store, range(0))
        pair.store.write()
        if pair.store.process is None:
            pair.store.start()
        others(pair.store, range(2000))
        pair.store.write()
        since = pair.store.position()
        pair.store.signal(signal.SIGHUP)
        if i > 0:
            pair.store.wait("reload_begin", since=since)
        if i == 5:
            pair.store.wait("reload_done", since=since)
        end = time.monotonic() + i * 0.015
        until(lambda: time.monotonic() >= end, "the moment", pause=0.0005)
        pair.store.signal(signal.SIGTERM)
        if again:
            pair.store.signal(signal.SIGTERM)
        assert pair.store.ended(20) == 0


# ---- under load ----

class Load:
    """Long connections that echo all the time, and short ones beside them, each checked byte by
    byte."""

    def __init__(self, address, long=4, short=2):
        self.address, self.stop, self.failures, self.rounds = address, threading.Event(), [], 0
        self.threads = [threading.Thread(target=self._long, daemon=True) for _ in range(long)]
        self.threads += [threading.Thread(target=self._short, daemon=True) for _ in range(short)]
        for t in self.threads:
            t.start()

    def _echo(self, s):
        data = random.randbytes(random.randrange(1, 20000))
        s.sendall(data)
        assert services.receive(s, len(data)) == data
        self.rounds += 1

    def _long(self):
        try:
            with services.connect(self.address) as s:
                while not self.stop.is_set():
                    self._echo(s)
        except (OSError, AssertionError) as e:
            self.failures.append(("a long one", e))

    def _short(self):
        while not self.stop.is_set():
            try:
                with services.connect(self.address) as s:
                    self._echo(s)
            except (OSError, AssertionError) as e:
                self.failures.append(("a short one", e))

    def close(self):
        self.stop.set()
        for t in self.threads:
            t.join(DEADLINE)
        assert not any(t.is_alive() for t in self.threads)


@pytest.mark.heavy
@pytest.mark.parametrize("side", ["store", "hq"])
def test_many_reloads_under_load(request, sanitized, pair, closing, side):
    """One in three changes a route (or a service), one in three is broken: not one connection of
    another route is lost, nothing leaks."""
    rounds = 100 if request.config.getoption("--long") else 20
    node = getattr(pair, side)
    load = closing.add(Load(pair.route))
    until(lambda: load.rounds > 20, "the load runs")
    section, broken = ("route extra", {
        "peer": "nobody"
    }) if side == "store" else ("service extra", {
        "allow": "nobody"
    })
    descriptors, memory = [], []
    for i in range(rounds):
        if i % 3 == 0:
            if section in node.sections:
                del node.sections[section]
            elif side == "store":
                node.set(section, listen=fresh(), peer="hq", service="echo")
            else:
                node.set(section, connect=pair.target, allow="store")
            reload(node)
            if side == "store" and section in node.sections:
                assert works(node.sections[section]["listen"])
        elif i % 3 == 1:
            kept = node.sections.get(section)
            node.sections[section] = {
                **(kept or {
                    "listen": fresh(),
                    "connect": pair.target
                }),
                **broken
            }
            reload(node, "reload_failed")
            node.sections.pop(section)
            if kept:
                node.sections[section] = kept
        else:
            assert reload(node)["changes"] == "0"
        descriptors.append(node.descriptors())
        memory.append(node.resident())
    before = load.rounds
    until(lambda: load.rounds > before + 20, "the load goes on")
    load.close()
    assert not load.failures
    assert not pair.store.events("link_down") and not pair.hq.events("link_down")
    assert max(descriptors[-6:]) <= max(descriptors[:6]) + 4
    if not sanitized:  # freed memory waits there for a while
        assert memory[-1] < memory[5] * 1.1 + 1024
