"""What operators do to keys while nodes run: another key on hold, revocation, rotation,
identities, the state folder."""

import json
import re
import subprocess
import threading
import time

import pytest

import services
from node import free_port, until


def reset_after(connection):
    """Waits until the connection is reset, and returns when that was."""
    connection.settimeout(20)
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return time.monotonic()
    raise AssertionError("the connection has ended cleanly")


@pytest.mark.parametrize("side", ["hq", "store"])
def test_revoke_ends_the_link_at_once(make_pair, side, record_property):
    """Whoever revokes, accepted or dialed: streams are reset, no new link, within 100 ms of the
    command's end."""
    pair = make_pair()
    node, other = (pair.hq, pair.store) if side == "hq" else (pair.store, pair.hq)
    with pair.connect() as connection:
        connection.sendall(b"hello")
        assert services.receive(connection, 5) == b"hello"
        since = node.position(), other.position()
        done = node.cli("revoke", other.name)
        over = time.monotonic()
        took = reset_after(connection) - over
    record_property("ms_from_revoke_to_reset", round(1000 * took, 1))
    assert took < 0.1
    assert "revoked" in done.stdout
    assert node.wait("link_down", peer=other.name,
                     since=since[0])["reason"] == "closed here: denied"
    assert other.wait("link_down", peer=node.name,
                      since=since[1])["reason"] == "closed by the peer: denied"
    node.wait("peer_unverified", since=since[0])
    # The store goes on dialing: it is refused, and its key does not wait.
    failed = node.wait("handshake_failed", since=since[0], error=lambda e: e == "key_not_verified")
    named = other.name if node is pair.store else "PEER"
    assert f"revoked here: `secureconn -c {node.ini} trust {named} --fing" in failed["hint"]
    assert not node.events("key_pending", since=since[0])
    assert "pending" not in node.cli("peers").stdout
    # Whoever wonders why nothing works is told, and how it comes back.
    assert "; one was revoked" in node.cli("doctor", other.name, check=None).stdout
    told = node.cli("verify", other.name, check=1).stderr
    assert (f"a key of {other.name} was revoked here" in told and
            f"trust {other.name} --fingerprint F --again" in told)
    # Back again, on purpose only.
    node.cli("trust", other.name, "--fingerprint", other.fingerprint(), check=1)
    node.cli("trust", other.name, "--fingerprint", other.fingerprint(), "--again")
    node.wait("link_up", peer=other.name, since=since[0])


def test_another_key_is_on_hold(make_pair, folder):
    """hq is installed anew: its new key waits beside the old one, which stays valid, and both
    operators are told what settles it."""
    pair = make_pair()
    hq, store = pair.hq, pair.store
    old = hq.fingerprint()
    hq.stop()
    hq.state.rename(folder / "backup")
    hq.cli("init")
    hq.trust(store)
    new = hq.fingerprint()
    assert new != old
    since = store.position()
    hq.start()
    told = store.wait("key_pending", since=since, peer="hq")
    assert told["level"] == "warning" and "NOT the key" in told[
        "hint"] and f"`secureconn -c {store.ini} verify hq`" in told["hint"]
    refused = hq.wait("handshake_failed", since=hq.mark, error="key_rejected")
    assert "secureconn verify" in refused["hint"]
    assert services.gets_reset(pair.route, b"too early")
    rows = store.cli("peers").stdout
    assert ("hq               on hold " in rows and "hq               verified " in rows and
            old in rows)
    assert new not in rows + store.text(), "nothing that could be confirmed without the call"
    # It knocks again and again, and is logged once.
    until(
        lambda: len(hq.events("handshake_failed", since=hq.mark, error="key_rejected")) >= 3 or hq.
        events("log_suppressed"), "more calls")
    assert len(store.events("key_pending", since=since)) == 1

    # Nobody can cut a peer off by showing a key.
    hq.stop()
    hq.state.rename(folder / "new")
    (folder / "backup").rename(hq.state)
    since = store.position()
    hq.start()
    store.wait("link_up", peer="hq", since=since)
    hq.stop()
    hq.state.rename(folder / "backup")
    (folder / "new").rename(hq.state)
    hq.start()
    since = store.position()
    done = store.cli("verify", "hq", input=new + "\n")
    assert ("verified key already" in done.stdout and
            f"{old}, is not accepted any more" in done.stdout)
    store.wait("link_up", peer="hq", since=since)
    assert "on hold" not in store.cli("peers").stdout


def rotating(make_pair, accept="yes", **options):
    """A pair in which hq takes the store's new keys on the old one's word, and is asked again
    soon if it does not."""
    pair = make_pair(start=False, **options)
    pair.hq.set("peer store", accept_rolls=accept)
    pair.store.set("limits", announce_again="4s")
    return pair.start()


