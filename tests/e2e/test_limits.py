"""Every key of [limits] does what it says, floods are summed up, and whoever is known gets
through meanwhile."""

import contextlib
import json
import re
import socket
import struct
import threading
import time

import pytest

import services
from node import DEADLINE, until
from peer import DATA, OPEN, OPENED, RESET, WINDOW, Ended, Identity, Link, Rejected, frame
from test_interop import Host, echo_once

# Which test sees the effect of a key that is not in this file: in test_renewal.py,
# test_own_links.py, test_keys.py.
ELSEWHERE = {
    "rekey_gap": "test_the_gap_between_renewals",
    "rekey_deadline": "test_a_renewal_that_stalls",
    "rekey_per_hour": "test_too_many_renewals_an_hour",
    "ratchet_bytes": "test_the_node_steps_in_time",
    "ratchet_records": "test_the_node_steps_in_time",
    "links": "test_the_other_side_bounds_links",
    "announce_again": "test_rotation_with_a_call"
}


@pytest.fixture
def make_host(make_node, closing):
    """A node with these limits, which knows a Python peer; known: that was authenticated from
    127.0.0.1."""
    def make(known=True, echo=services.Echo, dials=False, node=None, **limits):
        host = Host(lambda name, sections: make_node(name, {
            **sections, "limits": limits
        }), closing, Identity("py"), {
            "asymmetric": "X25519",
            **(node or {})
        }, dials, echo)
        if known:
            host.up = host.link()
        return host
    return make


def test_every_limit_has_a_test(make_node):
    node = make_node("hq")
    node.ini.unlink(missing_ok=True)
    node.cli("init")
    limits = re.search(r"^\[limits\]\n(.*?)(^\[|\Z)", node.ini.read_text(), re.M | re.S)[1]
    keys = set(re.findall(r"^;?(\w+) = ", limits, re.M))
    here = open(__file__).read()
    assert keys and not {
        key for key in keys if key not in ELSEWHERE and f"{key}=" not in here.replace(" ", "")
    }


# --- knocking -------------------------------------------------------------------------------------

class Knock:
    """One connection that says its first line and then nothing."""

    def __init__(self, host, source):
        self.source = source
        self.sock = host.closing.add(socket.socket())
        self.sock.settimeout(DEADLINE)
        self.sock.bind((source, 0))
        self.sock.connect(("127.0.0.1", host.port))

    def answered(self):
        """Whether the node talks to it: it has a place. Else the connection is over."""
        try:
            self.sock.sendall(b"SecureConn 1.0\n")
            return self.sock.recv(100) == b"SecureConn 1.0\n"
        except ConnectionError:
            return False

    def is_open(self):
        self.sock.setblocking(False)
        try:
            return self.sock.recv(100) != b""
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        finally:
            self.sock.settimeout(DEADLINE)

    def close(self):
        self.sock.close()


def knock(host, source, n=1):
    """n connections one after the other, and whether each one has a place."""
    knocks = [Knock(host, source) for _ in range(n)]
    return knocks, [k.answered() for k in knocks]


def refused(host, since):
    return [e["reason"] for e in host.node.events("caller_refused", since=since)]


def reached(host):
    """How often which limit was met, as `status` says."""
    return json.loads(host.node.cli("status", "--json").stdout)["node"]["limits_reached"]


AT_ONCE, RATE, PLACE = "source at once", "source in a second", "its place went to another one"


def test_handshake(make_host):
    host = make_host(handshake="1s")
    since, start = host.node.position(), time.monotonic()
    k, = knock(host, "127.0.0.2")[0]
    assert k.sock.recv(100) == b""
    assert 0.8 < time.monotonic() - start < 4
    assert host.node.wait("handshake_failed", since=since)["error"] == "timeout"
    assert reached(host) == {"handshake": 1}


def failure(host, lines):
    """What ends a handshake in which the other side says this."""
    since = host.node.position()
    k = Knock(host, "127.0.0.2")
    try:
        k.sock.sendall(lines)
        services.receive_all(k.sock)
    except ConnectionError:
        pass
    return host.node.wait("handshake_failed", since=since)["error"]


def names(count, size):
    """So many suggestions that nobody knows, each one line of so many bytes."""
    return b"".join(b"%0*d\n" % (size - 1, i) for i in range(count))


