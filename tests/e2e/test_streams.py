"""Connections through a route behave as direct ones do: bytes, ends, resets, refusals."""

import contextlib
import re
import socket
import subprocess
import threading
import time

import pytest

import services
from node import free_port, until
from relay import reset


def test_tiny_writes(pair):
    """A byte at a time, with an answer to each, and then a thousand without waiting."""
    with pair.connect() as s:
        for i in range(300):
            s.sendall(bytes([i % 256]))
            assert services.receive(s, 1) == bytes([i % 256])
        text = bytes(i * 7 % 256 for i in range(3000))
        for i in range(len(text)):
            s.sendall(text[i:i + 1])
        assert services.receive(s, len(text)) == text


def test_an_empty_connection(pair):
    """Connect, say nothing, end: a clean end on both sides."""
    with pair.connect() as s:
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b""


def test_half_close_with_a_slow_reply(make_pair, closing):
    """The client ends its half first and then gets the whole reply, though it takes a while."""
    piece = bytes(range(256)) * 40
    got = []

    def slow(sock):
        got.append(services.receive_all(sock))
        for _ in range(20):
            sock.sendall(piece)
            time.sleep(0.05)
    pair = make_pair(closing.add(services.Server(slow)).address)
    with pair.connect() as s:
        s.sendall(b"question")
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == piece * 20
    assert got == [b"question"]


def test_half_close_by_the_server(make_pair, closing):
    """The server ends its half first and takes in all that the client still sends."""
    got = []

    def server(sock):
        sock.sendall(b"greeting")
        sock.shutdown(socket.SHUT_WR)
        got.append(services.receive_all(sock))
    pair = make_pair(closing.add(services.Server(server)).address)
    with pair.connect() as s:
        assert services.receive_all(s) == b"greeting"
        s.sendall(b"z" * 3_000_000)
        s.shutdown(socket.SHUT_WR)
        until(lambda: got, "the server has it all")
    assert got == [b"z" * 3_000_000]


def test_a_reset_by_the_client_is_a_reset_at_the_server(make_pair, closing):
    seen = []

    def server(sock):
        sock.sendall(b"x")
        seen.append(services.is_reset(sock))
    pair = make_pair(closing.add(services.Server(server)).address)
    s = pair.connect()
    services.receive(s, 1)
    reset(s)
    until(lambda: seen, "the server sees an end")
    assert seen == [True]


def test_a_reset_by_the_server_is_a_reset_at_the_client(make_pair, closing):
    pair = make_pair(closing.add(services.ResetLater()).address)
    assert services.gets_reset(pair.route, b"x")


def test_what_was_said_before_a_reset_comes_before_it(make_pair, closing):
    """A server that refuses without having read all, and closes: its system resets, the client
    reads the answer first."""
    def refuse(s):
        s.recv(1)
        s.sendall(b"413 too large")
    pair = make_pair(closing.add(services.Server(refuse)).address)
    for _ in range(20):
        with pair.connect() as s:
            s.sendall(b"x" * 1000)
            assert services.receive(s, 13) == b"413 too large"
            assert services.is_reset(s)


def test_a_clean_end_is_no_reset(make_pair, closing):
    """The server closes after the reply (as HTTP/1.0 does): the client sees a clean end."""
    def server(sock):
        services.receive(sock, 4)
        sock.sendall(b"reply")
    pair = make_pair(closing.add(services.Server(server)).address)
    with pair.connect() as s:
        s.sendall(b"quit")
        assert services.receive_all(s) == b"reply"


def said(node, since, word):
    """Lines about a connection that name this reason."""
    return [
        e for e in node.events(since=since) if e["event"].startswith("connection_") and any(
            word in str(value)
            for key, value in e.items() if key in ("reason", "text", "error", "code"))
    ]


def test_a_target_that_refuses(make_pair):
    pair = make_pair(f"127.0.0.1:{free_port()}")
    at_hq, at_store = pair.hq.position(), pair.store.position()
    start = time.monotonic()
    assert services.gets_reset(pair.route, b"hello?")
    assert time.monotonic() - start < 1
    until(lambda: said(pair.hq, at_hq, "refused"), "hq says why")
    until(lambda: said(pair.store, at_store, "refused"), "store says why")


