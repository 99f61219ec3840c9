"""What `status` says of a running node, as JSON, as text, and on a terminal that shows it again
and again."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import urllib.request

import pytest

import services
from node import ELSEWHERE, free_port, until

MAN = pathlib.Path(__file__).resolve().parents[2] / "contrib" / "man"


def status(node):
    return json.loads(node.cli("status", "--json").stdout)


def peer_of(node, name):
    return next(p for p in status(node)["peers"] if p["name"] == name)


def test_a_pair_at_work(pair):
    with pair.connect() as s:
        s.sendall(b"x" * 100_000)
        assert services.receive(s, 100_000) == b"x" * 100_000
        here, there = status(pair.store), status(pair.hq)
        assert here["node"]["name"] == "store" and here["node"]["state"] == "running"
        assert here["node"]["pid"] == pair.store.pid and there["node"]["pid"] == pair.hq.pid
        assert here["node"]["memory_bytes"] > 1_000_000
        assert there["node"]["listen"] == [f"127.0.0.1:{pair.peer_port}"]
        assert there["node"]["unauthenticated"] == 0

        peer = here["peers"][-1]
        link = peer["links"][0]
        up = pair.store.events("link_up")[0]
        assert peer["state"] == "up" and peer["address"] == [link["address"]]
        for key in ("address", "protocol", "asymmetric", "symmetric", "implementation"):
            assert link[key] == up[key]
        assert link["dialed"] is True and there["peers"][-1]["links"][0]["dialed"] is False
        assert link["name"] == "hq" and there["peers"][-1]["links"][0]["name"] == "store"
        assert link["streams"] == 1 and peer["streams_total"] == 1 and peer["links_total"] == 1
        assert 100_000 < link["bytes_out"] < 110_000 and 100_000 < link["bytes_in"] < 110_000
        assert 86_000 < link["renewal_in_s"] <= 86_400 and link["keys_age_s"] <= 60

        route, service = here["routes"][0], there["services"][0]
        assert route["listen"] == [pair.route
                                   ] and (route["peers"], route["service"]) == (["hq"], "echo")
        assert service["connect"] == [pair.target]
        for port in (route, service):
            assert (port["connections"], port["total"], port["refused"]) == (1, 1, {})
            assert (port["bytes_in"], port["bytes_out"]) == (100_000, 100_000)
    pair.store.wait("connection_closed")
    pair.hq.wait("connection_closed")
    assert [
        status(n)[k][0]["connections"] for n, k in ((pair.store, "routes"), (pair.hq, "services"))
    ] == [0, 0]
    assert peer_of(pair.store, "hq")["links"][0]["streams"] == 0


def test_rates(pair, closing):
    """Bytes a second, as they are now."""
    s = closing.add(pair.connect())
    end = time.monotonic() + 10

    def moving():
        s.sendall(b"x" * 50_000)
        services.receive(s, 50_000)
        peer = peer_of(pair.store, "hq")
        return peer["rate_in"] > 1000 and peer["rate_out"] > 1000
    until(moving, "the rates follow")
    until(lambda: peer_of(pair.store, "hq")["rate_in"] < 1000, "and fall again",
          end - time.monotonic() + 10)


def test_renewals_are_counted(make_pair):
    pair = make_pair(start=False, store={"rekey_after": "1s"})
    for node in (pair.hq, pair.store):
        node.set("limits", rekey_gap="0")
    pair.start()
    for node, name in ((pair.store, "hq"), (pair.hq, "store")):
        node.wait("keys_renewed", renewals=2)
        peer = peer_of(node, name)
        assert peer["renewals"] >= 2 and peer["links"][0]["renewals"] >= 2 and peer["links"][0][
            "keys_age_s"] <= 5


def test_states_of_peers(make_node, make_pair):
    """Each one is provoked."""
    pair = make_pair(start=False, node={"asymmetric": "X25519"})
    stranger = make_node("stranger", {
        "peer store": {}
    }).set("node", listen=f"127.0.0.1:{free_port()}", asymmetric="X25519").init().start()
    closed = free_port()
    store = pair.store
    store.set("peer lazy", address=f"127.0.0.1:{pair.peer_port}", connect="demand")
    store.set("peer closed", address=f"127.0.0.1:{closed}")
    store.set("peer caller")
    store.set("peer stranger", address=stranger.sections["node"]["listen"])
    store.set("peer unknown", address=stranger.sections["node"]["listen"])
    store.write()
    for name in ("lazy", "caller", "closed"):
        third = make_node(name, {}).set("node", asymmetric="X25519").init()
        file = store.folder / f"{name}.key"
        file.write_text(third.cli("key", "export").stdout)
        store.cli("trust", name, "--key", file)
    store.trust(stranger)
    pair.start()
    expected = {
        "hq": "up",
        "lazy": "idle",
        "closed": "waiting",
        "caller": "absent",
        "stranger": "rejected",
        "unknown": "no key"
    }

    def states():
        return {p["name"]: p["state"] for p in status(store)["peers"] if p["name"] != ELSEWHERE}
    until(lambda: states() == expected, lambda: states())
    closed_peer = peer_of(store, "closed")
    assert closed_peer[
        "error"] == f"127.0.0.1:{closed}: connection refused" and closed_peer["error_age_s"] < 60
    assert closed_peer["retry_in_ms"] <= 30_000
    text = store.cli("status").stdout
    assert ("peer stranger: rejected" in text and
            "its operator has not verified the key of this node" in text)
    assert list(states()) == ["hq", "lazy", "closed", "caller", "stranger", "unknown"]


def test_refusals_are_counted_by_reason(make_pair, closing):
    gone = free_port()
    pair = make_pair(start=False, route={"max_connections": "1", "connect_timeout": "300ms"})
    pair.hq.set("service down", connect=f"127.0.0.1:{gone}", allow="store")
    pair.hq.set("service secret", connect=pair.target, allow="")
    pair.hq.set("peer nobody")
    pair.hq.set("service secret", allow="nobody")
    for name in ("down", "secret", "missing"):
        pair.store.set(f"route {name}", listen=f"127.0.0.1:{free_port()}", peer="hq")
    pair.start()
    for name, times in (("down", 3), ("secret", 2), ("missing", 4)):
        for _ in range(times):
            assert services.gets_reset(pair.store.sections[f"route {name}"]["listen"])
    s = closing.add(pair.connect())
    s.sendall(b"x")
    services.receive(s, 1)
    assert services.gets_reset(pair.route)
    routes = {r["name"]: r["refused"] for r in status(pair.store)["routes"]}
    assert routes == {
        "echo": {
            "limit": 1
        },
        "down": {
            "target_refused": 3
        },
        "secret": {
            "denied": 2
        },
        "missing": {
            "denied": 4
        }
    }
    there = status(pair.hq)
    assert {r["name"]: r["refused"] for r in there["services"]} == {
        "echo": {},
        "down": {
            "target_refused": 3
        },
        "secret": {
            "denied": 2
        }
    }
    assert there["unknown_services"]["refused"] == {"denied": 4}
    pair.hq.stop()
    pair.store.wait("link_down")
    s.close()
    until(
        lambda: services.gets_reset(pair.route) and status(pair.store)["routes"][0]["refused"].get(
            "peer_absent"), lambda: status(pair.store)["routes"][0])


MANY = [f"other-{i}" for i in range(4000)]
LONG = 120  # for what a node does with all of them, with a sanitizer, on a machine that is busy


@pytest.fixture
def crowded(make_node):
    """A node of thousands of peers, and metrics."""
    node = make_node("hub", {f"peer {name}": {} for name in MANY})
    node.set("node", asymmetric="X25519", metrics=f"127.0.0.1:{free_port()}")
    return node.init().start(deadline=LONG)


def ask(node):
    """The picture; asked on a connection of its own."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(str(node.state / "control.sock"))
        s.sendall(b'{"request":"status"}\n')
        answer = json.loads(s.makefile("rb").readline())
    assert answer["ok"] is True
    return answer["status"]


