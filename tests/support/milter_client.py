"""The MTA's side of the milter protocol (version 6), as Postfix speaks it, one session an object; and a stand-in for lookup's directory and keys sockets."""

import os
import socket
import struct
import threading

ACTIONS, STEPS = 0x1FF, 0x1FFFFF
LEAD_SPACE = 0x100000
NO_EOH = 0x40
NR = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "L": 0x80, "N": 0x40000, "B": 0x80000}
ANSWERS = {"c": "continue", "a": "accept", "r": "reject", "t": "tempfail", "d": "discard", "y": "reply"}


class Result:
    """What the milter said at the end of a message: the answer, and the changes in order."""

    def __init__(self):
        self.answer, self.text, self.changes = None, "", []

    def of(self, *kinds):
        return [change[1:] for change in self.changes if change[0] in kinds]

    def inserted(self):
        """Fields on top, the topmost first."""
        assert all(index == 0 for index, _, _ in self.of("insert"))
        return [(name, value) for _, name, value in reversed(self.of("insert"))]


def _strings(data):
    return [part.decode() for part in data.rstrip(b"\0").split(b"\0")]


class Session:
    def __init__(self, path, steps=STEPS, daemon_name="mx.test", client="192.0.2.1", timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.send("O", struct.pack("!III", 6, ACTIONS, steps))
        command, data = self.receive()
        assert command == "O", command
        _, self.actions, self.steps = struct.unpack("!III", data[:12])
        self.macro("C", "{daemon_name}", daemon_name)
        self.connected = self.ask("C", b"client.test\0" + b"4" + struct.pack("!H", 1025) + client.encode() + b"\0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, command, data=b""):
        self.socket.sendall(struct.pack("!I", len(data) + 1) + command.encode() + data)

    def receive(self):
        def exactly(n):
            data = b""
            while len(data) < n:
                more = self.socket.recv(n - len(data))
                if not more:
                    raise EOFError
                data += more
            return data
        length, = struct.unpack("!I", exactly(4))
        packet = exactly(length)
        return chr(packet[0]), packet[1:]

    def macro(self, step, name, value):
        self.send("D", step.encode() + name.encode() + b"\0" + value.encode() + b"\0")

    def ask(self, command, data=b""):
        """The answer in words; "" where none was agreed upon."""
        self.send(command, data)
        if self.steps & NR.get(command, 0):
            return ""
        answer, text = self.receive()
        return text.rstrip(b"\0").decode() if answer == "y" else ANSWERS[answer]

    def begin(self, sender="s@out.test", login=""):
        self.ask("H", b"helo.test\0")
        self.macro("M", "{auth_authen}", login)
        return self.ask("M", f"<{sender}>".encode() + b"\0")

    def recipient(self, address, *parameters):
        return self.ask("R", b"".join(word.encode() + b"\0" for word in (f"<{address}>", *parameters)))

    def content(self, fields=(("From", "s@out.test"), ("Subject", "s")), body=b"Hello.\r\n"):
        for name, value in fields:
            space = " " if self.steps & LEAD_SPACE else ""
            self.ask("L", name.encode() + b"\0" + (space + value).encode() + b"\0")
        if not self.steps & NO_EOH:
            self.ask("N")
        for at in range(0, len(body), 65535):
            self.ask("B", body[at:at + 65535])

    def end(self):
        self.send_end()
        return self.result()

    def send_end(self, queue_id="4QueueId"):
        self.macro("E", "i", queue_id)
        self.send("E")

    def result(self):
        result = Result()
        while result.answer is None:
            self.one(result)
        return result

    def one(self, result):
        command, data = self.receive()
        if command in ANSWERS:
            result.answer = ANSWERS[command]
            result.text = data.rstrip(b"\0").decode()
        elif command in "im":
            index, = struct.unpack("!I", data[:4])
            name, value = data[4:-1].decode().split("\0")
            result.changes.append(({"i": "insert", "m": "change"}[command], index, name, value))
        elif command in "+2-":
            result.changes.append(({"+": "add", "2": "add", "-": "delete"}[command], *_strings(data)))
        elif command == "e":
            result.changes.append(("sender", _strings(data)[0]))
        elif command == "q":
            result.changes.append(("quarantine", _strings(data)[0]))
        else:
            raise AssertionError(f"unexpected {command}")

    def message(self, *recipients, sender="s@out.test", login="", **content):
        assert self.begin(sender, login) in ("", "continue")
        for recipient in recipients:
            self.recipient(*(recipient if isinstance(recipient, tuple) else (recipient,)))
        self.content(**content)
        return self.end()


class Directory:
    """finals: address -> list of (deliver, {field: value or list}); who is not named is foreign. accounts: address -> such fields, or a status. signs: domain -> list of selectors. Keys in `retired` are not
    there, and after one question about one of them nobody is told of it any more. Of addresses in `bad` it
    says "bad". silent: takes questions and answers none."""

    def __init__(self, run_dir):
        self.silent = False
        self.finals, self.accounts, self.signs, self.temp, self.retired, self.bad, self.asked = {}, {}, {}, False, set(), set(), []
        self.listeners = [self.listen(os.path.join(run_dir, name)) for name in ("lookup/directory.sock", "keys/keys.sock")]

    def listen(self, path):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(20)
        threading.Thread(target=self.accept, args=[listener], daemon=True).start()
        return listener

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb")
        while True:
            length = b""
            while not length.endswith(b":"):
                byte = stream.read(1)
                if not byte:
                    return
                length += byte
            question = dict(line.split("=", 1) for line in stream.read(int(length[:-1])).decode().splitlines())
            stream.read(1)
            if self.silent:
                continue
            body = "".join(f"{key}={value}\n" for key, value in [("v", 1), ("id", question["id"]), *self.answer(question)]).encode()
            connection.sendall(b"%d:%s," % (len(body), body))

    def answer(self, question):
        self.asked.append(question["cmd"])
        if self.temp:
            return [("status", "temp")]
        return {"resolve": self.resolve, "account": self.account, "sender": self.sender, "dkim-key": self.key}[question["cmd"]](question)

    def resolve(self, question):
        address = question["address"]
        if address in self.bad:
            return [("status", "bad"), ("reason", "the answer is too long")]
        fields = [("status", "ok"), ("hosted", int(address in self.finals))]
        for deliver, settings in self.finals.get(address, [(address, None)]):
            fields.append(("deliver", deliver))
            if settings is not None:
                fields += self.mailbox(deliver, settings)
        return fields

    def mailbox(self, address, settings):
        defaults = {"address": address, "enabled": 1, "send_only": 0, "receive": 1, "quota": 0, "junk_score": 6, "reject_score": 15}
        return list({**defaults, **settings}.items())

    def account(self, question):
        settings = self.accounts.get(question["address"], "notfound")
        return [("status", settings)] if isinstance(settings, str) else [("status", "ok"), *self.mailbox(question["address"], settings)]

    def sender(self, question):
        domain = question["address"].partition("@")[2]
        selectors = self.signs.get(domain, [])
        fields = [("status", "ok"), ("hosted", int(domain in self.signs)), ("sign", int(bool(selectors))), ("domain", domain)]
        for selector in selectors:
            fields += [("selector", selector), ("algorithm", "rsa")]
        return fields

    def key(self, question):
        if question["selector"] in self.retired:
            self.signs = {domain: [s for s in selectors if s not in self.retired] for domain, selectors in self.signs.items()}
            return [("status", "notfound")]
        return [("status", "ok"), ("sealed", "v1:none:AAAA")]
