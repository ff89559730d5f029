"""The Dovecot plugin in a real Dovecot with the shipped configuration; lookup is played by a script, so that its faults can be, and every datagram is seen."""

import concurrent.futures
import crypt
import ctypes
import imaplib
import pathlib
import re
import smtplib
import ssl
import subprocess
import sys
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "packaging"), str(SOURCE / "tests/support")]

from fake_lookup import FakeLookup  # noqa: E402
from stack import accounts, certs, daemons, dovecot, layout, units  # noqa: E402

PRIVATE = """
auth_failure_delay = 0
plugin {
  # Bytes by which the last delivery may pass the quota; as shipped, message_size_limit.
  quota_grace = 50000
}
"""
MESSAGE = "From: a@example.net\r\nSubject: x\r\n{headers}\r\n{body}\r\n"


def yescrypt(password):
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt_gensalt.restype = ctypes.c_char_p
    return "{CRYPT}" + crypt.crypt(password, library.crypt_gensalt(b"$y$", 1, None, 0).decode())


def hashed(scheme, password="secret"):
    return subprocess.run(["doveadm", "-c", "/dev/null", "pw", "-s", scheme, "-p", password], check=True, capture_output=True, text=True).stdout.strip()


class Plugin:
    def __init__(self, lay, servers, lookup):
        self.lay, self.servers, self.lookup = lay, servers, lookup
        self.count = 0

    def account(self, **fields):
        """A fresh account; its address. What was reported before is forgotten."""
        while self.lookup.usage(0.01):
            pass
        self.count += 1
        address = f"user{self.count}@example.org"
        self.lookup.accounts[address] = {"password": "{CLEAR}secret", **fields}
        return address

    def doveadm(self, *words):
        return dovecot.doveadm(self.lay, *words, check=False)

    def login(self, user, password="secret", service="imap"):
        """"ok", or the code with which Dovecot refuses."""
        self.count += 1
        done = self.doveadm("auth", "test", "-x", f"service={service}", "-x", f"rip=10.1.{self.count // 250}.{self.count % 250}", user, password)
        code = re.search(r"code=(\w+)", done.stdout)
        return "ok" if done.returncode == 0 else code[1] if code else "no"

    def deliver(self, to, headers="", size=100):
        """LMTP's reply."""
        with smtplib.LMTP(str(self.lay.queue / "private/dovecot-lmtp")) as session:
            session.ehlo("test")
            session.mail("a@example.net")
            code, text = session.rcpt(to)
            if code == 250:
                code, text = session.data(MESSAGE.format(headers=headers, body=("x" * 98 + "\r\n") * (size // 100)))
        return code, text.decode()

    def imap(self, user):
        trust = ssl.create_default_context(cafile=self.lay.tls / "ca.pem")
        session = imaplib.IMAP4_SSL("localhost", self.lay.ports["imaps"], ssl_context=trust, timeout=20)
        session.login(user, "secret")
        return session

    def stored(self, user, folder="."):
        local, domain = user.split("@")
        return list((self.lay.mail / domain / local / "Maildir" / folder).glob("new/*"))


@pytest.fixture(scope="module")
def plugin():
    lay = layout.Layout()
    servers = units.Units(lay.log, [lay.dir])
    try:
        accounts.make_users()
        accounts.make_folders(lay)
        accounts.make_folder(lay.queue / "private", 0o755, "root")
        certs.make(lay)
        lookup = FakeLookup(lay.run)
        daemons.write_conf(lay)
        lay.conf.write_text(re.sub(r"^login_listen = .*\n", "", lay.conf.read_text(), flags=re.M))  # no policyd here
        dovecot.start(lay, servers, daemons.rendered(lay, "dovecot") + PRIVATE)
        yield Plugin(lay, servers, lookup)
    finally:
        servers.end()


@pytest.mark.rows("F061")
@pytest.mark.parametrize("scheme", ["BLF-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "ARGON2ID", "yescrypt"])
def test_password_schemes(plugin, scheme):
    user = plugin.account(password=yescrypt("secret") if scheme == "yescrypt" else hashed(scheme))
    assert plugin.login(user) == "ok"
    assert plugin.login(user, "Secret") == "no"


@pytest.mark.rows("F025")
def test_login_names(plugin):
    user = plugin.account()
    assert plugin.login(user.upper()) == "ok"
    assert plugin.lookup.questions[-1]["address"] == user
    assert plugin.login("nobody@example.org") == "no"
    assert plugin.login(user.split("@")[0]) == "no"


@pytest.mark.rows("F020", "F021", "F059", "F060")
def test_who_may_log_in_where(plugin):
    off, robot = plugin.account(enabled=0), plugin.account(send_only=1, receive=0)
    for service in ("imap", "pop3", "sieve", "smtp", "submission"):
        assert plugin.login(off, service=service) == "user_disabled"
        assert plugin.login(robot, service=service) == ("ok" if service in ("smtp", "submission") else "user_disabled")
    assert plugin.login(off, "wrong") == "no", "only the owner learns that the account is disabled"


def test_hash_without_scheme_is_our_fault(plugin):
    assert plugin.login(plugin.account(password="secret")) == "temp_fail"


def test_doveadm_user(plugin):
    user = plugin.account(quota=12345)
    fields = dict(line.split("\t") for line in plugin.doveadm("user", user).stdout.splitlines())
    assert fields["quota_rule"] == "*:bytes=12345"
    assert fields["home"] == str(plugin.lay.mail / "example.org" / user.split("@")[0])
    assert plugin.doveadm("user", "nobody@example.org").returncode == 67
    robot = plugin.account(send_only=1, receive=0)
    assert plugin.doveadm("user", robot).returncode == 0
    assert plugin.doveadm("user", "-x", "service=lmtp", robot).returncode == 67


def test_doveadm_lists_all_users(plugin):
    many = {f"many{n:04}@example.org": {"password": "{CLEAR}x"} for n in range(1201)}  # three pages
    plugin.lookup.accounts.update(many)
    listed = plugin.doveadm("user", "*").stdout.split()
    assert listed == sorted(plugin.lookup.accounts)
    for address in many:
        del plugin.lookup.accounts[address]


@pytest.mark.rows("F066", "F074")
@pytest.mark.parametrize("folder, detail, headers", [(".", "", ""), (".", "+tag", ""), (".", "", "X-Spam: No\r\n"), (".Junk", "+junk", ""),
                                                      (".Junk", "", "X-Spam: Yes\r\n")])
def test_delivery(plugin, folder, detail, headers):
    user = plugin.account()
    assert plugin.deliver(user.replace("@", detail + "@"), headers)[0] == 250
    report = plugin.lookup.usage()
    stored = plugin.stored(user, folder)
    assert len(stored) == 1 and stored[0].owner() == "vmail" and stored[0].group() == "vmail"
    assert (report["cmd"], report["address"], report["messages"]) == ("usage", user, "1")
    assert int(report["bytes"]) == int(re.search(r"W=(\d+)", stored[0].name)[1])


@pytest.mark.rows("F013")
def test_delivery_refused(plugin):
    for user in (plugin.account(send_only=1, receive=0), plugin.account(enabled=0, receive=0), "nobody@example.org"):
        code, text = plugin.deliver(user)
        assert code == 550 and text.startswith("5.1.1"), text
    assert plugin.deliver(plugin.account(enabled=0))[0] == 250


@pytest.mark.rows("F068", "F069")
def test_quota(plugin):
    user, free = plugin.account(quota=100000), plugin.account(quota=0)
    assert plugin.deliver(user, size=60000)[0] == 250
    assert plugin.deliver(user, size=60000)[0] == 250, "one message more than fits"
    code, text = plugin.deliver(user, size=1000)
    assert code == 552 and text.startswith("5.2.2"), text
    assert [plugin.lookup.usage()["messages"] for _ in range(2)] == ["1", "2"]
    assert [plugin.deliver(free, size=100000)[0] for _ in range(3)] == [250] * 3
    assert [plugin.lookup.usage()["messages"] for _ in range(3)] == ["1", "2", "3"]
    assert plugin.lookup.usage(0.3) is None


@pytest.mark.rows("F072")
def test_usage_of_an_imap_session(plugin):
    user = plugin.account(quota=1024000)
    with plugin.imap(user) as session:
        for _ in range(3):
            session.append("INBOX", None, None, b"Subject: a\r\n\r\n" + b"b" * 10000)
        assert plugin.lookup.usage()["messages"] == "3", "a burst is one report"
        assert "STORAGE 30 1000" in str(session.getquotaroot("INBOX"))
        session.select("INBOX")
        session.store("1", "+FLAGS", "\\Seen \\Deleted")
        assert plugin.lookup.usage(0.5) is None, "flags do not count"
        session.expunge()
        assert plugin.lookup.usage()["messages"] == "2"
        session.create("Archive")
        session.copy("1", "Archive")
        assert plugin.lookup.usage()["messages"] == "3"
        session.delete("Archive")
    assert plugin.lookup.usage()["messages"] == "2", "the end of the session does not lose it"


def test_lookup_away_is_temporary(plugin):
    user = plugin.account()
    assert plugin.login(user) == "ok"
    plugin.lookup.stop()
    with concurrent.futures.ThreadPoolExecutor() as pool:   # each takes as long as lookup is waited for
        login, delivery, one, every = (pool.submit(*what) for what in (
            (plugin.login, user), (plugin.deliver, user), (plugin.doveadm, "user", user), (plugin.doveadm, "user", "*")))
    assert login.result() == "temp_fail"
    assert delivery.result()[0] == 451
    assert one.result().returncode == 75 and every.result().returncode == 75
    plugin.lookup.again()
    assert plugin.login(user) == "ok"
    assert plugin.deliver(user)[0] == 250
    assert plugin.lookup.usage()["messages"] == "1"


def test_a_restart_of_lookup_is_waited_out(plugin):
    user = plugin.account()
    plugin.lookup.stop()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        login, delivery = pool.submit(plugin.login, user), pool.submit(plugin.deliver, user)
        time.sleep(1)
        plugin.lookup.again()
    assert login.result() == "ok" and delivery.result()[0] == 250


@pytest.mark.parametrize("says", [b"HTTP/1.1 200 OK\r\n", b"99999999:v=1\n", b"9:v=2\nid=1\n,", b"19:v=1\nid=999\nstatus=o,"])
def test_garbage_is_temporary(plugin, says):
    user = plugin.account()
    plugin.lookup.says = says
    try:
        assert plugin.login(user) == "temp_fail"
        assert plugin.deliver(user)[0] == 451
    finally:
        plugin.lookup.says = None
    assert plugin.login(user) == "ok"


def test_usage_socket_away_harms_no_delivery(plugin):
    user = plugin.account()
    socket = plugin.lay.run / "usage/usage.sock"
    socket.rename(socket.with_suffix(".away"))
    try:
        assert plugin.deliver(user)[0] == 250
    finally:
        socket.with_suffix(".away").rename(socket)
    assert plugin.deliver(user)[0] == 250
    assert plugin.lookup.usage()["messages"] == "2"


def test_privileges(plugin):
    """The worker asks without root; nobody else has the group that may read hashes; delivery is vmail."""
    plugin.deliver(plugin.account())

    def right():
        listed = subprocess.run(["ps", "--ppid", str(plugin.servers.pid("dovecot")), "-o", "user=,supgrp:80=,args="], check=True, capture_output=True,
                                text=True).stdout
        processes = [line.split(maxsplit=2) for line in listed.splitlines()]
        users = {what: {user for user, _, name in processes if name == what} for what in ("dovecot/auth", "dovecot/auth -w", "dovecot/lmtp")}
        may_read = {what for _, groups, what in processes if "mailreeve-passdb" in groups}
        return users == {"dovecot/auth": {"dovecot"}, "dovecot/auth -w": {"dovecot"}, "dovecot/lmtp": {"vmail"}} and may_read == {"dovecot/auth -w"}
    units.wait_for("privileges", right, 5)   # a new process is root until it has read its configuration


def test_log_has_no_surprises(plugin):
    """Last: all that this module did was expected, nothing crashed and no secret was logged."""
    log = (plugin.lay.log / "dovecot.log").read_text()
    assert "Panic" not in log and "killed with signal" not in log and "sieve: binary" not in log
    assert "secret" not in log