def test_handshake_line(make_host):
    """A line of so many bytes, its LF with them, and not one more."""
    host = make_host(handshake_line="5000")
    assert failure(host, names(2, 5000)) != "line_long"
    assert failure(host, names(2, 5001)) == "line_long"
    assert failure(host, b"x" * 5000) == "line_long", "whatever it would become"
    assert reached(host)["handshake_line"] == 2


def test_handshake_lines(make_host):
    """The 33rd one ends it: here of a first flight that does not."""
    host = make_host(handshake_lines="32")
    flight = b"SecureConn 1.1\n"
    assert failure(host, flight + b"ASYM: nothing\n" * 40) == "line_count"
    assert reached(host) == {"handshake_lines": 1}


def test_handshake_bytes(make_host):
    """All lines together: here five of 8,000 bytes."""
    host = make_host(handshake_bytes="32K")
    flight = b"SecureConn 1.1\n"
    assert failure(host, flight + (b"ASYM: " + b"x" * 8000 + b"\n") * 5) == "line_total"
    assert reached(host) == {"handshake_bytes": 1}


def test_the_least_is_enough(make_pair):
    """With the lowest bounds on lines, for the largest keys that there are: the first link, and
    one in one flight."""
    least = {
        "handshake_line": "4352",
        "handshake_lines": "32",
        "handshake_bytes": "32K",
        "handshake": "60s"
    }
    pair = make_pair(
        start=False, node={
            "asymmetric": "ElGamal 8192, ElGamal 6144, ElGamal 4096, ElGamal 3072, ElGamal 2048, "
                          "X25519"
        })
    for node in (pair.hq, pair.store):
        node.set("limits", **least)
    pair.start(60)
    assert pair.store.wait("link_up")["asymmetric"] == "ElGamal 8192"
    pair.hq.stop()
    pair.store.wait("link_down")
    since = pair.store.position()
    pair.hq.start()
    assert pair.store.wait("link_up", 60, since=since)["protocol"] == "SecureConn 1.1"
    with pair.connect() as s:
        s.sendall(b"x")
        assert services.receive(s, 1) == b"x"


def test_source(make_host):
    """The fourth one at once of a source is refused; when one goes the next may come."""
    host = make_host(source="3")
    since = host.node.position()
    knocks, answers = knock(host, "127.0.0.2", 5)
    assert answers == [True] * 3 + [False] * 2
    assert knock(host, "127.0.0.3")[1] == [True], "another source"
    until(
        lambda: len(refused(host, since)) == 2 and all(AT_ONCE in r for r in refused(host, since)),
        lambda: refused(host, since))
    assert reached(host) == {"source": 2}
    knocks[0].close()
    until(lambda: knock(host, "127.0.0.2")[1] == [True], "the place is free again", pause=0.2)


def test_source_rate(make_host):
    """The sixth one in a second of a source is refused, a second later not."""
    host = make_host(source_rate="5", source="100")
    since = host.node.position()
    assert knock(host, "127.0.0.2", 7)[1] == [True] * 5 + [False] * 2
    assert knock(host, "127.0.0.3")[1] == [True], "another source"
    until(lambda: refused(host, since) and all(RATE in r for r in refused(host, since)),
          lambda: refused(host, since))
    assert reached(host) == {"source_rate": 2}
    time.sleep(1.1)
    assert knock(host, "127.0.0.2")[1] == [True]


def test_known_source(make_host):
    """Where a peer was authenticated another number counts."""
    host = make_host(source="1", known_source="4")
    since = host.node.position()
    assert knock(host, "127.0.0.1", 5)[1] == [True] * 4 + [False]
    assert knock(host, "127.0.0.2", 2)[1] == [True, False]
    until(
        lambda: len(refused(host, since)) == 2 and all(AT_ONCE in r for r in refused(host, since)),
        lambda: refused(host, since))
    assert reached(host) == {"source": 1, "known_source": 1}


def test_known_source_rate(make_host):
    host = make_host(source_rate="2", known_source_rate="6")
    time.sleep(1.1)  # the link itself counts in its second
    since = host.node.position()
    assert knock(host, "127.0.0.1", 7)[1] == [True] * 6 + [False]
    assert knock(host, "127.0.0.2", 3)[1] == [True] * 2 + [False]
    until(lambda: len(refused(host, since)) == 2 and all(RATE in r for r in refused(host, since)),
          lambda: refused(host, since))
    assert reached(host) == {"source_rate": 1, "known_source_rate": 1}


