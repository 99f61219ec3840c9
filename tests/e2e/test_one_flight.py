"""SecureConn 1.1: peers that have met before need one flight each way; whatever does not fit
falls back to 1.0."""

import os
import struct
import threading

import pytest

import services
from peer import HELLO, SESSION, Ended, Identity, Link, Rejected, Unexpected, frame
from peer_crypto import KEY_SIZE, Refused, fingerprint, label
from relay import split_handshake, split_records
from test_interop import Host, echo_once
from test_renewal import Renewing
from test_wire import shape

ALGORITHMS = ["X25519", "ElGamal 2048", "ElGamal 3072"]
CIPHERTEXT = {"X25519": 112, "ElGamal 2048": 512, "ElGamal 3072": 768}
FINGERPRINTS = " ".join(["F" * 39] * 2)


def unverify(node, peer):
    """The operator takes the peer's key back, and the node has seen it."""
    since = node.position()
    for file in (node.folder / "state" / "peers").glob(f"{peer}.*.key"):
        file.unlink()
    node.wait("peer_unverified", peer=peer, since=since)


# --- two nodes ------------------------------------------------------------------------------------

def again(pair):
    """The connection is cut, and the nodes find each other again. Returns the number of the new
    one at the relay."""
    number = len(pair.relay.connections)
    at_hq, at_store = pair.hq.position(), pair.store.position()
    pair.relay.cut()
    pair.up(at_hq, at_store)
    assert len(pair.relay.connections) == number + 1, "on the first connection"
    return number, at_hq, at_store


def restarted(pair, **keys):
    """R has ended and started again, with these keys of [node] set. Returns how I's link came up
    then."""
    since = pair.store.position()
    pair.relay.refuse()  # a connection that ends without an answer would switch 1.1 off
    pair.hq.stop()
    pair.store.wait("link_down", since=since)
    pair.hq.set("node", **keys).start()
    pair.relay.listen()
    return pair.store.wait("link_up", since=since)


def payloads(relay, number):
    """What passed on a connection, as (direction, bytes) in its order."""
    with relay.lock:
        return [(d, data) for n, d, data in relay.record if n == number]


def shapes(lines):
    return [
        " ".join("F" * 39 if len(word) == 39 and word.count("-") == 7 else word
                 for word in shape(line).split(" "))
        for line in lines
    ]


@pytest.mark.parametrize("asymmetric", ALGORITHMS)
def test_one_flight_each_way(make_pair, asymmetric):
    pair = make_pair(relay=True, node={"asymmetric": asymmetric})
    for node in (pair.hq, pair.store):
        assert node.wait("link_up")["protocol"] == "SecureConn 1.0"
    for _ in range(2):
        number, at_hq, at_store = again(pair)
        for node, since in ((pair.hq, at_hq), (pair.store, at_store)):
            up = node.wait("link_up", since=since)
            assert (up["protocol"], up["asymmetric"], up["symmetric"]) == ("SecureConn 1.1",
                                                                           asymmetric, "AES 256")
        with pair.connect() as s:
            s.sendall(b"and data flows")
            assert services.receive(s, 14) == b"and data flows"
        (d1, first), (d2, second), (d3, third), *_ = payloads(pair.relay, number)
        assert (d1, d2, d3) == ("I", "R", "I")
        lines, rest = split_handshake(first)
        n = CIPHERTEXT[asymmetric]
        assert shapes(lines) == [
            "SecureConn 1.1", f"ASYM: {asymmetric}", "SYM: AES 256", f"ASYM-KEY-ID: {FINGERPRINTS}",
            f"SYM-KEY-3: <{n}>", "END"
        ]
        assert rest == b"", "nothing follows END"
        assert lines[3].split()[1:] == [pair.store.fingerprint(), pair.hq.fingerprint()]
        lines, rest = split_handshake(second)
        assert shapes(lines) == [
            "SecureConn 1.1", f"ASYM: {asymmetric}", "SYM: AES 256", "ASYM-KEY-ID: ACCEPTED",
            "SYM-KEY-3: ACCEPTED", f"SYM-KEY-1: <{n}>", f"SYM-KEY-2: <{n}>"
        ]
        records, left = split_records(rest)
        assert [(channel, epoch) for channel, epoch, *_ in records
                ] == [(1, 0)] and not left, "HELLO in the same write"
        lines, rest = split_handshake(third)
        assert lines == ["SYM-KEY-1: ACCEPTED", "SYM-KEY-2: ACCEPTED"]
        records, left = split_records(rest)
        assert [(channel, epoch)
                for channel, epoch, *_ in records[:2]] == [(1, 0),
                                                           (1, 1)] and not left, "HELLO and SESSION"


