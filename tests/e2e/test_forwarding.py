"""Aliases that lead outside: the second pass with SRS."""

import re

import pytest
from stack import admin, layout, mail, postfix

ANNA, BEN = admin.address("anna"), admin.address("ben")
STRANGER, PARTNER = "stranger@" + layout.FOREIGN, "someone@" + layout.ELSEWHERE
SRS = re.compile(rf"SRS0=[^=@]+=[^=@]+={re.escape(layout.FOREIGN)}=stranger@{re.escape(layout.DOMAIN)}")


@pytest.mark.rows("F006")
def test_foreign_copy_is_rewritten_local_copy_is_not(stack):
    content = mail.sign(stack.lay, mail.message(STRANGER, admin.address("both"), mark=(mark := mail.new_mark())))
    stack.client.send(STRANGER, admin.address("both"), content)
    assert stack.arrived(BEN, mark)["Return-Path"] == f"<{STRANGER}>"
    envelope, forwarded = stack.client.sunk(mark)
    assert SRS.fullmatch(envelope["from"]) and envelope["to"] == [PARTNER]
    assert mail.verified(stack.lay, forwarded), "the foreign signature must survive"
    assert f"From: {STRANGER}\r\n".encode() in forwarded


@pytest.mark.rows("F006")
def test_bounce_of_a_forwarded_message_goes_home(stack):
    envelope, _ = stack.client.sunk(stack.inbound(admin.address("outside"), sender=STRANGER))
    mark = stack.inbound(envelope["from"], sender="", header_from="MAILER-DAEMON@" + layout.ELSEWHERE)
    back, _ = stack.client.sunk(mark)
    assert back["to"] == [STRANGER] and back["from"] == ""


@pytest.mark.rows("F006")
@pytest.mark.parametrize("sender", ["bounces+1234-abcd-someone=example.org@a-long-name.of-a-list-host." + layout.FOREIGN, '"a b"@' + layout.FOREIGN,
                                    '"some..one."@' + layout.FOREIGN, "x@[192.0.2.1]", f"SRS0=HHHH=TT={'x' * 60}.example=someone@{layout.FOREIGN}"])
def test_odd_senders_go_there_and_back(stack, sender):
    envelope, content = stack.client.sunk(stack.inbound(admin.address("outside"), sender=sender))
    assert envelope["from"].strip('"').startswith("SRS") and envelope["from"].endswith("@" + layout.DOMAIN)
    assert content.count(b"Received: from ") == 2
    back, _ = stack.client.sunk(stack.inbound(envelope["from"], sender="", header_from="MAILER-DAEMON@" + layout.ELSEWHERE))
    assert back["to"] == [sender]


@pytest.mark.rows("F006")
def test_what_cannot_be_rewritten_does_not_go_round(stack):
    sender = "SRS1=broken@" + layout.FOREIGN
    envelope, content = stack.client.sunk(stack.inbound(admin.address("outside"), sender=sender))
    assert envelope["from"] == sender and content.count(b"Received: from ") == 1


@pytest.mark.rows("F006")
@pytest.mark.parametrize("spoil", [lambda a: a.replace("stranger", "another"), lambda a: re.sub(r"^SRS0=[^=]+", "SRS0=AAAA", a),
                                   lambda a: a.replace(layout.FOREIGN, layout.ELSEWHERE)])
def test_forged_srs_address_is_refused(stack, refuses, spoil):
    envelope, _ = stack.client.sunk(stack.inbound(admin.address("outside"), sender=STRANGER))
    with refuses(550, at="RCPT"):
        stack.inbound(spoil(envelope["from"]), sender="")


@pytest.mark.rows("F006")
def test_refused_by_the_foreign_host(stack):
    """The bounce of the second pass finds its way to the original sender, once."""
    address = stack.alias("refuse@" + layout.ELSEWHERE)
    mark = stack.inbound(address, sender=STRANGER)
    envelope, bounce = stack.client.sunk(mark)
    assert envelope["from"] == "" and envelope["to"] == [STRANGER]
    assert b"nobody here" in bounce
    assert not postfix.queue(stack.lay)


@pytest.mark.rows("F006")
def test_own_sender_is_not_rewritten(stack):
    envelope, _ = stack.client.sunk(stack.submit(ANNA, admin.address("both"), sender=ANNA))
    assert envelope["from"] == ANNA


@pytest.mark.rows("F006", "F011")
def test_lookup_away_delays_and_loses_nothing(stack):
    """Between the two passes lookup goes away: the copy waits in the queue and leaves later, rewritten."""
    mark = stack.inbound(stack.alias("later@" + layout.ELSEWHERE), sender=STRANGER)
    assert mail.wait_until(lambda: postfix.queue(stack.lay), 10)
    with stack.without("lookup"):
        postfix.flush(stack.lay)
    assert postfix.queue(stack.lay)
    queued = postfix.queue(stack.lay)
    assert all(SRS.fullmatch(entry["sender"]) or entry["sender"] == STRANGER for entry in queued), (mark, queued)
    postfix.delete_all(stack.lay)