@pytest.mark.parametrize("known_for, wait, places", [("720h", 0, 4), ("1s", 1.2, 1), ("0", 0, 1)])
def test_known_for(make_host, known_for, wait, places):
    """So long after the peer was authenticated its source is known."""
    host = make_host(source="1", known_source="4", known_for=known_for)
    time.sleep(wait)
    assert sum(knock(host, "127.0.0.1", 5)[1]) == places


def test_a_source_is_known_after_a_restart(make_host):
    host = make_host(source="1", known_source="4")
    host.node.stop()
    host.node.start()
    assert sum(knock(host, "127.0.0.1", 5)[1]) == 4


def test_unauthenticated(make_host):
    """When no place is free the source with the most loses one, at random."""
    host = make_host(unauthenticated="20", reserved="0", source="100", source_rate="1000")
    since = host.node.position()
    many, answers = knock(host, "127.0.0.2", 12)
    few, more = knock(host, "127.0.0.3", 8)
    assert all(answers + more), "all the places"
    for n in range(1, 4):
        assert knock(host, f"127.0.0.{3 + n}")[1] == [True], "a newcomer has a place"
        until(lambda: sum(not k.is_open() for k in many) == n, "one of the crowd has lost its own")
    assert all(k.is_open() for k in few)
    assert [PLACE in r for r in refused(host, since)] == [True] * 3
    assert reached(host) == {"unauthenticated": 3}


def test_reserved(make_host):
    """Five of the twenty places are not for strangers."""
    host = make_host(unauthenticated="20", reserved="5", source="100", source_rate="1000",
                     known_source="100", known_source_rate="1000")
    strangers, answers = knock(host, "127.0.0.2", 15)
    assert all(answers)
    more, answers = knock(host, "127.0.0.3", 5)
    assert all(answers)
    until(lambda: sum(not k.is_open() for k in strangers + more) == 5,
          "strangers take places of strangers only")
    known, answers = knock(host, "127.0.0.1", 5)
    assert all(answers)
    assert sum(k.is_open() for k in strangers + more) == 15, "the reserved places were free"
    echo_once(host.link(), b"one more that is known, in place of a stranger")


@pytest.mark.parametrize("reserved", ["20", "21", "1000", None],
                         ids=["as many", "more", "many more", "default"])
def test_no_place_for_strangers(make_host, reserved):
    """reserved as large as unauthenticated, or larger: strangers may be refused, but the node
    goes on."""
    host = make_host(known=False, unauthenticated="20",
                     **({
                         "reserved": reserved
                     } if reserved else {}))
    since = host.node.position()
    knocks, answers = knock(host, "127.0.0.2", 3)
    time.sleep(0.2)
    assert host.node.process.poll() is None, "the node has died"
    if not any(answers):
        until(lambda: refused(host, since), "it says that there is no place")
        assert reached(host) == {"reserved": 3}


def test_streams(make_host):
    """HELLO says how many, one more gets RESET(11), and when one ends there is room again."""
    host = make_host(streams="5")
    link = host.up
    assert link.peer_streams == 5
    streams = [link.open("echo") for _ in range(6)]
    kind, stream, payload = link.next_frame(RESET, skip=(OPENED,))
    assert stream == streams[5] and struct.unpack(">H", payload[:2])[0] == 11
    assert "streams" in host.node.wait("connection_refused", peer="py")["reason"]
    assert reached(host) == {"streams": 1}
    link.data(streams[0], b"goes on")
    assert link.next_frame(DATA, stream=streams[0], skip=(OPENED,))[2] == b"goes on"
    link.send(frame(RESET, streams[0], struct.pack(">H", 9)))
    time.sleep(0.2)
    stream = link.open("echo")
    assert link.next_frame(OPENED, RESET, stream=stream, skip=(OPENED, WINDOW))[0] == OPENED


