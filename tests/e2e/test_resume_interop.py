"""Sessions that go on over another link (protocol.md 8.1), with the Python peer as either end:
what it has and has not got is what it says in its STATEs, so that each loss is one that the test
has chosen."""

import os
import socket
import struct

import pytest

import services
from node import until
from peer import (DATA, FIN, OPEN, OPENED, RESET, SESSION, STATE, WINDOW, Ended, Identity, Link,
                  frame)
from relay import reset
from test_interop import Host, echo_once, wire

W0 = 65536
RESET_HERE, OPENED_SENT = 2, 1


def session_frame(kind, name, generation, highest=0, count=0):
    return frame(SESSION, 0, bytes([kind]) + name + struct.pack(">III", generation, highest, count))


def state_frame(stream, flags, received, limit):
    return frame(STATE, stream, struct.pack(">BQQ", flags, received, limit))


class Counting(Link):
    """WINDOWs, which may come ahead of anything else, are only noted: how much of each stream is
    consumed."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.consumed = {}

    def negotiate(self, prefix, names, opens):
        """A node that has met this peer suggests 1.1, which is declined (section 10)."""
        if prefix or opens:
            return super().negotiate(prefix, names, opens)
        line = self.recv_line()
        if line == "SecureConn 1.1":
            while self.recv_line() != "END":
                pass
            self.send_line(names[0])
            self.expect_line(names[0])
            return names[0], True
        assert line == names[0]
        self.send_line(line)
        return line, False

    def _take_record(self):
        super()._take_record()
        for kind, stream, payload in self.waiting:
            if kind == WINDOW:
                self.consumed[stream] = struct.unpack(">QI", payload)[0]
        self.waiting = [got for got in self.waiting if got[0] != WINDOW]


class Session:
    """The Python peer's end of a session: the link that carries it now, and the exchange for the
    next one."""

    def __init__(self, host):
        self.host = host
        self.options = {
            "kind": Counting,
            "window": W0,
            "hello_tlvs": b"\x01\x12" + struct.pack(">H", 60) + os.urandom(16)
        }
        self.link = host.link(**self.options)
        self.name, self.generation = self.link.session_id, 1

    def cut(self):
        """The link is gone, and the node knows."""
        since = self.host.node.position()
        reset(self.link.sock)
        self.host.node.wait("link_down", peer="py", since=since)

    def handshake(self):
        """Another connection up to HELLO. It goes on with the numbers of the streams."""
        connect = self.host.accept if self.host.door else self.host.dial
        link = connect(**self.options).handshake()
        link.next_id, link.session_id = self.link.next_id, self.name
        return link

    def say(self, link, kind, states, highest):
        link.send(session_frame(kind, self.name, self.generation, highest, len(states)),
                  *(state_frame(stream, *state) for stream, state in sorted(states.items())))

    def hear(self, link, kind):
        """SESSION of the node, and its STATEs: highest, {stream: (flags, received, limit)}."""
        payload = link.next_frame(SESSION, skip=())[2]
        assert payload[:21] == bytes([kind]) + self.name + struct.pack(
            ">I", self.generation), payload.hex()
        highest, count = struct.unpack(">II", payload[21:])
        states = {}
        for _ in range(count):
            _, stream, payload = link.next_frame(STATE, skip=())
            states[stream] = struct.unpack(">BQQ", payload)
        assert len(states) == count, "a stream is listed twice"
        return highest, states

    def again(self, states, highest=0):
        """A new link with its exchange: what the node says in it."""
        link = self.handshake()
        self.generation += 1
        if link.initiator:
            self.say(link, 1, states, highest)
            heard = self.hear(link, 2)
        else:
            heard = self.hear(link, 1)
            self.say(link, 2, states, highest)
        self.link = link
        return heard

    def opened(self):
        stream = self.link.open("echo")
        assert self.link.next_frame()[:2] == (OPENED, stream)
        return stream

    def called(self, say):
        """Somebody connects to the node's route, which leads here, and says something: the
        connection, the stream, OPEN's payload."""
        conn = self.host.closing.add(
            services.connect(self.host.node.sections["route back"]["listen"]))
        conn.sendall(say)
        _, stream, payload = self.link.next_frame(OPEN)
        assert receive(self.link, stream, len(say)) == say
        return conn, stream, payload


def receive(link, stream, n):
    """n bytes of a stream."""
    got = b""
    while len(got) < n:
        got += link.next_frame(DATA, stream=stream)[2]
    assert len(got) == n, "more than there is"
    return got


