"""What an adversary can do with lines and records, in pieces: when something is done (script,
with_next, ...), and what. A move is called with the conversation and the item, and gives what is
passed on instead, a list of bytes; None: the item as it is."""

import os
import secrets
import socket

from adversary_wire import OTHER, Splitter, head
from node import DEADLINE
from peer_crypto import asymmetric, label

HEX = "0123456789abcdef"


# --- when -----------------------------------------------------------------------------------------

def script(*steps):
    """Steps of (direction, kind, move), each done once, at the first such item."""
    def begin():
        left = list(steps)

        def act(c, item):
            for step in left:
                if step[:2] == (item.direction, item.kind):
                    left.remove(step)
                    c.struck = True
                    return step[2](c, item)
            return None
        return act
    return begin


def nth(direction, kind, number, move):
    """The move once, at the item that is the number-th of its sort."""
    def begin():
        seen = []

        def act(c, item):
            if (item.direction, item.kind) == (direction, kind):
                seen.append(item)
                if len(seen) == number:
                    c.struck = True
                    return move(c, item)
            return None
        return act
    return begin


def with_next(direction, kind, move):
    """An item is held until the next one of its side: move(conversation, item, next item)."""
    def begin():
        held = []

        def act(c, item):
            if item.direction != direction or c.struck:
                return None
            if held:
                c.struck = True
                return move(c, held[0], item)
            if item.kind != kind:
                return None
            held.append(item)
            return []
        return act
    return begin


def always(move):
    """All items."""
    def begin():
        def act(c, item):
            c.struck = True
            return move(c, item)
        return act
    return begin


# --- moves for lines and records ------------------------------------------------------------------

def line(text):
    return text.encode() + b"\n"


def passed(c, item):
    return None


def drop(c, item):
    return []


def repeat(c, item):
    return [item.data, item.data]


