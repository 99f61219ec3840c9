"""Connections with links of their own outlive them too: cuts under load, blackholes, restarts,
drains, upgrades, and the bounds."""

import json
import signal
import threading
import time

import pytest

import services
from node import until
from test_own_links import closed, exchange, links, own, wait_links
from test_survive import Cutter, half_closed_over_a_cut
from test_upgrade import all_end, upgrade

WORKERS = [(1, 1), (4, 1), (1, 4), (4, 4)]  # of hq, and of store


@pytest.fixture
def survivors(make_pair):
    """survivors(...) -> a pair with a relay between. None is ready, unless a test says so."""
    def make(target=None, workers=(1, 1), survive="30s", keepalive="15s", start=True, route=None,
             **options):
        args = [target] if target else []
        for name, n in zip(("hq", "store"), workers):
            options[name] = {"workers": n, **options.get(name, {})}
        pair = make_pair(*args, relay=True, start=False, route=own(**{
            "spare": 0,
            **(route or {})
        }), **options)
        pair.hq.set("peer store", survive=survive, keepalive=keepalive)
        pair.store.set("peer hq", survive=survive, keepalive=keepalive)
        return pair.start() if start else pair
    return make


def connections(pair, n, timeout=60):
    """n of them, each with its link."""
    opened = [pair.connect(timeout) for _ in range(n)]
    assert all(exchange(s, b"%d" % i) for i, s in enumerate(opened))
    return opened


def suspended(node, peer):
    """How many sessions with that peer wait for a link, as `status` says."""
    peers = json.loads(node.cli("status", "--json").stdout)["peers"]
    return next(p["suspended"] for p in peers if p["name"] == peer)


def assert_no_loss(pair):
    for node in (pair.hq, pair.store):
        assert not node.events("session_lost"), node.events("session_lost")
        assert {e["reason"] for e in node.events("connection_closed")} <= {"ended"}


@pytest.mark.parametrize("workers", WORKERS)
def test_several_whose_links_are_cut_together(survivors, workers):
    pair = survivors(workers=workers, route={"spare": 1})
    opened = connections(pair, 8)
    for i in range(4):
        at = {node: node.position() for node in (pair.hq, pair.store)}
        pair.relay.cut()
        for s in opened:
            assert exchange(s, b"after %d" % i), pair.store.text()[-3000:]
        for node, since in at.items():
            until(
                lambda: sum(int(e["streams"])
                            for e in node.events("session_resumed", since=since)) >= 8,
                "all have gone on")
    for s in opened:
        s.close()
    for node in (pair.hq, pair.store):
        closed(node, 8)
    assert_no_loss(pair)


