"""Connections outlive a lost link (`survive`): cuts under load, blackholes, restarts, and what
is said when it was in vain."""

import subprocess
import threading
import time

import pytest

import services
from node import free_port, until
from relay import Relay


@pytest.fixture
def survivors(make_pair):
    """survivors(seconds, ...) -> a pair with a relay between, and that `survive`."""
    def make(survive="30s", keepalive="15s", start=True, **options):
        pair = make_pair(relay=True, start=False, **options)
        pair.hq.set("peer store", survive=survive, keepalive=keepalive)
        pair.store.set("peer hq", survive=survive, keepalive=keepalive)
        return pair.start() if start else pair
    return make


class Cutter:
    """Cuts the link every so often, until it is stopped."""

    def __init__(self, relay, every):
        self.relay, self.every, self.cuts = relay, every, 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ended.wait(self.every):
            self.relay.cut()
            self.cuts += 1

    def stop(self):
        self.ended.set()
        self.thread.join()
        return self.cuts


def test_a_connection_does_not_notice(survivors):
    pair = survivors()
    with pair.connect() as s:
        for i in range(5):
            at = pair.store.position()
            s.sendall(b"before %d" % i)
            assert services.receive(s, 8) == b"before %d" % i
            pair.relay.cut()
            s.sendall(b"after %d" % i)
            assert services.receive(s, 7) == b"after %d" % i
            event = pair.store.wait("session_resumed", since=at)
            assert event["peer"] == "hq" and event["streams"] == "1"
            assert int(event["gap_ms"]) < 5000 and int(event["bytes_again"]) <= 7
            pair.hq.wait("session_resumed")
        assert all(e["held_streams"] == "1" for e in pair.store.events("link_down"))
    for node in (pair.hq, pair.store):
        assert node.wait("connection_closed")["reason"] == "ended"
        assert not node.events("session_lost")


def half_closed_over_a_cut(pair):
    """The client has said its end; the answer comes after a cut, and its end too."""
    for _ in range(3):
        with pair.connect() as s:
            s.sendall(b"x" * 100000)
            pair.relay.cut()
            s.shutdown(1)
            pair.relay.cut()
            assert services.receive_all(s) == b"x" * 100000


def test_half_closed_over_a_cut(survivors):
    half_closed_over_a_cut(survivors())


@pytest.mark.parametrize("workers", [1, 4])
def test_at_the_limit_of_links(survivors, workers):
    """`links` of [limits] at a side that has not noticed the loss: what goes on over a new link
    is not refused because of the one before."""
    pair = survivors(start=False, hq={"workers": workers}, store={"workers": workers})
    pair.hq.set("limits", links=1)
    pair.start()
    with pair.connect() as s:
        for i in range(4):
            s.sendall(b"%d" % i)
            assert services.receive(s, 1) == b"%d" % i, pair.store.text()[-3000:]
            pair.relay.leave()
    for node in (pair.hq, pair.store):
        assert node.wait("connection_closed")["reason"] == "ended"
        assert not node.events("session_lost")


def test_many_idle_connections(survivors):
    pair = survivors()
    socks = [pair.connect() for _ in range(100)]
    for s in socks:
        s.sendall(b"1")
        services.receive(s, 1)
    at = pair.store.position()
    pair.relay.cut()
    assert pair.store.wait("session_resumed", since=at)["streams"] == "100"
    for s in socks:
        s.sendall(b"2")
        assert services.receive(s, 1) == b"2"
        s.close()


def transfer(pair, pattern, results):
    """Sends and receives the same stream of bytes at once; the echo must be exact."""
    try:
        with pair.connect(timeout=120) as s:
            sender = threading.Thread(target=pattern.send, args=(s,), daemon=True)
            sender.start()
            results.append(services.digest_stream(s) == (pattern.size, pattern.digest()))
            sender.join()
    except OSError as e:
        results.append(e)


def test_bytes_are_exact(survivors, sanitized):
    """Bulk both ways while the link is cut three times a second, until five cuts have met it."""
    pair = survivors()
    size = (24 << 20) if sanitized else (100 << 20)
    results = []
    cutter = Cutter(pair.relay, 0.3)

    def work(seed):
        transfer(pair, services.Pattern(seed, size), results)
        while cutter.cuts < 5 and all(r is True for r in results):
            transfer(pair, services.Pattern(seed, size), results)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert cutter.stop() >= 5
    assert len(results) >= 4 and all(r is True for r in results), pair.store.text()[-3000:]
    assert sum(int(e["bytes_again"]) for e in pair.store.events("session_resumed")) > 0


