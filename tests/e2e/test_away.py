"""What Postfix and Dovecot do while a daemon of ours is away, with clients that come too often, and with trusted ones: settings that `mailreeve setup print` writes out."""

import contextlib
import os
import re
import signal
import smtplib
import subprocess

import pytest
from stack import admin, daemons, dovecot, layout, mail, postfix, supervise

PARTNER = "someone@" + layout.ELSEWHERE
WEBMAIL, STRANGER = "127.66.1.1", "127.66.2.2"


def write_out(stack):
    """Postfix and Dovecot with what the verbs print now."""
    (stack.lay.postfix / "main.cf").write_text(postfix.main_cf(stack.lay, lambda kind: daemons.rendered(stack.lay, kind)))
    (stack.lay.dovecot / "dovecot.conf").write_text(dovecot.conf_of(stack.lay, daemons.rendered(stack.lay, "dovecot")))
    subprocess.run(["postfix", "-c", str(stack.lay.postfix), "reload"], check=True, capture_output=True)
    dovecot.doveadm(stack.lay, "reload")


@contextlib.contextmanager
def printed_with(stack, trusted_networks="", **options):
    """Inside the block with these options of section setup, and those networks; afterwards as it was. What it accepts has to arrive inside: the reload of
    Dovecot at its end may cut an LMTP session off between saving a message and saying so."""
    before = stack.lay.conf.read_text()
    try:
        stack.lay.conf.write_text(before + f'trusted_networks = {{{trusted_networks}}}\n' +
                                  "setup {\n" + "".join(f"\t{name} = {value}\n" for name, value in options.items()) + "}\n")
        write_out(stack)
        yield
    finally:
        stack.lay.conf.write_text(before)
        write_out(stack)
        stack.well()


def outcome(send):
    """The number that ended it: of the refusal at whatever step, the greeting included; 250, with the mark."""
    try:
        return 250, send()
    except mail.Refused as error:
        return error.code, None
    except smtplib.SMTPResponseException as error:
        return error.smtp_code, None
    except smtplib.SMTPServerDisconnected:
        return 421, None


