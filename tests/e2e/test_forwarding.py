"""Aliases that lead outside: the second pass with SRS."""

import email
import re

import pytest
import sieve
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


# ---- circles


@pytest.mark.rows("F006")
@pytest.mark.parametrize("sender_of", [lambda envelope: envelope["from"], lambda envelope: STRANGER], ids=["keeps the sender", "sends under the first name"])
def test_circle_ends_in_one_bounce(stack, refuses, sender_of):
    """The foreign host sends the copy back to the alias: it is refused there, and what that host tells the sender comes home."""
    address = stack.alias(PARTNER)
    mark = stack.inbound(address, sender=STRANGER)
    envelope, content = stack.client.sunk(mark)
    with refuses(554, at="DATA") as caught:
        stack.client.send(sender_of(envelope), address, content)
    assert "5.4.6" in str(caught.value)
    home, _ = stack.client.sunk(stack.inbound(envelope["from"], sender="", header_from="MAILER-DAEMON@" + layout.ELSEWHERE))
    assert home["to"] == [STRANGER]


@pytest.mark.rows("F006")
def test_circle_of_own_mail(stack, refuses):
    """It needs no second pass; the number of times that it was here tells."""
    address = stack.alias(PARTNER)
    envelope, content = stack.client.sunk(stack.submit(ANNA, address))
    with refuses(554, at="DATA"):
        for _ in range(10):
            mark = mail.new_mark()
            content = re.sub(rb"mark-[0-9a-f]+", mark.encode(), content)
            stack.client.send(envelope["from"], address, content)
            _, content = stack.client.sunk(mark)


@pytest.mark.rows("F006")
def test_two_aliases_in_a_circle(stack):
    """Within the house there is no way round to begin with: mail for both is refused, not sent about."""
    one, two = stack.alias(ANNA), stack.alias(BEN)
    stack.cli("alias", "set", one, two)
    stack.cli("alias", "set", two, one)
    with pytest.raises(mail.Refused, match="^[45]"):
        stack.inbound(one, sender=STRANGER)
    assert not postfix.queue(stack.lay)


# ---- Sieve


@pytest.fixture
def scripted(stack):
    """A function: a fresh user with that script, put there by ManageSieve as a mail client does it."""
    def make(script):
        user = stack.user()
        with sieve.Session(stack.lay, user, admin.PASSWORD) as session:
            session.put("mine", script)
            session.activate("mine")
        return user
    return make


@pytest.mark.rows("G16", "G07")
def test_sieve_redirect(stack, scripted):
    """It leaves as an alias would send it: SRS, a seal over what the way in has found, the sender's signature untouched."""
    user = scripted(f'require "copy"; redirect :copy "{PARTNER}";')
    content = mail.sign(stack.lay, mail.message(STRANGER, user, mark=(mark := mail.new_mark())))
    stack.client.send(STRANGER, user, content)
    assert stack.arrived(user, mark)["Return-Path"] == f"<{STRANGER}>"
    envelope, redirected = stack.client.sunk(mark)
    assert SRS.fullmatch(envelope["from"]) and envelope["to"] == [PARTNER]
    assert mail.verified(stack.lay, redirected), "the sender's signature must survive"
    assert mail.chain(stack.lay, redirected) == ("pass", 1)
    found = " ".join(email.message_from_bytes(redirected)["ARC-Authentication-Results"].split())
    assert f"i=1; {layout.HOSTNAME};" in found and "dkim=pass" in found and "spf=pass" in found
    back = stack.inbound(envelope["from"], sender="", header_from="MAILER-DAEMON@" + layout.ELSEWHERE)
    home, _ = stack.client.sunk(back)
    assert home["to"] == [STRANGER], "its bounce comes home"


@pytest.mark.rows("G16")
def test_sieve_redirect_of_own_mail(stack, scripted):
    """The sender is ours: it keeps its address and the signature that it got on submission."""
    user = scripted(f'redirect "{PARTNER}";')
    envelope, redirected = stack.client.sunk(stack.submit(ANNA, user))
    assert envelope["from"] == ANNA and mail.verified(stack.lay, redirected) and mail.chain(stack.lay, redirected) == ("none", 0)


