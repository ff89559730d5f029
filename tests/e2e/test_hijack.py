"""Accounts that send unlike themselves, on the real Postfix and Redis: noticed, held, locked, each time with what it was."""

import itertools
import json
import re
import subprocess

import pytest
from stack import admin, layout, mail, mariadb

BEN = "ben@" + layout.DOMAIN  # who is told as the administrator
numbers = itertools.count(1)


def partner():
    return f"p{next(numbers)}@{layout.ELSEWHERE}"


def network():
    """A network that no other test uses."""
    return f"127.254.{next(numbers)}."


def notices(stack, user):
    return re.findall(rf'policy-notice check=hijack reason="([^"]*)" login={user} ', stack.log("policyd"))


def held(stack):
    """Names of held queue files; they are removed."""
    names = [path.name for path in (stack.lay.queue / "hold").rglob("*") if path.is_file()]
    for name in names:
        subprocess.run(["postsuper", "-c", str(stack.lay.postfix), "-d", name, "hold"], check=True, capture_output=True)
    return names


def mails(stack, reader, user):
    """{subject: text} of the notices about this user that the reader has."""
    found = stack.client.fetch(reader, admin.PASSWORD, user)
    assert all(one["Return-Path"] == "<>" and one["Auto-Submitted"] == "auto-generated" for one in found)
    assert len({one["Subject"] for one in found}) == len(found), "one mail of a kind"
    return {one["Subject"]: one.get_payload(decode=True).decode() for one in found}


@pytest.fixture
def watched(stack):
    """Small amounts, and what is noticed has consequences."""
    stack.policyd(hijack_mode="enforce", hijack_notice=2, hijack_hold=4, hijack_lock=0,
                  hijack_signals="{recipients:3/1h:2, senders:3/1h:2, networks:3/1h:2, new-networks:1/1h:2, null-senders:1/1h:3, bounces:2/1h:2}")
    yield stack
    stack.policyd()


@pytest.mark.rows("G13")
def test_many_recipients(watched):
    user, home = watched.user(), network() + "1"
    for _ in range(2):
        watched.client.sunk(watched.submit(user, partner(), source=home))
    assert notices(watched, user) == []
    watched.client.sunk(watched.submit(user, partner(), source=home))
    assert notices(watched, user) == ["2 points: recipients 3/3 gives 2"]
    for _ in range(2):
        watched.client.sunk(watched.submit(user, partner(), source=home))
    assert held(watched) == []
    watched.submit(user, partner(), source=home)
    assert len(held(watched)) == 1
    assert notices(watched, user)[1:] == ["4 points: recipients 6/3 gives 4"]
    assert re.search(rf'login={user} .* action="HOLD This account sends unlike itself: 4 points: recipients 6/3 gives 4" check=hijack', watched.log("policyd"))


@pytest.mark.rows("G13")
def test_many_recipients_of_one_message(watched):
    user = watched.user()
    mark = mail.new_mark()
    watched.client.submit(user, admin.PASSWORD, [partner() for _ in range(7)], mail.message(user, partner(), mark=mark), source=network() + "1")
    assert len(held(watched)) == 1
    assert len(notices(watched, user)) == 2


@pytest.mark.rows("G13")
def test_many_senders(watched):
    """Aliases and extensions of one account."""
    user, home = watched.user(), network() + "1"
    senders = [watched.alias(user), user.replace("@", "+a@"), watched.alias(user), user.replace("@", "+b@"), watched.alias(user)]
    to = partner()
    for sender in (user, user.upper(), *senders[:1]):
        watched.client.sunk(watched.submit(user, to, sender=sender, source=home))
    assert notices(watched, user) == []
    watched.client.sunk(watched.submit(user, to, sender=senders[1], source=home))
    assert notices(watched, user) == ["2 points: senders 3/3 gives 2"]
    for sender in senders[2:4]:
        watched.client.sunk(watched.submit(user, to, sender=sender, source=home))
    assert held(watched) == []
    watched.submit(user, to, sender=senders[4], source=home)
    assert len(held(watched)) == 1
    assert notices(watched, user)[1:] == ["4 points: senders 6/3 gives 4"]


