"""What the milter does with a message: results, headers, verdicts, signatures."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import signal
import time
import smtplib
import subprocess

import pytest
from stack import admin, layout, mail, postfix, supervise, zones

ANNA, BEN, DORA = map(admin.address, ("anna", "ben", "dora"))
STRANGER, PARTNER = "stranger@" + layout.FOREIGN, "someone@" + layout.ELSEWHERE


def results(got):
    return " ".join(got["Authentication-Results"].split())


@pytest.mark.rows("F094")
def test_clean_mail_gets_its_headers(stack):
    got = stack.arrived(ANNA, stack.inbound(ANNA))
    for name in ("X-Spam-Result", "X-Spam-Server", "X-Spam-Queue-Id", "X-Spam-Action"):
        assert len(got.get_all(name, [])) == 1, name
    assert got["X-Spam-Server"] == layout.HOSTNAME
    assert got["X-Spam-Queue-Id"] in got["Received"] or got["X-Spam-Queue-Id"] in str(got.get_all("Received"))
    assert got["X-Spam"] is None


@pytest.mark.rows("F095")
def test_forged_headers_are_removed(stack):
    forged = ["X-Spam: Yes", "X-Spam-Result: clean", "X-SPAM-ACTION: accept", "X-Spam-Server: elsewhere", "X-Spam-Queue-Id: 1", "x-spam : Yes",
              f"Authentication-Results: {layout.HOSTNAME}; dkim=pass header.d=bank.example",
              f"Authentication-Results: {layout.HOSTNAME.upper()} 1; spf=pass", "X-Spam: Yes",
              f"Authentication-Results: (comment) {layout.HOSTNAME}; spf=pass",
              "Authentication-Results: other.example; spf=pass"]
    got = stack.arrived(ANNA, stack.inbound(ANNA, headers=forged))
    assert "X-Spam" not in got
    assert [name for name in got.keys() if name.lower().strip() == "x-spam"] == []
    assert len(got.get_all("X-Spam-Result")) == 1 and got["X-Spam-Result"] != "clean"
    kept = got.get_all("Authentication-Results")
    assert len(kept) == 2 and "bank.example" not in str(kept)
    assert any(value.startswith("other.example") for value in kept)


@pytest.mark.parametrize("source, spf", [(zones.FOREIGN_ADDRESS, "pass"), ("127.0.0.66", "fail")])
def test_spf_of_a_foreign_domain(stack, source, spf):
    assert f"spf={spf}" in results(stack.arrived(ANNA, stack.inbound(ANNA, source=source)))


def test_spf_none_and_dns_away(stack):
    assert "spf=none" in results(stack.arrived(ANNA, stack.inbound(ANNA, sender="x@no-record.example")))
    with stack.without("unbound"):   # what it answered less than a second ago still counts
        assert mail.wait_until(lambda: "spf=temperror" in results(stack.arrived(ANNA, stack.inbound(ANNA))), 15)
    assert mail.wait_until(lambda: "spf=pass" in results(stack.arrived(ANNA, stack.inbound(ANNA))), 15)


def test_dkim_of_a_foreign_domain(stack):
    content = mail.sign(stack.lay, mail.message(STRANGER, ANNA, mark=(mark := mail.new_mark())))
    stack.inbound(ANNA, content=content)
    got = results(stack.arrived(ANNA, mark))
    assert "dkim=pass" in got and f"header.d={layout.FOREIGN}" in got

    content = mail.sign(stack.lay, mail.message(STRANGER, ANNA, mark=(mark := mail.new_mark()))).replace(b"Hello.", b"Hallo.")
    stack.inbound(ANNA, content=content)
    assert "dkim=fail" in results(stack.arrived(ANNA, mark))
    assert "dkim=none" in results(stack.arrived(ANNA, stack.inbound(ANNA)))


@pytest.mark.rows("F091", "F041")
def test_gtube_is_refused(stack, refuses):
    with refuses(550, at="DATA"):
        stack.inbound(ANNA, body=mail.GTUBE + "\n")
    with refuses(550, at="DATA"):
        stack.submit(ANNA, PARTNER, body=mail.GTUBE + "\n")
    stack.arrived(ANNA, stack.inbound(ANNA, body=mail.GTUBE[:-1] + "\n"))


@pytest.mark.rows("F041")
def test_local_programs_pass_the_milter(stack):
    mark = mail.new_mark()
    sent = mail.message("root@" + layout.HOSTNAME, ANNA, mark=mark).replace(b"\r\n", b"\n")
    assert postfix.sendmail(stack.lay, sent, ANNA).returncode == 0
    assert stack.arrived(ANNA, mark)["X-Spam-Queue-Id"]

    mark = mail.new_mark()
    sent = mail.message(ANNA, BEN, mark=mark, body=mail.GTUBE + "\n").replace(b"\r\n", b"\n")
    assert postfix.sendmail(stack.lay, sent, BEN, sender=ANNA).returncode == 0
    returned = stack.arrived(ANNA, mark)   # a bounce, which has the subject of what it returns
    assert returned["Return-Path"] == "<>"
    assert stack.absent(BEN, mark)


def test_what_a_local_program_sends_on_is_not_signed(stack):
    """As Sieve's redirect does: a stranger wrote it under the name of one of ours."""
    mark = stack.inbound(BEN, header_from=ANNA)
    came = stack.arrived(BEN, mark).as_bytes()
    assert postfix.sendmail(stack.lay, came, "someone@" + layout.ELSEWHERE, sender="s@" + layout.FOREIGN).returncode == 0
    assert b"DKIM-Signature" not in stack.client.sunk(mark)[1]
    sent = mail.message(ANNA, "someone@" + layout.ELSEWHERE, mark=(mark := mail.new_mark())).replace(b"\r\n", b"\n")
    assert postfix.sendmail(stack.lay, sent, "someone@" + layout.ELSEWHERE, sender=ANNA).returncode == 0
    assert b"DKIM-Signature" in stack.client.sunk(mark)[1]


