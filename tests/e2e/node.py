"""A secureconn node under test: writes its configuration, runs the commands, follows the log,
and sees that it ends well."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

DEADLINE = 20  # seconds that any expected event may take on a slow, loaded machine with sanitizers
FINGERPRINT = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){7}[0-9A-HJKMNP-TV-Z]{4}\b")
SANITIZER = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|^==\d+== "
    r".*(Invalid|uninitialised|lost:)",
    re.M)
EVENT = re.compile(r"(?P<time>\S+Z) (?P<level>error|warning|info|debug) (?P<event>\w+)(?P<rest>.*)")
PAIR = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|\S*)')


# It follows descriptors by the C library's calls, but libuv closes its own by a system call that it
# does not see: a number that another thread gets next looks shared, and the report of that crashes
# in clang 14.
TSAN_OPTIONS = "ignore_interceptors_accesses=1:exitcode=66"
# Event loops of every node: with more than one of them, what a test does passes from thread to
# thread.
WORKERS = os.environ.get("SECURECONN_WORKERS")
ELSEWHERE = "on-the-first-worker"


class Timeout(AssertionError):
    pass


def until(condition, what, deadline=DEADLINE, pause=0.005):
    """Waits for a condition to give something true and returns that. `what` names it in the
    failure, and may be a function."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise Timeout(f"not within {deadline} s: {what() if callable(what) else what}")
        time.sleep(pause)


