"""Two people, two nodes that have never met: keys are noted, verified by fingerprint, and the
link comes up by itself."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import termios
import time

import pytest

import services
from node import DEADLINE, FINGERPRINT, Node, free_port, until
from relay import Relay, split_handshake


@pytest.fixture
def strangers(make_node, closing):
    """hq and store with a route between them; neither has verified the other."""
    echo = closing.add(services.Echo())
    port = free_port()
    hq = make_node("hq", {
        "peer store": {},
        "service echo": {
            "connect": echo.address,
            "allow": "store"
        }
    })
    hq.set("node", listen=f"127.0.0.1:{port}")
    relay = closing.add(Relay(port))
    store = make_node(
        "store", {
            "peer hq": {
                "address": relay.address
            },
            "route echo": {
                "listen": f"127.0.0.1:{free_port()}",
                "peer": "hq",
                "connect_timeout": "1s"
            }
        })
    hq.init(), store.init()
    hq.start(), store.start()
    hq.wait("key_pending")
    store.wait("key_pending")
    return hq, store, relay, echo


def works(store):
    with services.connect(store.sections["route echo"]["listen"]) as s:
        s.sendall(b"hello")
        return services.receive(s, 5) == b"hello"


def test_nothing_passes_before_verification(strangers):
    hq, store, relay, echo = strangers
    assert services.gets_reset(store.sections["route echo"]["listen"], b"too early")
    assert echo.accepted == 0
    for number in range(len(relay.connections)):
        for direction in "IR":
            lines, rest = split_handshake(relay.sent(direction, number))
            assert not rest
            assert not [line for line in lines if line.startswith("SYM-KEY")]
    rejections = [
        line for d in "IR" for line in split_handshake(relay.sent(d))[0]
        if line.startswith("ASYM-KEY REJECTED")
    ]
    assert rejections and set(rejections) == {"ASYM-KEY REJECTED - Not authorized"}
    assert not hq.events("link_up") and not store.events("link_up")
    # Nothing that could be confirmed without the call.
    assert hq.fingerprint() not in store.text() and store.fingerprint() not in hq.text()
    hint = store.events("key_pending")[0]
    assert hint["level"] in ("info", "warning") and "verify" in hint["hint"]


@pytest.mark.parametrize("last", ["store", "hq"])
def test_verify_brings_the_link_up(strangers, record_property, last):
    """The dialog on both sides; the one that dials or the other one may come last."""
    hq, store, relay, echo = strangers
    of = {"hq": (hq, "store", store.fingerprint()), "store": (store, "hq", hq.fingerprint())}
    for name in ("hq" if last == "store" else "store", last):
        node, peer, typed = of[name]
        done = node.cli("verify", peer, input=typed.lower().replace("-", " ") + "\n")
        assert node.fingerprint(
        ) in done.stdout + done.stderr, "the own fingerprint is to be read out"
        start = time.monotonic()
        node.wait("peer_verified", peer=peer, deadline=3)
    store.wait("link_up", peer="hq", deadline=3 if last == "store" else DEADLINE)
    record_property("seconds_from_verify_to_link", round(time.monotonic() - start, 3))
    hq.wait("link_up", peer="store", deadline=3)
    assert time.monotonic() - start < (2 if last == "store" else DEADLINE)
    assert works(store)
    assert echo.accepted == 1


def wrong_entries(right):
    other = "0" if right[-1] != "0" else "1"
    return {
        "another": right[:-1] + other,
        "prefix": right[:19],
        "one block short": right[:34],
        "one letter more": right + "0",
        "empty": "",
        "spaces": "   ",
        "yes": "yes"
    }


@pytest.mark.parametrize("kind", wrong_entries("0" * 39))
def test_a_wrong_fingerprint_is_refused(strangers, kind):
    hq, store, relay, echo = strangers
    right = store.fingerprint()
    done = hq.cli("verify", "store", input=(wrong_entries(right)[kind] + "\n") * 3, check=1)
    assert right not in done.stdout + done.stderr, "the expected answer is never shown"
    assert not hq.events("peer_verified")
    # Nothing has changed: the right one is still accepted.
    hq.cli("verify", "store", input=right + "\n")


def test_the_end_of_input_is_no_answer(strangers):
    hq, store, relay, echo = strangers
    hq.cli("verify", "store", input="", check=1)


def test_the_third_try_counts(strangers):
    hq, store, relay, echo = strangers
    right = store.fingerprint()
    hq.cli("verify", "store", input=f"\n{right[:-5]}\n{right}\n")
    hq.wait("peer_verified", peer="store")


def test_the_fourth_try_does_not_count(strangers):
    hq, store, relay, echo = strangers
    hq.cli("verify", "store", input="\n\n\n" + store.fingerprint() + "\n", check=1)


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, node, *args, columns=80, shell=None):
        self.text = ""
        size = struct.pack("HHHH", 24, columns, 0, 0)
        go, wait = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.read(go, 1)
            command = [str(a) for a in (*node.command, "-c", node.ini, *args)]
            if shell:
                command = ["sh", "-c", shell, "sh", *command]
            os.execvpe(command[0], command, {**node.env, "TERM": "xterm"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, size)
        self.before = termios.tcgetattr(self.fd)
        os.write(wait, b"!")
        os.close(go), os.close(wait)

    def expect(self, pattern):
        def look():
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.text += os.read(self.fd, 4096).decode()
                except OSError:
                    pass
            return re.search(pattern, self.text, re.S)
        found = until(look, lambda: f"{pattern!r} in {self.text!r}")
        seen, self.text = self.text[:found.end()], self.text[found.end():]
        return seen

    def type(self, text):
        os.write(self.fd, text.encode())

    def status(self):
        while True:
            try:
                if not os.read(self.fd, 4096):
                    break
            except OSError:
                break
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status


def test_the_dialog_on_a_terminal(strangers):
    hq, store, relay, echo = strangers
    terminal = Terminal(store, "verify", "hq")
    seen = terminal.expect("type it here: ")
    assert store.fingerprint() in seen
    assert hq.fingerprint() not in seen
    assert f"last seen at {relay.address}" in seen
    terminal.type("nonsense\r")
    terminal.expect("Wrong: .*once more: ")
    terminal.type(hq.fingerprint().lower() + "\r")
    assert terminal.status() == 0
    store.wait("peer_verified", peer="hq")


def test_the_entry_on_a_terminal_is_grouped(strangers):
    """Each group gets its dash as it is typed; backspace takes back; what is in no fingerprint
    is refused and said; a paste is as good."""
    hq, store, relay, echo = strangers
    right = hq.fingerprint()
    terminal = Terminal(store, "verify", "hq", columns=60)
    seen = terminal.expect("type it here: .*" + "-".join(["____"] * 8))
    assert all(len(line) <= 60 for line in re.sub(r"\033\[\d*[A-Z]", "", seen).splitlines())
    terminal.type(right[:4].lower())
    terminal.expect(f" {right[:4]}-____-")
    terminal.type("u")
    terminal.expect('"u" is in no fingerprint')
    terminal.type("0\x7f\x7f")
    terminal.expect(f" {right[:3]}_-____-")
    terminal.type(right[3] + right[5:].replace("-", "") + "\r")
    terminal.expect(f"{right}.*hq is verified")
    assert terminal.status() == 0


def raw(terminal):
    return termios.tcgetattr(terminal.fd)[3] & (termios.ICANON | termios.ECHO) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(strangers, number):
    hq, store, relay, echo = strangers
    terminal = Terminal(store, "verify", "hq")
    terminal.expect("____-____")
    assert raw(terminal)
    terminal.type("7q2m")
    terminal.expect("7Q2M-____")
    keep = os.dup(terminal.fd)
    os.kill(terminal.pid, number)
    assert terminal.status() == -number
    assert termios.tcgetattr(keep) == terminal.before
    os.close(keep)
    assert not store.events("peer_verified")


def test_a_pause_leaves_the_terminal_as_it_was(strangers):
    """^Z, other commands, fg: the entry is drawn again, and goes on."""
    hq, store, relay, echo = strangers
    terminal = Terminal(store, "verify", "hq",
                        shell="set -m; \"$@\"; echo paused; read go; fg; echo status $?")
    terminal.expect("____-____")
    terminal.type("7q2m")
    terminal.expect("7Q2M-____")
    terminal.type("\x1a")
    terminal.expect("paused")
    assert termios.tcgetattr(terminal.fd) == terminal.before
    terminal.type("go\r")
    terminal.expect("7Q2M-____")
    until(lambda: raw(terminal), "the modes for typing")
    terminal.type("\x15" + hq.fingerprint() + "\r")
    terminal.expect("hq is verified.*status 0")
    assert terminal.status() == 0


def test_a_command_of_the_log_can_be_copied(command, folder, closing, make_node):
    """Whatever the configuration is called, and from wherever the node was started."""
    hq = make_node("hq", {"node": {"name": "hq", "state": "state"}, "peer store": {}})
    hq.set("node", listen=f"127.0.0.1:{free_port()}")
    store = closing.add(Node(command, folder / "it's a shop", "store",
                             {"peer hq": {"address": hq.sections["node"]["listen"]}}))
    store.ini = pathlib.Path(os.path.relpath(store.ini))
    hq.init().start()
    store.init().start()
    hint = store.wait("key_pending", peer="hq")["hint"]
    copied = re.search("`secureconn (.*)`", hint)[1]
    done = subprocess.run(["sh", "-c", f"{shlex.join(map(str, command))} {copied}"], cwd="/",
                          input=hq.fingerprint() + "\n", capture_output=True, text=True,
                          env=store.env, timeout=60)
    assert done.returncode == 0, f"{hint}\n{done.stderr}"
    assert store.wait("peer_verified")["peer"] == "hq"


def test_two_operators_from_nothing_to_traffic(make_node, closing, folder):
    """What README tells, at two sites with a terminal each; the operators know what is on their
    screens, and tell each other."""
    echo = closing.add(services.Echo())
    port, door = free_port(), free_port()
    configuration = {
        "hq": f"[node]\nname = hq\nlisten = 127.0.0.1:{port}\nstate = state\n[peer store-7]\n"
              f"[service inventory]\nconnect = {echo.address}\nallow = store-7\n",
        "store-7": f"[node]\nname = store-7\nstate = state\n[peer hq]\naddress = 127.0.0.1:{port}\n"
                   f"[route inventory]\nlisten = 127.0.0.1:{door}\npeer = hq\n",
    }
    sites = {name: make_node(name) for name in configuration}
    running = {}
    for name, site in sites.items():
        site.ini.write_text(configuration[name])
        at = Terminal(site, "init")
        at.expect("Made the ElGamal 3072 key of this node")
        assert at.status() == 0
        running[name] = Terminal(site, "run")
        running[name].expect("node_ready")
    running["hq"].expect("key_pending.*secureconn -c .* verify NAME")
    running["store-7"].expect("key_pending.*secureconn -c .* verify hq")
    desks = {
        name: Terminal(site, "verify", peer, columns=60)
        for (name, site), peer in zip(sites.items(), ("store-7", "hq"))
    }
    read_out = {
        name: FINGERPRINT.search(desk.expect("type it here:.*____-____"))[0]
        for name, desk in desks.items()
    }
    assert read_out["hq"] != read_out["store-7"]
    for (name, desk), heard in zip(desks.items(), (read_out["store-7"], read_out["hq"])):
        for group in heard.lower().split("-"):  # as it is read: group by group
            desk.type(group)
            desk.expect(group.upper())
        desk.type("\r")
        desk.expect("is verified")
        assert desk.status() == 0
    for name, terminal in running.items():
        terminal.expect("link_up")
    with services.connect(f"127.0.0.1:{door}") as s:
        s.sendall(b"inventory")
        assert services.receive(s, 9) == b"inventory"
    for terminal in running.values():
        terminal.type("\x03")  # ^C
        terminal.expect("node_stopped")
        assert terminal.status() == 0


def test_three_wrong_tries_on_a_terminal(strangers):
    hq, store, relay, echo = strangers
    terminal = Terminal(hq, "verify", "store")
    for _ in range(3):
        terminal.expect("type it here: |once more: ")
        terminal.type(store.fingerprint()[:-1] + "\r")
    assert terminal.status() == 1
    assert not hq.events("peer_verified")


def test_verify_without_a_pending_key_says_what_to_do(make_node):
    node = make_node("alone", {"peer hq": {"address": "127.0.0.1:9"}}).init()
    done = node.cli("verify", "hq", input="0000-0000-0000-0000-0000-0000-0000-0000\n", check=1)
    assert "trust" in done.stderr + done.stdout


@pytest.mark.parametrize("told", ["both", "store", "hq"])
def test_trust_by_fingerprint_before_any_contact(make_node, closing, told):
    """For unattended set-up: both sides are told, then started, and the first handshake that shows
    the keys goes. Who is not told by fingerprint has the other's key."""
    echo = closing.add(services.Echo())
    port = free_port()
    hq = make_node("hq", {
        "peer store": {},
        "service echo": {
            "connect": echo.address,
            "allow": "*"
        }
    })
    hq.set("node", listen=f"127.0.0.1:{port}").init()
    store = make_node(
        "store", {
            "peer hq": {
                "address": f"127.0.0.1:{port}"
            },
            "route echo": {
                "listen": f"127.0.0.1:{free_port()}",
                "peer": "hq"
            }
        }).init()
    for node, other in (hq, store), (store, hq):
        if told in ("both", node.name):
            node.cli("trust", other.name, "--fingerprint", other.fingerprint())
        else:
            node.trust(other)
    hq.start(), store.start()
    store.wait("link_up", peer="hq")
    assert works(store)
    for node, other in (hq, store), (store, hq):
        if told in ("both", node.name):
            node.wait("peer_verified", peer=other.name)
        assert [k["state"] for k in json.loads(node.cli("peers", "--json").stdout)["peers"]
               ] == ["verified"]
        for event in "dial_failed", "handshake_failed", "key_pending", "link_down":
            assert not node.events(event), event
    assert works(store)


