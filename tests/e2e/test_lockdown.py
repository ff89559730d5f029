"""An account that is misused, stopped in one step: log-ins, submission and queued mail; what comes in is delivered all the while."""

import concurrent.futures
import contextlib
import imaplib
import json
import os
import poplib
import re
import signal

import mailhost
import pytest
import sieve
from stack import admin, layout, mail, mariadb, postfix, supervise

PARTNER = "someone@" + layout.ELSEWHERE


def shown(stack, user):
    return json.loads(stack.cli("user", "show", user, "--json"))


def changes(stack, user):
    """What the change log says of it."""
    return mariadb.sql(stack.lay, f"SELECT what FROM v_change WHERE name = '{user}' AND age < 3600 ORDER BY id").split()


def test_lock_is_kept_with_its_reason(stack):
    """Once, with its time and the first reason."""
    user = stack.user()
    assert "is locked" in stack.cli("user", "lock", user.upper(), "--reason", "sends ”spam“")
    assert "locked already" in stack.cli("user", "lock", user, "--reason", "another reason")
    account = shown(stack, user)
    assert account["locked"] and account["enabled"] and account["locked_reason"] == "sends ”spam“" and re.match(r"\d{4}-\d\d-\d\d ", account["locked_at"])
    assert "sends ”spam“" in stack.cli("user", "show", user)
    assert mariadb.sql(stack.lay, f"SELECT locked FROM v_mailbox WHERE address = '{user}'").split() == ["1"]
    assert "not locked any more" in stack.cli("user", "unlock", user)
    assert "was not locked" in stack.cli("user", "unlock", user)
    assert not shown(stack, user)["locked"] and shown(stack, user)["locked_reason"] is None
    stack.cli("user", "set", user, "--disable")
    assert changes(stack, user) == ["add", "lock", "unlock", "disable"]
    stack.cli("user", "del", user)


@pytest.mark.parametrize("words, said", [
    (["nobody@" + layout.DOMAIN], "there is no user nobody@" + layout.DOMAIN), (["a@nowhere.example"], "there is no domain nowhere.example"),
    (["a"], "no @"), (["a@example.org", "--reason", ""], "1 to 200 bytes"), (["a@example.org", "--reason", "x" * 201], "1 to 200 bytes"),
    (["a@example.org", "--reason", "two\nlines"], "one line"), (["a@example.org", "--reason", b"\xff"], "not UTF-8")])
def test_lock_refused(stack, words, said):
    done = stack.cli("user", "lock", *words, check=False)
    assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) == 1, done


def queued(stack, user):
    """Its messages in the queue, without what is just coming in."""
    return [m for m in postfix.queue(stack.lay) if m["sender"] == user and m["queue_name"] != "incoming"]


def dropped(session):
    """Whether the server has ended this session of IMAP or POP3."""
    try:
        session.noop()
    except (OSError, imaplib.IMAP4.abort, poplib.error_proto, EOFError):
        return True
    return False


def refuses_logins(stack, user):
    with pytest.raises(stack.client.no_login), stack.client.imap(user, admin.PASSWORD):
        pass
    with pytest.raises(poplib.error_proto):
        stack.client.pop3(user, admin.PASSWORD)
    for port in ("submission", "submissions"):
        with pytest.raises(mail.Refused) as caught:
            stack.client.submission(user, admin.PASSWORD, port)
        assert caught.value.code == 535


@pytest.mark.rows("G14", "F062")
def test_sessions_of_managesieve_end(stack):
    """Scripts, which may redirect mail, cannot be changed any more by who has a session; others go on."""
    user, other = stack.user(), stack.user()
    with sieve.Session(stack.lay, user, admin.PASSWORD) as session, sieve.Session(stack.lay, user, admin.PASSWORD) as second, \
            sieve.Session(stack.lay, other, admin.PASSWORD) as bystander:
        session.ask("NOOP")
        stack.cli("user", "lock", user, "--reason", "stolen password")
        for one in (session, second):
            with pytest.raises((RuntimeError, OSError)):
                one.put("evil", f'redirect "{PARTNER}";')
        bystander.ask("NOOP")
    with pytest.raises(RuntimeError), sieve.Session(stack.lay, user, admin.PASSWORD):
        pass


