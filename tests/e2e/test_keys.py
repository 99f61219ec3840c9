"""What operators do to keys while nodes run: another key on hold, revocation, rotation, identities, the state folder."""

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
    """Whoever revokes, accepted or dialed: streams are reset, no new link, within 100 ms of the command's end."""
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
    assert node.wait("link_down", peer=other.name, since=since[0])["reason"] == "closed here: denied"
    assert other.wait("link_down", peer=node.name, since=since[1])["reason"] == "closed by the peer: denied"
    node.wait("peer_unverified", since=since[0])
    # The store goes on dialing: it is refused, and its key does not wait.
    failed = node.wait("handshake_failed", since=since[0], error=lambda e: e == "key_not_verified")
    assert "revoked" in failed["hint"]
    assert not node.events("key_pending", since=since[0])
    assert "pending" not in node.cli("peers").stdout
    # Back again, on purpose only.
    node.cli("trust", other.name, "--fingerprint", other.fingerprint(), check=1)
    node.cli("trust", other.name, "--fingerprint", other.fingerprint(), "--again")
    node.wait("link_up", peer=other.name, since=since[0])


def test_another_key_is_on_hold(make_pair, folder):
    """hq is installed anew: its new key waits beside the old one, which stays valid, and both operators are told what settles it."""
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
    assert told["level"] == "warning" and "NOT the key" in told["hint"] and "secureconn verify hq" in told["hint"]
    refused = hq.wait("handshake_failed", since=hq.mark, error="key_rejected")
    assert "secureconn verify" in refused["hint"]
    assert services.gets_reset(pair.route, b"too early")
    rows = store.cli("peers").stdout
    assert "hq               on hold " in rows and "hq               verified " in rows and old in rows
    assert new not in rows + store.text(), "nothing that could be confirmed without the call"
    # It knocks again and again, and is logged once.
    until(lambda: len(hq.events("handshake_failed", since=hq.mark, error="key_rejected")) >= 3 or hq.events("log_suppressed"), "more calls")
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
    assert "verified key already" in done.stdout and f"{old}, is not accepted any more" in done.stdout
    store.wait("link_up", peer="hq", since=since)
    assert "on hold" not in store.cli("peers").stdout
