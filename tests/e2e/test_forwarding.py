"""Aliases that lead outside: the second pass with SRS."""

import email
import json
import re
import smtplib
import subprocess

import pytest
import sieve
from stack import admin, layout, mail, postfix
from test_quarantine import setting

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


# ---- networks whose senders keep their address

MACHINE, NETWORK = "127.250.7.9", "127.250.7.0/24"
EXEMPT = re.compile(rf"EXEMPT=[^=@]+=[^=@]+={re.escape(layout.FOREIGN)}=stranger@{re.escape(layout.DOMAIN)}")


def exempting(stack, *networks):
    return setting(stack, forward_exempt_networks="{" + ", ".join(networks) + "}")


@pytest.fixture
def exempt(stack):
    with exempting(stack, "2001:db8::/32", NETWORK):
        yield


def test_exempt_networks_are_checked(stack):
    conf = stack.lay.dir / "wrong.conf"
    conf.write_text(stack.lay.conf.read_text() + "milter {\n\tforward_exempt_networks = {192.0.2.0/24, 192.0.2.1/24}\n}\n")
    done = subprocess.run([stack.lay.bin / "mailreeve-milter", "-c", conf, "--check-config"], capture_output=True, text=True, check=False)
    line = len(conf.read_text().splitlines()) - 1
    assert done.returncode == 1 and f"wrong.conf:{line}: " in done.stderr and "forward_exempt_networks" in done.stderr


@pytest.mark.rows("F006", "G07")
def test_exempt_network(stack, exempt):
    """Mail from there leaves under its sender's address, byte for byte as it came, through the second pass; other mail does not, nor does anything else change."""
    both, mark = admin.address("both"), mail.new_mark()
    head = (f'From:  "Stranger, A."\r\n\t<{STRANGER}>  (of no name)\r\nTo: Both: {both} ,, <{PARTNER}>;\r\nSubject: {mark}\r\n'
            "Date: Mon, 30 Nov 2026 10:00:00 +0000\r\n")
    content = mail.sign(stack.lay, head.encode() + b"cc:UNDISCLOSED\r\nX-Odd:   a\r\n  b\r\n\r\n.dots\r\n caf\xe9 \r\nContent-Type: none\r\n\r\n")
    stack.client.send(STRANGER, both, content, source=MACHINE)
    assert stack.arrived(BEN, mark)["Return-Path"] == f"<{STRANGER}>"
    envelope, forwarded = stack.client.sunk(mark)
    assert envelope["from"] == STRANGER and envelope["to"] == [PARTNER]
    assert forwarded.endswith(content) and forwarded.count(b"Received: from ") == 2 and b"EXEMPT=" not in forwarded
    assert mail.verified(stack.lay, forwarded) and mail.chain(stack.lay, forwarded) == ("pass", 1)
    with pytest.raises(mail.Refused, match="^554 5.4.6"):
        stack.client.send(STRANGER, both.replace("both", "outside"), forwarded, source=MACHINE)
    envelope, _ = stack.client.sunk(stack.inbound(both, sender=STRANGER))
    assert SRS.fullmatch(envelope["from"])
    assert stack.client.sunk(stack.inbound(stack.alias(PARTNER), sender="", source=MACHINE, header_from=STRANGER))[0]["from"] == ""


@pytest.mark.rows("F211", "G07")
def test_exempt_network_of_ipv6(stack):
    if not stack.lay.ipv6:
        pytest.skip("no IPv6 loopback here")
    address = stack.alias(PARTNER)
    for network, leaves_as in (("::1", re.compile(re.escape(STRANGER))), ("::2", SRS)):
        mark = mail.new_mark()
        with exempting(stack, network), smtplib.SMTP("::1", stack.lay.ports["smtp"], timeout=30) as smtp:
            smtp.ehlo()
            mail.transaction(smtp, STRANGER, address, mail.message(STRANGER, address, mark=mark))
            assert leaves_as.fullmatch(stack.client.sunk(mark)[0]["from"])


