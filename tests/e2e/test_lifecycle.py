"""Starts, ends, losses and returns: of a peer, of a link, of the node itself."""

import json
import signal
import socket
import time

import pytest

import services
from node import free_port, until
from relay import reset


def works(pair):
    with pair.connect() as s:
        s.sendall(b"hello")
        return services.receive(s, 5) == b"hello"


def test_a_peer_that_is_not_there(make_pair):
    pair = make_pair(start=False, route={"connect_timeout": "1500ms"})
    pair.store.start()
    at_store = pair.store.position()
    start = time.monotonic()
    assert services.gets_reset(pair.route)
    assert 1.2 < time.monotonic() - start < 4
    event = until(
        lambda:
        [e for e in pair.store.events(since=at_store) if e["event"].startswith("connection_")],
        "the log says why")[0]
    assert event["peer"] == "hq" and event["reason"]
    assert pair.store.events("dial_failed", peer="hq")


def test_a_connection_waits_for_the_peer(make_pair):
    """Within connect_timeout the peer comes up: the connection that waited is served, and what
    it said is not lost."""
    pair = make_pair(start=False)
    pair.store.start()
    with pair.connect() as s:
        s.sendall(b"early bird")
        pair.hq.start()
        assert services.receive(s, 10) == b"early bird"


def test_sigterm_drains(pair):
    """Open connections finish, new ones are not taken, then the node ends by itself."""
    with pair.connect() as s:
        s.sendall(b"before")
        services.receive(s, 6)
        pair.store.signal(signal.SIGTERM)
        pair.store.wait("drain_begin")
        def refused():
            try:
                return services.gets_reset(pair.route)
            except ConnectionRefusedError:
                return True
        until(refused, "new connections are refused")
        s.sendall(b"during")
        assert services.receive(s, 6) == b"during"
        assert pair.store.process.poll() is None
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
    assert pair.store.ended(5) == 0
    assert pair.store.events("node_stopped")
    pair.hq.wait("link_down", peer="store")


def test_sigterm_at_the_side_of_the_service_drains(pair):
    with pair.connect() as s:
        s.sendall(b"before")
        services.receive(s, 6)
        pair.hq.signal(signal.SIGTERM)
        pair.hq.wait("drain_begin")
        s.sendall(b"during")
        assert services.receive(s, 6) == b"during"
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
    assert pair.hq.ended(5) == 0


def test_the_drain_has_an_end(make_pair):
    pair = make_pair(store={"drain": "1s"})
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        start = time.monotonic()
        pair.store.signal(signal.SIGTERM)
        assert services.is_reset(s)
        assert pair.store.ended(10) == 0
        assert 0.8 < time.monotonic() - start < 6


def test_a_second_sigterm_stops_at_once(pair):
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        pair.store.signal(signal.SIGTERM)
        pair.store.wait("drain_begin")
        start = time.monotonic()
        pair.store.signal(signal.SIGTERM)
        assert pair.store.ended(5) == 0
        assert time.monotonic() - start < 3
        assert services.is_reset(s)


@pytest.mark.parametrize("connections", [1, 5])
def test_sigterm_while_connections_wait_for_a_peer(make_pair, connections):
    """They go on waiting, and get their link when the peer is there; then the node ends."""
    pair = make_pair(start=False, route={"connect_timeout": "60s"}, store={"drain": "60s"})
    pair.store.start()
    waiting = [pair.connect() for _ in range(connections)]
    for s in waiting:
        s.sendall(b"hello?")
    pair.store.wait("dial_failed")
    pair.store.signal(signal.SIGTERM)
    pair.store.wait("drain_begin")
    pair.hq.start()
    for s in waiting:
        assert services.receive(s, 6) == b"hello?"
        s.close()
    assert pair.store.ended(10) == 0


@pytest.mark.parametrize("link", ["shared", "own"])
@pytest.mark.parametrize("end", ["connect_timeout", "drain", "second"])
def test_they_do_not_wait_for_ever(make_pair, end, link):
    """Nobody comes: until the route's connect_timeout, the end of `drain`, or a second signal."""
    wait = {key: "2s" if key == end else "60s" for key in ("connect_timeout", "drain")}
    pair = make_pair(start=False, route={
        "connect_timeout": wait["connect_timeout"],
        "link": link
    }, store={"drain": wait["drain"]})
    pair.store.start()
    with pair.connect() as s:
        s.sendall(b"hello?")
        pair.store.wait("dial_failed")
        pair.store.signal(signal.SIGTERM)
        pair.store.wait("drain_begin")
        if end == "second":
            pair.store.signal(signal.SIGTERM)
        assert services.is_reset(s)
        refused = pair.store.wait("connection_refused")["reason"]
        assert ("not connected" if end == "connect_timeout" else "this node is stopping") in refused
    assert pair.store.ended(10) == 0


