"""Scenarios that other tunnels test, where no other file has them; tests/README.md names each
one's counterpart."""

import contextlib
import functools
import itertools
import resource
import socket
import threading
import time

import pytest

import services
from node import free_port, until
from relay import reset


def echoes(s, data=b"hello"):
    s.sendall(data)
    return services.receive(s, len(data)) == data


def works(pair):
    """A connection gives back what it is sent, at the first try."""
    with pair.connect() as s:
        return echoes(s)


def descriptors(pair):
    return pair.hq.descriptors(), pair.store.descriptors()


def in_threads(n, work):
    """Runs work(0), work(1) ... at once; what goes wrong in one of them is raised here."""
    services.at_once(*[functools.partial(work, i) for i in range(n)])


@pytest.mark.parametrize("first", ["client", "server"])
def test_half_close_at_1000_bytes_a_second(make_pair, closing, first):
    """One side has ended its half; the other says 1,000 bytes a second, and each piece arrives
    before the next one is said."""
    pieces = [bytes([i]) * 100 for i in range(20)]
    got, started = bytearray(), threading.Event()

    def say(sock):
        started.wait()
        for i, piece in enumerate(pieces):
            sock.sendall(piece)
            until(lambda: len(got) == 100 * (i + 1), f"piece {i} is there")
            time.sleep(0.1)
        sock.shutdown(socket.SHUT_WR)

    def hear(sock):
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(65536):
            got.extend(data)
        done.append(True)

    def server(sock):
        if first == "client":
            # the half-close has come through before anything is said
            assert services.receive_all(sock) == b""
            started.set()
            say(sock)
        else:
            hear(sock)
    done = []
    pair = make_pair(closing.add(services.Server(server)).address)
    with pair.connect() as s:
        if first == "client":
            hear(s)
        else:
            assert services.receive_all(s) == b""
            started.set()
            say(s)
        until(lambda: done, "the end has come through")
    assert bytes(got) == b"".join(pieces)
    assert pair.store.wait("connection_closed", route="echo")["reason"] == "ended"


@pytest.mark.parametrize("sends", ["client", "server"])
@pytest.mark.parametrize("resets", ["client", "server"])
def test_an_abortive_close_in_mid_transfer(make_pair, closing, resets, sends):
    """One side resets while it sends, or while it is sent to: the other one sees a reset, and
    nothing is left behind."""
    seen = []

    together = threading.Barrier(12, timeout=20)

    def end(sock, who):
        sock.sendall(b"x")
        assert services.receive(sock, 1) == b"x"
        together.wait()  # all of them lead all the way
        if who == resets:
            sock.sendall(bytes(2_000_000)) if who == sends else services.receive(sock, 300_000)
            reset(sock)
            return
        try:
            while who == sends:
                sock.sendall(bytes(65536))
            seen.append(services.is_reset(sock))
        except ConnectionResetError:
            seen.append(True)
        sock.close()
    pair = make_pair(closing.add(services.Server(lambda sock: end(sock, "server"))).address)
    before = descriptors(pair)
    in_threads(6, lambda i: end(pair.connect(), "client"))
    until(lambda: len(seen) == 6, lambda: f"the others see it: {seen}")
    assert seen == [True] * 6
    for node in (pair.hq, pair.store):
        until(lambda: len(node.events("connection_closed")) == 6, f"{node.name} closes all")
    until(lambda: descriptors(pair) == before,
          lambda: f"descriptors {descriptors(pair)}, before {before}")


def test_a_target_that_flaps(make_pair, closing):
    """The target is away, resets everybody, and is back, again and again under load: each
    connection gets its answer or is ended at once; as soon as the target is back the next
    connection works. The link does not care."""
    port = free_port()
    pair = make_pair(f"127.0.0.1:{port}")
    before = descriptors(pair)
    stop, counts = threading.Event(), {"whole": 0, "ended": 0}

    def load(i):
        word = bytes([65 + i]) * 1000
        for n in itertools.count():
            if stop.is_set():
                return
            try:
                with pair.connect(timeout=5) as s:  # a timeout fails the test
                    s.sendall(word)
                    with contextlib.suppress(OSError):  # not connected any more
                        s.shutdown(socket.SHUT_WR)
                    got = services.receive_all(s)
            except ConnectionError:
                got = None
            assert got is None or word.startswith(got), "what nobody sent"
            counts["whole" if got == word else "ended"] += 1

    def flap(_):
        try:
            for round in range(8):
                ended = counts["ended"]
                assert services.gets_reset(pair.route, b"hello?", timeout=5), "nobody is there"
                until(lambda: counts["ended"] > ended, "the load is refused")
                if round % 2:
                    server = services.Server(reset, port=port)
                    assert services.gets_reset(pair.route, b"hello?",
                                               timeout=5), "the target resets"
                    server.close()
                server, whole = services.Echo(port=port), counts["whole"]
                try:
                    assert works(pair), "the target is back"
                    until(lambda: counts["whole"] > whole, "the load is served")
                finally:
                    server.close()
        finally:
            stop.set()
    in_threads(4, lambda i: load(i) if i else flap(i))
    until(lambda: descriptors(pair) == before,
          lambda: f"descriptors {descriptors(pair)}, before {before}")
    assert len(pair.store.events("link_up")) == 1 and not pair.store.events("link_down")


