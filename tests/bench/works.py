"""What is sent through the tunnels and measured: one function for each row, which takes a tunnel
and gives {metric: value}. Knows how to measure, not what is compared with what."""

import contextlib
import json
import pathlib
import re
import subprocess
import time

from node import free_port, until
from services import Nginx, Redis
from tunnels import answers, end, find, spawn

MB = 1e6


class Client:
    """A load program at work; called, its next line as an object."""

    def __init__(self, process):
        self.process = process

    def __call__(self):
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(f"the load program has ended: {self.process.stderr.read().strip()}")
        return json.loads(text)

    def enough(self):
        """What it was to do for long ends now; its next line says how it was until then."""
        self.process.terminate()


class World:
    """The targets, the load programs, and how long things are to take."""

    def __init__(self, folder, load, relay, seconds, stack):
        self.folder, self.load, self.relay, self.seconds, self.stack = pathlib.Path(
            folder), load, relay, seconds, stack
        self.connections, self.streams = 2000, 10000
        self.missing = {}  # {target: why}
        self.targets = {"bulk": free_port()}
        self.start(load, "serve", self.targets["bulk"])
        until(lambda: answers(self.targets["bulk"]), "the load server")
        for name, programs, server in (("redis", ["redis-server"], Redis),
                                       ("web", ["nginx", "wrk"], Nginx)):
            try:
                for program in programs:
                    find(program)
                self.targets[name] = stack.enter_context(contextlib.closing(server())).port
            except Exception as e:  # whatever it is: what does not need this server goes on
                self.missing[name] = str(e)

    def start(self, *command):
        process = spawn(command, self.folder / "load.log")
        self.stack.callback(end, process)
        return process

    def long_line(self, port):
        """Puts 50 ms each way in front of a port; returns the port that leads there."""
        near = free_port()
        self.start(self.relay, near, port, 50)
        until(lambda: answers(near), "the relay")
        return near

    @contextlib.contextmanager
    def client(self, *args):
        """The load program as a client: a Client."""
        process = subprocess.Popen([str(part) for part in (self.load, *args)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            yield Client(process)
        finally:
            end(process)
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()


def bulk(world, tunnel, streams, warm=0.2, seconds=None):
    port = tunnel.ports["bulk"]
    with world.client("pull", port, streams, int(warm * 1000), int(
        (seconds or world.seconds) * 1000)) as line:
        line()
        cpu = tunnel.cpu()
        got = line()
        cpu = tunnel.cpu() - cpu
    return {
        "gb_s": got["bytes"] / got["ns"],
        "cpu_s_per_gb": cpu / (got["bytes"] / 1e9) if got["bytes"] else float("inf")
    }


def wrk(world, tunnel, *headers):
    done = subprocess.run([
        find("wrk"), "-t", "1", "-c", "32", "-d", f"{max(1, round(world.seconds))}s", *headers,
        f"http://127.0.0.1:{tunnel.ports['web']}/small"
    ], capture_output=True, text=True, timeout=120)
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", done.stdout, re.M)
    wrong = re.search(r"Non-2xx.*", done.stdout)
    if not rate or wrong or float(rate[1]) == 0:
        raise RuntimeError(
            f"wrk: {wrong[0] if wrong else (done.stdout + done.stderr).strip()[-300:]}")
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)",
                       done.stdout)
    return {"per_s": float(rate[1]), "errors": sum(map(int, errors.groups())) if errors else 0}


def connections(world, tunnel):
    return wrk(world, tunnel, "-H", "Connection: close")


def requests(world, tunnel):
    return wrk(world, tunnel)


REDIS = 1 / 4  # of the seconds of another row: this one is measured more often


def redis(world, tunnel):
    with world.client("redis", tunnel.ports["redis"], int(world.seconds * REDIS * 1000)) as line:
        got = line()
    return {"p50_us": got["p50_us"], "p99_us": got["p99_us"], "requests": got["requests"]}


def redis_beside_bulk(world, tunnel):
    """While one stream takes all it can get; and how much it gets."""
    with world.client("pull", tunnel.ports["bulk"], 1, 300, 600000) as bulk_line:
        bulk_line()
        found = redis(world, tunnel)
        bulk_line.enough()
        got = bulk_line()
    return {**found, "gb_s": got["bytes"] / got["ns"]}