def healthy(session):
    """After whatever happened: a new link works. A node that has met this peer suggests 1.1
    there."""
    link = session.host.link(kind=Counting)
    echo_once(link, b"healthy?")
    link.close()


def finish(link, stream, sent, got):
    """Both ends of a stream whose bytes are all there."""
    link.fin(stream, sent)
    assert link.next_frame(FIN, stream=stream)[2] == struct.pack(">Q", got)
    link.grant(stream, got + 1, 0)
    counted(link, stream, sent + 1)


def counted(link, stream, consumed):
    """The node says that it has passed on so much, on this link."""
    while link.consumed.get(stream, 0) < consumed:
        link._take_record()


@pytest.fixture(params=[False, True], ids=["py is I", "py is R"])
def session(request, make_node, closing):
    return Session(Host(make_node, closing, Identity("py"), {"asymmetric": "X25519"},
                        request.param))


@pytest.fixture
def as_i(make_node, closing):
    return Session(Host(make_node, closing, Identity("py"), {"asymmetric": "X25519"}))


@pytest.fixture
def as_r(make_node, closing):
    return Session(Host(make_node, closing, Identity("py"), {"asymmetric": "X25519"}, True))


def test_both_directions_go_on(session):
    """The node says what has come, and sends again what has not, up to the credit that it is
    given."""
    data = os.urandom(200_000)
    stream = session.opened()
    session.link.data(stream, data[:30_000])
    assert receive(session.link, stream, 30_000) == data[:30_000]
    session.link.grant(stream, 10_000, W0)
    session.cut()
    highest, states = session.again({stream: (0, 12_000, 10_000 + W0)})
    flags, received, limit = states.pop(stream)
    assert (highest, flags, received, states) == (stream, OPENED_SENT, 30_000,
                                                  {}) and limit >= 200_000
    # without anything new: nothing counts as announced any more
    counted(session.link, stream, 30_000)
    for at in range(30_000, 200_000, 50_000):
        session.link.data(stream, data[at:at + 50_000])
    assert receive(session.link, stream,
                   W0 - 2_000) == data[12_000:10_000 + W0], "from there, and up to the limit"
    session.link.grant(stream, 10_000 + W0, 1 << 20)
    assert receive(session.link, stream, 190_000 - W0) == data[10_000 + W0:]
    resumed = session.host.node.wait("session_resumed")
    assert (resumed["peer"], resumed["streams"], resumed["bytes_again"]) == ("py", "1", "18000")
    finish(session.link, stream, 200_000, 200_000)
    assert session.host.node.wait("connection_closed")["reason"] == "ended"
    echo_once(session.link, b"another stream")


def test_a_stream_of_the_node_goes_on(session):
    """STATE says that OPENED was sent, so it need not come again."""
    question = os.urandom(20_000)
    conn, stream, _ = session.called(question)
    session.cut()
    _, states = session.again({stream: (OPENED_SENT, 5_000, W0)}, stream)
    assert states[stream][:2] == (0, 0)
    assert receive(session.link, stream, 15_000) == question[5_000:]
    session.link.data(stream, b"answer")
    assert services.receive(conn, 6) == b"answer"
    conn.shutdown(socket.SHUT_WR)
    assert session.link.next_frame(FIN, stream=stream)[2] == struct.pack(">Q", 20_000)
    session.link.grant(stream, 20_001, 0)
    session.link.fin(stream, 6)
    assert conn.recv(1) == b""
    counted(session.link, stream, 7)


def test_an_open_that_was_lost_comes_again(session):
    """Of two streams the peer has not heard: both OPENs with the payload of before, and all
    bytes from the first on."""
    one, first, open1 = session.called(b"first")
    two, second, open2 = session.called(b"second")
    lost = session.link.next_id  # an OPEN of this side that went nowhere
    session.cut()
    highest, states = session.again({})
    assert highest < lost and set(states) == {first, second}
    opens, said = [], {first: b"", second: b""}
    while said != {first: b"first", second: b"second"}:
        kind, stream, payload = session.link.next_frame()
        if kind == OPEN:
            opens.append((stream, payload))
        else:
            assert kind == DATA and stream in dict(opens)
            said[stream] += payload
    assert opens == [(first, open1), (second, open2)]
    for stream in (first, second):
        session.link.send(frame(OPENED, stream))
        session.link.data(stream, said[stream].upper())
    assert services.receive(one, 5) == b"FIRST" and services.receive(two, 6) == b"SECOND"
    assert echo_once(session.link, b"and the other way") == lost