@pytest.mark.rows("F006")
@pytest.mark.parametrize("sender", ["Bounces+1234-abcd-someone=example.org@a-long-name.of-a-list-host." + layout.FOREIGN, '"a b"@' + layout.FOREIGN,
                                    '"some..one."@' + layout.FOREIGN, "x@[192.0.2.1]", "x" * 200 + "@" + layout.FOREIGN,
                                    f"SRS0=HHHH=TT={'x' * 60}.example=someone@{layout.FOREIGN}", f"EXEMPT==x.example=someone@{layout.FOREIGN}"])
def test_odd_senders_of_an_exempt_network(stack, exempt, sender):
    envelope, _ = stack.client.sunk(stack.inbound(admin.address("outside"), sender=sender, source=MACHINE, header_from=STRANGER))
    assert envelope["from"] == sender
    bounce, _ = stack.client.sunk(stack.inbound(stack.alias("refuse@" + layout.ELSEWHERE), sender=sender, source=MACHINE, header_from=STRANGER))
    assert bounce["to"] == [sender] and bounce["from"] == ""
    assert not postfix.queue(stack.lay)


def fields(*values):
    return [f"Received: {value}; Mon, 30 Nov 2026 10:00:00 +0000" for value in values]


FROM_THERE = f"from a.example (a.example [{MACHINE}]) by {layout.HOSTNAME} (Postfix) with ESMTP id 4A"
REDIRECTED = (f"from {layout.HOSTNAME} (localhost [127.0.0.1]) by {layout.HOSTNAME} (Mailreeve-redirect) with ESMTP id 4B",
              f"from {layout.HOSTNAME} ([127.0.0.1]) by {layout.HOSTNAME} with LMTP id 4C", FROM_THERE)


@pytest.mark.rows("G07")
@pytest.mark.parametrize("forged", [[FROM_THERE], REDIRECTED, REDIRECTED[1:]], ids=["of Postfix", "of a redirect", "of Dovecot"])
def test_forged_trace_exempts_nobody(stack, exempt, scripted, forged):
    """From elsewhere, and from elsewhere to a script that redirects."""
    for to in (stack.alias(PARTNER), scripted(f'redirect "{PARTNER}";')):
        envelope, content = stack.client.sunk(stack.inbound(to, sender=STRANGER, headers=fields(*forged)))
        assert SRS.fullmatch(envelope["from"]) and MACHINE.encode() in content


@pytest.mark.rows("G07", "G16")
def test_sieve_redirect_from_an_exempt_network(stack, exempt, scripted):
    user = scripted(f'require "copy"; redirect :copy "{PARTNER}";')
    content = mail.sign(stack.lay, mail.message(STRANGER, user, mark=(mark := mail.new_mark())))
    stack.client.send(STRANGER, user, content, source=MACHINE)
    assert stack.arrived(user, mark)["Return-Path"] == f"<{STRANGER}>"
    envelope, redirected = stack.client.sunk(mark)
    assert envelope["from"] == STRANGER and mail.verified(stack.lay, redirected) and mail.chain(stack.lay, redirected) == ("pass", 1)
    twice = scripted(f'redirect "{scripted(f"""redirect "{PARTNER}";""")}";')
    assert stack.client.sunk(stack.inbound(twice, sender=STRANGER, source=MACHINE))[0]["from"] == STRANGER
    assert SRS.fullmatch(stack.client.sunk(stack.inbound(twice, sender=STRANGER))[0]["from"])


@pytest.mark.rows("G07")
def test_local_programs_are_no_exempt_client(stack):
    """They have no address, whatever stands in what they send."""
    with exempting(stack, "127.0.0.0/8"):
        content = "\n".join(fields(FROM_THERE)).encode() + b"\n" + mail.message(STRANGER, PARTNER, mark=(mark := mail.new_mark())).replace(b"\r\n", b"\n")
        assert postfix.sendmail(stack.lay, content, PARTNER, sender=STRANGER).returncode == 0
        assert SRS.fullmatch(stack.client.sunk(mark)[0]["from"])