def free_port(host="127.0.0.1"):
    """A port below the ephemeral range that nobody listens on; each process of pytest-xdist
    takes its own stretch."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 16
    while True:
        free_port.next = free_port.next % 1200 + 1
        port = 11000 + worker * 1250 + free_port.next
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
                return port
            except OSError:
                continue


free_port.next = os.getpid() * 37 % 1200


def unquote(value):
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(x[0-9a-f]{2}|.)", lambda m: chr(int(m[1][1:], 16))
                  if len(m[1]) == 3 else m[1], value[1:-1])


def parse_event(line):
    """A line of the log as a dictionary with time, level, event and the line's own keys; None if
    it is none."""
    if line.startswith("{"):
        return json.loads(line)
    m = EVENT.fullmatch(line)
    if not m:
        return None
    return {"time": m["time"], "level": m["level"], "event": m["event"],
            **{key: unquote(value) for key, value in PAIR.findall(m["rest"])}}


class Node:
    """One node in a folder of its own. `sections` is the configuration: {"node": {...}, "peer
    hq": {...}, ...}."""

    def __init__(self, command, folder, name, sections=None, env=None):
        self.command = command  # the program, with what is to run it in front (valgrind)
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.ini = self.folder / "secureconn.ini"
        self.log = self.folder / "log"
        self.state = self.folder / "state"
        self.env = {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
                    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
                    "TSAN_OPTIONS": TSAN_OPTIONS, **(env or {})}
        self.process = None
        self.sections = {"node": {"name": name, "state": self.state}, **(sections or {})}
        if WORKERS:
            self.sections["node"].setdefault("workers", WORKERS)
        # a peer more, so that those of the test are not on the main thread
        self.elsewhere = WORKERS and int(WORKERS) > 1
        self.expect_sanitizer_report = False

    def set(self, section, **keys):
        """Adds keys to a section, a key with the value None goes away."""
        section = self.sections.setdefault(section, {})
        section.update(keys)
        for key in [key for key, value in section.items() if value is None]:
            del section[key]
        return self

    def write(self):
        text = ""
        if self.elsewhere:
            text = f"[peer {ELSEWHERE}]\n\n"
        for title, keys in self.sections.items():
            text += f"[{title}]\n" +"".join(f"{key} = {value}\n"
                                            for key, value in keys.items()) + "\n"
        self.ini.write_text(text)

    def cli(self, *args, input="", timeout=60, check=0):
        """Runs a command on this node's configuration. check: the exit status it must have, None
        for any."""
        done = subprocess.run([*self.command, "-c", self.ini, *args], input=input, env=self.env,
                              text=True, capture_output=True, timeout=timeout)
        assert not SANITIZER.search(done.stderr), done.stderr
        if check is not None:
            assert done.returncode == check, (
                f"{args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def init(self):
        self.write()
        self.cli("init")
        return self

    def fingerprint(self):
        found = FINGERPRINT.findall(self.cli("key").stdout)
        assert found, "`secureconn key` shows no fingerprint"
        return found[0]

    def trust(self, other):
        """This node's operator has verified the other node's keys, beforehand."""
        for algorithm in other.sections["node"].get("asymmetric", "ElGamal 3072").split(", "):
            file = self.folder / f"{other.name}.key"
            file.write_text(other.cli("key", "export", algorithm).stdout)
            self.cli("trust", other.name, "--key", file)

    def start(self, wait=True, deadline=DEADLINE):
        assert self.process is None, "runs already"
        self.write()
        self.mark = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.command, "-c", self.ini, "run"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.env)
        if wait:
            self.wait("node_ready", deadline, since=self.mark)
        return self

    @property
    def pid(self):
        return self.process.pid

    # --- the log ---

    def position(self):
        """Where the log ends now, for the `since` of what follows."""
        return self.log.stat().st_size

    def text(self, since=0):
        with open(self.log, "rb") as f:
            f.seek(since)
            return f.read().decode("ascii", "backslashreplace")

    def events(self, event=None, since=0, **match):
        """All events of the log with that name and those values; a value may be a function that
        says yes or no."""
        found = []
        for line in self.text(since).splitlines():
            e = parse_event(line)
            if e and event in (None, e["event"]) and all(
                    value(e.get(key)) if callable(value) else e.get(key) == str(value)
                    for key, value in match.items()):
                found.append(e)
        return found

    def wait(self, event, deadline=DEADLINE, since=0, **match):
        """Waits for such an event and returns the first one."""
        def look():
            found = self.events(event, since, **match)
            if not found and self.process and self.process.poll() is not None:
                found = self.events(event, since, **match)
                assert found, (
                    f"{self.name} has ended with {self.process.returncode} and no "
                    f"{event}:\n{self.text()[-4000:]}")
            return found

        return until(look,
                     lambda: f"{self.name}: {event} {match}; the log:\n{self.text(since)[-4000:]}",
                     deadline)[0]

    # --- the process ---

    def descriptors(self):
        """How many descriptors the process has open; 0 where only root may know (the node keeps
        its secrets from other processes)."""
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except PermissionError:
            return 0

    def resident(self):
        """KiB of memory."""
        return int(
            re.search(r"VmRSS:\s+(\d+)",
                      pathlib.Path(f"/proc/{self.pid}/status").read_text())[1])

    def signal(self, number):
        os.kill(self.pid, number)

    def ended(self, deadline=DEADLINE):
        """Waits for the process to end and returns its status."""
        try:
            status = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise Timeout(
                f"{self.name} does not end within {deadline} s:\n{self.text()[-4000:]}") from None
        self.process = None
        return status

    def stop(self, deadline=DEADLINE):
        """Ends the node by two SIGTERMs, so that it does not wait for open connections; it must
        end well."""
        if self.process is None:
            return
        for _ in range(2):
            if self.process.poll() is None and not self.events("node_stopped", since=self.mark):
                self.signal(signal.SIGTERM)
                try:
                    self.process.wait(0.3)
                except subprocess.TimeoutExpired:
                    pass
        status = self.ended(deadline)
        assert status == 0, f"{self.name} ended with {status}:\n{self.text()[-6000:]}"

    def kill(self):
        """kill -9, as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self):
        """For the end of a test: stops what runs, and looks for what sanitizers or valgrind had
        to say."""
        try:
            self.stop()
        finally:
            self.kill()
            if self.log.exists():
                report = SANITIZER.search(self.text())
                assert not report, (
                    f"{self.name}:\n{self.text()[max(0, report.start() - 2000):][:8000]}")