def test_a_blackhole_that_is_shorter(survivors, request):
    """Nothing passes for three seconds (20) and nobody is told: the link is given up, the
    connection goes on."""
    seconds = 20 if request.config.getoption("--long") else 3
    pair = survivors(survive="60s", keepalive="500ms")
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        pair.relay.stall()
        end = time.monotonic() + seconds
        for node in (pair.hq, pair.store):
            node.wait("link_down", deadline=4)
        time.sleep(max(0, end - time.monotonic()))
        s.sendall(b"still there")
        pair.relay.resume()
        assert services.receive(s, 11) == b"still there"


def test_the_system_ends_the_link(survivors):
    """Its socket is destroyed under the nodes, as a firewall or an operator does with `ss -K`."""
    pair = survivors()
    link = f":{pair.hq.sections['node']['listen'].rpartition(':')[2]}"
    with pair.connect() as s:
        for i in range(5):
            at = pair.store.position()
            killed = subprocess.run(["ss", "-K", "-tn", "state", "established", "sport", "=", link],
                                    capture_output=True, text=True)
            if killed.returncode or link not in killed.stdout:
                pytest.skip("ss -K needs root and a kernel that can: " +
                            (killed.stderr or "no socket was destroyed"))
            s.sendall(b"%d" % i * 1000)
            assert services.receive(s, 1000) == b"%d" % i * 1000
            assert pair.store.wait("session_resumed", since=at)["streams"] == "1"


def test_a_blackhole_that_is_longer(survivors):
    pair = survivors(survive="2s", keepalive="500ms")
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        pair.relay.stall()
        pair.store.wait("link_down", deadline=4)
        start = time.monotonic()
        assert services.is_reset(s)
        assert 1.5 < time.monotonic() - start < 3.2
        for node in (pair.hq, pair.store):
            event = node.wait("session_lost")
            assert event["code"] == "12" and "in time" in event["reason"]
            closed = node.wait("connection_closed")
            assert closed["reason"] == "link lost" and "in time" in closed["text"]
    pair.relay.resume()
    until(lambda: works(pair), "a new connection works")


def works(pair):
    try:
        with pair.connect(timeout=5) as s:
            s.sendall(b"works")
            return services.receive(s, 5) == b"works"
    except (OSError, AssertionError):
        return False


@pytest.mark.parametrize("node, peer", [("hq", "store"), ("store", "hq")])
def test_survive_0(survivors, node, peer):
    """As without it: a lost link resets its connections at once. One of the two is enough."""
    pair = survivors(start=False)
    getattr(pair, node).set("peer " + peer, survive="0")
    pair.start()
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        pair.relay.cut()
        assert services.is_reset(s)
    assert pair.store.wait("connection_closed")["reason"] == "link lost"
    assert not pair.store.events("session_resumed")


def test_a_restarted_peer_has_forgotten(survivors):
    pair = survivors()
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        at = pair.store.position()
        pair.hq.kill()
        pair.hq.start()
        assert services.is_reset(s)
        event = pair.store.wait("connection_closed", since=at)
        assert event["reason"] == "link lost" and event["text"] == "the peer has restarted"
    until(lambda: works(pair), "a new connection works")


def test_killed_twenty_times_under_load(survivors, request):
    """New connections work within two seconds of each restart; descriptors and memory do not
    grow."""
    pair = survivors()
    rounds = 20 if request.config.getoption("--long") else 6
    before = None
    for i in range(rounds):
        socks = []
        for _ in range(10):
            s = pair.connect()
            s.sendall(b"x" * 50000)
            services.receive(s, 50000)
            socks.append(s)
        pair.hq.kill()
        pair.hq.start()
        start = time.monotonic()
        until(lambda: works(pair), "a new connection works", deadline=10)
        assert time.monotonic() - start < 2, pair.store.text()[-4500:]
        for s in socks:
            assert services.is_reset(s)
            s.close()
        if i == 2:
            before = pair.store.descriptors(), pair.store.resident()
    assert pair.store.descriptors() <= before[0] + 2
    assert pair.store.resident() <= before[1] * 1.3 + (8 << 20)


