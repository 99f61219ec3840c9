"""The program against a peer that was written from protocol.md alone: every algorithm and role,
and every way to break the rules."""

import os
import struct
import time

import pytest

import services
from node import free_port, until
from peer import (CLOSE, DATA, FIN, GOAWAY, HELLO, KEY_UPDATE, LINE, OPEN, OPENED, PAD, PING, PONG,
                  RESET, SESSION, STATE, WINDOW, Door, Ended, Identity, Rejected, Unexpected, dial,
                  frame)
from peer_crypto import Refused, label

ASYMMETRIC = [
    "X25519", "ElGamal 2048", "ElGamal 3072", "ElGamal 4096", "ElGamal 6144", "ElGamal 8192"
]
SYMMETRIC = ["AES 256", "AES 128", "ChaCha20-Poly1305", "CAST-128", "AES 256 OCB", "AES 128 OCB"]


def wire(code):
    return struct.pack(">H", code)


class Host:
    """A node that knows a Python peer named py: echo is a service that py may use, the route
    back leads to it."""

    def __init__(self, make_node, closing, identity, node=None, dials=False, echo=services.Echo):
        self.echo = closing.add(echo())
        self.closing = closing
        self.door = closing.add(Door()) if dials else None
        self.port = free_port()
        self.node = make_node("hq", {
            "node": {"name": "hq", "state": "state"},
            "peer py": {"address": f"127.0.0.1:{self.door.port}"} if dials else {},
            "service echo": {"connect": self.echo.address, "allow": "py"},
            "route back": {"listen": f"127.0.0.1:{free_port()}", "peer": "py", "service": "there"},
            "service hidden": {"connect": self.echo.address, "allow": "hq"}})
        self.node.set("node", listen=f"127.0.0.1:{self.port}", **(node or {}))
        self.node.set("peer hq")
        self.node.init()
        self.identity = identity
        for algorithm in identity.keys:
            self.node.cli("trust", "py", "--fingerprint", identity.fingerprint(algorithm))
        self.node.start()

    def dial(self, identity=None, **options):
        return self.closing.add(dial(self.port, identity or self.identity, **options))

    def accept(self, **options):
        return self.closing.add(self.door.accept(self.identity, **options))

    def link(self, **options):
        """A link that is up. The key belongs to the fingerprint that the node was told, and is
        verified as it comes."""
        connect = self.accept if self.door else self.dial
        link = connect(**options).up()
        self.node.wait("peer_verified", peer="py")
        return link

    def healthy(self):
        """After whatever happened: a new link works."""
        link = self.link()
        echo_once(link, b"healthy?")
        link.close()


def echo_once(link, data, service="echo"):
    """A stream there and back, with credit given as needed, ended cleanly by both."""
    stream = link.open(service)
    sent, got, credit, opened, finished = 0, b"", link.peer_window, False, False
    while not finished:
        while sent < len(data) and credit > sent:
            piece = data[sent:sent + min(16384, credit - sent)]
            link.data(stream, piece)
            sent += len(piece)
        if sent == len(data) and credit >= 0:
            link.fin(stream, sent)
            credit = -1
        kind, s, payload = link.next_frame(skip=())
        assert s == stream, (kind, s)
        if kind == OPENED:
            assert not opened and not got
            opened = True
        elif kind == WINDOW:
            consumed, window = struct.unpack(">QI", payload)
            assert consumed <= sent + 1
            if credit >= 0:
                credit = max(credit, consumed + window)
        elif kind == DATA:
            assert opened
            got += payload
            link.grant(stream, len(got))
        elif kind == FIN:
            assert struct.unpack(">Q", payload)[0] == len(got)
            link.grant(stream, len(got) + 1, 0)
            finished = True
        else:
            raise Unexpected(f"frame {kind} {payload}")
    assert got == data
    return stream


@pytest.fixture
def py():
    return Identity("py")


@pytest.fixture
def host(make_node, closing, py):
    return Host(make_node, closing, py, {"asymmetric": "X25519"})


@pytest.mark.parametrize("dials", [False, True], ids=["py is I", "py is R"])
@pytest.mark.parametrize("symmetric", SYMMETRIC)
def test_ciphers(make_node, closing, py, has_gcrypt, symmetric, dials):
    if "OCB" in symmetric and not has_gcrypt:
        pytest.skip("built without libgcrypt")
    host = Host(make_node, closing, py, {"asymmetric": "X25519", "symmetric": symmetric}, dials)
    link = host.link(symmetric=[symmetric])
    assert link.peer_name == "hq"
    up = host.node.wait("link_up", peer="py")
    assert up["symmetric"] == symmetric
    echo_once(link, os.urandom(100_000))
    echo_once(link, b"")


