"""A name server on loopback that says what a test wants, and a node that sees only that one."""

import os
import shutil
import socket
import struct
import subprocess
import threading

import pytest

A, AAAA = 1, 28


def needs_namespace():
    """Skips where a node cannot be given a resolv.conf of its own."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a private resolv.conf needs root and unshare")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")


class NameServer:
    """`names`: name -> list of addresses. `mode`: "answer", "fail" (SERVFAIL) or "silent"."""

    def __init__(self, **names):
        self.names = {name.replace("_", "."): addresses for name, addresses in names.items()}
        self.mode = "answer"
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for last in range(1, 250):  # the port is always 53: each server has an address of its own
            self.address = f"127.{66 + os.getpid() % 60}.{os.getpid() // 60 % 250}.{last}"
            try:
                self.socket.bind((self.address, 53))
                break
            except OSError:
                continue
        else:
            pytest.skip("no free address for a name server")
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            query, client = self.socket.recvfrom(2048)
            if query == b"end":
                return
            self.asked += 1
            if self.mode != "silent":
                self.socket.sendto(self.reply(query), client)

    def reply(self, query):
        number, = struct.unpack(">H", query[:2])
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind, = struct.unpack(">H", query[at + 1:at + 3])
        name = ".".join(labels).lower()
        if self.mode == "fail":
            return struct.pack(">HHHHHH", number, 0x8182, 1, 0, 0, 0) + question
        answers = [
            socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a)
            for a in self.names.get(name, [])
        ]
        answers = [a for a in answers if len(a) == (16 if kind == AAAA else 4 if kind == A else 0)]
        head = struct.pack(">HHHHHH", number, 0x8180 if name in self.names else 0x8183, 1,
                           len(answers), 0, 0)
        return head + question + b"".join(
            struct.pack(">HHHIH", 0xc00c, kind, 1, 1, len(a)) + a for a in answers)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", (self.address, 53))
        self.thread.join()
        self.socket.close()

    def serve(self, node, timeout=1):
        """The node asks this server from its next start on, and nothing else."""
        conf, hosts, switch = (node.folder / name
                               for name in ("resolv.conf", "hosts", "nsswitch.conf"))
        conf.write_text(f"nameserver {self.address}\noptions timeout:{timeout} attempts:1\n")
        hosts.write_text("127.0.0.1 localhost\n")
        switch.write_text("hosts: files dns\npasswd: files\ngroup: files\n")
        script = "".join(f'mount --bind "{file}" /etc/{file.name} && '
                         for file in (conf, hosts, switch)) + 'exec "$@"'
        node.command = [
            "unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", *node.command
        ]
        return self
