"""KEYROLL (protocol.md 12) with the Python peer, which knows the text alone: what a node takes
and refuses, what it announces, and every step out of order."""

import json
import os
import re
import struct

import pytest

import services
from node import free_port, until
from peer import (CLOSE, DATA, KEYROLL, OPENED, PING, SESSION, STATE, WINDOW, Door, Ended, Identity,
                  dial, frame)
from peer_crypto import asymmetric, fingerprint, sha256
from test_keys import fingerprints


def hh(link):
    payloads = (link.own_hello, link.peer_hello) if link.initiator else (link.peer_hello,
                                                                         link.own_hello)
    return sha256(b"".join(payloads))


def roll_label(link, letter, public):
    return b"SecureConn KEYROLL\0" + hh(link) + letter.encode() + public


def step(link, number, payload=b""):
    link.send(frame(KEYROLL, 0, bytes([number]) + payload))


def announcement(algorithm, public):
    return bytes([len(algorithm)]) + algorithm.encode() + public


def announce(link, algorithm, key, lie=False):
    """The result, and whether the other side has asked for a proof."""
    private, public = key
    step(link, 1, announcement(algorithm, public))
    _, _, payload = link.next_frame(KEYROLL)
    if payload[0] == 4:
        return payload[1], False
    assert payload[0] == 2
    nonce = asymmetric(algorithm).decrypt(private, roll_label(link, link.me, public), payload[1:],
                                          32)
    step(link, 3, bytes(32) if lie else nonce)
    _, _, payload = link.next_frame(KEYROLL)
    assert payload[0] == 4 and len(payload) == 2
    return payload[1], True


@pytest.fixture
def host(make_node):
    """A node that knows the key of the Python peer `py`."""
    node = make_node("hq", {
        "peer py": {},
        "peer other": {
            "address": "127.0.0.1:9",
            "connect": "demand"
        }
    })
    port = free_port()
    node.set("node", listen=f"127.0.0.1:{port}", asymmetric="X25519, ElGamal 2048").init()
    node.port = port
    node.identity = Identity("py", ("X25519",))
    node.cli("trust", "py", "--fingerprint", node.identity.fingerprint())
    return node


def link_to(node):
    link = dial(node.port, node.identity)
    link.up()
    node.wait("peer_verified", peer="py")  # the fingerprint was expected: that comes with it
    return link


@pytest.mark.parametrize("algorithm", ["X25519", "ElGamal 2048"])
@pytest.mark.parametrize("accept", ["yes", "no"])
def test_a_new_key_is_taken(host, algorithm, accept):
    host.set("peer py", accept_rolls=accept).start()
    link = link_to(host)
    key = asymmetric(algorithm).generate()
    assert announce(link, algorithm, key) == (0 if accept == "yes" else 1, True)
    # Known by now: answered at once.
    assert announce(link, algorithm, key) == (0 if accept == "yes" else 1, False)
    rows = {
        row["fingerprint"]: row["state"]
        for row in json.loads(host.cli("peers", "--json").stdout)["peers"]
        if row["peer"] == "py"
    }
    assert rows[host.identity.fingerprint()] == "verified", "the old one stays valid"
    new = fingerprint(algorithm, key[1])
    if accept == "no":
        assert host.events("key_roll", answer="pending") and new not in rows
        host.cli("verify", "py", input=new + "\n")
        host.wait("peer_verified", fingerprint=new)
        assert announce(link, algorithm, key) == (0, False)
        rows = {
            row["fingerprint"]: row["state"]
            for row in json.loads(host.cli("peers", "--json").stdout)["peers"]
            if row["peer"] == "py"
        }
    assert rows[new] == rows[host.identity.fingerprint()] == "verified"
    # And it is good for a link.
    if algorithm == "X25519":
        host.identity.keys["X25519"] = key
        link_to(host).close()
    link.close()


def test_a_key_that_one_does_not_hold(host):
    host.set("peer py", accept_rolls="yes").start()
    link = link_to(host)
    key = asymmetric("X25519").generate()
    assert announce(link, "X25519", key, lie=True) == (2, True)
    assert fingerprint("X25519", key[1]) not in host.cli("peers").stdout
    assert announce(link, "X25519", key) == (0, True)  # the link is as good as before
    link.close()


