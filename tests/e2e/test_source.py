"""Who the client is, as the target of a service is told: PROXY headers, and connections from the
client's own address."""

import ipaddress
import json
import shutil
import socket
import struct

import pytest

import services
from namespace import Namespace
from node import free_port
from peer import DATA, FIN, OPENED, RESET, Identity, dial
from services import Server, receive, receive_all

GRANTED = "10.1.0.0/16, 2001:db8:1::/48"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture(scope="module")
def py():
    return Identity("py")


def tlv(tag, address, port):
    value = ipaddress.ip_address(address).packed + struct.pack(">H", port)
    return bytes([tag, len(value)]) + value


def claims(source=None, destination=None):
    """The options of an OPEN: (address, port) each."""
    return (tlv(1, *source) if source else b"") + (tlv(2, *destination) if destination else b"")


class Host:
    """A node with a service `web` for a Python peer named py, which may claim what GRANTED says."""

    def __init__(self, make_node, closing, identity, target, sources=GRANTED, node=None, **service):
        self.closing, self.identity, self.port = closing, identity, free_port()
        self.node = make_node(
            "hq", {
                "node": {
                    "name": "hq",
                    "state": "state",
                    "log": "debug"
                },
                "peer py": {},
                "service web": {
                    "connect": target,
                    "allow": "py",
                    **service
                }
            })
        self.node.set("node", listen=f"127.0.0.1:{self.port}", asymmetric="X25519", **(node or {}))
        if sources:
            self.node.set("peer py", sources=sources)
        self.node.init()
        for algorithm in identity.keys:
            self.node.cli("trust", "py", "--fingerprint", identity.fingerprint(algorithm))
        self.node.start()

    def dial(self):
        return self.closing.add(dial(self.port, self.identity))

    def link(self):
        link = self.dial().up()
        self.node.wait("peer_verified", peer="py")
        return link


def everything(link, options, data=b"", say_at_once=True):
    """All that the target sends back for data, until its end; the stream ends cleanly."""
    def say():
        for at in range(0, len(data), 16384):
            link.data(stream, data[at:at + 16384])
        link.fin(stream, len(data))

    stream = link.open("web", options)
    if say_at_once:
        say()
    got, opened = b"", False
    while True:
        kind, s, payload = link.next_frame(skip=())
        if kind == OPENED:
            assert not opened
            opened = True
            if not say_at_once:
                say()
        elif kind == DATA:
            assert opened
            got += payload
        elif kind == FIN:
            assert struct.unpack(">Q", payload) == (len(got),)
            link.grant(stream, len(got) + 1, 0)
            return got
        elif kind == RESET:
            raise AssertionError(f"RESET {payload}")


class Mirror(Server):
    """Takes all until the end, then gives it back."""

    def __init__(self, **options):
        super().__init__(self._mirror, **options)

    @staticmethod
    def _mirror(sock):
        sock.sendall(receive_all(sock))


def v2(family=0, body=b""):
    return SIGNATURE + (b"\x21" if family else b"\x20") + bytes([family]) + struct.pack(
        ">H", len(body)) + body


def packed(*addresses):
    return b"".join(ipaddress.ip_address(a).packed for a in addresses)


# ---- what the header says ----

UNKNOWN = (b"PROXY UNKNOWN\r\n", v2())

