"""Someone in the middle of two nodes: takes a conversation apart into handshake lines and
records, and lets an attack say what is passed on. Knows the form of lines and record heads, and
no key."""

import select
import socket
import struct
import threading

from node import free_port
from relay import reset

OTHER = {"I": "R", "R": "I"}
# Frames of fixed size, when they are alone in a record of the protocol channel: the adversary
# guesses, as it cannot read.
BY_SIZE = {10: "KEY_UPDATE", 16: "PING", 20: "WINDOW", 27: "LINE", 37: "SESSION", 40: "RENEW"}


def head(channel, epoch, n):
    return struct.pack(">BBH", channel, epoch, n)


class Item:
    """A handshake line with its LF, or a record. direction: who said it, I or R; number: how
    many of its sort were before it."""

    def __init__(self, direction, number, data):
        self.direction, self.number, self.data = direction, number, data
        self.is_record = data[0] in (1, 2)

    @property
    def text(self):
        return self.data[:-1].decode()

    @property
    def value(self):
        """The bytes of a line's hex."""
        return bytes.fromhex(self.text.rpartition(" ")[2])

    @property
    def channel(self):
        return self.data[0]

    @property
    def epoch(self):
        return self.data[1]

    @property
    def n(self):
        return len(self.data) - 20

    @property
    def kind(self):
        if not self.is_record:
            return self._line_kind()
        if self.channel == 2:
            return "DATA"
        if self.number < 2:
            return ("HELLO", "SESSION")[self.number]
        return "LINE" if self.n > 150 else BY_SIZE.get(self.n, "control")

    def _line_kind(self):
        for kind in ("SecureConn", "END", "ASYM-KEY-ID"):
            if self.text.startswith(kind):
                return kind
        if self.text.endswith(("ACCEPTED", "ERROR")) or "REJECTED" in self.text:
            return self.text.split(" - ")[0]
        return self.text.partition(":")[0]


class Splitter:
    """One direction of a conversation: bytes in, whole lines and records out."""

    def __init__(self, direction):
        self.direction = direction
        self.data = b""
        self.lines = self.records = 0

    def feed(self, data):
        self.data += data
        while (size := self._next()) and size <= len(self.data):
            item, self.data = self.data[:size], self.data[size:]
            if item[0] in (1, 2):
                yield Item(self.direction, self.records, item)
                self.records += 1
            else:
                yield Item(self.direction, self.lines, item)
                self.lines += 1

    def _next(self):
        """The size of what comes next; 0 if that cannot be said yet."""
        if self.data[:1] in (b"\1", b"\2"):
            return 20 + int.from_bytes(self.data[2:4], "big") if len(self.data) >= 4 else 0
        return self.data.find(b"\n") + 1


class Conversation:
    """A connection through the adversary. act(conversation, item) -> None: pass it on; or a list
    of bytes to pass on instead."""

    def __init__(self, home, client, upstream, act):
        self.home = home
        self.socks = {"I": client, "R": upstream}
        self.address = "%s:%d" % upstream.getsockname()  # as R sees it
        self.act = act
        self.seen = []      # items in the order in which they came
        self.open = {"I", "R"}
        self.silent = False
        self.struck = False  # the attack has done something
        for s in self.socks.values():
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def say(self, direction, *parts):
        """Sends to the other side of `direction`, as if its side had."""
        try:
            self.socks[OTHER[direction]].sendall(b"".join(parts))
        except OSError:
            pass  # it has gone

    def all(self, direction, kind=None):
        return [i for i in self.seen if i.direction == direction and kind in (None, i.kind)]

    def fin(self):
        """The end of the stream, for both."""
        self.silent = True
        for s in self.socks.values():
            try:
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass

    def rst(self):
        self.silent = True
        self.open.clear()
        for s in self.socks.values():
            reset(s)

    def rst_towards(self, side):
        """One side sees a reset, the other sees nothing."""
        self.silent = True
        self.open.discard(side)
        reset(self.socks[side])

    def stall(self):
        """Nothing passes any more, and nobody is told."""
        self.silent = True

    def run(self):
        splitters = {d: Splitter(d) for d in "IR"}
        while self.open:
            self._step(splitters)

    def _step(self, splitters):
        socks = {self.socks[d]: d for d in self.open}
        try:
            ready = select.select(list(socks), [], [])[0]
        except (OSError, ValueError):  # closed by another thread
            self.open.clear()
            return
        for s in ready:
            if socks[s] in self.open:
                self._read(splitters[socks[s]], s)

    def _read(self, splitter, sock):
        direction = splitter.direction
        try:
            data = sock.recv(65536)
        except OSError:
            data = None
        if not data:
            self._ended(direction, clean=data is not None)
            return
        for item in splitter.feed(data):
            self.seen.append(item)
            if not self.silent:
                parts = self.act(self, item)
                if not self.silent:
                    self.say(direction, *([item.data] if parts is None else parts))

    def _ended(self, direction, clean):
        self.open.discard(direction)
        if self.silent:
            return
        other = self.socks[OTHER[direction]]
        if not clean:
            self.open.clear()
            reset(other)
            return
        try:
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        for s in self.socks.values():
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join()
        for s in self.socks.values():
            s.close()


def honest(conversation, item):
    return None


class Adversary:
    """Listens where the one node dials, and dials the other. `acts` is for the next
    conversations, one for each; then it is honest."""

    def __init__(self, target_port):
        self.target = ("127.0.0.1", target_port)
        # the nodes' public keys, and one pair of its own: (node, algorithm) -> bytes
        self.public = {}
        self.prints = {}      # fingerprints of the nodes' X25519 keys
        self.recorded = {}    # earlier conversations: protocol -> a list of items
        self.port = free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.conversations = []
        self.acts = []
        # functions that are given a connection of their own, instead of a conversation
        self.guests = []
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            if self.guests:
                threading.Thread(target=self.guests.pop(0), args=(client,), daemon=True).start()
                continue
            try:
                upstream = socket.create_connection(self.target)
            except OSError:
                reset(client)
                continue
            c = Conversation(self, client, upstream, self.acts.pop(0) if self.acts else honest)
            self.conversations.append(c)
            c.thread = threading.Thread(target=c.run, daemon=True)
            c.thread.start()

    def old(self, protocol, direction, kind):
        """What was said in an earlier conversation."""
        return next(i.data
                    for i in self.recorded[protocol]
                    if (i.direction, i.kind) == (direction, kind))

    def clear(self):
        """Ends all conversations; nothing of them is left."""
        self.acts = []
        while self.conversations:
            self.conversations.pop().close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        self.clear()