def test_first_data_after_one_round_trip(make_pair):
    """connect = demand: what a connection says at once goes out with I's answers, before R says
    anything more."""
    pair = make_pair(relay=True, start=False, node={"asymmetric": "X25519"})
    # a session that goes on has its own round trip
    pair.store.set("peer hq", connect="demand", survive="0")
    pair.start(wait=False)
    came = {"I": b"", "R": 0}
    data = threading.Event()

    def hold(number, direction, payload):
        """R's second payload is held back until data has come from I."""
        if number == 1 and direction == "I":
            came["I"] += payload
            if any(channel == 2 for channel, *_ in split_records(after_lines(came["I"], 8))[0]):
                data.set()
        if number == 1 and direction == "R":
            came["R"] += 1
            if came["R"] == 2 and not data.wait(10):
                came["late"] = True
        return payload

    pair.relay.change = hold
    for protocol in ("SecureConn 1.0", "SecureConn 1.1"):
        at_store, at_hq = pair.store.position(), pair.hq.position()
        with pair.connect() as s:
            s.sendall(b"first words" * 10)
            assert services.receive(s, 110) == b"first words" * 10
        assert pair.store.wait("link_up", since=at_store)["protocol"] == protocol
        pair.relay.cut()
        pair.store.wait("link_down", since=at_store), pair.hq.wait("link_down", since=at_hq)
    assert data.is_set() and "late" not in came, "I waited for a second round trip"


def after_lines(payload, n):
    """What follows n lines, or nothing as long as they are not all there."""
    lines = payload.split(b"\n", n)
    return lines[n] if len(lines) > n else b""


def test_the_first_connection_after_a_start_speaks_1_0(make_pair):
    """What is kept is kept in memory."""
    pair = make_pair(relay=True, node={"asymmetric": "X25519"})
    again(pair)
    pair.store.stop()
    pair.store.start()
    assert pair.store.wait("link_up", since=pair.store.mark)["protocol"] == "SecureConn 1.0"


def test_the_responder_may_forget_everything(make_pair):
    """R needs nothing but its key ring: it has started anew, I goes on with 1.1."""
    pair = make_pair(relay=True, node={"asymmetric": "X25519"})
    assert restarted(pair)["protocol"] == "SecureConn 1.1"


def test_another_symmetric_list_of_the_responder(make_pair):
    """The name that was agreed is not in R's list any more: 1.0 on the same connection, and 1.1
    with the new one then."""
    pair = make_pair(relay=True, node={"asymmetric": "X25519"})
    up = restarted(pair, symmetric="AES 128")
    assert (up["protocol"], up["symmetric"]) == ("SecureConn 1.0", "AES 128")
    lines = split_handshake(pair.relay.sent("I", len(pair.relay.connections) - 1))[0]
    assert lines[0] == "SecureConn 1.1" and "SecureConn 1.0" in lines
    assert not pair.store.events("flight_failed")
    number, _, at_store = again(pair)
    up = pair.store.wait("link_up", since=at_store)
    assert (up["protocol"], up["symmetric"]) == ("SecureConn 1.1", "AES 128")


def test_no_flight_to_a_peer_that_is_not_verified_any_more(make_pair):
    pair = make_pair(relay=True, node={"asymmetric": "X25519"})
    again(pair)
    number, since = len(pair.relay.connections), pair.store.position()
    unverify(pair.store, "hq")
    pair.store.wait("link_down", since=since)
    pair.store.wait("handshake_failed", peer="hq", since=since)
    lines = split_handshake(pair.relay.sent("I", number))[0]
    assert lines[0] == "SecureConn 1.0"
    pair.store.trust(pair.hq)
    pair.store.wait("link_up", since=since)


