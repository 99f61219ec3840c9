#!/usr/bin/python3
"""What a handshake costs, and what handshakes and renewals cost those who only want to move data.
Each ratio comes from one run, its two sides taken in turns. Build for release first:

    meson setup build --buildtype=release
    tests/bench/handshake.py --secureconn build/src/cli/secureconn [--json] [first] [busy] [renewal]

first    round trips and CPU time of both nodes to the first byte of data: SecureConn 1.0 against
         1.1, for several kinds of keys
busy     p99 of a small request through an established link, while 50 handshakes a second arrive,
         against idle. The callers of these show a key that the node accepts and a session key that
         opens, so that the node does all the public-key work of a responder; what they say is
         computed once, beforehand, so that the processors are the node's. cpu_*: of the node that
         is called and of the callers, in percent of one processor, while they come
renewal  throughput with a renewal each second and a ratchet every 64 KiB, against neither; and what
         the nodes compute for a megabyte, which other load on the machine disturbs less"""

import argparse
import contextlib
import json
import multiprocessing
import os
import pathlib
import queue
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/e2e"))
os.environ.setdefault("PYTEST_XDIST_WORKER", "gw15")  # ports that no test takes

import services  # noqa: E402
from node import Node, free_port  # noqa: E402
from peer import Identity  # noqa: E402
from peer_crypto import KEY_SIZE, label  # noqa: E402
from relay import Relay, split_handshake, split_records  # noqa: E402

fork = multiprocessing.get_context("fork")


# --- two nodes ------------------------------------------------------------------------------------

