"""One verdict for each mailbox, and what is withheld: looked at, let go once, removed."""

import contextlib
import email
import json
import re
import smtplib
import socket
import subprocess
import time

import pytest
from stack import admin, layout, mail

ANNA, BEN = map(admin.address, ("anna", "ben"))
TRACE = ("return-path", "delivered-to", "received", "x-spam")


@contextlib.contextmanager
def setting(stack, **options):
    """Further options of section milter, taken over without a restart; afterwards as it was."""
    before = stack.lay.conf.read_text()
    try:
        stack.lay.conf.write_text(before + "milter {\n" + "".join(f"\t{name} = {value}\n" for name, value in options.items()) + "}\n")
        assert stack.control("milter", "reload").endswith("ok\n")
        yield
    finally:
        stack.lay.conf.write_text(before)
        assert stack.control("milter", "reload").endswith("ok\n")


def entries(stack, sender, *flags):
    return json.loads(stack.cli("quarantine", "list", "--sender", sender, "--json", *flags))


def folder(stack, entry):
    return stack.lay.state / "milter/quarantine" / entry


def withheld(stack, *to, body=mail.GTUBE_JUNK + "\n", **kwargs):
    """A message that only the quarantine has: its mark, its sender and its entry."""
    sender = f"q{next(stack.numbers)}@{layout.FOREIGN}"
    with setting(stack, quarantine_score=9):
        mark = stack.inbound(list(to), sender=sender, body=body, **kwargs)
    entry, = entries(stack, sender)
    return mark, sender, entry


def copies(stack, user, mark):
    return sum(len(stack.client.fetch(user, admin.PASSWORD, mark, box)) for box in ("INBOX", "Junk"))


def release(stack, *words):
    return stack.cli("quarantine", "release", *words, check=False)


def own_bytes(message):
    """What was sent, without what hosts on the way have added on top."""
    head, body = message.as_bytes().split(b"\n\n", 1)
    fields = email.message_from_bytes(head).items()
    return [(name, value) for name, value in fields if not name.lower().startswith(TRACE)], body


@pytest.mark.rows("F092", "G20")
def test_one_message_many_outcomes(stack):
    """Of seven mailboxes behind an alias and three addresses one takes it though it is spam, one has its author on its list, two have it in Junk, one
    has it kept in the quarantine, one refuses it by its score and one by its list, for whom there is a copy, too. No copy tells of another."""
    sender, author = f"many{next(stack.numbers)}@{layout.FOREIGN}", f"author{next(stack.numbers)}@{layout.ELSEWHERE}"
    lax = stack.user("--junk-score", "1000", "--reject-score", "2000")
    friend = stack.user("--junk-score", "0.1", "--allow", author)
    plain, tidy = stack.user(), stack.user("--junk-score", "0.1", "--reject-score", "500")
    strict = stack.user("--junk-score", "0.1", "--reject-score", "1")
    keeping, denying = stack.user("--quarantine-score", "9"), stack.user("--deny", author)
    alias = stack.alias(lax, plain, strict, keeping)
    everybody = (lax, friend, plain, tidy, strict, keeping, denying)
    mark = stack.inbound([alias, friend, tidy, denying], sender=sender, header_from=author, body=mail.GTUBE_JUNK + "\n")

    got = {user: stack.arrived(user, mark, folder=box) for user, box in ((lax, "INBOX"), (friend, "INBOX"), (plain, "Junk"), (tidy, "Junk"))}
    for user in (strict, keeping, denying):
        assert copies(stack, user, mark) == 0
    assert len({str(own_bytes(message)) for message in got.values()}) == 1, "all copies have the same bytes"
    for message in got.values():
        assert message["X-Spam-Action"] == "junk" and message["X-Spam"] is None and message["X-Spam-Level"].startswith("**********")
        assert len({message[name] for name in ("X-Spam-Queue-Id",)}) == 1
    for user, message in got.items():
        told = [other for other in everybody if other != user and other.split("@")[0] in message.as_string()]
        assert not [other for other in told if other not in (friend, tidy)], "nobody is named whom the sender did not name"
        assert alias in message["To"]
    entry, = entries(stack, sender)
    assert {(r["address"], r["why"]) for r in entry["recipients"]} == {(strict, "reject"), (keeping, "quarantine"), (denying, "reject")}
    assert stack.log("milter").count(f"sender={sender} ") == 1, "scanned once"

    assert release(stack, entry["id"]).returncode == 0
    late = [stack.arrived(user, mark) for user in (strict, keeping, denying)]
    assert str(own_bytes(late[0])) == str(own_bytes(late[1])) == str(own_bytes(late[2])) == str(own_bytes(got[lax]))
    assert [copies(stack, user, mark) for user in everybody] == [1] * 7


