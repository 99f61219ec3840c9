"""What `doctor` says: every way in which a connection can be impossible is provoked, and the
cause and its remedy are named."""

import json
import re
import socket
import subprocess

import pytest

import services
from node import FINGERPRINT, free_port

X25519 = {"asymmetric": "X25519"}


class Doctor:
    """The findings of one run."""

    def __init__(self, node, *args):
        done = node.cli("doctor", "--json", *args, check=None)
        said = json.loads(done.stdout)
        self.checks = said["checks"]
        self.status = done.returncode
        assert done.returncode == (0 if said["ok"] else 1), done.stderr
        assert all(set(c) - {"advice"} == {"about", "check", "result", "text"} for c in self.checks)
        assert all(
            c.get("advice")
            for c in self.checks
            if c["result"] == "failed" and c["check"] != "state folder")

    def of(self, about, check=None, result=None):
        return [
            c for c in self.checks
            if c["about"] == about and check in (None, c["check"]) and result in (None, c["result"])
        ]

    def failure(self, about):
        """The only one, and the last thing that was looked at there."""
        failed = self.of(about, result="failed")
        assert len(failed) == 1, self.checks
        assert failed[0] == self.of(about)[-1], "it goes on after a step that failed"
        return failed[0]


def line_of(node, section, key):
    """FILE:LINE of a key in its configuration."""
    at = None
    for number, line in enumerate(node.ini.read_text().splitlines(), 1):
        if line.startswith("["):
            at = line
        elif at == f"[{section}]" and line.startswith(f"{key} ="):
            return f"{node.ini}:{number}"
    raise AssertionError(f"no {key} in [{section}]")


def test_nothing_is_wrong(make_pair):
    """With the nodes up: and the link that is up, and what goes over it, does not notice."""
    pair = make_pair(node=X25519)
    with pair.connect() as s:
        s.sendall(b"x")
        services.receive(s, 1)
        for node, peer in ((pair.store, "hq"), (pair.hq, "store")):
            said = Doctor(node)
            assert said.status == 0 and not [c for c in said.checks if c["result"] == "failed"
                                             ], said.checks
            assert said.of(node.name, "process", "ok") and said.of(
                node.name, "clock", "ok") and said.of(node.name, "key", "ok")
        said = Doctor(pair.store, "hq")
        steps = [c["check"] for c in said.of("hq")]
        assert steps == [
            "key of the peer", "connect", "protocol", "algorithms", "keys", "session keys",
            "service"
        ]
        assert said.of("hq", "service")[0]["text"] == "echo (route echo) takes connections"
        s.sendall(b"y")
        assert services.receive(s, 1) == b"y"
    assert len(pair.store.events("link_up")) == 1 and not pair.store.events("link_down")
    assert json.loads(pair.store.cli("status", "--json").stdout)["peers"][0]["links"]


def test_new_connections_do_not_go_to_doctor(make_pair):
    """The peer's own routes go on over the link of the node while doctor is there."""
    pair = make_pair(node=X25519, start=False)
    pair.store.set("service back", connect=pair.target, allow="hq")
    pair.hq.set("route back", listen=f"127.0.0.1:{free_port()}", peer="store")
    pair.start()
    process = subprocess.Popen([*pair.store.command, "-c", pair.store.ini, "doctor", "hq"],
                               stdout=subprocess.PIPE, text=True, env=pair.store.env)
    for _ in range(20):
        with services.connect(pair.hq.sections["route back"]["listen"]) as s:
            s.sendall(b"z")
            assert services.receive(s, 1) == b"z"
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_without_a_running_node(make_pair):
    pair = make_pair(node=X25519, start=False)
    pair.hq.start()
    pair.store.write()
    said = Doctor(pair.store, "hq")
    assert said.status == 0
    assert "run" in said.of("store", "process", "note")[0]["advice"]
    assert said.of("hq", "service", "ok")
    pair.store.set("node", control="").write()
    note = Doctor(pair.store, "hq").of("store", "process", "note")[0]
    assert "`control` is empty" in note["text"] and "start it" not in note["advice"]