# source, destination, and what they become with a target on 127.0.0.1 at port T
CLAIMS = {
    "granted": (("10.1.2.3", 4242), None, lambda t:
                (f"PROXY TCP4 10.1.2.3 127.0.0.1 4242 {t}\r\n".encode(),
                 v2(0x11,
                    packed("10.1.2.3", "127.0.0.1") + struct.pack(">HH", 4242, t)))),
    "destination granted": (("10.1.2.3", 4242), ("10.1.0.9", 443), lambda t:
                            (b"PROXY TCP4 10.1.2.3 10.1.0.9 4242 443\r\n",
                             v2(0x11,
                                packed("10.1.2.3", "10.1.0.9") + struct.pack(">HH", 4242, 443)))),
    "destination not granted": (
        ("10.1.2.3", 4242), ("127.0.0.1", 443), lambda t:
        (f"PROXY TCP4 10.1.2.3 127.0.0.1 4242 {t}\r\n".encode(),
         v2(0x11,
            packed("10.1.2.3", "127.0.0.1") + struct.pack(">HH", 4242, t)))),
    "ipv6": (("2001:db8:1::5", 1), ("2001:db8:1::9", 2), lambda t:
             (b"PROXY TCP6 2001:db8:1::5 2001:db8:1::9 1 2\r\n",
              v2(0x21,
                 packed("2001:db8:1::5", "2001:db8:1::9") + struct.pack(">HH", 1, 2)))),
    "ipv6 to an IPv4 target": (
        ("2001:db8:1::5", 1), None, lambda t:
        (f"PROXY TCP6 2001:db8:1::5 ::ffff:127.0.0.1 1 {t}\r\n".encode(),
         v2(0x21,
            packed("2001:db8:1::5", "::ffff:127.0.0.1") + struct.pack(">HH", 1, t)))),
    "not granted": (("10.2.2.3", 4242), ("10.1.0.9", 443), lambda t: UNKNOWN),
    "none": (None, None, lambda t: UNKNOWN),
    "only a destination": (None, ("10.1.0.9", 443), lambda t: UNKNOWN),
    "loopback": (("127.0.0.1", 4242), ("10.1.0.9", 443), lambda t: UNKNOWN),
    "loopback in disguise": (("::ffff:127.0.0.1", 4242), None, lambda t: UNKNOWN),
    "granted, in disguise": (("::ffff:10.1.2.3", 4242), None, lambda t: UNKNOWN),
    "port 0": (("10.1.2.3", 0), None, lambda t: UNKNOWN),
}


@pytest.mark.parametrize("version", [1, 2])
def test_headers(make_node, closing, py, version):
    target = closing.add(Mirror())
    host = Host(make_node, closing, py, target.address, send_proxy=f"v{version}")
    link = host.link()
    for name, (source, destination, wanted) in CLAIMS.items():
        header = wanted(target.port)[version - 1]
        for at_once in (True, False):
            got = everything(link, claims(source, destination), b"GET / HTTP/1.0\r\n\r\n", at_once)
            assert got == header + b"GET / HTTP/1.0\r\n\r\n", name
        assert everything(link, claims(source, destination)) == header, name  # an end at once


@pytest.mark.parametrize("source, destination",
                         [(("127.0.0.1", 1), None), (("169.254.1.1", 1), None),
                          (("224.0.0.1", 1), None), (("0.0.0.0", 1), None), (("::1", 1), None),
                          (("fe80::1", 1), None), (("ff02::1", 1), None), (("::", 1), None),
                          (("::ffff:10.1.2.3", 1), None)])
def test_what_nobody_may_claim(make_node, closing, py, source, destination):
    """Not even a peer that may claim everything else."""
    target = closing.add(Mirror())
    host = Host(make_node, closing, py, target.address, sources="0.0.0.0/0, ::/0", send_proxy="v1")
    link = host.link()
    assert everything(link, claims(source, destination), b"x") == UNKNOWN[0] + b"x"
    assert everything(link, claims(("198.51.100.7", 9)),
                      b"x").startswith(b"PROXY TCP4 198.51.100.7 ")
    assert host.node.wait("client_introduced", known="no", peer="py", service="web")
    assert host.node.wait("client_introduced", known="yes", source="198.51.100.7:9")


