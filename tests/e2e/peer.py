"""A peer of its own: speaks SecureConn 1.0 and the tunnel's frames as protocol.md says, shares
no code with the program, and can misbehave at every step. One thread, blocking sockets."""

import os
import socket
import struct

from peer_crypto import (KEY_SIZE, asymmetric, directions, fingerprint, label, mix_hello,
                         transcript_hash, x25519, x25519_pair)

NAMES = dict(
    enumerate(
        "HELLO OPEN OPENED DATA FIN RESET WINDOW PING PONG RENEW LINE KEY_UPDATE GOAWAY CLOSE PAD "
        "SESSION STATE KEYROLL".split(), 1))
(HELLO, OPEN, OPENED, DATA, FIN, RESET, WINDOW, PING, PONG, RENEW, LINE, KEY_UPDATE, GOAWAY, CLOSE,
 PAD, SESSION, STATE, KEYROLL) = NAMES
DEADLINE = 20


class Rejected(Exception):
    """One of the keys is not verified by the other side."""


class Ended(Exception):
    """The connection has ended."""


class Unexpected(AssertionError):
    """The program did what the protocol does not allow."""


def frame(kind, stream=0, payload=b"", flags=0):
    return struct.pack(">BBHI", kind, flags, len(payload), stream) + payload


class Identity:
    """The keys of a Python peer."""

    def __init__(self, name, algorithms=("X25519",)):
        self.name = name
        self.asym = {a: asymmetric(a) for a in algorithms}
        self.keys = {a: self.asym[a].generate() for a in algorithms}

    def fingerprint(self, algorithm=None):
        algorithm = algorithm or next(iter(self.keys))
        return fingerprint(algorithm, self.keys[algorithm][1])