def fingerprints(node):
    """By state: in use, new, former, retired."""
    found = {}
    for key in json.loads(node.cli("key", "--json").stdout)["keys"]:
        found.setdefault(key["state"], []).append(key["fingerprint"])
    return found


class Load:
    """Connections through the route, one after the other and one that stays, all of which must
    work."""

    def __init__(self, pair):
        self.pair, self.done, self.failed, self.stop = pair, 0, [], False
        self.threads = [
            threading.Thread(target=self.run, args=(stays, )) for stays in (False, False, True)
        ]
        for thread in self.threads:
            thread.start()

    def run(self, stays):
        try:
            while not self.stop:
                with self.pair.connect() as connection:
                    for n in range(1, 10_000 if stays else 20):
                        message = b"%d." % n * 50
                        connection.sendall(message)
                        assert services.receive(connection, len(message)) == message
                        self.done += 1
                        if self.stop:
                            break
        except Exception as e:
            self.failed.append(e)

    def end(self):
        self.stop = True
        for thread in self.threads:
            thread.join()
        return self.failed


@pytest.mark.parametrize("side", ["store", "hq"])
def test_rotation_under_load(make_pair, side, record_property):
    """A new key in place of the old one, with the peer's consent given before: nobody notices."""
    pair = make_pair(start=False)
    node, other = (pair.store, pair.hq) if side == "store" else (pair.hq, pair.store)
    other.set(f"peer {node.name}", accept_rolls="yes")
    pair.start()
    old = node.fingerprint()
    load = Load(pair)
    until(lambda: load.done > 50, "traffic")
    done = node.cli("key", "rotate")
    assert "new" in done.stdout or "in use already" in done.stderr
    other.wait("key_roll", peer=node.name, answer="verified")
    node.wait("key_announced", peer=other.name, answer="verified")
    node.wait("key_changed_over")
    new = node.wait("key_in_use")["fingerprint"]
    assert fingerprints(node)["in use"] == [new] and new != old
    # Under the old key until its link ends; both are valid there.
    state = other.cli("peers").stdout
    assert old in state and new in state
    before = load.done
    until(lambda: load.done > before + 50, "more traffic")
    assert fingerprints(node)["former"] == [old]
    assert not load.end()
    record_property("echoes", load.done)

    # The next link is under the new key, and the old one is wiped.
    since = node.position(), other.position()
    other.stop(), other.start()
    node.wait("link_up", peer=other.name, since=since[0])
    assert node.wait("key_retired", since=since[0])["fingerprint"] == old
    assert fingerprints(node) == {"in use": [new], "retired": [old]}
    assert not [
        f for f in node.state.glob("keys/*") if "private" in f.read_text() and old in f.read_text()
    ]
    with pair.connect() as connection:
        connection.sendall(b"hello")
        assert services.receive(connection, 5) == b"hello"
    until(lambda: any("used:" in f.read_text() for f in other.state.glob("peers/*")),
          "the first use is noted")
    assert not [e for n in (node, other) for e in n.events("state_failed")]


def test_revoke_where_no_room_is_left(make_pair):
    """What goes on counting is said, and how to cut the peer off all the same. A file system of
    its own, in a namespace that ends with the command."""
    pair = make_pair(start=False)
    store = pair.store
    store.write()
    script = ('cp -a $1 $1.kept && mount -t tmpfs -o size=96k,mode=700 none $1 && cp -a $1.kept/. '
              '$1 && rm -r $1.kept; dd if=/dev/zero of=$1/fill bs=1k 2>/dev/null; shift; exec "$@"')
    done = subprocess.run([
        "unshare", "-rm", "sh", "-c", script, "sh", store.state, *store.command, "-c", store.ini,
        "revoke", "hq"
    ], capture_output=True, text=True, env=store.env)
    assert done.returncode == 1, done.stderr
    assert ("No space left on device; its keys are NOT revoked" in done.stderr and
            f"`secureconn -c {store.ini} reload` cuts it off" in done.stderr)