@pytest.mark.parametrize("dials", [False, True], ids=["py is I", "py is R"])
@pytest.mark.parametrize("asymmetric", ASYMMETRIC)
def test_public_key_algorithms(make_node, closing, asymmetric, dials):
    host = Host(make_node, closing, Identity("py", [asymmetric]), {"asymmetric": asymmetric}, dials)
    link = host.link()
    assert host.node.wait("link_up", peer="py")["asymmetric"] == asymmetric
    echo_once(link, b"hello" * 100)


def test_elgamal_1024_where_it_is_allowed(make_node, closing):
    host = Host(make_node, closing, Identity("py", ["ElGamal 1024"]), {
        "asymmetric": "ElGamal 1024",
        "allow_weak": "yes"
    })
    link = host.link(symmetric=["AES 256", "AES 128"])
    assert link.symmetric == "AES 128", "OAEP has no room for a key of 256 bits"
    echo_once(link, b"weak")


def test_elgamal_1024_is_not_offered_by_default(make_node, closing):
    node = make_node("hq")
    node.set("node", asymmetric="ElGamal 1024")
    node.write()
    done = node.cli("check", check=2)
    assert "allow_weak" in done.stderr


# Lists of names that make the one or the other the suggester of a stage, and so move the roles:
# py's asymmetric and symmetric names, what is agreed, and whether py is the client then, as I and
# as R. The node has X25519; AES 256, AES 128.
ROLES = {
    "first suggestion": (["X25519"], ["AES 256"], "AES 256", True, False),
    "SYM countered": (["X25519"], ["AES 128 OCB", "AES 256"], "AES 256", False, False),
    "SYM in three steps": (["X25519"], ["AES 128 OCB", "AES 128"], "AES 128", True, False),
    "ASYM countered": (["ElGamal 2048", "X25519"], ["AES 256"], "AES 256", False, False),
    "both countered": (["ElGamal 2048", "X25519"], ["AES 128"], "AES 128", True, True),
    "last resort": (["X25519"], ["CAST-128"], "CAST-128", True, True),
}


@pytest.mark.parametrize("dials", [False, True], ids=["py is I", "py is R"])
@pytest.mark.parametrize("roles", ROLES)
def test_roles(make_node, closing, roles, dials):
    algorithms, symmetric, agreed, *client = ROLES[roles]
    host = Host(make_node, closing, Identity("py", algorithms), {
        "asymmetric": "X25519",
        "symmetric": "AES 256, AES 128"
    }, dials)
    link = host.link(symmetric=symmetric)
    assert (link.symmetric, link.client) == (agreed, client[dials])
    echo_once(link, os.urandom(50_000))


def test_hello(host):
    link = host.link()
    assert link.peer_streams >= 1
    tlvs = link.peer_tlvs
    while tlvs:
        tag, n, value = tlvs[0], tlvs[1], tlvs[2:2 + tlvs[1]]
        assert len(value) == n and (tag != 1 or n == 18)
        tlvs = tlvs[2 + n:]


def test_unknown_tlvs_of_hello_are_skipped(host):
    link = host.link(hello_tlvs=b"\x77\x03abc" + b"\x01\x12" + bytes(2) + os.urandom(16) +
                     b"\xf0\x00")
    echo_once(link, b"hello")


def test_a_connection_from_the_nodes_side(make_node, closing, py):
    """The route back: the node opens streams, even ones, as it was not the initiator."""
    host = Host(make_node, closing, py, {"asymmetric": "X25519"})
    link = host.link()
    with services.connect(host.node.sections["route back"]["listen"]) as s:
        s.sendall(b"question")
        kind, stream, payload = link.next_frame(OPEN)
        assert stream % 2 == 0
        assert payload[:6] == b"\x05there"
        tlvs = payload[6:]
        while tlvs:
            assert tlvs[0] in (1, 2) and tlvs[1] in (6, 18)
            if tlvs[0] == 1:
                assert tlvs[2:8] == bytes([127, 0, 0, 1]) + s.getsockname()[1].to_bytes(2, "big")
            tlvs = tlvs[2 + tlvs[1]:]
        assert link.next_frame(DATA)[1:] == (stream, b"question")
        link.send(frame(OPENED, stream))
        link.grant(stream, 8)
        link.data(stream, b"answer")
        assert services.receive(s, 6) == b"answer"
        kind, _, payload = link.next_frame(WINDOW, stream=stream, skip=())
        assert struct.unpack(">Q", payload[:8])[0] == 6
        link.fin(stream, 6)
        assert s.recv(1) == b""
        s.sendall(b"!")
        s.close()
        assert link.next_frame(DATA)[2] == b"!"
        assert struct.unpack(">Q", link.next_frame(FIN)[2])[0] == 9
        link.grant(stream, 10, 0)