class Link:
    """A connection from the TCP connect (initiator) or accept on. The steps can be called one by
    one, or all by up()."""

    def __init__(self, sock, identity, initiator, symmetric=("AES 256", ),
                 accept=lambda algorithm, public: True, window=262144, streams=4096,
                 hello_tlvs=b""):
        self.sock, self.identity, self.initiator = sock, identity, initiator
        sock.settimeout(DEADLINE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.symmetric_list, self.accept = list(symmetric), accept
        self.window, self.streams, self.hello_tlvs = window, streams, hello_tlvs
        self.me, self.other = ("I", "R") if initiator else ("R", "I")
        self.lines = {"I": [], "R": []}
        self.input = b""
        self.waiting = []       # frames received and not looked at
        self.next_id = 1 if initiator else 2
        self.private_override = None  # an impostor's wrong private key

    # --- lines, section 1 ---

    def _fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Ended("end of file, in the middle of something" if self.input else "end of file")
        self.input += data

    def send_line(self, line):
        self.lines[self.me].append(line)
        self.sock.sendall(line.encode() + b"\n")

    def recv_line(self):
        while b"\n" not in self.input:
            self._fill()
        line, _, self.input = self.input.partition(b"\n")
        line = line.decode("ascii")
        if len(line) > 8191 or not line or not line.isprintable():
            raise Unexpected(f"a line that is none: {line!r}")
        self.lines[self.other].append(line)
        return line

    def expect_line(self, wanted):
        line = self.recv_line()
        if line.startswith("ASYM-KEY REJECTED"):
            raise Rejected(line)
        if line != wanted:
            raise Unexpected(f"{line!r} instead of {wanted!r}")

    # --- negotiation, section 2 ---

    def negotiate(self, prefix, names, opens):
        """The agreed name, and whether this side is the client of the next stage."""
        suggested, last = [], None
        if opens:
            last = names[0]
            suggested.append(last)
            self.send_line(prefix + last)
        while True:
            line = self.recv_line()
            if not line.startswith(prefix):
                raise Unexpected(f"{line!r} where {prefix!r} is negotiated")
            name = line[len(prefix):]
            if name == last:
                return name, True
            if name == "NONE":
                raise Ended(line)
            if name in suggested:
                raise Unexpected(f"{name!r} suggested twice")
            suggested.append(name)
            if name in names:
                self.send_line(line)
                return name, False
            rest = [n for n in names if n not in suggested]
            last = rest[0] if rest else "NONE"
            suggested.append(last)
            self.send_line(prefix + last)
            if last == "NONE":
                raise Ended(f"nothing in common: {prefix}")

    def negotiation(self):
        _, client = self.negotiate("", ["SecureConn 1.0"], self.initiator)
        name, client = self.negotiate("ASYM: ", list(self.identity.keys), client)
        self.symmetric, self.client = self.negotiate("SYM: ", self.symmetric_list, client)
        self.asym = self.identity.asym[name]
        self.private, self.public = self.identity.keys[name]
        if self.private_override:
            self.private = self.private_override

    # --- keys, sections 3 and 4 ---

    def public_keys(self):
        if self.client:
            self.send_line("ASYM-KEY: " + self.public.hex())
        line = self.recv_line()
        if not line.startswith("ASYM-KEY: "):
            raise Unexpected(line)
        self.peer_public = bytes.fromhex(line[10:])
        self.asym.check_public(self.peer_public)
        if not self.client:
            self.send_line("ASYM-KEY: " + self.public.hex())
        verdict = "ASYM-KEY ACCEPTED" if self.accept(self.asym.name, self.peer_public) \
            else "ASYM-KEY REJECTED - Not authorized"
        if self.client:
            self.send_line(verdict)
            self.expect_line("ASYM-KEY ACCEPTED")
        else:
            line = self.recv_line()
            self.send_line(verdict)
            if line != "ASYM-KEY ACCEPTED":
                raise Rejected(line)
        if verdict != "ASYM-KEY ACCEPTED":
            raise Rejected("by this side")

    def give_key(self, index):
        size = KEY_SIZE[self.symmetric]
        key, salt = os.urandom(size), os.urandom(size)
        lab = label(index, self.public, self.peer_public)
        self.send_line(f"SYM-KEY-{index}: " +
                       self.asym.encrypt(self.peer_public, lab, key + salt).hex())
        return key

    def take_key(self, index):
        line = self.recv_line()
        head = f"SYM-KEY-{index}: "
        if not line.startswith(head):
            raise Unexpected(f"{line!r} instead of {head!r}")
        size = KEY_SIZE[self.symmetric]
        return self.asym.decrypt(self.private, label(index, self.peer_public, self.public),
                                 bytes.fromhex(line[len(head):]), 2 * size)[:size]

    def session_keys(self):
        if self.client:
            key1 = self.take_key(1)
            self.send_line("SYM-KEY-1: ACCEPTED")
            key2 = self.take_key(2)
            self.send_line("SYM-KEY-2: ACCEPTED")
            key3 = self.give_key(3)
            self._schedule(key1, key2, key3)
        else:
            key1 = self.give_key(1)
            self.expect_line("SYM-KEY-1: ACCEPTED")
            key2 = self.give_key(2)
            self.expect_line("SYM-KEY-2: ACCEPTED")
            key3 = self.take_key(3)
            self._schedule(key1, key2, key3)
            self.send_line("SYM-KEY-3: ACCEPTED")

    def _schedule(self, key1, key2, key3):
        th = transcript_hash(self.lines["I"], self.lines["R"])
        self.both = directions(self.symmetric, th, key1, key2, key3)
        self.out, self.back = self.both[self.me], self.both[self.other]

    # --- HELLO, section 6 ---

    def hello_payload(self):
        self.ephemeral, public = x25519_pair()
        name = self.identity.name.encode()
        return b"\1" + public + struct.pack(">II", self.window, self.streams) + bytes(
            [len(name)]) + name + self.hello_tlvs

    def send_hello(self):
        self.own_hello = self.hello_payload()
        self.send_record(1, frame(HELLO, 0, self.own_hello))

    def recv_hello(self):
        channel, plaintext = self.recv_record()
        kind, flags, length, stream = struct.unpack(">BBHI", plaintext[:8])
        payload = plaintext[8:]
        if (channel, kind, flags, stream, length) != (1, HELLO, 0, 0, len(payload)):
            raise Unexpected("the first record is not one HELLO")
        if payload[0] != 1:
            raise Unexpected("HELLO version")
        self.peer_hello = payload
        self.peer_window, self.peer_streams = struct.unpack(">II", payload[33:41])
        self.peer_name = payload[42:42 + payload[41]].decode()
        self.peer_tlvs = payload[42 + payload[41]:]
        if self.peer_window < 4096:
            raise Unexpected("W0 below 4,096")

    def hellos(self):
        if self.client:
            self.send_hello()
            self.expect_line("SYM-KEY-3: ACCEPTED")
            self.recv_hello()
        else:
            self.send_hello()
            self.recv_hello()
        self.mix_hellos()

    def mix_hellos(self):
        """Epoch 1, once both are here."""
        shared = x25519(self.ephemeral, self.peer_hello[1:33])
        payloads = (self.own_hello, self.peer_hello) if self.initiator else (self.peer_hello,
                                                                             self.own_hello)
        mix_hello(self.both, shared, *payloads)

    def session(self):
        """SESSION at generation 1, section 8.1."""
        if self.initiator:
            self.session_id = os.urandom(16)
            self.send(frame(SESSION, 0, b"\0" + self.session_id + struct.pack(">III", 1, 0, 0)))
            kind, _, payload = self.next_frame(SESSION)
            if payload != b"\2" + self.session_id + struct.pack(">III", 1, 0, 0):
                raise Unexpected(f"SESSION answered with {payload.hex()}")
        else:
            kind, _, payload = self.next_frame()
            if kind != SESSION or payload[0] != 0 or payload[17:] != struct.pack(">III", 1, 0, 0):
                raise Unexpected(f"the first frame of I is {kind} {payload.hex()}")
            self.session_id = payload[1:17]
            self.send(frame(SESSION, 0, b"\2" + self.session_id + struct.pack(">III", 1, 0, 0)))

    def handshake(self):
        self.negotiation()
        self.public_keys()
        self.session_keys()
        self.hellos()
        return self

    def up(self):
        self.handshake()
        self.session()
        return self

    # --- records, section 7 ---

    def send_record(self, channel, plaintext):
        self.sock.sendall(self.out.seal(channel, plaintext))

    def send_raw(self, data):
        self.sock.sendall(data)

    def recv_record(self):
        while len(self.input) < 4 or len(self.input) < 20 + int.from_bytes(self.input[2:4], "big"):
            self._fill()
        n = int.from_bytes(self.input[2:4], "big")
        head, body, self.input = self.input[:4], self.input[4:20 + n], self.input[20 + n:]
        return head[0], self.back.open(head, body)

    # --- frames, section 8 ---

    def send(self, *frames, channel=1):
        self.send_record(channel, b"".join(frames))

    def _take_record(self):
        channel, plaintext = self.recv_record()
        while plaintext:
            if len(plaintext) < 8:
                raise Unexpected("a frame is cut off")
            kind, flags, length, stream = struct.unpack(">BBHI", plaintext[:8])
            payload, plaintext = plaintext[8:8 + length], plaintext[8 + length:]
            if len(payload) != length or flags:
                raise Unexpected("a frame reaches over the end of its record, or has flags")
            if (channel == 2) != (kind == DATA) and kind != PAD:
                raise Unexpected(f"{NAMES.get(kind, kind)} on channel {channel}")
            if kind == PING:
                self.send(frame(PONG, 0, payload))
            elif kind == KEY_UPDATE:
                if plaintext:
                    raise Unexpected("KEY_UPDATE is not the last frame of its record")
                self.key_update(*payload)
            elif kind != PAD:
                self.waiting.append((kind, stream, payload))

    def key_update(self, channel, kind):
        """The other side steps a channel."""
        if kind:
            raise Unexpected("KEY_UPDATE of a renewal that nobody has begun")
        self.back.channels[channel].ratchet()

    def next_frame(self, *kinds, stream=None, skip=(WINDOW,)):
        """The next frame; of these kinds, and of that stream, if given. Those of `skip` may come
        before it."""
        while True:
            while not self.waiting:
                self._take_record()
            got = self.waiting.pop(0)
            if (not kinds or got[0] in kinds) and stream in (None, got[1]):
                return got
            if got[0] not in skip:
                raise Unexpected(
                    f"{NAMES.get(got[0], got[0])} {got[1:]} where "
                    f"{[NAMES.get(k, k) for k in kinds]} is due"
                )

    def open(self, service, tlvs=b""):
        stream, self.next_id = self.next_id, self.next_id + 2
        self.send(frame(OPEN, stream, bytes([len(service)]) + service.encode() + tlvs))
        return stream

    def data(self, stream, payload):
        self.send(frame(DATA, stream, payload), channel=2)

    def fin(self, stream, count):
        self.send(frame(FIN, stream, struct.pack(">Q", count)))

    def grant(self, stream, consumed, window=262144):
        self.send(frame(WINDOW, stream, struct.pack(">QI", consumed, window)))

    def expect_close(self, code):
        """The link ends with CLOSE(code), whatever else is under way, and then with the end of
        the connection."""
        while True:
            kind, stream, payload = self.next_frame()
            if kind == CLOSE:
                if (stream, payload) != (0, struct.pack(">H", code)):
                    raise Unexpected(f"CLOSE {payload.hex()} instead of {code}")
                break
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.expect_end()

    def expect_end(self):
        """The other side closes the connection, in whatever way."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionError:
            pass

    def close(self):
        self.sock.close()


def dial(port, identity, host="127.0.0.1", source=None, kind=Link, **options):
    """A connection to a node, this side as the initiator. Nothing is sent yet. kind: Link or a
    class made from it."""
    sock = socket.create_connection((host, port), timeout=DEADLINE,
                                    source_address=(source, 0) if source else None)
    return kind(sock, identity, True, **options)


class Door:
    """A port on which a Python peer waits to be dialed."""

    def __init__(self, port=0, host="127.0.0.1"):
        self.listener = socket.create_server((host, port))
        self.listener.settimeout(DEADLINE)
        self.port = self.listener.getsockname()[1]

    def accept(self, identity, kind=Link, **options):
        sock, _ = self.listener.accept()
        return kind(sock, identity, False, **options)

    def close(self):
        self.listener.close()
