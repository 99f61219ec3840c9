#!/usr/bin/python3
"""What `status` and metrics cost a node: processor time of one answer and how long it keeps an
event loop from everything else, with few and with very many peers; and processor time of a GB
through the tunnel while somebody asks ten times a second, beside the same with nobody asking.

    tests/bench/status.py build-release/src/cli/secureconn"""

import argparse
import contextlib
import mmap
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import services
from node import Node, free_port

SECONDS, ROUNDS = 3, 7


class Holds:
    """How long the loops of a process were busy at a time, at most: with `holds.c` in front of
    it."""

    def __init__(self, folder):
        library, self.file = folder / "holds.so", folder / "holds"
        source = pathlib.Path(__file__).with_name("holds.c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self.file.write_bytes(bytes(mmap.PAGESIZE))
        self.command = ["env", f"LD_PRELOAD={library}", f"HOLDS={self.file}"]

    @contextlib.contextmanager
    def measured(self):
        """A list that has the milliseconds and the turns of the loops afterwards."""
        found = []
        with open(self.file, "r+b") as file, mmap.mmap(file.fileno(), 16) as memory:
            memory[:16] = bytes(16)
            yield found
            found += [
                int.from_bytes(memory[:8], "little") / 1e6,
                int.from_bytes(memory[8:16], "little")
            ]


def pair(program, folder, others=0, front=()):
    """Two nodes with a link, and an echo service; the second one knows so many other peers,
    which never call."""
    echo, port = services.Echo(), free_port()
    a = Node([program], folder / "hq", "hq", {
        "peer store": {},
        "service echo": {
            "connect": echo.address,
            "allow": "store"
        }
    })
    b = Node([*front, program], folder / "store", "store", {
        "peer hq": {"address": f"127.0.0.1:{port}"},
        "route echo": {"listen": f"127.0.0.1:{free_port()}", "peer": "hq"},
        **{f"peer other-{i}": {} for i in range(others)}})
    a.set("node", listen=f"127.0.0.1:{port}", asymmetric="X25519")
    b.set("node", asymmetric="X25519", metrics=f"127.0.0.1:{free_port()}", workers="1")
    a.init(), b.init()
    a.trust(b), b.trust(a)
    a.start(), b.start()
    b.wait("link_up")
    return a, b, echo


def processor(node):
    """Seconds of it that the threads of the process have used, to the nanosecond."""
    return sum(
        int(file.read_text().split()[0])
        for file in pathlib.Path(f"/proc/{node.pid}/task").glob("*/schedstat")) / 1e9


def status(node):
    """Bytes of one answer, and seconds until it was there."""
    before = time.monotonic()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(node.state / "control.sock"))
        s.sendall(b'{"request":"status"}\n')
        size = len(s.makefile("rb").readline())
    return size, time.monotonic() - before


def metrics(node):
    """The same of the figures for Prometheus."""
    before, size = time.monotonic(), 0
    with services.connect(node.sections["node"]["metrics"]) as s:
        s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        while part := s.recv(1 << 18):
            size += len(part)
    return size, time.monotonic() - before


def answers(node, holds, ask, times):
    """Of one answer: processor milliseconds, bytes, seconds until it was there; the longest hold
    of a loop meanwhile."""
    before, took = processor(node), []
    with holds.measured() as held:
        for _ in range(times):
            size, seconds = ask(node)
            took.append(seconds)
    return (processor(node) - before) / times * 1000, size, statistics.median(took) * 1000, held[0]


def transfer(node, watched):
    """Seconds of processor time for a GB each way, with or without somebody who asks ten times a
    second."""
    asker = watched and subprocess.Popen(
        [*node.command, "-c", node.ini, "status", "--watch=0.1", "--json"],
        stdout=subprocess.DEVNULL)
    s, got, block = services.connect(node.sections["route echo"]["listen"]), [0], b"x" * (1 << 18)

    def read():
        while part := s.recv(1 << 18):
            got[0] += len(part)
    reader, before, end = threading.Thread(target=read), processor(node), time.monotonic() + SECONDS
    reader.start()
    while time.monotonic() < end:
        s.sendall(block)
    s.shutdown(socket.SHUT_WR)
    reader.join()
    s.close()
    used = processor(node) - before
    if asker:
        asker.terminate()
        asker.wait()
    return used / (got[0] / 1e9)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="secureconn, built for release")
    program = pathlib.Path(parser.parse_args().program).resolve()
    for others, times in ((0, 2000), (9, 1000), (99, 500), (999, 100), (9999, 20)):
        folder = pathlib.Path(tempfile.mkdtemp())
        holds = Holds(folder)
        before = time.monotonic()
        a, b, echo = pair(program, folder, others, holds.command)
        print(f"{others + 1:6} peers: {time.monotonic() - before:.2f} s from nothing to a link")
        with holds.measured() as held:
            time.sleep(2)
        print(f"        nobody asks: a loop is busy for {held[0]:.2f} ms at most")
        for ask in (status, metrics):
            ms, size, wait, hold = answers(b, holds, ask, times)
            print(
                f"        {ask.__name__}: {ms:.3f} ms of processor time, ten a second {ms:.2f} % "
                f"of a processor; {size} bytes, there after "
                f"{wait:.1f} ms; a loop is busy for {hold:.2f} ms at most")
        with holds.measured() as held:
            b.set("peer hq", keepalive="20s")
            b.write()
            b.signal(signal.SIGHUP)
            b.wait("reload_done")
        print(f"        reload: a loop is busy for {held[0]:.2f} ms at most")
        if others == 0:
            runs = [(transfer(b, False), transfer(b, True)) for _ in range(ROUNDS)]
            without, with_asker = (statistics.median(r[i] for r in runs) for i in (0, 1))
            print(
                f"        processor time of a GB: {without:.3f} s, while somebody asks ten times a "
                f"second {with_asker:.3f} s"
            )
        for thing in (a, b, echo):
            thing.close()
        shutil.rmtree(folder)


main()