def test_a_flight_to_a_node_that_has_taken_the_key_back(make_pair):
    """R goes back to 1.0 and rejects the key there; once it is verified again there is a link,
    by 1.0."""
    pair = make_pair(relay=True, node={"asymmetric": "X25519"})
    number, since = len(pair.relay.connections), pair.store.position()
    at_hq = pair.hq.position()
    unverify(pair.hq, "store")
    failed = pair.store.wait("handshake_failed", since=since)
    assert failed["error"] == "key_rejected"
    lines = split_handshake(pair.relay.sent("R", number))[0]
    assert lines[0] == "SecureConn 1.0" and lines[-1].startswith("ASYM-KEY REJECTED")
    pair.store.wait("flight_failed", peer="hq", since=since)
    assert not pair.hq.events("link_up", since=at_hq)
    pair.hq.trust(pair.store)
    assert pair.store.wait("link_up", since=since)["protocol"] == "SecureConn 1.0"


# --- the Python peer ------------------------------------------------------------------------------

class Flying(Link):
    """A peer that speaks 1.1 with whoever it has met before."""

    def say_at_once(self, lines, behind=b""):
        self.lines[self.me] += lines
        self.send_raw("".join(line + "\n" for line in lines).encode() + behind)

    def know(self, algorithm, symmetric, peer_public):
        self.asym, self.symmetric, self.peer_public = self.identity.asym[
            algorithm], symmetric, peer_public
        self.private, self.public = self.identity.keys[algorithm]
        self.client = self.initiator

    def make_key(self, index):
        size = KEY_SIZE[self.symmetric]
        key, salt = os.urandom(size), os.urandom(size)
        return key, f"SYM-KEY-{index}: " + self.asym.encrypt(
            self.peer_public, label(index, self.public, self.peer_public), key + salt).hex()

    # as I

    def flight(self):
        self.key3, line = self.make_key(3)
        ids = [fingerprint(self.asym.name, public) for public in (self.public, self.peer_public)]
        return [
            "SecureConn 1.1", f"ASYM: {self.asym.name}", f"SYM: {self.symmetric}",
            "ASYM-KEY-ID: " + " ".join(ids), line, "END"
        ]

    def expect_flight(self):
        """R's answer, up to its HELLO."""
        for wanted in ("SecureConn 1.1", f"ASYM: {self.asym.name}", f"SYM: {self.symmetric}",
                       "ASYM-KEY-ID: ACCEPTED", "SYM-KEY-3: ACCEPTED"):
            self.expect_line(wanted)
        key1, key2 = self.take_key(1), self.take_key(2)
        self._schedule(key1, key2, self.key3)
        self.recv_hello()

    def finish_flight(self):
        """I's answers, HELLO and SESSION, in one write."""
        self.own_hello = self.hello_payload()
        hello = self.out.seal(1, frame(HELLO, 0, self.own_hello))
        self.mix_hellos()
        self.session_id = os.urandom(16)
        session = self.out.seal(
            1, frame(SESSION, 0, b"\0" + self.session_id + struct.pack(">III", 1, 0, 0)))
        self.send_raw(b"SYM-KEY-1: ACCEPTED\nSYM-KEY-2: ACCEPTED\n" + hello + session)
        if self.next_frame(SESSION)[2] != b"\2" + self.session_id + struct.pack(">III", 1, 0, 0):
            raise Unexpected("the answer to SESSION")

    def fly(self):
        self.say_at_once(self.flight())
        self.expect_flight()
        self.finish_flight()
        return self

    # as R

    def recv_flight(self):
        lines = [self.recv_line() for _ in range(6)]
        if self.input or lines[0] != "SecureConn 1.1" or lines[5] != "END":
            raise Unexpected(f"no flight: {lines} {self.input}")
        heads = ("ASYM: ", "SYM: ", "ASYM-KEY-ID: ", "SYM-KEY-3: ")
        if any(not line.startswith(head) for line, head in zip(lines[1:5], heads)):
            raise Unexpected(f"no flight: {lines}")
        return [line[len(head):] for line, head in zip(lines[1:5], heads)]

    def answer_lines(self):
        self.key1, line1 = self.make_key(1)
        self.key2, line2 = self.make_key(2)
        return [
            "SecureConn 1.1", f"ASYM: {self.asym.name}", f"SYM: {self.symmetric}",
            "ASYM-KEY-ID: ACCEPTED", "SYM-KEY-3: ACCEPTED", line1, line2
        ]

    def land(self, peer_public):
        """The whole of R's part."""
        algorithm, symmetric, ids, key3 = self.recv_flight()
        self.know(algorithm, symmetric, peer_public)
        if ids.split(" ") != [
                fingerprint(algorithm, public) for public in (peer_public, self.public)
        ]:
            raise Unexpected(f"fingerprints: {ids}")
        key3 = self.asym.decrypt(self.private, label(3, peer_public, self.public),
                                 bytes.fromhex(key3), 2 * KEY_SIZE[symmetric])
        lines = self.answer_lines()
        self.lines["R"] += lines
        self._schedule(self.key1, self.key2, key3[:KEY_SIZE[symmetric]])
        self.own_hello = self.hello_payload()
        self.send_raw("".join(line + "\n" for line in lines).encode() +
                      self.out.seal(1, frame(HELLO, 0, self.own_hello)))
        self.expect_line("SYM-KEY-1: ACCEPTED"), self.expect_line("SYM-KEY-2: ACCEPTED")
        self.recv_hello()
        self.mix_hellos()
        self.session()
        return self

    # back to 1.0

    def go_on_with_1_0(self):
        """After R's line "SecureConn 1.0" has been sent or received, to the end."""
        if self.initiator:
            self.send_line("SecureConn 1.0")
        else:
            self.expect_line("SecureConn 1.0")
        name, client = self.negotiate("ASYM: ", list(self.identity.keys), not self.initiator)
        self.symmetric, self.client = self.negotiate("SYM: ", self.symmetric_list, client)
        self.know_after_negotiation(name)
        self.public_keys(), self.session_keys(), self.hellos(), self.session()
        return self

    def know_after_negotiation(self, name):
        self.asym = self.identity.asym[name]
        self.private, self.public = self.identity.keys[name]


