"""Several event loops: a hub whose peers live on different threads. `main` has the first peer,
so a link of any other one passes from the listener's thread to another, and so does every
connection of a route to it."""

import json
import pathlib
import re
import signal
import socket
import threading

import pytest

import services
from node import free_port, until
from relay import reset
from services import receive, receive_all

BRANCHES = ("a", "b", "c", "d")  # the hub has no route to d: it only calls


class Star:
    """hub, which is dialed and has the service `echo`, and branches with the same and a route to
    the hub's."""

    def __init__(self, hub, branches, echo):
        self.hub, self.branches, self.echo = hub, branches, echo

    def start(self):
        self.hub.start()
        for b in self.branches.values():
            b.start()
        return self.up()

    def up(self, since=0):
        for name, b in self.branches.items():
            self.hub.wait("link_up", peer=name, since=since)
            b.wait("link_up")
        return self

    def trust(self, name):
        """The hub's operator verifies the branch."""
        sections = dict(self.hub.sections)
        self.hub.set(f"peer {name}").write()
        self.hub.trust(self.branches[name])
        self.hub.sections = sections
        self.hub.write()

    def out(self, name):
        """A connection from the hub to the branch's service."""
        return services.connect(self.hub.sections[f"route to-{name}"]["listen"])

    def home(self, name):
        """A connection from the branch to the hub's service."""
        return services.connect(self.branches[name].sections["route echo"]["listen"])

    def everywhere(self):
        """One connection of every kind that there is."""
        return [self.out(name) for name in "abc"] + [self.home(name) for name in BRANCHES]


def works(sock, text=b"hello"):
    sock.sendall(text)
    return receive(sock, len(text)) == text


@pytest.fixture
def make_star(make_node, closing):
    def make(start=True, workers=4, echo=None, node=None, route=None, hub=None):
        echo = closing.add(echo or services.EpollEcho())
        port = free_port()
        common = {"asymmetric": "X25519", **(node or {})}
        center = make_node("hub", {"service echo": {"connect": echo.address, "allow": "*"}})
        center.elsewhere = False
        center.set("node", listen=f"127.0.0.1:{port}", **{
            **common, "workers": workers,
            **(hub or {})
        })
        branches = {}
        for name in BRANCHES:
            center.set(f"peer {name}")
            if name != "d":
                center.set(f"route to-{name}", listen=f"127.0.0.1:{free_port()}", peer=name,
                           service="echo", **(route or {}))
            b = branches[name] = make_node(name, {
                "peer hub": {"address": f"127.0.0.1:{port}"},
                "route echo": {"listen": f"127.0.0.1:{free_port()}", "peer": "hub"},
                "service echo": {"connect": echo.address, "allow": "hub"}})
            b.set("node", **common)
            b.init()
        center.init()
        for b in branches.values():
            b.trust(center)
        star = Star(center, branches, echo)
        for name in branches:
            star.trust(name)
        return star.start() if start else star
    return make


def thread_times(pid):
    """Nanoseconds of CPU time by name of thread; the main thread is `main`. Those of libuv's
    pool together are `pool`."""
    times = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        name = "main" if task.name == str(pid) else name if name.startswith("worker-") else "pool"
        times[name] = times.get(name, 0) + int((task / "schedstat").read_text().split()[0])
    return times


def carry(sock, seed, size):
    """Sends a pattern through an echo and gives it back digested."""
    pattern = services.Pattern(seed, size)
    sender = threading.Thread(target=pattern.send, args=(sock,), daemon=True)
    sender.start()
    got = services.digest_stream(sock)
    sender.join(60)
    return got == (size, pattern.digest())


def test_links_of_two_peers_run_on_two_threads(make_star, sanitized):
    """What is carried for b costs time of b's thread and of no other one."""
    size = (4 << 20) if sanitized else (32 << 20)
    star = make_star()
    assert star.hub.events("node_ready")[0]["workers"] == "4"
    names = {"a": "main", "b": "worker-1", "c": "worker-2", "d": "worker-3"}
    for branch, own in names.items():
        before = thread_times(star.hub.pid)
        assert set(before) >= set(names.values()), before
        with star.home(branch) as s:
            assert carry(s, branch, size)
        after = thread_times(star.hub.pid)
        used = {name: after[name] - before[name] for name in names.values()}
        others = max(used[name] for name in names.values() if name != own)
        assert used[own] > 5e6 and others < used[own] / 4, (branch, used)


def test_all_at_the_same_time(make_star, sanitized):
    """Every kind of connection moves its own bytes, all at once."""
    star = make_star()
    size = (1 << 20) if sanitized else (8 << 20)
    results = []
    threads = []
    for i, sock in enumerate(star.everywhere()):
        def move(sock=sock, i=i):
            with sock:
                results.append(carry(sock, i, size))
        threads.append(threading.Thread(target=move, daemon=True))
        threads[-1].start()
    for t in threads:
        t.join(120)
    assert results == [True] * len(threads)