def test_data_before_opened_and_credit(host):
    """The node sends no more than it was granted, and grants in time what it wants to receive."""
    link = host.link(window=4096)
    stream = link.open("echo")
    data = os.urandom(20_000)
    link.data(stream, data)
    assert link.next_frame()[0] == OPENED
    got, limit, end = b"", 4096, time.monotonic() + 20
    while len(got) < len(data):
        assert time.monotonic() < end
        kind, s, payload = link.next_frame(DATA)
        got += payload
        assert len(got) <= limit, "past the window"
        if len(got) == limit:
            limit += 3000
            link.grant(stream, len(got), 3000)
    assert got == data
    link.fin(stream, len(data))
    assert link.next_frame(FIN)[2] == struct.pack(">Q", len(data))
    link.grant(stream, len(data) + 1, 0)


def test_more_than_the_first_window(host):
    """Several times W0 through one stream: WINDOWs come in time."""
    data = os.urandom(1_500_000)
    link = host.link()
    echo_once(link, data)


def test_denied_and_missing_services_get_the_same_bytes(host):
    link = host.link()
    answers = []
    for service in ("hidden", "nothing-of-the-kind", "hidden", "x" * 255, "\x01"):
        stream = link.open(service)
        kind, s, payload = link.next_frame(RESET)
        assert s == stream
        answers.append(payload)
    assert len(set(answers)) == 1
    assert answers[0][:2] == wire(3)
    echo_once(link, b"goes on")


def test_ping_is_answered(host):
    link = host.link()
    link.send(frame(PING, 0, b"12345678"))
    assert link.next_frame(PONG)[2] == b"12345678"


def test_what_is_to_be_ignored_is_ignored(host):
    link = host.link()
    link.send(frame(200, 0, b"from the future"), frame(128, 77), frame(255, 0, bytes(1000)))
    link.send(frame(PAD, 0, bytes(500)))
    link.send(frame(PAD, 0, b""), channel=2)
    link.send(frame(PAD, 0, b"x" * 65527), channel=2)
    done = echo_once(link, b"first")
    # Frames for a stream that has ended, whatever they say, were under way.
    link.send(frame(RESET, done, wire(9)), frame(WINDOW, done, struct.pack(">QI", 5, 100)),
              frame(OPENED, done))
    link.data(done, b"late")
    skipped = link.next_id - 2 + 20
    link.next_id = skipped
    echo_once(link, b"ids may have gaps")
    link.send(frame(RESET, skipped - 4, wire(9)))
    echo_once(link, b"second")


def test_unknown_options_of_open(host):
    link = host.link()
    stream = link.open("echo", b"\x05\x03abc")
    assert link.next_frame()[:2] == (OPENED, stream)
    stream = link.open("echo", b"\x85\x03abc")
    kind, s, payload = link.next_frame(RESET)
    assert (s, payload[:2]) == (stream, wire(13))


def test_addresses_claimed_by_the_opener(host):
    link = host.link()
    stream = link.open(
        "echo", b"\x01\x06" + bytes([192, 0, 2, 7]) + b"\x12\x34" + b"\x02\x12" + bytes(15) +
        b"\x01\x00\x50")
    assert link.next_frame()[:2] == (OPENED, stream)
    link.fin(stream, 0)
    link.next_frame(FIN)
    link.grant(stream, 1, 0)


def test_a_stream_reset_by_the_peer(host):
    link = host.link()
    stream = link.open("echo")
    link.next_frame(OPENED)
    since = host.node.position()
    link.send(frame(RESET, stream, wire(9) + "gone \x1b[1m \u00e9".encode()))
    host.node.wait("connection_closed", since=since)
    assert all(c == "\n" or 0x20 <= ord(c) <= 0x7e for c in host.node.text(since))
    echo_once(link, b"goes on")