@pytest.mark.rows("F092")
def test_thresholds_and_lists_of_site_domain_and_user(stack, refuses):
    """The user's own stand above the domain's, those above the site's. The lists are asked for the author, whom only the filter knows."""
    domain, author = "lists.example.org", f"pest{next(stack.numbers)}@{layout.ELSEWHERE}"
    admin.add_domain(stack.lay, domain)
    one, two = (admin.add_user(stack.lay, f"{name}@{domain}") for name in ("one", "two"))

    def where(to, **kwargs):
        mark = stack.inbound(to, body=mail.GTUBE_JUNK + "\n", **kwargs)
        assert mail.wait_until(lambda: copies(stack, to, mark) == 1)
        return "INBOX" if stack.client.fetch(to, admin.PASSWORD, mark) else "Junk"
    assert where(one) == where(two) == "Junk"
    stack.cli("domain", "set", domain, "--junk-score", "20", "--reject-score", "30")
    stack.cli("user", "set", two, "--junk-score", "10")
    assert (where(one), where(two)) == ("INBOX", "Junk")
    stack.cli("domain", "set", domain, "--junk-score", "2", "--reject-score", "10")
    stack.cli("user", "set", two, "--reject-score", "20")
    with refuses(550, at="DATA"):
        where(one)
    assert where(two) == "Junk"
    stack.cli("domain", "set", domain, "--junk-score", "default", "--reject-score", "default")
    try:
        stack.cli("domain", "set", "default", "--deny", author)
        with refuses(550, at="DATA"):
            where(one, header_from=author)
        stack.cli("domain", "set", domain, "--allow", author)
        assert where(one, header_from=author) == "INBOX"
        stack.cli("user", "set", one, "--deny", author)
        with refuses(550, at="DATA"):
            where(one, header_from=author)
        assert where(two, header_from=author) == "INBOX"
    finally:
        stack.cli("domain", "set", "default", "--unlist", author)


@pytest.mark.rows("F092")
def test_dsn_parameters_go_along(stack):
    """Of a list with two members one denies the sender. The parameters of the list's address stand with the one who gets it and, at the release,
    with the other."""
    sender = stack.user()
    taking, denying = stack.user(), stack.user("--deny", sender)
    alias = stack.alias(taking, denying)
    content = mail.message(sender, alias, mark=(mark := mail.new_mark()))
    with stack.client.submission(sender, admin.PASSWORD) as smtp:
        assert smtp.has_extn("dsn")
        smtp.mail(sender, ["RET=HDRS", "ENVID=q1"])
        assert smtp.rcpt(alias, [f"NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;{alias}"])[0] == 250
        assert smtp.data(content)[0] == 250
    stack.arrived(taking, mark)
    entry, = entries(stack, sender)
    assert entry["recipients"] == [{"address": denying, "why": "reject", "parameters": f"NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;{alias}"}]

    def notices():
        return [m for m in stack.client.fetch(sender, admin.PASSWORD, alias) if m.get_content_type() == "multipart/report"]
    assert mail.wait_until(lambda: len(notices()) == 1)
    assert release(stack, entry["id"]).returncode == 0
    stack.arrived(denying, mark)
    assert mail.wait_until(lambda: len(notices()) == 2)
    for notice in notices():
        text = notice.as_string()
        assert f"Original-Recipient: rfc822;{alias}" in text and "Original-Envelope-Id: q1" in text and "Action: " in text
        assert "text/rfc822-headers" in text and "Hello." not in text


