"""Who dials whom, at which address, and how often."""

import os
import socket
import struct
import threading
import time

import pytest

import services
from node import free_port, until
from peer import Identity
from relay import reset
from test_interop import Host
from test_resume_interop import Counting


def works(pair):
    with pair.connect() as s:
        s.sendall(b"hello")
        return services.receive(s, 5) == b"hello"


class Full:
    """A listener whose queue is full: the system drops what comes, as a firewall would."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", free_port()))
        self.listener.listen(0)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(self.listener.getsockname())
            self.fillers.append(s)

    def close(self):
        for s in (self.listener, *self.fillers):
            s.close()


class Stranger:
    """Takes connections and says nothing, or ends them at once."""

    def __init__(self, silent):
        self.silent, self.taken = silent, []
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            if self.silent:
                self.taken.append(s)
            else:
                s.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        for s in (self.listener, *self.taken):
            s.close()


def test_a_silent_address_is_overtaken(make_pair, closing):
    """The first address drops everything: the second one is tried while that is under way."""
    pair = make_pair(start=False)
    pair.store.set("peer hq", address=f"{closing.add(Full()).address}, 127.0.0.1:{pair.peer_port}")
    pair.hq.start()
    start = time.monotonic()
    pair.store.start()
    pair.up()
    assert time.monotonic() - start < 4  # the silent one alone would have taken five
    assert pair.store.events("link_up")[0]["address"] == f"127.0.0.1:{pair.peer_port}"
    assert works(pair)


@pytest.mark.parametrize("silent", [True, False])
def test_an_address_where_somebody_else_answers(make_pair, closing, silent):
    """It takes connections, but never is the peer: the next attempt begins with the other
    address."""
    pair = make_pair(start=False)
    pair.store.set("peer hq",
                   address=f"{closing.add(Stranger(silent)).address}, 127.0.0.1:{pair.peer_port}")
    pair.store.set("limits", handshake="1s")
    pair.start()
    assert pair.store.events("handshake_failed", peer="hq")
    assert works(pair)
    # and so it is the next time: the stranger is not asked first again
    at_hq, at_store = pair.hq.position(), pair.store.position()
    pair.hq.kill()
    pair.hq.start()
    pair.up(at_hq, at_store)
    assert works(pair)


def test_a_name_that_leads_nowhere(make_node):
    """That it is about the name is said, and not only that something has failed for a while."""
    node = make_node("store", {"peer hq": {"address": "no-such-host.invalid:7400"}}).init().start()
    said = node.wait("dial_failed", peer="hq")
    assert said["error"].startswith("the name ") and said["address"] == "no-such-host.invalid:7400"


def test_the_next_target_of_a_service(make_pair, closing):
    """Targets are tried in their order: one that refuses at once, one that says nothing, one
    that answers."""
    echo = closing.add(services.Echo())
    pair = make_pair(
        target=f"127.0.0.1:{free_port()}, {closing.add(Full()).address}, {echo.address}")
    start = time.monotonic()
    assert works(pair)
    assert 1.9 < time.monotonic() - start < 4.5


@pytest.fixture
def both(make_pair, closing):
    """Either may dial the other, and has a route to a service of the other one. Not started."""
    pair = make_pair(start=False)
    back, pair.front = free_port(), f"127.0.0.1:{free_port()}"
    pair.store.set("node", listen=f"127.0.0.1:{back}")
    pair.store.set("service back", connect=closing.add(services.Echo()).address, allow="hq")
    pair.hq.set("peer store", address=f"127.0.0.1:{back}")
    pair.hq.set("route back", listen=pair.front, peer="store")
    return pair


def talks(address):
    with services.connect(address) as s:
        s.sendall(b"hello")
        return services.receive(s, 5) == b"hello"


def test_both_dial_at_once(both):
    """However the two calls meet: soon nobody dials any more, and connections go both ways, also
    after a loss."""
    for victim in (both.hq, both.store, both.hq):
        both.start()
        assert talks(both.front) and talks(both.route)
        seen, since = None, time.monotonic()

        def peace():
            """1.5 s without a word of links and dialing; the second of the two calls may still
            be on its way before."""
            nonlocal seen, since
            now = [
                e["event"]
                for node in (both.hq, both.store)
                for e in node.events(since=node.mark)
                if e["event"].startswith(("link_", "dial_"))
            ]
            if now != seen:
                seen, since = now, time.monotonic()
            return time.monotonic() - since > 1.5
        until(peace, lambda: f"peace: {seen}", deadline=15, pause=0.05)
        assert len(both.hq.events("link_up", since=both.hq.mark)) <= 2
        at_hq, at_store = both.hq.position(), both.store.position()
        victim.kill()
        victim.start()
        both.up(at_hq, at_store)
        assert talks(both.front) and talks(both.route)
        both.hq.stop()
        both.store.stop()


def test_behind_a_firewall(both, closing):
    """hq has an address of store that lets nothing through: store's own call serves both, and hq
    stops dialing."""
    both.hq.set("peer store", address=closing.add(Full()).address)
    both.start()
    assert talks(both.front) and talks(both.route)
    since = both.hq.position()
    end = time.monotonic() + 1.5
    until(lambda: time.monotonic() > end, "some time of peace", deadline=5)
    assert not both.hq.events("dial_failed", since=since)


def test_a_peer_that_must_call_first(make_pair):
    """hq cannot dial store: whoever wants to get there hears why."""
    pair = make_pair(start=False)
    front = f"127.0.0.1:{free_port()}"
    pair.hq.set("route back", listen=front, peer="store", connect_timeout="300ms")
    pair.hq.start()
    assert services.gets_reset(front)
    reason = pair.hq.wait("connection_refused", route="back")["reason"]
    assert "has not called" in reason and "address" in reason


def test_a_link_that_had_lasted_is_dialed_again_at_once(make_node, closing):
    """The least wait after a failure is 50 ms; after a loss there is none. (The best of some:
    the machine has other work too.)"""
    host = Host(make_node, closing, Identity("py"), {"asymmetric": "X25519"}, dials=True)
    link, best = host.link(kind=Counting), 1
    for _ in range(8):
        time.sleep(0.3)  # that is what lasting means
        reset(link.sock)
        start = time.monotonic()
        link = host.accept(kind=Counting)
        best = min(best, time.monotonic() - start)
        link.up()
        if best < 0.04:
            return
    assert False, f"dialed again after {best * 1000:.0f} ms at best"


@pytest.mark.parametrize("hold", [0, 60])
def test_links_that_do_not_last(make_node, closing, hold):
    """A peer that is authenticated and hangs up each time is dialed less and less often."""
    host = Host(make_node, closing, Identity("py"), {"asymmetric": "X25519"}, dials=True)
    options = {
        "kind": Counting,
        "hello_tlvs": b"\x01\x12" + struct.pack(">H", hold) + os.urandom(16)
    }
    link, links, end = host.link(**options), 0, time.monotonic() + 3
    while time.monotonic() < end:
        reset(link.sock)
        link = host.accept(**options).handshake()
        links += 1
    assert 3 <= links <= 10
    assert len(host.node.events("link_up")) <= links + 2