def fetch(node):
    """The peers that the figures name, each family's alike."""
    with urllib.request.urlopen(f"http://{node.sections['node']['metrics']}/metrics",
                                timeout=60) as answer:
        text = answer.read().decode()
    families = {}
    for family, name in re.findall(r'^secureconn_(peer_\w+){peer="([^"]+)"} ', text, re.M):
        families.setdefault(family, []).append(name)
    assert len(families) == 13 and text.endswith("\n")
    assert all(names == families["peer_up"] for names in families.values())
    return families["peer_up"]


def test_thousands_of_peers(crowded):
    names = [p["name"] for p in ask(crowded)["peers"] if p["name"] != ELSEWHERE]
    assert names == MANY, "in the order of the configuration"
    assert [name for name in fetch(crowded) if name != ELSEWHERE] == MANY


@pytest.mark.parametrize("workers", ["1", "3"])
def test_peers_come_and_go_while_somebody_asks(crowded, workers):
    """Each answer is whole, and names each peer once, whatever a reload does to it meanwhile."""
    crowded.stop(LONG)
    crowded.set("node", workers=workers).start(deadline=LONG)
    end, pictures = threading.Event(), []

    def look():
        while not end.is_set():
            pictures.append(ask(crowded)["peers"])
            fetch(crowded)
    askers = [threading.Thread(target=look) for _ in range(3)]
    for t in askers:
        t.start()
    try:
        for i in range(6):
            for name in MANY[1::2]:
                crowded.sections.pop(f"peer {name}", None)
                if i % 2:
                    crowded.set(f"peer {name}")
            crowded.write()
            mark = crowded.position()
            crowded.signal(signal.SIGHUP)
            crowded.wait("reload_done", LONG, since=mark)
    finally:
        end.set()
        for t in askers:
            t.join()
    assert len(pictures) >= 6
    for peers in pictures:
        names = [p["name"] for p in peers]
        assert len(set(names)) == len(names) and set(MANY) <= set(names)
        assert all(p["state"] in ("no key", "absent") and p["links"] == [] for p in peers)
    assert any(p["configured"] is False for peers in pictures for p in peers)
    mark = crowded.position()
    crowded.sections = {
        key: value
        for key, value in crowded.sections.items()
        if key == "node" or key <= "peer other-2"
    }
    crowded.write()
    crowded.signal(signal.SIGHUP)
    crowded.wait("reload_done", LONG, since=mark)
    peers = [p for p in ask(crowded)["peers"] if p["name"] != ELSEWHERE]
    there = [f"peer {p['name']}" for p in peers if p["configured"]]
    gone = [p["name"] for p in peers if not p["configured"]]
    assert there == [title for title in crowded.sections if title != "node"]
    assert gone == sorted(gone) and len(there) + len(gone) == len(MANY)