@pytest.mark.rows("F092")
def test_released_to_whom_it_was_withheld_from(stack):
    one, two = stack.user(), stack.user()
    mark, sender, entry = withheld(stack, one, two)
    assert entry["state"] == "held" and entry["direction"] == "in" and entry["score"] >= 10 and entry["reason"] == "score"
    assert [r["why"] for r in entry["recipients"]] == ["quarantine", "quarantine"]
    assert copies(stack, one, mark) == copies(stack, two, mark) == 0
    assert "token" not in json.dumps(entry)
    assert mark in stack.cli("quarantine", "show", entry["id"], "--message")
    assert sender in stack.cli("quarantine", "show", entry["id"])

    assert release(stack, entry["id"]).stdout == f"{entry['id']}: released\n"
    for user in (one, two):
        got = stack.arrived(user, mark)
        assert got["X-Spam-Action"] == "released" and got["X-Spam"] is None and got["X-Mailreeve-Release"] is None
        assert "spf=pass" in got["Authentication-Results"] and got["Return-Path"] == f"<{sender}>"
    again = release(stack, entry["id"])
    assert again.returncode == 0 and "released already" in again.stdout
    assert entries(stack, sender) == []
    shown = json.loads(stack.cli("quarantine", "show", entry["id"], "--json"))
    assert shown["state"] == "released" and set(shown["released"]["recipients"]) == {one, two}
    assert copies(stack, one, mark) == 1
    assert release(stack, "--again", entry["id"]).returncode == 0
    assert mail.wait_until(lambda: copies(stack, one, mark) == 2)
    stack.cli("quarantine", "delete", entry["id"])
    assert entries(stack, sender, "--all") == []
    assert stack.cli("quarantine", "delete", entry["id"], check=False).returncode == 1


