"""Session keys are renewed and ratcheted while data flows, and no byte of it is lost; whoever
does it wrong loses the link."""

import hashlib
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest

import services
from node import free_port, until
from peer import (CLOSE, DATA, FIN, KEY_UPDATE, LINE, OPENED, PAD, PING, PONG, RENEW, Ended,
                  Identity, Link, Unexpected, frame)
from peer_crypto import KEY_SIZE, label, sha256, x25519, x25519_pair
from test_bulk import CIPHERS
from test_interop import Host, echo_once

OFTEN = {"rekey_gap": "0", "rekey_per_hour": "1000000"}
EACH_SECOND = {"rekey_after": "1s"}


# --- what passes between two nodes ----------------------------------------------------------------

class Epochs:
    """Follows the epochs of all four channels on the wire, in a relay between two nodes."""

    def __init__(self, relay):
        self.relay = relay
        self.records = {"I": b"", "R": b""}
        self.lines = {"I": True, "R": True}
        self.steps = {(d, c): 0 for d in "IR" for c in (1, 2)}  # how many epochs have passed
        self.last = dict(self.steps)
        relay.change = self.look

    def look(self, number, direction, data):
        with self.relay.lock:
            self.relay.record.clear()
        if number == 0:
            self.follow(direction, data)
        return data

    def follow(self, direction, data):
        data = self.records[direction] + data
        at = 0
        while self.lines[direction] and at < len(data):
            end = data.find(b"\n", at)
            if data[at] < 0x20 or end < 0:
                self.lines[direction] = data[at] >= 0x20
                break
            at = end + 1
        while not self.lines[direction] and len(data) - at >= 4:
            channel, epoch, n = struct.unpack_from(">BBH", data, at)
            if len(data) - at < 20 + n:
                break
            self.steps[direction, channel] += (epoch - self.last[direction, channel]) % 256
            self.last[direction, channel] = epoch
            at += 20 + n
        self.records[direction] = data[at:]


class Stretch:
    """A stream of bytes that goes on for a while, digested as it is sent."""

    def __init__(self, seed, seconds):
        self.pattern = services.Pattern(seed, 1 << 60)
        self.seconds = seconds

    def send(self, sock):
        end, digest, self.size = time.monotonic() + self.seconds, hashlib.sha256(), 0
        for block in self.pattern.blocks():
            if time.monotonic() > end:
                break
            sock.sendall(block)
            digest.update(block)
            self.size += len(block)
        sock.shutdown(socket.SHUT_WR)
        self.result = (self.size, digest.hexdigest())


@pytest.fixture
def seconds(request):
    return 60 if request.config.getoption("--long") else 5


def renewing_pair(make_pair, target=None, limits=OFTEN, hq=EACH_SECOND, store=EACH_SECOND,
                  node=None, relay=True, **services_of_hq):
    """A pair whose nodes renew; services_of_hq: more services, each with a route. With the
    relay, pair.epochs follows the wire."""
    pair = make_pair(target, relay=relay, start=False, node=node, hq=hq, store=store)
    for n in (pair.hq, pair.store):
        n.set("limits", **limits)
    pair.routes = {}
    for name, address in services_of_hq.items():
        pair.routes[name] = free_port()
        pair.hq.set(f"service {name}", connect=address, allow="store")
        pair.store.set(f"route {name}", listen=f"127.0.0.1:{pair.routes[name]}", peer="hq")
    if relay:
        pair.epochs = Epochs(pair.relay)
    return pair.start()