class FlyingAndRenewing(Flying, Renewing):
    pass


class Met:
    """A node and a Python peer that have met before."""

    def __init__(self, host, algorithm, symmetric):
        self.host, self.node, self.algorithm = host, host.node, algorithm
        link = host.link(symmetric=[symmetric])
        echo_once(link, b"well met")
        self.public = link.peer_public
        link.close()
        self.node.wait("link_down", peer="py")

    def connect(self, kind=Flying, symmetric="AES 256", **options):
        """A new connection, by whoever dials. Nothing has been said."""
        connect = self.host.accept if self.host.door else self.host.dial
        link = connect(kind=kind, symmetric=[symmetric], **options)
        if not self.host.door:
            link.know(self.algorithm, symmetric, self.public)
        return link

    def up(self, since):
        return self.node.wait("link_up", peer="py", since=since)["protocol"]


@pytest.fixture
def meet(make_node, closing):
    def make(algorithm="X25519", dials=False, limits=None, symmetric="AES 256", **node):
        host = Host(lambda name, sections: make_node(name, {
            **sections, "limits": limits or {}
        }), closing, Identity("py", [algorithm]), {
            "asymmetric": algorithm,
            **node
        }, dials)
        return Met(host, algorithm, symmetric)
    return make


@pytest.mark.parametrize("symmetric", ["AES 256", "CAST-128"])
@pytest.mark.parametrize("algorithm", ["X25519", "ElGamal 2048"])
def test_the_peer_as_initiator(meet, algorithm, symmetric):
    met = meet(algorithm)
    for _ in range(2):
        since = met.node.position()
        link = met.connect(FlyingAndRenewing, symmetric)
        link.say_at_once(link.flight())
        link._fill()
        lines, rest = split_handshake(link.input)
        assert len(lines) == 7 and len(split_records(rest)[0]) == 1, "R's flight comes in one piece"
        link.expect_flight(), link.finish_flight()
        assert met.up(since) == "SecureConn 1.1"
        echo_once(link, os.urandom(50_000))
        link.renew()  # the keys and the roles are where a renewal looks for them
        echo_once(link, b"renewed")
        link.close()


