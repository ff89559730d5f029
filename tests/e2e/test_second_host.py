"""A site of two whole hosts: Postfix, Dovecot and daemons of each over one MariaDB and one Redis. What is taken away on one host ends on the other."""

import concurrent.futures
import contextlib
import json
import os
import time

import mailhost
import pytest
from stack import admin, host, layout, mail, mariadb, postfix
from test_lockdown import dropped
from test_login import SETTINGS, by_imap, by_smtp, lines, network, wrong

PARTNER = "someone@" + layout.ELSEWHERE
WITHIN = 1.0  # seconds


@pytest.fixture(scope="module")
def second(stack):
    keep = os.environ.get("MR_KEEP")
    with host.Host(keep and keep + "-second", joins=stack.lay) as running:
        yield mailhost.Stack(running, beside=stack)


@pytest.fixture
def both(stack, second):
    return stack, second


@contextlib.contextmanager
def under_way(stack, *words, **kwargs):
    """A verb runs meanwhile, which takes more than a second; the block begins when a second is over, which is what is promised. Yields what it will have
    said."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(stack.cli, *words, check=False, **kwargs)
        time.sleep(WITHIN)
        yield running
        assert running.result().returncode == 0, running.result()


def all_at_once(*looks):
    with concurrent.futures.ThreadPoolExecutor(len(looks)) as pool:
        return [done.result() for done in [pool.submit(look) for look in looks]]


def no_sending(session, user):
    """Whether an open session is refused its next message, at the recipient."""
    try:
        mail.transaction(session, user, PARTNER, mail.message(user, PARTNER))
    except mail.Refused as refused:
        return refused.where == "RCPT" and refused.code // 100 == 5
    return False


def logs_in(stack, user, password=admin.PASSWORD):
    """By IMAP and by submission, each from a place of its own."""
    return all_at_once(lambda: by_imap(stack, user, password, mail.somewhere()), lambda: by_smtp(stack, user, password, mail.somewhere()))


def waiting(stack, user):
    """The queues of what that user has in the host's queue."""
    return [message["queue_name"] for message in postfix.queue(stack.lay) if message["sender"] == user]


@pytest.mark.rows("G14", "F062", "G03")
def test_a_lock_on_one_host_stops_all_on_the_other(both):
    one, two = both
    user, other = one.user(), one.user()
    assert logs_in(two, user) == [True, True]
    with contextlib.ExitStack() as at_the_end:
        at_the_end.enter_context(one.without("sink"))
        marks = [two.submit(user, PARTNER), two.submit(user, PARTNER, sender="")]
        passes = two.submit(other, PARTNER)
        assert mail.wait_until(lambda: waiting(two, user) == ["deferred"])
        open_session = two.client.submission(user, admin.PASSWORD)
        imap = at_the_end.enter_context(two.client.imap(user, admin.PASSWORD))
        bystander = at_the_end.enter_context(two.client.imap(other, admin.PASSWORD))
        with under_way(one, "user", "lock", user, "--reason", "stolen password") as lock:
            ended, silenced, doors = all_at_once(lambda: dropped(imap), lambda: no_sending(open_session, user), lambda: logs_in(two, user))
            assert ended and silenced and doors == [False, False], (ended, silenced, doors)
            assert mail.wait_until(lambda: waiting(two, user) == ["hold"], 3)
        assert lock.result().stderr == "" and bystander.noop()[0] == "OK"
    postfix.flush(two.lay)
    two.client.sunk(passes)
    assert not any(mark.encode() in path.read_bytes() for path in two.lay.sink.glob("*.eml") for mark in marks)
    listed = json.loads(two.cli("queue", "list", "--sender", user, "--json"))
    assert [m["queue_name"] for m in listed] == ["hold", "hold"]
    # What an unlock says and does is of its host: each holds, and releases, what it has.
    with under_way(one, "user", "unlock", user) as unlock:
        assert logs_in(two, user) == [True, True]
    assert "on hold" not in unlock.result().stdout
    postfix.flush(two.lay)
    assert len(json.loads(two.cli("queue", "list", "--sender", user, "--json"))) == 2
    assert two.cli("queue", "release", "--sender", user).strip() == "2 messages"
    postfix.flush(two.lay)
    for mark in (*marks, two.submit(user, PARTNER), one.submit(user, PARTNER)):
        two.client.sunk(mark)


