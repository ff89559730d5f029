"""A stand-in for clamd that scans for the EICAR test string, or misbehaves in the way that `mode` says."""

import array
import contextlib
import os
import socket
import struct
import threading

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
ENDINGS = {"garbage": b"\xff" * 20 + b"\0", "endless": b"x" * 100000, "half": b"fd[10]: Evil-Vi", "gone": b"",
           "big": b"INSTREAM size limit exceeded. ERROR\0", "error": b"fd[10]: Can't allocate memory ERROR\0"}


class FakeClamd:
    """mode: "scan"; "slow" (takes everything and says nothing); or a key of ENDINGS. `finds` is the name that the test string has. seen: contents it scanned; over those that
    have `slow_for` in them it sits for ever."""

    def __init__(self, path=None):
        """At that Unix socket, else at a TCP port of the loopback, which is `port`."""
        self.path, self.mode, self.finds, self.version, self.seen, self.open = path, "scan", "Eicar-Test", "ClamAV 1.4.6/1/now", [], []
        self.slow_for = None
        self.listener = None
        self.start()

    def start(self):
        self.listener = socket.socket(socket.AF_UNIX if self.path else socket.AF_INET)
        self.listener.bind(self.path or ("127.0.0.1", 0))
        self.port = None if self.path else self.listener.getsockname()[1]
        self.listener.listen(200)
        threading.Thread(target=self.accept, args=[self.listener], daemon=True).start()

    def stop(self):
        """Nobody listens any more, and what is open is cut."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if self.path:
            os.unlink(self.path)
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.open = []

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, struct.error), connection:
            data, ancillary, _, _ = connection.recvmsg(10, socket.CMSG_SPACE(4))
            if self.mode == "slow":
                connection.recv(1 << 20)
                threading.Event().wait(60)
            if data.startswith(b"zVERSION"):
                connection.sendall(self.version.encode() + b"\0" if self.mode == "scan" else ENDINGS[self.mode])
                return
            content = self.by_descriptor(ancillary) if data.startswith(b"zFILDES") else self.by_stream(connection, data)
            self.seen.append(content)
            if self.slow_for and self.slow_for in content:
                threading.Event().wait(60)
            if self.mode == "scan":
                connection.sendall(b"stream: " + (f"{self.finds} FOUND" if EICAR in content else "OK").encode() + b"\0")
            else:
                connection.sendall(ENDINGS[self.mode])

    @staticmethod
    def by_descriptor(ancillary):
        fd, = array.array("i", ancillary[0][2][:4])
        try:
            return os.pread(fd, os.fstat(fd).st_size, 0)
        finally:
            os.close(fd)

    @staticmethod
    def by_stream(connection, data):
        assert data.startswith(b"zINSTREAM")
        content = b""
        stream = connection.makefile("rb")
        while length := struct.unpack("!I", stream.read(4))[0]:
            content += stream.read(length)
        return content