@pytest.mark.rows("G14", "F062")
def test_everything_stops_and_goes_on(stack, refuses):
    """Sessions that are open, log-ins, mail that is being sent, mail in the queue; nothing is lost."""
    user = stack.user()
    with stack.without("sink"):
        waiting = stack.submit(user, PARTNER)
        tagged = stack.submit(user, PARTNER, sender=user.replace("@", "+list@"))
        mail.wait_until(lambda: len(queued(stack, user)) == 1)
        pop3, idle, busy = stack.client.pop3(user, admin.PASSWORD), stack.client.submission(user, admin.PASSWORD), stack.client.submission(user, admin.PASSWORD)
        busy.mail(user)
        assert busy.rcpt(PARTNER)[0] == 250
        with stack.client.imap(user, admin.PASSWORD) as imap:
            said = stack.cli("user", "lock", user, "--reason", "stolen password")
            assert re.search(r"open sessions are dropped, queued messages on hold: 2$", said, re.M), said
            assert dropped(imap) and dropped(pop3)
        with refuses(500, at="RCPT"):
            mail.transaction(idle, user, PARTNER, mail.message(user, PARTNER))
        code, text = busy.data(mail.message(user, PARTNER))
        assert code == 550 and b"locked" in text, text
        refuses_logins(stack, user)
        arriving = stack.inbound(user)
        assert {m["queue_name"] for m in postfix.queue(stack.lay) if m["sender"].startswith(user.split("@")[0])} == {"hold"}
        assert stack.cli("queue", "list", "--sender", user).count("hold") == 2
        said = stack.cli("user", "unlock", user)
        assert "queued messages on hold: 2" in said
        assert stack.cli("queue", "release", "--sender", user).strip() == "2 messages"
    postfix.flush(stack.lay)
    for mark in (waiting, tagged):
        assert stack.client.sunk(mark)[0]["from"].endswith(layout.DOMAIN)
    stack.arrived(user, arriving)
    stack.client.sunk(stack.submit(user, PARTNER))


@pytest.mark.rows("G14", "F062")
def test_all_that_came_with_the_log_in_is_held(stack):
    """Under whatever address it goes: an alias of its own, one that others have, too, nobody's. Mail of others under the same address goes on."""
    user, other = stack.user(), stack.user()
    own, shared = stack.alias(user), stack.alias(user, other)
    with stack.without("sink"):
        held = [stack.submit(user, PARTNER, sender=sender) for sender in (user, own, shared, "")]
        passes = stack.submit(other, PARTNER, sender=shared)
        mail.wait_until(lambda: len([m for m in postfix.queue(stack.lay) if m["queue_name"] == "deferred"]) >= 5)
        said = stack.cli("user", "lock", user.upper(), "--reason", "stolen password")
        assert re.search(r"open sessions are dropped, queued messages on hold: 4$", said, re.M), said
    postfix.flush(stack.lay)
    stack.client.sunk(passes)
    assert not any(mark.encode() in path.read_bytes() for path in stack.lay.sink.glob("*.eml") for mark in held)
    listed = json.loads(stack.cli("queue", "list", "--sender", user, "--json"))
    assert sorted(m["sender"] for m in listed) == sorted((user, own, shared, "MAILER-DAEMON")) and {m["queue_name"] for m in listed} == {"hold"}
    assert "queued messages on hold: 4" in stack.cli("user", "unlock", user)
    assert stack.cli("queue", "release", "--sender", user).strip() == "4 messages"
    postfix.flush(stack.lay)
    for mark in held:
        stack.client.sunk(mark)


