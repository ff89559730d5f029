"""The steps of the demo, in order. Each is a function of the running host and a mail client; its docstring says what is done, what it returns how that
ended; it raises when the end is not the right one."""

import re

from . import admin, clamav, daemons, layout, mail, postfix

STRANGER = "stranger@" + layout.FOREIGN
PARTNER = "someone@" + layout.ELSEWHERE
ANNA, BEN, DORA = map(admin.address, ("anna", "ben", "dora"))
STEPS = []


def step(function):
    STEPS.append(function)
    return function


def need(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(function, *args, **kwargs):
    """The reply of a server that must say no for good."""
    try:
        function(*args, **kwargs)
    except mail.Refused as error:
        need(error.code >= 500, f"only for now: {error}")
        return f"refused at {error.where}: {error}"
    raise AssertionError("was accepted")


def outside(client, to, sender=STRANGER, signed=False, **kwargs):
    """One message from the foreign domain; its mark."""
    mark = mail.new_mark()
    content = mail.message(kwargs.pop("header_from", sender), to if isinstance(to, str) else to[0], mark=mark, body=kwargs.pop("body", "Hello.\n"))
    client.send(sender, to, mail.sign(client.lay, content) if signed else content, **kwargs)
    return mark


@step
def inbound(host, client):
    """mail from outside to a mailbox"""
    got = client.arrived(ANNA, admin.PASSWORD, outside(client, ANNA, signed=True))
    results = " ".join(got["Authentication-Results"].split())
    need("spf=pass" in results and "dkim=pass" in results, results)
    return f"{STRANGER} → {ANNA}, in her INBOX, {results}"


@step
def forged(host, client):
    """the same sender from an address that its SPF record does not allow, unsigned"""
    got = client.arrived(ANNA, admin.PASSWORD, outside(client, ANNA, source="127.0.0.66"))
    results = " ".join(got["Authentication-Results"].split())
    need("spf=fail" in results and "dkim=none" in results, results)
    return results


@step
def alias(host, client):
    """mail to an alias with two destinations"""
    mark = outside(client, admin.address("sales"))
    for user in (ANNA, BEN):
        client.arrived(user, admin.PASSWORD, mark)
    return f"sales@{layout.DOMAIN} → {ANNA} and {BEN}, one copy each"


@step
def catch_all(host, client):
    """mail to an unknown address of a domain with a catch-all"""
    to = f"anything@{admin.CATCH_ALL}"
    client.arrived(BEN, admin.PASSWORD, outside(client, to))
    return f"{to} → {BEN}"


@step
def extension(host, client):
    """mail to an extended address"""
    to = f"Anna+Lists@{layout.DOMAIN}"
    client.arrived(ANNA, admin.PASSWORD, outside(client, to))
    return f"{to} → {ANNA}"


@step
def forwarding(host, client):
    """mail from outside to an alias that is here and outside"""
    mark = outside(client, admin.address("both"), signed=True)
    here = client.arrived(BEN, admin.PASSWORD, mark)
    envelope, content = client.sunk(mark)
    need(re.fullmatch(rf"SRS0=[^=]+=[^=]+={re.escape(layout.FOREIGN)}=stranger@{re.escape(layout.DOMAIN)}", envelope["from"]), envelope)
    need(here["Return-Path"] == f"<{STRANGER}>", here["Return-Path"])
    need(mail.verified(client.lay, content), "the foreign signature broke on the way")
    return f"{BEN} has it from {STRANGER}; {PARTNER} has it from {envelope['from']}, its foreign DKIM signature still valid"


@step
def bounce_home(host, client):
    """a bounce of the forwarded copy"""
    mark = outside(client, admin.address("outside"))
    rewritten = client.sunk(mark)[0]["from"]
    mark = outside(client, rewritten, sender="", header_from="MAILER-DAEMON@" + layout.ELSEWHERE)
    envelope, _ = client.sunk(mark)
    need(envelope["to"] == [STRANGER], envelope)
    return f"<> → {rewritten}, came home to {STRANGER}"


@step
def submission_local(host, client):
    """submission (587, STARTTLS) to a local user"""
    mark = mail.new_mark()
    client.submit(ANNA, admin.PASSWORD, BEN, mail.message(ANNA, BEN, mark=mark))
    client.arrived(BEN, admin.PASSWORD, mark)
    return f"{ANNA} → {BEN}"


@step
def submission_foreign(host, client):
    """submission (465, TLS) to the outside"""
    mark = mail.new_mark()
    client.submit(ANNA, admin.PASSWORD, PARTNER, mail.message(ANNA, PARTNER, mark=mark), port="submissions")
    envelope, content = client.sunk(mark)
    need(envelope["from"] == ANNA, envelope)
    need(mail.verified(client.lay, content), "python3-dkim does not accept the signature")
    signature = re.search(rb"^DKIM-Signature:(?:.*\r\n[ \t])*.*?\bs=([^;\s]+)", content, re.M)
    return f"{ANNA} → {PARTNER}, DKIM signature of selector {signature[1].decode()} verified by python3-dkim"


@step
def local_program(host, client):
    """mail from a local program (sendmail)"""
    mark = mail.new_mark()
    done = postfix.sendmail(client.lay, mail.message("root@" + layout.HOSTNAME, ANNA, mark=mark).replace(b"\r\n", b"\n"), ANNA)
    need(done.returncode == 0, done.stderr)
    client.arrived(ANNA, admin.PASSWORD, mark)
    return f"root@{layout.HOSTNAME} → {ANNA}"


@step
def gtube(host, client):
    """the GTUBE test message"""
    return refused(outside, client, ANNA, body=mail.GTUBE + "\n")


@step
def virus(host, client):
    """a message with a virus (EICAR), from outside and from a user"""
    got = refused(client.send, STRANGER, ANNA, mail.with_file(STRANGER, ANNA, "eicar.com", clamav.EICAR.encode()))
    need("Eicar-Test" in got, got)
    ours = refused(client.submit, ANNA, admin.PASSWORD, PARTNER, mail.with_file(ANNA, PARTNER, "eicar.com", clamav.EICAR.encode()))
    need("Eicar-Test" in ours, ours)
    return got


@step
def junk(host, client):
    """a message that scores as spam but not enough to refuse it"""
    got = client.arrived(ANNA, admin.PASSWORD, outside(client, ANNA, body=mail.GTUBE_JUNK + "\n"), folder="Junk")
    need(got["X-Spam"] == "Yes", got["X-Spam"])
    return f"in Junk of {ANNA}, X-Spam: Yes, X-Spam-Result: {' '.join(str(got['X-Spam-Result']).split())}"


@step
def deny_list(host, client):
    """one alias, two users, one of whom denies the sender's domain"""
    mark = outside(client, admin.address("press"))
    client.arrived(ANNA, admin.PASSWORD, mark)
    need(not client.fetch(DORA, admin.PASSWORD, mark), "it reached the one who denies it")
    return f"in the INBOX of {ANNA}, kept from {DORA}; to her alone: {refused(outside, client, DORA)}"


@step
def unknown_user(host, client):
    """mail to an unknown user"""
    return refused(outside, client, "nobody@" + layout.DOMAIN)


@step
def relaying(host, client):
    """relaying for strangers"""
    return refused(outside, client, PARTNER)


@step
def foreign_sender(host, client):
    """submission under somebody else's address"""
    return refused(client.submit, ANNA, admin.PASSWORD, PARTNER, mail.message(BEN, PARTNER), sender=BEN)


@step
def quota(host, client):
    """mail to a full mailbox"""
    full = admin.add_user(client.lay, "full", "--quota", "1")
    for _ in range(2):  # the second one goes over: delivery lets one message more in
        client.arrived(full, admin.PASSWORD, outside(client, full, body=("y" * 98 + "\n") * 6000))
    return mail.wait_until(lambda: over_quota(client, full), 10) or need(False, "was accepted")


def over_quota(client, full):
    """The refusal, once Dovecot's report of the fill has come round."""
    try:
        outside(client, full)
    except mail.Refused as error:
        return f"refused at {error.where}: {error}"
    return None


@step
def reading(host, client):
    """reading by IMAP (STARTTLS and TLS) and POP3 (TLS)"""
    counts = []
    for port in ("imap", "imaps"):
        with client.imap(ANNA, admin.PASSWORD, port) as session:
            counts.append(int(session.select("INBOX", readonly=True)[1][0]))
    pop = client.pop3(ANNA, admin.PASSWORD)
    counts.append(pop.stat()[0])
    pop.quit()
    need(len(set(counts)) == 1 and counts[0] > 0, counts)
    return f"{counts[0]} messages of {ANNA} seen by each"


@step
def disabled_user(host, client):
    """log-in of a disabled user"""
    return refused(client.submission, admin.address("ernst"), admin.PASSWORD)


@step
def send_only(host, client):
    """a send-only user"""
    robot, mark = admin.address("robot"), mail.new_mark()
    client.submit(robot, admin.PASSWORD, PARTNER, mail.message(robot, PARTNER, mark=mark))
    client.sunk(mark)
    try:
        client.fetch(robot, admin.PASSWORD, mark)
    except client.no_login as error:
        return f"may send; IMAP log-in refused: {error.args[0].decode()}; mail to it {refused(outside, client, robot)}"
    raise AssertionError("could log in by IMAP")


@step
def all_well(host, client):
    """mailreeve check"""
    return ", ".join(daemons.cli(client.lay, "check").split("\n")).strip(", ")