class Pair:
    """hq with the service `echo`, and store, which dials it: perhaps through a relay, perhaps
    only when it must."""

    def __init__(self, program, target, node=None, limits=None, relay=None, demand=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sc-bench-", dir="/tmp"))
        self.port, self.route = free_port(), free_port()
        self.relay = relay(self.port) if relay else None
        self.hq = Node(
            [program], self.folder / "hq", "hq", {
                "peer store": {},
                "service echo": {
                    "connect": target,
                    "allow": "store"
                },
                "limits": dict(limits or {})
            })
        self.store = Node(
            [program], self.folder / "store", "store", {
                "peer hq": {
                    "address": f"127.0.0.1:{self.relay.port if relay else self.port}",
                    **({
                        "connect": "demand"
                    } if demand else {})
                },
                "route echo": {
                    "listen": f"127.0.0.1:{self.route}",
                    "peer": "hq"
                },
                "limits": dict(limits or {})
            })
        self.hq.set("node", listen=f"127.0.0.1:{self.port}", **(node or {}))
        self.store.set("node", **(node or {}))
        self.hq.init(), self.store.init()
        self.hq.trust(self.store), self.store.trust(self.hq)

    def start(self):
        self.hq.start(), self.store.start()
        return self

    def connect(self):
        return services.connect(f"127.0.0.1:{self.route}", 60)

    def cpu(self):
        """Nanoseconds that both nodes have computed so far, all their threads together."""
        return sum(int(file.read_text().split()[0]) for node in (self.hq, self.store)
                   for file in pathlib.Path(f"/proc/{node.pid}/task").glob("*/schedstat"))

    def close(self):
        for node in (self.store, self.hq):
            node.close()
        if self.relay:
            self.relay.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def processor_time(pid):
    """Seconds that a process has computed so far, the threads that have ended among them."""
    user, system = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def in_process(function, *args):
    """Runs a function in a process of its own: this interpreter's lock is not what is measured."""
    process = fork.Process(target=function, args=args, daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def listener():
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def address(sock):
    return f"127.0.0.1:{sock.getsockname()[1]}"


def serve(sock, handler):
    while True:
        connection, _ = sock.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=run_handler, args=(handler, connection), daemon=True).start()


def run_handler(handler, connection):
    with contextlib.suppress(OSError), connection:
        handler(connection)


def echo(sock):
    while data := sock.recv(65536):
        sock.sendall(data)


def sink(sock):
    """Takes all, and then says how many bytes that were."""
    buffer, n = bytearray(1 << 20), 0
    while got := sock.recv_into(buffer):
        n += got
    sock.sendall(n.to_bytes(8, "big"))


# --- first: to the first byte of data -------------------------------------------------------------

class Delay(Relay):
    """A relay that hands everything on a while later, without making the next bytes wait for
    longer."""

    one_way = 0.025

    def _pump(self, number, source, sink, direction):
        later = queue.Queue()
        threading.Thread(target=self._deliver, args=(later, sink), daemon=True).start()
        try:
            while data := source.recv(65536):
                with self.lock:
                    self.record.append((number, direction, data))
                later.put((time.monotonic() + self.one_way, data))
        except OSError:
            pass
        later.put((time.monotonic() + self.one_way, b""))

    @staticmethod
    def _deliver(later, sink):
        with contextlib.suppress(OSError):
            while True:
                due, data = later.get()
                time.sleep(max(0, due - time.monotonic()))
                if not data:
                    break
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def round_trips(relay, number):
    """How many flights came from R before I sent its first DATA."""
    flights, last, sent = 0, None, b""
    with relay.lock:
        passed = [(d, data) for n, d, data in relay.record if n == number]
    for direction, data in passed:
        if direction == "I":
            sent += data
            if any(channel == 2 for channel, *_ in split_records(split_handshake(sent)[1])[0]):
                return flights
        elif last != "R":
            flights += 1
        last = direction
    raise AssertionError("no DATA was sent")


def first_byte(pair, protocol):
    """One connection by a new link: what it cost."""
    time.sleep(1.5)  # both nodes are idle, as between two losses of a link: they do work ahead
    at_store = pair.store.position()
    number, cpu, start = len(pair.relay.connections), pair.cpu(), time.monotonic()
    with pair.connect() as s:
        s.sendall(b"?")
        assert s.recv(1) == b"?"
        ms = (time.monotonic() - start) * 1e3
        cpu = (pair.cpu() - cpu) / 1e6
    up = pair.store.wait("link_up", since=at_store)
    assert up["protocol"] == protocol, up
    return {"round_trips": round_trips(pair.relay, number), "cpu_ms": cpu, "ms": ms}


def part(pair):
    """The link is cut, and both nodes have seen it."""
    at_hq, at_store = pair.hq.position(), pair.store.position()
    pair.relay.cut()
    pair.hq.wait("link_down", since=at_hq), pair.store.wait("link_down", since=at_store)


def measure_first(program, rounds, **_):
    results = []
    server = listener()
    with in_process(serve, server, echo):
        for asymmetric in ("X25519", "ElGamal 2048", "ElGamal 3072"):
            pair = Pair(program, address(server), {
                "asymmetric": asymmetric
            }, relay=Delay, demand=True).start()
            with contextlib.closing(pair):
                samples = {"1.0": [], "1.1": []}
                for _ in range(rounds):
                    samples["1.0"].append(first_byte(pair, "SecureConn 1.0"))
                    part(pair)
                    samples["1.1"].append(first_byte(pair, "SecureConn 1.1"))
                    part(pair)
                    pair.store.stop(), pair.store.start()  # what it has kept of hq is gone
            for version, taken in samples.items():
                results.append({"keys": asymmetric, "protocol": version, **{
                    key: round(statistics.median(s[key] for s in taken), 2) for key in taken[0]}})
    return results


# --- busy: handshakes arrive ----------------------------------------------------------------------

def script(identity, algorithm, node_public):
    """The lines of a handshake in which the node has all the work: keys are accepted, SYM-KEY-3
    opens. Prepared once, used by all."""
    public = identity.keys[algorithm][1]
    m = os.urandom(2 * KEY_SIZE["AES 256"])
    key3 = identity.asym[algorithm].encrypt(node_public, label(3, public, node_public), m).hex()
    return [
        f"SecureConn 1.0\nASYM: {algorithm}\nSYM: AES 256\nASYM-KEY: {public.hex()}\nASYM-KEY "
        "ACCEPTED\n"
        .encode(), b"SYM-KEY-1: ACCEPTED\nSYM-KEY-2: ACCEPTED\n" + f"SYM-KEY-3: {key3}\n".encode()
    ]


def one_handshake(port, said, done, failed):
    """Up to the node's HELLO, which is its last step but for an X25519."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
            s.sendall(said[0])
            got = b""
            while b"SYM-KEY-1: " not in got:
                got += s.recv(65536) or fail()
            s.sendall(said[1])
            while b"SYM-KEY-3: ACCEPTED\n" not in got:
                got += s.recv(65536) or fail()
        done.value += 1
    except OSError:
        failed.value += 1


def fail():
    raise ConnectionError("the node has ended a handshake")


def caller(port, said, rate, go, done, failed):
    """Handshakes at an even rate, while `go` is set."""
    while True:
        go.wait()
        due = time.monotonic()
        while go.is_set():
            threading.Thread(target=one_handshake, args=(port, said, done, failed),
                             daemon=True).start()
            due += 1 / rate
            time.sleep(max(0, due - time.monotonic()))


def latencies(sock, seconds):
    """Of small requests, one after the other with a little pause, in milliseconds."""
    taken, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        sock.sendall(b"q" * 64)
        services.receive(sock, 64)
        taken.append((time.perf_counter() - start) * 1e3)
        time.sleep(0.001)
    return taken


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))]


def measure_busy(program, rounds, seconds, rate=50, algorithm="ElGamal 3072", **_):
    server, caller_key = listener(), Identity("caller", [algorithm])
    go, done, failed = fork.Event(), fork.Value("L", 0), fork.Value("L", 0)
    pair = Pair(program, address(server), {"asymmetric": algorithm})
    pair.hq.set("peer caller")
    pair.hq.write()
    pair.hq.cli("trust", "caller", "--fingerprint", caller_key.fingerprint(algorithm))
    with in_process(serve, server, echo), contextlib.closing(pair):
        pair.start()
        up = pair.hq.wait("link_up")
        assert up["asymmetric"] == algorithm
        said = script(caller_key, algorithm, shown_key(pair.port, caller_key, algorithm))
        samples = {False: [], True: []}
        with in_process(caller, pair.port, said, rate, go, done,
                        failed) as callers, pair.connect() as s:
            latencies(s, 0.5)
            elapsed = arrived = 0
            computed = {"node": 0, "callers": 0}
            for _ in range(rounds):
                for busy in (False, True):
                    if busy:
                        go.set()
                        time.sleep(0.3)
                    before, start = done.value, time.monotonic()
                    cpu = {
                        "node": processor_time(pair.hq.pid),
                        "callers": processor_time(callers.pid)
                    }
                    samples[busy].append(latencies(s, seconds))
                    if busy:
                        computed["node"] += processor_time(pair.hq.pid) - cpu["node"]
                        computed["callers"] += processor_time(callers.pid) - cpu["callers"]
                        elapsed += time.monotonic() - start
                        arrived += done.value - before
                        go.clear()
                        time.sleep(0.5)
        assert not failed.value, f"{failed.value} handshakes failed"
        assert len(pair.store.events("link_up")) == 1
    result = {"keys": algorithm, "handshakes_per_second": round(arrived / elapsed, 1)}
    for name, busy in (("idle", False), ("busy", True)):
        taken = [ms for run in samples[busy] for ms in run]
        result[f"p50_{name}_ms"], result[f"p99_{name}_ms"] = (round(percentile(taken, p), 3)
                                                              for p in (0.5, 0.99))
    result["p99_ratio"] = round(result["p99_busy_ms"] / result["p99_idle_ms"], 2)
    result.update({f"cpu_{name}": round(100 * cpu / elapsed) for name, cpu in computed.items()})
    return [result]


def shown_key(port, identity, algorithm):
    """The public key that the node shows; it notes ours by the way."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        public = identity.keys[algorithm][1].hex()
        s.sendall(
            f"SecureConn 1.0\nASYM: {algorithm}\nSYM: AES 256\nASYM-KEY: {public}\nASYM-KEY "
            "ACCEPTED\n"
            .encode())
        got = b""
        while part := s.recv(65536):
            got += part
    line = next(line for line in got.decode().splitlines() if line.startswith("ASYM-KEY: "))
    return bytes.fromhex(line.removeprefix("ASYM-KEY: "))


# --- renewal: throughput --------------------------------------------------------------------------

OFTEN = {"rekey_gap": "0", "rekey_per_hour": "1000000", "ratchet_bytes": "64K"}


def throughput(pair, seconds):
    """Megabytes a second from a client of store to a server at hq, and microseconds that both
    nodes computed for each of them."""
    block = os.urandom(1 << 20)
    with pair.connect() as s:
        start, cpu = time.monotonic(), pair.cpu()
        sent = 0
        while time.monotonic() - start < seconds:
            s.sendall(block)
            sent += len(block)
        s.shutdown(socket.SHUT_WR)
        assert int.from_bytes(services.receive(s, 8), "big") == sent, "all bytes have come"
        return sent / (time.monotonic() - start) / 1e6, (pair.cpu() - cpu) / 1e3 / (sent / 1e6)


def measure_renewal(program, rounds, seconds, **_):
    results = []
    server = listener()
    with in_process(serve, server, sink):
        for cipher in ("AES 256", "ChaCha20-Poly1305", "CAST-128"):
            with contextlib.ExitStack() as stack:
                pairs = {
                    name: stack.enter_context(
                        contextlib.closing(
                            Pair(program, address(server), {
                                "asymmetric": "X25519",
                                "symmetric": cipher,
                                **node
                            }, limits).start()))
                    for name, node, limits in (("without", {}, {}), ("with", {
                        "rekey_after": "1s"
                    }, OFTEN))
                }
                for pair in pairs.values():
                    pair.store.wait("link_up")
                    throughput(pair, 0.5)
                taken = {name: [] for name in pairs}
                for i in range(2 * rounds):
                    for name in list(pairs)[::1 if i % 2 else -1]:
                        taken[name].append(throughput(pairs[name], seconds / 2))
                for pair in pairs.values():
                    assert len(
                        pair.store.events("link_up")) == 1 and not pair.store.events("link_down")
            result = {"cipher": cipher}
            for unit, get in (("mb_s", lambda run: run[0]), ("cpu_us_per_mb", lambda run: run[1])):
                for name in pairs:
                    result[f"{unit}_{name}"] = round(statistics.median(map(get, taken[name])))
                result[f"{unit}_ratio"] = round(
                    statistics.median(
                        get(w) / get(o) for w, o in zip(taken["with"], taken["without"])), 3)
            results.append(result)
    return results


# --- the report -----------------------------------------------------------------------------------

MODES = {"first": measure_first, "busy": measure_busy, "renewal": measure_renewal}


def table(rows):
    heads = list(rows[0])
    cells = [heads, *[[str(row[head]) for head in heads] for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(width)
                               for cell, width in zip(line, widths)).rstrip()
                     for line in cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modes", nargs="*", metavar="MODE",
                        help="first, busy, renewal; default: all of them")
    parser.add_argument("--secureconn", required=True, type=pathlib.Path,
                        help="the program, built for release")
    parser.add_argument("--json", action="store_true", help="one object instead of tables")
    parser.add_argument("--rounds", type=int, default=5,
                        help="how often each side of a comparison is measured")
    parser.add_argument("--seconds", type=float, default=3,
                        help="how long each time, where time is what counts")
    args = parser.parse_args()
    if unknown := set(args.modes) - set(MODES):
        parser.error(f"there is no mode {', '.join(unknown)}")
    results = {}
    for mode in args.modes or MODES:
        results[mode] = MODES[mode](args.secureconn.resolve(), rounds=args.rounds,
                                    seconds=args.seconds)
        if not args.json:
            print(f"{mode}\n{table(results[mode])}\n", flush=True)
    if args.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
