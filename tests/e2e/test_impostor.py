"""Somebody who knows both public keys and an earlier conversation, and no private key: as C and
as S, to the node that is dialed and to the one that dials, in SecureConn 1.0 and 1.1. All lines
can be said; no HELLO can be made."""

import os
import socket
import struct

import pytest

from adversary import Attack
from adversary_bench import Trial
from node import until
from peer import DEADLINE, HELLO, Link, Rejected, frame
from peer_crypto import KEY_SIZE, asymmetric, label
from test_adversary import bench  # noqa: F401, the fixture

# How each ends its lines. The first four try to be HELLO; `zeros` and `random` under guesses of the
# keys that could not be opened.
FORGERIES = {
    "zeros": "record_tag",
    "random": "record_tag",
    "recorded": "record_tag",
    "reflected": "record_tag",
    "no key at all": "record_tag",
    "too long": "hello",
    "on the data channel": "hello",
    "under epoch 1": "record_epoch",
    "a line": "record_channel",
    "the end": "truncated",
    "silence": "timeout"
}


class Disguise:
    """The public keys of one node, with private keys of nobody."""

    def __init__(self, home, name, algorithm):
        self.name = name
        self.asym = {algorithm: asymmetric(algorithm)}
        self.keys = {
            algorithm: (self.asym[algorithm].generate()[0], home.public[(name, algorithm)])
        }


class Impostor(Link):
    """Says all lines as a peer does. forgery: what comes in place of HELLO."""

    def __init__(self, sock, home, name, initiator, forgery, algorithm="X25519", **options):
        super().__init__(sock, Disguise(home, name, algorithm), initiator, **options)
        self.home, self.forgery, self.algorithm = home, forgery, algorithm

    def take_key(self, index):
        """It cannot: a guess."""
        assert self.recv_line().startswith(f"SYM-KEY-{index}: ")
        size = KEY_SIZE[self.symmetric]
        return os.urandom(size) if self.forgery == "random" else bytes(size)

    def own_hello_record(self):
        return self.out.seal(1, frame(HELLO, 0, self.hello_payload()))

    def victims_hello(self):
        while len(self.input) < 4 or len(self.input) < 20 + int.from_bytes(self.input[2:4], "big"):
            self._fill()
        return self.input[:20 + int.from_bytes(self.input[2:4], "big")]

    def forge(self):
        """Everything after the lines. The victim ends the connection."""
        random = lambda channel, epoch, n: struct.pack(">BBH", channel, epoch, n) + os.urandom(n +
                                                                                               16)
        make = {
            "recorded": lambda: self.home.old("1.0", self.me, "HELLO"),
            "reflected": self.victims_hello,
            "no key at all": lambda: random(1, 0, 75),
            "too long": lambda: random(1, 0, 1025),
            "on the data channel": lambda: random(2, 0, 75),
            "under epoch 1": lambda: random(1, 1, 75),
            "a line": lambda: b"SYM-KEY-3: ACCEPTED\n",
            "the end": None,
            "silence": lambda: b""
        }
        make = make.get(self.forgery, self.own_hello_record)
        if make:
            self.send_raw(make())
        else:
            self.sock.shutdown(socket.SHUT_WR)
        self.expect_end()

    def hellos(self):
        """C's HELLO comes before S's answer."""
        if self.client and self.forgery == "reflected":
            self.expect_line("SYM-KEY-3: ACCEPTED")
        self.forge()

    def speak_1_0(self):
        self.negotiation(), self.public_keys(), self.session_keys(), self.hellos()

    # --- SecureConn 1.1 ---

    def be_known(self):
        self.symmetric, self.asym = "AES 128", self.identity.asym[self.algorithm]
        self.private, self.public = self.identity.keys[self.algorithm]
        self.peer_public = self.home.public[("hq" if self.initiator else "store", self.algorithm)]

    def dial_1_1(self):
        self.be_known()
        self.client = True
        for text in ("SecureConn 1.1", f"ASYM: {self.algorithm}", "SYM: AES 128",
                     f"ASYM-KEY-ID: {self.home.prints['store']} {self.home.prints['hq']}"):
            self.send_line(text)
        key3 = self.give_key(3)
        self.send_line("END")
        for wanted in ("SecureConn 1.1", f"ASYM: {self.algorithm}", "SYM: AES 128",
                       "ASYM-KEY-ID: ACCEPTED", "SYM-KEY-3: ACCEPTED"):
            self.expect_line(wanted)
        self._schedule(self.take_key(1), self.take_key(2), key3)
        self.send_raw(b"SYM-KEY-1: ACCEPTED\nSYM-KEY-2: ACCEPTED\n")
        self.forge()

    def answer_1_1(self):
        self.be_known()
        self.client = False
        for _ in range(4):
            self.recv_line()
        key3 = self.take_key(3)
        self.expect_line("END")
        for text in ("SecureConn 1.1", f"ASYM: {self.algorithm}", "SYM: AES 128",
                     "ASYM-KEY-ID: ACCEPTED", "SYM-KEY-3: ACCEPTED"):
            self.send_line(text)
        self._schedule(self.give_key(1), self.give_key(2), key3)
        if self.forgery == "reflected":
            self.expect_line("SYM-KEY-1: ACCEPTED"), self.expect_line("SYM-KEY-2: ACCEPTED")
        self.forge()


