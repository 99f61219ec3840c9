"""Many connections: at once, and one after the other; nothing may be left of them."""

import selectors
import socket

import pytest

import services
from node import until
from relay import reset

pytestmark = pytest.mark.heavy


def test_2000_connections_at_once(make_pair, closing, many_descriptors):
    count = 2000
    echo = closing.add(services.EpollEcho())
    pair = make_pair(echo.address)
    before = pair.hq.descriptors(), pair.store.descriptors()
    poll = selectors.DefaultSelector()
    socks = []
    for i in range(count):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", pair.port))
        socks.append(s)
    try:
        for round_ in range(3):  # all are open all the time, each is served in each round
            wanted, got = {}, {}
            for i, s in enumerate(socks):
                wanted[s] = b"%06d.%d" % (i, round_) * 20
                got[s] = b""
                poll.register(s, selectors.EVENT_WRITE)
            left = set(socks)

            def step():
                for key, events in poll.select(0.2):
                    s = key.fileobj
                    if events & selectors.EVENT_WRITE:
                        assert s.send(wanted[s]) == len(wanted[s])
                        poll.modify(s, selectors.EVENT_READ)
                    else:
                        part = s.recv(4096)
                        assert part, "ended early"
                        got[s] += part
                        if len(got[s]) >= len(wanted[s]):
                            assert got[s] == wanted[s]
                            poll.unregister(s)
                            left.discard(s)
                return not left
            until(step, lambda: f"{len(left)} of {count} not served", deadline=120, pause=0)
        assert echo.accepted == count
        assert not before[1] or pair.store.descriptors() >= before[1] + count
    finally:
        for s in socks:
            s.close()
    until(
        lambda: (pair.hq.descriptors(), pair.store.descriptors()) == before, lambda:
        f"descriptors: {(pair.hq.descriptors(), pair.store.descriptors())}, before {before}",
        deadline=60)


def test_idle_connections_take_little_memory(make_pair, closing, many_descriptors, sanitized):
    """Each has carried some bytes; then 3 KiB for each, of both nodes together."""
    if sanitized:
        pytest.skip("a sanitizer has its own memory for each piece of ours")
    count = 2000
    pair = make_pair(closing.add(services.EpollEcho()).address)
    resident = lambda: pair.hq.resident() + pair.store.resident()

    def opened():
        s = closing.add(pair.connect())
        s.sendall(b"a request")
        assert services.receive(s, 9) == b"a request"
        return s
    opened()
    before = resident()
    socks = [opened() for _ in range(count)]
    until(lambda: resident() - before < 3 * count,
          lambda: f"{(resident() - before) / count} KiB for each", deadline=30)
    for s in socks:  # and nothing that they need is missing
        s.sendall(b"another one")
    for s in socks:
        assert services.receive(s, 11) == b"another one"


def short_ones(pair, count):
    for i in range(count):
        with pair.connect() as s:
            message = b"%d" % i
            s.sendall(message)
            if i % 3 == 0:
                s.shutdown(socket.SHUT_WR)
                assert services.receive_all(s) == message
            else:
                assert services.receive(s, len(message)) == message


def test_10000_short_connections_in_a_row(make_pair, closing, request, sanitized):
    count = 10000 if not sanitized or request.config.getoption("--long") else 2000
    echo = closing.add(services.EpollEcho())
    pair = make_pair(echo.address)
    short_ones(pair, count // 5)
    settled = lambda: (pair.hq.descriptors(), pair.store.descriptors())
    until(lambda: len(pair.store.events("connection_closed")) == count // 5, "all are closed")
    before, memory = settled(), (pair.hq.resident(), pair.store.resident())
    short_ones(pair, count - count // 5)
    until(lambda: len(pair.store.events("connection_closed")) == count, "all are closed",
          deadline=60)
    until(lambda: settled() == before, lambda: f"descriptors: {settled()}, before {before}")
    assert echo.accepted == count
    if not sanitized:  # a sanitizer keeps freed memory for a while
        for node, was in ((pair.hq, memory[0]), (pair.store, memory[1])):
            assert node.resident(
            ) < was + 2048, f"{node.name} has grown from {was} to {node.resident()} KiB"


@pytest.mark.smoke
def test_a_short_run_of_everything(make_pair, closing):
    """For valgrind: handshake, streams that end in every way, some data, a refusal, a garbage
    peer, the drain."""
    echo = closing.add(services.Echo())
    pair = make_pair(echo.address)
    short_ones(pair, 60)
    with pair.connect(timeout=120) as s:
        data = bytes(range(256)) * 2000
        s.sendall(data)
        assert services.receive(s, len(data)) == data
    crashed = pair.connect()
    crashed.sendall(b"x")
    services.receive(crashed, 1)
    reset(crashed)
    with socket.create_connection(("127.0.0.1", pair.peer_port), timeout=60) as s:
        s.sendall(b"\x00garbage\n" * 100)
        services.is_reset(s)
    echo.close()
    assert services.gets_reset(pair.route, timeout=120)
    pair.store.stop(60)
    pair.hq.stop(60)