@pytest.mark.parametrize("algorithm", ["X25519", "ElGamal 2048"])
def test_the_peer_as_responder(meet, algorithm):
    met = meet(algorithm, dials=True)
    for _ in range(2):
        since = met.node.position()
        link = met.connect(FlyingAndRenewing).land(met.public)
        assert met.up(since) == "SecureConn 1.1"
        echo_once(link, os.urandom(50_000))
        link.renew()
        echo_once(link, b"renewed")
        link.close()


def test_a_flight_in_crumbs(meet):
    met = meet()
    link = met.connect()
    lines = link.flight()
    link.lines["I"] += lines
    for byte in "".join(line + "\r\n" for line in lines).encode():
        link.send_raw(bytes([byte]))
    link.expect_flight(), link.finish_flight()
    echo_once(link, b"slowly")


OTHER = Identity("other", ["X25519", "ElGamal 2048"])


def changed(line, text):
    """The flight with one line replaced, or taken out."""
    return lambda l, f: f[:line] + ([text] if text else []) + f[line + 1:]


def ids(change):
    return lambda l, f: f[:3] + ["ASYM-KEY-ID: " + change(*f[3].split(" ")[1:])] + f[4:]


# Flights that R answers with "SecureConn 1.0", and skips to END.
FALL_BACK = {
    "I's fingerprint is unknown": ids(lambda i, r: OTHER.fingerprint() + " " + r),
    "I's fingerprint is R's own": ids(lambda i, r: r + " " + r),
    "R's fingerprint is another": ids(lambda i, r: i + " " + OTHER.fingerprint()),
    "fingerprints changed round": ids(lambda i, r: r + " " + i),
    "lower case": ids(lambda i, r: i.lower() + " " + r.lower()),
    "no dashes": ids(lambda i, r: i.replace("-", "") + " " + r.replace("-", "")),
    "one fingerprint": ids(lambda i, r: i),
    "three fingerprints": ids(lambda i, r: f"{i} {r} {r}"),
    "two spaces": ids(lambda i, r: f"{i}  {r}"),
    "no fingerprints": ids(lambda i, r: ""),
    "ASYM of another kind": changed(1, "ASYM: ElGamal 2048"),
    "ASYM of an unknown name": changed(1, "ASYM: Kyber"),
    "ASYM: NONE": changed(1, "ASYM: NONE"),
    "SYM not in the list": changed(2, "SYM: AES 256 OCB"),
    "SYM of an unknown name": changed(2, "SYM: ROT13"),
    "SYM before ASYM": lambda l, f: [f[0], f[2], f[1], *f[3:]],
    "key before its id": lambda l, f: [*f[:3], f[4], f[3], f[5]],
    "no ASYM": changed(1, None),
    "no SYM": changed(2, None),
    "no ids": changed(3, None),
    "no key": changed(4, None),
    "nothing": lambda l, f: [f[0], f[5]],
    "a line more": lambda l, f: [*f[:5], "SYM-KEY-4: 00", f[5]],
    "a key more": lambda l, f: [*f[:5], f[4], f[5]],
    "a line between": lambda l, f: [*f[:2], "X", *f[2:]],
    "another key first": lambda l, f: [*f[:4], f[4].replace("SYM-KEY-3", "SYM-KEY-1"), f[5]],
    "1.1 twice": lambda l, f: [f[0], *f],
    "forty lines": lambda l, f: [f[0], *["filler %d" % i for i in range(40)], f[5]],
}