def own_address():
    """An address of this host that is not of loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing
            address = s.getsockname()[0]
            return None if address.startswith("127.") else address
        except OSError:
            return None


@pytest.mark.skipif(not own_address(), reason="this host has no address but loopback")
def test_an_address_of_this_host(make_node, closing, py):
    target = closing.add(Mirror())
    host = Host(make_node, closing, py, target.address, sources="0.0.0.0/0", send_proxy="v1")
    assert everything(host.link(), claims((own_address(), 4242)), b"x") == UNKNOWN[0] + b"x"


def test_without_sources_nobody_is_believed(make_node, closing, py):
    target = closing.add(Mirror())
    host = Host(make_node, closing, py, target.address, sources=None, send_proxy="v2")
    assert everything(host.link(), claims(("10.1.2.3", 4242)), b"x") == UNKNOWN[1] + b"x"


def test_off_is_the_default(make_node, closing, py):
    target = closing.add(Mirror())
    host = Host(make_node, closing, py, target.address)
    assert everything(host.link(), claims(("10.1.2.3", 4242)), b"x") == b"x"
    closed = host.node.wait("connection_closed", service="web")
    assert closed["source"] == "10.1.2.3:4242"  # a claim is logged in any case
    assert (closed["bytes_in"], closed["bytes_out"]) == ("1", "1")


def test_a_unix_target(make_node, closing, py, folder):
    target = closing.add(Mirror(path=folder / "web.sock"))
    host = Host(make_node, closing, py, target.address, send_proxy="v1")
    assert everything(host.link(), claims(("10.1.2.3", 4242)),
                      b"x") == b"PROXY TCP4 10.1.2.3 0.0.0.0 4242 0\r\nx"


def test_the_next_target_gets_a_header_too(make_node, closing, py):
    target = closing.add(Mirror())
    host = Host(make_node, closing, py, f"127.0.0.1:{free_port()}, {target.address}",
                send_proxy="v1")
    got = everything(host.link(), claims(("10.1.2.3", 4242)), b"x")
    assert got == f"PROXY TCP4 10.1.2.3 127.0.0.1 4242 {target.port}\r\nx".encode()


def test_a_header_is_not_counted(make_node, closing, py):
    target = closing.add(Server(lambda sock: receive_all(sock)))
    host = Host(make_node, closing, py, target.address, send_proxy="v1")
    assert everything(host.link(), claims(("10.1.2.3", 4242)), b"12345") == b""
    closed = host.node.wait("connection_closed", service="web")
    assert (closed["bytes_in"], closed["bytes_out"]) == ("0", "5")


def test_the_server_speaks_first(make_node, closing, py):
    """A target that waits for the header, greets, and then listens."""
    def greet(sock):
        header = receive(
            sock,
            len(b"PROXY TCP4 10.1.2.3 127.0.0.1 4242 65535\r\n") - 5 + len(str(target.port)))
        sock.sendall(b"hello " + header)
        receive_all(sock)

    target = closing.add(Server(greet))
    host = Host(make_node, closing, py, target.address, send_proxy="v1")
    link = host.link()
    stream = link.open("web", claims(("10.1.2.3", 4242)))
    assert link.next_frame()[:2] == (OPENED, stream)
    got = b""
    while not got.endswith(b"\r\n"):
        got += link.next_frame(DATA)[2]
    assert got == f"hello PROXY TCP4 10.1.2.3 127.0.0.1 4242 {target.port}\r\n".encode()
    link.fin(stream, 0)


def test_reload_changes_it_for_new_connections(make_node, closing, py):
    target = closing.add(Mirror())
    host = Host(make_node, closing, py, target.address, send_proxy="v1")
    link = host.link()
    mine = claims(("10.1.2.3", 4242))
    assert everything(link, mine).startswith(b"PROXY TCP4 ")
    host.node.set("peer py", sources="10.2.0.0/16").write()
    host.node.cli("reload")
    assert everything(link, mine) == UNKNOWN[0]
    host.node.set("service web", send_proxy="v2").set("peer py", sources="10.0.0.0/8").write()
    host.node.cli("reload")
    assert everything(link, mine).startswith(v2(0x11, bytes(12))[:16])
    host.node.set("service web", send_proxy=None).write()
    host.node.cli("reload")
    assert everything(link, mine) == b""


# ---- between two nodes ----

def test_a_client_on_loopback_stays_unknown(make_pair, closing):
    target = closing.add(Mirror())
    pair = make_pair(target.address, service={"send_proxy": "v1"}, hq={"log": "debug"})
    with pair.connect() as c:
        mine = "%s:%d" % c.getsockname()
        c.sendall(b"x" * 100000)
        c.shutdown(socket.SHUT_WR)
        assert receive_all(c) == UNKNOWN[0] + b"x" * 100000
    assert pair.hq.wait("connection_closed", service="echo")["source"] == mine


def test_the_header_comes_once_however_often_the_link_is_lost(make_pair, closing):
    target = closing.add(services.Echo())
    pair = make_pair(target.address, relay=True, service={"send_proxy": "v1"})
    with pair.connect() as c:
        got = b""
        for i in range(3):
            c.sendall(b"%d" % i * 1000)
            while len(got) < len(UNKNOWN[0]) + 1000 * (i + 1):
                got += c.recv(65536)
            since = pair.hq.position(), pair.store.position()
            pair.relay.cut()
            pair.up(*since)
        c.shutdown(socket.SHUT_WR)
        got += receive_all(c)
    assert got == UNKNOWN[0] + b"0" * 1000 + b"1" * 1000 + b"2" * 1000


def test_a_target_that_goes_before_the_header(make_pair, closing):
    """Whatever it meets, the connection ends, and the node serves on."""
    target = closing.add(services.ResetLater())
    pair = make_pair(target.address, service={"send_proxy": "v2"})
    for _ in range(20):
        services.gets_reset(pair.route)
    assert pair.hq.process.poll() is None


def move(node, space):
    """The node runs in the namespace."""
    node.command = [*space.command, *node.command]


@pytest.mark.parametrize("family", [4, 6])
def test_three_hosts(make_pair, closing, folder, family):
    """A client, the node that it reaches by its network, and the node of the service: what the
    first says of the client arrives, with the address that it went to, be it one that the host
    only takes for its own."""
    client, store, hq = [closing.add(Namespace()) for _ in range(3)]
    a, b, elsewhere = ("10.1.0.2", "10.1.0.1",
                       "10.50.1.1") if family == 4 else ("fd01::2", "fd01::1", "fd50::1")
    bits, grant = ("24", "10.1.0.0/16, 10.50.0.0/16") if family == 4 else ("64",
                                                                           "fd01::/64, fd50::/64")
    client.cable(store, f"{a}/{bits}", f"{b}/{bits}")
    store.cable(hq, "10.9.0.1/24", "10.9.0.2/24", "between")
    store.ip("route", "add", "local", "10.50.0.0/16" if family == 4 else "fd50::/64", "dev", "lo")
    client.ip("route", "add", "10.50.0.0/16" if family == 4 else "fd50::/64", "via", b)
    with hq.inside():
        target = closing.add(Mirror())
    port, any_address = free_port(), "0.0.0.0" if family == 4 else "[::]"
    pair = make_pair(target.address, start=False, service={"send_proxy": "v1"}, route={
        "listen": f"{any_address}:{port}",
        "plaintext": "allow"
    })
    move(pair.hq, hq), move(pair.store, store)
    pair.hq.set("node", listen="10.9.0.2:7400").set("peer store", sources=grant)
    pair.store.set("peer hq", address="10.9.0.2:7400")
    pair.start()
    for destination in (b, elsewhere):
        with client.inside():
            c = socket.create_connection((destination, port), 20)
        with c:
            mine = c.getsockname()[1]
            c.sendall(b"x" * 100000)
            c.shutdown(socket.SHUT_WR)
            assert receive_all(
                c
            ) == f"PROXY TCP{family} {a} {destination} {mine} {port}\r\n".encode() + b"x" * 100000
        shown = f"{a}:{mine}" if family == 4 else f"[{a}]:{mine}"
        pair.hq.wait("connection_closed", source=shown, service="echo")
        pair.store.wait("connection_closed", source=shown, route="echo")


# ---- real programs ----

class ProxyNginx(services.Process):
    """Says who it thinks the client is."""

    def __init__(self):
        super().__init__("sc-nginx-")
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; worker_processes 1;
            pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 64; }}
            http {{
                access_log off; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;
                client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
                fastcgi_temp_path {self.folder}/fastcgi; uwsgi_temp_path {self.folder}/uwsgi;
                scgi_temp_path {self.folder}/scgi;
                server {{ listen 127.0.0.1:{self.port} proxy_protocol;
                          location / {{
                            return 200 "$remote_addr $proxy_protocol_addr:$proxy_protocol_port\\n";
                          }} }}
            }}""")
        self.run(
            shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder), "-c",
            str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log"))