@pytest.mark.rows("G14", "F062")
@pytest.mark.parametrize("action", ["redirect", "redirect :copy"])
def test_scripts_redirect_nothing(stack, wait, action):
    """Who had the account may have left a script that sends its mail away: what comes in is kept, until it is unlocked."""
    user = stack.user()
    with sieve.Session(stack.lay, user, admin.PASSWORD) as session:
        session.put("away", f'require "copy"; {action} "{PARTNER}";')
        session.activate("away")
    stack.client.sunk(stack.inbound(user))
    stack.cli("user", "lock", user)
    kept = stack.inbound(user)
    inbox = stack.lay.mail / layout.DOMAIN / user.split("@")[0] / "Maildir/new"
    wait("kept", lambda: any(kept in path.read_text(errors="replace") for path in inbox.iterdir()))
    stack.cli("user", "unlock", user)
    stack.client.sunk(stack.inbound(user))
    stack.arrived(user, kept)
    assert not any(kept.encode() in path.read_bytes() for path in stack.lay.sink.glob("*.eml"))


@pytest.mark.rows("G14", "F062")
def test_lock_without_the_root_helper(stack):
    """The database's part holds, on every host: what waits for other hosts is frozen, though not on hold."""
    user, other = stack.user(), stack.user()
    with stack.without("hostd"):
        with stack.without("sink"):
            waiting = stack.submit(user, PARTNER)
            mail.wait_until(lambda: queued(stack, user))
            done = stack.cli("user", "lock", user, check=False)
            assert done.returncode == 0 and "is locked" in done.stdout
            assert re.search(r"open sessions and queued messages are left as they are: mailreeve-hostd does not answer at .*hostd.sock: ", done.stderr)
            refuses_logins(stack, user)
            # Postfix's queue manager keeps the last transport that it was told for half a minute; another message makes it ask again.
            passes = stack.submit(other, PARTNER)
            assert mail.wait_until(lambda: any("account locked" in m["recipients"][0].get("delay_reason", "") for m in queued(stack, user)), 60)
        stack.client.sunk(passes)
        assert [m["queue_name"] for m in queued(stack, user)] == ["deferred"]
        stack.cli("user", "unlock", user, check=False)
    postfix.flush(stack.lay)
    stack.client.sunk(waiting, seconds=45)


@pytest.mark.rows("F062")
@pytest.mark.parametrize("words, stdin", [(["set", "--password"], "another horse\n"), (["set", "--disable"], ""), (["set", "--send-only"], ""),
                                          (["del"], "")])
def test_what_is_taken_away_ends_open_sessions(stack, words, stdin):
    """lookup of each host has its own host's sessions dropped: nothing but the change log told it."""
    user, other = stack.user(), stack.user()
    with stack.client.imap(user, admin.PASSWORD) as imap, stack.client.imap(other, admin.PASSWORD) as stays:
        stack.cli("user", words[0], user, *words[1:], stdin=stdin)
        assert mail.wait_until(lambda: dropped(imap), 10)
        assert stays.noop()[0] == "OK"
    with pytest.raises(stack.client.no_login), stack.client.imap(user, admin.PASSWORD):
        pass


@pytest.mark.rows("G14")
def test_a_domain_that_is_switched_off_ends_open_sessions(stack):
    """Those of all its users, and of nobody else; policyd refuses the next recipient of a submission."""
    domain = "sweep.example"
    stack.cli("domain", "add", domain)
    users = [f"{name}@{domain}" for name in ("anna", "ben")]
    for user in users:
        stack.cli("user", "add", user, stdin=admin.PASSWORD + "\n")
    other = stack.user()
    with contextlib.ExitStack() as all_open:
        sessions = [all_open.enter_context(stack.client.imap(user, admin.PASSWORD)) for user in users]
        stays = all_open.enter_context(stack.client.imap(other, admin.PASSWORD))
        stack.cli("domain", "set", domain, "--disable")
        assert mail.wait_until(lambda: all(dropped(session) for session in sessions), 20)
        assert stays.noop()[0] == "OK"
    refuses_logins(stack, users[0])