def settles(send, hundred):
    """A process of Postfix from before may answer once more. The mark."""
    found = mail.wait_until(lambda: (got := outcome(send))[0] // 100 == hundred and got, 10)
    assert found, outcome(send)
    return found[1]


def held(stack, mark):
    return [path.name for path in (stack.lay.queue / "hold").rglob("*") if path.is_file() and mark.encode() in path.read_bytes()]


@pytest.mark.rows("F042")
@pytest.mark.parametrize("away, hundred", [("tempfail", 4), ("accept", 2), ("reject", 5), ("quarantine", 2)])
def test_milter_away(stack, away, hundred):
    user, other = stack.user(), stack.user()
    with printed_with(stack, milter_away=away), stack.without("milter"):
        marks = [settles(lambda: stack.inbound(user), hundred), settles(lambda: stack.submit(other, user), hundred)]
        if away == "accept":
            found = stack.arrived(user, marks[0])
            assert not found.get_all("Authentication-Results"), found
        elif away == "quarantine":
            for mark in marks:
                assert stack.absent(user, mark)
                name, = held(stack, mark)
                subprocess.run(["postsuper", "-c", str(stack.lay.postfix), "-H", name], check=True, capture_output=True)
            postfix.flush(stack.lay)
        if hundred == 2:
            for mark in marks:
                stack.arrived(user, mark)
    stack.arrived(user, stack.inbound(user))  # what was told to come again may


@pytest.mark.rows("F042")
@pytest.mark.parametrize("away, hundred", [("dunno", 2), ("defer", 4), ("reject", 5)])
def test_policyd_away(stack, away, hundred):
    user, other = stack.user(), stack.user()
    with printed_with(stack, policyd_away=away), stack.without("policyd"):
        marks = [settles(lambda: stack.inbound(user), hundred), settles(lambda: stack.submit(other, user), hundred)]
        assert outcome(lambda: stack.inbound(PARTNER))[0] // 100 == 5  # never a relay
        for mark in marks if hundred == 2 else []:
            stack.arrived(user, mark)
    stack.arrived(user, stack.inbound(user))


@pytest.mark.rows("F042")
@pytest.mark.parametrize("reject", ["no", "yes"])
def test_policyd_away_at_login(stack, reject):
    user = stack.user()
    stack.arrived(user, stack.inbound(user))

    def logs_in():
        try:
            with stack.client.imap(user, admin.PASSWORD):
                return "in"
        except stack.client.no_login:
            return "refused"
    with printed_with(stack, login_away_reject=reject), stack.without("policyd"):
        assert mail.wait_until(lambda: logs_in() == ("refused" if reject == "yes" else "in"), 10)
    assert mail.wait_until(lambda: logs_in() == "in", 10)


@contextlib.contextmanager
def hung(stack, name):
    """Inside the block it takes connections and answers nothing."""
    pid = stack.servers.pid(name)
    supervise.freeze(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def impatient(stack):
    """Postfix waits 2 s where our lines say 20 to 120 s. (For a map it waits 100 s, which cannot be set: there lookup has a watchdog.)"""
    path = stack.lay.postfix / "main.cf"
    text, n = re.subn(r"\b(timeout|command_timeout|content_timeout)=\d+s", r"\1=2s", path.read_text())
    assert n == 3, n
    path.write_text(text)
    subprocess.run(["postfix", "-c", str(stack.lay.postfix), "reload"], check=True, capture_output=True)


@pytest.mark.rows("F042")
@pytest.mark.parametrize("name, settings, hundred", [
    ("milter", {}, 4), ("milter", {"milter_away": "accept"}, 2), ("policyd", {}, 2), ("policyd", {"policyd_away": "defer"}, 4)])
def test_hung(stack, name, settings, hundred):
    """Who hangs is as good as away, once Postfix has waited."""
    user = stack.user()
    stack.arrived(user, stack.inbound(user))
    with printed_with(stack, **settings):
        impatient(stack)
        with hung(stack, name):
            code, mark = outcome(lambda: stack.inbound(user, timeout=250))
        assert code // 100 == hundred, code
        if mark:
            stack.arrived(user, mark)
    stack.arrived(user, stack.inbound(user))


@pytest.mark.rows("F042")
def test_lookup_away_is_always_temporary(stack):
    """Nobody knows then who exists: there is nothing to set."""
    user = stack.user()
    with printed_with(stack, milter_away="accept", policyd_away="dunno"), stack.without("lookup"):
        settles(lambda: stack.inbound(user), 4)
        settles(lambda: stack.inbound(f"nobody{next(stack.numbers)}@{layout.DOMAIN}"), 4)
    stack.arrived(user, stack.inbound(user))


def knock(stack, source, times):
    """The numbers in the greetings of so many sessions."""
    codes = []
    for _ in range(times):
        try:
            with stack.client.connect(source=source):
                codes.append(220)
        except smtplib.SMTPConnectError as error:
            codes.append(error.smtp_code)
        except smtplib.SMTPServerDisconnected:
            codes.append(421)
    return codes


@pytest.mark.rows("F032")
def test_clients_that_come_too_often(stack):
    user = stack.user()
    with printed_with(stack, client_rate=3, client_rate_exempt="{127.66.1.0/24, 127.0.0.0/16, 2001:db8::/32, 127.1.0.0/16}"):
        assert mail.wait_until(lambda: 421 in knock(stack, STRANGER, 2), 30)
        assert mail.wait_until(lambda: "too many connections" in stack.log("postfix") or "rate limit exceeded" in stack.log("postfix"))
        assert set(knock(stack, STRANGER, 3)) == {421}
        assert set(knock(stack, WEBMAIL, 12)) == {220}
        stack.arrived(user, stack.inbound(user, source=WEBMAIL))
        printed = daemons.rendered(stack.lay, "postfix-main")
        assert "\nsmtpd_client_event_limit_exceptions = 127.66.1.0/24, 127.0.0.0/16, [2001:db8::]/32, 127.1.0.0/16\n" in printed
    with stack.client.connect(source=STRANGER):
        pass


@pytest.mark.rows("F096")
def test_trusted_networks(stack, refuses):
    """A printer needs no log-in: its mail goes anywhere, signed and complete, whatever its score. Others relay nothing, and nobody reaches who does not exist."""
    printer, user = "127.67.1.1", stack.user()

    def sends(to, source=printer):
        content = f"From: {user}\r\nTo: {to}\r\nSubject: {(mark := mail.new_mark())}\r\n\r\n{mail.GTUBE_JUNK}\r\n".encode()
        stack.client.send(user, to, content, source=source)
        return mark

    with printed_with(stack, trusted_networks="127.67.0.0/16, 2001:db8:67::/48"):
        assert stack.control("milter", "reload").endswith("ok\n")
        mark = settles(lambda: sends(PARTNER), 2)
        _, content = stack.client.sunk(mark)
        assert mail.verified(stack.lay, content) and b"\nDate: " in content and b"\nMessage-Id: " in content, content
        stack.arrived(user, sends(user))
        with refuses(554, at="RCPT"):
            sends(PARTNER, source=STRANGER)
        with refuses(550, at="RCPT"):
            sends(f"nobody-at-all@{layout.DOMAIN}")
    assert stack.control("milter", "reload").endswith("ok\n")
    assert mail.wait_until(lambda: outcome(lambda: sends(PARTNER))[0] == 554, 10)
