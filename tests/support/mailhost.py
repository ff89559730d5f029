"""One private mail host with what tests do to it: mail in and out, accounts, servers taken away and brought back."""

import contextlib
import imaplib
import itertools
import pathlib
import smtplib
import subprocess
import socket
import socket
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "packaging"))

from stack import admin, daemons, layout, mail  # noqa: E402


ASK = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode("latin-1"))
sys.stdout.write(b"".join(iter(lambda: s.recv(65536), b"")).decode())
"""


def ask(path, request, user):
    """The answer of a socket to one line of a user of the system."""
    done = subprocess.run(["runuser", "-u", user, "--", "/usr/bin/python3", "-c", ASK, str(path), request + "\n"], capture_output=True, text=True, timeout=60,
                          check=False)
    return done.stdout or done.stderr.splitlines()[-1]


@contextlib.contextmanager
def open_to_all(path):
    """Inside the block the socket's folder keeps nobody out, as if by mistake."""
    modes = path.parent.stat().st_mode & 0o7777, path.stat().st_mode & 0o7777
    path.parent.chmod(0o755)
    path.chmod(0o666)
    try:
        yield
    finally:
        path.parent.chmod(modes[0])
        path.chmod(modes[1])


class Stack:
    """The running host with what tests do to it. `beside`: the other host of its site."""

    def __init__(self, running, beside=None):
        self.lay, self.servers = running.lay, running.servers
        self.client = mail.Client(running.lay)
        self.numbers = beside.numbers if beside else itertools.count(1)
        self.probe = self.user()

    def cli(self, *words, **kwargs):
        return daemons.cli(self.lay, *words, **kwargs)

    def user(self, *options, **kwargs):
        """A fresh mailbox on the hosted domain; its address."""
        return admin.add_user(self.lay, f"user{next(self.numbers)}", *options, **kwargs)

    def alias(self, *to):
        """A fresh alias; its address."""
        address = f"alias{next(self.numbers)}@{layout.DOMAIN}"
        self.cli("alias", "add", address, *to)
        return address

    def inbound(self, to, sender=None, **kwargs):
        """One message from outside; its mark. Each has a sender of its own, since smtpd keeps answers, temporary failures too, by sender and recipient."""
        mark = mail.new_mark()
        if sender is None:
            sender = f"s{next(self.numbers)}@{layout.FOREIGN}"
        first = to if isinstance(to, str) else to[0]
        content = kwargs.pop("content", None) or mail.message(kwargs.pop("header_from", sender), first, mark=mark, **{
            name: kwargs.pop(name) for name in ("body", "headers") if name in kwargs})
        self.client.send(sender, to, content, **kwargs)
        return mark

    def submit(self, user, to, password=admin.PASSWORD, **kwargs):
        mark = mail.new_mark()
        content = mail.message(kwargs.pop("header_from", user), to, mark=mark, **{
            name: kwargs.pop(name) for name in ("body", "headers") if name in kwargs})
        self.client.submit(user, password, to, content, **kwargs)
        return mark

    def arrived(self, user, mark, password=admin.PASSWORD, **kwargs):
        return self.client.arrived(user, password, mark, **kwargs)

    def absent(self, user, mark, folder="INBOX"):
        return not self.client.fetch(user, admin.PASSWORD, mark, folder)

    @contextlib.contextmanager
    def without(self, *names):
        """Inside the block these servers are stopped; after it they and all that depends on them are well again."""
        for name in names:
            self.servers.stop(name)
        try:
            yield
        finally:
            for name in reversed(names):
                self.servers.again(name)
            self.well()

    def well(self, seconds=30):
        """Returns when every dependency answers, an address never asked before is known to be unknown, and a message goes through from one end to the other:
        at the latest after so many seconds."""
        end = time.monotonic() + seconds
        self.cli("check", "--wait", str(seconds))
        while True:
            try:
                with pytest.raises(mail.Refused, match="^550"):
                    self.inbound(f"never{next(self.numbers)}@{layout.DOMAIN}")
                self.arrived(self.probe, self.inbound(self.probe), seconds=10)
                return
            except (AssertionError, mail.Refused, smtplib.SMTPException, OSError, imaplib.IMAP4.error) as error:
                assert time.monotonic() < end, f"not well after {seconds} s: {error}"
            time.sleep(0.3)

    def control(self, name, verb):
        """What that daemon says on its control socket."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(str(self.lay.run / name / "control.sock"))
            peer.sendall(verb.encode() + b"\n")
            peer.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: peer.recv(65536), b"")).decode()

    def policyd(self, **settings):
        """policyd goes on with these options of its section, until the next call."""
        folder = self.lay.conf.parent / "conf.d"
        folder.mkdir(exist_ok=True)
        (folder / "policyd.conf").write_text("policyd {\n" + "".join(f" {name} = {value}\n" for name, value in settings.items()) + "}\n")
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self.lay.run / "policyd/control.sock"))
            s.sendall(b"reload\n")
            assert s.recv(1000) == b"ok\n"

    def log(self, name):
        return (self.lay.log / f"{name}.log").read_text(errors="replace")