@pytest.mark.parametrize("workers", WORKERS)
def test_bytes_are_exact(survivors, closing, sanitized, request, workers):
    """Bulk in both directions at once, in one after the other has ended, and in one alone, while
    all links are cut every second: until five cuts have met it (--long: 60)."""
    size = (24 << 20) if sanitized else (100 << 20)
    cuts = 60 if request.config.getoption("--long") else 5
    down = services.Pattern(99, size)
    far = closing.add(services.BothWays(down))
    pair = survivors(far.address, workers=workers, route={"spare": 1})
    results = []
    sent = []

    def one(up):
        with pair.connect(120) as s:
            sender = threading.Thread(target=up.send, args=(s,), daemon=True)
            sender.start()
            results.append(services.digest_stream(s) == (down.size, down.digest()))
            sender.join()
            sent.append((up.size, up.digest()))

    def work(up):
        try:
            one(up)
            while cutter.cuts < cuts and all(r is True for r in results):
                one(up)
        except OSError as e:
            results.append(e)

    cutter = Cutter(pair.relay, 1)
    threads = [
        threading.Thread(target=work, args=(services.Pattern(i, n), ))
        for i, n in enumerate((size, size, size // 8, 0))
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert cutter.stop() >= cuts
    assert len(results) >= 4 and all(r is True
                                     for r in results), (results, pair.store.text()[-3000:])
    until(lambda: len(far.results) == len(sent), "the other side has all")
    assert sorted(far.results) == sorted(sent)
    assert sum(int(e["bytes_again"]) for e in pair.store.events("session_resumed")) > 0


def test_half_closed_over_a_cut(survivors):
    half_closed_over_a_cut(survivors())


def test_one_that_is_ready_is_replaced(survivors):
    """It has no connection: nobody waits for it, and another one is ready soon. What the other
    side knows of the first one is not worth a word in its log."""
    pair = survivors(survive="2s", route={"spare": 2})
    wait_links(pair, 3)
    for _ in range(2):
        at = {node: node.position() for node in (pair.hq, pair.store)}
        pair.relay.cut()
        for node, since in at.items():
            until(lambda: len(node.events("link_down", since=since)) >= 3, "all are lost")
        wait_links(pair, 3)
    pair.relay.refuse()
    assert all(exchange(s) for s in [pair.connect(), pair.connect()])
    until(lambda: suspended(pair.hq, "store") == 0, "they are forgotten")
    assert not pair.hq.events("session_lost")


def test_a_blackhole_that_is_shorter(survivors, request):
    seconds = 20 if request.config.getoption("--long") else 2
    pair = survivors(survive="60s", keepalive="500ms")
    with pair.connect() as s:
        assert exchange(s)
        pair.relay.stall()
        end = time.monotonic() + seconds
        for node in (pair.hq, pair.store):
            until(lambda: links(node) == 0, "all are given up")
        time.sleep(max(0, end - time.monotonic()))
        s.sendall(b"still there")
        pair.relay.resume()
        assert services.receive(s, 11) == b"still there"


@pytest.mark.parametrize("workers", [(1, 1), (4, 4)])
def test_a_blackhole_that_is_longer(survivors, workers):
    pair = survivors(workers=workers, survive="2s", keepalive="500ms")
    opened = connections(pair, 3)
    pair.relay.stall()
    until(lambda: links(pair.store) == 0, "all are given up")
    start = time.monotonic()
    assert all(services.is_reset(s) for s in opened)
    assert 1 < time.monotonic() - start < 3.2
    for node in (pair.hq, pair.store):
        for event in closed(node, 3):
            assert event["reason"] == "link lost" and "in time" in event["text"]
        lost = node.events("session_lost")
        assert len(lost) >= 3 and all(e["code"] == "12" and "in time" in e["reason"] for e in lost)
    pair.relay.resume()
    with pair.connect() as s:
        assert exchange(s)


@pytest.mark.parametrize("node, peer", [("hq", "store"), ("store", "hq")])
def test_survive_0(survivors, node, peer):
    """A lost link resets its connection at once, and says why. One of the two is enough."""
    pair = survivors(start=False)
    getattr(pair, node).set("peer " + peer, survive="0")
    pair.start()
    with pair.connect() as s:
        assert exchange(s)
        pair.relay.cut()
        assert services.is_reset(s)
    for at in (pair.hq, pair.store):
        event = at.wait("connection_closed")
        assert event["reason"] == "link lost" and event["text"], event
        assert not at.events("session_resumed")
    with pair.connect() as s:
        assert exchange(s)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_restarted_peer_has_forgotten(survivors, workers):
    pair = survivors(workers=(workers, workers))
    opened = connections(pair, 4)
    at = pair.store.position()
    pair.hq.kill()
    pair.hq.start()
    assert all(services.is_reset(s) for s in opened)
    for event in closed(pair.store, 4):
        assert event["reason"] == "link lost" and event["text"] == "the peer has restarted"
    assert not pair.store.events("session_resumed", since=at)
    with pair.connect() as s:
        assert exchange(s)


@pytest.mark.parametrize("who", ["hq", "store"])
@pytest.mark.parametrize("workers", [1, 4])
def test_unverified_while_the_links_are_away(survivors, who, workers):
    pair = survivors(workers=(workers, workers), keepalive="500ms")
    opened = connections(pair, 3)
    pair.relay.stall()
    node, peer = (pair.hq, "store") if who == "hq" else (pair.store, "hq")
    until(lambda: links(node) == 0, "all are given up")
    node.cli("revoke", peer)
    over = closed(node, 3)
    assert {e["reason"] for e in over} == {"denied"}, over
    assert "3" in {e["code"] for e in node.events("session_lost")}
    pair.relay.resume()
    if who == "store":
        assert all(services.is_reset(s) for s in opened)


def test_removed_while_the_links_are_away(survivors):
    pair = survivors(workers=(4, 4), keepalive="500ms")
    opened = connections(pair, 4)
    pair.relay.stall()
    until(lambda: links(pair.store) == 0, "all are given up")
    del pair.store.sections["peer hq"], pair.store.sections["route echo"]
    pair.store.write()
    pair.store.signal(signal.SIGHUP)
    assert all(services.is_reset(s) for s in opened)
    assert {e["text"]
            for e in closed(pair.store, 4)} == {"the peer was removed from the configuration"}
    pair.relay.resume()


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("who", ["store", "hq"])
def test_drain_while_the_links_are_away(survivors, who, workers):
    """A node that drains waits for the links of its connections, whichever side dials them, and
    ends when they have."""
    pair = survivors(workers=(workers, workers), keepalive="500ms", node={"drain": "20s"})
    node = getattr(pair, who)
    opened = connections(pair, 3)
    pair.relay.stall()
    until(lambda: links(node) == 0, "all are given up")
    node.signal(signal.SIGTERM)
    node.wait("drain_begin")
    pair.relay.resume()
    for s in opened:
        assert exchange(s, b"y"), node.text()[-3000:]
        s.close()
    assert node.ended(10) == 0
    assert_no_loss(pair)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("side", ["store", "hq"])
def test_upgrade_while_the_links_are_away(survivors, side, times, workers):
    """Connections that the old process has go on: it dials for them; or the peer does, and
    reaches the new one, which finds out for whom that is. Those of each process too."""
    pair = survivors(workers=(workers, workers), node={"drain": "60s"})
    node = getattr(pair, side)
    opened, olds = [], []
    for _ in range(times):
        opened += connections(pair, 2)
        pair.relay.stall()
        pair.relay.cut()
        for at in (pair.hq, pair.store):
            until(lambda: links(at) == 0, "all are lost")
        olds.append(upgrade(node))
        pair.relay.resume()
        for s in opened:
            assert exchange(s, b"on"), node.text()[-6000:]
    all_end(pair, opened, olds)
    with pair.connect() as s:
        assert exchange(s)


@pytest.mark.parametrize("workers", [(1, 1), (4, 4)])
def test_at_the_limit_of_links(survivors, workers):
    """`links` of [limits] at a side that has not noticed the loss: connections go on over new
    links beside those before, and one more is refused as ever."""
    pair = survivors(workers=workers, start=False, route={"connect_timeout": "2s"})
    pair.hq.set("limits", links=4)  # the shared one is there, too
    pair.start()
    opened = connections(pair, 3)
    for i in range(3):
        pair.relay.leave()
        assert all(exchange(s, b"on %d" % i) for s in opened), pair.store.text()[-3000:]
    assert services.gets_reset(pair.route, b"?")
    for s in opened:
        assert exchange(s)
        s.close()
    with pair.connect() as s:
        assert exchange(s)
    assert_no_loss(pair)


def test_many_cuts_leave_nothing_behind(survivors, request, sanitized):
    """100 cuts (--long: 1,000) of all links: descriptors and memory are what they were."""
    cuts = 1000 if request.config.getoption("--long") else 100
    pair = survivors(workers=(4, 4), route={"spare": 1})
    opened = connections(pair, 4)
    before = None
    for i in range(cuts):
        pair.relay.cut()
        assert all(exchange(s, b"%d" % i) for s in opened), pair.store.text()[-3000:]
        if i == 70:  # the other side has as many sessions that it waits for as it may have
            before = [(node.descriptors(), node.resident()) for node in (pair.hq, pair.store)]
    for s in opened:
        s.close()
    for node in (pair.hq, pair.store):
        closed(node, 4)
    after = [(node.descriptors(), node.resident()) for node in (pair.hq, pair.store)]
    for (d0, m0), (d1, m1) in zip(before, after):
        assert d1 <= d0 + 8, (before, after)
        assert m1 <= m0 * 1.25 + (8 << 20), (before, after)
    for node in (pair.hq, pair.store):
        assert {e["reason"] for e in node.events("connection_closed")} == {"ended"}


def test_one_that_is_reset_while_its_link_is_away(survivors):
    """The other side is told when there is a link again, and both forget it."""
    pair = survivors(keepalive="500ms")
    s, other = connections(pair, 2)
    pair.relay.stall()
    until(lambda: links(pair.store) == 0, "all are given up")
    s.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER: close resets
    s.close()
    closed(pair.store, 1)
    pair.relay.resume()
    over, = closed(pair.hq, 1)
    assert over["reason"] == "reset by the application"
    assert exchange(other)
    until(lambda: suspended(pair.store, "hq") == 0, "nothing is left of it here")
    until(lambda: suspended(pair.hq, "store") == 0, "nor there")


def test_links_of_the_other_side_are_for_those_that_go_on(survivors):
    """`links` of [limits] is reached, and the lost links still count there, for it has not
    noticed: those that go on have their places."""
    pair = survivors(start=False)
    pair.hq.set("limits", links=3)
    pair.start()
    opened = connections(pair, 2)
    pair.relay.leave()
    assert all(exchange(s, b"on") for s in opened), pair.hq.text()[-3000:]
    for s in opened:
        s.close()
    for node in (pair.hq, pair.store):
        closed(node, 2)
    assert_no_loss(pair)


def test_more_than_may_wait(survivors):
    """64 sessions of a peer may wait for their links: both ends give up the same ones, the
    oldest, and say why."""
    pair = survivors(keepalive="500ms", route={"connect_timeout": "60s"})
    opened = connections(pair, 80)
    pair.relay.stall()
    for node in (pair.hq, pair.store):
        until(lambda: links(node) == 0, "all are given up", deadline=30)
    assert suspended(pair.store, "hq") == 64
    pair.relay.resume()
    alive = 0
    for s in opened:
        try:
            s.sendall(b"x")
            alive += services.receive(s, 1) == b"x"
        except OSError:
            pass
    assert 60 <= alive <= 64
    for node in (pair.hq, pair.store):
        texts = {e.get("text") for e in closed(node, 80 - alive) if e["reason"] == "link lost"}
        assert "too many sessions wait for a link" in texts
        assert "too many sessions wait for a link" in {
            e["reason"] for e in node.events("session_lost")}
