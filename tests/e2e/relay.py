"""A TCP relay to put between two nodes: it records what passes, and can hold it, cut it or hand
it on in crumbs."""

import socket
import struct
import threading
import time

from node import free_port


def reset(sock):
    """Closes a socket so that the other side sees a reset."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    sock.close()


class Relay:
    """Listens on 127.0.0.1:port and passes each connection on to the target. Directions: "I" is
    what the side that connected sends, "R" what comes back."""

    def __init__(self, target_port, target_host="127.0.0.1", host="127.0.0.1", buffer=None):
        self.target = (target_host, target_port)
        self.host, self.port = host, free_port()
        self.buffer = buffer   # what the system keeps of what passes
        self.lock = threading.Lock()
        self.connections = []  # of [client, upstream]
        # (connection number, "I" or "R", bytes) in the order in which they passed
        self.record = []
        self.flow = threading.Event()
        self.flow.set()
        # connections of which the side that was connected to is not to learn the end
        self.left = set()
        self.piece = 65536     # at most so many bytes are passed on at a time
        self.rate = None       # at most so many bytes a second, in each direction
        # function(number, direction, bytes) -> bytes, for someone in the middle
        self.change = None
        self.listen()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                upstream = socket.create_connection(self.target, timeout=10)
                upstream.settimeout(None)
            except OSError:
                reset(client)
                continue
            for s in (client, upstream):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                number = len(self.connections)
                self.connections.append([client, upstream])
            for source, sink, direction in ((client, upstream, "I"), (upstream, client, "R")):
                threading.Thread(target=self._pump, args=(number, source, sink, direction),
                                 daemon=True).start()

    def _pump(self, number, source, sink, direction):
        try:
            while True:
                data = source.recv(self.rate // 20 if self.rate else self.piece)
                self.flow.wait()
                if not data:
                    break
                if number in self.left:
                    return
                if self.change:
                    data = self.change(number, direction, data)
                with self.lock:
                    self.record.append((number, direction, data))
                self._pass_on(sink, data)
            if number not in self.left:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.flow.wait()  # nobody is told meanwhile
            if number in self.left:
                return
            try:
                # else it stays while the other thread reads from it
                sink.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            reset(sink)

    def _pass_on(self, sink, data):
        """At the rate of now: what was read before there was one goes in small pieces too."""
        while self.rate and data:
            piece = self.rate // 20
            sink.sendall(data[:piece])
            time.sleep(len(data[:piece]) / self.rate)
            data = data[piece:]
        sink.sendall(data)

    def sent(self, direction, connection=0):
        """All bytes of one direction of a connection so far."""
        with self.lock:
            return b"".join(data for n, d, data in self.record
                            if n == connection and d == direction)

    def stall(self):
        """Nothing passes any more, in either direction, and nobody is told."""
        self.flow.clear()

    def resume(self):
        self.flow.set()

    def cut(self):
        """Resets all connections that are there now."""
        with self.lock:
            pairs = list(self.connections)
        for pair in pairs:
            for s in pair:
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                reset(s)

    def leave(self):
        """Resets all connections that are there now, of which only the side that connected is
        told."""
        with self.lock:
            self.left.update(range(len(self.connections)))
            pairs = list(self.connections)
        for client, _ in pairs:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            reset(client)

    def listen(self):
        """Takes connections, at first and again."""
        self.listener = socket.create_server((self.host, self.port), backlog=128)
        if self.buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer)
        self.acceptor = threading.Thread(target=self._accept, daemon=True)
        self.acceptor.start()

    def refuse(self):
        """Takes no new connections; those that are there go on."""
        if self.listener.fileno() < 0:
            return
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()

    def close(self):
        self.refuse()
        self.flow.set()
        self.cut()


def split_handshake(data):
    """Handshake lines (without LF) and what follows them; the first byte of a record is 1 or 2,
    no line starts with that."""
    lines = []
    while data and data[0] >= 0x20 and b"\n" in data:
        line, _, data = data.partition(b"\n")
        lines.append(line.decode())
    return lines, data


def split_records(data):
    """Whole records as (channel, epoch, n, bytes), and what is left of a last, unfinished one."""
    records = []
    while len(data) >= 4:
        channel, epoch, n = struct.unpack(">BBH", data[:4])
        if len(data) < 4 + n + 16:
            break
        records.append((channel, epoch, n, data[:4 + n + 16]))
        data = data[4 + n + 16:]
    return records, data