def test_who_goes_in_the_middle_of_an_answer(crowded):
    """Of what he asked for nothing is left, and the node stops while it still answers others."""
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(crowded.state / "control.sock"))
            s.sendall(b'{"request":"status"}\n')
            s.recv(100)
        with services.connect(crowded.sections["node"]["metrics"]) as s:
            s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            s.recv(100)
    assert len(ask(crowded)["peers"]) >= len(MANY)
    before = crowded.resident()
    with socket.socket(socket.AF_UNIX) as s, services.connect(
            crowded.sections["node"]["metrics"]) as t:
        s.connect(str(crowded.state / "control.sock"))
        s.sendall(b'{"request":"status"}\n')
        t.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        s.recv(100), t.recv(100)
        assert len(
            ask(crowded)["peers"]) >= len(MANY), "others do not wait for those who do not read"
        assert crowded.resident() < before + 50_000
        crowded.signal(signal.SIGTERM)
        assert crowded.ended(LONG) == 0


def test_callers_are_counted(pair):
    for _ in range(5):
        with services.connect(f"127.0.0.1:{pair.peer_port}") as s:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            try:
                services.receive_all(s)
            except ConnectionError:
                pass
    until(lambda: status(pair.hq)["node"]["handshakes_failed"] == 5, "five failed handshakes")


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, node, *args, columns=80, rows=24, env=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        environment = {**node.env, "TERM": "xterm", **(env or {})}
        if not env:
            environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen([*node.command, "-c", node.ini, *args], stdin=slave,
                                        stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True)
        self.text = ""

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 65536).decode()
        return self.text

    def until(self, text, times=1):
        until(lambda: self.read().count(text) >= times, lambda: f"{text!r} in {self.text!r}")

    def ends(self, status=0):
        assert until(lambda: self.read() and self.process.poll() is not None, lambda: self.text)
        assert self.process.returncode == status, self.text
        self.read()
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was"

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


def test_watch_on_a_terminal(pair, closing):
    """Redraws in place, ends on q, Ctrl-C and SIGTERM, and leaves the terminal as it was."""
    for end in ("q", "\x03", signal.SIGTERM):
        t = closing.add(Terminal(pair.store, "status", "--watch", "0.1"))
        t.until("\x1b[H", 3)
        assert "\x1b[?1049h" in t.text and "\x1b[1mstore\x1b[0m" in t.text
        if isinstance(end, str):
            os.write(t.master, end.encode())
        else:
            t.process.send_signal(end)
        t.ends()
        assert t.text.endswith("\x1b[?25h\x1b[?1049l")


def test_no_core_dump(pair, closing):
    """Neither of the node nor of a command: `main` sees to that before anything else."""
    t = closing.add(Terminal(pair.store, "status", "--watch", "0.1"))
    t.until("\x1b[H")
    for pid in (pair.store.pid, t.process.pid):
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.M), limits


def test_watch_follows_the_node(pair, closing):
    t = closing.add(Terminal(pair.store, "status", "--watch=0.1", columns=200, rows=60))
    t.until("connections  0 open, 0 in all")
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        t.until("connections  1 open, 1 in all")
    pair.store.stop()
    t.ends(1)
    assert "no node is running" in t.text