class ProxyHAProxy(services.Process):
    def __init__(self):
        super().__init__("sc-haproxy-")
        (self.folder / "haproxy.cfg").write_text(f"""
defaults
    mode http
    timeout client 20s
    timeout connect 20s
    timeout server 20s
frontend web
    bind 127.0.0.1:{self.port} accept-proxy
    http-request return status 200 content-type text/plain lf-string "%[src] %[src]:%[src_port]\\n"
""")
        self.run(
            shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f",
            str(self.folder / "haproxy.cfg"))


PROGRAMS = {"nginx": ProxyNginx, "haproxy": ProxyHAProxy}


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_real_program(make_node, closing, py, name, version):
    if not (shutil.which(name) or shutil.which(name, path="/usr/sbin")):
        pytest.skip(f"{name} is not installed")
    server = closing.add(PROGRAMS[name]())
    host = Host(make_node, closing, py, server.address, send_proxy=version)
    link = host.link()
    request = b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"

    def says(source, at_once=True):
        """The server closes when it has answered."""
        return everything(link, claims(source), request,
                          at_once).rpartition(b"\r\n\r\n")[2].strip().decode()

    for at_once in (True, False):
        assert says(("10.1.2.3", 4242), at_once) == "10.1.2.3 10.1.2.3:4242"
        assert says(("2001:db8:1::5", 77), at_once).startswith("2001:db8:1::5 ")
        assert says(("10.2.2.3", 4242), at_once).startswith("127.0.0.1 ")
        assert says(None, at_once).startswith("127.0.0.1 ")