def test_rotation_with_a_call(make_pair):
    """Without accept_rolls the new key waits for hq's operator; until then all goes on under the
    old one."""
    pair = rotating(make_pair, accept="no")
    hq, store = pair.hq, pair.store
    old = store.fingerprint()
    store.cli("key", "rotate")
    told = hq.wait("key_roll", peer="store", answer="pending")
    assert (f"`secureconn -c {hq.ini} verify store`" in told["hint"] and
            "vouches" in told["hint"])
    store.wait("key_announced", peer="hq", answer="pending")
    status = until(
        lambda: (s := store.cli("key", "rotate", "--status").stdout) and "needs a call" in s and s,
        "the answer in the status")
    new = fingerprints(store)["new"][0]
    assert old in status and new in status and "Known to 0 of 1 peers" in status
    assert fingerprints(store)["in use"] == [old]
    assert "on hold" in hq.cli("peers").stdout
    with pair.connect() as connection:
        connection.sendall(b"hello")
        assert services.receive(connection, 5) == b"hello"
    hq.cli("verify", "store", input=new + "\n")
    assert old in hq.cli("peers").stdout, "the old key stays valid beside the new one"
    store.wait("key_changed_over")
    assert not store.events("link_down") and not hq.events("link_down")
    since = store.position()
    hq.stop(), hq.start()
    store.wait("link_up", peer="hq", since=since)
    store.wait("key_retired", fingerprint=old)
    assert "knows it" in store.cli("key", "rotate", "--status").stdout


def test_rotation_goes_on_right_after_the_call(make_pair):
    """By itself the peer is asked again every quarter of an hour; whoever wants to know does not
    wait for that."""
    pair = make_pair(start=False)
    pair.start()
    hq, store = pair.hq, pair.store
    old = store.fingerprint()
    store.cli("key", "rotate")
    store.wait("key_announced", peer="hq", answer="pending")
    new = until(lambda: fingerprints(store).get("new"), "the new key")[0]
    said = hq.cli("verify", "store", input=new + "\n").stdout
    assert f"Its key {old}" in said and "7 days" in said, "the old one vouches, and stays valid"
    assert "not accepted" not in said
    assert fingerprints(store)["in use"] == [old]
    said = store.cli("key", "rotate", "--status").stdout
    assert re.search(rf"in use +{new}\n +hq +knows it\n", said), said
    store.wait("key_in_use", fingerprint=new)
    assert len(store.events("key_announced")) == 2
    store.cli("key", "rotate", "--status")
    assert len(store.events("key_announced")) == 2, "nobody is asked who knows it"


def test_rotation_finished_by_hand(make_pair):
    """On the operator's word, whatever the peers say: links stay, new ones need the call."""
    pair = rotating(make_pair, accept="no")
    hq, store = pair.hq, pair.store
    old = store.fingerprint()
    assert "no new" in store.cli("key", "rotate", "--finish", check=1).stderr
    store.cli("key", "rotate")
    store.wait("key_announced", peer="hq", answer="pending")
    done = store.cli("key", "rotate", "--finish")
    store.wait("key_in_use")
    assert "needs a call" in done.stdout and not store.events("link_down")
    new = fingerprints(store)["in use"][0]
    assert new != old and fingerprints(store)["former"] == [old]
    since = store.position(), hq.position()
    hq.stop(), hq.start()
    store.wait("handshake_failed", since=since[0], error="key_rejected")
    hq.cli("verify", "store", input=new + "\n")
    store.wait("link_up", peer="hq", since=since[0])


def test_rotation_at_once(make_pair):
    """key rotate --now, for a key that somebody else may have: nobody is asked."""
    pair = make_pair()
    old = pair.store.fingerprint()
    pair.store.cli("key", "rotate", "--now")
    pair.store.wait("key_in_use")
    new = fingerprints(pair.store)["in use"][0]
    assert new != old
    since = pair.store.position()
    pair.hq.stop(), pair.hq.start()
    pair.store.wait("handshake_failed", since=since, error="key_rejected")


def test_a_restart_in_the_middle_of_a_rotation(make_pair):
    """kill -9 of both, after the new key was announced: the rotation goes on where it was."""
    pair = rotating(make_pair, accept="no")
    hq, store = pair.hq, pair.store
    store.cli("key", "rotate")
    store.wait("key_announced", peer="hq", answer="pending")
    new = until(lambda: fingerprints(store).get("new"), "a new key")[0]
    until(lambda: "needs a call" in store.cli("key", "rotate", "--status").stdout, "the answer")
    store.kill(), hq.kill()
    hq.cli("verify", "store", input=new + "\n")
    since = store.position()
    hq.start(), store.start()
    store.wait("key_changed_over", since=since)
    assert fingerprints(store)["in use"] == [new]


