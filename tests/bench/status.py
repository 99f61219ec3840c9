#!/usr/bin/python3
"""What `status` costs a node: processor time of one answer, with few and with very many peers, and of a megabyte that goes through
the tunnel while somebody asks ten times a second, beside the same with nobody asking.

    tests/bench/status.py build-release/src/cli/secureconn"""

import os
import pathlib
import shutil
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


def pair(program, folder, others=0):
    """Two nodes with a link, and an echo service; the second one knows so many other peers, which never call."""
    echo, port = services.Echo(), free_port()
    a = Node([program], folder / "hq", "hq", {"peer store": {}, "service echo": {"connect": echo.address, "allow": "store"}})
    b = Node([program], folder / "store", "store", {
        "peer hq": {"address": f"127.0.0.1:{port}"},
        "route echo": {"listen": f"127.0.0.1:{free_port()}", "peer": "hq"},
        **{f"peer other-{i}": {} for i in range(others)}})
    a.set("node", listen=f"127.0.0.1:{port}", asymmetric="X25519")
    b.set("node", asymmetric="X25519")
    a.init(), b.init()
    a.trust(b), b.trust(a)
    a.start(), b.start()
    b.wait("link_up")
    return a, b, echo


def processor(node):
    """Seconds of it that the process has used."""
    fields = pathlib.Path(f"/proc/{node.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answers(node, times):
    """Processor milliseconds of one answer, and its bytes."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(node.state / "control.sock"))
        file, before = s.makefile("rb"), processor(node)
        for _ in range(times):
            s.sendall(b'{"request":"status"}\n')
            line = file.readline()
        return (processor(node) - before) / times * 1000, len(line)


def transfer(node, watched):
    """Seconds of processor time for a GB each way, with or without somebody who asks ten times a second."""
    asker = watched and subprocess.Popen([*node.command, "-c", node.ini, "status", "--watch=0.1", "--json"], stdout=subprocess.DEVNULL)
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
    program = pathlib.Path(sys.argv[1]).resolve()
    for others, times in ((0, 2000), (1000, 100), (9999, 20)):
        folder = pathlib.Path(tempfile.mkdtemp())
        a, b, echo = pair(program, folder, others)
        ms, size = answers(b, times)
        print(f"{others + 1:6} peers: {ms:8.2f} ms of processor time, {size} bytes an answer; ten a second: {ms:.2f} % of one processor")
        if others == 0:
            runs = [(transfer(b, False), transfer(b, True)) for _ in range(ROUNDS)]
            without, with_asker = (statistics.median(r[i] for r in runs) for i in (0, 1))
            print(f"        processor time of a GB: {without:.3f} s, while somebody asks ten times a second {with_asker:.3f} s")
        for thing in (a, b, echo):
            thing.close()
        shutil.rmtree(folder)


main()
