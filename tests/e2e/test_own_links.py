"""link = own: a link for each connection of a route, some kept ready."""

import json
import signal
import socket
import time

import pytest

import services
from node import free_port, until
from test_workers import carry, thread_times


@pytest.fixture
def make_pair(make_pair):
    """With one worker, unless a test is about more: each keeps links ready, and learns what 1.1
    needs."""
    return lambda *args, node=None, **more: make_pair(*args, node={
        "workers": 1,
        **(node or {})
    }, **more)


def own(spare=1, **more):
    return {"link": "own", "spare": spare, **more}


def exchange(s, data=b"hello"):
    s.sendall(data)
    return services.receive(s, len(data)) == data


def ups(node, since=0):
    return len(node.events("link_up", since=since))


def links(node, since=0):
    """How many are up, of those that came up since then."""
    return ups(node, since) - len(node.events("link_down", since=since))


def wait_links(pair, n):
    for node in (pair.hq, pair.store):
        until(lambda: links(node) == n,
              lambda: f"{n} links at {node.name}, not {links(node)}:\n{node.text()[-3000:]}")


def session(event):
    """Of a connection: the first part of its id."""
    return event["id"].split("-")[0]


def closed(node, n=1, **match):
    """The closing lines of n connections."""
    return until(lambda: len(found := node.events("connection_closed", **match)) >= n and found,
                 f"{n} connections closed at {node.name}")


def test_each_connection_has_a_link(make_pair):
    pair = make_pair(route=own(spare=2))
    wait_links(pair, 3)  # the one that is shared, and two that are ready
    opened = [pair.connect() for _ in range(4)]
    assert all(exchange(s) for s in opened)
    wait_links(pair, 7)
    for s in opened:
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
        s.close()
    assert len({session(e) for e in closed(pair.store, 4)}) == 4
    assert {e["id"] for e in closed(pair.hq, 4)} == {e["id"] for e in closed(pair.store, 4)}
    wait_links(pair, 3)
    for node in (pair.hq, pair.store):
        reasons = {e["reason"] for e in node.events("link_down")}
        assert reasons <= {"closed here: done", "closed by the peer: done"}, reasons
        assert not node.events("handshake_failed")


def test_a_link_that_is_ready_is_used_at_once(make_pair):
    """Two connections find links even when no other one can be dialed; the third does not."""
    pair = make_pair(relay=True, route=own(spare=2, connect_timeout="1s"))
    wait_links(pair, 3)
    pair.relay.refuse()
    with pair.connect() as first, pair.connect() as second:
        assert exchange(first) and exchange(second)
        assert services.gets_reset(pair.route)
        assert ups(pair.store) == 3
    assert "connection refused" in pair.store.wait("connection_refused")["reason"]


def test_without_spare_ones_none_is_up_unasked(make_pair):
    pair = make_pair(route=own(spare=0))
    with pair.connect() as s:
        assert exchange(s)
        wait_links(pair, 2)
    wait_links(pair, 1)


def test_on_demand_there_is_no_other_link(make_pair):
    pair = make_pair(start=False, route=own(spare=4))
    pair.store.set("peer hq", connect="demand")
    pair.start(wait=False)
    for n in range(1, 3):
        with pair.connect() as s:
            assert exchange(s)
            assert ups(pair.store) == n
    wait_links(pair, 0)
    protocols = [e["protocol"] for e in pair.store.events("link_up")]
    assert protocols == ["SecureConn 1.0",
                         "SecureConn 1.1"], "what the first one has learned the second one uses"


def both_ways(make_pair, closing, spare):
    """hq has a route to store too, which shares the link."""
    target = closing.add(services.Echo())
    pair = make_pair(start=False, route=own(spare=spare))
    back = f"127.0.0.1:{free_port()}"
    pair.hq.set("route back", listen=back, peer="store", service="back")
    pair.store.set("service back", connect=target.address, allow="hq")
    pair.start()
    wait_links(pair, 1 + spare)
    return pair, back


def test_the_other_side_keeps_off(make_pair, closing):
    """Its connections go over the link that is shared, though others are younger: those that are
    ready, and those in use."""
    pair, back = both_ways(make_pair, closing, 3)
    with pair.connect() as mine:
        assert exchange(mine)
        wait_links(pair, 5)
        for _ in range(6):
            with services.connect(back) as s:
                assert exchange(s)
    theirs = closed(pair.hq, 6, route="back")
    mine, = closed(pair.store, 1, route="echo")
    assert len({session(e) for e in theirs}) == 1
    assert session(mine) != session(theirs[0])