@pytest.mark.rows("F062", "G03")
def test_a_password_changed_on_one_host(both):
    one, two = both
    user = two.user()
    with two.client.imap(user, admin.PASSWORD) as imap:
        with under_way(one, "user", "set", user, "--password", stdin="another horse\n"):
            assert all_at_once(lambda: dropped(imap), lambda: logs_in(two, user)) == [True, [False, False]]
    assert logs_in(two, user, "another horse") == [True, True]


@pytest.mark.rows("G10")
def test_a_limit_over_real_submissions_to_both_hosts(both):
    one, two = both
    user = one.user()
    one.cli("limit", "set", "user", user, "messages", "20/1h")
    sessions = [stack.client.submission(user, admin.PASSWORD) for stack in both * 2]

    def send(session):
        passed = 0
        for _ in range(10):
            with contextlib.suppress(mail.Refused):
                mail.transaction(session, user, PARTNER, mail.message(user, PARTNER))
                passed += 1
        return passed
    with concurrent.futures.ThreadPoolExecutor(len(sessions)) as pool:
        passed = list(pool.map(send, sessions))
    assert sum(passed) == 20, passed
    for stack in both:
        assert [row["left"] for row in json.loads(stack.cli("limit", "show", user, "--json"))] == [0]


@pytest.mark.rows("G12")
def test_guesses_count_on_both_hosts(both):
    one, two = both
    user, home, stranger = one.user(), network(), network() + "7"
    for stack in both:
        stack.policyd(**SETTINGS)
    try:
        assert by_imap(one, user, admin.PASSWORD, home + "1")
        for stack in both:
            wrong(stack, user, [stranger] * 2)
        assert all_at_once(*[lambda stack=stack: refused(stack, user, stranger) for stack in both]) == [True, True]
        wrong(one, user, [network() + "7" for _ in range(6)])
        for stack in both:
            before = len(lines(stack, login=user))
            assert by_imap(stack, user, admin.PASSWORD, home + "1") and by_smtp(stack, user, admin.PASSWORD, home + "9")
            assert len(lines(stack, login=user)) == before
    finally:
        for stack in both:
            stack.policyd()


def refused(stack, user, source):
    """The right password, from there."""
    return not by_imap(stack, user, admin.PASSWORD, source) and lines(stack, login=user, client=source)[-1]["action"] == "reject"


@contextlib.contextmanager
def kept_out(second):
    """MariaDB takes nothing from the second host's lookup."""
    account = f"'{mariadb.SECOND_USER}'@'localhost'"
    mariadb.sql(second.lay, f"ALTER USER {account} ACCOUNT LOCK; KILL USER {account};")
    try:
        yield
    finally:
        mariadb.sql(second.lay, f"ALTER USER {account} ACCOUNT UNLOCK")


@pytest.mark.rows("G14", "G01", "F062")
def test_a_lock_while_the_other_host_has_no_database(both, wait):
    """What that host knows it goes by, which is bounded by stale_max. Once it has the database again it gives out nothing that is over."""
    one, two = both
    user, gone = one.user(), one.user()
    for who in (user, gone):
        assert logs_in(two, who) == [True, True]
    with contextlib.ExitStack() as at_the_end:
        at_the_end.enter_context(one.without("sink"))
        two.submit(user, PARTNER)
        assert mail.wait_until(lambda: waiting(two, user) == ["deferred"])
        imap, theirs = (at_the_end.enter_context(two.client.imap(who, admin.PASSWORD)) for who in (user, gone))
        open_session = two.client.submission(user, admin.PASSWORD)
        with kept_out(two):
            done = one.cli("user", "lock", user, "--reason", "stolen password", "--wait", "1", check=False)
            assert layout.SECOND in done.stderr, done
            one.cli("user", "del", gone, "--wait", "1", check=False)
            assert [imap.noop()[0], theirs.noop()[0]] == ["OK", "OK"] and logs_in(two, user) == [True, True]
        wait("the database, after two seconds at the most, and with it the end of sending", lambda: no_sending(open_session, user), 5)
        assert all_at_once(lambda: logs_in(two, user), lambda: logs_in(two, gone)) == [[False, False], [False, False]]
        wait("the ends of both sessions", lambda: dropped(imap) and dropped(theirs))
        wait("the hold of all", lambda: set(waiting(two, user)) == {"hold"})