@pytest.mark.rows("G09", "G14")
def test_an_account_that_expires_ends_open_sessions(stack):
    """Nobody gives a command when it does."""
    user, other = stack.user(), stack.user()
    before = stack.lay.conf.read_text()
    stack.lay.conf.write_text(before + "lookup {\n\tsession_check = 1s\n}\n")
    try:
        with stack.without("lookup"):
            pass
        with stack.client.imap(user, admin.PASSWORD) as imap, stack.client.imap(other, admin.PASSWORD) as stays:
            stack.cli("user", "set", user, "--expires", "8s")
            assert not dropped(imap)
            assert mail.wait_until(lambda: dropped(imap), 30)
            assert stays.noop()[0] == "OK"
        refuses_logins(stack, user)
    finally:
        stack.lay.conf.write_text(before)
        with stack.without("lookup"):
            pass


BEN = "ben@" + layout.DOMAIN  # who is told as the administrator


def limit(stack, user, action):
    """One message an hour from now on."""
    stack.cli("limit", "set", "user", user, "messages", "1/1h", "--action", action)


def notice(stack, reader, about):
    """The one notice about this user that has reached the reader."""
    found = stack.arrived(reader, about)
    assert found["Return-Path"] == "<>" and found["Auto-Submitted"] == "auto-generated" and found["X-Spam"] is None
    return found["Subject"], found.get_payload(decode=True).decode()


@pytest.mark.rows("G10", "G14")
def test_a_limit_locks_the_account(stack, refuses, wait):
    """policyd has it done: sessions, queue, notices and all; the owner reads about it when it is unlocked."""
    user = stack.user()
    limit(stack, user, "lock")
    with stack.client.imap(user, admin.PASSWORD) as imap:
        stack.submit(user, PARTNER)
        assert not shown(stack, user)["locked"]
        with refuses(550, at="RCPT") as refused:
            stack.submit(user, PARTNER)
        assert "Sending limit of this account is reached: messages 1/1h" in str(refused.value)
        wait("the lock", lambda: shown(stack, user)["locked"])
        assert shown(stack, user)["locked_reason"] == "sending limit: messages 1/1h"
        wait("the end of the session", lambda: dropped(imap))
    refuses_logins(stack, user)
    subject, body = notice(stack, BEN, user)
    assert subject == f"{user} is locked" and f"{user} was locked: sending limit: messages 1/1h." in body and f"mailreeve user unlock {user}" in body
    stack.cli("limit", "set", "user", user, "messages", "default")
    stack.cli("user", "unlock", user)
    subject, body = notice(stack, user, user)
    assert subject == "Your account is locked" and f"Your account {user} was locked: sending limit: messages 1/1h." in body and layout.HOSTNAME in body
    stack.client.sunk(stack.submit(user, PARTNER))


@pytest.mark.rows("G10")
@pytest.mark.parametrize("action, tells", [("defer", "is not accepted"), ("reject", "is refused"), ("hold", "waits until an administrator")])
def test_who_reaches_a_limit_is_told_once(stack, action, tells):
    user = stack.user()
    limit(stack, user, action)
    stack.submit(user, PARTNER)
    for _ in range(3):
        try:
            stack.submit(user, PARTNER)
        except mail.Refused as refused:
            assert refused.code // 100 == {"defer": 4, "reject": 5}[action]
    subject, body = notice(stack, user, user)
    assert subject == "Your sending limit is reached" and tells in body and "messages 1/1h" in body
    assert notice(stack, BEN, user)[0] == f"{user} has reached a sending limit"
    assert mariadb.sql(stack.lay, f"SELECT kind FROM notice WHERE address = '{user}'").split() == ["limit-" + action]
    if action == "hold":
        assert stack.cli("queue", "release", "--sender", user).strip() == "3 messages"


@pytest.mark.rows("G14")
def test_the_user_and_the_administrator_are_told_of_a_lock(stack):
    user = stack.user()
    stack.cli("user", "lock", user, "--reason", "phishing since noon")
    assert "phishing since noon" in notice(stack, BEN, user)[1]
    stack.cli("user", "lock", user)
    stack.cli("user", "unlock", user)
    assert "phishing since noon" in notice(stack, user, user)[1]