def test_streams_that_the_peer_allows(make_host):
    """The node keeps to what the peer's HELLO says; who finds no room waits for connect_timeout."""
    host = make_host(known=False)
    host.node.stop()
    host.node.set("route back", connect_timeout="1s")
    host.node.start()
    link = host.link(streams=2)
    address = host.node.sections["route back"]["listen"]
    socks = [services.connect(address) for _ in range(2)]
    ids = [link.next_frame(OPEN)[1] for _ in range(2)]
    link.send(*[frame(OPENED, i) for i in ids])
    late = services.connect(address)
    assert services.is_reset(late)
    waiting = services.connect(address)
    time.sleep(0.2)
    link.send(frame(RESET, ids[0], struct.pack(">H", 9)))
    assert link.next_frame(OPEN)[1] > ids[1], "the one that waited"
    for s in [*socks, late, waiting]:
        s.close()


def test_streams_between_nodes(make_pair):
    pair = make_pair(start=False, route={"connect_timeout": "1s"})
    pair.hq.set("limits", streams="3")
    pair.start()
    socks = [pair.connect() for _ in range(3)]
    for s in socks:
        s.sendall(b"x")
        assert services.receive(s, 1) == b"x"
    with pair.connect() as s:
        assert services.is_reset(s)
    socks.pop().close()
    with pair.connect() as s:
        s.sendall(b"y")
        assert services.receive(s, 1) == b"y"
    for s in socks:
        s.close()