def test_unverified_while_the_link_is_away(survivors):
    """Whose key is not verified any more does not keep its connections."""
    pair = survivors(keepalive="500ms")
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        pair.relay.stall()
        pair.store.wait("link_down", deadline=5)
        pair.store.cli("revoke", "hq")
        assert services.is_reset(s)
        assert pair.store.wait("session_lost")["code"] == "3"
        pair.relay.resume()


@pytest.mark.parametrize("who", ["store", "hq"])
def test_drain_while_the_link_is_away(survivors, who):
    """A node that drains waits for the link of its connections, whichever side dials it, and
    ends when they have."""
    pair = survivors(keepalive="500ms", node={"drain": "20s"})
    node = getattr(pair, who)
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        pair.relay.stall()
        node.wait("link_down", deadline=5)
        node.signal(15)
        node.wait("drain_begin")
        pair.relay.resume()
        s.sendall(b"y")
        assert services.receive(s, 1) == b"y"
    assert node.ended(10) == 0


def test_both_dial_and_are_cut(make_pair, closing):
    """Each has a session of its own, and goes on with it."""
    pair = make_pair(relay=True, start=False)
    back = closing.add(services.Echo())
    port = free_port()
    pair.store.set("node", listen=f"127.0.0.1:{port}")
    second = closing.add(Relay(port))
    pair.hq.set("peer store", address=second.address, survive="30s")
    pair.store.set("peer hq", survive="30s")
    front = f"127.0.0.1:{free_port()}"
    pair.hq.set("route back", listen=front, peer="store")
    pair.store.set("service back", connect=back.address, allow="hq")
    pair.start()
    ends = [services.connect(where) for where in (front, pair.route) * 2]
    for i in range(4):
        for s in ends:
            s.sendall(b"%d" % i)
            assert services.receive(s, 1) == b"%d" % i
        pair.relay.cut()
        second.cut()
    for s in ends:
        s.sendall(b"end")
        assert services.receive(s, 3) == b"end"
        s.close()


def test_applications_do_not_notice(survivors, postgres, redis, request, closing):
    """pgbench, redis-benchmark, iperf3 and a transfer that is looked at, at once, while the link
    is cut every second: not one error."""
    seconds = 60 if request.config.getoption("--long") else 10
    pair = survivors(start=False)
    ports = {}
    iperf3 = closing.add(services.Iperf())
    for name, port in (("pg", postgres.port), ("redis", redis.port), ("iperf", iperf3.port)):
        ports[name] = free_port()
        pair.hq.set("service " + name, connect=f"127.0.0.1:{port}", allow="store")
        pair.store.set("route " + name, listen=f"127.0.0.1:{ports[name]}", peer="hq")
    pair.start()
    made = postgres.client(ports["pg"], "-i", "-q", "postgres", program="pgbench")
    assert made.returncode == 0, made.stderr
    cutter = Cutter(pair.relay, 1)
    results, errors = [], []
    end = time.monotonic() + seconds

    def bulk():
        seed = 0
        while time.monotonic() < end:
            transfer(pair, services.Pattern(seed, 4 << 20), results)
            seed += 1

    def pgbench():
        r = postgres.client(ports["pg"], "-T", str(seconds), "-c", "4", "postgres",
                            program="pgbench", timeout=seconds + 60)
        failed = "number of failed transactions: 0 " not in r.stdout
        errors.append(("pgbench", r.returncode or failed, r.stderr[-2000:]))

    def bench():
        while time.monotonic() < end:
            r = subprocess.run([
                "redis-benchmark", "-p",
                str(ports["redis"]), "-n", "20000", "-q", "-t", "set,get"
            ], capture_output=True, text=True, timeout=300)
            errors.append(("redis", r.returncode, r.stderr))

    def iperf():
        r = subprocess.run(
            ["iperf3", "-c", "127.0.0.1", "-p",
             str(ports["iperf"]), "-t",
             str(seconds), "--bidir"], capture_output=True, text=True, timeout=seconds + 60)
        errors.append(("iperf3", r.returncode, r.stderr))

    threads = [threading.Thread(target=f) for f in (bulk, pgbench, bench, iperf)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert cutter.stop() >= seconds * 0.7
    assert results and all(r is True for r in results)
    for name, status, text in errors:
        assert status == 0 and "error" not in text.lower(), (name, text)
