"""Thresholds by user and by domain for what is done with a message, while the milter runs: each mailbox has its own outcome, none is told of another's."""

import contextlib

import pytest
from stack import admin, layout, mail

SCORE = 10   # of the test string
TAKES = ("--junk-score", "1000", "--reject-score", "2000")


@pytest.fixture(name="held_off", autouse=True)
def _held_off(stack):
    """Greylisting of nobody who does not want it; outgoing spam is held."""
    before = stack.lay.conf.read_text()
    try:
        stack.lay.conf.write_text(before + "milter {\n\tgreylist_score = 1000\n\tgreylist_delay = 1h\n\theader_score = 100\n\toutbound_score = 100\n"
                                  "\toutbound_action = reject\n}\n")
        assert stack.control("milter", "reload").endswith("ok\n")
        yield
    finally:
        stack.lay.conf.write_text(before)
        assert stack.control("milter", "reload").endswith("ok\n")


@pytest.fixture(name="domain")
def _domain(stack):
    """A domain of its own, with two users."""
    name = f"thresholds{next(stack.numbers)}.example"
    stack.cli("domain", "add", name)
    users = [f"{local}@{name}" for local in ("one", "two")]
    for user in users:
        stack.cli("user", "add", user, *TAKES, stdin=admin.PASSWORD + "\n")
    yield name, *users
    for user in users:
        stack.cli("user", "del", user)
    stack.cli("domain", "del", name)


def spam(stack, *to):
    """The mark of a message that is taken, or "" of one that has to come again."""
    try:
        return stack.inbound(list(to), sender=f"s{next(stack.numbers)}@no-record.example", source="127.77.1.1", body=mail.GTUBE_JUNK + "\n")
    except mail.Refused as refused:
        assert refused.where == "DATA" and str(refused).startswith("451 4.7.1 Greylisted"), refused
        return ""


@pytest.mark.rows("F092", "F093")
def test_greylisting_by_user_and_by_domain(stack, domain):
    """From the next message on, without a reload. A message for two is held off only where both want that: nobody waits on account of another."""
    name, one, two = domain
    stack.arrived(one, spam(stack, one))
    stack.cli("user", "set", one, "--greylist-score", str(SCORE))
    assert not spam(stack, one)
    for user in (one, two):
        stack.arrived(user, mark := spam(stack, one, two))
    assert mark
    stack.cli("domain", "set", name, "--greylist-score", str(SCORE - 1))
    assert not spam(stack, one, two) and not spam(stack, two)
    stack.cli("user", "set", two, "--greylist-score", "1000")
    stack.arrived(two, spam(stack, two))
    assert not spam(stack, one)
    stack.cli("user", "set", one, "--greylist-score", "default")
    assert not spam(stack, one)
    stack.cli("domain", "set", name, "--greylist-score", "default")
    stack.arrived(one, spam(stack, one))


@pytest.mark.rows("F092")
def test_level_by_user_and_by_domain(stack, domain):
    """X-Spam-Level is there for one who wants it; where two differ it follows the site, and so tells of neither."""
    name, one, two = domain

    def levels(*users):
        mark = spam(stack, *users)
        return {stack.arrived(user, mark)["X-Spam-Level"] for user in users}

    assert levels(one) == {None}
    stack.cli("user", "set", one, "--header-score", str(SCORE))
    assert levels(one) == {"*" * SCORE} and levels(two) == {None} and levels(one, two) == {None}
    stack.cli("domain", "set", name, "--header-score", "1")
    assert levels(one, two) == {"*" * SCORE}
    stack.cli("user", "set", one, "--header-score", "50")
    assert levels(one) == {None} and levels(two) == {"*" * SCORE} and levels(one, two) == {None}


@pytest.mark.rows("F092")
def test_two_recipients_two_outcomes(stack, domain):
    """One has it in the inbox, with his own thresholds, the other in Junk or not at all; the bytes are the same, and say what the site would do."""
    _, one, two = domain
    stack.cli("user", "set", two, "--junk-score", "9", "--greylist-score", "1")
    mark = spam(stack, one, two)
    first, second = stack.arrived(one, mark), stack.arrived(two, mark, folder="Junk")
    assert [first["X-Spam"], second["X-Spam"]] == [None, None] and first["X-Spam-Action"] == second["X-Spam-Action"]
    stack.cli("user", "set", two, "--reject-score", str(SCORE))
    mark = spam(stack, one, two)
    third = stack.arrived(one, mark)
    stack.absent(two, mark)
    assert third["X-Spam-Action"] == first["X-Spam-Action"] and two not in third.as_string()


@pytest.mark.rows("F092", "G09")
def test_relay_domain(stack, refuses):
    """Mail for a domain whose mailboxes another server has is judged by the thresholds and lists of that domain, and by the lists of the site."""
    name = f"relayed{next(stack.numbers)}.example"
    admin.add_domain(stack.lay, name, "--relay", f"smtp:[127.0.0.1]:{stack.lay.ports['sink']}")
    local, user = stack.user(*TAKES), f"somebody@{name}"
    try:
        stack.client.sunk(spam(stack, user))
        stack.cli("domain", "set", name, "--reject-score", str(SCORE))
        with refuses(550, at="DATA"):
            stack.inbound(user, body=mail.GTUBE_JUNK + "\n")
        mark = spam(stack, user, local)
        stack.arrived(local, mark)
        assert not any(mark.encode() in path.read_bytes() for path in stack.lay.sink.glob("*.eml"))
        stack.cli("domain", "set", name, "--reject-score", "default", "--greylist-score", "1", "--junk-score", "100")
        assert not spam(stack, user)
        stack.cli("domain", "set", name, "--greylist-score", "default", "--deny", layout.FOREIGN)
        with refuses(550, at="RCPT"):
            stack.inbound(user)
        stack.cli("domain", "set", name, "--unlist", layout.FOREIGN)
        stack.client.sunk(stack.inbound(user))
        stack.cli("domain", "set", "default", "--deny", layout.FOREIGN)
        with refuses(550, at="RCPT"):
            stack.inbound(user)
    finally:
        stack.cli("domain", "set", "default", "--unlist", layout.FOREIGN, check=False)
        stack.cli("domain", "del", name)


@pytest.mark.rows("F215")
def test_outgoing_by_user_and_by_domain(stack, domain):
    """By the thresholds of who is logged in: his own, else his domain's, else the site's."""
    name, one, two = domain
    far = f"far{next(stack.numbers)}@{layout.ELSEWHERE}"

    def goes(user):
        with contextlib.suppress(mail.Refused):
            stack.client.sunk(stack.submit(user, far, body=mail.GTUBE_JUNK + "\n"))
            return True
        return False

    assert goes(one)
    stack.cli("user", "set", one, "--outbound-score", str(SCORE))
    assert not goes(one) and goes(two)
    stack.cli("user", "set", one, "--outbound-score", "default")
    stack.cli("domain", "set", name, "--outbound-reject-score", str(SCORE))
    assert not goes(one) and not goes(two)
    stack.cli("user", "set", two, "--outbound-reject-score", "11")
    assert not goes(one) and goes(two)
    assert "the outbound score would be above" in stack.cli("user", "set", two, "--outbound-score", "12", check=False).stderr