@pytest.mark.rows("G13")
def test_many_bounces_of_what_it_sends(stack, wait):
    """Of a hundred recipients, from five bounces on: a list of old addresses. Nothing that the account does makes it so, but it is noticed when it sends."""
    user, home = stack.user(), network() + "1"
    stack.policyd(hijack_mode="enforce", hijack_notice=1, hijack_hold=2, hijack_signals="{bounce-ratio:80/1h:1, bounce-ratio:40/1h:1}")
    try:
        stack.client.submit(user, admin.PASSWORD, [partner() for _ in range(4)], mail.message(user, partner()), source=home)
        for _ in range(4):
            stack.inbound(user, sender="", header_from=f"mailer-daemon@{layout.FOREIGN}")
        stack.client.sunk(stack.submit(user, partner(), source=home))
        assert not re.search(rf"hijack-\w+ {user} ", stack.log("policyd"))  # four of five, but four are too few to say
        stack.inbound(user, sender="", header_from=f"mailer-daemon@{layout.FOREIGN}")
        stack.client.submit(user, admin.PASSWORD, [partner() for _ in range(6)], mail.message(user, partner()), source=home)
        assert held(stack) == []
        wait("the administrator told", lambda: mails(stack, BEN, user))
        assert "1 points: bounce-ratio 45/40 gives 1." in mails(stack, BEN, user)[f"{user} may be hijacked"]
        for _ in range(5):
            stack.inbound(user, sender="", header_from=f"mailer-daemon@{layout.FOREIGN}")
        stack.submit(user, partner(), source=home)
        assert len(held(stack)) == 1
    finally:
        stack.policyd()


@pytest.mark.rows("G13")
def test_it_is_shown_and_cleared(watched):
    user, home = watched.user(), network() + "1"
    watched.client.sunk(watched.submit(user, partner(), source=home))
    watched.client.sunk(watched.submit(user, partner(), source=home))
    shown = {entry["what"]: (entry["count"], entry["max"]) for entry in json.loads(watched.cli("login", "show", user, "--json"))}
    assert shown["hijack recipients"] == (2, 3) and shown["sent from"] == (None, None)
    watched.cli("login", "clear", user)
    watched.client.sunk(watched.submit(user, partner(), source=home))
    watched.client.sunk(watched.submit(user, partner(), source=home))
    assert notices(watched, user) == []  # else these would have been the third and the fourth


@pytest.mark.rows("G13")
def test_a_new_network(watched):
    user, home, away = watched.user(), network(), network()
    for source in (home + "1", home + "2"):
        watched.client.sunk(watched.submit(user, partner(), source=source))
    assert notices(watched, user) == []  # the first one of an account is not new, its neighbours are not
    watched.submit(user, partner(), source=away + "1")
    assert notices(watched, user)[-1] == "4 points: recipients 3/3 gives 2, new-networks 1/1 gives 2"
    held(watched)


@pytest.mark.rows("G13")
def test_logins(stack, wait):
    """Networks that it reads its mail from, before anything was sent."""
    user, home = stack.user(), network()
    stack.policyd(hijack_notice=2, hijack_signals="{logins:3/1h:2, networks:1/1h:9}")
    try:
        for source in (home + "1", home + "2", network() + "1"):
            with stack.client.imap(user, admin.PASSWORD, source=source):
                pass
        assert notices(stack, user) == []
        stack.client.pop3(user, admin.PASSWORD).quit()
        wait("noticed", lambda: notices(stack, user) == ["2 points: logins 3/3 gives 2"])
    finally:
        stack.policyd()