@pytest.mark.heavy
def test_streams_above_the_limit(make_node, closing, py, many_descriptors):
    host = Host(make_node, closing, py, {"asymmetric": "X25519"}, echo=services.EpollEcho)
    link = host.link()
    for _ in range(link.peer_streams):
        link.open("echo")
    last, opened = link.open("echo"), 0
    while True:
        kind, stream, payload = link.next_frame()
        if stream == last:
            break
        assert kind == OPENED
        opened += 1
    assert (kind, payload[:2]) == (RESET, wire(11))
    while opened < link.peer_streams:
        assert link.next_frame()[0] == OPENED
        opened += 1


def test_goaway(make_node, closing, py):
    """After the peer's GOAWAY the node opens nothing more there."""
    host = Host(make_node, closing, py, {"asymmetric": "X25519"})
    host.node.sections["route back"]["connect_timeout"] = "1s"
    host.node.stop()
    host.node.start()
    link = host.link()
    link.send(frame(GOAWAY, 0, wire(10)))
    link.send(frame(PING, 0, b"goneaway"))
    link.next_frame(PONG)
    assert services.gets_reset(host.node.sections["route back"]["listen"])
    assert not [f for f in link.waiting if f[0] == OPEN]


def test_close_by_the_peer(host):
    link = host.link()
    link.open("echo")
    link.next_frame(OPENED)
    since = host.node.position()
    link.send(frame(CLOSE, 0, wire(0)))
    link.expect_close(0)
    host.node.wait("link_down", peer="py", since=since)
    host.healthy()


def test_ratchet(host):
    """KEY_UPDATE(channel, 0): the peer steps each of its channels some hundred times."""
    link = host.link()
    stream = link.open("echo")
    for i in range(300):
        channel = 1 + i % 2
        link.send(frame(KEY_UPDATE, 0, bytes([channel, 0])))
        link.out.channels[channel].ratchet()
        link.data(stream, b"%03d" % i)
    link.fin(stream, 900)
    got = b""
    while len(got) < 900:
        kind, _, payload = link.next_frame(DATA, OPENED)
        got += payload if kind == DATA else b""
    assert got == b"".join(b"%03d" % i for i in range(300))


# --- records that must end the link ---------------------------------------------------------------

def broken_record(link, what):
    good = link.out.seal(1, frame(PING, 0, b"12345678"))
    other = link.out.channels[1]
    return {
        "tag": lambda: good[:-1] + bytes([good[-1] ^ 1]),
        "text": lambda: good[:6] + bytes([good[6] ^ 1]) + good[7:],
        "channel 0": lambda: b"\0" + good[1:],
        "channel 3": lambda: b"\3" + good[1:],
        "the other channel": lambda: b"\2" + good[1:],
        "epoch 0": lambda: good[:1] + b"\0" + good[2:],
        "epoch 2": lambda: good[:1] + b"\2" + good[2:],
        "length 7": lambda: other.seal(link.out.seq - 1, b"1234567"),
        "length 0": lambda: other.seal(link.out.seq - 1, b""),
        "replay": lambda: good + good,
        "swapped": lambda: link.out.seal(1, frame(PING, 0, b"second..")) + good,
        "left out": lambda: link.out.seal(1, frame(PING, 0, b"second..")),
    }[what]


@pytest.mark.parametrize("what", [
    "tag", "text", "channel 0", "channel 3", "the other channel", "epoch 0", "epoch 2", "length 7",
    "length 0", "replay", "swapped", "left out"
])
@pytest.mark.parametrize("symmetric", ["AES 256", "CAST-128"])
def test_a_broken_record_ends_the_link(make_node, closing, py, symmetric, what):
    host = Host(make_node, closing, py, {"asymmetric": "X25519", "symmetric": symmetric})
    link = host.link(symmetric=[symmetric])
    since = host.node.position()
    link.send_raw(broken_record(link, what)())
    link.expect_end()
    down = host.node.wait("link_down", peer="py", since=since)
    assert down["reason"], down
    link2 = host.link(symmetric=[symmetric])
    echo_once(link2, b"healthy")


def test_a_link_that_is_cut_off_in_a_record(host):
    link = host.link()
    since = host.node.position()
    link.send_raw(link.out.seal(1, frame(PING, 0, b"12345678"))[:-3])
    link.close()
    host.node.wait("link_down", peer="py", since=since)
    host.healthy()