def test_one_worker_is_the_main_thread(make_star):
    star = make_star(workers=1)
    assert not [name for name in thread_times(star.hub.pid) if name.startswith("worker-")]
    for s in star.everywhere():
        assert works(s)
        s.close()


def test_what_comes_right_behind_the_handshake(make_star):
    """A branch that had connections waiting opens their streams in the bytes behind its HELLO:
    the link moves with them."""
    star = make_star(start=False)
    for b in star.branches.values():
        b.start()
    socks = [star.home(name) for name in BRANCHES for _ in range(25)]
    for i, s in enumerate(socks):
        s.sendall(b"early %d" % i)
    star.hub.start()
    for i, s in enumerate(socks):
        assert receive(s, len(b"early %d" % i)) == b"early %d" % i
        s.close()


def test_max_connections_is_exact(make_star, closing):
    """With many clients at once on a route to another thread's peer: never one more than
    allowed, and none less after all ended."""
    star = make_star(route={"max_connections": 7})
    for round_ in range(3):
        held, refused = [], []
        lock = threading.Lock()

        def client():
            s = socket.socket()
            try:
                s.settimeout(20)
                s.connect(("127.0.0.1",
                           int(star.hub.sections["route to-c"]["listen"].rpartition(":")[2])))
                s.sendall(b"in?")
                ok = receive(s, 3) == b"in?"
            except (ConnectionError, AssertionError):
                ok = False
            with lock:
                (held if ok else refused).append(s)
        threads = [threading.Thread(target=client, daemon=True) for _ in range(30)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(30)
        assert (len(held), len(refused)) == (7, 23)
        since = star.hub.position()
        for s in held + refused:
            s.close()
        until(lambda: len(star.hub.events("connection_closed", since=since, route="to-c")) == 7,
              "the seven have ended")


def test_drain(make_star):
    """Open connections of all threads go on; when the last one has ended the node ends."""
    star = make_star()
    socks = star.everywhere()
    assert all(works(s) for s in socks)
    star.hub.signal(signal.SIGTERM)
    assert int(star.hub.wait("drain_begin")["connections"]) == len(socks)
    for b in star.branches.values():
        b.wait("link_goaway")
    assert all(works(s, b"still here") for s in socks)
    for s in socks:
        s.shutdown(socket.SHUT_WR)
        assert receive_all(s) == b""
        s.close()
    assert star.hub.ended(5) == 0


@pytest.mark.parametrize("signals", [1, 2])
def test_stop(make_star, signals):
    """The end of the drain, and a second signal, end the connections of all threads."""
    star = make_star(hub={"drain": "300ms" if signals == 1 else "1h"})
    socks = star.everywhere()
    assert all(works(s) for s in socks)
    for _ in range(signals):
        star.hub.signal(signal.SIGTERM)
        star.hub.wait("drain_begin")
    assert all(services.is_reset(s) for s in socks)
    assert star.hub.ended(5) == 0
    for s in socks:
        s.close()


def test_waiting_for_absent_peers_is_over_when_the_node_stops(make_star):
    star = make_star(start=False)
    star.hub.start()
    socks = [star.out(name) for name in "abc"]
    for s in socks:
        s.sendall(b"anybody?")
    star.hub.signal(signal.SIGTERM)
    assert all(services.is_reset(s) for s in socks)
    assert star.hub.ended(5) == 0


def test_a_peer_that_dies_leaves_the_others_alone(make_star):
    star = make_star()
    kept = [star.out("a"), star.home("b"), star.home("d")]
    lost = [star.out("c"), star.home("c")]
    assert all(works(s) for s in kept + lost)
    since = star.hub.position()
    star.branches["c"].kill()
    star.hub.wait("link_down", since=since, peer="c")
    assert all(works(s) for s in kept)
    star.branches["c"].start()
    star.hub.wait("link_up", since=since, peer="c")
    assert services.is_reset(lost[0])  # another process does not know it
    with star.out("c") as s:
        assert works(s)
    assert all(works(s) for s in kept)
    for s in kept + lost:
        s.close()


def test_nothing_is_left_behind(make_star):
    """Descriptors after links and connections of all threads have come and gone."""
    star = make_star()

    def round_():
        socks = star.everywhere()
        assert all(works(s) for s in socks)
        since = star.hub.position()
        for s in socks[::2]:
            reset(s)
        for s in socks[1::2]:
            s.close()
        until(lambda: len(star.hub.events("connection_closed", since=since)) == len(socks),
              "all have ended")
        for name in "bcd":
            since = star.hub.position()
            star.branches[name].kill()
            star.hub.wait("link_down", since=since, peer=name)
            star.branches[name].start()
            star.hub.wait("link_up", since=since, peer=name)
    round_()
    before = star.hub.descriptors()
    for _ in range(3):
        round_()
    until(lambda: star.hub.descriptors() == before,
          lambda: f"{star.hub.descriptors()} descriptors, before {before}")


def test_a_key_that_is_taken_back_and_given_again(make_star):
    """The decision is made on disk and acted on by the thread of the peer."""
    star = make_star()
    for name in "bd":
        since = star.hub.position()
        files = [f for f in (star.hub.state / "peers").iterdir() if f.name.startswith(f"{name}.")]
        assert files
        for f in files:
            f.unlink()
        star.hub.wait("link_down", since=since, peer=name)
        star.hub.wait("peer_unverified", since=since, peer=name)
        since = star.hub.position()
        star.trust(name)
        star.hub.wait("peer_verified", since=since, peer=name)
        star.hub.wait("link_up", since=since, peer=name, deadline=45)
        with star.home(name) as s:
            assert works(s)


def test_a_hub_that_dials(make_node, closing):
    """Dialed links are made on the peer's own thread; keys that nobody knows yet are noted by
    the main one."""
    hub = make_node("hub")
    hub.set("node", asymmetric="X25519", workers=3)
    echo = closing.add(services.Echo())
    peers = []
    for name in "abc":
        port = free_port()
        peer = make_node(name, {
            "service echo": {
                "connect": echo.address,
                "allow": "hub"
            },
            "peer hub": {}
        })
        peer.set("node", asymmetric="X25519", listen=f"127.0.0.1:{port}")
        hub.set(f"peer {name}", address=f"127.0.0.1:{port}")
        hub.set(f"route {name}", listen=f"127.0.0.1:{free_port()}", peer=name, service="echo")
        peers.append(peer.init())
    hub.init()
    for peer in peers:
        peer.start()
    hub.start()
    for peer in peers:
        hub.wait("key_pending", peer=peer.name)
    for peer in peers:
        hub.trust(peer), peer.trust(hub)
        hub.wait("link_up", peer=peer.name)
        with services.connect(hub.sections[f"route {peer.name}"]["listen"]) as s:
            assert works(s)


class Busy:
    """Threads that do one thing after the other until they are told to stop; what goes wrong
    there is theirs to bear but for AssertionErrors."""

    def __init__(self):
        self.over = threading.Event()
        self.threads, self.wrong, self.done = [], [], 0

    def start(self, what, *args):
        def run():
            while not self.over.is_set():
                try:
                    what(*args)
                    self.done += 1
                except OSError:
                    pass
                except Exception as e:
                    self.wrong.append(repr(e))
        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join(30)
        assert not self.wrong, self.wrong[:3]
        assert not any(t.is_alive() for t in self.threads)


def test_a_restless_hub_ends_well(make_star, request):
    """Connections come and go both ways, branches die and return, keys are taken back and given
    again, status is asked for; in the midst of that the hub is told to end."""
    star = make_star(hub={"drain": "500ms"}, route={"connect_timeout": "2s"})
    busy = Busy()

    def connection(open_one, name, how):
        with open_one(name) as s:
            s.settimeout(10)
            s.sendall(b"x" * 30_000)
            got = s.recv(1)
            assert got in (b"", b"x")
            if how == "reset":
                reset(s)

    for name in BRANCHES:
        for how in ("close", "reset"):
            busy.start(connection, star.home, name, how)
            if name != "d":
                busy.start(connection, star.out, name, how)
    busy.start(lambda: star.hub.cli("status", "--json", check=None))
    rounds = 30 if request.config.getoption("--long") else 2
    for _ in range(rounds):
        for name in BRANCHES:
            since = star.hub.position()
            star.branches[name].kill()
            star.branches[name].start()
            star.hub.wait("link_up", since=since, peer=name)
        for name in "bd":
            since = star.hub.position()
            for f in (star.hub.state / "peers").iterdir():
                if f.name.startswith(f"{name}."):
                    f.unlink()
            star.hub.wait("peer_unverified", since=since, peer=name)
            star.trust(name)
            star.hub.wait("link_up", since=since, peer=name, deadline=45)
    assert busy.done > 100
    star.hub.signal(signal.SIGTERM)
    assert star.hub.ended(15) == 0
    busy.stop()


def test_status_has_the_peers_of_all_threads_in_order(make_star):
    star = make_star()
    socks = star.everywhere()
    assert all(works(s) for s in socks)
    shown = json.loads(star.hub.cli("status", "--json").stdout)
    assert [p["name"] for p in shown["peers"]] == list(BRANCHES)
    assert all(p["state"] == "up" for p in shown["peers"])
    for s in socks:
        s.close()


def test_check_says_how_many(make_node):
    node = make_node("n").init()
    for value, shown in (("1", "1"), ("3", "3"), ("64", "64")):
        node.set("node", workers=value).write()
        assert re.search(rf"^  workers +{shown}$", node.cli("check").stdout, re.M)
    node.set("node", workers="auto").write()
    assert re.search(r"^  workers +[1-4]$", node.cli("check").stdout, re.M)
    for wrong in ("0", "65", "-1", "many", "Auto"):
        node.set("node", workers=wrong).write()
        assert f'workers: "{wrong}" is no number from 1 to 64, and not auto' in node.cli(
            "check", check=2).stderr
