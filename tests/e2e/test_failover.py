"""Routes with several peers: which one gets a connection, and what becomes of one that is
refused."""

import json
import signal
import socket
import time

import pytest

import services
from node import free_port, until
from relay import reset


def announce(name):
    """A handler that says whose server it is, then gives back what comes."""
    def handler(sock):
        sock.sendall(name)
        while data := sock.recv(65536):
            sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    return handler


class Sites:
    """store has a route to the service `echo` of several sites; the server of each says where it
    is: b"0", b"1" ..."""

    def __init__(self, store, sites, servers):
        self.store, self.sites, self.servers = store, sites, servers
        self.route = store.sections["route echo"]["listen"]

    def start(self, *which):
        for i in which or range(len(self.sites)):
            self.sites[i].start()
        self.store.start()
        for i in which or range(len(self.sites)):
            self.up(i)
        return self

    def up(self, i, since=0):
        self.store.wait("link_up", peer=f"site{i}", since=since)

    def connect(self):
        """A connection, and where it came out."""
        s = services.connect(self.route)
        try:
            return s, int(services.receive(s, 1))
        except BaseException:
            s.close()
            raise

    def where(self):
        s, i = self.connect()
        s.close()
        return i

    def goes_to(self, i):
        until(lambda: self.where() == i, f"new connections go to site {i}")


@pytest.fixture
def make_sites(make_node, closing):
    def make(n=2, policy="failover", peer=None, route=None):
        ports = [free_port() for _ in range(n)]
        store = make_node(
            "store", {
                "route echo": {
                    "listen": f"127.0.0.1:{free_port()}",
                    "policy": policy,
                    "peer": ", ".join(f"site{i}" for i in range(n)),
                    **(route or {})
                }
            })
        for i in range(n):
            store.set(f"peer site{i}", address=f"127.0.0.1:{ports[i]}", **(peer or {}))
        store.init()
        sites, servers = [], []
        for i in range(n):
            server = closing.add(services.Server(announce(b"%d" % i)))
            site = make_node(f"site{i}", {
                "peer store": {},
                "service echo": {
                    "connect": server.address,
                    "allow": "store"
                }
            })
            site.set("node", listen=f"127.0.0.1:{ports[i]}").init()
            site.trust(store), store.trust(site)
            sites.append(site)
            servers.append(server)
        return Sites(store, sites, servers)
    return make


def test_the_first_peer_is_away(make_sites):
    """The second one takes over until the first one comes; what is open stays where it is."""
    s = make_sites().start(1)
    s.goes_to(1)
    old, where = s.connect()
    with old:
        assert where == 1
        event = s.store.wait("route_failover", route="echo")
        assert (event["from"], event["to"]) == ("site0", "site1")
        s.sites[0].start()
        s.up(0)
        s.goes_to(0)
        assert [s.where() for _ in range(5)] == [0] * 5
        event = s.store.wait("route_failover", route="echo", to="site0")
        assert event["from"] == "site1"
        old.sendall(b"still here")
        assert services.receive(old, 10) == b"still here"


def test_the_first_peer_dies(make_sites):
    s = make_sites().start()
    assert s.where() == 0
    for _ in range(3):
        at = s.store.position()
        s.sites[0].kill()
        start = time.monotonic()
        s.goes_to(1)
        assert time.monotonic() - start < 5
        s.sites[0].start()
        s.up(0, at)
        s.goes_to(0)


def test_the_first_peer_drains(make_sites):
    """GOAWAY: the open connection goes on there, new ones go to the second peer at once."""
    s = make_sites().start()
    old, where = s.connect()
    with old:
        assert where == 0
        s.sites[0].signal(signal.SIGTERM)
        s.store.wait("link_goaway", peer="site0")
        assert [s.where() for _ in range(3)] == [1] * 3
        old.sendall(b"during")
        assert services.receive(old, 6) == b"during"
    assert s.sites[0].ended() == 0