def opened(link):
    stream = link.open("echo")
    link.next_frame(OPENED)
    return stream


# Each is given a link and an open stream, and breaks one rule of section 8. The channel is 1 unless
# it says 2.
FRAME_ERRORS = {
    "unknown type 19": lambda l, s: l.send(frame(19, 0)),
    "unknown type 127": lambda l, s: l.send(frame(127, 0)),
    "type 0": lambda l, s: l.send(frame(0, 0)),
    "second byte": lambda l, s: l.send(frame(PING, 0, bytes(8), flags=1)),
    "second HELLO": lambda l, s: l.send(frame(HELLO, 0, l.own_hello)),
    "frame over the end": lambda l, s: l.send(struct.pack(">BBHI", PING, 0, 9, 0) + bytes(8)),
    "half a head": lambda l, s: l.send(frame(PING, 0, bytes(8)) + b"\x08\0\0"),
    "DATA on channel 1": lambda l, s: l.send(frame(DATA, s, b"x")),
    "FIN on channel 2": lambda l, s: l.send(frame(FIN, s, bytes(8)), channel=2),
    "PING on channel 2": lambda l, s: l.send(frame(PING, 0, bytes(8)), channel=2),
    "empty DATA": lambda l, s: l.data(s, b""),
    "DATA on stream 0": lambda l, s: l.data(0, b"x"),
    "DATA above the highest stream": lambda l, s: l.data(s + 2, b"x"),
    "WINDOW above the highest stream": lambda l, s: l.grant(s + 100, 0),
    "DATA on a stream of the node that never was": lambda l, s: l.data(2, b"x"),
    "DATA past the window": lambda l, s: flood(l, s),
    "DATA after FIN": lambda l, s: (l.fin(s, 0), l.data(s, b"x")),
    "FIN with another count": lambda l, s: l.fin(s, 1),
    "FIN twice": lambda l, s: (l.fin(s, 0), l.fin(s, 0)),
    "FIN of 7 bytes": lambda l, s: l.send(frame(FIN, s, bytes(7))),
    "OPEN of the same id": lambda l, s: l.send(frame(OPEN, s, b"\x04echo")),
    "OPEN of a lower id": lambda l, s: (setattr(l, "next_id", s + 10), opened(l),
                                        l.send(frame(OPEN, s + 2, b"\x04echo"))),
    "OPEN of the wrong parity": lambda l, s: l.send(frame(OPEN, s + 1, b"\x04echo")),
    "OPEN of stream 0": lambda l, s: l.send(frame(OPEN, 0, b"\x04echo")),
    "OPEN without a name's end": lambda l, s: l.send(frame(OPEN, s + 2, b"\x09echo")),
    "OPEN without anything": lambda l, s: l.send(frame(OPEN, s + 2)),
    "OPEN with half a TLV": lambda l, s: l.send(frame(OPEN, s + 2, b"\x04echo\x05\x09a")),
    "OPEN with an address of 5 bytes": lambda l, s: l.send(
        frame(OPEN, s + 2, b"\x04echo\x01\x05abcde")),
    "OPENED for a stream of its own": lambda l, s: l.send(frame(OPENED, s)),
    "RESET without a code": lambda l, s: l.send(frame(RESET, s, b"\0")),
    "RESET with 201 bytes of text": lambda l, s: l.send(frame(RESET, s, wire(9) + b"x" * 201)),
    "WINDOW of 11 bytes": lambda l, s: l.send(frame(WINDOW, s, bytes(11))),
    "consumed beyond what was sent": lambda l, s: l.grant(s, 1),
    "PING of 7 bytes": lambda l, s: l.send(frame(PING, 0, bytes(7))),
    "PING on a stream": lambda l, s: l.send(frame(PING, s, bytes(8))),
    "PONG of 9 bytes": lambda l, s: l.send(frame(PONG, 0, bytes(9))),
    "GOAWAY of 1 byte": lambda l, s: l.send(frame(GOAWAY, 0, b"\0")),
    "GOAWAY on a stream": lambda l, s: l.send(frame(GOAWAY, s, wire(0))),
    "CLOSE of 3 bytes": lambda l, s: l.send(frame(CLOSE, 0, bytes(3))),
    "PAD on a stream": lambda l, s: l.send(frame(PAD, s, b"x")),
    "KEY_UPDATE of channel 3": lambda l, s: l.send(frame(KEY_UPDATE, 0, b"\3\0")),
    "KEY_UPDATE of kind 2": lambda l, s: l.send(frame(KEY_UPDATE, 0, b"\1\2")),
    "KEY_UPDATE of renewal out of place": lambda l, s: l.send(frame(KEY_UPDATE, 0, b"\1\1")),
    "KEY_UPDATE that is not last": lambda l, s: l.send(frame(KEY_UPDATE, 0, b"\1\0"),
                                                       frame(PING, 0, bytes(8))),
    "LINE out of place": lambda l, s: l.send(frame(LINE, 0, b"SYM-KEY-1: 00")),
    "second SESSION of the same generation from R's side": lambda l, s: l.send(
        frame(SESSION, 0, b"\2" + bytes(16) + struct.pack(">III", 1, 0, 0))),
    "SESSION of 3 bytes": lambda l, s: l.send(frame(SESSION, 0, bytes(3))),
    "STATE without SESSION": lambda l, s: l.send(frame(STATE, s, bytes(17))),
}


