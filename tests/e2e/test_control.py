"""The control socket: what each request does to a running node, and that nothing that comes in
on it harms one."""

import json
import os
import signal
import socket
import stat
import time

import pytest

import services
from node import free_port, until


def connect(node):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(str(node.state / "control.sock"))
    return s


def ask(sock, request):
    """Sends an object, or a line as it is, and returns the answer."""
    sock.sendall(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")
    return answer(sock)


def answer(sock):
    line = b""
    while not line.endswith(b"\n"):
        part = sock.recv(65536)
        assert part, f"the node ended the connection after {line!r}"
        line += part
    return json.loads(line)


@pytest.fixture
def node(make_node):
    return make_node("alone", {"peer hq": {}}).set("node", asymmetric="X25519").init().start()


def test_who_may_connect(node):
    """Its owner: the mode says so from the first moment."""
    mode = os.stat(node.state / "control.sock").st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


def test_version(node):
    with connect(node) as s:
        for _ in range(3):
            assert ask(s, {"request": "version"}) == {
                "ok": True,
                "version": "0.1.0",
                "name": "alone"
            }


@pytest.mark.parametrize("line", [
    b"\n", b"status\n", b"{\n", b"[1]\n", b'{"request":"frob"}\n', b'{"request":"status","x":1}\n',
    b'{"request":"renew","peer":"../../etc"}\n', b'{"request":"log","level":7}\n', b"\xff\xfe\n",
    b'{"request":"sta\0tus"}\n', b"[" * 1000 + b"\n"
])
def test_nonsense_is_answered(node, line):
    """With what would be right, and the connection goes on."""
    with connect(node) as s:
        said = ask(s, line)
        assert said["ok"] is False and len(said["error"]) > 10
        assert ask(s, {"request": "version"})["ok"]


def test_a_line_that_is_too_long_ends_the_connection(node):
    with connect(node) as s:
        s.sendall(b"x" * 5000)
        assert answer(s) == {"ok": False, "error": "the line is too long"}
        try:
            assert s.recv(10) == b""
        except ConnectionResetError:
            pass
    with connect(node) as s:
        assert ask(s, {"request": "version"})["ok"]


def test_requests_come_in_any_pieces(node):
    lines = b'{"request":"version"}\n' * 20
    with connect(node) as s:
        for i in range(len(lines)):
            s.sendall(lines[i:i + 1])
        file = s.makefile()
        for _ in range(20):
            assert json.loads(file.readline())["ok"]
    with connect(node) as s:
        s.sendall(lines)
        s.shutdown(socket.SHUT_WR)
        assert services.receive_all(s).count(b"\n") == 20


def test_who_does_not_read_waits_alone(node):
    """Thousands of requests and not one answer taken: the node stops reading there, and serves
    the next."""
    with connect(node) as deaf:
        deaf.setblocking(False)
        sent = 0
        try:
            while sent < 20_000_000:
                sent += deaf.send(b'{"request":"status"}\n' * 100)
        except BlockingIOError:
            pass
        assert sent < 20_000_000, "it reads for ever"
        with connect(node) as s:
            began = time.monotonic()
            assert ask(s, {"request": "version"})["ok"]
            assert time.monotonic() - began < 5
        assert node.resident() < 500_000


def test_connections_are_bounded(node):
    held = [connect(node) for _ in range(16)]
    assert all(ask(s, {"request": "version"})["ok"] for s in held)
    with connect(node) as one_more:
        assert "too many connections" in answer(one_more)["error"]
        assert one_more.recv(10) == b""
    said = node.cli("status", check=1).stderr
    assert "too many connections to the control socket" in said
    for s in held:
        s.close()

    def again():
        with connect(node) as s:
            return ask(s, {"request": "version"})["ok"]
    until(again, "a place is free again")


def test_the_log_level(node):
    assert "debug" in node.cli("log", "debug").stdout
    assert json.loads(node.cli("status", "--json").stdout)["node"]["log"] == "debug"
    node.cli("log", "error")
    mark = node.position()
    node.cli("renew", "hq", check=1)  # logs at the level info
    node.cli("log", "info")
    node.cli("log", "info")
    assert [e["request"] for e in node.events("control_request", since=mark)
            ] == ["log"], "only the second one is seen"
    e = node.events("control_request")[-1]
    assert e["to"] == "info"
    assert e["by"].startswith(f"uid {os.getuid()}, pid ")


def test_renew(make_pair):
    pair = make_pair(start=False)
    for n in (pair.hq, pair.store):
        n.set("limits", rekey_gap="0")
    pair.start()
    with pair.connect() as s:
        for i, (node, peer, other) in enumerate([(pair.store, "hq", pair.hq),
                                                 (pair.hq, "store", pair.store)]):
            assert "are being renewed" in node.cli("renew", peer).stdout
            assert node.wait("keys_renewed", renewals=i + 1)["by"] == "this node"
            assert other.wait("keys_renewed", renewals=i + 1)["by"] == "the peer"
        s.sendall(b"after")
        assert services.receive(s, 5) == b"after"
    said = pair.store.cli("renew", "nobody", check=1)
    assert f"there is no peer nobody: see `secureconn -c {pair.store.ini} status`" in said.stderr


def test_renew_not_sooner_than_the_gap(pair):
    said = json.loads(pair.store.cli("renew", "hq", "--json").stdout)
    assert said["links"] == 1 and 50_000 < said["wait_ms"] <= 60_000
    pair.hq.stop()
    pair.store.wait("link_down")
    assert "hq has no link" in pair.store.cli("renew", "hq", check=1).stderr


def test_drain(pair):
    with pair.connect() as s:
        s.sendall(b"x")
        assert services.receive(s, 1) == b"x"
        assert "30s" in pair.store.cli("drain").stdout
        pair.store.wait("drain_begin")
        assert json.loads(pair.store.cli("status", "--json").stdout)["node"]["state"] == "draining"
        s.sendall(b"y")
        assert services.receive(s, 1) == b"y"
    assert pair.store.ended() == 0
    assert not (pair.store.state / "control.sock").exists()


def test_reload(pair):
    """As SIGHUP, and whoever asked is told how it went."""
    pair.store.set("node", drain="1s").write()
    assert str(pair.store.ini) in pair.store.cli("reload").stdout
    assert pair.store.events("config_changed", what="[node] drain")
    pair.store.set("node", drain="soon").write()
    failed = pair.store.cli("reload", check=2)
    assert "drain" in failed.stderr


def test_stop(pair):
    with pair.connect() as s:
        s.sendall(b"x")
        assert services.receive(s, 1) == b"x"
        assert pair.store.cli("stop").stdout == "The node has ended.\n"
        assert pair.store.ended() == 0
        assert services.is_reset(s)
    assert "no node is running" in pair.store.cli("stop", check=1).stderr


def test_no_node(make_node):
    node = make_node("alone").set("node", asymmetric="X25519").init()
    for command in ("status", "reload", "drain", "stop"):
        assert "no node is running" in node.cli(command, check=1).stderr


def test_a_stale_socket_is_replaced(make_node):
    node = make_node("alone").set("node", asymmetric="X25519").init().start()
    node.kill()
    assert (node.state / "control.sock").exists()
    assert "ended badly" in node.cli("status", check=1).stderr
    node.start()
    node.cli("status")
    assert not node.events("control_unavailable")


def test_two_nodes_do_not_share_it(make_node, folder):
    """The default one in use is a warning; one that the configuration names is an error at the
    start."""
    first = make_node("one").set("node", asymmetric="X25519",
                                 control=folder / "c.sock").init().start()
    second = make_node("two").set("node", asymmetric="X25519", control=folder / "c.sock").init()
    second.start(wait=False)
    assert second.ended() == 1
    assert "another node is running with the control socket" in second.text()
    assert json.loads(first.cli("status", "--json").stdout)["node"]["name"] == "one"

    holder = socket.socket(socket.AF_UNIX)
    third = make_node("three").set("node", asymmetric="X25519").init()
    holder.bind(str(third.state / "control.sock"))
    holder.listen()
    third.start()
    assert "another node" in third.wait("control_unavailable")["error"]
    holder.close()


def test_it_may_be_off(make_node):
    node = make_node("alone").set("node", asymmetric="X25519", control="").init().start()
    assert not (node.state / "control.sock").exists()
    assert "`control` in [node]" in node.cli("status", check=1).stderr


def test_its_folder_is_made(make_node, folder):
    node = make_node("alone").set("node", asymmetric="X25519",
                                  control=folder / "run" / "c.sock").init().start()
    node.cli("status")
    node.stop()
    assert os.listdir(folder / "run") == []


def test_a_place_that_cannot_be_had(make_node):
    node = make_node("alone").set("node", asymmetric="X25519", control="/proc/c.sock").init()
    node.start(wait=False)
    assert node.ended() == 1
    assert "control" in node.text() and "/proc/c.sock" in node.text()


def test_keys_are_looked_at_at_once(make_pair):
    """For commands that change the state folder."""
    pair = make_pair(start=False)
    pair.hq.start()
    pair.store.start()
    pair.up()
    with connect(pair.hq) as s:
        assert ask(s, {"request": "keys"}) == {"ok": True}


def test_silence_is_not_kept_for_ever(node):
    """Neither is a place in the table of connections after the other side has gone without a
    word."""
    for _ in range(50):
        s = connect(node)
        s.sendall(b'{"request":"st')
        s.close()

    def served():
        with connect(node) as s:
            return ask(s, {"request": "version"})["ok"]
    until(served, "a place is free")
    node.signal(signal.SIGTERM)
    assert node.ended() == 0


def test_many_ask_at_once(pair):
    """While the node ends, too."""
    sockets = [connect(pair.store) for _ in range(15)]
    for s in sockets:
        s.sendall(b'{"request":"status"}\n' * 20)
    pair.store.cli("stop", "--json")
    assert pair.store.ended() == 0
    for s in sockets:
        s.close()
