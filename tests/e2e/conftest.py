"""What every end-to-end test is given: the program, nodes in folders of their own, pairs of
nodes that know each other."""

import os
import pathlib
import resource
import shlex
import shutil
import subprocess

import pytest

import services
from node import DEADLINE, Node, free_port
from relay import Relay


def pytest_addoption(parser):
    group = parser.getgroup("secureconn")
    group.addoption("--secureconn", default=os.environ.get("SECURECONN"),
                    help="the program to test; default: $SECURECONN")
    group.addoption("--wrapper", default=os.environ.get("SECURECONN_WRAPPER", ""),
                    help="a command in front of it, as valgrind; default: $SECURECONN_WRAPPER")
    group.addoption("--long", action="store_true", help="full sizes: 1 GiB instead of 64 MiB")


def pytest_configure(config):
    """This process and the nodes that it starts may have as many descriptors as the system
    allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 32768 if hard == resource.RLIM_INFINITY else min(32768, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.fixture
def many_descriptors():
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 10000:
        pytest.skip("fewer than 10,000 descriptors are allowed here")


@pytest.fixture(scope="session")
def program(request):
    path = request.config.getoption("--secureconn")
    if not path:
        pytest.exit("say which program to test: --secureconn PATH or SECURECONN=PATH", returncode=2)
    path = pathlib.Path(path).resolve()
    if not os.access(path, os.X_OK):
        pytest.exit(f"{path} is no program", returncode=2)
    return path


@pytest.fixture(scope="session")
def command(request, program):
    return [*shlex.split(request.config.getoption("--wrapper")), program]


@pytest.fixture(scope="session")
def has_gcrypt(program):
    """Whether this build has the second implementation of the ciphers."""
    return "libgcrypt" in subprocess.run(["ldd", program], capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def sanitized(program):
    return "libasan" in subprocess.run(["ldd", program], capture_output=True, text=True).stdout


@pytest.fixture
def folder():
    """A folder whose path is short enough for Unix sockets in it."""
    short = pathlib.Path("/tmp") / f"sc-{os.getpid()}-{free_port()}"
    short.mkdir(mode=0o700)
    yield short
    shutil.rmtree(short, ignore_errors=True)


class Closing:
    """Makes things and closes them in reverse order; the first failure to close is raised after
    all are closed."""

    def __init__(self):
        self.things = []

    def add(self, thing):
        self.things.append(thing)
        return thing

    def close(self):
        failure = None
        while self.things:
            try:
                self.things.pop().close()
            except BaseException as e:
                failure = failure or e
        if failure:
            raise failure


@pytest.fixture
def closing():
    c = Closing()
    yield c
    c.close()


@pytest.fixture
def make_node(command, folder, closing):
    """make_node(name, sections...) -> a Node that is closed, and looked at, when the test is
    over. Not initialised, not started."""
    return lambda name, sections=None, **options: closing.add(
        Node(command, folder / name, name, sections, **options))


class Pair:
    """hq, which has the service, and store, which has the route and dials; perhaps with a relay
    between them."""

    def __init__(self, hq, store, relay, target):
        self.hq, self.store, self.relay, self.target = hq, store, relay, target
        self.peer_port = int(hq.sections["node"]["listen"].rpartition(":")[2])
        self.route = store.sections["route echo"]["listen"]

    @property
    def port(self):
        return int(self.route.rpartition(":")[2])

    def start(self, wait=True):
        self.hq.start()
        self.store.start()
        if wait:
            self.up()
        return self

    def up(self, hq_since=0, store_since=0):
        """Waits until the link is up at both ends."""
        self.hq.wait("link_up", peer="store", since=hq_since)
        self.store.wait("link_up", peer="hq", since=store_since)
        return self

    def connect(self, timeout=DEADLINE):
        """A connection through the route."""
        return services.connect(self.route, timeout)


@pytest.fixture
def make_pair(make_node, closing):
    """make_pair(target) -> a Pair whose keys are verified; target: host:port or a path that the
    service `echo` leads to. start=False: to change the configuration first. node, hq, store:
    keys for the [node] section of both or one."""

    def make(target=None, relay=False, start=True, node=None, hq=None, store=None, route=None,
             service=None):
        if target is None:
            target = closing.add(services.Echo()).address
        port = free_port()
        a = make_node("hq", {
            "peer store": {},
            "service echo": {
                "connect": target,
                "allow": "store",
                **(service or {})
            }
        })
        a.set("node", listen=f"127.0.0.1:{port}", **(node or {}), **(hq or {}))
        between = closing.add(Relay(port)) if relay else None
        b = make_node("store", {
            "peer hq": {"address": between.address if relay else f"127.0.0.1:{port}"},
            "route echo": {"listen": f"127.0.0.1:{free_port()}", "peer": "hq", **(route or {})}})
        b.set("node", **(node or {}), **(store or {}))
        a.init(), b.init()
        a.trust(b), b.trust(a)
        pair = Pair(a, b, between, target)
        return pair.start() if start else pair

    return make


@pytest.fixture
def pair(make_pair):
    """Two nodes with the link up, and an echo service."""
    return make_pair()


@pytest.fixture(scope="session")
def postgres():
    server = services.PostgreSQL()
    yield server
    server.close()


@pytest.fixture(scope="session")
def redis():
    server = services.Redis()
    yield server
    server.close()


@pytest.fixture(scope="session")
def nginx():
    server = services.Nginx()
    yield server
    server.close()


@pytest.fixture
def size(request, sanitized):
    """How many bytes a bulk transfer moves each way."""
    if request.config.getoption("--long"):
        return 1 << 30
    return (32 << 20) if sanitized else (64 << 20)
