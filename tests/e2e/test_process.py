"""The program as a process among others: descriptors that are closed, output that nobody takes,
two nodes where one belongs."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess

import pytest

import services
from node import DEADLINE, until
from test_upgrade import upgrade


def closed(command, *args, numbers=(0, 1, 2), **options):
    """Starts a command with these standard descriptors closed."""
    words = " ".join(f"{n}>&-" for n in numbers)
    return subprocess.Popen(["sh", "-c", f'exec "$@" {words}', "sh", *command, *args], **options)


def test_a_node_without_standard_descriptors(make_pair):
    """A log line must not end in whatever socket or key file has got the number of a standard
    error that is not there."""
    pair = make_pair(start=False)
    pair.hq.start()
    pair.store.write()
    pair.store.mark = 0
    pair.store.process = closed(pair.store.command, "-c", pair.store.ini, "run", env=pair.store.env)
    pair.hq.wait("link_up", peer="store")
    for n in range(3):
        assert os.readlink(f"/proc/{pair.store.pid}/fd/{n}") == "/dev/null"
    with pair.connect() as client:
        client.sendall(b"x" * 100000)
        assert services.receive(client, 100000) == b"x" * 100000
    pair.store.cli("log", "debug")
    pair.store.cli("stop")
    assert pair.store.ended() == 0


def test_commands_without_standard_descriptors(pair):
    """`status` speaks to the node over a socket, which must not be its standard output at once."""
    for args in (["status"], ["key"], ["peers"]):
        done = closed(pair.store.command, "-c", pair.store.ini, *args, stderr=subprocess.PIPE,
                      numbers=(0, 1), text=True)
        assert "standard output" in done.communicate(timeout=30)[1], args
        assert done.returncode == 1, args
    assert closed(pair.store.command, "-c", pair.store.ini, "status").wait(30) == 1
    assert not pair.store.events("control_refused")


@pytest.mark.parametrize(
    "args",
    (["status"], ["status", "--json"], ["status", "--watch=0.1"], ["key"], ["check"], ["--help"]),
    ids=" ".join)
def test_output_that_cannot_be_written(pair, args):
    """What did not arrive was not given: status 1, and no going on for ever."""
    with open("/dev/full", "w") as full:
        done = subprocess.run([*pair.store.command, "-c", pair.store.ini, *args], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 1 and "standard output cannot be written" in done.stderr


def test_a_reader_that_goes_away(pair):
    """`secureconn status --watch | head`, also where somebody has set SIGPIPE to be ignored."""
    for ignored in (False, True):
        watch = subprocess.Popen(
            [*pair.store.command, "-c", pair.store.ini, "status", "--watch=0.1"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, restore_signals=False,
            preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN
                                             if ignored else signal.SIG_DFL))
        assert watch.stdout.readline().startswith(b"node store")
        watch.stdout.close()
        assert watch.wait(30) == (1 if ignored else -signal.SIGPIPE)


@pytest.fixture(params=("a pipe", "a terminal"))
def unread(request):
    """Two descriptors: what is written to the second one waits in the first, and then who writes
    does. A terminal like one on which somebody has pressed Ctrl-S."""
    ends = os.pipe() if request.param == "a pipe" else pty.openpty()
    yield ends
    for fd in ends:
        os.close(fd)


@pytest.mark.parametrize("read_again", (True, False), ids=("read again", "never read"))
def test_a_log_that_nobody_reads(make_pair, unread, read_again):
    """It stops neither the data nor the end, and nothing is lost at once."""
    pair = make_pair(start=False, store={"log": "debug"})
    pair.hq.start()
    pair.store.write()
    pair.store.mark = 0
    pair.store.process = subprocess.Popen([*pair.store.command, "-c", pair.store.ini, "run"],
                                          stderr=unread[1], env=pair.store.env)
    pair.hq.wait("link_up", peer="store")
    for _ in range(1500):
        with pair.connect() as client:
            client.sendall(b"x")
            assert services.receive(client, 1) == b"x"
    assert os.get_blocking(unread[1]), "others have that descriptor too"
    assert json.loads(pair.store.cli("status", "--json").stdout)["node"]["state"] == "running"
    if read_again:
        text = b""
        while text.count(b" connection_closed ") < 1500:
            assert select.select([unread[0]], [], [], DEADLINE)[0], text[-1000:]
            text += os.read(unread[0], 65536)
        assert len(text) > 100_000 and b"log_dropped" not in text
    pair.store.process.terminate()
    assert pair.store.process.wait(DEADLINE) == 0
    pair.store.process = None


@pytest.fixture
def log_daemon(folder):
    """A socket that listens as /dev/log does, and a command prefix under which it is there."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"],
                                           capture_output=True).returncode != 0:
        pytest.skip("a private /dev needs root and mount namespaces")
    path = folder / "devlog"
    daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    daemon.bind(str(path))
    daemon.settimeout(DEADLINE)
    script = f"""set -e
        mount -t tmpfs tmpfs {folder}/dev
        for name in null zero full random urandom; do
            touch {folder}/dev/$name
            mount --bind /dev/$name {folder}/dev/$name
        done
        touch {folder}/dev/log
        mount --bind {path} {folder}/dev/log
        mount --rbind {folder}/dev /dev
        exec "$@" """
    (folder / "dev").mkdir()
    with daemon:
        yield daemon, ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"]