def test_a_peer_that_calls_serves_who_waits_at_a_draining_node(make_pair, closing):
    """hq cannot dial; its peer port stays open for those that wait."""
    target = closing.add(services.Echo())
    pair = make_pair(start=False, hq={"drain": "60s"})
    back = f"127.0.0.1:{free_port()}"
    pair.hq.set("route back", listen=back, peer="store", service="back", connect_timeout="60s")
    pair.store.set("service back", connect=target.address, allow="hq")
    pair.hq.start()
    with services.connect(back) as s:
        s.sendall(b"hello?")
        until(
            lambda: json.loads(pair.hq.cli("status", "--json").stdout)["routes"][0]["connections"]
            == 1, "it is taken")
        pair.hq.signal(signal.SIGTERM)
        pair.hq.wait("drain_begin")
        pair.store.start()
        assert services.receive(s, 6) == b"hello?"
    assert pair.hq.ended(10) == 0


def test_sigterm_to_the_very_end(pair):
    """Whoever goes on sending SIGTERM until the process is gone sees it end well, in whatever
    moment the last one comes."""
    for node in (pair.store, pair.hq) * 3:
        if node.process is None:
            node.start()
        while node.process.poll() is None:
            try:
                node.signal(signal.SIGTERM)
            except ProcessLookupError:
                break
        assert node.ended(5) == 0


def test_an_idle_node_stops_at_once(pair):
    start = time.monotonic()
    pair.store.signal(signal.SIGTERM)
    assert pair.store.ended(5) == 0
    assert time.monotonic() - start < 4


@pytest.mark.parametrize("victim", ["hq", "store"])
def test_kill_and_restart(pair, victim):
    """kill -9 under an open connection: its client sees a reset, and soon after a restart new
    connections work."""
    node = getattr(pair, victim)
    for _ in range(3):
        at_hq, at_store = pair.hq.position(), pair.store.position()
        s = pair.connect()
        s.sendall(b"x")
        services.receive(s, 1)
        node.kill()
        node.start()
        if victim == "hq": # it does not know the connection any more
            assert services.is_reset(s)
            pair.store.wait("link_down", since=at_store)
        s.close()
        pair.up(at_hq, at_store)
        assert works(pair)


def test_a_cut_link_comes_back(make_pair):
    pair = make_pair(relay=True, start=False)
    pair.store.set("peer hq", survive="0")
    pair.start()
    for _ in range(3):
        at_hq, at_store = pair.hq.position(), pair.store.position()
        with pair.connect() as s:
            s.sendall(b"x")
            services.receive(s, 1)
            pair.relay.cut()
            assert services.is_reset(s)
        for node, since in ((pair.hq, at_hq), (pair.store, at_store)):
            assert node.wait("link_down", since=since)["reason"]
        pair.up(at_hq, at_store)
        assert works(pair)


def test_a_silent_link_is_noticed(make_pair):
    """A network that swallows everything: noticed by keepalive at both ends, and healed."""
    pair = make_pair(relay=True, start=False)
    pair.hq.set("peer store", keepalive="500ms")
    pair.store.set("peer hq", keepalive="500ms", survive="0")
    pair.start()
    at_hq, at_store = pair.hq.position(), pair.store.position()
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        pair.relay.stall()
        start = time.monotonic()
        assert services.is_reset(s)
        assert time.monotonic() - start < 4
    pair.hq.wait("link_down", since=at_hq)
    pair.relay.resume()
    pair.up(at_hq, at_store)
    assert works(pair)


def test_an_idle_link_stays_up(make_pair):
    pair = make_pair(start=False)
    pair.hq.set("peer store", keepalive="200ms")
    pair.store.set("peer hq", keepalive="200ms")
    pair.start()
    end = time.monotonic() + 3
    until(lambda: time.monotonic() > end, "three seconds, fifteen keepalives", deadline=5)
    assert not pair.hq.events("link_down") and not pair.store.events("link_down")
    assert works(pair)


def test_demand(make_pair):
    """connect = demand: no link until a connection wants one."""
    pair = make_pair(start=False)
    pair.store.set("peer hq", connect="demand")
    pair.start(wait=False)
    end = time.monotonic() + 1
    until(lambda: time.monotonic() > end, "a second", deadline=5)
    assert not pair.store.events("link_up") and not pair.hq.events("handshake_failed")
    assert works(pair)
    assert pair.store.events("link_up")


def test_the_next_address_of_a_peer(make_pair):
    pair = make_pair(start=False)
    pair.store.set("peer hq", address=f"127.0.0.1:{free_port()}, 127.0.0.1:{pair.peer_port}")
    pair.start()
    assert works(pair)


def test_the_side_that_is_dialed_may_open_connections_too(make_pair, closing):
    """hq cannot reach store, but has a route to it: connections go back over the link that store
    has dialed."""
    echo = closing.add(services.Echo())
    pair = make_pair(start=False)
    front = f"127.0.0.1:{free_port()}"
    pair.hq.set("route back", listen=front, peer="store")
    pair.store.set("service back", connect=echo.address, allow="hq")
    pair.start()
    for where in (front, pair.route) * 3:
        with services.connect(where) as s:
            s.sendall(b"both ways")
            assert services.receive(s, 9) == b"both ways"
    assert echo.accepted == 3