@pytest.mark.rows("G16")
def test_sieve_redirect_within_the_house(stack, scripted):
    """To an alias, whose destinations get it, and to nobody, whereupon the script's owner keeps it."""
    user = scripted(f'redirect "{stack.alias(BEN)}";')
    assert stack.arrived(BEN, stack.inbound(user, sender=STRANGER))["Return-Path"] == f"<{STRANGER}>"
    user = scripted(f'redirect "nobody-at-all@{layout.DOMAIN}";')
    stack.arrived(user, stack.inbound(user, sender=STRANGER))


@pytest.mark.rows("G16")
def test_sieve_redirect_in_a_circle(stack, scripted):
    user = scripted(f'redirect "{ANNA}";')
    with sieve.Session(stack.lay, user, admin.PASSWORD) as session:
        session.put("mine", f'redirect "{user}";')
    mark = stack.inbound(user, sender=STRANGER)
    stack.arrived(user, mark)
    assert not postfix.queue(stack.lay)


@pytest.mark.rows("G16")
def test_vacation_reply_is_signed(stack, scripted):
    """A reply is written here, under a name of ours."""
    user = scripted('require "vacation"; vacation :days 1 "I am away.";')
    mark = mail.new_mark()
    stack.client.send(STRANGER, user, mail.message(STRANGER, user, mark=mark))
    envelope, reply = stack.client.sunk(mark)
    assert envelope["from"] == "" and envelope["to"] == [STRANGER] and b"I am away." in reply
    assert mail.verified(stack.lay, reply)


@pytest.mark.rows("G16")
def test_redirect_waits_for_the_filter(stack, scripted):
    """Without the milter nothing leaves unsealed: the message waits before its delivery."""
    user = scripted(f'redirect "{PARTNER}";')
    with stack.without("dovecot"):
        mark = stack.inbound(user, sender=STRANGER)
        assert mail.wait_until(lambda: postfix.queue(stack.lay), 10)
        stack.servers.stop("milter")
        stack.servers.again("dovecot")
        postfix.flush(stack.lay)
        assert mail.wait_until(lambda: any("451" in r.get("delay_reason", "") for entry in postfix.queue(stack.lay) for r in entry["recipients"]), 20)
        stack.servers.again("milter")
    postfix.flush(stack.lay)
    _, redirected = stack.client.sunk(mark)
    assert mail.chain(stack.lay, redirected) == ("pass", 1)


# ---- settings


def with_setting(stack, old, new):
    """lookup reads its configuration with that text replaced."""
    stack.lay.conf.write_text(stack.lay.conf.read_text().replace(old, new))
    assert "ok" in stack.control("lookup", "reload")


@pytest.mark.rows("G07")
def test_exempt_senders(stack):
    """They leave under their own address, without a second pass."""
    line = "forward_exempt = {exempt.example}"
    with_setting(stack, "srs_domain = ", f"lookup {{\n{line}\n}}\nsrs_domain = ")
    try:
        envelope, content = stack.client.sunk(stack.inbound(stack.alias(PARTNER), sender="app@exempt.example"))
        assert envelope["from"] == "app@exempt.example" and content.count(b"Received: from ") == 1
        assert SRS.fullmatch(stack.client.sunk(stack.inbound(stack.alias(PARTNER), sender=STRANGER))[0]["from"])
    finally:
        with_setting(stack, f"lookup {{\n{line}\n}}\n", "")


@pytest.mark.rows("G07")
def test_secret_is_replaced(stack):
    """A new secret in the first line signs; the old one below still leads bounces home, until it is taken away."""
    path = stack.lay.keys / "srs-secret"
    old, before = path.read_text(), stack.client.sunk(stack.inbound(stack.alias(PARTNER), sender=STRANGER))[0]["from"]
    try:
        path.write_text("another secret, thirty-two bytes\n" + old)
        with_setting(stack, "", "")
        after = stack.client.sunk(stack.inbound(stack.alias(PARTNER), sender=STRANGER))[0]["from"]
        assert SRS.fullmatch(after) and after != before
        for address in (before, after):
            home, _ = stack.client.sunk(stack.inbound(address, sender="", header_from="MAILER-DAEMON@" + layout.ELSEWHERE))
            assert home["to"] == [STRANGER]
        path.write_text("another secret, thirty-two bytes\n")
        with_setting(stack, "", "")
        with pytest.raises(mail.Refused, match="^550"):
            stack.inbound(before.replace("SRS0", "srs0"), sender="")
    finally:
        path.write_text(old)
        with_setting(stack, "", "")