def idle_memory(world, tunnel):
    """A fresh tunnel: of a tunnel that has worked hard, an idle connection may well use what is
    there already."""
    with contextlib.closing(type(tunnel)(world.folder / f"idle-{free_port()}",
                                         world.targets)) as fresh:
        with world.client("hold", fresh.ports["bulk"], 8) as line:
            line()
            before = fresh.memory()
            with world.client("hold", fresh.ports["bulk"], world.connections) as more:
                more()
                time.sleep(0.2)
                after = fresh.memory()
    return {"kib_per_connection": (after - before) / 1024 / world.connections}


def long_line(world, tunnel):
    """One stream through a fresh tunnel over 100 ms RTT: its rate once it has had the time to
    grow, and its memory before, then, and later."""
    with contextlib.closing(
            type(tunnel)(world.folder / f"long-{free_port()}", world.targets,
                         world.long_line)) as fresh:
        before = fresh.memory()
        with world.client("pull", fresh.ports["bulk"], 1, int(max(1.5, 2 * world.seconds) * 1000),
                          int(max(0.5, world.seconds) * 1000)) as line:
            line()
            got = line()
            during = fresh.memory()
        after, deadline = fresh.memory(), time.monotonic() + 6 * world.seconds
        while after - before > max((during - before) / 4, 2 * MB) and time.monotonic() < deadline:
            time.sleep(0.2)
            after = fresh.memory()
    return {
        "gbit_s": 8 * got["bytes"] / got["ns"],
        "mb_before": before / MB,
        "mb_during": during / MB,
        "mb_after": after / MB
    }


class Nothing:
    """The relay alone: what the long line itself carries."""

    title = "the relay alone"

    def __init__(self, folder, targets, between=None):
        self.ports = {
            name: (between or (lambda port: port))(port)
            for name, port in targets.items()
            if name == "bulk"
        }

    def memory(self):
        return 0

    def close(self):
        pass


def fairness(world, tunnel, how="blocks", streams=None):
    """Many streams on one link, all of which take all they can get: how much more the one that
    got most got than the one that got least."""
    with contextlib.closing(type(tunnel)(world.folder / f"fair-{free_port()}",
                                         world.targets)) as fresh:
        before = fresh.memory()
        # each stream is to have many turns
        seconds = max(6 * world.seconds, (streams or world.streams) / 1500)
        with world.client(how, fresh.ports["bulk"], streams or world.streams,
                          int(1000 * seconds / 2), int(1000 * seconds)) as line:
            line()
            begun = fresh.memory()
            got = line()
            ended = fresh.memory()
    return {
        "most_to_least": got["most"] / max(1, got["least"]),
        "gb_s": got["bytes"] / got["ns"],
        "mb_before": before / MB,
        "mb_begin": begun / MB,
        "mb_end": ended / MB,
        "growth": ended / begun
    }


def thread_times(pid):
    """Nanoseconds of CPU time of each thread."""
    return {
        task.name: int((task / "schedstat").read_text().split()[0])
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
    }


def workers(world, tunnel):
    """Two other nodes, a stream through each, to a node with as many workers as it is told to
    have. busiest_gb_s: bytes a second of CPU time of that node's busiest thread, which is where
    it would end if there were processors enough for all of them."""
    with contextlib.closing(type(tunnel)(world.folder / f"workers-{free_port()}",
                                         world.targets)) as fresh, contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(
                world.client("pull", ports["bulk"], 1, 300, int(world.seconds * 1000)))
            for ports in fresh.more_ports
        ]
        for line in lines:
            line()
        before = thread_times(fresh.hq.pid)
        got = [line() for line in lines]
        after = thread_times(fresh.hq.pid)
        busiest = max(after[thread] - before.get(thread, 0) for thread in after)
        return {
            "gb_s": sum(g["bytes"] / g["ns"] for g in got),
            "busiest_gb_s": sum(g["bytes"] for g in got) / busiest
        }