def test_both_dial_each_other(make_pair, closing):
    echo = closing.add(services.Echo())
    pair = make_pair(start=False)
    back, front = free_port(), f"127.0.0.1:{free_port()}"
    pair.store.set("node", listen=f"127.0.0.1:{back}")
    pair.hq.set("peer store", address=f"127.0.0.1:{back}")
    pair.hq.set("route back", listen=front, peer="store")
    pair.store.set("service back", connect=echo.address, allow="hq")
    pair.start()
    with services.connect(front) as a, pair.connect() as b:
        for i in range(20):
            for s in (a, b):
                s.sendall(b"%02d" % i)
                assert services.receive(s, 2) == b"%02d" % i
        # The second link may still be on its way. Then there are two seconds of peace.
        count = lambda: [
            len(n.events(e)) for n in (pair.hq, pair.store) for e in ("link_up", "link_down")
        ]
        before, since = count(), time.monotonic()

        def peace():
            nonlocal before, since
            if count() != before:
                before, since = count(), time.monotonic()
            return time.monotonic() > since + 2
        until(peace, "links come and go no more", deadline=6)
        assert before[0] <= 2 and before[2] <= 2 and before[1] == before[3] == 0, (
            "links come and go")
        a.sendall(b"same")
        assert services.receive(a, 4) == b"same"


def test_two_peers(make_pair, make_node, closing):
    """Two stores at one hq; each is allowed its own service only."""
    pair = make_pair(start=False)
    other = make_node(
        "other", {
            "peer hq": {
                "address": f"127.0.0.1:{pair.peer_port}"
            },
            "route mine": {
                "listen": f"127.0.0.1:{free_port()}",
                "peer": "hq"
            },
            "route theirs": {
                "listen": f"127.0.0.1:{free_port()}",
                "peer": "hq",
                "service": "echo"
            }
        }).init()
    echo = closing.add(services.Echo())
    pair.hq.set("peer other")
    pair.hq.set("service mine", connect=echo.address, allow="other")
    pair.hq.write()
    pair.hq.trust(other), other.trust(pair.hq)
    pair.start()
    other.start()
    other.wait("link_up")
    assert works(pair)
    with services.connect(other.sections["route mine"]["listen"]) as s:
        s.sendall(b"mine")
        assert services.receive(s, 4) == b"mine"
    assert services.gets_reset(other.sections["route theirs"]["listen"])
    assert echo.accepted == 1


def test_a_service_that_is_denied_looks_like_one_that_is_missing(make_pair, closing):
    secret = closing.add(services.Echo())
    pair = make_pair(start=False)
    pair.hq.set("service secret", connect=secret.address, allow="someone-else")
    pair.hq.set("peer someone-else")
    for name in ("secret", "nothing"):
        pair.store.set(f"route {name}", listen=f"127.0.0.1:{free_port()}", peer="hq")
    pair.start()
    reasons = {}
    for name in ("secret", "nothing"):
        at_hq, at_store = pair.hq.position(), pair.store.position()
        assert services.gets_reset(pair.store.sections[f"route {name}"]["listen"])
        said = until(
            lambda:
            [e for e in pair.store.events(since=at_store) if e["event"].startswith("connection_")],
            "store logs it")[0]
        reasons[name] = {
            k: v
            for k, v in said.items()
            if k not in ("time", "id", "source", "duration_ms", "route", "service")
        }
        heard = until(
            lambda:
            [e for e in pair.hq.events(since=at_hq) if e["event"].startswith("connection_")],
            "hq logs it")[0]
        assert (heard["service"], heard["peer"], heard["id"],
                heard["source"]) == (name, "store", said["id"], said["source"])
    assert reasons["secret"] == reasons["nothing"]
    assert secret.accepted == 0


def test_a_port_that_is_taken(make_pair):
    """The node says which address it cannot have, and does not start."""
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        pair = make_pair(start=False)
        pair.store.set("route echo", listen="127.0.0.1:%d" % taken.getsockname()[1])
        pair.store.write()
        done = pair.store.cli("run", check=None, timeout=10)
        assert done.returncode in (1, 2)
        assert "127.0.0.1:%d" % taken.getsockname()[1] in done.stderr
        line = 1 + pair.store.ini.read_text().splitlines().index(
            "listen = 127.0.0.1:%d" % taken.getsockname()[1])
        assert f"{pair.store.ini}:{line}: [route echo] cannot listen" in done.stderr


def test_no_state_folder_yet(make_node):
    node = make_node("empty")
    node.write()
    done = node.cli("run", check=None, timeout=10)
    assert done.returncode in (1, 2)
    assert f"secureconn -c {node.ini} init" in done.stderr


def test_a_client_that_gives_up_while_waiting(make_pair):
    """It waits for a peer that is not there and hangs up: nothing is left of it."""
    pair = make_pair(start=False)
    pair.store.start()
    before = pair.store.descriptors()
    for _ in range(20):
        s = pair.connect()
        s.sendall(b"hello?")
        reset(s)
    until(lambda: pair.store.descriptors() <= before + 1, "they are gone", deadline=15)