def test_a_name_that_is_not_known(make_node):
    node = make_node("store", {
        "peer hq": {
            "address": "no-such-host.invalid:7400"
        }
    }).set("node", **X25519).init()
    failed = Doctor(node, "hq").failure("hq")
    assert failed["check"] == "name" and "no-such-host.invalid" in failed["text"]
    assert line_of(node, "peer hq", "address") in failed["advice"]


def test_a_port_that_is_closed(make_node):
    port = free_port()
    node = make_node("store", {
        "peer hq": {
            "address": f"127.0.0.1:{port}"
        }
    }).set("node", **X25519).init()
    failed = Doctor(node, "hq").failure("hq")
    assert failed["check"] == "connect" and failed[
        "text"] == f"127.0.0.1, port {port}: Connection refused"
    assert "start the node" in failed["advice"] and line_of(node, "peer hq",
                                                            "address") in failed["advice"]


def test_the_second_address_counts(make_pair):
    """As for the node: the next one is only tried if the first cannot be connected to."""
    pair = make_pair(node=X25519, start=False)
    pair.hq.start()
    pair.store.set("peer hq", address=f"127.0.0.1:{free_port()}, 127.0.0.1:{pair.peer_port}")
    pair.store.write()
    said = Doctor(pair.store, "hq")
    assert [c["result"] for c in said.of("hq", "connect")] == ["failed", "ok"] and said.of(
        "hq", "service", "ok")