def test_another_key_shows_up(make_pair, make_node, closing):
    """An impostor that answers at hq's address is refused and noted; hq's own key goes on being
    valid."""
    pair = make_pair(relay=True)
    impostor = make_node("impostor", {"peer store": {}})
    impostor.set("node", listen=f"127.0.0.1:{free_port()}").init().start()
    pair.relay.target = ("127.0.0.1", int(impostor.sections["node"]["listen"].rpartition(":")[2]))
    pair.relay.cut()
    pair.store.wait("key_pending")
    since = pair.store.position()
    pair.relay.target = ("127.0.0.1", pair.peer_port)
    pair.store.wait("link_up", peer="hq", since=since)
    assert not impostor.events("link_up")
    assert works(pair.store)


def test_init_is_safe_to_repeat(make_node):
    node = make_node("again").init()
    before = {p: p.read_bytes() for p in node.state.rglob("*") if p.is_file()}
    assert before
    first = node.fingerprint()
    node.cli("init")
    assert {p: p.read_bytes() for p in node.state.rglob("*") if p.is_file()} == before
    assert node.fingerprint() == first
    assert node.state.stat().st_mode & 0o777 == 0o700
    assert all(p.stat().st_mode & 0o077 == 0 for p in node.state.rglob("*"))


def test_a_state_folder_open_to_others_is_refused(make_node):
    node = make_node("open").init()
    node.state.chmod(0o755)
    done = node.cli("run", check=None, timeout=10)
    assert done.returncode in (1, 2)
    assert str(node.state) in done.stderr