def test_the_other_side_waits_for_a_shared_link(make_pair, closing):
    """Only links of connections are up: a connection of the other side does not take one of
    these for its own, and fails in time."""
    target = closing.add(services.Echo())
    pair = make_pair(start=False, route=own(spare=0))
    back = f"127.0.0.1:{free_port()}"
    pair.hq.set("route back", listen=back, peer="store", service="back", connect_timeout="700ms")
    pair.store.set("service back", connect=target.address, allow="hq")
    pair.store.set("peer hq", connect="demand")
    pair.start(wait=False)
    with pair.connect() as s:
        assert exchange(s)
        assert services.gets_reset(back, b"?")
        assert exchange(s, b"still there")
    assert pair.hq.events("connection_refused", route="back")


def test_a_burst_of_connections(make_pair):
    pair = make_pair(route=own(spare=2, connect_timeout="60s"))
    wait_links(pair, 3)
    opened = [pair.connect(60) for _ in range(40)]
    assert all(exchange(s, b"%d" % i) for i, s in enumerate(opened))
    for s in opened:
        s.close()
    wait_links(pair, 3)


def test_bulk_both_ways(make_pair, closing, size):
    up, down = services.Pattern(1, size // 2), services.Pattern(2, size // 2)
    far = closing.add(services.BothWays(down))
    pair = make_pair(far.address, route=own())
    import threading
    with pair.connect(120) as s:
        sender = threading.Thread(target=up.send, args=(s,))
        sender.start()
        got = services.digest_stream(s)
        sender.join()
    assert got == (down.size, down.digest())
    until(lambda: far.results, "the other side has all")
    assert far.results == [(up.size, up.digest())]
    wait_links(pair, 2)


def test_a_drain_of_the_other_side(make_pair):
    """What is ready goes, what is in use ends in its time; afterwards all is as before."""
    pair = make_pair(hq={"drain": "20s"}, route=own(spare=2))
    wait_links(pair, 3)
    with pair.connect() as s:
        assert exchange(s)
        wait_links(pair, 4)
        pair.hq.signal(signal.SIGTERM)
        until(lambda: links(pair.store) == 1, "only the one in use is left")
        assert exchange(s, b"goes on")
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
    assert pair.hq.ended() == 0
    with pair.connect() as s:  # waits
        pair.hq.start()
        assert exchange(s)
    until(lambda: links(pair.store) == 3, "as before")


def test_the_other_side_bounds_links(make_pair):
    """`links` of [limits] there: the third connection waits, in vain or until another one has
    ended; the others are not touched."""
    pair = make_pair(start=False, route=own(spare=0, connect_timeout="2s"))
    pair.hq.set("limits", links=3)
    pair.start()
    with pair.connect() as first:
        assert exchange(first)
        with pair.connect() as second:
            assert exchange(second)
            assert services.gets_reset(pair.route, b"?")
            assert pair.hq.events("link_down", reason="closed here: too many streams")
            assert exchange(first) and exchange(second)
        with pair.connect() as third:
            assert exchange(third)
            assert exchange(first)


def test_an_absent_peer(make_pair):
    pair = make_pair(start=False, route=own(connect_timeout="1s"))
    pair.store.start()
    start = time.monotonic()
    assert services.gets_reset(pair.route)
    assert 0.8 < time.monotonic() - start < 4
    assert "not connected" in pair.store.wait("connection_refused")["reason"]


def test_a_peer_without_address_is_an_error_of_the_configuration(make_pair):
    pair = make_pair(start=False, route=own())
    pair.store.set("peer hq", address=None)
    pair.store.write()
    said = pair.store.cli("check", check=2)
    assert ("[route echo] link: own means that this node dials, but [peer hq] has no address"
            in said.stderr + said.stdout)


@pytest.mark.parametrize("key, value", [("link", "private"), ("spare", "17"), ("spare", "-1")])
def test_values_out_of_range(make_pair, key, value):
    pair = make_pair(start=False, route=own())
    pair.store.set("route echo", **{key: value})
    pair.store.write()
    assert key in pair.store.cli("check", check=2).stderr


# --- several workers ------------------------------------------------------------------------------

THREADS = {"main", "worker-1", "worker-2", "worker-3"}


@pytest.fixture
def spread(make_pair):
    """spread() -> a pair of nodes with four workers each, and four connections, each on a link
    and another worker. None is ready."""
    def make(route=None, **more):
        pair = make_pair(node={"workers": 4}, route=own(spare=0, **(route or {})), **more)
        pair.connections = [pair.connect(60) for _ in range(4)]
        assert all(exchange(s) for s in pair.connections)
        wait_links(pair, 5)
        return pair
    return make


def test_they_are_spread_over_the_workers(spread, sanitized):
    """Though all are to one peer: each connection costs time of another thread, at both ends."""
    pair = spread()
    busy = {pair.hq: [], pair.store: []}
    for i, s in enumerate(pair.connections):
        before = {node: thread_times(node.pid) for node in busy}
        assert carry(s, i, (4 << 20) if sanitized else (16 << 20))
        for node, threads in busy.items():
            after = thread_times(node.pid)
            threads.append(max(THREADS, key=lambda name: after[name] - before[node][name]))
    assert all(set(threads) == THREADS for threads in busy.values()), busy


def test_the_next_one_goes_where_one_has_ended(spread, sanitized):
    pair = spread()
    for s in pair.connections[1:3]:
        s.close()
    wait_links(pair, 3)
    pair.connections[1:3] = [pair.connect(60) for _ in range(2)]
    assert all(exchange(s) for s in pair.connections)
    threads = set()
    for s in pair.connections:
        before = thread_times(pair.store.pid)
        assert carry(s, 1, (4 << 20) if sanitized else (16 << 20))
        after = thread_times(pair.store.pid)
        threads.add(max(THREADS, key=lambda name: after[name] - before[name]))
    assert threads == THREADS


def test_each_worker_has_one_ready(make_pair):
    pair = make_pair(node={"workers": 4}, relay=True, route=own(spare=1, connect_timeout="1s"))
    wait_links(pair, 1 + 4)
    pair.relay.refuse()
    opened = [pair.connect() for _ in range(4)]
    assert all(exchange(s) for s in opened)
    assert services.gets_reset(pair.route)


def test_status_counts_those_of_all_workers(spread):
    pair = spread()
    for s in pair.connections:
        assert exchange(s, b"x" * 50000)
    for node, peer, route in ((pair.store, "hq", "echo"), (pair.hq, "store", None)):
        def shown():
            status = json.loads(node.cli("status", "--json").stdout)
            of, = (p for p in status["peers"] if p["name"] == peer)
            if route:
                assert status["routes"][0]["connections"] == 4
            return of["streams_total"] == 4 and of[
                "links_total"] == 5 and of["bytes_in"] > 200000 and of["bytes_out"] > 200000
        until(shown, lambda: node.cli("status", "--json").stdout)


def test_a_key_that_is_taken_back_ends_them_on_all_workers(spread):
    pair = spread()
    pair.hq.cli("revoke", "store")
    assert all(services.is_reset(s) for s in pair.connections)
    wait_links(pair, 0)


def test_a_peer_that_is_removed_loses_them_on_all_workers(spread):
    pair = spread()
    del pair.store.sections["peer hq"], pair.store.sections["route echo"]
    pair.store.write()
    pair.store.signal(signal.SIGHUP)
    assert all(services.is_reset(s) for s in pair.connections)
    wait_links(pair, 0)
    assert len(pair.store.events("peer_removed")) == 1


@pytest.mark.parametrize("who", ["hq", "store"])
def test_a_drain_waits_for_them_on_all_workers(spread, who):
    pair = spread(hq={"drain": "20s"}, store={"drain": "20s"})
    node = getattr(pair, who)
    node.signal(signal.SIGTERM)
    node.wait("drain_begin")
    for s in pair.connections:
        assert exchange(s, b"goes on")
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
    assert node.ended() == 0


def test_a_restarted_peer_ends_them_on_all_workers(spread):
    """Its former process vanished without a word; one link of the present one tells that all of
    the former's are over."""
    pair = spread(relay=True)
    pair.relay.stall()
    pair.store.kill()
    pair.store.set("peer hq", address=f"127.0.0.1:{pair.peer_port}").write()
    pair.store.start()
    over = closed(pair.hq, 4, service="echo")
    assert {e["text"] for e in over} == {"the peer has restarted"}, over