def test_writes_of_odd_sizes(pair):
    """256 KiB in writes whose sizes are small primes: the bytes come back in their order."""
    data, sizes, at = bytes((i * 7 + i // 251) & 255 for i in range(1 << 18)), itertools.cycle(
        (1, 2, 3, 7, 31, 127, 509, 1021)), 0
    with pair.connect() as s:
        def send():
            nonlocal at
            while at < len(data):
                n = next(sizes)
                s.sendall(data[at:at + n])
                at += n
            s.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        assert services.receive_all(s) == data
        sender.join()


def test_every_end_gives_its_place_back(make_pair):
    """Connections that end in every way contend for few places: afterwards exactly as many are
    free as before."""
    pair = make_pair(route={"max_connections": "8"})
    before = descriptors(pair)

    def churn(i):
        for n in range(25):
            try:
                s = pair.connect()
                way = (i + n) % 4
                if way:  # 0: a reset before a word is said
                    s.sendall(b"hello")
                if way > 1:
                    services.receive(s, 5)
                if way == 3:
                    s.shutdown(socket.SHUT_WR)
                    assert services.receive_all(s) == b""
                s.close() if way > 1 else reset(s)
            except ConnectionError:
                pass  # no place just now
    in_threads(12, churn)
    until(lambda: descriptors(pair) == before,
          lambda: f"descriptors {descriptors(pair)}, before {before}")
    held = []
    for _ in range(8):
        held.append(pair.connect())
        assert echoes(held[-1])
    assert services.gets_reset(pair.route, b"one too many")
    for s in held:
        assert echoes(s, b"still")
        s.close()


def test_the_peer_port_is_taken(make_pair):
    """The node says which address it cannot have, and does not start; when the port is free it
    does."""
    pair = make_pair(start=False)
    with socket.create_server(("127.0.0.1", pair.peer_port)):
        pair.hq.write()
        done = pair.hq.cli("run", check=None, timeout=10)
        assert done.returncode in (1, 2)
        assert f"127.0.0.1:{pair.peer_port}" in done.stderr and "in use" in done.stderr
        assert f"{pair.hq.ini}:" in done.stderr and "[node] cannot listen" in done.stderr
        assert "node_ready" not in done.stderr
    assert works(pair.start())


def test_no_descriptors_at_all(pair):
    """Accepting fails because somebody has taken the node's descriptors away while it runs:
    those who call wait, what is open goes on, and all are served when there are descriptors
    again."""
    soft, hard = resource.prlimit(pair.store.pid, resource.RLIMIT_NOFILE)

    def limit(n):
        resource.prlimit(pair.store.pid, resource.RLIMIT_NOFILE, (n, hard))
    with pair.connect() as s:
        assert echoes(s)
        at = pair.store.position()
        limit(3)
        waiting = [pair.connect() for _ in range(10)]
        for w in waiting:
            w.sendall(b"hello")
        failed = pair.store.wait("accept_failed", since=at)
        assert failed["address"] == pair.route and "LimitNOFILE" in failed["hint"]
        assert echoes(s)
        limit(soft)
        for w in waiting:
            assert services.receive(w, 5) == b"hello"
            w.close()
        assert echoes(s)
        assert len(pair.store.events("accept_failed",
                                     since=at)) == 1, "one line, not one for each try"
    assert works(pair)


def test_many_idle_connections_are_closed(make_pair):
    """All that are idle, and not the one that talks; their places are free again."""
    pair = make_pair(route={"idle": "1s", "max_connections": "31"})
    with pair.connect() as busy:
        assert echoes(busy)
        idle = [pair.connect() for _ in range(30)]
        for s in idle:
            assert echoes(s)

        def closed():
            assert echoes(busy)
            return len(pair.store.events("connection_closed", reason="idle timeout")) == 30
        until(closed, "the idle ones are closed", pause=0.1)
        for s in idle:
            services.is_reset(s)
            s.close()
        again = [pair.connect() for _ in range(30)]
        for s in again:
            assert echoes(s)
            s.close()
