"""The servers that the tunnel leads to: small ones in Python for what a test wants to see
exactly, and the real ones."""

import contextlib
import glob
import hashlib
import os
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

from node import DEADLINE, free_port, until
from relay import reset


def connect(address, timeout=DEADLINE):
    """A connection to host:port, [v6]:port or a Unix socket's path."""
    if address.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        s.connect(address)
        return s
    host, _, port = address.rpartition(":")
    s = socket.create_connection((host.strip("[]"), int(port)), timeout)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def receive(sock, n):
    """Exactly n bytes."""
    parts = []
    while n:
        part = sock.recv(min(n, 1 << 18))
        assert part, f"the connection ended {n} bytes early"
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def receive_all(sock):
    """Everything up to the end of the stream; a reset raises."""
    parts = []
    while part := sock.recv(1 << 18):
        parts.append(part)
    return b"".join(parts)


def is_reset(sock):
    """Waits for the end of the connection; True if it is a reset, not a clean end."""
    try:
        while sock.recv(65536):
            pass
        return False
    except ConnectionError:
        return True


def gets_reset(address, say=b"", timeout=DEADLINE):
    """Connects and says something; True if that ends in a reset, be it at once or later, and not
    in a clean end."""
    try:
        with connect(address, timeout) as s:
            s.sendall(say)
            return is_reset(s)
    except (ConnectionResetError, BrokenPipeError):
        return True


def answers(address):
    """True if a connection there gets back what it says, False if it ends before."""
    try:
        with connect(address) as s:
            s.sendall(b"z")
            return s.recv(1) == b"z"
    except ConnectionError:
        return False


@contextlib.contextmanager
def saying(sock, data):
    """Meanwhile all of it is sent there, and then the end."""
    def send():
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    yield
    sender.join()


def at_once(*jobs):
    """Runs functions in threads and raises what the first one raised."""
    failures = []

    def run(job):
        try:
            job()
        except BaseException as e:
            failures.append(e)
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        raise failures[0]


class Server:
    """A TCP (or Unix socket) server that runs handler(sock) in a thread for each connection."""

    def __init__(self, handler, path=None, host="127.0.0.1", port=None, backlog=1024):
        if path:
            self.listener, self.address = socket.socket(socket.AF_UNIX), str(path)
            self.listener.bind(self.address)
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.listener = socket.socket(family)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.port = port or free_port(host)
            self.listener.bind((host, self.port))
            self.address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.listener.listen(backlog)
        self.handler = handler
        self.accepted = 0
        self.open = set()
        self.lock = threading.Lock()
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                self.open.add(sock)
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock):
        try:
            self.handler(sock)
        except OSError:
            pass
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()

    def close(self):
        if self.listener.fileno() < 0:
            return
        # so that accept returns; else the port would go on listening
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        with self.lock:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Echo(Server):
    """Gives back what comes, and ends when the other side has ended."""

    def __init__(self, **options):
        super().__init__(self._echo, **options)

    @staticmethod
    def _echo(sock):
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := sock.recv(65536):
            sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)


class EpollEcho:
    """An echo server for thousands of connections, in one thread."""

    def __init__(self):
        import selectors
        self.selectors = selectors
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=4096)
        self.accepted = 0
        self.stop = False
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _loop(self):
        poll = self.selectors.DefaultSelector()
        poll.register(self.listener, self.selectors.EVENT_READ)
        while not self.stop:
            for key, _ in poll.select(0.1):
                if key.fileobj is self.listener:
                    sock, _ = self.listener.accept()
                    self.accepted += 1
                    poll.register(sock, self.selectors.EVENT_READ)
                    continue
                try:
                    data = key.fileobj.recv(65536)
                    if data:
                        key.fileobj.sendall(data)
                        continue
                except OSError:
                    pass
                poll.unregister(key.fileobj)
                key.fileobj.close()
        for key in list(poll.get_map().values()):
            key.fileobj.close()

    def close(self):
        self.stop = True
        self.thread.join()


class Pattern:
    """A long stream of bytes that repeats nowhere: blocks of a random megabyte, each with its
    number in front. Sent by one thread and digested by another, both at the speed of memory."""

    BLOCK = (1 << 20) - 3  # so that blocks meet records and reads at every offset

    def __init__(self, seed, size):
        self.size = size
        self.base = bytearray(random.Random(seed).randbytes(self.BLOCK))

    def blocks(self):
        left, number = self.size, 0
        while left:
            block = bytearray(self.base)
            struct.pack_into(">Q", block, 0, number)
            block = memoryview(block)[:left]
            yield block
            left -= len(block)
            number += 1

    def send(self, sock):
        for block in self.blocks():
            sock.sendall(block)
        sock.shutdown(socket.SHUT_WR)

    def digest(self):
        h = hashlib.sha256()
        for block in self.blocks():
            h.update(block)
        return h.hexdigest()


