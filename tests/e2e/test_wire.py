"""What passes between two nodes, as someone on the wire sees it, and what a person typing at the
port gets."""

import re
import socket

import pytest

import services
from node import DEADLINE, until
from peer_crypto import fingerprint
from relay import split_handshake, split_records

SECRET = b"the quick brown fox jumps over the lazy dog " * 8


def shape(line):
    """A line with its hex replaced by the number of bytes."""
    return re.sub(r"(?<=: )[0-9a-f]{64,}$", lambda m: f"<{len(m[0]) // 2}>", line)


@pytest.mark.parametrize("asymmetric, public, ciphertext", [("ElGamal 3072", 384, 768),
                                                            ("X25519", 32, 112)])
def test_the_papers_lines_then_records(make_pair, asymmetric, public, ciphertext):
    pair = make_pair(relay=True, node={"asymmetric": asymmetric})
    with pair.connect() as s:
        s.sendall(SECRET)
        assert services.receive(s, len(SECRET)) == SECRET
    lines, rest = {}, {}
    for d in "IR":
        lines[d], rest[d] = split_handshake(pair.relay.sent(d))
    assert [shape(line) for line in lines["I"]] == [
        "SecureConn 1.0", f"ASYM: {asymmetric}", "SYM: AES 256", f"ASYM-KEY: <{public}>",
        "ASYM-KEY ACCEPTED", "SYM-KEY-1: ACCEPTED", "SYM-KEY-2: ACCEPTED",
        f"SYM-KEY-3: <{ciphertext}>"
    ]
    assert [shape(line) for line in lines["R"]] == [
        "SecureConn 1.0", f"ASYM: {asymmetric}", "SYM: AES 256", f"ASYM-KEY: <{public}>",
        "ASYM-KEY ACCEPTED", f"SYM-KEY-1: <{ciphertext}>", f"SYM-KEY-2: <{ciphertext}>",
        "SYM-KEY-3: ACCEPTED"
    ]
    for d, node in (("I", pair.store), ("R", pair.hq)):
        key = bytes.fromhex(lines[d][3].removeprefix("ASYM-KEY: "))
        assert fingerprint(asymmetric, key) == node.fingerprint()
        records, left = split_records(rest[d])
        assert not left and len(records) >= 3
        assert records[0][:2] == (
            1, 0) and records[0][2] <= 1024, "HELLO is the only record of epoch 0"
        assert all(channel in (1, 2) and epoch == 1 and n >= 8
                   for channel, epoch, n, _ in records[1:])
        assert {channel for channel, *_ in records} == {1, 2}
        assert SECRET[:16] not in pair.relay.sent(d)
    up = pair.store.wait("link_up")
    assert (up["protocol"], up["asymmetric"], up["symmetric"]) == ("SecureConn 1.0", asymmetric,
                                                                   "AES 256")


def test_counter_suggestions(make_pair):
    """Lists that begin differently: the second suggestion is repeated, and the roles move."""
    pair = make_pair(
        relay=True, store={
            "asymmetric": "X25519, ElGamal 2048",
            "symmetric": "ChaCha20-Poly1305, AES 128"
        }, hq={
            "asymmetric": "ElGamal 2048",
            "symmetric": "AES 128"
        }, start=False)
    # Only the algorithms of which a verified key is there are offered (section 2), and hq has but
    # one.
    pair.start()
    lines = {d: split_handshake(pair.relay.sent(d))[0] for d in "IR"}
    assert [line for line in lines["I"] if line.startswith("ASYM: ")] == ["ASYM: ElGamal 2048"]
    assert [line for line in lines["I"]
            if line.startswith("SYM: ")] == ["SYM: ChaCha20-Poly1305", "SYM: AES 128"]
    assert [line for line in lines["R"] if line.startswith("SYM: ")] == ["SYM: AES 128"]
    assert [line for line in lines["I"] if line.startswith("SYM-KEY-1: ")
            ][0] != "SYM-KEY-1: ACCEPTED", "I is S now"
    with pair.connect() as s:
        s.sendall(b"x")
        assert services.receive(s, 1) == b"x"


def test_cast_128_is_the_last_resort(make_pair):
    pair = make_pair(hq={"symmetric": "AES 256"}, store={"symmetric": "AES 128"})
    assert pair.store.wait("link_up")["symmetric"] == "CAST-128"


