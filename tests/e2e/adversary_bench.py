"""The victims: two nodes that know each other with an adversary between them, and a third one
whose links nobody may touch. Says what happened to them: to their logs, to what they know of
each other, and to every byte that their applications were given."""

import contextlib
import errno
import os
import pathlib
import re
import socket
import threading
import time

import services
from adversary_wire import Adversary
from node import Node, free_port, until
from peer import Identity
from peer_crypto import fingerprint

ERRORS = {
    text: name for name, text in re.findall(r'X\(SC_\w+, "(\w+)",[\s\\]*"([^"]+)"\)', (
        pathlib.Path(__file__).parents[2] / "src/base/error.h").read_text())
}
BOTH = "X25519, ElGamal 2048"
SOON = 6  # seconds for what has a deadline of one second, with sanitizers on a loaded machine
STORE = {"asymmetric": "X25519", "symmetric": "AES 128", "rekey_after": "1h"}


class Witness(services.Server):
    """The service: gives back what comes, and keeps what came and how it ended."""

    def __init__(self):
        self.streams = []
        super().__init__(self._serve)

    def _serve(self, sock):
        stream = {"bytes": b"", "clean": False}
        self.streams.append(stream)
        while data := sock.recv(65536):
            stream["bytes"] += data
            sock.sendall(data)
        stream["clean"] = True
        sock.shutdown(socket.SHUT_WR)

    def check(self, messages):
        """No byte came that an honest client has not sent, and no stream ended well before its
        message did."""
        for stream in self.streams:
            whole = [m for m in messages if m.startswith(stream["bytes"])]
            assert whole, f"bytes that nobody has sent: {stream['bytes'][:100]!r}"
            assert not stream["clean"] or stream["bytes"] in whole, "a stream ended early, and well"
        self.streams.clear()


class Client:
    """A local program: one message that has to come back."""

    def __init__(self, address, size=24):
        self.message = os.urandom(size)
        self.answered = self.done = False
        self.sock = None
        try:
            self.sock = services.connect(address)
            self.sock.sendall(self.message)
        except ConnectionError:  # the link was lost at this moment
            self.close()

    def answer(self):
        assert services.receive(self.sock, len(self.message)) == self.message, "not what was sent"
        self.answered = True
        return self

    def result(self):
        """"exact" or "reset". That the answer ends well before it is complete is never right."""
        if self.done:
            return "reset"
        try:
            if not self.answered:
                self.answer()
            self.sock.shutdown(socket.SHUT_WR)
            assert services.receive_all(self.sock) == b"", "more than was sent"
            return "exact"
        except OSError as e:
            if not isinstance(e, ConnectionError) and e.errno != errno.ENOTCONN:
                raise  # nothing comes, nor an end
            return "reset"
        finally:
            self.close()

    def close(self):
        self.done = True
        if self.sock:
            self.sock.close()


class Guard:
    """A connection through an honest link, open all the time."""

    def __init__(self, address):
        self.sock = services.connect(address)
        self.check()

    def check(self):
        message = os.urandom(100)
        self.sock.sendall(message)
        assert services.receive(self.sock, len(message)) == message

    def close(self):
        self.sock.close()


