#!/usr/bin/python3
"""What cuts cost a stream: throughput of one that never pauses, with its link's TCP connection
destroyed each second and without, in turn; how long nothing came after each cut; and how much of
the throughput is there again in the tenth of a second after that. Root, for `ss -K`. With --relay
and --delay over a long line: a round trip takes twice the delay.

    tests/bench/cuts.py build-release/src/cli/secureconn [CIPHER]
    tests/bench/cuts.py build-release/src/cli/secureconn --relay build-release/tests/bench/relay \\
        --delay 50 --every 5 --seconds 21"""

import argparse
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
from node import Node, free_port, until

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


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def pair(args, folder, target):
    """The two nodes, the port that is dialed, and the relay if there is one."""
    program, cipher, port, relay = args.program.resolve(), args.cipher, free_port(), None
    near = free_port() if args.relay else port
    a = Node([program], folder / "hq", "hq", {
        "peer store": {},
        "service sink": {
            "connect": target,
            "allow": "store"
        }
    })
    b = Node([program], folder / "store", "store", {
        "peer hq": {"address": f"127.0.0.1:{near}"},
        "route sink": {"listen": f"127.0.0.1:{free_port()}", "peer": "hq"}})
    a.set("node", listen=f"127.0.0.1:{port}", symmetric=cipher)
    b.set("node", symmetric=cipher)
    a.init(), b.init()
    a.trust(b), b.trust(a)
    a.start()
    if args.relay:
        relay = subprocess.Popen([args.relay, str(near), str(port), str(args.delay)])
        until(lambda: answers(near), "the relay listens")
    b.start()
    b.wait("link_up")
    return a, b, near, relay


def cut(port):
    done = subprocess.run(["ss", "-K", "-tn", "dst", "127.0.0.1", "dport", "=",
                           str(port)], capture_output=True, text=True)
    assert done.returncode == 0 and f":{port}" in done.stdout, (
        "`ss -K` destroys nothing here: " + done.stderr)


def transfer(node, port, marks, seconds, every):
    """What had come when, and when the link was cut. every: seconds; 0: never."""
    s, ended, when = services.connect(node.sections["route sink"]["listen"]), threading.Event(), []

    def cutter():
        while not ended.wait(every):
            when.append(time.monotonic())
            cut(port)
    thread = threading.Thread(target=cutter)
    if every:
        thread.start()
    block, end = b"x" * BLOCK, time.monotonic() + seconds
    while time.monotonic() < end:
        s.sendall(block)
    ended.set()
    if every:
        thread.join()
    s.shutdown(socket.SHUT_WR)
    seen = marks.get()
    s.close()
    return seen, when


def rate(seen):
    return seen[-1][1] / (seen[-1][0] - seen[0][0]) / 1e9


def after(seen, moment, trip):
    """Seconds until something came again after the cut, and the rate in the tenth of a second
    from then on."""
    # What was under way still comes: the pause is the longest one that begins soon after the cut.
    near = [i for i in range(len(seen) - 1) if moment - 0.05 <= seen[i][0] <= moment + 0.3 + trip]
    if not near:
        return None
    at = max(near, key=lambda i: seen[i + 1][0] - seen[i][0])
    begin = seen[at + 1]
    end = next((mark for mark in seen[at + 1:] if mark[0] >= begin[0] + 0.1), seen[-1])
    if end[0] <= begin[0]:
        return None
    return begin[0] - seen[at][0], (end[1] - begin[1]) / (end[0] - begin[0]) / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("cipher", nargs="?", default="AES 128")
    parser.add_argument("--relay", help="tests/bench/relay, built")
    parser.add_argument("--delay", type=int, default=50, help="milliseconds each way, with --relay")
    parser.add_argument("--every", type=float, default=1, help="seconds between cuts")
    parser.add_argument("--seconds", type=float, default=5, help="of each transfer")
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    folder, marks = pathlib.Path(tempfile.mkdtemp()), multiprocessing.Queue()
    listener = socket.create_server(("127.0.0.1", free_port()))
    process = multiprocessing.Process(target=sink, args=(listener, marks), daemon=True)
    process.start()
    a, b, port, relay = pair(args, folder, "127.0.0.1:%d" % listener.getsockname()[1])
    with_cuts, without, pauses, again = [], [], [], []
    trip = args.delay / 500 if relay else 0
    for _ in range(args.rounds):
        without.append(rate(transfer(b, port, marks, args.seconds, 0)[0]))
        seen, when = transfer(b, port, marks, args.seconds, args.every)
        with_cuts.append(rate(seen))
        found = [x for x in (after(seen, moment, trip) for moment in when) if x]
        pauses += [x[0] for x in found]
        again += [x[1] for x in found]
    resumed = len(b.events("session_resumed"))
    if relay:
        print(f"a round trip       {trip * 1000:.0f} ms")
    print(
        f"without cuts       {statistics.median(without):.3f} GB/s ({min(without):.3f} - "
        f"{max(without):.3f})"
    )
    print(
        f"a cut each {args.every:g} s     {statistics.median(with_cuts):.3f} GB/s "
        f"({min(with_cuts):.3f} - {max(with_cuts):.3f}), {resumed} cuts"
    )
    print(
        f"nothing comes for  {statistics.median(pauses) * 1000:.0f} ms ({min(pauses) * 1000:.0f} - "
        f"{max(pauses) * 1000:.0f})"
    )
    print(
        f"then, for 100 ms   {statistics.median(again):.3f} GB/s ({min(again):.3f} - "
        f"{max(again):.3f})"
    )
    a.close(), b.close()
    process.terminate()
    if relay:
        relay.kill()
        relay.wait()
    shutil.rmtree(folder)


main()