@pytest.mark.rows("F041")
def test_own_bounces_do_not_pass_it(stack):
    """Postfix's notice to a local sender, brought without the milter's headers."""
    mark = stack.submit(ANNA, "refuse@" + layout.ELSEWHERE)
    notice = stack.arrived(ANNA, mark)
    assert notice["Return-Path"] == "<>" and notice["X-Spam-Queue-Id"] is None


@pytest.mark.rows("F041")
def test_milter_away_is_temporary(stack, refuses):
    with stack.without("milter"):
        with refuses(451, at="MAIL"):
            stack.inbound(ANNA)
        with pytest.raises(smtplib.SMTPResponseException) as caught:
            stack.submit(ANNA, BEN)      # as early as at STARTTLS
        assert caught.value.smtp_code // 100 == 4
        mark = mail.new_mark()
        postfix.sendmail(stack.lay, mail.message(ANNA, BEN, mark=mark).replace(b"\r\n", b"\n"), BEN, sender=ANNA)
        assert stack.absent(BEN, mark)
    postfix.flush(stack.lay)              # or within a minute by itself
    stack.arrived(BEN, mark)
    stack.arrived(ANNA, stack.inbound(ANNA))


@pytest.mark.rows("F074")
def test_spam_goes_to_junk_made_if_missing(stack):
    user = stack.user()
    with stack.client.imap(user, admin.PASSWORD) as session:
        session.delete("Junk")
    mark = stack.inbound(user, body=mail.GTUBE_JUNK + "\n")
    got = stack.arrived(user, mark, folder="Junk")
    assert got["X-Spam"] == "Yes"
    assert stack.absent(user, mark)
    stack.arrived(user, stack.inbound(user))


@pytest.mark.parametrize("written", ["press@{}", '"press"@{}', "press@{}.", "Press@{}"])
def test_verdict_for_each_mailbox(stack, written):
    """One of two denies the sender: the other gets the message, and neither copy tells of the other; however the list is written."""
    mark = stack.inbound(written.format(layout.DOMAIN))
    got = stack.arrived(ANNA, mark)
    assert stack.absent(DORA, mark) and stack.absent(DORA, mark, "Junk")
    assert "dora" not in got.as_string()


def test_thresholds_differ_by_mailbox(stack):
    strict, lax = stack.user(), stack.user()
    stack.cli("user", "set", strict, "--junk-score", "0.1")
    stack.cli("user", "set", lax, "--junk-score", "1000", "--reject-score", "2000")
    mark = stack.inbound([strict, lax], body=mail.GTUBE_JUNK + "\n")
    stack.arrived(strict, mark, folder="Junk")
    got = stack.arrived(lax, mark)
    assert got["X-Spam"] is None


def test_told_afterwards(stack):
    """The log and `mailreeve scan --history` tell what became of a message, and why, by its queue id; `mailreeve scan --json` says the same of its bytes."""
    user = stack.user()
    mark = stack.inbound([user, ANNA], body=mail.GTUBE_JUNK + "\n")
    got = stack.arrived(user, mark, folder="Junk")
    told = json.loads(stack.cli("scan", "--history", got["X-Spam-Queue-Id"]))
    assert (told["action"], told["recipients"], told["score"], told["role"]) == ("junk", [user, ANNA], 10.0, "MX")
    assert told["groups"]["gtube"] == told["symbols"]["GTUBE_JUNK"] == 10.0 and set(told["ms"]) >= {"scan", "dns", "recipients", "total"}
    assert f"id={told['id']} role=MX" in stack.log("milter")
    assert told in list(map(json.loads, stack.cli("scan", "--history", "50").splitlines()))
    scanned = json.loads(stack.cli("scan", "--json", "--files-from", "-", stdin=write(stack, got) + "\n"))
    assert scanned["symbols"]["GTUBE_JUNK"] == 10.0 and scanned["groups"]["gtube"]["symbols"] == ["GTUBE_JUNK"]
    assert scanned["descriptions"]["GTUBE_JUNK"]


def write(stack, message):
    path = stack.lay.dir / "told.eml"
    path.write_bytes(message.as_bytes())
    return str(path)