class Bench:
    """hq has the service, store dials it through the adversary, other has links to both. hq and
    other live as long as the bench, store is started for each attack."""

    def __init__(self, command, folder):
        self.stack = contextlib.ExitStack()
        self.command, self.folder = command, folder
        self.witness = self.stack.enter_context(contextlib.closing(Witness()))
        self.echo = self.stack.enter_context(contextlib.closing(services.Echo()))
        self.messages = [b""]
        self._make_nodes()
        self._introduce()
        self.guard = None
        for node in (self.hq, self.other, self.store):
            node.write()
            self.stack.callback(node.close)
        self.other.start()
        self.start_hq()
        self.adversary.public[("own", "X25519")] = Identity("own").keys["X25519"][1]
        self.adversary.public[("own",
                               "ElGamal 2048")] = Identity("own",
                                                           ["ElGamal 2048"]).keys["ElGamal 2048"][1]
        self.record()

    def _make_nodes(self):
        hq_port, other_port = free_port(), free_port()
        self.adversary = self.stack.enter_context(contextlib.closing(Adversary(hq_port)))
        limits = {"handshake": "1s", "rekey_gap": "0"}
        route = lambda peer, service: {
            "listen": f"127.0.0.1:{free_port()}",
            "peer": peer,
            "service": service
        }
        self.hq = Node(self.command, self.folder / "hq", "hq", {
            "peer store": {"keepalive": "500ms"}, "peer other": {}, "limits": limits,
            "service echo": {"connect": self.witness.address, "allow": "store"},
            "service guard": {"connect": self.echo.address, "allow": "other"}})
        self.hq.set("node", listen=f"127.0.0.1:{hq_port}", asymmetric=BOTH,
                    symmetric="AES 128, ChaCha20-Poly1305")
        self.other = Node(
            self.command, self.folder / "other", "other", {
                "peer store": {},
                "peer hq": {
                    "address": f"127.0.0.1:{hq_port}"
                },
                "route hq": route("hq", "guard"),
                "service guard": {
                    "connect": self.echo.address,
                    "allow": "store"
                }
            })
        self.other.set("node", listen=f"127.0.0.1:{other_port}", asymmetric="X25519")
        self.store = Node(
            self.command, self.folder / "store", "store", {
                "peer hq": {
                    "address": f"127.0.0.1:{self.adversary.port}",
                    "connect": "demand",
                    "keepalive": "500ms"
                },
                "peer other": {
                    "address": f"127.0.0.1:{other_port}"
                },
                "limits": limits,
                "route echo": route("hq", "echo"),
                "route guard": route("other", "guard")
            })
        self.store.set("node", asymmetric=BOTH)

    def _introduce(self):
        nodes = (self.hq, self.store, self.other)
        for node in nodes:
            node.init()
        for node in nodes:
            for peer in nodes:
                if peer is not node:
                    node.trust(peer)
            for algorithm in node.sections["node"]["asymmetric"].split(", "):
                text = node.cli("key", "export", algorithm).stdout
                self.adversary.public[(node.name, algorithm)] = public_bytes(text)
            self.adversary.prints[node.name] = fingerprint(
                "X25519", self.adversary.public[(node.name, "X25519")])

    def start_hq(self):
        if self.guard:
            self.guard.close()
        self.hq.close()
        self.hq.start()
        self.guard = Guard(self.other.sections["route hq"]["listen"])
        self.descriptors = self.hq.descriptors()

    def talkative(self):
        """hq sums up what fails often: a new one, before it has nothing more to say about single
        connections."""
        failures = self.hq.events("handshake_failed", since=self.hq.mark)
        if failures[14:] and until(lambda: self.hq.descriptors() <= self.descriptors,
                                   "nothing is left of what was"):
            self.start_hq()

    def start_store(self, **config):
        self.store.set(
            "node", **{
                **STORE,
                **{
                    k: v
                    for k, v in config.items()
                    if k in ("asymmetric", "symmetric", "rekey_after")
                }
            })
        for route in ("echo", "guard"):  # others may have taken the last ones meanwhile
            self.store.set(f"route {route}", listen=f"127.0.0.1:{free_port()}")
        self.store.set("limits", ratchet_records=config.get("ratchet_records", "0"))
        self.store.start()

    def client(self, size=24):
        c = Client(self.store.sections["route echo"]["listen"], size)
        self.messages.append(c.message)
        return c

    def record(self):
        """An honest conversation of each version, for later."""
        self.start_store()
        for number, protocol in enumerate(("1.0", "1.1")):
            since = self.store.position()
            clients = [self.client().answer(), self.client().answer()]
            assert [client.result() for client in clients] == ["exact"] * 2
            up = self.store.wait("link_up", peer="hq", since=since)
            assert up["protocol"] == "SecureConn " + protocol, up
            c = self.adversary.conversations[number]
            self.adversary.recorded[protocol] = list(c.seen)
            c.rst()
            self.store.wait("link_down", peer="hq", since=since)
        self.adversary.clear()
        self.store.stop()

    # --- what must not change ---

    def knowledge(self, node):
        """What a node has on disk about keys, and what it says about peers; without what waits
        for its operator."""
        files = {
            str(p.relative_to(node.state)): p.read_bytes() for d in ("keys", "peers")
            for p in (node.state / d).iterdir()
        }
        shown = sorted(line[:76]
                       for line in node.cli("peers").stdout.splitlines()
                       if " verified " in line or "expected" in line)
        return files, shown

    def pending(self, node):
        return {p.name for d in ("pending", "callers") for p in (node.state / d).iterdir()}

    def close(self):
        self.guard.close()
        self.stack.close()


def public_bytes(exported):
    """The public key in what `secureconn key export` prints."""
    return bytes.fromhex(re.search(r"^public:([0-9a-f\s]+)^end", exported, re.M)[1])