def load(pair, server, up, seconds):
    """A bulk transfer both ways, redis-benchmark and iperf3, all for some seconds. Returns the
    bytes of the bulk transfer."""
    end = time.monotonic() + seconds

    def bulk():
        with pair.connect(timeout=120) as s:
            sender = threading.Thread(target=up.send, args=(s,), daemon=True)
            sender.start()
            got = services.digest_stream(s)
            sender.join(120)
        until(lambda: server.results, "the server has got it all")
        assert got == server.pattern.result
        assert server.results == [up.result]

    def redis():
        while time.monotonic() < end:
            done = subprocess.run([
                "redis-benchmark", "-p",
                str(pair.routes["redis"]), "-c", "10", "-n", "3000", "-d", "1000", "-t",
                "set,get,lrange_100", "--csv"
            ], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0 and "GET" in done.stdout, done.stdout + done.stderr
            assert "rror" not in done.stdout + done.stderr, done.stdout + done.stderr

    def iperf():
        if "iperf" in pair.routes:
            done = subprocess.run([
                "iperf3", "-c", "127.0.0.1", "-p",
                str(pair.routes["iperf"]), "-t",
                str(seconds), "--bidir", "-J"
            ], capture_output=True, text=True, timeout=120)
            report = json.loads(done.stdout)
            assert done.returncode == 0 and "error" not in report, report.get("error")
            assert report["end"]["sum_received"]["bytes"] > 0 and report["end"][
                "sum_received_bidir_reverse"]["bytes"] > 0
    services.at_once(bulk, redis, iperf)
    return up.result[0] + server.pattern.result[0]


@pytest.mark.heavy
@pytest.mark.parametrize("cipher", CIPHERS)
def test_renewals_and_ratchets_under_load(make_pair, closing, redis, has_gcrypt, seconds,
                                          record_property, cipher):
    """Renewal every second, ratchet every 64 KiB: no error, and the bytes are exact."""
    if "OCB" in cipher and not has_gcrypt:
        pytest.skip("built without libgcrypt")
    server = closing.add(services.BothWays(Stretch(1, seconds)))
    others = {"redis": redis.address}
    if shutil.which("iperf3"):
        others["iperf"] = closing.add(services.Iperf()).address
    pair = renewing_pair(make_pair, server.address, {
        **OFTEN, "ratchet_bytes": "64K"
    }, node={"symmetric": cipher}, **others)
    assert pair.store.wait("link_up")["symmetric"] == cipher
    size = load(pair, server, Stretch(2, seconds), seconds)
    record_property("megabytes", round(size / 1e6))
    record_property("epochs", pair.epochs.steps)
    for direction in "IR":
        assert pair.epochs.steps[direction, 1] >= seconds - 2, "renewals"
        assert pair.epochs.steps[direction, 2] > size // 2 // (1 << 20), "ratchets"
    for node in (pair.hq, pair.store):
        assert not node.events("link_down") and len(node.events("link_up")) == 1


@pytest.mark.heavy
@pytest.mark.parametrize("slow", ["service", "client"])
def test_renewals_while_one_direction_is_full(make_pair, closing, seconds, slow):
    """All buffers in one direction are full to the brim all the time, because its receiver reads
    slowly."""
    def trickle(sock):
        end = time.monotonic() + seconds
        sock.settimeout(120)
        while time.monotonic() < end:
            services.receive(sock, 30_000)
            time.sleep(0.01)

    def handler(sock):
        if slow == "service":
            trickle(sock)
        else:
            fill(sock)

    def fill(sock):
        end = time.monotonic() + seconds + 5
        sock.settimeout(1)
        try:
            while time.monotonic() < end:
                sock.send(bytes(65536))
        except OSError:
            pass

    pair = renewing_pair(make_pair,
                         closing.add(services.Server(handler)).address, {
                             **OFTEN, "ratchet_bytes": "64K"
                         }, relay=False)
    other = closing.add(services.Echo())

    def one():
        with pair.connect(timeout=120) as s:
            (fill if slow == "service" else trickle)(s)
    services.at_once(*[one] * 4)
    other.close()
    for node in (pair.hq, pair.store):
        assert not node.events("link_down")


def steps_all(pair, n):
    """Data goes on both ways until each channel has stepped n times in each direction."""
    with pair.connect() as s:
        def done():
            s.sendall(b"x" * 1000)
            assert services.receive(s, 1000) == b"x" * 1000
            return min(pair.epochs.steps.values()) >= n
        until(done, lambda: f"{n} steps of each: {pair.epochs.steps}", deadline=30, pause=0.02)
    return pair


ROLES = {"I is C": {}, "R is C": {"store": "ChaCha20-Poly1305, AES 128", "hq": "AES 128"}}


@pytest.mark.parametrize("roles", ROLES)
@pytest.mark.parametrize("begins", ["I", "R", "both"])
@pytest.mark.parametrize("asymmetric", ["X25519", "ElGamal 2048"])
def test_who_begins(make_pair, roles, begins, asymmetric):
    lists = ROLES[roles]
    options = {
        side: {
            **({} if begins not in (letter, "both") else EACH_SECOND),
            **({
                "symmetric": lists[side]
            } if lists else {})
        } for side, letter in (("hq", "R"), ("store", "I"))
    }
    pair = steps_all(renewing_pair(make_pair, node={"asymmetric": asymmetric}, **options), 1 + 3)
    assert len({steps // 2 for steps in pair.epochs.steps.values()
                }) <= 2, "nothing but renewals steps a channel"
    assert not pair.hq.events("link_down")


@pytest.mark.parametrize("asymmetric", ["ElGamal 3072", "ElGamal 8192"])
def test_longer_keys(make_pair, asymmetric):
    """Two lines of 8.3 KB pass in the longest case."""
    pair = steps_all(renewing_pair(make_pair, node={"asymmetric": asymmetric}), 1 + 2)
    assert not pair.hq.events("link_down")


@pytest.mark.parametrize("who", ["hq", "store"])
def test_renewal_by_volume(make_pair, who):
    """rekey_bytes, both directions together; without traffic there is none."""
    pair = renewing_pair(make_pair, **{"hq": {}, "store": {}, who: {"rekey_bytes": "1M"}})
    sent = 0
    with pair.connect() as s:
        # On a busy machine a renewal may take as long as some MB.
        while sent < 16 << 20 or min(pair.epochs.steps.values()) < 9:
            s.sendall(bytes(100_000))
            services.receive(s, 100_000)
            sent += 200_000
            assert sent < 160 << 20, pair.epochs.steps
            time.sleep(0.01)
    for key, steps in pair.epochs.steps.items():
        assert steps - 1 <= (sent >> 20) + 1, (key, pair.epochs.steps)
    time.sleep(0.5)  # one may be under way
    before = dict(pair.epochs.steps)
    time.sleep(1)
    assert pair.epochs.steps == before, "no traffic, no renewal"


# --- the Python peer ------------------------------------------------------------------------------

class Renewing(Link):
    """A peer that renews session keys (section 9): by itself when the other side begins, and
    when it is told to."""

    renewing = False
    renewals = 0
    by_itself = True

    def take(self, kind):
        """The next frame of that kind; others stay for later."""
        while True:
            for i, (k, _, payload) in enumerate(self.waiting):
                if k == kind:
                    return self.waiting.pop(i)[2]
            self._take_record()

    def _take_record(self):
        super()._take_record()
        if self.waiting and self.waiting[-1][0] == LINE:
            self.line_seq = self.back.seq
        if self.by_itself and not self.renewing and any(k == RENEW for k, *_ in self.waiting):
            self.renew()

    def send_line(self, line):
        if not self.renewing:
            return super().send_line(line)
        if not line.endswith(": ACCEPTED"):
            self.lines[self.me].append(line)
        self.send(frame(LINE, 0, line.encode()))

    def recv_line(self):
        if not self.renewing:
            return super().recv_line()
        line = self.take(LINE).decode("ascii")
        if not line.endswith(": ACCEPTED"):
            self.lines[self.other].append(line)
        return line

    def _schedule(self, key1, key2, key3):
        if not self.renewing:
            return super()._schedule(key1, key2, key3)
        lines = {d: sha256("".join(line + "\n" for line in self.lines[d]).encode()) for d in "IR"}
        th = sha256(b"SecureConn renewal\0" + self.renew_keys["I"] + self.renew_keys["R"] +
                    lines["I"] + lines["R"])
        shared = x25519(self.renew_private, self.renew_keys[self.other])
        self.fresh = {1: key1 + key3 + shared + th, 2: key2 + key3 + shared + th}

    def key_update(self, channel, kind):
        if kind == 0:
            return super().key_update(channel, kind)
        if not self.renewing or not self.fresh or channel != len(self.stepped) + 1:
            raise Unexpected(f"KEY_UPDATE({channel}, 1) out of place")
        self.stepped.append(self.back.seq)
        self.back.channels[channel].extract(self.fresh[channel])

    def begin(self):
        """RENEW goes out."""
        self.renewing, self.fresh, self.stepped, self.lines = True, None, [], {"I": [], "R": []}
        self.renew_private, public = x25519_pair()
        self.renew_keys = {self.me: public}
        self.send(frame(RENEW, 0, public))

    def both_renews(self):
        if not self.renewing:
            self.begin()
        self.renew_keys[self.other] = self.take(RENEW)

    def send_key_update(self, channel):
        self.send(frame(KEY_UPDATE, 0, bytes([channel, 1])))
        self.out.channels[channel].extract(self.fresh[channel])

    def renew(self):
        """A whole renewal; returns when it is done at this side."""
        self.both_renews()
        self.session_keys()
        if self.client:
            self.expect_line("SYM-KEY-3: ACCEPTED")
        self.send_key_update(1), self.send_key_update(2)
        while len(self.stepped) < 2:
            self._take_record()
        first = self.line_seq if self.client else self.stepped[0] - 1
        assert self.stepped == [first + 1, first + 2], "no other record in between"
        self.renewing = False
        self.renewals += 1


@pytest.fixture
def make_host(make_node, closing):
    def make(limits=OFTEN, node=None, dials=False, algorithm="X25519", **options):
        return Host(lambda name, sections: make_node(name, {
            **sections, "limits": limits
        }), closing, Identity("py", [algorithm]), {
            "asymmetric": algorithm,
            "symmetric": "AES 256, AES 128, ChaCha20-Poly1305",
            **(node or {})
        }, dials, **options)
    return make


# py's symmetric names as I and as R, with which it is C, or S: who suggested the agreed one is C
LISTS = {
    "py is C": (["AES 256"], ["AES 128"]),
    "py is S": (["AES 128 OCB", "AES 256"], ["AES 256"])
}


@pytest.mark.parametrize("algorithm", ["X25519", "ElGamal 2048"])
@pytest.mark.parametrize("names", LISTS)
@pytest.mark.parametrize("dials", [False, True], ids=["py is I", "py is R"])
def test_the_peer_renews(make_host, algorithm, names, dials):
    host = make_host(dials=dials, algorithm=algorithm)
    link = host.link(kind=Renewing, symmetric=LISTS[names][dials])
    assert link.client == (names == "py is C")
    for i in range(4):
        link.renew()
        echo_once(link, os.urandom(30_000))
    assert [c.epoch for half in link.both.values() for c in half.channels.values()] == [5] * 4
    assert not host.node.events("link_down")


@pytest.mark.parametrize("names", LISTS)
@pytest.mark.parametrize("dials", [False, True], ids=["py is I", "py is R"])
def test_the_node_renews(make_host, names, dials):
    host = make_host(node=EACH_SECOND, dials=dials)
    link = host.link(kind=Renewing, symmetric=LISTS[names][dials])
    end = time.monotonic() + 20
    while link.renewals < 3 and time.monotonic() < end:
        echo_once(link, os.urandom(30_000))
    assert link.renewals == 3


@pytest.mark.parametrize("names", LISTS)
@pytest.mark.parametrize("dials", [False, True], ids=["py is I", "py is R"])
def test_both_begin_at_once(make_host, names, dials):
    """Neither has seen the other's RENEW when it sends its own."""
    host = make_host(node=EACH_SECOND, dials=dials)
    link = host.link(kind=Renewing, symmetric=LISTS[names][dials])
    for _ in range(2):
        link.sock.setblocking(False)
        until(lambda: peek_has_record(link), "something comes, which is the node's RENEW")
        link.sock.settimeout(20)
        link.renew()
        echo_once(link, b"and on")
    assert link.renewals >= 2
    assert not host.node.events("link_down")


def peek_has_record(link):
    """Something has come that was not read yet; nothing is taken from the socket."""
    try:
        return link.input or link.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False


@pytest.mark.parametrize("dials", [False, True], ids=["py is I", "py is R"])
@pytest.mark.parametrize("names", LISTS)
def test_ratchets_during_renewals(make_host, names, dials):
    """Both sides step their channels between all the lines of a renewal, with data between them."""
    host = make_host({**OFTEN, "ratchet_records": "3"}, dials=dials)

    class Ratcheting(Renewing):
        got = b""

        def send_line(self, line):
            if self.renewing:
                for channel in (2, 1, 2):
                    self.send(frame(KEY_UPDATE, 0, bytes([channel, 0])))
                    self.out.channels[channel].ratchet()
                self.data(self.stream, b"between the lines;")
                self.sent += 18
            super().send_line(line)

    link = host.link(kind=Ratcheting, symmetric=LISTS[names][dials])
    link.stream, link.sent = link.open("echo"), 0
    for _ in range(5):
        link.renew()
    got = b""
    while len(got) < link.sent:
        kind, _, payload = link.next_frame(DATA, OPENED)
        got += payload if kind == DATA else b""
    assert got == b"between the lines;" * (link.sent // 18)
    assert link.renewals == 5
    assert link.out.channels[2].epoch > 5 * 5
    assert link.back.channels[1].epoch > 1 + 5, "the node steps too"
    link.fin(link.stream, link.sent)
    assert link.next_frame(FIN)[2] == struct.pack(">Q", link.sent)


def endless(sock):
    while True:
        sock.sendall(bytes(65536))


@pytest.mark.parametrize("names", LISTS)
@pytest.mark.parametrize("limits", [{}, {
    "ratchet_bytes": "64K"
}, {
    "ratchet_records": "1"
}], ids=["", "64 KiB", "each record"])
def test_a_renewal_while_the_peer_does_not_read(make_host, names, limits):
    """All buffers of the node are full when the last lines come: its KEY_UPDATEs can only go
    later."""
    host = make_host({**OFTEN, **limits}, echo=lambda: services.Server(endless))
    link = host.link(kind=Renewing, symmetric=LISTS[names][0], window=1 << 28)
    link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    link.open("echo")
    send_line = link.send_line
    link.send_line = lambda line: (time.sleep(0.5), send_line(line))
    for _ in range(2):
        link.renew()
        link.waiting.clear()
    assert link.take(DATA) and not host.node.events("link_down"), "data goes on"


def test_epochs_past_256(make_host):
    """Every channel in every direction goes around the byte that names the epoch, with renewals
    on the way."""
    host = make_host({**OFTEN, "ratchet_records": "2"})
    link = host.link(kind=Renewing)
    stream, rounds = link.open("echo"), 1400
    for i in range(rounds):
        channel = 1 + i % 2
        link.send(frame(KEY_UPDATE, 0, bytes([channel, 0])))
        link.out.channels[channel].ratchet()
        link.data(stream, b"%04d" % i)
        while link.next_frame(DATA, OPENED)[0] != DATA:
            pass
        link.grant(stream, 4 * i + 4)
        if i % 200 == 100:
            link.renew()
    epochs = {(d, c): ch.epoch for d, half in link.both.items() for c, ch in half.channels.items()}
    assert min(epochs.values()) > 2 * 256, epochs
    link.fin(stream, 4 * rounds)
    host.node.wait("link_up")
    assert not host.node.events("link_down")


# --- the limits of section 6 ----------------------------------------------------------------------

class Counting(Renewing):
    """Counts what it is sent under each key."""

    def recv_record(self):
        epochs = {c: ch.epoch for c, ch in self.back.channels.items()}
        channel, plaintext = super().recv_record()
        used = self.used.setdefault((channel, epochs[channel]), [0, 0, 0])
        for i, more in enumerate((1, len(plaintext), -(-len(plaintext) // 8))):
            used[i] += more
        return channel, plaintext


@pytest.mark.parametrize("limits, most_records, most_bytes", [({
    "ratchet_bytes": "64K"
}, 1 << 20, 65536), ({
    "ratchet_records": "5"
}, 5, 1 << 30)], ids=["bytes", "records"])
def test_the_node_steps_in_time(make_host, limits, most_records, most_bytes):
    host = make_host(limits)
    Counting.used = {}
    link = host.link(kind=Counting)
    echo_once(link, os.urandom(1_000_000))
    for key, (records, n, _) in link.used.items():
        assert records == 1 or (records <= most_records and n <= most_bytes), (key, records, n)
    assert len([1 for channel, _ in link.used if channel == 2
                ]) >= (10 if "ratchet_bytes" in limits else 3)


def test_cast_128_steps_before_8_mib(make_host):
    """The node sends more than 8 MiB, and never more than 2^20 blocks under one key."""
    host = make_host(node={"symmetric": "CAST-128"})
    Counting.used = {}
    link = host.link(kind=Counting, symmetric=["CAST-128"])
    data = os.urandom(1 << 20)
    for _ in range(18):
        echo_once(link, data)
        if link.out.channels[2].counter > (1 << 20) - (1 << 18):
            link.send(frame(KEY_UPDATE, 0, b"\2\0"))
            link.out.channels[2].ratchet()
    assert max(blocks for _, _, blocks in link.used.values()) <= 1 << 20
    assert len([1 for channel, _ in link.used if channel == 2]) >= 3


# 65,535 bytes are 8,192 blocks: 128 of them are all that a key of CAST-128 may do
PAD_RECORD = frame(PAD, 0, bytes(65527))


@pytest.mark.parametrize("channel", [1, 2])
def test_too_much_under_one_key_of_cast_128(make_host, channel):
    host = make_host(node={"symmetric": "CAST-128"})
    link = host.link(symmetric=["CAST-128"])
    used = link.out.channels[channel].counter
    for _ in range(127):
        link.send(PAD_RECORD, channel=channel)
    # 2^20 blocks to the last one
    left = (1 << 20) - link.out.channels[channel].counter
    assert left == 8192 - used
    link.send(frame(PAD, 0, bytes(8 * left - 9)), channel=channel)
    if channel == 2:
        echo_is_alive(link)
    since = host.node.position()
    assert not host.node.events("link_down")
    link.send(frame(PAD, 0, b""), channel=channel)
    link.expect_end()
    assert "under one key" in host.node.wait("link_down", peer="py", since=since)["reason"]


def echo_is_alive(link):
    link.send(frame(PING, 0, b"12345678"))
    assert link.next_frame(PONG)[2] == b"12345678"


def test_a_step_of_cast_128_in_time(make_host):
    host = make_host(node={"symmetric": "CAST-128"})
    link = host.link(symmetric=["CAST-128"])
    for _ in range(3):
        for _ in range(128):
            link.send(PAD_RECORD, channel=2)
        link.send(frame(KEY_UPDATE, 0, b"\2\0"))
        link.out.channels[2].ratchet()
    echo_is_alive(link)


def test_too_many_records_under_one_key(request, make_host):
    if not request.config.getoption("--long"):
        pytest.skip("2^20 records, only with --long")
    host = make_host()
    link = host.link()
    pad = frame(PAD, 0, b"")
    for _ in range(1 << 12):
        link.send_raw(b"".join(link.out.seal(2, pad) for _ in range(1 << 8)))
    echo_is_alive(link)
    since = host.node.position()
    link.send(pad, channel=2)
    link.expect_end()
    assert "under one key" in host.node.wait("link_down", peer="py", since=since)["reason"]


# --- misuse ---------------------------------------------------------------------------------------

def renew_frame():
    return frame(RENEW, 0, x25519_pair()[1])


def line(text):
    return frame(LINE, 0, text if isinstance(text, bytes) else text.encode())


def up_to_lines(link):
    link.both_renews()


def up_to_keys(link):
    """All lines have passed; py may send its KEY_UPDATEs."""
    link.both_renews()
    link.session_keys()
    if link.client:
        link.expect_line("SYM-KEY-3: ACCEPTED")


def first_update(link):
    up_to_keys(link)
    link.send_key_update(1)


def both_updates(link):
    first_update(link)
    link.send_key_update(2)


def key_update(channel, kind=1):
    return frame(KEY_UPDATE, 0, bytes([channel, kind]))


def last_line_and(link, behind):
    """As C: all lines, and something that does not belong there in one record with SYM-KEY-3."""
    send = link.send
    link.send = lambda *frames: send(*frames, behind(frames[0])) if b"SYM-KEY-3" in frames[
        0] else send(*frames)
    link.session_keys()


def some_line(link, index):
    """A line with a good ciphertext."""
    m = os.urandom(2 * KEY_SIZE[link.symmetric])
    lab = label(index, link.public, link.peer_public)
    return line(f"SYM-KEY-{index}: " + link.asym.encrypt(link.peer_public, lab, m).hex())


nothing = lambda link: None

# What goes before, and what is then a protocol error. py is C as I, S when countered.
AS_EITHER = {
    "RENEW twice": (lambda l: l.begin(), lambda l: l.send(renew_frame())),
    "RENEW twice in one record": (nothing, lambda l: l.send(renew_frame(), renew_frame())),
    "RENEW after the node's and the own": (up_to_lines, lambda l: l.send(renew_frame())),
    "RENEW between the lines and KEY_UPDATE": (up_to_keys, lambda l: l.send(renew_frame())),
    "RENEW between the KEY_UPDATEs": (first_update, lambda l: l.send(renew_frame())),
    "RENEW of 31 bytes": (nothing, lambda l: l.send(frame(RENEW, 0, bytes(31)))),
    "RENEW of 33 bytes": (nothing, lambda l: l.send(frame(RENEW, 0, b"\1" * 33))),
    "RENEW of zero": (nothing, lambda l: l.send(frame(RENEW, 0, bytes(32)))),
    "RENEW of small order": (nothing, lambda l: l.send(frame(RENEW, 0, b"\1" + bytes(31)))),
    "RENEW of a stream": (nothing, lambda l: l.send(frame(RENEW, 1, x25519_pair()[1]))),
    "LINE out of nowhere": (nothing, lambda l: l.send(line("SYM-KEY-1: ACCEPTED"))),
    "LINE with RENEW, before the answer":
        (nothing, lambda l: l.send(renew_frame(), line("SYM-KEY-1: ACCEPTED"))),
    "LINE of another section": (up_to_lines, lambda l: l.send(line("SecureConn 1.0"))),
    "LINE with LF": (up_to_lines, lambda l: l.send(line(b"SYM-KEY-1: ACCEPTED\n"))),
    "LINE with a byte above": (up_to_lines, lambda l: l.send(line(b"SYM-KEY-1: \xc3\xa9"))),
    "LINE without a byte": (up_to_lines, lambda l: l.send(line(b""))),
    "LINE after all lines": (up_to_keys, lambda l: l.send(line("SYM-KEY-3: ACCEPTED"))),
    "LINE between the KEY_UPDATEs": (first_update, lambda l: l.send(line("SYM-KEY-1: ACCEPTED"))),
    "LINE after the end": (lambda l: l.renew(), lambda l: l.send(line("SYM-KEY-1: ACCEPTED"))),
    "KEY_UPDATE(1, 1) out of nowhere": (nothing, lambda l: l.send(key_update(1))),
    "KEY_UPDATE(2, 1) out of nowhere": (nothing, lambda l: l.send(key_update(2))),
    "KEY_UPDATE(1, 1) after RENEW": (lambda l: l.begin(), lambda l: l.send(key_update(1))),
    "KEY_UPDATE(1, 1) before the lines": (up_to_lines, lambda l: l.send(key_update(1))),
    "KEY_UPDATE(2, 1) first": (up_to_keys, lambda l: l.send(key_update(2))),
    "KEY_UPDATE(1, 1) twice": (first_update, lambda l: l.send(key_update(1))),
    "KEY_UPDATE(2, 1) twice": (both_updates, lambda l: l.send(key_update(2))),
    "KEY_UPDATE(1, 1) once more": (both_updates, lambda l: l.send(key_update(1))),
    "KEY_UPDATE(3, 1)": (up_to_keys, lambda l: l.send(key_update(3))),
    "KEY_UPDATE(0, 1)": (up_to_keys, lambda l: l.send(key_update(0))),
    "KEY_UPDATE(1, 2)": (up_to_keys, lambda l: l.send(key_update(1, 2))),
    "KEY_UPDATE(1, 1) and a frame behind it":
        (up_to_keys, lambda l: l.send(key_update(1) + frame(PING, 0, bytes(8)))),
}
AS_C = {
    "as C: an answer out of order": (up_to_lines, lambda l: l.send(line("SYM-KEY-2: ACCEPTED"))),
    "as C: an answer that is none": (up_to_lines, lambda l: l.send(line("SYM-KEY-1: PERHAPS"))),
    "as C: SYM-KEY-1": (up_to_lines, lambda l: l.send(some_line(l, 1))),
    "as C: SYM-KEY-3 at once": (up_to_lines, lambda l: l.send(some_line(l, 3))),
    "as C: SYM-KEY-3 twice": (up_to_lines, lambda l: last_line_and(l, lambda last: last)),
    "as C: an answer behind SYM-KEY-3":
        (up_to_lines, lambda l: last_line_and(l, lambda last: line("SYM-KEY-1: ACCEPTED"))),
}
AS_S = {
    "as S: SYM-KEY-2 first": (up_to_lines, lambda l: l.send(some_line(l, 2))),
    "as S: SYM-KEY-1 twice": (up_to_lines, lambda l: l.send(some_line(l, 1), some_line(l, 1))),
    "as S: SYM-KEY-3": (up_to_lines, lambda l: l.send(some_line(l, 3))),
    "as S: an answer": (up_to_lines, lambda l: l.send(line("SYM-KEY-3: ACCEPTED"))),
    "as S: SYM-KEY-3 answered before it came": (
        lambda l: (l.both_renews(), l.give_key(1), l.expect_line("SYM-KEY-1: ACCEPTED")),
        lambda l: l.send(line("SYM-KEY-3: ACCEPTED"))),
}


@pytest.mark.parametrize("names, what",
                         [(names, what)
                          for names in LISTS
                          for what in AS_EITHER] + [("py is C", what)
                                                    for what in AS_C] + [("py is S", what)
                                                                         for what in AS_S])
def test_misuse(host_of_all, names, what):
    """A protocol error: CLOSE(1), and the log says that a frame was wrong."""
    before, wrong = {**AS_EITHER, **AS_C, **AS_S}[what]
    host = host_of_all
    link = host.link(kind=Renewing, symmetric=LISTS[names][0])
    link.by_itself = False
    before(link)
    since = host.node.position()
    wrong(link)
    try:
        link.expect_close(1)
    except (Ended, ConnectionError):
        raise AssertionError(f"no CLOSE: {host.node.wait('link_down', since=since)}") from None
    assert "frame" in host.node.wait("link_down", peer="py", since=since)["reason"]


@pytest.fixture
def host_of_all(make_host):
    return make_host({**OFTEN, "rekey_deadline": "4s"})


@pytest.mark.parametrize("names", LISTS)
def test_an_error_for_an_answer(make_host, names):
    """py could not open a key: the link is lost, without CLOSE."""
    host = make_host()
    link = host.link(kind=Renewing, symmetric=LISTS[names][0])
    link.both_renews()
    if link.client:
        link.recv_line()
        link.send(line("SYM-KEY-1: ERROR"))
    else:
        link.give_key(1), link.give_key(2)
        link.expect_line("SYM-KEY-1: ACCEPTED"), link.expect_line("SYM-KEY-2: ACCEPTED")
        link.take_key(3)
        link.send(line("SYM-KEY-3: ERROR"))
    lost(host, link, "could not open a session key")


@pytest.mark.parametrize("names", LISTS)
@pytest.mark.parametrize("cipher", ["garbage", "short", "no hex", "the label of another index"])
def test_a_key_that_does_not_open(make_host, names, cipher):
    """The node answers ERROR, and the link is lost."""
    host = make_host()
    link = host.link(kind=Renewing, symmetric=LISTS[names][0])
    link.both_renews()
    index = 1
    if link.client:
        link.take_key(1), link.send_line("SYM-KEY-1: ACCEPTED")
        link.take_key(2), link.send_line("SYM-KEY-2: ACCEPTED")
        index = 3
    good = some_line(link, index)[8:].decode()
    head, _, text = good.partition(": ")
    other = some_line(link, 2)[8:].decode().partition(": ")[2]
    link.send(
        line(
            f"{head}: " + {
                "garbage": os.urandom(len(text) // 2).hex(),
                "short": text[2:],
                "no hex": "xyz",
                "the label of another index": other
            }[cipher]))
    assert link.recv_line() == f"SYM-KEY-{index}: ERROR"
    lost(host, link, "does not open")


def lost(host, link, reason):
    """The link ends without CLOSE, and the log says why; the next one works."""
    with pytest.raises((Ended, ConnectionError)):
        while True:
            assert link.next_frame()[0] != CLOSE
    assert reason in host.node.wait("link_down", peer="py")["reason"]
    host.healthy()


def reached(host):
    """How often which limit was met, as `status` says."""
    return json.loads(host.node.cli("status", "--json").stdout)["node"]["limits_reached"]


@pytest.mark.parametrize("stage",
                         ["the node's RENEW", "the first line", "the last line", "KEY_UPDATE"])
@pytest.mark.parametrize("names", LISTS)
def test_a_renewal_that_stalls(make_host, names, stage):
    """rekey_deadline: the link is lost, though everything else goes on over it."""
    host = make_host({
        **OFTEN, "rekey_deadline": "1s"
    }, node=EACH_SECOND if stage == "the node's RENEW" else None)
    link = host.link(kind=Renewing, symmetric=LISTS[names][0])
    link.by_itself = False
    start = time.monotonic()
    if stage != "the node's RENEW":
        link.both_renews()
    if stage == "the last line":
        link.take_key(1) if link.client else link.give_key(1)
    if stage == "KEY_UPDATE":
        link.session_keys()
        if link.client:
            link.expect_line("SYM-KEY-3: ACCEPTED")
    lost(host, link, "not renewed in time")
    assert reached(host)["rekey_deadline"] == 1
    assert 0.9 < time.monotonic() - start < 10


def test_too_many_renewals_an_hour(make_host):
    host = make_host({**OFTEN, "rekey_per_hour": "3"})
    link = host.link(kind=Renewing)
    for _ in range(3):
        link.renew()
        echo_once(link, b"fine")
    link.begin()
    lost(host, link, "too often")
    assert reached(host)["rekey_per_hour"] == 1


def test_the_nodes_own_renewals_do_not_count(make_host):
    host = make_host({**OFTEN, "rekey_per_hour": "1"}, node=EACH_SECOND)
    link = host.link(kind=Renewing)
    end = time.monotonic() + 20
    while link.renewals < 3 and time.monotonic() < end:
        echo_once(link, b"fine")
        time.sleep(0.01)
    assert link.renewals == 3 and not host.node.events("link_down")


def test_the_gap_between_renewals(make_host):
    """rekey_gap: the node does not begin again before, however short rekey_after is."""
    host = make_host({"rekey_gap": "3s"}, node=EACH_SECOND)
    link = host.link(kind=Renewing)
    start, times = time.monotonic(), []
    while len(times) < 2:
        link._take_record()
        if link.renewals > len(times):
            times.append(time.monotonic() - start)
    assert times[0] > 2.5 and times[1] - times[0] > 2.9, times


def test_each_renewal_is_logged(make_pair):
    """At both ends, with who began it; steps of single keys at the level debug."""
    pair = make_pair(store=EACH_SECOND, node={"log": "debug"}, start=False)
    for node in (pair.hq, pair.store):
        node.set("limits", **OFTEN)
    pair.start()
    here = pair.store.wait("keys_renewed", peer="hq", renewals=2)
    there = pair.hq.wait("keys_renewed", peer="store", renewals=2)
    assert (here["by"], there["by"]) == ("this node", "the peer")
    assert int(here["renewal_ms"]) < 5000
    pair.hq.wait("key_stepped", peer="store", direction="in", channel=2)