def test_keys_that_are_refused_at_once(host):
    other, revoked = Identity("other"), Identity("gone")
    host.cli("trust", "other", "--fingerprint", other.fingerprint())
    host.cli("revoke", "py", "--fingerprint", revoked.fingerprint())
    host.set("peer py", accept_rolls="yes").start()
    link = link_to(host)
    own = bytes.fromhex("".join(
        host.cli("key", "export", "X25519").stdout.split("public:")[1].split("end")[0].split()))
    refused = {
        "own": ("X25519", own),
        "of another peer": ("X25519", other.keys["X25519"][1]),
        "revoked": ("X25519", revoked.keys["X25519"][1]),
        "invalid": ("X25519", bytes(32)),
        "no residue": ("ElGamal 2048", bytes(255) + b"\1"),
        "too short": ("X25519", bytes(31)),
        "unknown": ("X448", bytes(56)),
        "weak": ("ElGamal 1024", asymmetric("ElGamal 1024").generate()[1])
    }
    for what, (algorithm, public) in refused.items():
        assert announce(link, algorithm, (None, public)) == (2, False), what
    link.close()


OUT_OF_ORDER = {
    "a challenge": (2, bytes(80)),
    "a proof": (3, bytes(32)),
    "a result": (4, b"\0"),
    "no step": (0, b""),
    "step 5": (5, b"x"),
    "no name": (1, b""),
    "an empty name": (1, b"\0x"),
    "half a name": (1, b"\7X25")
}


@pytest.mark.parametrize("what", OUT_OF_ORDER)
def test_a_step_out_of_order_ends_the_link(host, what):
    host.start()
    link = link_to(host)
    step(link, *OUT_OF_ORDER[what])
    link.expect_close(1)


def test_two_announcements_at_once_end_the_link(host):
    host.start()
    link = link_to(host)
    for _ in range(2):
        step(link, 1, announcement("X25519", asymmetric("X25519").generate()[1]))
    while True:
        kind, _, payload = link.next_frame()
        if kind == CLOSE:
            break
        assert kind == KEYROLL and payload[0] == 2
    assert payload == b"\0\1"


def test_ten_announcements_in_an_hour(host):
    host.start()
    link = link_to(host)
    for _ in range(10):
        assert announce(link, "X25519", (None, bytes(32))) == (2, False)
    step(link, 1, announcement("X25519", bytes(32)))
    link.expect_close(1)


@pytest.mark.parametrize("then", ["goes on", "revoked"])
def test_the_old_key_is_retired(host, closing, then):
    """Seven days after the first use of the new key: the link under the old one is lost, without
    CLOSE, and its session goes on under the new one, or ends with the peer's last key."""
    echo = closing.add(services.Echo())
    host.set("peer py", accept_rolls="yes", survive="60s")
    host.set("service echo", connect=echo.address, allow="py")
    host.start()
    link_to(host).close()
    hold = b"\1\x12" + struct.pack(">H", 60) + bytes(16)
    link = dial(host.port, host.identity, hello_tlvs=hold).up()
    stream = link.open("echo")
    link.data(stream, b"one")
    link.next_frame(OPENED, skip=(WINDOW, PING))
    assert link.next_frame(DATA, skip=(WINDOW, PING))[2] == b"one"
    old, key = host.identity.fingerprint(), asymmetric("X25519").generate()
    assert announce_behind(link, key) == 0

    host.identity.keys["X25519"] = key
    dial(host.port, host.identity, hello_tlvs=hold).up().close()
    file = next(host.state.glob(f"peers/*{fingerprint('X25519', key[1])}*"))
    until(lambda: "used: " in file.read_text(), "the first use is noted")
    assert not host.events("peer_keys_retired")
    aged = file.with_name("." + file.name)
    aged.write_text(re.sub(r"used: \d{4}", "used: 2020", file.read_text()))
    aged.chmod(0o600)
    aged.rename(file)
    host.wait("peer_keys_retired", keys="1")
    host.wait("peer_unverified", fingerprint=old)
    host.wait("link_down", held_streams="1")
    assert CLOSE not in frames_until_the_end(link)

    if then == "revoked":
        host.cli("revoke", "py")
        assert host.wait("session_lost", peer="py")["code"] == "3"
        return
    again = dial(host.port, host.identity, hello_tlvs=hold).handshake()
    again.send(frame(SESSION, 0, b"\1" + link.session_id + struct.pack(">III", 2, 0, 1)),
               frame(STATE, stream, b"\1" + struct.pack(">QQ", 3, 1 << 18)))
    assert again.next_frame(SESSION)[2][:17] == b"\2" + link.session_id
    assert again.next_frame(STATE)[1] == stream
    again.data(stream, b"two")
    assert again.next_frame(DATA, stream=stream, skip=(WINDOW, PING))[2] == b"two"
    assert not host.events("session_lost")
    again.close()