def test_memory_is_shared(make_pair, closing, sanitized):
    """Programs that read nothing let each connection keep little more than its first window; the
    others still get through."""
    deaf = []

    def serve(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        if sock.recv(1) == b"d":
            deaf.append(closing.add(sock.dup()))
            return
        while data := sock.recv(65536):
            sock.sendall(data)

    pair = make_pair(closing.add(services.Server(serve)).address, start=False)
    for node in (pair.hq, pair.store):
        node.set("limits", memory="1M")
    pair.start()
    with pair.connect() as s:
        s.sendall(b"ex")
        assert services.receive(s, 1) == b"x"
    before = pair.hq.resident() + pair.store.resident()
    stuck = [closing.add(pair.connect()) for _ in range(30)]
    for s in stuck:
        s.sendall(b"d")
        s.setblocking(False)
    until(lambda: len(deaf) == len(stuck), "all are deaf")
    sent = [0, -1]

    def full():
        """Nothing more has gone into any of them for a while."""
        sent[1] = sent[0]
        for s in stuck:
            with contextlib.suppress(BlockingIOError):
                while True:
                    sent[0] += s.send(b"x" * 65536)
        return sent[0] == sent[1]
    until(full, "all are full", deadline=60, pause=1)
    if not sanitized:
        grown = pair.hq.resident() + pair.store.resident() - before
        # with a full first window of 256 KiB at both ends: 15 MiB
        assert grown < 6 * 1024, f"{grown} KiB"
    with pair.connect() as s:
        s.sendall(b"e")
        for _ in range(20):
            s.sendall(b"y" * 20000)
            assert services.receive(s, 20000) == b"y" * 20000


@pytest.mark.parametrize("side", ["store", "hq"])
def test_connections(make_pair, side):
    """At the limit of the node the new one is refused, with a line in the log, and none of the
    old ones suffers."""
    pair = make_pair(start=False)
    getattr(pair, side).set("limits", connections="5")
    pair.start()
    socks = [pair.connect() for _ in range(5)]
    for s in socks:
        s.sendall(b"x")
        assert services.receive(s, 1) == b"x"
    assert services.gets_reset(pair.route)
    refused = getattr(pair, side).wait("connection_refused")
    assert "connections" in refused["reason"]
    status = json.loads(getattr(pair, side).cli("status", "--json").stdout)
    assert status["node"]["limits_reached"] == {"connections": 1}
    for s in socks:
        s.sendall(b"y")
        assert services.receive(s, 1) == b"y"
    socks.pop().close()
    until(lambda: services.answers(pair.route), "a place is free again")
    for s in socks:
        s.close()


def test_few_descriptors(make_pair):
    """The system allows only few: local connections stop below that, so that links can still
    come and go."""
    pair = make_pair(start=False)
    pair.store.command = ["prlimit", "--nofile=256:256", *pair.store.command]
    pair.start()
    few = pair.store.wait("descriptors_few")
    most = int(few["connections"])
    assert 50 < most < 200
    socks = []
    for _ in range(most):
        socks.append(pair.connect())
        socks[-1].sendall(b"x")
        assert services.receive(socks[-1], 1) == b"x"
    for _ in range(50):
        assert services.gets_reset(pair.route)
    assert not pair.store.events("accept_failed")
    for s in socks:
        s.sendall(b"y")
        assert services.receive(s, 1) == b"y"
        s.close()
    until(lambda: services.answers(pair.route), "there is room again")


# --- keys -----------------------------------------------------------------------------------------

def show_key(host, source, identity=None):
    """A stranger shows a key, and is rejected."""
    link = host.dial(identity or Identity("stranger"), source=source)
    with pytest.raises(Rejected):
        link.up()
    link.close()


def callers(host):
    return sorted((host.node.folder / "state" / "callers").glob("*.key"))


def test_pending_keys(make_host):
    """Of all unknown callers; the last one is there."""
    host = make_host(pending_keys="3", pending_keys_source="2")
    for i in range(6):
        show_key(host, f"127.0.0.{10 + i}")
        until(lambda: len(callers(host)) >= min(i + 1, 3), "the key is noted")
    last = Identity("last")
    show_key(host, "127.0.0.30", last)
    until(lambda: any(last.fingerprint() in file.name for file in callers(host)),
          "the last one is noted")
    until(lambda: len(callers(host)) == 3, lambda: callers(host))
    assert "`pending_keys`" in host.node.wait("key_dropped")["reason"]
    assert reached(host) == {"pending_keys": 4}


def test_pending_keys_source(make_host):
    host = make_host(pending_keys="10", pending_keys_source="2")
    others = Identity("other")
    show_key(host, "127.0.0.9", others)
    until(lambda: len(callers(host)) == 1, "the key is noted")
    for _ in range(5):
        identity = Identity("stranger")
        show_key(host, "127.0.0.2", identity)
        until(lambda: any(identity.fingerprint() in file.name for file in callers(host)),
              "the key is noted")
    until(lambda: len(callers(host)) == 3, lambda: callers(host))
    assert any(others.fingerprint() in file.name
               for file in callers(host)), "the other source keeps its own"
    assert "`pending_keys_source`" in host.node.wait("key_dropped")["reason"]
    until(lambda: reached(host) == {"pending_keys_source": 3}, lambda: reached(host))


@pytest.mark.parametrize("age, verified", [(30, True), (90, False)])
def test_expected_keys(make_host, age, verified):
    """expected_keys = 60m: a fingerprint that was trusted `age` minutes ago."""
    host = make_host(known=False, expected_keys="60m")
    file, = (host.node.folder / "state" / "peers").glob("py.*.key")
    text = file.read_text()
    assert "kind: expected" in text
    then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60 * age))
    changed = host.node.folder / "changed"
    changed.touch(0o600)
    changed.write_text(re.sub(r"(?m)^time: .*$", f"time: {then}", text))
    changed.rename(file)  # as a whole, as all changes there are made
    time.sleep(1.2)  # the node looks twice a second
    since = host.node.position()
    if verified:
        echo_once(host.link(), b"as trusted")
    else:
        with pytest.raises(Rejected):
            host.dial().up()
        host.node.wait("key_pending", since=since)
        assert not host.node.events("peer_verified", since=since)


# --- floods ---------------------------------------------------------------------------------------

class Flood:
    """Connections from many addresses, as fast as this machine makes them, until told to stop."""

    def __init__(self, host, one, sources=40, threads=2):
        self.host, self.one, self.sources = host, one, sources
        self.stop, self.count = False, 0
        self.threads = [
            threading.Thread(target=self.run, args=(i, threads), daemon=True)
            for i in range(threads)
        ]
        for t in self.threads:
            t.start()

    def run(self, i, step):
        while not self.stop:
            source = f"127.0.1.{1 + i % self.sources}"
            i += step
            try:
                with socket.socket() as s:
                    s.settimeout(5)
                    s.bind((source, 0))
                    s.connect(("127.0.0.1", self.host.port))
                    self.one(s)
                    self.count += 1
            except OSError:
                pass

    def close(self):
        self.stop = True
        for t in self.threads:
            t.join()


def garbage(s):
    s.sendall(b"\0" * 100)