@pytest.mark.parametrize("what", FALL_BACK)
def test_fall_back_to_1_0(meet, what):
    """On the same connection; the skipped lines are in the transcript."""
    met = meet()
    since = met.node.position()
    link = met.connect()
    link.say_at_once(FALL_BACK[what](link, link.flight()))
    link.expect_line("SecureConn 1.0")
    link.go_on_with_1_0()
    assert not link.client, "R is the client of ASYM, and so on"
    assert met.up(since) == "SecureConn 1.0"
    echo_once(link, b"by the long way")


def test_fall_back_and_a_transcript_without_the_skipped_lines(meet):
    """Somebody in the middle has put the flight in: th differs, nothing opens."""
    met = meet()
    since = met.node.position()
    link = met.connect()
    link.say_at_once(["SecureConn 1.1", "END"])
    link.expect_line("SecureConn 1.0")
    del link.lines["I"][:2]
    with pytest.raises((Ended, Refused, ConnectionError, Unexpected)):
        link.go_on_with_1_0()
    met.node.wait("handshake_failed", since=since)
    assert not met.node.events("link_up", since=since)


def test_a_key_that_is_not_verified_any_more(meet):
    met = meet()
    unverify(met.node, "py")
    since = met.node.position()
    link = met.connect()
    link.say_at_once(link.flight())
    link.expect_line("SecureConn 1.0")
    with pytest.raises(Rejected):
        link.go_on_with_1_0()
    assert met.node.wait("handshake_failed", since=since)["error"] == "key_not_verified"


def test_a_cipher_that_is_not_allowed_with_a_weak_key(meet):
    met = meet("ElGamal 1024", symmetric="AES 128", allow_weak="yes")
    link = met.connect(symmetric="AES 128")
    flight = link.flight()
    flight[2] = "SYM: AES 256"
    link.say_at_once(flight)
    link.expect_line("SecureConn 1.0")
    echo_once(link.go_on_with_1_0(), b"weak, but not so")
    link.close()
    echo_once(met.connect(symmetric="AES 128").fly(), b"allowed")


NOT_FIRST = [(["SecureConn 9.9", "SecureConn 1.1"], ["SecureConn 1.0", "NONE"]),
             (["SecureConn 1.0", "SecureConn 1.1"], ["SecureConn 1.0"])]


@pytest.mark.parametrize("said, heard", NOT_FIRST, ids=["after an unknown name", "after 1.0"])
def test_1_1_is_not_the_first_line(meet, said, heard):
    """Anywhere else it is a name that is not in the list, or a line that does not belong there."""
    met = meet()
    since = met.node.position()
    link = met.connect()
    for number, line in enumerate(said):
        link.send_line(line)
        if number < len(heard):
            link.expect_line(heard[number])
    link.expect_end()
    error = met.node.wait("handshake_failed", since=since)["error"]
    assert error == ("no_protocol" if len(heard) == 2 else "line_unexpected")


def test_after_the_fall_back_1_1_is_a_name_like_any_other(meet):
    met = meet()
    since = met.node.position()
    link = met.connect()
    link.say_at_once(["SecureConn 1.1", "END"])
    link.expect_line("SecureConn 1.0")
    link.send_line("SecureConn 1.1")
    with pytest.raises((Ended, ConnectionError)):
        link.recv_line()
    assert met.node.wait("handshake_failed", since=since)["error"] == "suggested_twice"


def test_a_flight_without_an_end(meet):
    met = meet()
    since = met.node.position()
    link = met.connect()
    link.send_raw(b"SecureConn 1.1\n" + b"and so on\n" * 64)
    link.expect_end()
    assert met.node.wait("handshake_failed", since=since)["error"] == "line_count"


def foreign(link, index=3, size=64, key=None):
    key = key or link.peer_public
    sealed = link.asym.encrypt(key, label(index, link.public, link.peer_public), os.urandom(size))
    return f"SYM-KEY-3: {sealed.hex()}"


DOES_NOT_OPEN = {
    "garbage": lambda l: "SYM-KEY-3: " + os.urandom(112).hex(),
    "short": lambda l: foreign(l)[:-2],
    "no hex": lambda l: "SYM-KEY-3: xyz",
    "empty": lambda l: "SYM-KEY-3: ",
    "of index 1": lambda l: foreign(l, index=1),
    "half as long": lambda l: foreign(l, size=32),
    "for somebody else": lambda l: foreign(l, key=OTHER.keys["X25519"][1]),
}