def test_fin_over_cuts(session):
    """A FIN that was lost comes again, one that was counted does not; a stream that only one
    side still has was complete."""
    stream = session.opened()
    session.link.data(stream, b"abc")
    session.link.fin(stream, 3)
    assert receive(session.link, stream, 3) == b"abc"
    assert session.link.next_frame(FIN)[1:] == (stream, struct.pack(">Q", 3))
    session.cut()
    _, states = session.again({stream: (0, 3, W0)})
    assert states[stream][1] == 4
    assert session.link.next_frame(FIN)[1:] == (stream, struct.pack(">Q", 3))
    counted(session.link, stream, 4)
    session.cut()
    assert session.again({stream: (0, 4, W0)})[1][stream][1] == 4
    counted(session.link, stream, 4)
    assert not session.host.node.events("connection_closed")
    session.cut()
    assert set(session.again({})[1]) == {stream}
    assert session.host.node.wait("connection_closed")["reason"] == "ended"
    session.cut()
    assert session.again({})[1] == {}
    echo_once(session.link, b"goes on")


def test_a_fin_that_is_said_between_links(session):
    """Both ends of a local connection say their end while no link is up."""
    conn, stream, _ = session.called(b"question")
    session.link.send(frame(OPENED, stream))
    session.cut()
    conn.sendall(b"!")
    conn.shutdown(socket.SHUT_WR)
    session.again({stream: (OPENED_SENT, 8, W0)}, stream)
    assert receive(session.link, stream, 1) == b"!"
    session.link.data(stream, b"answer")
    finish(session.link, stream, 6, 9)
    assert services.receive_all(conn) == b"answer"


def test_a_stream_that_the_peer_has_lost(session):
    conn, stream, _ = session.called(b"question")
    session.cut()
    session.again({}, stream)
    assert services.is_reset(conn)
    assert session.host.node.wait("connection_refused")["reason"] == "link lost"
    echo_once(session.link, b"goes on")


def test_a_stream_that_the_peer_has_reset(session):
    """Flag bit 1: it ends as by RESET(12)."""
    conn, stream, _ = session.called(b"question")
    session.cut()
    session.again({stream: (RESET_HERE, 0, 0)}, stream)
    assert services.is_reset(conn)
    assert session.host.node.wait("connection_refused")["reason"] == "link lost"
    echo_once(session.link, b"goes on")


def test_a_reset_that_falls_due_between_links(session):
    """It is kept: the stream is listed as ever, the RESET comes right after the exchange."""
    conn, stream, _ = session.called(b"question")
    session.cut()
    reset(conn)
    _, states = session.again({stream: (OPENED_SENT, 8, W0)}, stream)
    assert states[stream][0] == 0
    _, s, payload = session.link.next_frame(RESET)
    assert (s, payload[:2]) == (stream, wire(9))
    session.cut()
    assert session.again({}, stream)[1] == {}
    echo_once(session.link, b"goes on")


def test_a_reset_after_fin_that_may_be_lost(session):
    """Who has all of a stream cannot know that it was reset, so that it is listed with flag bit
    1."""
    conn, stream, _ = session.called(b"question")
    session.link.send(frame(OPENED, stream))
    conn.shutdown(socket.SHUT_WR)
    assert session.link.next_frame(FIN)[1:] == (stream, struct.pack(">Q", 8))
    reset(conn)
    session.link.data(stream, b"to nobody")
    assert session.link.next_frame(RESET)[1] == stream
    session.cut()
    assert session.again({stream: (OPENED_SENT, 9, W0)}, stream)[1][stream][0] == RESET_HERE
    session.host.node.wait("session_resumed")
    session.cut()
    assert session.again({}, stream)[1] == {}, "only over the one cut"
    echo_once(session.link, b"goes on")


def still_echoes(link, stream, said):
    link.data(stream, said)
    assert receive(link, stream, len(said)) == said


def test_a_generation_that_is_not_above(as_i):
    """It closes the link that names it, and touches nothing; one that is above takes the session
    from a link that is up."""
    stream = as_i.opened()
    for kind in (0, 1):
        other = as_i.handshake()
        other.send(session_frame(kind, as_i.name, 1))
        other.expect_end()
        still_echoes(as_i.link, stream, b"1234")
    old = as_i.link
    _, states = as_i.again({stream: (0, 8, W0)})
    assert states[stream][1] == 8
    with pytest.raises((Ended, ConnectionError)):
        old.next_frame(SESSION)  # nothing more, not even CLOSE
    still_echoes(as_i.link, stream, b"abc")
    as_i.generation -= 1
    stale = as_i.handshake()
    as_i.generation += 1
    as_i.say(stale, 1, {stream: (0, 8, W0)}, 0)
    stale.expect_end()
    still_echoes(as_i.link, stream, b"def")
    as_i.generation = 700
    assert as_i.again({stream: (0, 14, W0)})[1][stream][1] == 14, "it need not be the next one"
    still_echoes(as_i.link, stream, b"ghi")