def test_the_log_daemon(make_node, log_daemon):
    daemon, prefix = log_daemon
    node = make_node("n").set("node", log_to="syslog").init()
    node.command = [*prefix, *node.command]
    node.start(wait=False)

    def line(event):
        while (text := daemon.recv(4096).decode()).split("]: ", 1)[1].split()[0] != event:
            pass
        return text

    ready = line("node_ready")
    assert ready.startswith(
        "<30>") and f" secureconn[{node.pid}]: node_ready name=n " in ready and "\n" not in ready
    assert node.text() == "", "nothing on standard error"
    node.command = node.command[len(prefix):]
    node.set("node", log_to="stderr").write()
    node.cli("reload")
    node.wait("reload_done")
    node.set("node", log_to="syslog").write()
    node.cli("reload")
    line("reload_done")
    daemon.close()
    node.cli("stop")
    assert node.ended() == 0
    node.wait("node_stopped")  # nothing is lost where the daemon is away


def places(pid, patterns):
    """Where in the memory of a process one of these is: the mapping's line in smaps with its
    flags."""
    found, mappings = [], []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
            mappings.append([line, set()])
        elif line.startswith("VmFlags:"):
            mappings[-1][1] = set(line.split()[1:])
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line, flags in mappings:
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            if "rd" not in flags or end - start > 1 << 32:
                continue
            try:
                data = os.pread(memory.fileno(), end - start, start)
            except OSError:  # of the kernel's
                continue
            found += [(f"{line} at {data.index(p):x}, {p}", flags) for p in patterns if p in data]
    return found


def secrets_of(state):
    """What of the private keys in a state folder could lie in memory: as bytes, as a number, as
    text."""
    patterns = []
    for file in (state / "keys").iterdir():
        digits = re.search("private:\n((?:  .*\n)+)", file.read_text())
        if digits:
            key = bytes.fromhex("".join(digits[1].split()))[8:24]
            patterns += [key, key[::-1], key.hex().encode()]
    return patterns


@pytest.mark.parametrize("algorithm", ("X25519", "ElGamal 2048"))
def test_private_keys_lie_in_locked_memory_alone(make_pair, sanitized, algorithm):
    """Neither reading a key nor computing with it, writing it or making one leaves a part of it
    anywhere else."""
    if os.geteuid() != 0:
        pytest.skip("only root may look into a node's memory")
    if sanitized:
        pytest.skip("a sanitizer locks nothing")
    pair = make_pair(start=False, node={"asymmetric": algorithm})
    pair.hq.set("peer store", accept_rolls="yes")
    pair.start()

    def check(when):
        for node in (pair.store, pair.hq):
            found = places(node.pid, secrets_of(node.state))
            assert found, f"{when}: this test does not know where to look"
            for line, flags in found:
                assert {"lo", "dd"} <= flags, f"{when}: {node.name} has a private key in {line}"

    check("with a link")
    pair.store.cli("key", "rotate")
    pair.hq.wait("key_roll", answer="verified")
    check("a new key")
    pair.store.wait("key_changed_over")  # all peers have said yes
    check("changed over")
    since = pair.store.position()
    pair.store.cli("reload")
    pair.store.wait("reload_done", since=since)
    with pair.connect() as client:
        client.sendall(b"x")
        assert services.receive(client, 1) == b"x"
    check("reloaded")


def test_one_node_for_a_state_folder(pair):
    """Two would take each other's links, again and again."""
    twin = pair.store.ini.with_name("twin.ini")
    for control in ("twin.sock", ""):
        twin.write_text(
            f"[node]\nname = twin\nstate = state\ncontrol = {control}\n\n[peer hq]\naddress = "
            f"127.0.0.1:{pair.peer_port}\n"
        )
        done = subprocess.run([*pair.store.command, "-c", twin, "run"], capture_output=True,
                              text=True, timeout=30)
        assert done.returncode == 1
        assert (f"{pair.store.state}: another node runs with this state folder "
            f"(process {pair.store.pid})") in done.stderr
    assert not pair.store.events("link_down")
    old = upgrade(pair.store)
    assert old.wait(DEADLINE) == 0

    def refused():
        done = subprocess.run([*pair.store.command, "-c", twin, "check"], capture_output=True,
                              text=True, timeout=30)
        assert done.returncode == 0, "only one runs; others may look"
        return (pair.store.state / "running").read_text() == f"{pair.store.pid}\n"

    until(refused, "the new one has the folder")
    done = subprocess.run([*pair.store.command, "-c", twin, "run"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 1 and f"(process {pair.store.pid})" in done.stderr
    pair.store.kill()
    twin.write_text(twin.read_text() + "\n[peer other]\n")

    def start():
        """The process, or None: the system may not have done with the other one yet."""
        process = subprocess.Popen([*pair.store.command, "-c", twin, "run"], stderr=subprocess.PIPE,
                                   text=True)
        for line in process.stderr:
            if "node_ready" in line:
                return process
        process.stderr.close()
        process.wait(DEADLINE)

    with until(start, "a crash leaves nothing in the way") as process:
        process.terminate()
        process.stderr.read()
        assert process.wait(DEADLINE) == 0