def flood(link, stream):
    """More than the node has granted, without waiting. The service is an echo, so that it reads."""
    left = 64 << 20
    try:
        while left > 0:
            link.data(stream, bytes(60000))
            left -= 60000
    except OSError:
        pass


@pytest.mark.parametrize("what", FRAME_ERRORS)
def test_a_frame_that_breaks_the_rules(host, what):
    link = host.link(window=4096 if what == "DATA past the window" else 262144)
    stream = opened(link)
    since = host.node.position()
    FRAME_ERRORS[what](link, stream)
    link.expect_close(1)
    host.node.wait("link_down", peer="py", since=since)
    host.healthy()


@pytest.mark.parametrize("session", [
    b"\1" + bytes(16) + struct.pack(">III", 1, 0, 0), b"\0" + bytes(16) +
    struct.pack(">III", 1, 0, 1), b"\4" + bytes(16) + struct.pack(">III", 1, 0, 0),
    b"\2" + bytes(16) + struct.pack(">III", 1, 0, 0), b"\0" + bytes(16) + struct.pack(">II", 1, 0)
], ids=["kind 1 at generation 1", "count 1 at generation 1", "kind 4", "kind 2 from I", "short"])
def test_a_first_session_that_breaks_the_rules(host, session):
    host.healthy()
    link = host.dial().handshake()
    link.send(frame(SESSION, 0, session))
    link.expect_close(1)
    host.healthy()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_id_that_another_peer_has(make_node, closing, workers):
    """It is unknown to everybody else, as long as it is known at all, whichever thread has it."""
    host = Host(make_node, closing, Identity("py"), {"asymmetric": "X25519"})
    host.healthy()
    strangers = [Identity(f"other{i}") for i in range(3)]
    host.node.stop()
    host.node.set("node", workers=workers)
    for stranger in strangers:
        host.node.set(f"peer {stranger.name}").write()
        host.node.cli("trust", stranger.name, "--fingerprint", stranger.fingerprint())
    host.node.start()
    link = host.link(hello_tlvs=b"\1\x12" + struct.pack(">H", 60) + bytes(16))
    named = link.session_id

    def judge(stranger, kind, generation):
        """The kind of the answer; a session with an id of its own is welcome on the same link."""
        dialed = host.dial(stranger).handshake()
        dialed.send(frame(SESSION, 0,
                          bytes([kind]) + named + struct.pack(">III", generation, 0, 0)))
        answer = dialed.next_frame(SESSION)[2]
        assert answer[1:17] == named and answer[17:21] == struct.pack(">I", generation)
        if answer[0] == 3:
            dialed.session()
        dialed.close()
        return answer[0]

    for stranger in strangers:
        host.dial(stranger).up().close()
        host.node.wait("peer_verified", peer=stranger.name)
        assert [judge(stranger, 0, 1), judge(stranger, 0, 2), judge(stranger, 1, 2)] == [3, 3, 3]
    echo_once(link, b"untouched")
    since = host.node.position()
    link.close()
    host.node.wait("link_down", peer="py", since=since)
    assert judge(strangers[0], 1, 3) == 3


def test_a_stream_before_session(host):
    host.healthy()
    link = host.dial().handshake()
    link.open("echo")
    link.expect_close(1)
    host.healthy()


