"""The figures for Prometheus: what they say, in a form that is right, and that whoever asks
badly harms nobody."""

import pathlib
import re
import socket
import time
import urllib.error
import urllib.request

import pytest

import services
from node import free_port, until

PAGE = pathlib.Path(__file__).resolve().parents[2] / "contrib" / "man" / "secureconn.1.scd"
SAMPLE = re.compile(r'(secureconn_\w+)(?:\{((?:\w+="[^"\\]*",?)+)\})? (-?[0-9.e+-]+)')


@pytest.fixture
def served(make_pair):
    """A pair whose store serves metrics."""
    pair = make_pair(start=False, node={"asymmetric": "X25519"},
                     store={"metrics": f"127.0.0.1:{free_port()}"})
    return pair.start()


def address(pair):
    return pair.store.sections["node"]["metrics"]


def fetch(pair, path="/metrics", method="GET"):
    request = urllib.request.Request(f"http://{address(pair)}{path}", method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers, answer.read().decode()


def figures(text):
    """{(name, labels): value}; every line is looked at."""
    found, types, helped = {}, {}, set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped.add(line.split()[2])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name not in types and kind in ("gauge", "counter")
            types[name] = kind
        else:
            m = SAMPLE.fullmatch(line)
            assert m, line
            name, labels, value = m.groups()
            assert name in types and name in helped and (
                types[name] == "counter") == name.endswith("_total"), line
            key = (name.removeprefix("secureconn_"), labels or "")
            assert key not in found, line
            found[key] = float(value)
    return found


def test_figures(served):
    with served.connect() as s:
        s.sendall(b"x" * 1000)
        services.receive(s, 1000)
        headers, text = fetch(served)
        assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
        f = figures(text)
        assert f["info", 'name="store",version="0.1.0"'] == 1
        assert f["peer_up", 'peer="hq"'] == 1 and f["peer_streams", 'peer="hq"'] == 1
        assert f["connections", 'route="echo"'] == 1 and f["connections_total", 'route="echo"'] == 1
        assert f["received_bytes_total", 'route="echo"'] == f["sent_bytes_total",
                                                              'route="echo"'] == 1000
        assert f["peer_received_bytes_total", 'peer="hq"'] > 1000
        assert f["memory_bytes", ""] > 1_000_000 and f["log_dropped_total", ""] == 0
        page = re.sub(r"[\\*]", "", PAGE.read_text().partition("# METRICS")[2].partition("\n# ")[0])
        assert not {
            name for name, _ in f if
            not re.search(rf"(?<!\w)(secureconn)?_(peer_)?{name.removeprefix('peer_')}(?!\w)", page)
        }
    served.hq.stop()
    served.store.wait("link_down")
    until(
        lambda: services.gets_reset(served.route) and
        ("refused_total", 'route="echo",reason="peer_absent"') in figures(fetch(served)[1]),
        "a refused connection is counted", 40)
    assert figures(fetch(served)[1])["peer_up", 'peer="hq"'] == 0


def test_only_that_page(served):
    headers, text = fetch(served, method="HEAD")
    assert text == "" and headers["Transfer-Encoding"] == "chunked"
    for path, method, status in (("/", "GET", 404), ("/metrics", "POST", 405), ("/metrics/x", "GET",
                                                                                404)):
        with pytest.raises(urllib.error.HTTPError) as e:
            fetch(served, path, method)
        assert e.value.code == status


def test_somebody_who_knows_no_chunks(served):
    """HTTP/1.0: the page ends with the connection."""
    with services.connect(address(served)) as s:
        s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        head, _, page = services.receive_all(s).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n") and "chunked" not in head
    assert figures(page).keys() == figures(fetch(served)[1]).keys()


@pytest.mark.parametrize("said, status", [(b"\x16\x03\x01\x02\x00\x01", b"400"),
                                          (b"hello\r\n\r\n", b"400"),
                                          (b"GET /" + b"x" * 5000, b"431"),
                                          (b"GET /metrics HTTP/9\r\n\r\n", b"400")])
def test_nonsense(served, said, status):
    with services.connect(address(served)) as s:
        try:
            s.sendall(said)
            answer = services.receive_all(s)
            assert answer.startswith(b"HTTP/1.1 " + status)
        except ConnectionResetError:
            assert len(said) > 4096, "what was not read resets the connection, and only that may"
    figures(fetch(served)[1])


def test_slow_ones_are_bounded(served):
    """Eight places; the others are closed at once; the places come back."""
    held = [services.connect(address(served)) for _ in range(8)]
    for s in held:
        s.sendall(b"GET /met")
    until(lambda: refused_at_once(address(served)), "the ninth is closed")
    with served.connect() as s:
        s.sendall(b"x")
        assert services.receive(s, 1) == b"x"
    began = time.monotonic()
    for s in held:
        assert s.recv(1) == b""
        s.close()
    assert time.monotonic() - began < 20
    figures(fetch(served)[1])


def refused_at_once(where):
    with services.connect(where, 2) as s:
        try:
            return s.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False


def test_a_port_in_use(make_node, closing):
    server = closing.add(services.Echo())
    node = make_node("store").set("node", metrics=server.address, asymmetric="X25519").init()
    node.start(wait=False)
    assert node.ended() == 1
    assert "[node] metrics: cannot listen on" in node.text()