@pytest.mark.rows("G07", "F092")
def test_released_mail_is_not_exempt(stack, exempt):
    """It comes back by the port of Dovecot, and on top of it stands what its sender wrote."""
    sender = f"q{next(stack.numbers)}@{layout.FOREIGN}"
    user = stack.user("--quarantine-score", "9", "--junk-score", "1", "--reject-score", "2000")
    mark = stack.inbound(user, sender=sender, body=mail.GTUBE_JUNK + "\n", headers=fields(*REDIRECTED[1:]))
    entry, = json.loads(stack.cli("quarantine", "list", "--sender", sender, "--json"))
    with sieve.Session(stack.lay, user, admin.PASSWORD) as session:
        session.put("mine", f'redirect "{PARTNER}";')
        session.activate("mine")
    stack.cli("quarantine", "release", entry["id"])
    assert stack.client.sunk(mark)[0]["from"].startswith("SRS0=")


def standing_in(stack):
    """The addresses of ours that stand for a sender in the queue."""
    return mail.wait_until(lambda: [e["sender"] for e in postfix.queue(stack.lay) if EXEMPT.fullmatch(e["sender"])], 10)


@pytest.mark.rows("G07", "F006")
def test_who_is_exempt_in_the_queue(stack, exempt, refuses):
    """There an address of ours stands for the sender: bounces to it go home, and forged ones are refused."""
    stack.inbound(stack.alias("later@" + layout.ELSEWHERE), sender=STRANGER, source=MACHINE)
    queued, = standing_in(stack)
    postfix.delete_all(stack.lay)
    for spoilt in (queued.replace("stranger", "another"), re.sub("^EXEMPT=[^=]+", "EXEMPT=AAAA", queued), re.sub("^EXEMPT=[^=]+=[^=]+", "EXEMPT=", queued),
                   queued.replace("EXEMPT=", "SRS0=")):
        with refuses(550, at="RCPT"):
            stack.inbound(spoilt, sender="")
    home, _ = stack.client.sunk(stack.inbound(queued, sender="", header_from="MAILER-DAEMON@" + layout.ELSEWHERE))
    assert home["to"] == [STRANGER]


@pytest.mark.rows("G07")
def test_exempt_sender_and_transports(stack, exempt):
    """What has a transport of its own needs no second pass. What gets one while the message is in the queue sees our address, to which it may answer."""
    place, sink = f"place{next(stack.numbers)}.{layout.ELSEWHERE}", f"smtp:[127.0.0.1]:{stack.lay.ports['sink']}"
    address = stack.alias("someone@" + place)
    try:
        stack.servers.stop("sink")
        mark = stack.inbound(address, sender=STRANGER, source=MACHINE)
        assert standing_in(stack)
        stack.cli("rule", "set", "transport", place, sink)
        stack.arrived(stack.probe, stack.inbound(stack.probe))  # the queue manager keeps the way of its last sender and recipient for half a minute
        stack.servers.again("sink")
        postfix.flush(stack.lay)
        envelope, _ = stack.client.sunk(mark, 60)
        assert EXEMPT.fullmatch(envelope["from"])
        home, _ = stack.client.sunk(stack.inbound(envelope["from"], sender="", header_from="MAILER-DAEMON@" + layout.ELSEWHERE))
        assert home["to"] == [STRANGER]
        envelope, content = stack.client.sunk(stack.inbound(address, sender=STRANGER, source=MACHINE))
        assert envelope["from"] == STRANGER and content.count(b"Received: from ") == 1
    finally:
        stack.cli("rule", "del", "transport", place)


@pytest.mark.rows("G07", "F011")
def test_lookup_away_while_an_exempt_message_waits(stack, exempt):
    """Nothing leaves then under our address."""
    stack.servers.stop("sink")
    try:
        mark = stack.inbound(stack.alias(PARTNER), sender=STRANGER, source=MACHINE)
        assert standing_in(stack)
    finally:
        with stack.without("lookup"):
            stack.servers.again("sink")
            postfix.flush(stack.lay)
            assert standing_in(stack)
    postfix.flush(stack.lay)
    assert stack.client.sunk(mark, 60)[0]["from"] == STRANGER


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