def announce_behind(link, key):
    """announce, with other frames between."""
    step(link, 1, announcement("X25519", key[1]))
    _, _, payload = link.next_frame(KEYROLL, skip=(WINDOW, PING))
    nonce = asymmetric("X25519").decrypt(key[0], roll_label(link, link.me, key[1]), payload[1:], 32)
    step(link, 3, nonce)
    return link.next_frame(KEYROLL, skip=(WINDOW, PING))[2][1]


def frames_until_the_end(link):
    kinds = []
    try:
        while True:
            kinds.append(link.next_frame()[0])
    except (Ended, ConnectionError):
        return kinds


@pytest.fixture
def called_by(make_node, closing):
    """A node that dials the Python peer and knows its key, the peer's door and keys, and the
    link."""
    door = closing.add(Door())
    identity = Identity("py")
    node = make_node("store", {"peer py": {"address": f"127.0.0.1:{door.port}"}})
    node.set("node", asymmetric="X25519").init()
    node.cli("trust", "py", "--fingerprint", identity.fingerprint())
    node.start()
    link = door.accept(identity)
    link.up()
    node.wait("peer_verified", peer="py")
    return node, door, identity, link


@pytest.mark.parametrize("answer", [0, 1, 2])
def test_what_a_node_announces(called_by, answer):
    """key rotate, seen from the other side: the proof is right, and the node goes by the answer."""
    node, door, identity, link = called_by
    old = fingerprints(node)["in use"][0]
    node.cli("key", "rotate")
    _, _, payload = link.next_frame(KEYROLL)
    assert payload[:8] == b"\1\6X25519"
    public = payload[8:]
    nonce = os.urandom(32)
    step(link, 2, asymmetric("X25519").encrypt(public, roll_label(link, link.other, public), nonce))
    _, _, payload = link.next_frame(KEYROLL)
    assert payload == b"\3" + nonce
    step(link, 4, bytes([answer]))
    node.wait("key_announced", answer=("verified", "pending", "refused")[answer])
    if answer == 0:
        assert node.wait("key_in_use")["fingerprint"] == fingerprint("X25519", public)
        until(lambda: fingerprints(node)["former"] == [old],
              "the old key, under which this link is")
        link.close()
        again = door.accept(identity)
        again.up()
        assert again.peer_public == public
        node.wait("key_retired", fingerprint=old)
        again.close()
    else:
        status = until(
            lambda:
            (s := node.cli("key", "rotate", "--status").stdout) and "not asked" not in s and s,
            "the answer")
        assert ("needs a call", "refuses it")[answer - 1] in status
        assert fingerprints(node)["in use"] == [old]
        link.close()


def test_a_wrong_challenge_gets_no_proof(called_by):
    """Made for another link (another hh): it does not open, and what comes is no proof."""
    node, door, identity, link = called_by
    node.cli("key", "rotate")
    _, _, payload = link.next_frame(KEYROLL)
    public, nonce = payload[8:], os.urandom(32)
    wrong = b"SecureConn KEYROLL\0" + bytes(32) + link.other.encode() + public
    step(link, 2, asymmetric("X25519").encrypt(public, wrong, nonce))
    _, _, payload = link.next_frame(KEYROLL)
    assert payload[0] == 3 and payload[1:] != nonce
    link.close()