class Trial:
    """One attack on the bench, from the start of store to its end."""

    def __init__(self, bench, attack):
        self.bench, self.attack = bench, attack
        self.store, self.hq, self.adversary = bench.store, bench.hq, bench.adversary
        self.armed = threading.Event()
        self.clients = []

    def run(self):
        b = self.bench
        b.talkative()
        before = [(b.knowledge(n), b.pending(n)) for n in (self.hq, self.store)]
        self.hq_since = self.hq.position()
        b.start_store(**self.attack.config)
        guard = Guard(self.store.sections["route guard"]["listen"])
        try:
            self.meet()
            (self.call if self.attack.calls else self.strike)()
            self.aftermath(guard)
        finally:
            guard.sock.close()
            for client in self.clients:
                client.close()
            self.store.close()  # ends with 0, and no sanitizer has a word to say
            self.adversary.clear()
        self.nothing_is_learnt(before)
        b.witness.check(b.messages)

    def client(self, size=24):
        self.clients.append(self.bench.client(size))
        return self.clients[-1]

    def meet(self):
        """For SecureConn 1.1 the nodes have to meet before."""
        if self.attack.spoken == "1.1":
            assert self.client().result() == "exact"
            self.adversary.conversations[0].rst()
            self.store.wait("link_down", peer="hq", since=self.store.mark)
        self.since = self.store.position()

    def act(self, conversation, item):
        return self.acting(conversation, item) if self.armed.is_set() else None

    def strike(self):
        """The attack, and what both ends have to say about it."""
        self.acting = self.attack.begin()
        self.adversary.acts = [self.act]
        number = len(self.adversary.conversations)
        if not self.attack.late:
            self.armed.set()
        client = self.client()
        if self.attack.late:
            client.answer()
            self.armed.set()
            self.client(self.attack.size)
        c = until(lambda: self.adversary.conversations[number:], "store dials")[0]
        if self.attack.redial:
            self.store.wait("link_down", peer="hq", since=self.since)
            self.client()
        until(lambda: c.struck,
              lambda: f"nothing to attack: {[(i.direction, i.kind) for i in c.seen]}")
        start = time.monotonic()
        said = {
            self.verdict(self.hq, self.attack.hq, self.hq_since, address=c.address),
            self.verdict(self.store, self.attack.store, self.since, peer="hq",
                         address=f"127.0.0.1:{self.adversary.port}")
        }
        if "timeout" in self.attack.hq + self.attack.store:
            assert said - {"truncated", "down:truncated", "down:stale"}, "neither side says why"
        assert time.monotonic() - start < SOON, "too late"

    def verdict(self, node, expected, since, **match):
        """The first thing that a node says about the end of that connection, by the name of the
        error."""
        ends = lambda: [
            e for e in node.events(since=since, **match)
            if e["event"] in ("handshake_failed", "link_down")
        ]
        end = until(ends, lambda: f"{node.name} has nothing to say:\n{node.text(since)}")[0]
        error = end.get("error") or "down:" + ERRORS.get(end["reason"], end["reason"])
        allowed = set(expected.split("|"))
        if "down:truncated" in allowed:
            allowed.add("down:stale")  # the session was quicker to go on over the next link
        if allowed & {"truncated", "down:truncated"}:
            # Whose end this side learns of, or the deadline before it, is a matter of time.
            allowed |= {"truncated", "down:truncated", "timeout", "down:timeout"}
        assert error in allowed, f"{node.name} says {error}, not {expected}:\n{node.text(since)}"
        ups = [e for e in node.events("link_up", since=since, **match) if e["time"] <= end["time"]]
        assert bool(ups) == error.startswith("down:"), node.text(since)
        return error

    def call(self):
        """The adversary dials hq by itself, while the honest link is there and carries a
        connection."""
        client = self.client().answer()
        before = self.store.position()
        address = self.attack.begin()(self.adversary)
        self.verdict(self.hq, self.attack.hq, self.hq_since, address=address)
        assert client.result() == "exact", "the honest link was touched"
        assert not self.store.events(since=before, peer="hq",
                                     event="link_down"), self.store.text(before)

    def aftermath(self, guard):
        """Honest traffic passes, by the best algorithms, and nobody else's link has noticed
        anything."""
        results = [client.result() for client in self.clients if not client.done]
        if "exact" not in results[-1:]:
            assert self.client().result() == "exact"
        up = self.store.events("link_up", peer="hq",
                               since=self.since if not self.attack.calls else self.store.mark)[-1]
        assert (up["asymmetric"], up["symmetric"]) == self.attack.agreed, up
        guard.check()
        self.bench.guard.check()
        for node, since in ((self.hq, self.hq_since), (self.store, self.store.mark)):
            assert not node.events("link_down", since=since, peer="other"), node.text(since)

    def nothing_is_learnt(self, before):
        b = self.bench
        for node, (knowledge, pending) in zip((self.hq, self.store), before):
            assert b.knowledge(node) == knowledge, node.name
            assert self.attack.shows_key or b.pending(node) == pending, node.name
