"""kill -9 of every process while mail flows: what was answered 250 arrives exactly once, everything else heard a temporary failure."""

import collections
import contextlib
import itertools
import os
import random
import re
import signal
import smtplib
import threading
import time

import ledger
import pytest
from stack import admin, layout, mail, mariadb, postfix, supervise

SESSIONS, MESSAGES = 10, 200
PARTS = ("lookup", "policyd", "milter", "mariadb", "redis")


class Sender(threading.Thread):
    """One session after the other, so many messages, and more until the last strike; the book says what the server answered to each."""

    def __init__(self, stack, book, count, struck):
        super().__init__(daemon=True)
        self.stack, self.book, self.count, self.struck = stack, book, count, struck

    def run(self):
        smtp = None
        for n in itertools.count():
            if n >= self.count and self.struck.is_set():
                return
            mark, name = mail.new_mark(), ("anna", "ben")[n % 2]
            sender, recipient = f"{mark}@{layout.FOREIGN}", f"{name}@{layout.DOMAIN}"
            try:
                smtp = smtp or self.stack.client.connect()
                mail.transaction(smtp, sender, recipient, mail.message(sender, recipient, mark=mark))
                answer = 250
            except mail.Refused as refused:
                answer = refused.code
                smtp.close()                            # a host that tries again makes a new session, too
                smtp = None
            except (smtplib.SMTPException, OSError):
                answer = smtp = None                    # the session broke: no answer counts as "not accepted"
            self.book.note(mark, [ledger.inbox(name)], answer)
            time.sleep(0.05 if answer == 250 else 0.3)  # turned away it waits, or a slow return would use up its messages