def test_a_low_terminal(pair, closing):
    """A part of the page is shown, and which; keys move it; nothing scrolls by itself."""
    t = closing.add(
        Terminal(pair.store, "status", "--watch=0.1", rows=5, columns=60, env={"NO_COLOR": "1"}))

    def shows(first, bar):
        """The last page that came whole."""
        pages = [p for p in t.read().split("\x1b[H")[1:] if p.endswith("\x1b[0m\x1b[K")]
        return pages and pages[-1].startswith(first) and f"lines {bar} of " in pages[-1]
    until(lambda: shows("node store: running", "1 to 4"), lambda: t.text)
    page = t.text.split("\x1b[H")[1]
    assert page.count("\r\n") == 4
    last = int(re.search(r"lines 1 to 4 of (\d+)", page)[1])
    for key, first, bar in (("j", "", "2 to 5"), ("\x1b[B\x1b[B", "", "4 to 7"),
                            ("k", "", "3 to 6"), (" ", "", "6 to 9"), ("b", "", "3 to 6"),
                            ("\x1b[6~\x1bOA?", "", "5 to 8"), ("kkkkkkkkk", "node store", "1 to 4"),
                            ("G", "", f"{last - 3} to {last}"),
                            ("jjj", "", f"{last - 3} to {last}"), ("g", "node store", "1 to 4")):
        os.write(t.master, key.encode())
        until(lambda: shows(first, bar), lambda: f"{key!r} {bar}: {t.text[-2000:]!r}")
    os.write(t.master, b"q")
    t.ends()


@pytest.mark.parametrize("columns", [60, 80])
def test_lines_end_between_words(make_node, columns, closing):
    """Of every command, also what goes wrong."""
    name = "a-site-with-a-name-that-is-long"
    node = make_node(
        name, {
            "peer hq": {
                "address": "hq.example.invalid:7400"
            },
            "peer store-of-the-other-side": {
                "address": "127.0.0.1:1"
            },
            "route inventory": {
                "listen": f"127.0.0.1:{free_port()}",
                "peer": "hq, store-of-the-other-side"
            }
        })
    node.set("node", asymmetric="X25519, ElGamal 2048").init()
    for args in (["peers"], ["key"], ["key", "rotate"], ["check"], ["doctor"], ["status"],
                 ["verify", "hq"], ["trust", "hq", "--fingerprint", "x"], ["trust",
                                                                           "hq"], ["init"]):
        t = closing.add(Terminal(node, *args, columns=columns, env={"NO_COLOR": "1"}))
        until(lambda: t.read() and t.process.poll() is not None, lambda: t.text)
        long = [
            line for line in t.read().split("\r\n")
            if len(line) > columns and max(map(len, line.split())) < columns -
            21 and not line.startswith("    secureconn ")
        ]  # to be copied
        assert t.text and not long, args


def test_colour(pair, closing):
    """On a terminal only, and not where NO_COLOR says no."""
    t = closing.add(Terminal(pair.store, "status"))
    t.ends()
    assert "\x1b[32mup\x1b[0m" in t.text
    t = closing.add(Terminal(pair.store, "status", env={"NO_COLOR": "1"}))
    t.ends()
    assert "\x1b" not in t.text and "peer hq: up" in t.text
    assert "\x1b" not in pair.store.cli("status").stdout


def test_watch_without_a_terminal(pair, closing):
    """One block after the other; as JSON one object a line."""
    p = subprocess.Popen([*pair.store.command, "-c", pair.store.ini, "status", "--watch", "0.1"],
                         stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                         env=pair.store.env)
    text = ""
    while text.count("node store: running") < 3:
        text += p.stdout.readline()
    p.terminate()
    rest, _ = p.communicate(timeout=20)
    assert p.returncode == 0 and "\x1b" not in text + rest
    p = subprocess.Popen(
        [*pair.store.command, "-c", pair.store.ini, "status", "--watch=0.1", "--json"],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=pair.store.env)
    for _ in range(3):
        assert json.loads(p.stdout.readline())["node"]["name"] == "store"
    p.terminate()
    p.communicate(timeout=20)
    assert p.returncode == 0


def test_narrow(pair, closing):
    t = closing.add(Terminal(pair.store, "status", columns=60, env={"NO_COLOR": "1"}))
    t.ends()
    assert max(map(len, t.text.split("\r\n"))) <= 60


def test_every_name_of_the_json_is_documented(pair):
    """In secureconn(1), and stays."""
    page = (MAN / "secureconn.1.scd").read_text()
    names = set()

    def collect(o):
        if isinstance(o, dict):
            for key, value in o.items():
                names.add(key)
                collect(value)
        elif isinstance(o, list):
            for value in o:
                collect(value)
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        collect(status(pair.store))
        collect(status(pair.hq))
    missing = {n for n in names if not re.search(rf"\*{n.replace('_', '.?_')}\*", page)}
    assert not missing

