#!/usr/bin/python3
"""What cuts cost a stream: throughput of one that never pauses, with its link's TCP connection destroyed each second and without, in turn; how
long nothing came after each cut; and how much of the throughput is there again in the tenth of a second after that. Root, for `ss -K`.

    tests/bench/cuts.py build-release/src/cli/secureconn [CIPHER]"""

import multiprocessing
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

SECONDS, ROUNDS = 5, 4
BLOCK = 1 << 18


def sink(listener, marks):
    """Takes all, of one connection after the other, and notes what had come when."""
    while True:
        s, _ = listener.accept()
        seen, got, last = [], 0, 0
        while part := s.recv(BLOCK):
            got += len(part)
            now = time.monotonic()
            if now - last > 0.002:
                seen.append((now, got))
                last = now
        marks.put(seen)


def pair(program, folder, target, cipher):
    port = free_port()
    a = Node([program], folder / "hq", "hq", {"peer store": {}, "service sink": {"connect": target, "allow": "store"}})
    b = Node([program], folder / "store", "store", {
        "peer hq": {"address": f"127.0.0.1:{port}"},
        "route sink": {"listen": f"127.0.0.1:{free_port()}", "peer": "hq"}})
    a.set("node", listen=f"127.0.0.1:{port}", symmetric=cipher)
    b.set("node", symmetric=cipher)
    a.init(), b.init()
    a.trust(b), b.trust(a)
    a.start(), b.start()
    b.wait("link_up")
    return a, b, port


def cut(port):
    done = subprocess.run(["ss", "-K", "-tn", "dst", "127.0.0.1", "dport", "=", str(port)], capture_output=True, text=True)
    assert done.returncode == 0 and f":{port}" in done.stdout, "`ss -K` destroys nothing here: " + done.stderr


def transfer(node, port, marks, cuts):
    """What had come when, and when the link was cut."""
    s, ended, when = services.connect(node.sections["route sink"]["listen"]), threading.Event(), []

    def cutter():
        while not ended.wait(1):
            when.append(time.monotonic())
            cut(port)
    thread = threading.Thread(target=cutter)
    if cuts:
        thread.start()
    block, end = b"x" * BLOCK, time.monotonic() + SECONDS
    while time.monotonic() < end:
        s.sendall(block)
    ended.set()
    if cuts:
        thread.join()
    s.shutdown(socket.SHUT_WR)
    seen = marks.get()
    s.close()
    return seen, when


def rate(seen):
    return seen[-1][1] / (seen[-1][0] - seen[0][0]) / 1e9


def after(seen, moment):
    """Seconds until something came again after the cut, and the rate in the tenth of a second from then on."""
    # What was under way still comes: the pause is the longest one that begins soon after the cut.
    near = [i for i in range(len(seen) - 1) if moment - 0.05 <= seen[i][0] <= moment + 0.3]
    if not near:
        return None
    at = max(near, key=lambda i: seen[i + 1][0] - seen[i][0])
    begin = seen[at + 1]
    end = next((mark for mark in seen[at + 1:] if mark[0] >= begin[0] + 0.1), seen[-1])
    if end[0] <= begin[0]:
        return None
    return begin[0] - seen[at][0], (end[1] - begin[1]) / (end[0] - begin[0]) / 1e9


def main():
    folder, marks = pathlib.Path(tempfile.mkdtemp()), multiprocessing.Queue()
    listener = socket.create_server(("127.0.0.1", free_port()))
    process = multiprocessing.Process(target=sink, args=(listener, marks), daemon=True)
    process.start()
    a, b, port = pair(pathlib.Path(sys.argv[1]).resolve(), folder, "127.0.0.1:%d" % listener.getsockname()[1],
                      sys.argv[2] if len(sys.argv) > 2 else "AES 128")
    with_cuts, without, pauses, again = [], [], [], []
    for _ in range(ROUNDS):
        without.append(rate(transfer(b, port, marks, False)[0]))
        seen, when = transfer(b, port, marks, True)
        with_cuts.append(rate(seen))
        found = [x for x in (after(seen, moment) for moment in when) if x]
        pauses += [x[0] for x in found]
        again += [x[1] for x in found]
    resumed = len(b.events("session_resumed"))
    print(f"without cuts       {statistics.median(without):.2f} GB/s ({min(without):.2f} - {max(without):.2f})")
    print(f"a cut each second  {statistics.median(with_cuts):.2f} GB/s ({min(with_cuts):.2f} - {max(with_cuts):.2f}), {resumed} cuts")
    print(f"nothing comes for  {statistics.median(pauses) * 1000:.0f} ms ({min(pauses) * 1000:.0f} - {max(pauses) * 1000:.0f})")
    print(f"then, for 100 ms   {statistics.median(again):.2f} GB/s ({min(again):.2f} - {max(again):.2f})")
    a.close(), b.close()
    process.terminate()
    shutil.rmtree(folder)


main()