@contextlib.contextmanager
def admin_reads(stack, text):
    """mailreeve-admin goes by this configuration."""
    def read(content):
        stack.lay.conf.write_text(content)
        with stack.without("admin"):
            pass

    before = stack.lay.conf.read_text()
    read(text)
    try:
        yield
    finally:
        read(before)


@pytest.mark.rows("G10")
def test_a_notice_that_nobody_got_is_sent_later(stack):
    """Else the day would have had its notice."""
    user, socket, before = stack.user(), stack.lay.run / "admin/admin.sock", stack.lay.conf.read_text()
    request = f"limit-hold {user} messages 1/1h"
    with admin_reads(stack, before.replace("\tadministrator = ", "\tsendmail = /bin/false\n\tadministrator = ")):
        assert mailhost.ask(socket, request, "mailreeve-policyd").startswith("error ")
    assert mailhost.ask(socket, request, "mailreeve-policyd") == "ok\n"
    assert "messages 1/1h" in notice(stack, user, user)[1] and notice(stack, BEN, user)
    # what is for the administrator alone, where there is none
    with admin_reads(stack, re.sub(r"(?m)^\t?(administrator|postmaster) = .*\n", "", before)):
        for request in (f"hijack-notice {user} why", "content-held why"):
            answer = mailhost.ask(socket, request, "mailreeve-policyd")
            assert answer.startswith("error ") and "nobody to tell" in answer, answer


@pytest.mark.rows("G14")
def test_who_may_have_an_account_locked(stack):
    """policyd, and nothing but what it says."""
    user, socket = stack.user(), stack.lay.run / "admin/admin.sock"
    for asker in ("nobody", "postfix", "mailreeve-lookup"):
        assert "Permission" in mailhost.ask(socket, f"lock {user} why", asker)
    with mailhost.open_to_all(socket):
        for asker in ("nobody", "postfix", "mailreeve-lookup", "mailreeve-milter"):
            assert mailhost.ask(socket, f"lock {user} why", asker) == "error not allowed\n"
    for request in (f"lock {user} why", f"hijack-hold {user} why", "unlock"):
        assert mailhost.ask(socket, request, "mailreeve-milter") == "error not allowed\n"
    for request, said in (("content-held", "1 to 200 bytes"), ("content-held " + "x" * 300, "1 to 200 bytes"), ("content-held \xff", "not UTF-8")):
        answer = mailhost.ask(socket, request, "mailreeve-milter")
        assert answer.startswith("error ") and said in answer, answer
    for request, said in (("unlock " + user, "unknown request"), ("lock", "no @"), ("lock " + user, "1 to 200 bytes"), ("lock * why", "no @"),
                          ("lock nobody@" + layout.DOMAIN + " why", "there is no user"), (f"lock {user} " + "x" * 300, "1 to 200 bytes"),
                          ("limit-lock " + user + " x", "unknown")):
        answer = mailhost.ask(socket, request, "mailreeve-policyd")
        assert answer.startswith("error ") and said in answer, answer
    assert not shown(stack, user)["locked"]
    assert mailhost.ask(socket, f"lock {user} why not", "mailreeve-policyd") == "ok\n"
    assert shown(stack, user)["locked_reason"] == "why not"


@pytest.mark.rows("G14", "F062")
def test_a_message_that_the_filter_still_looks_at(stack):
    """policyd was asked about it before the lock; under an address that is not the user's alone nothing in the queue would stop it."""
    user = stack.user()
    clamd = stack.servers.pid("clamd")

    def submit(sender):
        try:
            return stack.submit(user, PARTNER, sender=sender)
        except mail.Refused as refused:
            return refused
    supervise.freeze(clamd)
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            under_way = [pool.submit(submit, sender) for sender in (user, "")]
            assert mail.wait_until(lambda: stack.control("milter", "waiting").count("clamd") == 2)
            stack.cli("user", "lock", user)
            os.kill(clamd, signal.SIGCONT)
            for done in under_way:
                assert isinstance(done.result(), mail.Refused) and "550 5.7.1 This account is locked" in str(done.result()), done.result()
    finally:
        os.kill(clamd, signal.SIGCONT)
    assert queued(stack, user) == []