# ---- source = original ----

def whose(sock):
    """Says from where it was called, and gives back what comes."""
    sock.sendall(b"%s " % sock.getpeername()[0].encode())
    sock.sendall(receive_all(sock))


@pytest.fixture
def net(folder, closing):  # the folder is needed to the last
    """A namespace in which answers to addresses that this host has not come back to it, if they
    are answers of its loopback."""
    net = closing.add(Namespace())
    if not net.possible("rule", "add", "from", "127.0.0.0/8", "iif", "lo", "lookup", "123"):
        pytest.skip("this kernel has no policy routing")
    net.ip("route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "123")
    return net


class Inside(Host):
    """The same in a namespace."""

    def __init__(self, net, make_node, closing, identity, target, before=(), **options):
        self.net = net

        def make(*arguments):
            node = make_node(*arguments)
            node.command = [*net.command, *before, *node.command]
            return node
        super().__init__(make, closing, identity, target, **options)

    def dial(self):
        with self.net.inside():
            return super().dial()


def refused(link, options):
    stream = link.open("web", options)
    kind, s, payload = link.next_frame(OPENED, RESET)
    assert (kind, s) == (RESET, stream)
    return struct.unpack(">H", payload[:2])[0], payload[2:].decode()


def test_the_target_sees_the_client(net, make_node, closing, py):
    with net.inside():
        target = closing.add(Server(whose))
    host = Inside(net, make_node, closing, py, target.address, source="original")
    link = host.link()
    big = bytes(range(256)) * 500
    for at_once in (True, False):
        assert everything(link, claims(("10.1.2.3", 4242)), big, at_once) == b"10.1.2.3 " + big
        assert everything(link, claims(("10.1.255.254", 4242)), b"y", at_once) == b"10.1.255.254 y"
    assert not host.node.events("source_impossible")


def test_the_target_sees_an_ipv6_client(net, make_node, closing, py):
    if not net.possible("-6", "rule", "add", "from", "::1/128", "iif", "lo", "lookup", "123"):
        pytest.skip("no policy routing of IPv6")
    net.ip("-6", "route", "add", "local", "::/0", "dev", "lo", "table", "123")
    with net.inside():
        target = closing.add(Server(whose, host="::1"))
    host = Inside(net, make_node, closing, py, target.address, source="original")
    link = host.link()
    assert everything(link, claims(("2001:db8:1::5", 4242)), b"x") == b"2001:db8:1::5 x"
    # a client of the other family cannot be shown
    assert refused(link, claims(("10.1.2.3", 4242))) == (5, "connection refused")


def test_whom_a_peer_may_not_claim_is_refused(net, make_node, closing, py):
    net.ip("addr", "add", "10.1.7.7/32", "dev", "lo")
    with net.inside():
        target = closing.add(Server(whose))
    host = Inside(net, make_node, closing, py, target.address, source="original")
    link = host.link()
    for source in (("10.2.2.3", 4242), ("127.0.0.1", 1), ("2001:db8:2::1", 1), ("::ffff:10.1.2.3",
                                                                                1), ("10.1.2.3", 0),
                   ("10.1.7.7", 4242), None):  # 10.1.7.7: this host itself
        assert refused(link, claims(source)) == (3, "denied")
    assert target.accepted == 0
    reasons = [
        e["reason"] for e in host.node.events("connection_refused", service="web", peer="py")
    ]
    assert len(reasons) == 7 and all(r.startswith("denied: `source = original`: ") for r in reasons)
    assert everything(link, claims(("10.1.2.3", 4242)), b"x") == b"10.1.2.3 x"


def test_a_source_and_a_header(net, make_node, closing, py):
    with net.inside():
        target = closing.add(Server(whose))
    host = Inside(net, make_node, closing, py, target.address, source="original", send_proxy="v1")
    got = everything(host.link(), claims(("10.1.2.3", 4242)), b"x")
    assert got == f"10.1.2.3 PROXY TCP4 10.1.2.3 127.0.0.1 4242 {target.port}\r\nx".encode()


def test_the_next_target_with_the_clients_address(net, make_node, closing, py):
    with net.inside():
        target = closing.add(Server(whose))
    host = Inside(net, make_node, closing, py, f"127.0.0.1:{free_port()}, {target.address}",
                  source="original")
    assert everything(host.link(), claims(("10.1.2.3", 4242)), b"x") == b"10.1.2.3 x"


def test_a_target_on_another_host(make_node, closing, py):
    """The node is on the target's way to the clients, and takes the answers that pass."""
    net, far = closing.add(Namespace()), closing.add(Namespace())
    net.cable(far, "10.9.0.1/24", "10.9.0.2/24")
    far.ip("route", "add", "default", "via", "10.9.0.1")
    if not net.possible("rule", "add", "iif", "wire", "lookup", "100"):
        pytest.skip("this kernel has no policy routing")
    net.ip("route", "add", "local", "10.1.0.0/16", "dev", "lo", "table", "100")
    with far.inside():
        target = closing.add(Server(whose, host="10.9.0.2"))
    host = Inside(net, make_node, closing, py, target.address, source="original", plaintext="allow")
    assert everything(host.link(), claims(("10.1.2.3", 4242)),
                      b"x" * 100000) == b"10.1.2.3 " + b"x" * 100000


def test_without_the_privilege(net, make_node, closing, py):
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed")
    with net.inside():
        target = closing.add(Server(whose))
    host = Inside(net, make_node, closing, py, target.address, source="original",
                  before=["setpriv", "--bounding-set=-net_raw,-net_admin"])
    warned = host.node.wait("source_impossible", service="web")
    assert "CAP_NET_RAW" in warned["hint"]
    assert refused(host.link(), claims(("10.1.2.3", 4242))) == (5, "connection refused")
    told = host.node.wait("connection_refused", service="web", peer="py")
    assert "operation not permitted" in told["reason"] and "CAP_NET_RAW" in told["reason"]
    found = host.node.cli("doctor", check=1).stdout
    assert "no right to show other addresses" in found and "CAP_NET_RAW" in found


def test_doctor_sees_the_privilege(net, make_node, closing, py):
    with net.inside():
        target = closing.add(Server(whose))
    host = Inside(net, make_node, closing, py, target.address, source="original")
    assert "the node may show clients' own addresses" in host.node.cli("doctor", check=None).stdout
    host.node.set("service web", source=None).write()
    host.node.cli("reload")
    assert "own addresses" not in host.node.cli("doctor", check=None).stdout


def test_an_error_of_the_configuration(make_node):
    node = make_node("hq", {
        "peer py": {},
        "service web": {
            "connect": "127.0.0.1:80",
            "allow": "py",
            "source": "original"
        }
    })
    node.write()
    said = node.cli("check", check=2).stderr
    assert ("[service web] source: original refuses clients" in said and
            "add sources = PREFIX" in said)


def test_what_check_shows(make_node):
    node = make_node("hq", {"peer py": {"sources": GRANTED}, "service web": {
        "connect": "127.0.0.1:80", "allow": "py", "source": "original", "send_proxy": "v2"}})
    node.init()
    text = node.cli("check").stdout
    assert "may come from 10.1.0.0/16, 2001:db8:1::/48" in text
    assert "who the client is (PROXY protocol v2)" in text and "the client's own address" in text
    facts = json.loads(node.cli("check", "--json").stdout)
    assert next(p for p in facts["peers"]
                if p["name"] == "py")["sources"] == ["10.1.0.0/16", "2001:db8:1::/48"]
    assert (facts["services"][0]["send_proxy"], facts["services"][0]["source"]) == ("v2",
                                                                                    "original")