def test_kind_0_begins_or_goes_on(as_i):
    """I that has not seen R's first answer says kind 0 again; R that has not seen the first
    SESSION begins with it."""
    stream = as_i.opened()
    as_i.cut()
    as_i.generation = 2
    link = as_i.handshake()
    as_i.say(link, 0, {stream: (0, 0, W0)}, 0)
    assert set(as_i.hear(link, 2)[1]) == {stream}
    still_echoes(link, stream, b"goes on")
    reset(link.sock)
    as_i.name, as_i.generation = os.urandom(16), 3
    link = as_i.handshake()
    as_i.say(link, 0, {}, 0)
    assert as_i.hear(link, 2) == (0, {})
    link.next_id = 1
    echo_once(link, b"begins")


def test_a_session_that_nobody_knows(as_i):
    """Kind 3; what belongs to it is ignored, and another one begins on the same link."""
    link = as_i.handshake()
    as_i.name, as_i.generation = os.urandom(16), 7
    as_i.say(link, 1, {1: (0, 5, W0)}, 0)
    assert as_i.hear(link, 3) == (0, {})
    link.data(1, b"late")
    link.fin(1, 4)
    as_i.name, as_i.generation, link.next_id = os.urandom(16), 1, 1
    as_i.say(link, 0, {}, 0)
    assert as_i.hear(link, 2) == (0, {})
    echo_once(link, b"the new one")


def test_a_session_that_the_peer_does_not_know(as_r):
    conn, stream, _ = as_r.called(b"question")
    as_r.cut()
    link = as_r.handshake()
    as_r.generation = 2
    assert set(as_r.hear(link, 1)[1]) == {stream}
    as_r.say(link, 3, {}, 0)
    assert services.is_reset(conn)
    assert as_r.host.node.wait("connection_refused")["reason"] == "link lost"
    old = as_r.name
    link.session()
    assert link.session_id != old
    as_r.link, link.next_id = link, 2
    as_r.called(b"new")
    echo_once(link, b"the new one")


# Each is given a session of which one stream has had 8 bytes both ways, 8 of them consumed here;
# the states that py says.
WRONG_STATES = {
    "received beyond what was sent": (0, 50, 8 + W0),
    "received below what was covered": (0, 7, 8 + W0),
    "a FIN that was not sent is counted": (0, 10, 8 + W0),
    "a limit that has gone down": (0, 8, W0),
}


@pytest.mark.parametrize("what", WRONG_STATES)
def test_a_state_that_cannot_be(session, what):
    stream = session.opened()
    still_echoes(session.link, stream, b"12345678")
    session.link.grant(stream, 8, W0)
    # its echo comes after the WINDOW was taken in, and is not counted
    session.link.data(stream, b"!")
    receive(session.link, stream, 1)
    state = WRONG_STATES[what]
    session.cut()
    link = session.handshake()
    session.generation += 1
    if link.initiator:
        session.say(link, 1, {stream: state}, 0)
    else:
        session.hear(link, 1)
        session.say(link, 2, {stream: state}, 0)
    link.expect_close(1)
    healthy(session)


@pytest.mark.parametrize("what", ["another id", "another generation", "kind 0"])
def test_an_answer_to_another_question(as_r, what):
    as_r.cut()
    link = as_r.handshake()
    as_r.generation = 2
    as_r.hear(link, 1)
    link.send({
        "another id": session_frame(2, os.urandom(16), 2),
        "another generation": session_frame(2, as_r.name, 1),
        "kind 0": session_frame(0, as_r.name, 2)
    }[what])
    link.expect_close(1)
    healthy(as_r)


def test_without_an_end_in_sight(session):
    """Twenty links one after the other, each with bytes of its own."""
    stream = session.opened()
    sent = 0
    for i in range(20):
        still_echoes(session.link, stream, b"%02d" % i)
        sent += 2
        session.cut()
        assert session.again({stream: (0, sent, W0)})[1][stream][1] == sent
    finish(session.link, stream, sent, sent)
    until(lambda: len(session.host.node.events("session_resumed")) == 20, "each is logged")