def digest_stream(sock):
    """The length and digest of all that comes."""
    h, n = hashlib.sha256(), 0
    buffer = bytearray(1 << 18)
    view = memoryview(buffer)
    while got := sock.recv_into(buffer):
        h.update(view[:got])
        n += got
    return n, h.hexdigest()


class BothWays(Server):
    """Sends a pattern and digests what comes, at the same time; the results wait in `results`."""

    def __init__(self, pattern):
        self.pattern = pattern
        self.results = []
        super().__init__(self._handle)

    def _handle(self, sock):
        sender = threading.Thread(target=self.pattern.send, args=(sock,), daemon=True)
        sender.start()
        self.results.append(digest_stream(sock))
        sender.join()


class ResetLater(Server):
    """Resets each connection after its first bytes."""

    def __init__(self):
        super().__init__(self._handle)

    @staticmethod
    def _handle(sock):
        sock.recv(65536)
        reset(sock)


# --- the real ones --------------------------------------------------------------------------------

def as_nobody(command, user):
    """PostgreSQL does not run as root."""
    return ["runuser", "-u", user, "--", *command] if os.geteuid() == 0 else command


class PostgreSQL:
    """A cluster of its own in a folder of its own; trusts whoever is on loopback."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sc-pg-", dir="/tmp"))
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.bin = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
        self.user = "postgres"
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user, self.user)
        self._run([
            self.bin / "initdb", "-D", self.folder / "data", "-U", "tester", "-A", "trust", "-E",
            "UTF8", "--locale=C", "--no-sync"
        ])
        self._run([
            self.bin / "pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-o",
            f"-F -c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder}", "start"
        ])

    def _run(self, command):
        done = subprocess.run(as_nobody(command, self.user), cwd="/", capture_output=True,
                              text=True, timeout=120, env={
                                  **os.environ, "LC_ALL": "C"
                              })
        assert done.returncode == 0, done.stdout + done.stderr

    def client(self, port, *args, program="psql", timeout=120, **options):
        """psql or pgbench through a port."""
        return subprocess.run(
            [self.bin / program, "-h", "127.0.0.1", "-p",
             str(port), "-U", "tester", *args], capture_output=True, text=True, timeout=timeout,
            **options)

    def close(self):
        self._run(
            [self.bin / "pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop"])
        shutil.rmtree(self.folder, ignore_errors=True)


class Process:
    """A server that runs in the foreground, in a folder of its own."""

    def __init__(self, prefix):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = self.folder / "log"

    def run(self, *command):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.folder)
        until(self.answers, lambda: f"{command[0]} on {self.address}: {self.log.read_text()}")

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            connect(self.address).close()
            return True
        except ConnectionRefusedError:
            return False

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Process):
    def __init__(self):
        super().__init__("sc-redis-")
        self.run("redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                 "--appendonly", "no", "--dir", str(self.folder))


class Nginx(Process):
    """Serves its folder's www; workers run as whoever started it."""

    def __init__(self):
        super().__init__("sc-nginx-")
        (self.folder / "www").mkdir()
        (self.folder / "www/small").write_bytes(b"small file\n")
        self.large = random.Random(1).randbytes(8 << 20)
        (self.folder / "www/large").write_bytes(self.large)
        (self.folder / "nginx.conf").write_text(f"""
            {"user root;" if os.geteuid() == 0 else ""}
            daemon off; worker_processes 1;
            pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 4096; }}
            http {{
                access_log off; keepalive_requests 1000000;
                client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
                fastcgi_temp_path {self.folder}/fastcgi; uwsgi_temp_path {self.folder}/uwsgi;
                scgi_temp_path {self.folder}/scgi;
                server {{ listen 127.0.0.1:{self.port}; root {self.folder}/www; }}
            }}""")
        self.run(
            shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(self.folder), "-c",
            str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log"))


class Iperf(Process):
    def __init__(self):
        super().__init__("sc-iperf-")
        self.run("iperf3", "-s", "-p", str(self.port), "-B", "127.0.0.1")
