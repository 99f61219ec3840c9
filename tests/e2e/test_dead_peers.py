"""Links that are silent, slow or stuck: the dead ones are found in time, the others are left
alone."""

import os
import signal
import socket
import threading
import time

import pytest

import services
from node import until
from relay import Relay


@pytest.fixture
def make_slow(make_pair, closing):
    """A pair with a relay between, whose buffers are small or the system's."""
    def make(keepalive, buffer=None, **kwargs):
        pair = make_pair(start=False, **kwargs)
        pair.relay = closing.add(Relay(pair.peer_port, buffer=buffer))
        pair.store.set("peer hq", address=pair.relay.address, keepalive=keepalive)
        pair.hq.set("peer store", keepalive=keepalive)
        return pair.start()
    return make


def no_loss(pair):
    for node in (pair.hq, pair.store):
        assert not node.events("link_down"), node.text()[-3000:]


@pytest.mark.parametrize("buffer", [4096, None])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_slow_link_is_left_alone(make_slow, closing, buffer, direction):
    """12 kB/s: one record takes five seconds, which is five times the keepalive. What moves is
    alive, wherever it is stuck."""
    data, arrived = os.urandom(120_000), []

    def serve(sock):
        if direction == "down":
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        arrived.append(services.receive_all(sock))

    pair = make_slow("1s", buffer, target=closing.add(services.Server(serve)).address)
    pair.relay.rate = 12_000
    with pair.connect(timeout=60) as s:
        if direction == "up":
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        try:
            answer = services.receive_all(s)
        except ConnectionError:
            no_loss(pair)
            raise
        assert answer == (data if direction == "down" else b"")
    until(lambda: arrived, "the server has everything", deadline=60)
    assert arrived == [data if direction == "up" else b""]
    no_loss(pair)


@pytest.mark.parametrize("who", ["store", "hq"])
def test_a_stuck_process_is_noticed(make_slow, who):
    """The peer's system still acknowledges everything, the peer itself does nothing: that is no
    life."""
    pair = make_slow("500ms")
    stuck, other = (pair.hq, pair.store) if who == "store" else (pair.store, pair.hq)
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        at = other.position()
        stuck.signal(signal.SIGSTOP)
        start = time.monotonic()
        try:
            other.wait("link_down", since=at)
            assert time.monotonic() - start < 2.5
        finally:
            stuck.signal(signal.SIGCONT)
    stuck.wait("link_down")


def test_a_black_hole_under_load(make_slow, closing):
    """Everything is swallowed in the middle of an upload: noticed within twice the keepalive,
    and some time for a slow machine."""
    pair = make_slow("1s", buffer=4096)
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        s.setblocking(False)
        at_hq, at_store = pair.hq.position(), pair.store.position()
        pair.relay.stall()
        start = time.monotonic()

        def push():
            try:
                s.send(bytes(4096))
            except BlockingIOError:
                pass
            except OSError:
                return True
            return pair.store.events("link_down", since=at_store)
        until(push, "store notices", pause=0.05)
        pair.hq.wait("link_down", since=at_hq)
        assert time.monotonic() - start < 3.5
    pair.relay.resume()
    pair.up(at_hq, at_store)
