"""Greylisting as a verdict at the end of a message: suspicious mail of strangers comes again, by who stands behind it."""

import contextlib

import pytest
from stack import admin, layout, mail, zones

ANNA = admin.address("anna")
ELSEWHERE = "127.0.0.66"      # SPF of the foreign domain says no


@pytest.fixture(name="suspicious")
def _suspicious(stack):
    """A mailbox for which the test string is suspicious, and no more."""
    before = stack.lay.conf.read_text()
    try:
        stack.lay.conf.write_text(before + "milter {\n\tgreylist_score = 9\n\tgreylist_delay = 2s\n}\n")
        assert stack.control("milter", "reload").endswith("ok\n")
        yield stack.user("--junk-score", "1000", "--reject-score", "2000")
    finally:
        stack.lay.conf.write_text(before)
        assert stack.control("milter", "reload").endswith("ok\n")


def passes(stack, *args, **kwargs):
    """The mark of a message that is taken, or "" of one that has to come again."""
    try:
        return stack.inbound(*args, body=mail.GTUBE_JUNK + "\n", **kwargs)
    except mail.Refused as refused:
        assert refused.where == "DATA" and str(refused).startswith("451 4.7.1 Greylisted"), refused
        return ""


def signed(stack, user, sender):
    mark = mail.new_mark()
    return {"sender": sender, "content": mail.sign(stack.lay, mail.message(sender, user, mark=mark, body=mail.GTUBE_JUNK + "\n"))}


def forget(stack):
    """Redis and the milter know nobody."""
    with stack.without("milter", "redis"):
        pass


@pytest.mark.rows("F093")
def test_by_signature(stack, suspicious):
    """Signed by the author's domain: the retry of another server passes, and then everything of that domain."""
    forget(stack)
    first = signed(stack, suspicious, f"one@{layout.FOREIGN}")

    def bring(source, what):
        with contextlib.suppress(mail.Refused):
            stack.client.send(what["sender"], suspicious, what["content"], source=source)
            return True
        return False
    assert not bring(ELSEWHERE, first)
    assert mail.wait_until(lambda: bring("127.99.1.1", first), 30)
    assert bring("127.98.1.1", signed(stack, suspicious, f"two@{layout.FOREIGN}"))
    assert "action=greylist" in stack.log("milter")


@pytest.mark.rows("F093")
def test_by_address_and_by_network(stack, suspicious):
    """By SPF the whole domain waits and passes; who proves nothing passes from a neighbour's address, and for each domain anew."""
    forget(stack)
    assert not passes(stack, suspicious)
    assert mail.wait_until(lambda: passes(stack, suspicious), 30)
    assert passes(stack, suspicious, sender=f"other@{layout.FOREIGN}", source=zones.FOREIGN_ADDRESS)

    assert not passes(stack, suspicious, sender="x@no-record.example", source="127.77.1.1")
    assert mail.wait_until(lambda: passes(stack, suspicious, sender="y@no-record.example", source="127.77.1.200"), 30)
    assert not passes(stack, suspicious, sender="x@no-record.example", source="127.77.2.1")
    assert not passes(stack, suspicious, sender="x@neither.example", source="127.77.1.1")


@pytest.mark.rows("F093")
def test_only_suspicious_mail_of_strangers(stack, suspicious):
    forget(stack)
    stack.arrived(suspicious, stack.inbound(suspicious))
    stack.arrived(suspicious, stack.submit(ANNA, suspicious, body=mail.GTUBE_JUNK + "\n"))
    stack.arrived(ANNA, passes(stack, ANNA), folder="Junk")
    mark = passes(stack, [suspicious, ANNA])
    stack.arrived(suspicious, mark)
    stack.arrived(ANNA, mark, folder="Junk")
    friend = stack.user("--junk-score", "1000", "--reject-score", "2000", "--allow", layout.FOREIGN)
    stack.arrived(friend, passes(stack, friend))
    assert not passes(stack, suspicious)


@pytest.mark.rows("F093")
def test_taken_while_redis_is_away(stack, suspicious):
    forget(stack)
    with stack.without("redis"):
        mark = passes(stack, suspicious)
    stack.arrived(suspicious, mark)