def silence_after_a_line():
    """Keeps connections open, so that all places are taken all the time."""
    held = []

    def one(s):
        s.sendall(b"SecureConn 1.0\nASYM: X25519\n")
        held.append(s.dup())
        if len(held) > 400:
            held.pop(0).close()
    return one


def stranger(s):
    """A whole first contact with a new key: public-key work, and a key to note."""
    try:
        Link(s, Identity("stranger"), True).up()
    except (Rejected, Ended):
        pass


FLOODS = {
    "garbage": lambda: garbage,
    "silence": silence_after_a_line,
    "strangers": lambda: stranger
}


@pytest.mark.heavy
@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood(make_host, sanitized, kind):
    """The established link goes on, known sources come in, the log is summed up, and memory does
    not grow."""
    host = make_host(unauthenticated="100", reserved="20")
    link = host.up
    before, since = host.node.resident(), host.node.position()
    start = time.monotonic()
    flood = Flood(host, FLOODS[kind]())
    try:
        until(lambda: flood.count > 30, "the flood has begun")
        most = rounds = 0
        while time.monotonic() - start < 4:
            began = time.monotonic()
            echo_once(link, b"in the flood" * 100)
            most, rounds = max(most, time.monotonic() - began), rounds + 1
            peak = host.node.resident()
        for _ in range(3):
            with_link = host.dial().up()
            echo_once(with_link, b"a known source, in the flood")
            with_link.close()
        peak = max(peak, host.node.resident())
    finally:
        flood.close()
    assert flood.count > 100 and rounds > 10
    assert most < 3, "the established link"
    assert not host.node.events("link_down", peer="py", since=since,
                                reason=lambda r: "CLOSE" not in r)
    assert not [
        e for e in host.node.events("caller_refused", since=since)
        if e["address"].startswith("127.0.0.1:")
    ]
    # 100 connections of 64 KiB, and what the allocator keeps for itself; a sanitizer keeps 256 MB
    # of what was freed
    assert peak - before < (400_000 if sanitized else 16_000), (before, peak)
    def counted():
        """Each kind of event has a window, and so a summary, of its own."""
        totals = {}
        for e in host.node.events("log_suppressed", since=since):
            totals[e["of"]] = int(e["total"])
        return sum(totals.values())

    until(lambda: counted() >= flood.count // 4,
          lambda: f"{flood.count} came, {counted()} are counted", deadline=25)
    seconds = time.monotonic() - start
    lines = [
        e["event"]
        for e in host.node.events(since=since)
        if e["event"] in ("caller_refused", "handshake_failed", "key_pending", "accept_failed")
    ]
    assert len(lines) <= (seconds / 10 + 2) * (3 + 20 + 10 + 1), len(lines)
    files = list((host.node.folder / "state").rglob("*.key"))
    assert len(files) <= 64 + 3


def test_memory_of_one_connection(make_host, sanitized):
    """A connection that is not authenticated holds 64 KiB at most, whatever it says."""
    if sanitized:
        pytest.skip("a sanitizer keeps freed memory")
    host = make_host(unauthenticated="256", reserved="0", source="1000", source_rate="10000")
    before = host.node.resident()
    knocks = []
    for i in range(256):
        k = Knock(host, "127.0.0.2")
        k.sock.setblocking(False)
        try:
            for _ in range(5):
                k.sock.send(b"SecureConn %d.0\n" % i + b"A" * 8000)
        except OSError:
            pass
        knocks.append(k)
    time.sleep(0.5)
    assert host.node.resident() - before < 256 * 64 + 2000
    echo_once(host.up, b"goes on")


def test_failed_dials_are_summed_up(make_pair):
    """A peer that is away for long, while somebody waits for it: not every attempt is logged,
    but the log does not fall silent."""
    pair = make_pair(start=False, route={"connect_timeout": "60s"})
    pair.store.start()
    with pair.connect():
        until(lambda: len(pair.store.events("dial_failed")) >= 5, "the first ones are logged each")
        since = pair.store.position()
        time.sleep(5)
        assert len(pair.store.events("dial_failed", since=since)) < 5, "then not each of them"
        until(
            lambda: pair.store.events("dial_failed", since=since) or pair.store.events(
                "log_suppressed", since=since), "it is said again", deadline=25)