@pytest.mark.parametrize("what", DOES_NOT_OPEN)
def test_a_key_that_does_not_open(meet, what):
    """All else is right: ERROR is R's fifth line, and the end."""
    met = meet()
    since = met.node.position()
    link = met.connect()
    link.say_at_once(changed(4, DOES_NOT_OPEN[what](link))(link, link.flight()))
    for line in ("SecureConn 1.1", "ASYM: X25519", "SYM: AES 256", "ASYM-KEY-ID: ACCEPTED",
                 "SYM-KEY-3: ERROR"):
        link.expect_line(line)
    assert not link.input
    link.expect_end()
    assert met.node.wait("handshake_failed", since=since)["error"] == "session_key"


@pytest.mark.parametrize("answer", [
    "SYM-KEY-1: ERROR\n", "SYM-KEY-2: ACCEPTED\n", "SYM-KEY-1: ACCEPTED\nSYM-KEY-2: ERROR\n",
    "END\n", "SecureConn 1.0\n"
], ids=lambda a: a.strip().replace("\n", ", "))
def test_answers_that_end_it(meet, answer):
    met = meet()
    since = met.node.position()
    link = met.connect()
    link.say_at_once(link.flight())
    link.expect_flight()
    link.send_raw(answer.encode())
    link.expect_end()
    error = met.node.wait("handshake_failed", since=since)["error"]
    assert error == ("session_key_refused" if "ERROR" in answer else "line_unexpected")


def test_a_replayed_flight(meet):
    """Who has recorded a flight and repeats it hears an answer, cannot go on, and touches
    nothing."""
    met = meet()
    link = met.connect().fly()
    recorded = "".join(line + "\n" for line in link.lines["I"][:6]).encode()
    since = met.node.position()
    thief = met.connect()
    thief.send_raw(recorded)
    thief.lines["I"] = link.lines["I"][:6]
    for _ in range(7):
        thief.recv_line()
    record = os.urandom(16)
    thief.send_raw(b"SYM-KEY-1: ACCEPTED\nSYM-KEY-2: ACCEPTED\n" + b"\1\0\0\x40" + os.urandom(64) +
                   record)
    thief.expect_end()
    assert met.node.wait("handshake_failed", since=since)["error"] == "record_tag"
    assert not met.node.events("link_up", since=since) and not met.node.events(
        "link_down", since=since)
    echo_once(link, b"untouched")


def test_unverified_between_the_flights(meet):
    """The operator is quicker than I's second flight: no link."""
    met = meet()
    link = met.connect()
    link.say_at_once(link.flight())
    link.expect_flight()
    since = met.node.position()
    unverify(met.node, "py")
    with pytest.raises((Ended, ConnectionError)):
        link.finish_flight()
    assert met.node.wait("handshake_failed", since=since)["error"] == "key_not_verified"
    assert not met.node.events("link_up", since=since)


# --- the Python peer as a responder that does not play along --------------------------------------

def answered(change):
    """R's answer, with something changed in its lines, and a HELLO that nobody can open."""
    def run(link, met):
        algorithm, symmetric, *_ = link.flight_came
        link.know(algorithm, symmetric, met.public)
        link.say_at_once(change(link.answer_lines()), b"\1\0\0\x40" + os.urandom(80))
    return run


def hang_up(link, met):
    link.close()