def test_a_key_pair_for_one_peer(make_node, closing):
    """identity: hq shows one pair to branch, on links that it accepts, and its own to the
    others; store shows one to hq, which it dials."""
    echo = closing.add(services.Echo())
    port = free_port()
    hq = make_node(
        "hq", {
            "peer store": {},
            "peer branch": {
                "identity": "for-branch"
            },
            "service echo": {
                "connect": echo.address,
                "allow": "*"
            }
        })
    hq.set("node", listen=f"127.0.0.1:{port}")
    others = {}
    for name, identity in (("store", "for-hq"), ("branch", None)):
        others[name] = make_node(
            name, {
                "peer hq": {
                    "address": f"127.0.0.1:{port}",
                    **({
                        "identity": identity
                    } if identity else {})
                },
                "route echo": {
                    "listen": f"127.0.0.1:{free_port()}",
                    "peer": "hq"
                }
            })
    for node in (hq, *others.values()):
        node.init()
    identities = {(node.name, key["identity"]): key["fingerprint"]
                  for node in (hq, *others.values())
                  for key in json.loads(node.cli("key", "--json").stdout)["keys"]}
    assert len(set(identities.values())) == 5
    hq.cli("trust", "store", "--fingerprint", identities["store", "for-hq"])
    hq.cli("trust", "branch", "--fingerprint", identities["branch", None])
    others["store"].cli("trust", "hq", "--fingerprint", identities["hq", None])
    others["branch"].cli("trust", "hq", "--fingerprint", identities["hq", "for-branch"])
    for node in (hq, *others.values()):
        node.start()
    for name, node in others.items():
        # At the very first contact hq cannot know that it is branch, shows its own key, and is not
        # believed; then it knows.
        node.wait("link_up", peer="hq")
        hq.wait("link_up", peer=name)
        with services.connect(node.sections["route echo"]["listen"]) as connection:
            connection.sendall(b"hello")
            assert services.receive(connection, 5) == b"hello"
        # The next links are made in one flight, which names hq's key.
        since = node.position()
        node.stop()
        node.start()
        node.wait("link_up", peer="hq", since=since)
    verified = {
        name: [
            row["fingerprint"]
            for row in json.loads(node.cli("peers", "--json").stdout)["peers"]
            if row["state"] == "verified"
        ] for name, node in others.items()
    }
    assert verified == {
        "store": [identities["hq", None]],
        "branch": [identities["hq", "for-branch"]]
    }


def test_an_identity_without_keys_is_an_error_at_the_start(make_node):
    node = make_node("alone", {"peer hq": {"address": "127.0.0.1:9"}}).init()
    node.set("peer hq", identity="nobody")
    node.write()
    done = node.cli("run", check=1, timeout=10)
    assert ("identity" in done.stderr and "nobody" in done.stderr and
            f"`secureconn -c {node.ini} init`" in done.stderr)
    node.cli("init")
    node.start()


@pytest.mark.parametrize(
    "damage", ["torn", "empty", "oversized", "binary", "open to others", "a folder", "a loop"])
def test_a_bad_file_in_the_state_folder(make_pair, damage):
    """It is named, with what to do; everything else goes on."""
    pair = make_pair(start=False)
    text = next(pair.hq.state.glob("peers/*.key")).read_text()
    bad = pair.hq.state / "peers" / "other.0000-0000-0000-0000-0000-0000-0000-0000.key"
    if damage == "a folder":
        bad.mkdir(mode=0o700)
    elif damage == "a loop":
        bad.symlink_to(bad)
    else:
        content = {
            "torn": text[:200],
            "empty": "",
            "oversized": text * 100,
            "binary": "\0\x01" * 50
        }.get(damage, text)
        bad.write_text(content)
        bad.chmod(0o644 if damage == "open to others" else 0o600)
    assert str(bad) in pair.hq.cli("peers").stderr
    pair.hq.set("node", log_format="json").write()
    pair.start()
    assert [str(bad) in e["error"] for e in pair.hq.events("state_file_unusable")] == [True]
    assert all(line.startswith("{") for line in pair.hq.text().splitlines())
    with pair.connect() as connection:
        connection.sendall(b"hello")
        assert services.receive(connection, 5) == b"hello"
    late = bad.with_name("late" + bad.name)
    late.write_text("late")
    late.chmod(0o600)
    pair.hq.wait("state_file_unusable", error=lambda error: str(late) in error)


def test_commands_and_the_node_change_the_state_together(make_pair):
    """Two operators and the node at once: no decision is lost."""
    pair = make_pair()
    keys = [f"0000-0000-0000-0000-0000-0000-0000-{n:04d}" for n in range(20)]
    for n in range(20):
        pair.hq.set(f"peer p{n}")
    pair.hq.write()
    threads = [
        threading.Thread(target=lambda n=n: pair.hq.cli("trust", f"p{n}", "--fingerprint", keys[n]))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = json.loads(pair.hq.cli("peers", "--json").stdout)["peers"]
    assert {row["peer"]
            for row in rows
            if row["state"] == "expected"} == {f"p{n}" for n in range(20)}
    assert not pair.hq.events("link_down")