@contextlib.contextmanager
def milter(stack, options):
    """Further options of section milter, until the end of the block; what the reload says."""
    before = stack.lay.conf.read_text()
    stack.lay.conf.write_text(before + "milter {\n\t" + options.replace(", ", "\n\t") + "\n}\n")
    try:
        yield stack.control("milter", "reload")
    finally:
        stack.lay.conf.write_text(before)
        assert stack.control("milter", "reload").endswith("ok\n")


def scanners(stack):
    """Process ids of the milter's scanners: its children's children."""
    parents = {int(path.parent.name): int(path.read_text().rsplit(")", 1)[1].split()[1]) for path in pathlib.Path("/proc").glob("[0-9]*/stat")}
    masters = [pid for pid, parent in parents.items() if parent == stack.servers.pid("milter")]
    return [pid for pid, parent in parents.items() if parent in masters]


@pytest.mark.rows("G24")
def test_a_resolver_that_holds_a_message_up_is_named(stack):
    sender = f"slow{next(stack.numbers)}@{layout.FOREIGN}"
    time.sleep(1.2)   # an answer of its is used again for a second
    supervise.freeze(stack.servers.pid("unbound"))
    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            sent = pool.submit(stack.inbound, ANNA, sender)
            asked = mail.wait_until(lambda: re.search(rf" .*dns:(\S*{layout.FOREIGN}/TXT)", stack.control("milter", "waiting")))
            mark = sent.result(60)
    finally:
        stack.servers.kill("unbound", signal.SIGCONT)
    assert asked
    assert "spf=temperror" in results(stack.arrived(ANNA, mark))
    assert stack.control("milter", "waiting") == "ok\n"
    stack.well()


@pytest.mark.rows("G24")
def test_a_stuck_scanner_is_named_and_replaced(stack, refuses):
    """In the log after 5 s, and again at the deadline, when the message is answered 451 and the scanner replaced."""
    sender = f"stuck{next(stack.numbers)}@{layout.FOREIGN}"
    with milter(stack, "dns_timeout = 5s, clamd_timeout = 5s, scan_timeout = 7s, scanners = 1") as said:
        assert said.endswith("ok\n")
        stack.inbound(ANNA)
        assert mail.wait_until(lambda: len(scanners(stack)) == 1)
        stuck, = scanners(stack)
        supervise.freeze(stuck)
        with refuses(451, at="DATA"):
            stack.inbound(ANNA, sender)
        assert mail.wait_until(lambda: stuck not in scanners(stack))
        stack.arrived(ANNA, stack.inbound(ANNA))
    for event, least in (("message-slow", 5000), ("message-deadline", 7000)):
        told = re.search(rf'{event} id=\S+ sender={sender} ms=(\d+) waiting_for="?scanner', stack.log("milter"))
        assert told and int(told[1]) >= least, event


@pytest.mark.rows("G24")
def test_the_milter_gives_up_before_postfix(stack):
    own = subprocess.run(["postconf", "-c", str(stack.lay.postfix), "-x", "-h", "smtpd_milters"], check=True, capture_output=True, text=True).stdout
    patience = int(re.search(r"content_timeout=(\d+)s", own)[1])
    with milter(stack, f"scan_timeout = {patience - 10}s") as said:
        assert said.startswith("error") and "scan_timeout" in said


def test_a_final_dot_is_no_way_round_a_list(stack, refuses):
    with refuses(550, at="RCPT"):
        stack.inbound(DORA, sender=f"s@{layout.FOREIGN}.")


def test_everybody_denies_is_a_refusal(stack, refuses):
    with refuses(500, at="RCPT"):
        stack.inbound(DORA)


@pytest.mark.rows("F097")
def test_signing_follows_the_domain(stack):
    domain = "signing.example.org"
    admin.add_domain(stack.lay, domain)
    user = admin.add_user(stack.lay, "sam@" + domain)
    _, content = stack.client.sunk(stack.submit(user, PARTNER))
    assert mail.verified(stack.lay, content)
    stack.cli("dkim", "disable", domain, "--yes")
    _, content = stack.client.sunk(stack.submit(user, PARTNER))
    assert b"DKIM-Signature" not in content
    stack.cli("dkim", "enable", domain)
    _, content = stack.client.sunk(stack.submit(user, PARTNER))
    assert mail.verified(stack.lay, content)
    stack.cli("user", "del", user)
    stack.cli("domain", "del", domain)
    _, content = stack.client.sunk(stack.submit(ANNA, PARTNER, header_from=user))
    assert b"DKIM-Signature" not in content


@pytest.mark.rows("F097")
def test_strangers_are_not_signed_for(stack):
    mark = stack.inbound(admin.address("outside"), header_from=ANNA)
    _, content = stack.client.sunk(mark)
    assert b"DKIM-Signature" not in content


@pytest.mark.rows("F097")
def test_never_unsigned_because_lookup_is_away(stack, refuses):
    """The session is open, the account known; lookup goes away before the end of the message."""
    with stack.client.submission(ANNA, admin.PASSWORD) as smtp:
        smtp.mail(ANNA)
        smtp.rcpt(PARTNER)
        with stack.without("lookup"):
            code, text = smtp.data(mail.message(ANNA, PARTNER))
        assert code // 100 == 4, text
