"""Errors of the configuration: exit 2, and a message that names file, line and key. And the
commands that only look."""

import re
import subprocess

import pytest

GOOD = """[node]
name = store-7
listen = 127.0.0.1:7400
state = state

[peer hq]
address = 127.0.0.1:7401

[route inventory]
listen = 127.0.0.1:5432
peer = hq

[service backup]
connect = 127.0.0.1:873
allow = hq
"""

# What is changed in the good one, the line that the message must name, and a word that it must
# hold.
BAD = {
    "unknown key": ("listen = 127.0.0.1:7400", "lisen = 127.0.0.1:7400", 3, "listen"),
    "unknown section": ("[peer hq]", "[per hq]", 6, "peer"),
    "doubled key": ("state = state", "state = state\nstate = other", 5, "state"),
    "doubled section":
        ("[service backup]", "[peer hq]\naddress = 127.0.0.1:1\n\n[service backup]", 13, "hq"),
    "no such peer": ("peer = hq", "peer = hg", 11, "hg"),
    "no port": ("listen = 127.0.0.1:7400", "listen = 127.0.0.1", 3, "listen"),
    "port out of range": ("listen = 127.0.0.1:7400", "listen = 127.0.0.1:70000", 3, "listen"),
    "no number": ("peer = hq", "peer = hq\nmax_connections = many", 12, "max_connections"),
    "number out of range": ("peer = hq", "peer = hq\nmax_connections = 0", 12, "max_connections"),
    "no time": ("peer = hq", "peer = hq\nidle = soon", 12, "idle"),
    "unknown cipher": ("state = state", "state = state\nsymmetric = AES 256, DES", 5, "DES"),
    "unknown asymmetric": ("state = state", "state = state\nasymmetric = RSA", 5, "RSA"),
    "unknown implementation":
        ("state = state", "state = state\nimplementations = openssl", 5, "openssl"),
    "plaintext off the host": ("listen = 127.0.0.1:5432", "listen = 0.0.0.0:5432", 10, "plaintext"),
    "plaintext target off the host":
        ("connect = 127.0.0.1:873", "connect = 192.0.2.1:873", 14, "plaintext"),
    "missing listen": ("listen = 127.0.0.1:5432\n", "", 9, "listen"),
    "missing connect": ("connect = 127.0.0.1:873\n", "", 13, "connect"),
    "no section": ("[node]\n", "", 1, ""),
    "no equals sign": ("state = state", "state", 4, ""),
    "a line that is too long": ("state = state", "state = " + "x" * 20000, 4, ""),
    "a bad name": ("[peer hq]", "[peer ../../etc]", 6, "name"),
    "log level": ("state = state", "state = state\nlog = loud", 5, "loud"),
}


@pytest.fixture
def check(make_node):
    def run(text, *args, check=2):
        node = make_node("conf")
        node.ini.write_text(text)
        return node, node.cli(*(args or ("check",)), check=check)
    return run


@pytest.mark.parametrize("what", BAD)
def test_errors_name_file_and_line(check, what):
    old, new, line, word = BAD[what]
    assert GOOD.count(old) == 1
    node, done = check(GOOD.replace(old, new))
    assert f"{node.ini}:{line}:" in done.stderr, done.stderr
    assert word in done.stderr
    assert len(done.stderr) < 1500, "a message, not the file again"
    done = node.cli("run", check=2, timeout=10)
    assert f"{node.ini}:{line}:" in done.stderr


def test_the_good_one_is_good(check):
    node, done = check(GOOD, check=0)
    for name in ("inventory", "backup", "hq"):
        assert name in done.stdout


def test_errors_in_an_included_file(check, folder):
    (folder / "conf/conf.d").mkdir(parents=True)
    (folder / "conf/conf.d/a.ini").write_text("[peer other]\naddres = 127.0.0.1:1\n")
    node, done = check(GOOD.replace("state = state", "state = state\ninclude = conf.d/*.ini"))
    assert "conf.d/a.ini:2:" in done.stderr, done.stderr


def test_a_missing_file(make_node):
    node = make_node("none")
    done = node.cli("check", check=2)
    assert str(node.ini) in done.stderr


def test_usage(command):
    run = lambda *args: subprocess.run([*command, *args], capture_output=True, text=True, timeout=30
                                       )
    assert run("--version").returncode == 0 and re.search(r"\d+\.\d+", run("--version").stdout)
    helped = run("--help")
    assert helped.returncode == 0
    for name in ("init", "run", "check", "key", "peers", "verify", "trust"):
        assert re.search(rf"^\s*{name}\b", helped.stdout, re.M), name
        one = run(name, "--help")
        assert one.returncode == 0 and name in one.stdout
    for wrong in ([], ["no-such-command"], ["--no-such-option"], ["check",
                                                                  "--no-such-option"], ["verify"]):
        done = run(*wrong)
        assert done.returncode == 2 and done.stderr, wrong


def test_peers_lists_what_is_known(make_pair):
    pair = make_pair()
    done = pair.store.cli("peers")
    assert "hq" in done.stdout and "verified" in done.stdout and pair.hq.fingerprint(
    ) in done.stdout
