"""Whoever talks nonsense to the peer port, or nothing, or too much: the node says so and goes on
serving others."""

import os
import socket
import time

import pytest

import services
from node import DEADLINE, until


def knock(pair, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", pair.peer_port), timeout=DEADLINE,
                                    source_address=(source, 0))


def answer(sock):
    """All that comes until the end, clean or not."""
    got = b""
    try:
        while part := sock.recv(65536):
            got += part
    except ConnectionError:
        pass
    return got


def serves(pair):
    """The established link carries a connection."""
    with pair.connect() as s:
        s.sendall(b"still there?")
        return services.receive(s, 12) == b"still there?"


def serves_newcomers(pair):
    """A peer that comes now gets a link."""
    pair.store.stop()
    since = pair.hq.position()
    pair.store.start()
    pair.store.wait("link_up", since=pair.store.mark)
    pair.hq.wait("link_up", since=since)
    return serves(pair)


CASES = {
    "binary": (os.urandom(3000).replace(b"\n", b"\xff"), "line_byte"),
    "zeros": (bytes(10000), "line_byte"),
    "a line of 9,000 bytes": (b"A" * 9000 + b"\n", "line_long"),
    "a line of 8,193 bytes": (b"A" * 8192 + b"\n", "line_long"),
    "no end of line": (b"B" * 100_000, "line_long"),
    "an empty line": (b"\n", "line_empty"),
    "only CR LF": (b"\r\n", "line_empty"),
    "a tab": (b"SecureConn\t1.0\n", "line_byte"),
    "CR in the middle": (b"Secure\rConn 1.0\n", "line_byte"),
    "65 lines": (b"".join(b"SecureConn %d.0\n" % i for i in range(2, 80)), None),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", None),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + bytes(200), "line_byte"),
    "keys before names": (b"ASYM-KEY: 00\n", None),
    "an ACCEPTED out of nowhere": (b"SecureConn 1.0\nSYM-KEY-1: ACCEPTED\n", "line_unexpected"),
    "no hex in the key":
        (b"SecureConn 1.0\nASYM: ElGamal 3072\nSYM: AES 256\nASYM-KEY: xyz\n", None),
    "a key of the wrong length":
        (b"SecureConn 1.0\nASYM: ElGamal 3072\nSYM: AES 256\nASYM-KEY: 00ff\n", "public_key"),
    "a key of zero":
        (b"SecureConn 1.0\nASYM: ElGamal 3072\nSYM: AES 256\nASYM-KEY: " + b"00" * 384 + b"\n",
         "public_key"),
    "a key of one":
        (b"SecureConn 1.0\nASYM: ElGamal 3072\nSYM: AES 256\nASYM-KEY: " + b"00" * 383 + b"01\n",
         "public_key"),
    "a key above p":
        (b"SecureConn 1.0\nASYM: ElGamal 3072\nSYM: AES 256\nASYM-KEY: " + b"ff" * 384 + b"\n",
         "public_key"),
    "an end after half a line": (b"SecureConn", "truncated"),
    "an end after the first line": (b"SecureConn 1.0\n", "truncated"),
}


@pytest.mark.parametrize("name", CASES)
def test_garbage(pair, name):
    data, error = CASES[name]
    since = pair.hq.position()
    with knock(pair) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer(s)
    failed = pair.hq.wait("handshake_failed", since=since)
    if error:
        assert failed["error"] == error, failed
    assert not pair.hq.events("key_pending", since=since)
    assert serves(pair)


def test_who_tries_the_port_is_no_warning(pair):
    """As monitoring does, and doctor. Who has begun to speak is one."""
    for data, level in ((b"", "info"), (b"SecureConn 1.0\n", "warning")):
        since = pair.hq.position()
        with knock(pair) as s:
            s.sendall(data)
        assert pair.hq.wait("handshake_failed", since=since)["level"] == level


def test_a_longest_line_is_still_a_line(pair):
    """8,192 bytes with the LF: an unknown name like any other."""
    with knock(pair) as s:
        s.sendall(b"S" * 8191 + b"\n")
        assert services.receive(s, 15) == b"SecureConn 1.0\n"


def test_silence_ends_after_the_deadline(pair):
    since = pair.hq.position()
    start = time.monotonic()
    with knock(pair) as s:
        assert answer(s) == b""
    assert 8 < time.monotonic() - start < 14
    assert pair.hq.wait("handshake_failed", since=since)["error"] == "timeout"
    assert serves(pair)


def test_the_deadline_is_over_everything(pair):
    """Someone who sends a byte now and then does not get more time."""
    start = time.monotonic()
    with knock(pair) as s:
        s.settimeout(0.5)
        with pytest.raises(OSError):
            while time.monotonic() - start < 20:
                s.sendall(b"S")
                try:
                    if not s.recv(100):
                        raise ConnectionResetError
                except socket.timeout:
                    pass
    assert 8 < time.monotonic() - start < 14


@pytest.mark.parametrize("sources", [1, 20], ids=["one source", "twenty sources"])
@pytest.mark.parametrize("first", [b"", b"SecureConn 1.0\n"], ids=["silent", "after a line"])
def test_300_half_open_connections(pair, sources, first):
    crowd = []
    since = pair.hq.position()
    before = pair.hq.descriptors()
    try:
        for i in range(300):
            s = socket.socket()
            s.settimeout(DEADLINE)
            s.bind((f"127.0.0.{2 + i % sources}", 0))
            try:
                s.connect(("127.0.0.1", pair.peer_port))
                s.sendall(first)
            except OSError:
                pass  # refused at once is fine
            crowd.append(s)
        assert serves(pair), "the established link"
        assert serves_newcomers(pair), "a new link, in the crowd"
        assert pair.hq.descriptors() < before + 270
    finally:
        for s in crowd:
            s.close()
    until(lambda: pair.hq.descriptors() <= before, "the crowd is gone", deadline=30)
    assert len(pair.hq.text(since).splitlines()) < 700


def test_a_flood_of_short_connections(pair):
    since = pair.hq.position()
    for i in range(500):
        try:
            with knock(pair, f"127.0.0.{2 + i % 50}") as s:
                s.sendall(b"\0")
        except OSError:
            pass
    assert serves(pair)
    assert serves_newcomers(pair)


def test_records_before_the_handshake(pair):
    with knock(pair) as s:
        s.sendall(b"\x01\x00\x00\x10" + os.urandom(32))
        assert answer(s) == b""
    assert pair.hq.wait("handshake_failed")["error"] == "line_byte"
    assert serves(pair)


def test_garbage_from_the_side_that_was_dialed(make_pair, closing):
    """A node that dials into something else says so and goes on dialing."""
    garbage = closing.add(services.Server(lambda sock: sock.sendall(os.urandom(500))))
    pair = make_pair(start=False)
    pair.store.set("peer hq", address=garbage.address)
    pair.start(wait=False)
    pair.store.wait("handshake_failed")
    until(lambda: len(pair.store.events("handshake_failed")) >= 2, "it tries again")


def test_text_from_a_peer_is_escaped_in_the_log(pair):
    since = pair.hq.position()
    with knock(pair) as s:
        s.sendall(b"Secure\x1b[31mConn\xff\n")
        answer(s)
    pair.hq.wait("handshake_failed", since=since)
    assert all(c == "\n" or 0x20 <= ord(c) <= 0x7e for c in pair.hq.text(since))