def test_released_by_many_at_the_same_time(stack):
    user = stack.user()
    mark, _, entry = withheld(stack, user)
    running = [subprocess.Popen([str(stack.lay.cli), "quarantine", "release", entry["id"]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for _ in range(6)]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert sum(": released\n" in text for text in said) == 1, said
    stack.arrived(user, mark)
    time.sleep(1)
    assert copies(stack, user, mark) == 1


def test_release_that_is_killed(stack):
    """Killed at any moment, and done again: it arrives once."""
    for delay in (0, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16):
        user = stack.user()
        mark, _, entry = withheld(stack, user)
        with subprocess.Popen([str(stack.lay.bin / "mailreeve-quarantine"), "-c", str(stack.lay.conf), "release", entry["id"]],
                              stdout=subprocess.DEVNULL) as process:
            time.sleep(delay)
            process.kill()
        assert release(stack, entry["id"]).returncode == 0, delay
        stack.arrived(user, mark)
        assert copies(stack, user, mark) == 1, delay


def test_client_dies_after_the_last_dot(stack):
    """What Postfix has in full it takes, though nobody is there to hear of it; the next release knows."""
    user = stack.user()
    mark, sender, entry = withheld(stack, user)
    raw = (folder(stack, entry["id"]) / "message").read_bytes()
    smtp = smtplib.SMTP("127.0.0.1", stack.lay.ports["redirect"], timeout=30)
    smtp.ehlo()
    smtp.mail(sender)
    smtp.rcpt(user)
    smtp.docmd("DATA")
    smtp.send(f"X-Mailreeve-Release: {entry['id']} {token(stack, entry)}\r\n".encode() + raw + b".\r\n")
    smtp.sock.shutdown(socket.SHUT_RDWR)
    smtp.close()
    stack.arrived(user, mark)
    assert "released already" in release(stack, entry["id"]).stdout
    assert copies(stack, user, mark) == 1


def token(stack, entry):
    text = (folder(stack, entry["id"]) / "envelope").read_text()
    return next(line.split("=", 1)[1] for line in text.splitlines() if line.startswith("token="))


@pytest.mark.rows("F106")
def test_nobody_else_gets_past_the_filter(stack, refuses):
    """Not from outside with the right token; not on the loopback with a wrong one, nor with the right one to somebody else."""
    user, other = stack.user(), stack.user()
    _, sender, entry = withheld(stack, user)
    good = f"X-Mailreeve-Release: {entry['id']} {token(stack, entry)}"

    def bring(line, to):
        content = mail.message(sender, to, body=mail.GTUBE_JUNK + "\n", mark=(mark := mail.new_mark()), headers=[line])
        with smtplib.SMTP("127.0.0.1", stack.lay.ports["redirect"], timeout=30) as smtp:
            smtp.ehlo()
            mail.transaction(smtp, sender, to, content)
        return mark

    with refuses(550, at="DATA"):
        bring(good[:-1] + "x", user)
    with refuses(550, at="DATA"):
        bring(good, other)
    mark = stack.inbound(user, body=mail.GTUBE_JUNK + "\n", headers=[good])
    got = stack.arrived(user, mark, folder="Junk")
    assert got["X-Mailreeve-Release"] is None
    assert entries(stack, sender)[0]["state"] == "held"


def test_released_though_one_is_gone(stack):
    gone, there = stack.user(), stack.user()
    mark, _, entry = withheld(stack, gone, there)
    stack.cli("user", "del", gone)
    done = release(stack, entry["id"])
    assert done.returncode == 1 and f"not to {gone}" in done.stderr and "released" in done.stdout
    stack.arrived(there, mark)


def test_release_while_the_filter_is_away(stack):
    user = stack.user()
    mark, _, entry = withheld(stack, user)
    with stack.without("milter"):
        done = release(stack, entry["id"])
        assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert release(stack, entry["id"]).returncode == 0
    stack.arrived(user, mark)


@pytest.mark.rows("F215")
def test_outgoing_spam_is_withheld_and_signed_when_it_goes(stack):
    user, far = stack.user(), f"far{next(stack.numbers)}@{layout.ELSEWHERE}"
    with setting(stack, outbound_score=9, outbound_action="quarantine"):
        mark = stack.submit(user, far, body=mail.GTUBE_JUNK + "\n")
        clean = stack.submit(user, far)
    stack.client.sunk(clean)
    entry, = entries(stack, user)
    assert entry["direction"] == "out" and entry["reason"] == "outbound" and [r["address"] for r in entry["recipients"]] == [far]
    assert release(stack, entry["id"]).returncode == 0
    envelope, content = stack.client.sunk(mark)
    assert envelope["from"] == user and envelope["to"] == [far]
    assert mail.verified(stack.lay, content) and b"X-Spam" not in content


@pytest.mark.rows("F215")
def test_outgoing_spam_is_held_or_refused(stack, refuses):
    user, far = stack.user(), f"far{next(stack.numbers)}@{layout.ELSEWHERE}"
    with setting(stack, outbound_score=9, outbound_action="hold"):
        mark = stack.submit(user, far, body=mail.GTUBE_JUNK + "\n")
        held, = json.loads(stack.cli("queue", "list", "--sender", user, "--json"))
        assert held["queue_name"] == "hold"
        stack.cli("queue", "release", held["queue_id"])
    _, content = stack.client.sunk(mark)
    assert mail.verified(stack.lay, content)
    with setting(stack, outbound_score=9, outbound_action="reject"), refuses(550, at="DATA"):
        stack.submit(user, far, body=mail.GTUBE_JUNK + "\n")
    with setting(stack, outbound_reject_score=10), refuses(550, at="DATA"):
        stack.submit(user, far, body=mail.GTUBE_JUNK + "\n")
    mark = stack.submit(user, far, body=mail.GTUBE_JUNK + "\n")
    stack.client.sunk(mark)
    assert f"sender={user} from={user} " in stack.log("milter") and "reason=outbound" in stack.log("milter")


def test_the_oldest_go_when_there_is_no_room(stack):
    user = stack.user()
    body = mail.GTUBE_JUNK + "\n" + ("x" * 70 + "\n") * 9000
    _, first, _ = withheld(stack, user, body=body)
    time.sleep(1.1)      # entries are ordered by whole seconds
    _, second, _ = withheld(stack, user, body=body)
    def told(name):
        return int(re.search(rf"^{name}=(\d+)$", stack.control("milter", "stats"), re.M)[1])
    with setting(stack, quarantine_max="1M"):
        assert mail.wait_until(lambda: not entries(stack, first))
        assert mail.wait_until(lambda: 600000 < told("quarantine_bytes") < 1 << 20)
    assert told("quarantine_entries") >= 1 and told("expired_total") >= 1
    assert len(entries(stack, second)) == 1
