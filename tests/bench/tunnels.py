"""The tunnels that are compared, each as a pair of ends on loopback that leads the same named
targets through: how to start one, which processes are part of it, what they have computed and
how much memory they hold. Knows nothing of what is sent through."""

import ctypes
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess

from node import Node, free_port, until
from services import connect

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
TICK = os.sysconf("SC_CLK_TCK")
libc = ctypes.CDLL(None)


class Missing(Exception):
    """A program that is needed is not installed, or does not work here; says which and why."""


def find(program):
    return shutil.which(program, path=PATH) or missing(program)


def missing(program):
    package = PACKAGES.get(program)
    hint = f" (Debian package {package})" if package else ""
    raise Missing(f"{program} is not installed{hint}")


def die_with_parent():
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def spawn(command, log, **options):
    """A child that ends with this process whatever happens to it."""
    with open(log, "ab") as out:
        return subprocess.Popen(
            [str(part) for part in command], **{
                "stdin": subprocess.DEVNULL,
                "stdout": out,
                "stderr": out,
                "preexec_fn": die_with_parent,
                **options
            })


def end(process, patience=5):
    """Ends a child and waits for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stat(pid):
    """The fields of /proc/PID/stat behind the name, or None."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def family(roots):
    """These processes and all their descendants."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if fields := stat(pid):
            children.setdefault(int(fields[1]), []).append(int(pid))
    found, todo = [], list(roots)
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def answers(port):
    try:
        connect(f"127.0.0.1:{port}").close()
        return True
    except ConnectionRefusedError:
        return False


class Tunnel:
    """targets: {name: port}. `ports` has the near end's port for each. between: function(port)
    -> the port of something in front of it (a long line)."""

    title = ""
    links = True  # has one link for all its connections

    def __init__(self, folder, targets, between=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.targets, self.between = targets, between or (lambda port: port)
        self.ports = {name: free_port() for name in targets}
        self.log = self.folder / "log"
        self.processes = []
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def run(self, *command):
        self.processes.append(spawn(command, self.log))

    def file(self, name, text, mode=0o600):
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def wait(self, ports):
        """Waits until something listens on the ports: each is connected to."""
        def look():
            for process in self.processes:
                if process.poll() is not None:
                    raise Missing(
                        f"{self.title} does not start: "
                        f"{self.log.read_text(errors='replace').strip()[-400:]}"
                    )
            return all(map(answers, ports))
        until(look, lambda: f"{self.title}: {self.log.read_text(errors='replace')[-2000:]}")

    @property
    def roots(self):
        return [process.pid for process in self.processes]

    def cpu(self):
        """Seconds that all its processes have computed so far, with threads and children that
        have ended."""
        return sum(
            sum(map(int, fields[11:15]))
            for pid in family(self.roots)
            if (fields := stat(pid))) / TICK

    def memory(self):
        """Bytes of all its processes, what they share counted once (PSS); where only root may
        know that, all that is resident."""
        def of(pid):
            try:
                return int(
                    re.search(r"^Pss:\s+(\d+)",
                              pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1])
            except (OSError, TypeError):
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                return int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1])
        return 1024 * sum(map(of, family(self.roots)))

    def close(self):
        for process in reversed(self.processes):
            end(process)
        shutil.rmtree(self.folder, ignore_errors=True)


class HAProxy(Tunnel):
    title = "HAProxy, plain TCP"
    links = False
    near, far = "", ""

    def start(self):
        program = find("haproxy")
        middle = {name: free_port() for name in self.targets}
        for end_name, listens, leads, options in (("far", middle, self.targets, self.far),
                                                  ("near", self.ports,
                                                   {n: self.between(p)
                                                    for n, p in middle.items()}, self.near)):
            text = f"""
                global
                    maxconn {(resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 200) // 2}
                    ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
                    ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
                defaults
                    mode tcp
                    timeout connect 10s
                    timeout client 1h
                    timeout server 1h
                """
            for name, port in listens.items():
                bind, server = (options, "") if end_name == "far" else ("", options)
                text += (f"listen {name}\n bind 127.0.0.1:{port} backlog 4096 {bind}\n server "
                         f"target 127.0.0.1:{leads[name]} {server}\n")
            self.run(program, "-db", "-f",
                     self.file(f"{end_name}.cfg", text.replace("\n                ", "\n")))
            self.wait(listens.values())


def certificate(folder):
    """A key and a certificate for the peers that speak TLS; the path of both in one file."""
    pem = folder / "both.pem"
    done = subprocess.run([
        find("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-days", "2", "-subj", "/CN=bench", "-keyout", folder / "key.pem", "-out",
        folder / "cert.pem"
    ], capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"openssl makes no certificate: {done.stderr.strip()[-200:]}")
    pem.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    pem.chmod(0o600)
    return pem


class HAProxyTLS(HAProxy):
    title = "HAProxy, TLS"

    def start(self):
        pem = certificate(self.folder)
        self.far = f"ssl crt {pem}"
        self.near = f"ssl verify required ca-file {self.folder}/cert.pem"
        super().start()


class Stunnel(Tunnel):
    title = "stunnel"
    links = False

    def start(self):
        program, pem = find("stunnel4"), certificate(self.folder)
        middle = {name: free_port() for name in self.targets}
        head = ("foreground = yes\npid =\nsyslog = no\ndebug = err\nciphersuites = "
                "TLS_AES_128_GCM_SHA256\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n")
        far = head + f"cert = {pem}\n"
        near = head + f"client = yes\nCAfile = {self.folder}/cert.pem\nverifyChain = yes\n"
        for name in self.targets:
            far += (f"[{name}]\naccept = 127.0.0.1:{middle[name]}\nconnect = "
                    f"127.0.0.1:{self.targets[name]}\n")
            near += (f"[{name}]\naccept = 127.0.0.1:{self.ports[name]}\nconnect = "
                     f"127.0.0.1:{self.between(middle[name])}\n")
        self.run(program, self.file("far.conf", far))
        self.wait(middle.values())
        self.run(program, self.file("near.conf", near))
        self.wait(self.ports.values())


class Spiped(Tunnel):
    title = "spiped"
    links = False

    def start(self):
        program = find("spiped")
        key = self.folder / "key"
        key.write_bytes(os.urandom(32))
        for name, target in self.targets.items():
            middle = free_port()
            self.run(program, "-F", "-d", "-n", 0, "-k", key, "-s", f"[127.0.0.1]:{middle}", "-t",
                     f"[127.0.0.1]:{target}")
            self.wait([middle])
            self.run(program, "-F", "-e", "-n", 0, "-k", key, "-s",
                     f"[127.0.0.1]:{self.ports[name]}", "-t", f"[127.0.0.1]:{self.between(middle)}")
            self.wait([self.ports[name]])


class SSH(Tunnel):
    """sshd with a configuration and keys of its own; the client reads nobody's ~/.ssh."""

    title = "ssh -L"
    made_run = False

    def key(self, name):
        subprocess.run([
            find("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f",
            self.folder / name
        ], check=True)
        return self.folder / name

    def start(self):
        program, client = find("sshd"), find("ssh")
        # sshd insists on it, and its unit would make it
        if os.geteuid() == 0 and not os.path.isdir("/run/sshd"):
            os.mkdir("/run/sshd", 0o755)
            self.made_run = True
        host, user, port = self.key("host"), self.key("user"), free_port()
        (self.folder / "authorized").write_text((self.folder / "user.pub").read_text())
        known = self.file("known", f"[127.0.0.1]:{port} {(self.folder / 'host.pub').read_text()}")
        config = self.file("sshd_config", f"""
            Port {port}
            ListenAddress 127.0.0.1
            HostKey {host}
            PidFile none
            AuthorizedKeysFile {self.folder}/authorized
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            AllowTcpForwarding yes
            LogLevel ERROR
            """)
        self.run(program, "-D", "-e", "-f", config)
        self.wait([port])
        line = self.between(port)
        forwards = [
            part for name, target in self.targets.items()
            for part in ("-L", f"127.0.0.1:{self.ports[name]}:127.0.0.1:{target}")
        ]
        self.run(
            client, "-F", "none", "-N", "-T", "-p", line, "-i", user, "-c",
            "aes128-gcm@openssh.com", *forwards, *[
                part for option in (f"UserKnownHostsFile={known}", "GlobalKnownHostsFile=/dev/null",
                                    "StrictHostKeyChecking=yes", "BatchMode=yes",
                                    "ExitOnForwardFailure=yes", "IdentitiesOnly=yes",
                                    "IdentityAgent=none", f"HostKeyAlias=[127.0.0.1]:{port}")
                for part in ("-o", option)
            ], "127.0.0.1")
        self.wait(self.ports.values())

    def close(self):
        super().close()
        if self.made_run:
            try:
                os.rmdir("/run/sshd")
            except OSError:
                pass


class SecureConn(Tunnel):
    """hq, which has the services, and as many other nodes as `stores` says, which dial it and
    have the routes."""

    title, program = "secureconn", None
    cipher, implementation, stores = "AES 128", None, 1
    hq_keys, route_keys = {}, {}

    def start(self):
        port = free_port()
        limits = {"streams": 30000}
        keys = {
            "symmetric": self.cipher,
            **({
                "implementations": self.implementation
            } if self.implementation else {})
        }
        names = ["store", *(f"store-{i}" for i in range(2, self.stores + 1))]
        # ends with this process whatever happens to it
        command = [find("setpriv"), "--pdeathsig", "KILL", self.program]
        self.hq = Node(
            command, self.folder / "hq", "hq", {
                **{f"peer {name}": {} for name in names}, "limits": limits,
                **{
                    f"service {name}": {
                        "connect": f"127.0.0.1:{target}",
                        "allow": "*"
                    } for name, target in self.targets.items()
                }
            })
        self.hq.set("node", listen=f"127.0.0.1:{port}", **keys, **self.hq_keys)
        self.hq.init()
        self.nodes, self.more_ports = [self.hq], []
        for name in names:
            ports = self.ports if name == "store" else {
                target: free_port() for target in self.targets
            }
            self.more_ports.append(ports)
            node = Node(
                command, self.folder / name, name, {
                    "peer hq": {
                        "address": f"127.0.0.1:{self.between(port)}"
                    },
                    "limits": limits,
                    **{
                        f"route {target}": {
                            "listen": f"127.0.0.1:{ports[target]}",
                            "peer": "hq",
                            "max_connections": 30000,
                            **self.route_keys
                        } for target in self.targets
                    }
                })
            node.set("node", **keys)
            node.init()
            node.trust(self.hq), self.hq.trust(node)
            self.nodes.append(node)
        for node in self.nodes:
            node.start()
        for node in self.nodes[1:]:
            up = node.wait("link_up")
            if up["symmetric"] != self.cipher or self.implementation not in (None,
                                                                             up["implementation"]):
                raise Missing(f"this build has no {self.cipher}" +
                              (f" by {self.implementation}" if self.implementation else ""))

    @property
    def roots(self):
        return [node.pid for node in self.nodes if node.process]

    def close(self):
        try:
            for node in reversed(getattr(self, "nodes", [])):
                node.close()
        finally:
            super().close()


def secureconn(program, cipher, note="", **more):
    """A class for one cipher and program."""
    return type("SecureConn", (SecureConn, ), {
        "program": program,
        "cipher": cipher,
        "title": f"secureconn, {cipher}{note}",
        **more
    })


# Missing programs and the Debian packages that have them.
PACKAGES = {
    "haproxy": "haproxy",
    "stunnel4": "stunnel4",
    "spiped": "spiped",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "openssl": "openssl",
    "redis-server": "redis-server",
    "nginx": "nginx-light",
    "wrk": "wrk"
}