def by_hand(pair, *lines):
    """Says lines to the peer port as with nc, and gives all that comes back up to the end."""
    got = b""
    with socket.create_connection(("127.0.0.1", pair.peer_port), timeout=DEADLINE) as s:
        for number, line in enumerate(lines, 1):
            s.sendall(line)
            while got.count(b"\n") < number:
                part = s.recv(4096)
                if not part:
                    return got.decode()
                got += part
        try:
            while part := s.recv(4096):
                got += part
        except ConnectionError:
            pass
    return got.decode()


def test_unknown_protocols_by_hand(pair):
    assert by_hand(pair, b"SecureConn 9.9\n", b"SecureConn 8.8\n") == "SecureConn 1.0\nNONE\n"
    pair.hq.wait("handshake_failed", error="no_protocol")


def test_crlf_by_hand(pair):
    assert by_hand(pair, b"SecureConn 9.9\r\n", b"SecureConn 8.8\r\n") == "SecureConn 1.0\nNONE\n"


def test_a_name_suggested_twice(pair):
    assert by_hand(pair, b"SecureConn 9.9\n", b"SecureConn 9.9\n") == "SecureConn 1.0\n"
    pair.hq.wait("handshake_failed", error="suggested_twice")


def test_asym_names_by_hand(pair):
    """I repeats 1.0, so it opens ASYM; unknown names until NONE."""
    got = by_hand(pair, b"SecureConn 1.0\n", b"ASYM: RSA 2048\n", b"ASYM: Kyber\n")
    assert got == "SecureConn 1.0\nASYM: ElGamal 3072\nASYM: NONE\n"
    pair.hq.wait("handshake_failed", error="no_asymmetric")


def test_sym_names_by_hand(pair):
    got = by_hand(pair, b"SecureConn 1.0\n", b"ASYM: ElGamal 3072\n", b"SYM: DES\n", b"SYM: RC4\n",
                  b"SYM: 3DES\n", b"SYM: IDEA\n", b"SYM: Twofish\n")
    assert got.splitlines() == [
        "SecureConn 1.0", "ASYM: ElGamal 3072", "SYM: AES 256", "SYM: AES 128",
        "SYM: ChaCha20-Poly1305", "SYM: CAST-128", "SYM: NONE"
    ]
    pair.hq.wait("handshake_failed", error="no_symmetric")


def test_split_and_delayed_bytes(make_pair):
    """A network that hands on one byte at a time."""
    pair = make_pair(relay=True, start=False)
    pair.relay.piece = 1
    pair.start()
    with pair.connect() as s:
        s.sendall(SECRET)
        assert services.receive(s, len(SECRET)) == SECRET


@pytest.mark.parametrize("survive", ["0", "60s"])
def test_a_changed_byte_ends_the_link_and_nothing_of_it_arrives(make_pair, survive):
    """The connection ends as a reset; or, where it outlives its link, comes by what was really
    said over the next one."""
    pair = make_pair(relay=True, start=False)
    pair.store.set("peer hq", survive=survive)
    pair.start()
    flipped = []

    def flip(number, direction, data):
        if direction == "I" and len(data) > 500 and not flipped:
            flipped.append(data)
            return data[:-300] + bytes([data[-300] ^ 1]) + data[-299:]
        return data

    pair.relay.change = flip
    since = pair.hq.position()
    if survive == "0":
        assert services.gets_reset(pair.route, b"A" * 1000)
    else:
        with pair.connect() as s:
            s.sendall(b"A" * 1000)
            assert services.receive(s, 1000) == b"A" * 1000
    assert flipped
    down = pair.hq.wait("link_down", peer="store", since=since)
    assert "record_tag" in down.values() or "forged" in str(down)
    pair.up(since)
    pair.relay.change = None
    with pair.connect() as s:
        s.sendall(b"B" * 1000)
        assert services.receive(s, 1000) == b"B" * 1000


def test_a_changed_suggestion_ends_the_handshake(make_pair):
    """Someone in the middle takes the good cipher out of the negotiation: the transcripts
    differ, no link comes up."""
    pair = make_pair(relay=True, start=False, node={"symmetric": "AES 256, AES 128"})

    def change(number, direction, data):
        return data.replace(b"SYM: AES 256\n", b"SYM: AES 512\n") if direction == "I" else data

    pair.relay.change = change
    pair.start(wait=False)
    pair.store.wait("handshake_failed")
    until(lambda: pair.hq.events("handshake_failed"), "hq notices")
    assert not pair.hq.events("link_up") and not pair.store.events("link_up")