@pytest.mark.rows("G13")
def test_a_login_from_a_new_network(stack, wait):
    """It is noticed at once, and once: what is sent from there afterwards adds nothing."""
    user, home, away = stack.user(), network() + "1", network() + "1"
    stack.policyd(hijack_mode="enforce", hijack_notice=3, hijack_signals="{new-networks:1/1h:3}")
    try:
        with stack.client.imap(user, admin.PASSWORD, source=home):
            pass
        # Nobody waits for the report of a log-in; the next one of the same user comes after it.
        wait("known", lambda: subprocess.run(["redis-cli", "-s", stack.lay.redis_socket, "EXISTS", f"mailreeve:hijack:known:{user}"],
                                             capture_output=True, text=True, check=True).stdout.strip() == "1")
        with stack.client.imap(user, admin.PASSWORD, source=away):
            pass
        wait("noticed", lambda: notices(stack, user) == ["3 points: new-networks 1/1 gives 3"])
        assert re.search(rf"check=hijack .*login={user} client={away} protocol=imap", stack.log("policyd"))
        stack.client.sunk(stack.submit(user, partner(), source=away))
        assert len(notices(stack, user)) == 1
    finally:
        stack.policyd()


@pytest.mark.rows("G13")
def test_the_null_sender(watched):
    user, home = watched.user(), network() + "1"
    watched.submit(user, partner(), sender="", source=home)
    assert notices(watched, user) == ["3 points: null-senders 1/1 gives 3"]
    assert held(watched) == []
    watched.submit(user, partner(), sender="", source=home)
    assert notices(watched, user)[-1] == "6 points: null-senders 2/1 gives 6"
    assert len(held(watched)) == 1


@pytest.mark.rows("G13")
def test_people_are_told(watched, wait):
    """The administrator of what is noticed, the user as well of mail that is held; once, not for each message."""
    user, home = watched.user(), network() + "1"
    watched.submit(user, partner(), sender="", source=home)
    wait("the administrator told", lambda: mails(watched, BEN, user))
    noticed = mails(watched, BEN, user)[f"{user} may be hijacked"]
    assert "3 points: null-senders 1/1 gives 3." in noticed and f"mailreeve user lock {user}" in noticed and layout.HOSTNAME in noticed
    for _ in range(3):
        watched.submit(user, partner(), sender="", source=home)
    wait("the user told", lambda: mails(watched, user, user))
    wait("the administrator told", lambda: len(mails(watched, BEN, user)) == 2)
    about = "6 points: null-senders 2/1 gives 6."
    assert about in mails(watched, BEN, user)[f"{user} may be hijacked, its mail is held"]
    subject, text = mails(watched, user, user).popitem()
    assert subject == "Your mail waits" and about in text and "waits until an administrator releases it" in text
    assert len(held(watched)) == 3
    kinds = mariadb.sql(watched.lay, f"SELECT kind FROM notice WHERE address = '{user}' ORDER BY kind").split()
    assert kinds == ["hijack-hold", "hijack-notice"]


@pytest.mark.rows("G13")
def test_the_administrator_is_told_of_what_is_only_observed(stack, wait):
    """Though nothing is done: a message that would be held, and a log-in. The user is not told."""
    user, other, home = stack.user(), stack.user(), network()
    stack.policyd(hijack_hold=3, hijack_notice=3, hijack_signals="{null-senders:1/1h:3, logins:2/1h:3}")
    try:
        stack.submit(user, partner(), sender="", source=home + "1")
        for source in (home + "1", network() + "1"):
            with stack.client.imap(other, admin.PASSWORD, source=source):
                pass
        for one in (user, other):
            wait("the administrator told", lambda one=one: mails(stack, BEN, one))
            assert list(mails(stack, BEN, one)) == [f"{one} may be hijacked"] and mails(stack, one, one) == {}
        assert held(stack) == []
    finally:
        stack.policyd()


@pytest.mark.rows("G13")
def test_bounces(watched):
    user, home = watched.user(), network() + "1"
    watched.client.sunk(watched.submit(user, partner(), source=home))
    for _ in range(4):
        watched.inbound(user, sender="", header_from=f"mailer-daemon@{layout.FOREIGN}")
    watched.submit(user, partner(), source=home)
    assert len(held(watched)) == 1
    assert 'check=hijack reason="4 points: bounces 4/2 gives 4"' in watched.log("policyd")