@pytest.mark.parametrize(
    "banner, text", [(b"SSH-2.0-OpenSSH_9.2\r\n", "it says: SSH-2.0-OpenSSH_9.2"),
                     (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it says: HTTP/1.1 400 Bad Request"),
                     (b"\x15\x03\x01\x00\x02\x02\x46", "it says: \\x15\\x03\\x01"),
                     (b"", "closes the connection without a word"),
                     (None, "takes the connection and says nothing")])
def test_somebody_else_lives_there(make_node, closing, banner, text):
    def talk(s):
        s.recv(100)
        if banner is None:
            s.recv(100)
        else:
            s.sendall(banner)
            s.shutdown(socket.SHUT_WR)
            s.recv(100)
    server = closing.add(services.Server(talk))
    node = make_node("store", {
        "peer hq": {
            "address": server.address
        },
        "limits": {
            "handshake": "2s"
        }
    }).set("node", **X25519).init()
    failed = Doctor(node, "hq").failure("hq")
    assert failed["check"] == "protocol" and text in failed["text"]
    assert line_of(node, "peer hq", "address") in failed["advice"]


@pytest.fixture
def strangers(make_pair):
    """A pair in which nobody has verified anybody."""
    pair = make_pair(node=X25519, start=False)
    for node in (pair.hq, pair.store):
        for file in (node.state / "peers").iterdir():
            file.unlink()
        node.write()
    pair.hq.start()
    return pair


def test_its_key_is_not_verified_here(strangers):
    store = strangers.store
    failed = Doctor(store, "hq").failure("hq")
    assert failed["check"] == "keys" and failed["text"] == "its key is not verified here"
    assert failed["advice"].startswith(f"start this node (secureconn -c {store.ini} run)")
    assert failed["advice"].endswith(f"secureconn -c {store.ini} verify hq")
    fingerprint = strangers.hq.fingerprint()
    store.cli("verify", "hq", input=fingerprint + "\n", check=1)  # nothing to be verified yet
    store.start()
    store.wait("key_pending", peer="hq")
    failed = Doctor(store, "hq").failure("hq")
    assert failed["advice"].startswith("call its operator")
    assert not FINGERPRINT.search(json.dumps(failed)), "the expected answer of verify is shown"
    store.cli("verify", "hq", input=fingerprint + "\n")
    assert "has not verified" in Doctor(store, "hq").failure("hq")["text"]


def test_our_key_is_not_verified_there(strangers):
    strangers.store.trust(strangers.hq)
    failed = Doctor(strangers.store, "hq").failure("hq")
    assert failed["check"] == "keys" and failed[
        "text"] == "hq has not verified the X25519 key of this node"
    assert strangers.store.fingerprint() in failed["advice"]


def test_it_shows_another_key(strangers, make_node):
    other = make_node("other").set("node", **X25519).init()
    strangers.store.cli("trust", "hq", "--fingerprint", other.fingerprint())
    other_key = strangers.store.folder / "other.key"
    other_key.write_text(other.cli("key", "export").stdout)
    strangers.store.cli("trust", "hq", "--key", other_key)
    failed = Doctor(strangers.store, "hq").failure("hq")
    assert failed["check"] == "keys" and "ANOTHER key" in failed["text"] and "verify hq" in failed[
        "advice"]


def test_another_peer_answers(strangers):
    strangers.store.set("peer hq2")
    strangers.store.write()
    key = strangers.store.folder / "hq.key"
    key.write_text(strangers.hq.cli("key", "export").stdout)
    strangers.store.cli("trust", "hq2", "--key", key)
    failed = Doctor(strangers.store, "hq").failure("hq")
    assert failed["check"] == "keys" and failed["text"] == "who answers is verified as another peer"
    assert line_of(strangers.store, "peer hq", "address") in failed["advice"]


def test_the_way_leads_back_here(make_node):
    port = free_port()
    node = make_node("store", {
        "peer hq": {
            "address": f"127.0.0.1:{port}"
        }
    }).set("node", listen=f"127.0.0.1:{port}", **X25519)
    node.init().start()
    failed = Doctor(node, "hq").failure("hq")
    assert failed["check"] == "keys" and "this very node" in failed["text"]


def test_no_algorithm_in_common(make_pair):
    pair = make_pair(start=False, hq={"asymmetric": "ElGamal 2048"}, store=X25519)
    for file in (pair.store.state / "peers").iterdir():
        file.unlink()
    pair.hq.start()
    pair.store.write()
    failed = Doctor(pair.store, "hq").failure("hq")
    assert failed["check"] == "algorithms" and failed[
        "text"] == "no kind of keys in common: this node offers X25519"
    assert line_of(pair.store, "node",
                   "asymmetric") in failed["advice"] and "init" in failed["advice"]


def test_only_keys_of_another_kind_are_verified(make_pair):
    pair = make_pair(start=False, hq={"asymmetric": "ElGamal 2048"}, store=X25519)
    pair.store.write()
    failed = Doctor(pair.store, "hq").failure("hq")
    assert failed["check"] == "algorithms" and "no key of this node is of a kind" in failed["text"]
    assert line_of(pair.store, "node", "asymmetric") in failed["advice"]


def test_services(make_pair):
    """One that is denied, one whose target is down, one that does not exist; all are told."""
    down = free_port()
    pair = make_pair(node=X25519, start=False)
    pair.hq.set("peer nobody").set("service secret", connect=pair.target, allow="nobody")
    pair.hq.set("service down", connect=f"127.0.0.1:{down}", allow="store")
    for name in ("secret", "down", "missing"):
        pair.store.set(f"route {name}", listen=f"127.0.0.1:{free_port()}", peer="hq")
    pair.start()
    said = Doctor(pair.store, "hq")
    texts = {c["text"]: c for c in said.of("hq", "service")}
    assert set(texts) == {
        "echo (route echo) takes connections", "secret (route secret): denied",
        "missing (route missing): denied", "down (route down): its target there refuses connections"
    }
    assert "`allow` in [service secret]" in texts["secret (route secret): denied"]["advice"]
    assert str(pair.store.ini) in texts["missing (route missing): denied"]["advice"]
    assert "[service down]" in texts["down (route down): its target there refuses connections"][
        "advice"]
    here = Doctor(pair.hq)
    failed = here.of("hq", "service", "failed")
    assert [c["text"] for c in failed] == [f"down: 127.0.0.1:{down}: Connection refused"]
    assert line_of(pair.hq, "service down", "connect") in failed[0]["advice"]


def test_a_peer_that_calls(pair):
    """There is nothing to dial: what the running node knows is told, and where the way to it can
    be tried."""
    said = Doctor(pair.hq, "store")
    assert said.status == 0 and said.of("store", "connect",
                                        "ok")[0]["text"].endswith("a link is up")
    pair.store.stop()
    pair.hq.wait("link_down")
    said = Doctor(pair.hq, "store")
    assert said.status == 0 and said.of("store", "connect",
                                        "note")[0]["text"].endswith("no link is up")
    assert said.of("store", "connect")[0]["advice"].endswith("secureconn doctor hq")
    assert pair.hq.cli("doctor",
                       "store").stdout.endswith("\nNothing is wrong that can be seen from here.\n")


def test_a_peer_that_calls_is_not_verified(strangers):
    """That is why there is no link; who has to call first, or which command settles it, is said,
    and the command settles it."""
    hq, store = strangers.hq, strangers.store
    failed = Doctor(hq, "store").failure("store")
    assert failed["check"] == "key of the peer" and "nobody has called" in failed[
        "advice"] and hq.sections["node"]["listen"] in failed["advice"]
    store.start()
    hq.wait("key_pending")
    failed = Doctor(hq, "store").failure("store")
    assert failed["advice"].endswith(f"run: secureconn -c {hq.ini} verify store")
    hq.cli("verify", "store", input=store.fingerprint() + "\n")
    assert Doctor(hq, "store").status == 0
    store.cli("verify", "hq", input=hq.fingerprint() + "\n")
    hq.wait("link_up")
    assert Doctor(hq, "store").of("store", "connect", "ok")


def test_its_fingerprint_is_trusted(strangers):
    strangers.hq.cli("trust", "store", "--fingerprint", strangers.store.fingerprint())
    said = Doctor(strangers.hq, "store")
    assert said.status == 0 and "has not come yet" in said.of("store", "key of the peer",
                                                              "note")[0]["text"]


def test_neither_side_can_dial(make_node):
    node = make_node("store", {"peer hq": {}}).set("node", **X25519).init()
    assert f"[peer hq] an `address`, {node.ini}:" in Doctor(node, "hq").failure("hq")["advice"]


def test_its_key_was_revoked_here(strangers):
    """Nor does the same key come back: what is advised brings a new one, and that works."""
    hq, store = strangers.hq, strangers.store
    store.trust(hq)
    store.cli("revoke", "hq")
    failed = Doctor(store, "hq").failure("hq")
    assert failed["text"] == "it shows a key that was revoked here"
    assert "`secureconn key rotate --now`" in failed["advice"] and failed["advice"].endswith(
        "verify hq")
    hq.cli("key", "rotate", "--now")
    hq.wait("key_in_use")
    assert Doctor(store, "hq").failure("hq")["text"] == "its key is not verified here"
    store.start()
    store.wait("key_pending")
    store.cli("verify", "hq", input=hq.fingerprint() + "\n")
    assert "has not verified" in Doctor(store, "hq").failure("hq")["text"]


def test_the_clock_and_old_keys(make_node):
    """By what stands in the file of a key: it was made in the future, or long ago."""
    node = make_node("store").set("node", **X25519).init()
    key = next((node.state / "keys").iterdir())
    text = key.read_text()

    def made(year):
        key.write_text(re.sub(r"(?m)^(time: )\d{4}", rf"\g<1>{year}", text))
        return Doctor(node)
    said = made(2099)
    assert said.status == 1 and "2099" in said.of("store", "clock",
                                                  "failed")[0]["text"] and "timedatectl" in said.of(
                                                      "store", "clock")[0]["advice"]
    said = made(2020)
    assert said.status == 0
    command = said.of("store", "key", "note")[0]["advice"].partition("secureconn ")[2]
    subprocess.run(f"{node.command[0]} {command}", shell=True, check=True, env=node.env)
    assert len(list((node.state / "keys").iterdir())) == 2


@pytest.mark.parametrize("fault", ["read-only", "full"])
def test_a_state_folder_that_takes_nothing(make_node, folder, fault):
    """A file system of its own, in a namespace that ends with the command."""
    node = make_node("store", {"peer hq": {}}).set("node", **X25519).init()
    then = {
        "read-only": "mount -o remount,ro $1",
        "full": "dd if=/dev/zero of=$1/fill bs=1k 2>/dev/null"
    }[fault]
    script = ('cp -a $1 $1.kept && mount -t tmpfs -o size=96k,mode=700 none $1 && cp -a $1.kept/. '
              f'$1 && rm -r $1.kept; {then}; shift; exec "$@"')
    done = subprocess.run([
        "unshare", "-rm", "sh", "-c", script, "sh", node.state, *node.command, "-c", node.ini,
        "doctor", "--json"
    ], capture_output=True, text=True, env=node.env)
    found = [c for c in json.loads(done.stdout)["checks"] if c["check"] == "state folder"]
    assert len(found) == 1 and found[0]["result"] == "failed" and str(
        node.state) in found[0]["text"], done.stdout
    assert {
        "read-only": "Read-only file system",
        "full": "no room left"
    }[fault] in found[0]["text"] and found[0]["advice"]


def test_the_state_folder(make_node):
    """Missing, open to others, and with a file in it that is torn."""
    node = make_node("store").set("node", **X25519).init()
    assert Doctor(node).status == 0
    key = next((node.state / "keys").iterdir())
    text = key.read_text()
    key.write_text(text[:20])
    said = Doctor(node)
    assert said.status == 1 and key.name in said.of("store", "state folder", "failed")[0]["text"]
    assert "backup" in said.of("store", "key", "failed")[0]["advice"]
    assert not said.of("store", "state folder", "ok")
    assert node.cli("doctor",
                    check=1).stdout.startswith("This node, store\n  ok    configuration: ")
    key.unlink()
    assert Doctor(node).of("store", "key",
                           "failed")[0]["advice"] == f"run: secureconn -c {node.ini} init"
    key.write_text(text)
    node.state.chmod(0o755)
    assert "chmod" in Doctor(node).of("store", "state folder", "failed")[0]["text"]
    node.state.chmod(0o700)
    node.state.rename(node.folder / "elsewhere")
    assert "init" in Doctor(node).of("store", "state folder", "failed")[0]["text"]


def test_a_node_that_listens_elsewhere(make_node):
    """The configuration was changed, and the node not told."""
    first, second = free_port(), free_port()
    node = make_node("store").set("node", listen=f"127.0.0.1:{first}", **X25519).init().start()
    assert Doctor(node).of("store", "peer port", "ok")
    node.set("node", listen=f"127.0.0.1:{second}").write()
    failed = Doctor(node).of("store", "peer port", "failed")[0]
    assert f"127.0.0.1:{second}" in failed["text"] and failed["advice"].endswith(
        f"-c {node.ini} reload")
    node.cli("reload")
    assert Doctor(node).of("store", "peer port", "ok")


def test_as_text(strangers):
    done = strangers.store.cli("doctor", "hq", check=1)
    assert re.search(r"^  FAIL  keys: its key is not verified here\n        start this node",
                     done.stdout, re.M)
    assert done.stdout.endswith("\n1 thing to be mended.\n")
    assert "did you mean \"hq\"" in strangers.store.cli("doctor", "hqq", check=1).stderr


def test_keys_of_an_identity(make_pair):
    """A peer is shown the keys that `identity` names, by doctor as by the node."""
    pair = make_pair(node=X25519, start=False)
    pair.hq.start()
    pair.store.set("peer hq", identity="branch").write()
    assert "of the identity branch" in Doctor(pair.store, "hq").of("store", "key",
                                                                   "failed")[0]["text"]
    pair.store.cli("init")
    failed = Doctor(pair.store, "hq").failure("hq")
    key = json.loads(pair.store.cli("key", "--json").stdout)
    assert failed["check"] == "keys" and "has not verified" in failed["text"]
    shown = FINGERPRINT.search(failed["advice"])[0]
    assert shown in json.dumps(key) and shown != pair.store.fingerprint()
    pair.hq.cli("trust", "store", "--fingerprint", shown)
    said = Doctor(pair.store, "hq")
    assert said.status == 0 and said.of("hq", "service", "ok")