def truncate(c, item):
    """Half of it, and the end of the connection."""
    c.say(item.direction, item.data[:len(item.data) // 2])
    c.fin()


def fin(c, item):
    c.fin()


def rst(c, item):
    c.rst()


def stall(c, item):
    c.stall()


def swap(c, first, second):
    return [second.data, first.data]


def reflect(c, item):
    """Back to who said it, and to nobody else."""
    c.say(OTHER[item.direction], item.data)
    return []


def from_old(protocol):
    """What stood there in an earlier conversation."""
    return lambda c, item: [c.home.old(protocol, item.direction, item.kind)]


def change(c, item):
    """Another last character; of hex, another digit."""
    data = item.data
    last = data[-2:-1].decode()
    new = HEX[(HEX.index(last) + 1) % 16] if len(data) > 60 and last in HEX else chr(ord(last) ^ 1)
    return [data[:-2] + new.encode() + b"\n"]


def instead(text):
    """Another line."""
    return lambda c, item: [line(text)]


def back(text, forward=None):
    """A line for who spoke, and one for the other side, or none."""
    def move(c, item):
        c.say(OTHER[item.direction], line(text))
        return [line(forward)] if forward else []
    return move


def to_both(text):
    return back(text, text)


# --- records --------------------------------------------------------------------------------------

def flip(part, bit):
    def move(c, item):
        start = {"head": 0, "ciphertext": 4, "tag": len(item.data) - 16}[part]
        data = bytearray(item.data)
        data[start + bit // 8] ^= 1 << bit % 8
        return [bytes(data)]
    return move


def new_head(channel=None, epoch=None, n=None):
    """Another head; epoch and n may be functions of what is there."""
    def of(value, present):
        return present if value is None else value(present) if callable(value) else value

    return lambda c, item: [
        head(of(channel, item.channel),
             of(epoch, item.epoch) % 256, of(n, item.n)) + item.data[4:]
    ]


def inject(channel, epoch, n):
    """Something that looks like a record, in front of the item. epoch: a function of the present
    one."""
    return lambda c, item: [head(channel, epoch(item.epoch), n) + os.urandom(n + 16), item.data]


# --- keys -----------------------------------------------------------------------------------------

def show(name, algorithm="X25519"):
    """The public key of another one."""
    return lambda c, item: [line("ASYM-KEY: " + c.home.public[(name, algorithm)].hex())]


def show_bytes(data):
    return lambda c, item: [line("ASYM-KEY: " + data.hex())]


def parties(c, direction, algorithm="X25519"):
    """The public keys of who speaks and of who listens."""
    of = {d: c.home.public[(name, algorithm)] for d, name in (("I", "store"), ("R", "hq"))}
    return of[direction], of[OTHER[direction]]


def forged(c, direction, index):
    """A ciphertext with keys that the adversary knows. It needs no private key."""
    sender, recipient = parties(c, direction)
    return line(
        f"SYM-KEY-{index}: " +
        asymmetric("X25519").encrypt(recipient, label(index, sender, recipient), bytes(32)).hex())


def forge(c, item):
    return [forged(c, item.direction, int(item.kind[8]))]


def elgamal(f):
    """A new (c1, c2) = f(c1, c2, p, public key of the recipient), all numbers."""
    def move(c, item):
        group = asymmetric("ElGamal 2048")
        y = int.from_bytes(parties(c, item.direction, group.name)[1], "big")
        c1, c2 = (int.from_bytes(half, "big")
                  for half in (item.value[:group.k], item.value[group.k:]))
        pair = f(c1, c2, group.p, y)
        return [
            line(item.kind + ": " + b"".join(
                (number % group.p).to_bytes(group.k, "big") for number in pair).hex())
        ]
    return move


def rerandomise(c1, c2, p, y):
    s = 2 + secrets.randbelow(2 ** 256)
    return c1 * pow(2, s, p), c2 * pow(y, s, p)


# --- whole conversations --------------------------------------------------------------------------

def play_r(protocol, in_step=True):
    """Says to I what R said in an earlier conversation; the real R hears nothing."""
    def begin():
        left = []

        def act(c, item):
            if not c.struck:
                left.extend(c.home.recorded[protocol])
                c.struck = True
            if item.direction == "R":
                return []
            while left and left[0].direction == "R":  # said without being asked
                c.say("R", left.pop(0).data)
            if left:
                left.pop(0)
            while left and (left[0].direction == "R" or not in_step):
                answer = left.pop(0)
                if answer.direction == "R":
                    c.say("R", answer.data)
            return []
        return act
    return begin


def call(adversary):
    sock = socket.create_connection(adversary.target, DEADLINE)
    return sock, "%s:%d" % sock.getsockname()


def _play(sock, items, in_step, only):
    splitter, heard, wanted, said = Splitter("R"), 0, 0, 0
    for item in items:
        if item.direction == "I" and (only is None or said < only):
            sock.sendall(item.data)
            said += 1
        wanted += item.direction == "R" and in_step
        while heard < wanted and said != only:
            heard += len(list(splitter.feed(receive(sock))))
    if only is None:
        sock.shutdown(socket.SHUT_WR)
    while receive(sock):
        pass


def receive(sock):
    data = sock.recv(65536)
    if not data:
        raise ConnectionResetError
    return data


def play_i(protocol, in_step=True, only=None):
    """Dials R and says what I said in an earlier conversation; only: so many items of it. Gives
    its address."""
    def play(adversary):
        sock, address = call(adversary)
        with sock:
            try:
                _play(sock, adversary.recorded[protocol], in_step, only)
            except OSError:
                pass
        return address
    return lambda: play


def splice_live():
    """The old connection is kept towards R when I has to dial again; then it gets what I says on
    the new one."""
    old = []

    def keep(c, item):
        if not old:
            old.append(c)
            c.struck = True
            c.home.acts.append(pour)
            c.rst_towards("I")
        return []

    def pour(c, item):
        if item.is_record and item.direction == "I" and item.kind not in ("HELLO", "SESSION"):
            old[0].say("I", item.data)
        return None
    return keep