@pytest.mark.rows("G13")
def test_bounces_that_go_on_elsewhere(watched):
    """To an alias, and to a user who has a copy of all sent to another host."""
    user, home = watched.user(), network() + "1"
    alias = watched.alias(user, partner())
    watched.client.sunk(watched.submit(user, partner(), source=home))
    for _ in range(4):
        watched.inbound(alias, sender="", header_from=f"mailer-daemon@{layout.FOREIGN}")
    watched.submit(user, partner(), source=home)
    assert len(held(watched)) == 1
    assert 'check=hijack reason="4 points: bounces 4/2 gives 4"' in watched.log("policyd")


@pytest.mark.rows("G13")
def test_own_spam(stack, wait):
    user, home = stack.user(), network() + "1"
    stack.policyd(hijack_mode="enforce", hijack_notice=2, hijack_hold=4, hijack_signals="{spam:1/1h:2}")
    try:
        stack.submit(user, user, source=home)
        for _ in range(2):
            stack.submit(user, user, body=mail.GTUBE_JUNK + "\n", source=home)
        stack.submit(user, user, source=home)
        assert len(held(stack)) == 1
        assert re.search(rf'login={user} .* reason="4 points: spam 2/1 gives 4"', stack.log("policyd"))
    finally:
        stack.policyd()


@pytest.mark.rows("G13")
def test_locked(watched, wait, refuses):
    user, home = watched.user(), network() + "1"
    watched.policyd(hijack_mode="enforce", hijack_lock=3, hijack_signals="{null-senders:1/1h:3}")
    with refuses(550, at="RCPT") as caught:
        watched.submit(user, partner(), sender="", source=home)
    assert "This account is locked: it sends unlike itself" in str(caught.value)
    wait("asked for the lock", lambda: re.search(rf'admin-\w+ asked="lock {user}"', watched.log("policyd")))


@pytest.mark.rows("G13")
def test_redis_away(watched):
    user, home = watched.user(), network() + "1"
    with watched.without("redis"):
        watched.client.sunk(watched.submit(user, partner(), source=home))
        watched.submit(user, partner(), sender="", source=home)
        assert notices(watched, user) == ["3 points: null-senders 1/1 gives 3"]


@pytest.mark.rows("G13")
def test_by_default_it_is_only_said(stack):
    user, home = stack.user(), network() + "1"
    stack.policyd(hijack_signals="{null-senders:1/1h:8}")
    try:
        stack.submit(user, partner(), sender="", source=home)
        assert held(stack) == []
        assert notices(stack, user) == ["8 points: null-senders 1/1 gives 8"]
        assert re.search(rf'state=END-OF-MESSAGE .* login={user} .* action=DUNNO .* observed="hijack:8 points: null-senders 1/1 gives 8"', stack.log("policyd"))
    finally:
        stack.policyd()
    user = stack.user()
    for _ in range(3):
        stack.client.sunk(stack.submit(user, partner(), source=home))
    assert notices(stack, user) == []  # with the default rows ordinary mail is nothing


@pytest.mark.parametrize("signals", ["{recipients}", "{recipients:0/1h:1}", "{recipients:1/1h}", "{recipients:1/1h:0}", "{recipients:1/1h:1:1}",
                                     "{something:1/1h:1}", "{recipients:2000/1h:1}", "{" + ", ".join(["bounces:1/1h:1"] * 11) + "}"])
def test_rows_that_are_none(stack, tmp_path, signals):
    conf = tmp_path / "mailreeve.conf"
    conf.write_text(stack.lay.conf.read_text() + f"policyd {{\n hijack_signals = {signals}\n}}\n")
    done = subprocess.run([stack.lay.bin / "mailreeve-policyd", "-c", conf, "--check-config"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "policyd.hijack_signals: " in done.stderr and done.stderr.count("\n") == 1, done.stderr
