"""Peers and targets by name, with a name server that is late, changes its mind, fails and hangs."""

import signal
import socket
import time

import pytest

import dns
import services
from node import free_port, until

pytestmark = pytest.mark.usefixtures("namespace")


@pytest.fixture
def namespace():
    dns.needs_namespace()


@pytest.fixture
def named(make_pair, closing):
    """A pair in which store knows hq by its name; not started."""
    def make(address="127.0.0.1", timeout=1, **kwargs):
        pair = make_pair(start=False, **kwargs)
        names = closing.add(dns.NameServer(hq_test=[address]))
        port = pair.relay.port if pair.relay else pair.peer_port
        pair.store.set("peer hq", address=f"hq.test:{port}")
        names.serve(pair.store, timeout)
        return pair, names
    return make


def works(pair):
    with pair.connect() as s:
        s.sendall(b"hello")
        return services.receive(s, 5) == b"hello"


@pytest.mark.parametrize("mode", ["fail", "silent"])
def test_a_start_before_the_name_server(named, mode):
    pair, names = named()
    names.mode = mode
    pair.start(wait=False)
    failed = pair.store.wait("dial_failed", peer="hq")
    assert (failed["address"].startswith("hq.test:") and
            failed["error"] == "the name cannot be looked up just now")
    names.mode = "answer"
    pair.up()
    assert works(pair)


def test_an_answer_that_changes(named):
    """The peer moves: the next attempt finds it."""
    pair, names = named("127.0.0.2")
    pair.hq.set("node", listen=f"127.0.0.2:{pair.peer_port}")
    pair.start()
    assert pair.store.events("link_up")[0]["address"] == f"127.0.0.2:{pair.peer_port}"
    pair.hq.stop()
    at_hq, at_store = pair.hq.position(), pair.store.position()
    pair.hq.set("node", listen=f"127.0.0.3:{pair.peer_port}")
    names.names["hq.test"] = ["127.0.0.3"]
    pair.hq.start()
    pair.up(at_hq, at_store)
    assert pair.store.events("link_up",
                             since=at_store)[0]["address"] == f"127.0.0.3:{pair.peer_port}"
    changed = pair.store.wait("address_changed", name="hq.test")
    assert changed["addresses"] == "127.0.0.3" and changed["before"] == "127.0.0.2"
    assert works(pair)


@pytest.mark.parametrize("mode", ["fail", "silent", "gone"])
def test_the_last_good_answer(named, mode):
    """The name server is away when the link has to be dialed again."""
    pair, names = named(relay=True)
    pair.start()
    at_hq, at_store = pair.hq.position(), pair.store.position()
    if mode == "gone":
        del names.names["hq.test"]
    else:
        names.mode = mode
    pair.relay.cut()
    pair.up(at_hq, at_store)
    failed = pair.store.wait("resolve_failed", name="hq.test")
    assert failed["using"] == "127.0.0.1"
    assert works(pair)
    names.mode, names.names["hq.test"] = "answer", ["127.0.0.1"]
    pair.relay.cut()
    pair.store.wait("resolve_again", name="hq.test")


def test_a_name_server_that_hangs_keeps_nobody_waiting(named, make_node, closing):
    """Twenty names that nobody answers: neither another peer's handshakes nor the end of the
    node wait for them."""
    pair, names = named(timeout=30)
    names.mode = "silent"
    for i in range(20):
        pair.store.set(f"peer lost-{i}", address=f"lost-{i}.test:7400")
    pair.store.set("peer hq", address=f"127.0.0.1:{pair.peer_port}")
    start = time.monotonic()
    pair.start()
    assert works(pair)
    for _ in range(5):
        at_hq, at_store = pair.hq.position(), pair.store.position()
        pair.hq.stop()
        pair.hq.start()
        pair.up(at_hq, at_store)
    assert names.asked > 0
    assert time.monotonic() - start < 25
    start = time.monotonic()
    pair.store.signal(signal.SIGTERM)
    assert pair.store.ended(10) == 0
    assert time.monotonic() - start < 3


def test_both_families(named):
    """A name with an IPv6 address where nobody answers, and the IPv4 address of the peer."""
    pair, names = named()
    names.names["hq.test"] = ["::1", "127.0.0.1"]
    pair.start()
    assert works(pair)


def test_the_name_of_a_target(make_pair, closing):
    """A service's target by name: found at each connection, also after it has moved."""
    port = free_port()
    pair = make_pair(target=f"db.test:{port}", start=False, service={
        "plaintext": "allow",
        "connect_timeout": "5s"
    })
    names = closing.add(dns.NameServer(db_test=["127.0.0.5"])).serve(pair.hq)
    first = closing.add(services.Echo(host="127.0.0.5", port=port))
    pair.start()
    assert works(pair) and first.accepted == 1
    names.mode = "fail"
    assert works(pair) and first.accepted == 2
    names.mode, names.names["db.test"] = "answer", ["127.0.0.6"]
    second = closing.add(services.Echo(host="127.0.0.6", port=port))
    until(lambda: works(pair) and second.accepted > 0, "the new address is used")


def test_no_such_target(make_pair, closing):
    pair = make_pair(target="nowhere.test:1", start=False, service={"plaintext": "allow"})
    names = closing.add(dns.NameServer()).serve(pair.hq)
    pair.start()
    assert services.gets_reset(pair.route)
    refused = pair.store.wait("connection_refused", route="echo")
    assert refused["reason"] == "address not found"
    assert "nowhere.test:1" in pair.hq.wait("connection_refused", service="echo")["reason"]
    assert names.asked > 0
