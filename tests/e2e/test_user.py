"""`user` in [node]: what root starts becomes somebody else, and everything that it leaves behind
is that one's. Needs root."""

import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess

import pytest

import services
from namespace import Namespace
from node import free_port, until
from peer import Identity
from test_source import Inside, claims, everything, net, whose  # noqa: F401 (net is a fixture)

USER = "nobody"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def who(folder):
    """The user, who may get to the test's folder."""
    folder.chmod(0o755)
    return pwd.getpwnam(USER)


def facts(pid):
    """Of all threads of a process: {(key, value)}."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for key, value in re.findall(r"^(\w+):\s*(.*)$", (task / "status").read_text(), re.M):
            found.setdefault(key, set()).add(value)
    return found


def expect_user(pid, who, capabilities=0):
    f = facts(pid)
    assert f["Uid"] == {"\t".join([str(who.pw_uid)] * 4)}
    assert f["Gid"] == {"\t".join([str(who.pw_gid)] * 4)}
    assert {g for groups in f["Groups"]
            for g in groups.split()} <= {str(g) for g in os.getgrouplist(who.pw_name, who.pw_gid)}
    assert f["CapEff"] == f["CapPrm"] == f["CapAmb"] == {f"{capabilities:016x}"}
    assert f["NoNewPrivs"] == {"1"}


def owners(folder):
    return {p.stat().st_uid for p in [folder, *folder.rglob("*")]}


def successor(node, position):
    """The process that has taken over from the node's; it is the node's then."""
    pid = int(node.wait("upgrade_done", since=position)["pid"])
    assert node.process.wait(20) == 0
    node.wait("node_ready", since=position)
    return pid


@pytest.fixture
def end(closing):
    """end(pid): it is ended when the test is over."""
    class End:
        def __init__(self, pid):
            self.pid = pid

        def close(self):
            for _ in range(2):
                try:
                    os.kill(self.pid, signal.SIGTERM)
                except ProcessLookupError:
                    return
            until(
                lambda: not pathlib.Path(f"/proc/{self.pid}/status").exists() or "Z (zombie)" in
                pathlib.Path(f"/proc/{self.pid}/status").read_text(), "it ends")
    return lambda pid: closing.add(End(pid))


def test_it_becomes_the_user(make_pair, who, sanitized):
    pair = make_pair(hq={"user": USER, "workers": 3})
    expect_user(pair.hq.pid, who)
    with pair.connect() as c:
        c.sendall(b"hello")
        assert services.receive(c, 5) == b"hello"
    control = pair.hq.state / "control.sock"
    assert (control.stat().st_uid, control.stat().st_mode & 0o777) == (who.pw_uid, 0o600)
    assert "store" in pair.hq.cli("status").stdout
    if not sanitized:  # it keeps its secrets from its user's other processes still
        read = subprocess.run(["runuser", "-u", USER, "--", "cat", f"/proc/{pair.hq.pid}/environ"],
                              capture_output=True, text=True)
        assert read.returncode != 0 and "Permission denied" in read.stderr


def test_commands_of_root_leave_nothing_of_roots(make_pair, who):
    """Whatever root does in the state folder belongs to the user afterwards, and the running
    node sees it."""
    pair = make_pair(hq={"user": USER}, start=False)
    assert owners(pair.hq.state) == {who.pw_uid}
    pair.start()
    before = owners(pair.hq.state)
    pair.hq.cli("key", "rotate")
    assert "store" in pair.hq.cli("key", "rotate", "--status").stdout
    pair.hq.cli("trust", "store", "--fingerprint", "7Q2M-01XK" + "-0000" * 6, check=None)
    pair.hq.cli("verify", "store", input="wrong\n", check=1)
    pair.hq.cli("key"), pair.hq.cli("peers"), pair.hq.cli("check"), pair.hq.cli("doctor")
    pair.hq.cli("revoke", "store")
    pair.hq.wait("link_down", peer="store")
    assert owners(pair.hq.state) == before == {who.pw_uid}
    pair.hq.stop()
    pair.hq.start()


def test_a_key_that_only_root_can_read(make_node, who):
    """What root names on the command line root reads."""
    node, other = make_node("hq", {"peer store": {}}), make_node("store").init()
    node.set("node", user=USER).init()
    key = node.folder / "store.key"
    key.write_text(other.cli("key", "export").stdout)
    key.chmod(0o600)
    assert "is verified" in node.cli("trust", "store", "--key", key).stdout
    assert owners(node.state) == {who.pw_uid}


def test_init_gives_a_new_folder_to_the_user(make_node, who):
    node = make_node("hq")
    node.set("node", user=USER, state=node.folder / "deep" / "state")
    node.init()
    assert owners(node.folder / "deep" / "state") == {who.pw_uid}
    assert (node.folder / "deep").stat().st_uid == 0
    node.cli("init")  # safe to repeat


def low_ports(make_node, closing, net):
    """A node in a namespace of its own with a route on port 80."""
    node = make_node("store", {
        "peer hq": {},
        "route web": {
            "listen": "127.0.0.1:80",
            "peer": "hq"
        }
    })
    node.command = [*net.command, *node.command]
    node.set("node", user=USER, listen="127.0.0.1:443", metrics="127.0.0.1:81", workers=2)
    return node.init().start()


def listens(net, *ports):
    with net.inside():
        for port in ports:
            socket.create_connection(("127.0.0.1", port), 5).close()


def test_low_ports(make_node, closing, who):
    net = closing.add(Namespace())
    node = low_ports(make_node, closing, net)
    expect_user(node.pid, who)
    listens(net, 80, 81, 443)
    # A port that only root can open is refused to a reload, and nothing changes.
    since = node.position()
    node.set("route web", listen="127.0.0.1:80, 127.0.0.1:82").write()
    said = node.cli("reload", check=1).stderr
    assert "cannot listen on 127.0.0.1:82: Permission denied" in said and "restart" in said
    node.wait("reload_failed", since=since)
    listens(net, 80, 81, 443)
    # One that anybody can open is fine, also where an old one has the number already.
    port = free_port()
    node.set("route web", listen=f"127.0.0.1:80, 127.0.0.1:{port}").write()
    node.cli("reload")
    listens(net, 80, port)
    node.stop()
    node.set("route web", listen="127.0.0.1:80, 127.0.0.1:82")
    node.start()
    listens(net, 80, 82)


def test_a_port_that_changes_its_address_in_a_reload(make_node, closing, who):
    """Sockets that were opened as root are the user's: they can share a port in the moment of
    changing."""
    node = make_node("store", {"peer hq": {}})
    port = free_port()
    node.set("node", user=USER, listen=f"127.0.0.1:{port}").init().start()
    node.set("node", listen=f"0.0.0.0:{port}").write()
    node.cli("reload")
    node.wait("peer_listening", address=f"0.0.0.0:{port}")


def test_another_process_takes_over(make_node, closing, who, end):
    net = closing.add(Namespace())
    node = low_ports(make_node, closing, net)
    since = node.position()
    node.signal(signal.SIGUSR2)
    pid = successor(node, since)
    node.process = None
    end(pid)
    expect_user(pid, who)
    listens(net, 80, 81, 443)
    node.cli("status")


def test_unix_sockets_are_the_users(make_pair, who, folder):
    place = folder / "sockets"
    place.mkdir()
    shutil.chown(place, USER)
    pair = make_pair(store={"user": USER}, route={"listen": place / "echo.sock"}, start=False)
    pair.start()
    assert (place / "echo.sock").stat().st_uid == who.pw_uid
    with services.connect(str(place / "echo.sock")) as c:
        c.sendall(b"x")
        assert services.receive(c, 1) == b"x"
    pair.store.stop()
    assert not (place / "echo.sock").exists()


def test_the_folder_of_the_control_socket(make_node, who, folder):
    node = make_node("hq", {"peer py": {}})
    node.set("node", user=USER, control=folder / "run" / "control.sock").init().start()
    assert (folder / "run").stat().st_uid == who.pw_uid
    node.cli("status")


# ---- what is wrong ----

def test_no_such_user(make_node):
    node = make_node("hq", {"peer py": {}})
    node.set("node", user="no-such-user").write()
    for command in ("init", "check", "run", "key"):
        said = node.cli(command, check=2).stderr
        assert re.search(r'secureconn.ini:\d+: \[node\] user: there is no user "no-such-user"',
                         said), said
        assert "useradd" in said


def test_a_state_folder_of_root(make_node, who):
    """The node has run as root before."""
    node = make_node("hq", {"peer py": {}}).init()
    node.set("node", user=USER).write()
    for command in ("run", "check", "init", "key"):
        said = node.cli(command, check=1).stderr
        assert (f"does not belong to user {USER}" in said and
                f"chown -R {USER}: {node.state}" in said)
    subprocess.run(["chown", "-R", f"{USER}:", node.state], check=True)
    node.start()
    expect_user(node.pid, who)


def test_a_state_folder_out_of_reach(make_node, who):
    node = make_node("hq", {"peer py": {}})
    node.set("node", user=USER).init()
    node.folder.chmod(0o700)
    said = node.cli("run", check=1).stderr
    assert (f"{node.state}: user {USER} ([node] user) cannot get there" in said and
            "chmod o+x" in said)


def test_a_file_that_only_root_can_read(make_node, who):
    node = make_node("hq", {"peer py": {}})
    node.set("node", user=USER).init()
    node.ini.chmod(0o600)
    node.start()
    assert node.wait("config_unreadable")["file"] == str(node.ini)
    assert "Permission denied" in node.cli("reload", check=1).stderr


def test_who_is_not_root(make_node, who, folder):
    """It is the user already, or it cannot become it."""
    node = make_node("hq", {"peer py": {}})
    node.set("node", user=USER).init()
    node.command = [
        "setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", *node.command
    ]
    node.start()
    node.stop()
    node.set("node", user="daemon").write()
    said = node.cli("run", check=1).stderr
    assert "[node] user is daemon: start it as root, or as that user (sudo -u daemon" in said


def test_root_may_be_named(make_node):
    node = make_node("hq", {"peer py": {}})
    node.set("node", user="root").init().start()
    assert facts(node.pid)["Uid"] == {"0\t0\t0\t0"}


# ---- with the clients' own addresses ----

def test_clients_addresses(net, make_node, closing, who, end):  # noqa: F811
    """It keeps what it needs for that, over an upgrade too, and nothing else."""
    with net.inside():
        target = closing.add(services.Server(whose))
    host = Inside(net, make_node, closing, Identity("py"), target.address, source="original", node={
        "user": USER,
        "workers": 2
    })
    raw = 1 << 13
    expect_user(host.node.pid, who, raw)
    assert everything(host.link(), claims(("10.1.2.3", 4242)), b"x") == b"10.1.2.3 x"
    since = host.node.position()
    host.node.signal(signal.SIGUSR2)
    pid = successor(host.node, since)
    host.node.process = None
    end(pid)
    expect_user(pid, who, raw)
    assert everything(host.link(), claims(("10.1.2.4", 4242)), b"x") == b"10.1.2.4 x"


def test_clients_addresses_that_come_with_a_reload(net, make_node, closing, who):  # noqa: F811
    """Too late for the right to do it, which the log says."""
    with net.inside():
        target = closing.add(services.Server(whose))
    host = Inside(net, make_node, closing, Identity("py"), target.address, node={"user": USER})
    expect_user(host.node.pid, who)
    since = host.node.position()
    host.node.set("service web", source="original").write()
    host.node.cli("reload")
    assert "CAP_NET_RAW" in host.node.wait("source_impossible", since=since, service="web")["hint"]
