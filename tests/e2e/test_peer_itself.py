"""The Python peer against itself: both roles, so that a failure against the program is not the
peer's own."""

import threading

import pytest

from peer import DATA, FIN, OPEN, Door, Identity, dial


@pytest.mark.parametrize("symmetric", ["AES 256", "CAST-128"])
@pytest.mark.parametrize("lists", [(("X25519", ), ("X25519", )),
                                   (("ElGamal 2048", "X25519"), ("X25519", ))],
                         ids=["first suggestion", "counter-suggestion"])
def test_link(symmetric, lists):
    here, there = (Identity("here", lists[0]), Identity("there", lists[1]))
    door, result = Door(), {}

    def other():
        link = door.accept(there, symmetric=[symmetric]).up()
        result["link"] = link
        result["frames"] = [link.next_frame(), link.next_frame(), link.next_frame()]

    thread = threading.Thread(target=other)
    thread.start()
    link = dial(door.port, here, symmetric=[symmetric]).up()
    stream = link.open("echo")
    link.data(stream, b"hello")
    link.fin(stream, 5)
    thread.join(20)
    assert [f[0] for f in result["frames"]] == [OPEN, DATA, FIN]
    assert result["link"].client != link.client
    assert link.client == (lists[0] == lists[1])
    link.close(), result["link"].close(), door.close()
