"""Accounts as Postfix sees them: what changes is true at once, whatever the delimiter, while the database is away, and after starts in any order."""

import contextlib
import os
import re
import signal
import socket
import time

import milter_client
import pytest
import test_limits
from stack import admin, mail, supervise, units


@contextlib.contextmanager
def setting(stack, line, section=None):
    """mailreeve.conf with one more line, taken over by lookup without a restart; afterwards as it was."""
    before = stack.lay.conf.read_text()
    try:
        stack.lay.conf.write_text(before + (f"{section} {{\n\t{line}\n}}\n" if section else line + "\n"))
        assert stack.control("lookup", "reload").endswith("ok\n")
        yield
    finally:
        stack.lay.conf.write_text(before)
        assert stack.control("lookup", "reload").endswith("ok\n")


def soon(send, seconds=5):
    """The mark of send(), once nothing stands in its way."""
    def attempt():
        try:
            return send()
        except mail.Refused:
            return None
    return mail.wait_until(attempt, seconds)


@pytest.mark.rows("F009")
def test_exact_mailbox_wins_over_a_cut_address(stack, refuses):
    short = stack.user()
    local, _, domain = short.partition("@")
    exact = admin.add_user(stack.lay, f"{local}-doe")
    with setting(stack, 'delimiter = "-"'):
        mark = soon(lambda: stack.inbound(f"{local}-doe-x@{domain}"))
        stack.arrived(exact, mark)
        assert stack.absent(short, mark)
        mark = stack.inbound(exact)
        stack.arrived(exact, mark)
        assert stack.absent(short, mark)
        stack.arrived(short, stack.inbound(f"{local}-other@{domain}"))
    with refuses(550, at="RCPT"):
        stack.inbound(f"{local}-third@{domain}")


@pytest.mark.rows("F012")
def test_disabled_mailbox_stores_or_refuses(stack, refuses):
    user, other = stack.user(), stack.user()
    alias, both = stack.alias(user), stack.alias(user, other)
    stack.cli("user", "set", user, "--disable")
    time.sleep(1.2)
    stored = [stack.inbound(user), stack.inbound(alias)]
    with setting(stack, "disabled_mailboxes = refuse", "lookup"):
        for to in (user, alias, user.replace("@", "+x@")):
            with refuses(550, at="RCPT"):
                stack.inbound(to)
        shared = stack.inbound(both)
        stack.arrived(other, shared)
    stack.cli("user", "set", user, "--enable")
    for mark in stored:
        stack.arrived(user, mark)
    assert stack.absent(user, shared)


@pytest.mark.rows("F014", "F015", "G03")
def test_domain_and_user_come_and_go_without_restart(stack, refuses):
    domain = f"new{time.monotonic_ns()}.example"
    user = f"someone@{domain}"
    pids = [stack.servers.pid(name) for name in ("postfix", "lookup")]
    with refuses(554, at="RCPT"):
        stack.inbound(user)
    stack.cli("domain", "add", domain)
    admin.add_user(stack.lay, user)
    # An smtpd that was asked before keeps "not ours" for its own life, ten idle seconds (main.cf).
    mark = soon(lambda: stack.inbound(user), 15)
    stack.arrived(user, mark)
    stack.cli("user", "del", user)
    began = time.monotonic()
    while time.monotonic() < began + 1.2:
        with contextlib.suppress(mail.Refused):
            stack.inbound(user)
    with refuses(550, at="RCPT"):
        stack.inbound(user)
    with pytest.raises(mail.Client.no_login):
        stack.absent(user, mark)
    assert pids == [stack.servers.pid(name) for name in ("postfix", "lookup")]


@pytest.mark.rows("F049", "G01")
def test_lookup_starts_before_its_neighbours(stack, refuses):
    """It is there at once, says "not now", and is well by itself."""
    user = stack.user()
    with stack.without("mariadb", "redis"):
        stack.servers.stop("lookup")
        began = time.monotonic()
        stack.servers.again("lookup")
        units.wait_for("lookup", units.listening(stack.lay.run / "lookup/map.sock"))
        assert time.monotonic() - began < 5
        with refuses(451, at="RCPT"):
            stack.inbound(user)
    stack.arrived(user, soon(lambda: stack.inbound(user), 10))


@pytest.mark.rows("F049")
@pytest.mark.parametrize("name", ["policyd", "milter"])
def test_it_starts_before_its_neighbours(stack, name):
    """With nobody there whom it asks: it takes connections, says "not now", and is well by itself, as the process that it is. (By default policyd says
    nothing then, and the refusal is of Postfix's own tables.)"""
    user = stack.user()
    stack.cli("user", "set", user, "--disable")
    stack.policyd(account_on_error="defer")
    sockets = {"policyd": stack.lay.run / "policyd/policy.sock", "milter": stack.lay.queue / "run/mailreeve/milter/milter.sock"}

    def submitted():
        """What it says of mail that this user sends."""
        if name == "policyd":
            return test_limits.Policy(stack.lay.run).ask(protocol_state="RCPT", sasl_username=user, sender=user, recipient="x@elsewhere.example")[:3]
        with milter_client.Session(str(sockets[name]), daemon_name="SUBMISSION") as session:
            return session.message("x@elsewhere.example", sender=user, login=user, fields=(("From", user), ("Subject", "s"))).text[:3]

    try:
        with stack.without("redis", "unbound", "mariadb", "lookup"):
            stack.servers.stop(name)
            stack.servers.again(name)
            units.wait_for(name, units.listening(sockets[name]))
            pid = stack.servers.pid(name)
            assert submitted() == "451"
        assert mail.wait_until(lambda: submitted() == {"policyd": "550", "milter": ""}[name], 10), submitted()
        assert stack.servers.pid(name) == pid
    finally:
        stack.policyd()


def row_reads(stack):
    return int(re.search(r"^row_reads_total=(\d+)", stack.control("lookup", "stats"), re.M).group(1))


@pytest.mark.rows("G02")
def test_equal_questions_are_one_read(stack):
    """Twenty clients ask for one address while the database stands still: what reaches it is what one of them would have asked."""
    user = stack.user()
    stack.inbound(stack.probe)  # the domain is known
    question = f"mailbox {user}"
    pid, before = stack.servers.pid("mariadb"), row_reads(stack)
    supervise.freeze(pid)
    try:
        with contextlib.ExitStack() as peers:
            asking = [peers.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(20)]
            for peer in asking:
                peer.settimeout(20)
                peer.connect(str(stack.lay.run / "lookup/map.sock"))
                peer.sendall(f"{len(question)}:{question},".encode())
            time.sleep(0.5)
            assert row_reads(stack) - before <= 3, "its alias and its mailbox, and the domain should its time be over"
            os.kill(pid, signal.SIGCONT)
            assert {peer.recv(1000).decode().partition(":")[2] for peer in asking} == {f"OK {user},"}
    finally:
        os.kill(pid, signal.SIGCONT)