def test_init_writes_a_configuration_where_there_is_none(make_node):
    node = make_node("fresh")
    node.cli("init", "--name", "fresh")
    assert "fresh" in node.ini.read_text()
    node.cli("check")


def test_fingerprints_are_well_formed(make_node):
    node = make_node("many")
    node.set("node", asymmetric="ElGamal 3072, X25519, ElGamal 2048")
    node.init()
    assert len(set(FINGERPRINT.findall(node.cli("key").stdout))) == 3


def test_the_pair_of_conf_works_as_it_is(make_node, closing):
    """conf/site-a.ini and site-b.ini, on free ports: init, run, verify both ways, traffic."""
    echo = closing.add(services.Echo())
    conf = pathlib.Path(__file__).resolve().parents[2] / "conf"
    ports = {"7400": free_port(), "7401": free_port(), "15432": free_port(), "5432": echo.port}
    site = {}
    for name in "ab":
        site[name] = node = make_node(name)
        node.ini.write_text(
            re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda m: str(ports[m[0]]),
                   (conf / f"site-{name}.ini").read_text()))
        node.write = lambda: None  # its configuration is there already
        node.init().start()
    for name, other in ("ab", "ba"):
        site[name].wait("key_pending")
        site[name].cli("verify", other, input=site[other].fingerprint() + "\n")
    for name in "ab":
        site[name].wait("link_up")
    with services.connect(f"127.0.0.1:{ports['15432']}") as s:
        s.sendall(b"as it is")
        assert services.receive(s, 8) == b"as it is"