def under_fire(stack, strike, rounds):
    """The book of what was sent during so many strikes."""
    book, struck = ledger.Ledger(), threading.Event()
    senders = [Sender(stack, book, MESSAGES // SESSIONS, struck) for _ in range(SESSIONS)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(rounds):
            time.sleep(random.uniform(0.1, 0.4))
            strike()
    finally:
        struck.set()
    last = time.monotonic()
    for sender in senders:
        sender.join(120)
        assert not sender.is_alive(), "a session hangs"
    stack.well(30)
    assert time.monotonic() - last < 120
    return book


def judge(stack, book):
    """All is delivered within 30 s; what might come twice has had its time, since nothing waits any more."""
    assert len(book.entries) >= MESSAGES
    mail.wait_until(lambda: not postfix.queue(stack.lay) and not book.missing(ledger.found(stack.lay)), 30)
    assert not postfix.queue(stack.lay)
    assert book.complaints(ledger.found(stack.lay)) == []
    assert len(book.accepted()) > len(book.entries) // 4


def kill(stack, name):
    """The process that runs at this moment; it is waited for while the supervisor starts it again."""
    pid = mail.wait_until(lambda: stack.servers.pid(name), 10)
    os.kill(pid, signal.SIGKILL)
    assert mail.wait_until(lambda: stack.servers.pid(name) != pid, 10)


@pytest.mark.parametrize("victim", PARTS)
def test_kill_while_mail_flows(stack, victim):
    judge(stack, under_fire(stack, lambda: kill(stack, victim), rounds=3))


@pytest.mark.parametrize("depth", ["scanner master", "scanner"])
def test_kill_scanners_while_mail_flows(stack, depth):
    """The milter is not restarted for this: it brings its scanners up again itself."""
    milter = stack.servers.pid("milter")

    def victims():
        masters = supervise.children(milter)
        return masters if depth == "scanner master" else [pid for master in masters for pid in supervise.children(master)]

    def strike():
        pid = mail.wait_until(victims, 10)[0]
        os.kill(pid, signal.SIGKILL)
        assert mail.wait_until(lambda: pid not in victims(), 10)
        time.sleep(1)   # what it had is scanned again: a message over which two scanners die is held, and rightly
    judge(stack, under_fire(stack, strike, rounds=5))
    assert stack.servers.pid("milter") == milter
    assert mail.wait_until(victims, 10)


def test_content_that_kills_scanners_is_held(stack):
    """A message over which two scanners have died waits for a person, who is told, and is held at once when it comes again. They die while DNS, for which they
    wait, stands still."""
    mariadb.sql(stack.lay, "DELETE FROM notice WHERE kind = 'content-held'")  # once a day
    milter, user = stack.servers.pid("milter"), stack.user()

    def scanners():
        return {pid for master in supervise.children(milter) for pid in supervise.children(master)}

    def kill_all():
        for pid in scanners():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def deaths():
        return len(re.findall(f" scanner-killed .* sender={sender} ", stack.log("milter")))

    def struck(number):
        """One scanner at a time, when it has the message: others that are killed meanwhile have no part in it."""
        if deaths() < number and "dns:" in stack.control("milter", "waiting"):
            kill_all()
            time.sleep(1)
        return deaths() >= number

    def messages(n):
        found = [m for m in postfix.queue(stack.lay) if m["sender"] == sender]
        return found if len(found) == n and all(m["queue_name"] == "hold" for m in found) else None

    sender = f"killer@{mail.new_mark()}.{layout.FOREIGN}"  # a domain that nobody has asked DNS about
    content = mail.message(sender, user, mark=sender)
    unbound = stack.servers.pid("unbound")
    supervise.freeze(unbound)
    try:
        sending = threading.Thread(target=stack.inbound, args=(user,), kwargs={"sender": sender, "content": content}, daemon=True)
        sending.start()
        for number in (1, 2):
            assert mail.wait_until(lambda: struck(number), 30), number
        sending.join(60)
        assert not sending.is_alive()
    finally:
        os.kill(unbound, signal.SIGCONT)
    stack.inbound(user, sender=sender, content=content)
    assert deaths() == 2
    said = [line for line in stack.log("milter").splitlines() if " warning: message " in line and f" sender={sender} " in line]
    assert len(said) == 2 and all(" action=hold reason=kills-scanners " in line for line in said), said
    held = messages(2)
    assert held, postfix.queue(stack.lay)
    first = min(held, key=lambda m: m["arrival_time"])["queue_id"]
    told = stack.arrived("ben@" + layout.DOMAIN, first)
    assert told["Subject"] == f"Mail is on hold at {layout.HOSTNAME}" and told["Return-Path"] == "<>"
    assert f"{first}: scanners die over it" in told.get_payload(decode=True).decode()
    assert mariadb.sql(stack.lay, "SELECT address FROM notice WHERE kind = 'content-held'").split() == [layout.HOSTNAME]
    assert "problem queue: 2 messages are on hold" in stack.cli("doctor", check=False).stdout
    assert stack.cli("queue", "release", *(m["queue_id"] for m in held)).strip() == "2 messages"
    assert mail.wait_until(lambda: len(stack.client.fetch(user, admin.PASSWORD, sender)) == 2)


def test_kill_everything_at_once(stack):
    def strike():
        for pid in [mail.wait_until(lambda name=name: stack.servers.pid(name), 10) for name in PARTS]:
            os.kill(pid, signal.SIGKILL)
    judge(stack, under_fire(stack, strike, rounds=2))


@pytest.mark.parametrize("answer, copies, said", [
    (250, {"anna": 1}, None), (250, {}, "lost"), (250, {"anna": 2}, "2 copies"), (250, {"ben": 1, "anna": 1}, "not belong"), (451, {}, None),
    (451, {"anna": 1}, "yet at"), (None, {}, None), (None, {"anna": 1}, None), (None, {"anna": 2}, "2 copies"), (550, {}, "for good")])
def test_judge_sees_what_goes_wrong(answer, copies, said):
    book = ledger.Ledger()
    book.note("mark-1", [ledger.inbox("anna")], answer)
    complaints = book.complaints(collections.Counter({("mark-1", ledger.inbox(name)): n for name, n in copies.items()}))
    assert len(complaints) == (said is not None) and all(said in line for line in complaints), complaints