def test_no_session_in_time(host):
    """An exchange that is not complete 10 s after HELLO: the link is lost."""
    host.healthy()
    link = host.dial().handshake()
    start = time.monotonic()
    link.expect_end()
    assert 8 < time.monotonic() - start < 14


# --- the handshake --------------------------------------------------------------------------------

def hello_frame(link, version=1, name=b"py", tlvs=b"", cut=0, key=None):
    payload = link.hello_payload()
    payload = bytes([version]) + (key or payload[1:33]) + payload[33:41] + bytes([len(name)
                                                                                  ]) + name + tlvs
    return frame(HELLO, 0, payload[:len(payload) - cut])


HELLO_ERRORS = {
    "version 0": lambda l: hello_frame(l, version=0),
    "W0 below 4,096": lambda l: frame(HELLO, 0,
                                      (lambda p: p[:33] + struct.pack(">I", 4095) + p[37:])
                                      (l.hello_payload())),
    "tag 1 of 17 bytes": lambda l: hello_frame(l, tlvs=b"\x01\x11" + bytes(17)),
    "tag 1 of 19 bytes": lambda l: hello_frame(l, tlvs=b"\x01\x13" + bytes(19)),
    "half a TLV": lambda l: hello_frame(l, tlvs=b"\x05\x09abc"),
    "cut off": lambda l: hello_frame(l, cut=3),
    "a frame after it": lambda l: hello_frame(l) + frame(PING, 0, bytes(8)),
    "an all-zero key": lambda l: hello_frame(l, key=bytes(32)),
    "on channel 2": hello_frame,
    "another frame instead": lambda l: frame(PING, 0, bytes(8)),
    "longer than 1,024": lambda l: hello_frame(l, tlvs=(b"\x05\xff" + bytes(255)) * 4),
}


@pytest.mark.parametrize("what", HELLO_ERRORS)
def test_a_hello_that_breaks_the_rules(host, what):
    """It closes the connection without a record: nobody is authenticated."""
    host.healthy()
    link = host.dial()
    link.negotiation(), link.public_keys(), link.session_keys()
    assert link.client
    since = host.node.position()
    link.send_record(2 if "channel 2" in what else 1, HELLO_ERRORS[what](link))
    try:
        while True:
            link._fill()
    except (Ended, ConnectionError):
        pass
    line, _, rest = link.input.partition(b"\n")
    assert line in (b"", b"SYM-KEY-3: ACCEPTED")
    assert len(rest) <= 1044, "S's own HELLO may have been sent before, and nothing else"
    host.node.wait("handshake_failed", since=since)
    assert not host.node.events("link_up", since=since)
    host.healthy()


def test_a_higher_hello_version_is_taken_as_1(host):
    host.healthy()
    link = host.dial()
    link.negotiation(), link.public_keys(), link.session_keys()
    link.hello_payload_as_it_is = link.hello_payload
    link.hello_payload = lambda: b"\x07" + link.hello_payload_as_it_is()[1:]
    link.hellos(), link.session()
    echo_once(link, b"from the future")


def test_an_impostor_with_the_public_key_only(host):
    """Whoever shows py's public key but holds another private key gets no link, as C or as S."""
    host.healthy()
    since = host.node.position()
    link = host.dial()
    link.private_override = host.identity.asym["X25519"].generate()[0]
    with pytest.raises((Ended, Refused, ConnectionError, Unexpected)):
        link.up()
    # As S it gives keys 1 and 2, but cannot open the third.
    thief = host.dial(symmetric=["AES 256 OCB", "CAST-128"])
    thief.private_override = link.private_override
    with pytest.raises((Ended, Refused, ConnectionError, Unexpected)):
        thief.up()
    link.close(), thief.close()
    until(lambda: len(host.node.events("handshake_failed", since=since)) == 2, "both are logged")
    assert not host.node.events("link_up", since=since)
    host.healthy()


def test_the_nodes_own_key_is_refused(host):
    """A mirror: somebody shows the node its own public key."""
    host.healthy()
    own = Identity("mirror")
    link = host.dial()
    link.negotiation()
    link.send_line("ASYM-KEY: " + link.public.hex())
    node_key = link.recv_line().removeprefix("ASYM-KEY: ")
    link.close()
    mirror = host.dial(own)
    mirror.negotiation()
    since = host.node.position()
    mirror.send_line("ASYM-KEY: " + node_key)
    mirror.recv_line()
    mirror.send_line("ASYM-KEY ACCEPTED")
    with pytest.raises((Rejected, Ended, ConnectionError)):
        mirror.expect_line("ASYM-KEY ACCEPTED")
        raise AssertionError("accepted")
    assert not host.node.events("key_pending", since=since)