# The names that make the impostor C or S: who suggests what is agreed is C.
ROLES = {
    "C to R": (["AES 128"], "speak_1_0"),
    "S to R": (["AES 256", "AES 128"], "speak_1_0"),
    "1.1 to R": (["AES 128"], "dial_1_1"),
    "C to I": (["CAST-128"], "speak_1_0"),
    "S to I": (["AES 128"], "speak_1_0"),
    "1.1 to I": (["AES 128"], "answer_1_1")
}


def to_r(role, forgery, algorithm):
    """Dials hq in the name of store. Gives its address."""
    names, speak = ROLES[role]

    def run(home):
        sock = socket.create_connection(home.target, DEADLINE)
        address = "%s:%d" % sock.getsockname()
        link = Impostor(sock, home, "store", True, forgery, algorithm, symmetric=names)
        with sock:
            getattr(link, speak)()
        assert link.client == (role[0] != "S")
        return address
    return lambda: run


class Imposture(Trial):
    """store dials, and an impostor answers in the name of hq."""

    def __init__(self, bench, attack, role, forgery, algorithm):  # noqa: F811
        super().__init__(bench, attack)
        self.role, self.forgery, self.algorithm = role, forgery, algorithm
        self.ends = []

    def guest(self, sock):
        names, speak = ROLES[self.role]
        link = Impostor(sock, self.adversary, "hq", False, self.forgery, self.algorithm,
                        symmetric=names)
        try:
            with sock:
                getattr(link, speak)()
            assert link.client == (self.role[0] == "C")
            self.ends.append(None)
        except BaseException as e:
            self.ends.append(e)

    def strike(self):
        self.adversary.guests.append(self.guest)
        self.client()
        assert until(lambda: self.ends, "the impostor is done") == [None]
        self.verdict(self.store, self.attack.store, self.since, peer="hq")


def cases():
    for role in ROLES:
        for forgery in FORGERIES:
            yield role, forgery, "X25519"
        if not role.startswith("1.1"):
            yield role, "zeros", "ElGamal 2048"


@pytest.mark.parametrize("role, forgery, algorithm", cases())
def test_impostor(bench, role, forgery, algorithm):  # noqa: F811
    error = FORGERIES[forgery]
    if (role, forgery) == ("1.1 to I", "reflected"):
        error = "timeout"  # I keeps its HELLO back until R's has come
    if role.endswith("to R"):
        Trial(bench, Attack("impostor", role, to_r(role, forgery, algorithm), hq=error,
                            calls=True)).run()
        return
    config = {"asymmetric": "ElGamal 2048, X25519"} if algorithm != "X25519" else {}
    attack = Attack("impostor", role, None, error, config=config,
                    spoken=role[:3] if role.startswith("1.1") else "1.0",
                    agreed=(algorithm, "AES 128"))
    Imposture(bench, attack, role, forgery, algorithm).run()


@pytest.mark.parametrize("algorithm", ["X25519", "ElGamal 2048"])
def test_a_node_is_shown_its_own_key(bench, algorithm):  # noqa: F811
    def run(home):
        sock = socket.create_connection(home.target, DEADLINE)
        address = "%s:%d" % sock.getsockname()
        with sock, pytest.raises(Rejected):
            Impostor(sock, home, "hq", True, "zeros", algorithm, symmetric=["AES 128"]).speak_1_0()
        return address
    attack = Attack("impostor", "with R's own key", lambda: run, hq="key_not_verified", calls=True)
    Trial(bench, attack).run()