def payload(n):
    return bytes((i * 7 + i // 251) & 255 for i in range(n))


@pytest.mark.parametrize("trouble", ["refused", "denied", "missing"])
@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_refused_by_the_first_peer(make_sites, trouble, size):
    """The target is not there, or the peer does not want: the second one gets it, with every
    byte that was said so far, and the half-close too."""
    s = make_sites()
    if trouble == "refused":
        s.servers[0].close()
    elif trouble == "denied":
        s.sites[0].set("service echo", allow="someone")
        s.sites[0].set("peer someone")
    else:
        s.sites[0].sections["service other"] = s.sites[0].sections.pop("service echo")
    s.start()
    data = payload(size)
    with services.connect(s.route) as sock:
        with services.saying(sock, data):
            received = services.receive_all(sock)
    assert received == b"1" + data
    moved = s.store.wait("connection_moved", route="echo")
    assert moved["peer"] == "site0" and moved["to"] == "site1"
    closed = s.store.wait("connection_closed", route="echo")
    assert closed["peer"] == "site1" and closed["bytes_in"] == str(
        size) and closed["bytes_out"] == str(size + 1)
    assert not s.store.events("route_failover"), "the peer itself is there"


def test_refused_by_all(make_sites):
    s = make_sites(3)
    for server in s.servers:
        server.close()
    s.start()
    assert services.gets_reset(s.route, say=b"hello?")
    assert s.store.wait("connection_refused", route="echo")["reason"] == "connection refused"
    assert len(s.store.events("connection_moved")) == 2
    assert services.gets_reset(s.route)


def hanging(closing):
    """An address where nobody answers: the backlog is full."""
    full = closing.add(socket.create_server(("127.0.0.1", free_port()), backlog=0))
    for _ in range(4):
        f = closing.add(socket.socket())
        f.setblocking(False)
        f.connect_ex(full.getsockname())
    return "127.0.0.1:%d" % full.getsockname()[1]


def test_a_target_that_hangs(make_sites, closing):
    """The first peer's target says nothing: its connect_timeout ends that, and the second peer
    takes over."""
    s = make_sites()
    s.sites[0].set("service echo", connect=hanging(closing), connect_timeout="700ms")
    s.start()
    assert s.where() == 1


@pytest.mark.parametrize("first", [0, 1])
def test_refused_while_the_node_drains(make_sites, closing, first):
    """The other peer's worker has come to rest already: it has the connection then, and the node
    ends when that has ended."""
    sites = make_sites(peer={"connect": "demand"}, route={"peer": f"site{first}, site{1 - first}"})
    sites.sites[first].set("service echo", connect=hanging(closing), connect_timeout="3s")
    sites.store.set("node", workers=2, drain="30s")
    for node in (*sites.sites, sites.store):
        node.start()
    with services.connect(sites.route) as s:
        s.sendall(b"said early")
        until(lambda: sum(link["streams"] for p in json.loads(
            sites.store.cli("status", "--json").stdout)["peers"]
                          for link in p["links"]) == 1, "the first one is asked")
        sites.store.signal(signal.SIGTERM)
        sites.store.wait("drain_begin")
        assert services.receive(s, 11) == b"%dsaid early" % (1 - first)
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""
    assert sites.store.ended(20) == 0
    assert not sites.store.events("connection_refused")


def test_the_first_peer_takes_no_more(make_sites):
    """Its limit of streams is reached: the others go to the second one."""
    s = make_sites()
    s.sites[0].set("limits", streams="3")
    s.start()
    connections = [s.connect() for _ in range(8)]
    assert [where for _, where in connections] == [0] * 3 + [1] * 5
    for sock, _ in connections:
        sock.close()
    s.goes_to(0)


def test_balance(make_sites):
    s = make_sites(3, "balance").start()
    connections = [s.connect() for _ in range(30)]
    counts = [sum(where == i for _, where in connections) for i in range(3)]
    assert counts == [10, 10, 10]
    # those of one site end: the next ones go there
    for sock, where in connections:
        if where == 1:
            sock.close()
    until(lambda: len(s.store.events("connection_closed")) == 10, "ten have ended")
    more = [s.connect() for _ in range(10)]
    assert [where for _, where in more] == [1] * 10
    # a site goes away: the others share
    s.sites[2].kill()
    s.store.wait("link_down", peer="site2")
    extra = [s.connect() for _ in range(10)]
    assert {where for _, where in extra} == {0, 1}
    for sock, _ in connections + more + extra:
        sock.close()


def test_balance_in_turn(make_sites):
    """One connection at a time still reaches all sites."""
    s = make_sites(3, "balance").start()
    assert {s.where() for _ in range(12)} == {0, 1, 2}


def test_no_peer_at_all_then_one(make_sites):
    """A connection waits for whichever peer comes first, and what it has said goes there."""
    s = make_sites(3, route={"connect_timeout": "20s"})
    s.store.start()
    data = payload(300_000)
    with services.connect(s.route) as sock:
        with services.saying(sock, data):
            s.store.wait("dial_failed", peer="site2")
            s.sites[2].start()
            assert services.receive_all(sock) == b"2" + data


def test_peers_that_are_dialed_when_needed(make_sites):
    s = make_sites(peer={"connect": "demand"})
    s.sites[1].start()
    s.store.start()
    assert s.where() == 1
    assert s.store.events("dial_failed", peer="site0")


def test_a_waiting_client_that_goes_away(make_sites):
    """It is noticed at once, not only when its time is over."""
    s = make_sites(route={"connect_timeout": "1m"})
    path = s.store.folder / "in.sock"
    s.store.set("route echo", listen=f"{s.route}, {path}")
    s.store.start()
    s.store.wait("dial_failed")
    for address in (s.route, str(path)):
        at = s.store.position()
        sock = services.connect(address)
        sock.sendall(b"hello?")
        time.sleep(0.1)
        reset(sock)
        event = s.store.wait("connection_refused", deadline=5, since=at)
        assert "went away" in event["reason"]


def test_a_waiting_client_that_has_said_all(make_sites):
    """A half-close is no end: it waits for its answer."""
    s = make_sites(route={"connect_timeout": "20s"})
    s.store.start()
    with services.connect(s.route) as sock:
        sock.sendall(b"question")
        sock.shutdown(socket.SHUT_WR)
        s.store.wait("dial_failed")
        s.sites[0].start()
        assert services.receive_all(sock) == b"0question"