def test_an_unknown_key_becomes_pending(host):
    stranger = Identity("stranger")
    link = host.dial(stranger)
    with pytest.raises(Rejected):
        link.up()
    host.node.wait("key_pending")
    host.node.cli("peers")


SYM_KEY_ERRORS = {
    "garbage": lambda good: os.urandom(len(good)),
    "one byte short": lambda good: good[:-1],
    "one byte long": lambda good: good + b"\0",
    "empty": lambda good: b"",
    "tag flipped": lambda good: good[:-1] + bytes([good[-1] ^ 1]),
}


@pytest.mark.parametrize("what", SYM_KEY_ERRORS)
def test_a_session_key_that_does_not_open(host, what):
    """As C, py gives SYM-KEY-3: the answer to whatever is wrong is ERROR, and the end."""
    host.healthy()
    link = host.dial()
    link.negotiation(), link.public_keys()
    assert link.client
    encrypt = link.asym.encrypt

    class Broken:
        def __getattr__(self, name):
            return getattr(link_asym, name)

        def encrypt(self, *args):
            return SYM_KEY_ERRORS[what](encrypt(*args))
    link_asym, link.asym = link.asym, Broken()
    link.session_keys()
    try:
        answer = link.recv_line()
    except (Ended, ConnectionError):
        answer = None
    assert answer == "SYM-KEY-3: ERROR" or (what == "empty" and answer is None)
    link.expect_end()
    host.healthy()


def test_a_session_key_of_another_length(host):
    host.healthy()
    link = host.dial()
    link.negotiation(), link.public_keys()
    key1 = link.take_key(1)
    link.send_line("SYM-KEY-1: ACCEPTED")
    link.take_key(2)
    link.send_line("SYM-KEY-2: ACCEPTED")
    m = os.urandom(63)
    link.send_line(
        "SYM-KEY-3: " +
        link.asym.encrypt(link.peer_public, label(3, link.public, link.peer_public), m).hex())
    assert link.recv_line() == "SYM-KEY-3: ERROR"
    link.expect_end()


def test_upper_case_hex_is_read(host):
    host.healthy()
    link = host.dial()
    send = link.send_line
    link.send_line = lambda line: send(
        line.split(": ")[0] + ": " + line.split(": ")[1].upper()
        if line.startswith(("ASYM-KEY: ", "SYM-KEY-3: ")) and "ACC" not in line else line)
    link.up()
    echo_once(link, b"either case")


def test_everything_in_one_write(host):
    """Lines that need no answer to be written may come together; nothing is interpreted past the
    line that a state needs."""
    host.healthy()
    link = host.dial()
    for line in ("SecureConn 1.0", "ASYM: X25519", "SYM: AES 256"):
        link.lines["I"].append(line)
    link.lines["I"].append("ASYM-KEY: " + host.identity.keys["X25519"][1].hex())
    link.lines["I"].append("ASYM-KEY ACCEPTED")
    link.send_raw("".join(line + "\n" for line in link.lines["I"]).encode())
    for wanted in ("SecureConn 1.0", "ASYM: X25519", "SYM: AES 256"):
        assert link.recv_line() == wanted
    link.asym, (link.private,
                link.public) = host.identity.asym["X25519"], host.identity.keys["X25519"]
    link.symmetric, link.client = "AES 256", True
    link.peer_public = bytes.fromhex(link.recv_line().removeprefix("ASYM-KEY: "))
    assert link.recv_line() == "ASYM-KEY ACCEPTED"
    link.session_keys(), link.hellos(), link.session()
    echo_once(link, b"in one write")


def test_a_peer_that_never_reads(host):
    """A peer that sends PINGs without end and reads nothing is cut, or held, but does not fill
    the memory."""
    link = host.link()
    before = host.node.resident()
    link.sock.settimeout(3)
    ping = frame(PING, 0, b"12345678") * 4000
    try:
        for _ in range(400):
            link.send(ping)
    except OSError:
        pass
    assert host.node.resident() < before + 65536
    link.close()
    host.healthy()