UNFIT_ANSWERS = {
    "the end": (hang_up, "truncated"),
    "NONE": (lambda l, m: l.say_at_once(["NONE"]), "no_protocol"),
    "an unknown name, and NONE":
        (lambda l, m: l.say_at_once(["SecureConn 3.0", "NONE"]), "no_protocol"),
    "garbage": (lambda l, m: l.send_raw(b"\0\1\2"), "line_byte"),
    "an empty line": (lambda l, m: l.send_raw(b"\n"), "line_empty"),
    "silence": (lambda l, m: None, "timeout"),
    "half an answer": (lambda l, m: l.say_at_once(["SecureConn 1.1", "ASYM: X25519"]), "timeout"),
    "another ASYM":
        (answered(lambda lines: [lines[0], "ASYM: ElGamal 2048", *lines[2:]]), "line_unexpected"),
    "another SYM":
        (answered(lambda lines: [*lines[:2], "SYM: CAST-128", *lines[3:]]), "line_unexpected"),
    "no ids": (answered(lambda lines: [*lines[:3], *lines[4:]]), "line_unexpected"),
    "the key of I refused":
        (answered(lambda lines: [*lines[:4], "SYM-KEY-3: ERROR"]), "session_key_refused"),
    "keys changed round":
        (answered(lambda lines: [*lines[:5], lines[6], lines[5]]), "line_unexpected"),
    "a key that does not open":
        (answered(lambda lines: [*lines[:5], "SYM-KEY-1: " + "00" * 112, lines[6]]), "session_key"),
    "a HELLO that does not open": (answered(lambda lines: lines), "record_tag"),
}


@pytest.mark.parametrize("what", UNFIT_ANSWERS)
def test_an_answer_that_does_not_fit(meet, what):
    """Logged; dialed again at once with 1.0, and 1.1 is not suggested to this peer for an hour."""
    answer, error = UNFIT_ANSWERS[what]
    met = meet(dials=True, limits={"handshake": "2s"})
    link = met.connect()
    since = met.node.position()
    link.flight_came = link.recv_flight()
    answer(link, met)
    failed = met.node.wait("flight_failed", peer="py", since=since)
    assert failed["error"] == error and failed["hint"]
    for _ in range(3):
        link.close()
        since = met.node.position()
        link = met.connect().up()  # which takes no other first line than SecureConn 1.0
        assert met.up(since) == "SecureConn 1.0"
        echo_once(link, b"by the long way")
    assert len(met.node.events("flight_failed")) == 1


def test_a_key_that_does_not_open_is_answered(meet):
    met = meet(dials=True)
    link = met.connect()
    link.flight_came = link.recv_flight()
    answered(lambda lines: [*lines[:5], "SYM-KEY-1: " + "00" * 112, lines[6]])(link, met)
    link.expect_line("SYM-KEY-1: ERROR")
    link.expect_end()


def test_the_responder_would_rather_negotiate(meet):
    """SecureConn 1.0 for an answer: the same connection goes on, and 1.1 is suggested again next
    time."""
    met = meet(dials=True)
    for _ in range(2):
        link = met.connect()
        link.recv_flight()
        link.send_line("SecureConn 1.0")
        since = met.node.position()
        link.go_on_with_1_0()
        assert link.client, "R has suggested 1.0, and all that follows"
        assert met.up(since) == "SecureConn 1.0"
        echo_once(link, os.urandom(10_000))
        link.close()
    assert not met.node.events("flight_failed")


def test_the_responder_suggests_something_else(meet):
    """The negotiation goes on as if 1.1 had been an unknown name."""
    met = meet(dials=True)
    link = met.connect()
    link.recv_flight()
    link.send_line("SecureConn 7.0")
    link.expect_line("SecureConn 1.0")
    link.send_line("SecureConn 1.0")
    name, client = link.negotiate("ASYM: ", list(link.identity.keys), False)
    link.symmetric, link.client = link.negotiate("SYM: ", link.symmetric_list, client)
    link.know_after_negotiation(name)
    link.public_keys(), link.session_keys(), link.hellos(), link.session()
    echo_once(link, b"agreed")


def test_the_key_is_taken_back_while_the_flight_is_under_way(meet):
    """The node has said its flight; before the answer comes its operator takes py's key back."""
    met = meet(dials=True)
    link = met.connect()
    since = met.node.position()
    unverify(met.node, "py")
    with pytest.raises((Ended, ConnectionError)):
        link.land(met.public)
    assert met.node.wait("handshake_failed", peer="py", since=since)["error"] == "key_not_verified"
    assert not met.node.events("link_up", since=since)
