"""Mailboxes with a limit."""

import pytest
from stack import admin, layout, mail

ANNA = admin.address("anna")


def overfill(stack, user):
    """A mailbox of 1 MB gets 1.2 MB: delivery lets one message more in than fits."""
    for _ in range(2):
        stack.arrived(user, stack.inbound(user, body=("y" * 98 + "\n") * 6000))


def fill(stack, user, megabytes):
    content = mail.message(ANNA, user, body=("y" * 98 + "\n") * (megabytes * 10600))
    with stack.client.imap(user, admin.PASSWORD) as session:
        return session.append("INBOX", None, None, content)[0]


def full(stack, user):
    """Whether RCPT refuses it, once Dovecot's report has come round."""
    def look():
        try:
            stack.inbound(user)
        except mail.Refused as error:
            assert error.where == "RCPT"
            return error
        return None
    return mail.wait_until(look, 10)


@pytest.mark.rows("F068")
def test_full_mailbox_is_refused_at_rcpt(stack):
    user = stack.user("--quota", "1")
    stack.arrived(user, stack.inbound(user))
    assert fill(stack, user, 1) == "NO"          # over the limit: Dovecot refuses it
    overfill(stack, user)
    assert full(stack, user).code in (452, 552)
    through_alias = stack.alias(user)
    assert full(stack, through_alias)
    both = stack.alias(user, ANNA)
    mark = stack.inbound(both)                   # one of two has room
    stack.arrived(ANNA, mark)


@pytest.mark.rows("F068")
def test_over_quota_at_delivery_bounces(stack):
    """With policyd away the message gets as far as LMTP; the sender hears of it."""
    user = stack.user("--quota", "1")
    overfill(stack, user)
    with stack.without("policyd"):
        mark = stack.inbound(user, sender="stranger@" + layout.FOREIGN, body=("z" * 98 + "\n") * 6000)
        stack_bounce = mail.wait_until(lambda: stack.client.sunk(mark, 15), 1)
    assert stack_bounce[0]["to"] == ["stranger@" + layout.FOREIGN] and stack_bounce[0]["from"] == ""
    assert stack.absent(user, mark)


@pytest.mark.rows("F068")
def test_room_again_after_deleting(stack):
    user = stack.user("--quota", "1")
    overfill(stack, user)
    assert full(stack, user)
    with stack.client.imap(user, admin.PASSWORD) as session:
        session.select("INBOX")
        session.store("1:*", "+FLAGS", "\\Deleted")
        session.expunge()

    def open_again():
        try:
            return stack.inbound(user)
        except mail.Refused:
            return None
    stack.arrived(user, mail.wait_until(open_again, 10))


@pytest.mark.rows("F069")
def test_zero_is_unlimited(stack):
    user = stack.user("--quota", "0")
    assert fill(stack, user, 3) == "OK"
    stack.arrived(user, stack.inbound(user))
    limited = stack.user("--quota", "2")
    assert fill(stack, limited, 3) == "NO"
