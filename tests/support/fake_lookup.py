"""A scripted stand-in for lookup's passdb and usage sockets: it can be made to fail in ways that the real one does not. It speaks the wire of lib/proto/wire.h."""

import contextlib
import os
import socket
import socketserver
import threading

DEFAULTS = {"enabled": 1, "send_only": 0, "receive": 1, "quota": 0, "junk_score": 6, "reject_score": 15}


def _quote(value):
    return str(value).replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")


def _unquote(value):
    return value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def encode(fields):
    body = "".join("%s=%s\n" % (key, _quote(value)) for key, value in fields).encode()
    return b"%d:%s," % (len(body), body)


def decode(body):
    return [(key, _unquote(value)) for key, _, value in (line.partition("=") for line in body.decode().splitlines())]


def read_netstring(stream):
    """None at the end of the connection."""
    length = b""
    while not length.endswith(b":"):
        byte = stream.read(1)
        if not byte:
            return None
        length += byte
    body = stream.read(int(length[:-1]))
    assert stream.read(1) == b","
    return body


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.sessions.add(self.connection)
        while (body := read_netstring(self.rfile)) is not None:
            question = dict(decode(body))
            self.wfile.write(self.server.lookup.answer(question))


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class FakeLookup:
    """accounts: address -> dict of "password" and what differs from DEFAULTS. says: bytes to send in place of answers, or None."""

    def __init__(self, run_dir):
        self.accounts = {}
        self.says = None
        self.questions = []
        self._path = os.path.join(run_dir, "passdb", "passdb.sock")
        self._server = None
        self._usage = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        usage = os.path.join(run_dir, "usage", "usage.sock")
        self._usage.bind(usage)
        os.chmod(usage, 0o660)
        self.start()

    def start(self):
        self._server = _Server(self._path, _Session)
        self._server.lookup = self
        self._server.sessions = set()
        os.chmod(self._path, 0o660)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Goes away as a killed process does: the socket's name stays."""
        self._server.shutdown()
        self._server.server_close()
        for session in self._server.sessions:
            with contextlib.suppress(OSError):
                session.shutdown(socket.SHUT_RDWR)

    def again(self):
        os.unlink(self._path)
        self.start()

    def answer(self, question):
        self.questions.append(question)
        return self.says or encode([("v", 1), ("id", question["id"])] + self._fields(question))

    def _fields(self, question):
        if question["cmd"] == "iterate":
            later = sorted(address for address in self.accounts if address > question["after"])
            return [("status", "ok")] + [("address", address) for address in later[: int(question["limit"])]]
        account = self.accounts.get(question["address"])
        if account is None:
            return [("status", "notfound")]
        fields = [("status", "ok")]
        if question["cmd"] == "passdb":
            fields.append(("password", account["password"]))
        fields.append(("address", question["address"]))
        return fields + [(key, account.get(key, value)) for key, value in DEFAULTS.items()]

    def usage(self, timeout=5):
        """The next usage datagram as a dict, or None."""
        self._usage.settimeout(timeout)
        try:
            datagram = self._usage.recv(4096)
        except TimeoutError:
            return None
        return dict(decode(datagram.partition(b":")[2][:-1]))