def test_a_target_that_does_not_answer(make_pair):
    """Connections to a full backlog hang: the service's connect_timeout ends that."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(full.getsockname())
            fillers.append(s)
        pair = make_pair("127.0.0.1:%d" % full.getsockname()[1],
                         service={"connect_timeout": "500ms"})
        at_store = pair.store.position()
        start = time.monotonic()
        assert services.gets_reset(pair.route)
        assert 0.4 < time.monotonic() - start < 3
        until(
            lambda: said(pair.store, at_store, "timed out") or said(pair.store, at_store, "timeout"
                                                                    ), "store says why")
        for s in fillers:
            s.close()


def test_the_first_of_several_targets_that_answers(make_pair, closing):
    echo = closing.add(services.Echo())
    pair = make_pair(f"127.0.0.1:{free_port()}, {echo.address}")
    with pair.connect() as s:
        s.sendall(b"anyone")
        assert services.receive(s, 6) == b"anyone"


def test_a_slow_reader_holds_up_only_itself(make_pair, closing):
    """A client that does not read stops its own server after a bounded number of bytes; others
    go on at full speed."""
    sent = [0]

    def server(sock):
        if services.receive(sock, 1) == b"e":
            sock.sendall(services.receive_all(sock))
            return
        sock.settimeout(60)
        while True:
            sent[0] += sock.send(b"f" * 65536)
    pair = make_pair(closing.add(services.Server(server)).address)
    with pair.connect() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        lazy.sendall(b"f")
        until(lambda: sent[0], "the flood begins")
        before = -1
        while sent[0] != before:  # until it has come to a stop
            before = sent[0]
            time.sleep(0.5)
        for _ in range(5):
            with pair.connect() as s:
                s.sendall(b"e" + b"q" * 300_000)
                s.shutdown(socket.SHUT_WR)
                assert services.receive_all(s) == b"q" * 300_000
        assert sent[0] - before < 65536 * 4
        assert before < 64 << 20
        # And it is only held up: what was sent is all there.
        got = services.receive(lazy, before)
        assert got == b"f" * before


def test_unix_sockets_on_both_sides(make_pair, closing, folder):
    echo = closing.add(services.Echo(path=folder / "target"))
    pair = make_pair(echo.address, route={"listen": folder / "front"}, start=False)
    pair.route = str(folder / "front")
    pair.start()
    with pair.connect() as s:
        s.sendall(b"through unix sockets")
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s) == b"through unix sockets"
    pair.store.stop()
    pair.store.start()
    pair.store.wait("link_up", since=pair.store.mark)
    with pair.connect() as s:
        s.sendall(b"again")
        assert services.receive(s, 5) == b"again"


def test_several_listeners_of_one_route(make_pair, folder):
    ports = [free_port(), free_port()]
    pair = make_pair(
        route={"listen": f"127.0.0.1:{ports[0]}, 127.0.0.1:{ports[1]}, {folder}/front"},
        start=False)
    pair.start()
    for where in (f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}", f"{folder}/front"):
        with services.connect(where) as s:
            s.sendall(b"hi")
            assert services.receive(s, 2) == b"hi"


def test_ipv6_everywhere(make_node, closing):
    try:
        echo = closing.add(services.Echo(host="::1"))
    except OSError:
        pytest.skip("this machine has no ::1")
    port, front = free_port("::1"), free_port("::1")
    hq = make_node("hq", {
        "peer store": {},
        "service echo": {
            "connect": echo.address,
            "allow": "store"
        }
    })
    hq.set("node", listen=f"[::1]:{port}").init()
    store = make_node("store", {"peer hq": {"address": f"[::1]:{port}"},
                                "route echo": {"listen": f"[::1]:{front}", "peer": "hq"}}).init()
    hq.trust(store), store.trust(hq)
    hq.start(), store.start()
    store.wait("link_up")
    with services.connect(f"[::1]:{front}") as s:
        s.sendall(b"six")
        assert services.receive(s, 3) == b"six"


def test_names_are_resolved(make_pair):
    """localhost, as peer and as target."""
    pair = make_pair(start=False)
    port = pair.target.rpartition(":")[2]
    pair.hq.set("service echo", connect=f"localhost:{port}")
    pair.store.set("peer hq", address=f"localhost:{pair.peer_port}")
    pair.start()
    with pair.connect() as s:
        s.sendall(b"name")
        assert services.receive(s, 4) == b"name"


def test_the_closing_line_of_the_log(pair):
    """Both ends log the same id, and count the same bytes."""
    at_hq, at_store = pair.hq.position(), pair.store.position()
    with pair.connect() as s:
        source = "%s:%d" % s.getsockname()
        s.sendall(b"12345")
        services.receive(s, 5)
        s.shutdown(socket.SHUT_WR)
        services.receive_all(s)
    here = pair.store.wait("connection_closed", since=at_store, route="echo")
    there = pair.hq.wait("connection_closed", since=at_hq, service="echo")
    assert here["id"] == there["id"]
    assert here["peer"] == "hq" and there["peer"] == "store"
    assert here["source"] == source
    assert {here["bytes_in"], here["bytes_out"], there["bytes_in"], there["bytes_out"]} == {"5"}
    assert int(here["duration_ms"]) >= 0 and here["reason"]


def test_json_logs(make_pair):
    pair = make_pair(node={"log_format": "json"})
    at_store = pair.store.position()
    with pair.connect() as s:
        s.sendall(b"1")
        services.receive(s, 1)
    closed = pair.store.wait("connection_closed", since=at_store, route="echo")
    assert set(
        "id route service peer source bytes_in bytes_out duration_ms reason".split()) <= set(closed)


def test_an_idle_connection_is_closed(make_pair):
    pair = make_pair(route={"idle": "1s"})
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        start = time.monotonic()
        services.is_reset(s)
        assert 0.7 < time.monotonic() - start < 5


def test_a_connection_that_talks_is_not_idle(make_pair):
    pair = make_pair(route={"idle": "1s"})
    with pair.connect() as s:
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            s.sendall(b"x")
            assert services.receive(s, 1) == b"x"
            time.sleep(0.2)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_data_in_one_direction_is_not_idle(make_pair, closing, direction):
    """Half-closed, 1,000 bytes a second the other way: the idle timer starts again with each of
    them."""
    got = []

    def talk(sock):
        for i in range(25):
            sock.sendall(bytes(100))
            time.sleep(0.1)
        sock.shutdown(socket.SHUT_WR)

    def server(sock):
        if direction == "down":
            talk(sock)
        got.append(len(services.receive_all(sock)))
    pair = make_pair(closing.add(services.Server(server)).address, route={"idle": "1s"})
    with pair.connect() as s:
        if direction == "up":
            talk(s)
        else:
            s.shutdown(socket.SHUT_WR)
        assert len(services.receive_all(s)) == (2500 if direction == "down" else 0)
    until(lambda: got == [0 if direction == "down" else 2500], "the server has everything")
    assert pair.store.wait("connection_closed", route="echo")["reason"] == "ended"


def test_a_slow_reader_is_not_idle(make_pair, closing):
    """What was read from the link long ago still trickles into the client: the connection is not
    idle. It is when that stops."""
    pair = make_pair(
        closing.add(services.Server(lambda sock: sock.sendall(bytes(12_000_000)))).address,
        start=False, route={"idle": "1s"})
    pair.start()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.settimeout(20)
        s.connect(("127.0.0.1", pair.port))
        end = time.monotonic() + 5
        while time.monotonic() < end:
            assert s.recv(8192)
            time.sleep(0.05)
        assert not pair.store.events("connection_closed")
        closed = pair.store.wait("connection_closed", deadline=10)
        assert closed["reason"] == "idle timeout"


def test_max_connections(make_pair):
    pair = make_pair(route={"max_connections": "3"})
    first = [pair.connect() for _ in range(3)]
    for s in first:
        s.sendall(b"x")
        services.receive(s, 1)
    with pytest.raises(ConnectionError):  # at once, or as soon as it is used
        with pair.connect() as s:
            s.sendall(b"one too many")
            services.receive_all(s)
    for s in first:
        s.sendall(b"y")
        assert services.receive(s, 1) == b"y"
    first.pop().close()
    until(lambda: services.answers(pair.route), "a place is free again")
    for s in first:
        s.close()


def buffers(node):
    """Bytes that the system lets pile up before the node reads them, of each of its TCP sockets
    through which much has gone."""
    lines = subprocess.run(["ss", "-tnmipOH", "state", "established"], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    return [
        int(re.search(r"skmem:\(r\d+,rb(\d+)", line)[1]) for line in lines
        if f"pid={node.pid}," in line and re.search(r"bytes_received:\d{8}", line)
    ]


def test_little_piles_up_in_the_system(make_pair, closing):
    """Where nothing is gained by it, and other connections need that memory too."""
    stop = threading.Event()

    def server(sock):
        services.receive(sock, 1)
        while not stop.is_set():
            sock.sendall(b"b" * 262144)
    pair = make_pair(closing.add(services.Server(server)).address)
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(pair.connect()) for _ in range(4)]
        for s in socks:
            s.sendall(b"s")
        for _ in range(256):
            for s in socks:
                services.receive(s, 65536)
        found = buffers(pair.hq), buffers(pair.store)
        stop.set()
        for s in socks:
            reset(s)
    assert len(found[0]) == 4 and max(found[0]) <= 512 << 10, found
    assert len(found[1]) == 1 and max(found[1]) <= 1 << 20, found


def test_fair_turns_between_streams(make_pair, closing):
    """Small requests get through while another connection of the same link moves as much as it
    can."""
    stop = threading.Event()

    def server(sock):
        if services.receive(sock, 1) == b"s":
            while not stop.is_set():
                sock.sendall(b"b" * 262144)
        else:
            while data := sock.recv(65536):
                sock.sendall(data)
    pair = make_pair(closing.add(services.Server(server)).address)
    with pair.connect() as bulk, pair.connect() as small:
        bulk.sendall(b"s")

        def drain():
            try:
                while not stop.is_set() and bulk.recv(1 << 18):
                    pass
            except OSError:
                pass
        reader = threading.Thread(target=drain)
        reader.start()
        small.sendall(b"e")
        times = []
        for _ in range(100):
            start = time.monotonic()
            small.sendall(b"ping")
            services.receive(small, 4)
            times.append(time.monotonic() - start)
        stop.set()
        reset(bulk)
        reader.join()
    assert sorted(times)[50] < 0.5, sorted(times)[-5:]
