"""Much data both ways at once, byte-exact, with every cipher and every implementation of it."""

import threading
import time

import pytest

import services
from node import until

pytestmark = pytest.mark.heavy

CIPHERS = ["AES 256", "AES 128", "ChaCha20-Poly1305", "CAST-128", "AES 256 OCB", "AES 128 OCB"]


def both_ways(pair, server, up, down):
    """Sends `up` while `down` comes; both must arrive as they are."""
    pair_results = len(server.results)
    with pair.connect(timeout=300) as s:
        sender = threading.Thread(target=up.send, args=(s,), daemon=True)
        start = time.monotonic()
        sender.start()
        got = services.digest_stream(s)
        sender.join(300)
        seconds = time.monotonic() - start
    until(lambda: len(server.results) > pair_results, "the server has got it all")
    assert got == (down.size, down.digest())
    assert server.results[-1] == (up.size, up.digest())
    return seconds


@pytest.mark.parametrize("cipher, implementations",
                         [(cipher, implementations)
                          for cipher in CIPHERS
                          for implementations in (("gcrypt", ) * 2, ("nettle", ) * 2)
                          if "OCB" not in cipher or implementations[0] == "gcrypt"] +
                         [("AES 256", ("nettle", "gcrypt")), ("CAST-128", ("gcrypt", "nettle")),
                          ("ChaCha20-Poly1305", ("nettle", "gcrypt"))], ids=lambda v: v
                         if isinstance(v, str) else "+".join(v))
def test_bulk_both_ways(make_pair, closing, has_gcrypt, size, record_property, cipher,
                        implementations):
    if "gcrypt" in implementations and not has_gcrypt:
        pytest.skip("built without libgcrypt")
    up, down = services.Pattern(1, size), services.Pattern(2, size)
    server = closing.add(services.BothWays(down))
    pair = make_pair(server.address, node={"symmetric": cipher},
                     hq={"implementations": implementations[0]},
                     store={"implementations": implementations[1]})
    for node, name in ((pair.hq, implementations[0]), (pair.store, implementations[1])):
        link = node.wait("link_up")
        assert (link["symmetric"], link["implementation"]) == (cipher, name)
    seconds = both_ways(pair, server, up, down)
    record_property("megabytes_per_second_each_way", round(size / seconds / 1e6))


def test_bulk_on_four_connections(make_pair, closing, size):
    quarter = size // 4 + 12345
    server = closing.add(services.BothWays(services.Pattern(3, quarter)))
    pair = make_pair(server.address)
    failures = []

    def one(seed):
        try:
            up = services.Pattern(seed, quarter)
            with pair.connect(timeout=300) as s:
                sender = threading.Thread(target=up.send, args=(s,), daemon=True)
                sender.start()
                got = services.digest_stream(s)
                sender.join(300)
            assert got == (quarter, server.pattern.digest())
        except BaseException as e:
            failures.append(e)
    threads = [threading.Thread(target=one, args=(10 + i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(300)
    assert not failures, failures
    until(lambda: len(server.results) == 4, "the server has got it all")
    assert sorted(server.results) == sorted(
        (quarter, services.Pattern(10 + i, quarter).digest()) for i in range(4))
