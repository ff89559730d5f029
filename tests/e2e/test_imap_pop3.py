"""Reading mail: IMAP and POP3."""

import crypt
import imaplib
import poplib
import time

import pytest
from stack import admin, dovecot, layout, mail

ANNA, BEN = admin.address("anna"), admin.address("ben")


def may_not_read(stack, user, password=admin.PASSWORD):
    with pytest.raises(imaplib.IMAP4.error):
        stack.client.fetch(user, password, "x")
    with pytest.raises(poplib.error_proto):
        stack.client.pop3(user, password)


@pytest.mark.rows("F054", "F055")
def test_login_on_every_port(stack):
    mark = stack.inbound(ANNA)
    stack.arrived(ANNA, mark)
    for port in ("imap", "imaps"):
        with stack.client.imap(ANNA, admin.PASSWORD, port) as session:
            session.select("INBOX", readonly=True)
            assert len(session.search(None, "SUBJECT", mark)[1][0].split()) == 1
    for port in ("pop3", "pop3s"):
        session = stack.client.pop3(ANNA, admin.PASSWORD, port)
        text = b"\n".join(b"\n".join(session.retr(n + 1)[1]) for n in range(session.stat()[0]))
        assert mark.encode() in text
        session.quit()


@pytest.mark.rows("F056")
def test_no_cleartext_login(stack):
    session = mail.Imap(stack.lay.ports["imap"], None, tls_first=False)
    assert "LOGINDISABLED" in session.capabilities
    with pytest.raises(imaplib.IMAP4.error):
        session.login(ANNA, admin.PASSWORD)
    session.shutdown()
    session = mail.Pop(stack.lay.ports["pop3"], None, tls_first=False)
    with pytest.raises(poplib.error_proto):
        session.user(ANNA)
        session.pass_(admin.PASSWORD)


def auth_failures(stack):
    lines = [line.split("\t") for line in dovecot.doveadm(stack.lay, "stats", "dump").stdout.splitlines()]
    return next(int(line[lines[0].index("count")]) for line in lines if line[0] == "auth_failures")


@pytest.mark.rows("F058")
def test_wrong_password_is_refused_and_counted(stack):
    before = auth_failures(stack)
    may_not_read(stack, ANNA, "wrong")
    assert mail.wait_until(lambda: auth_failures(stack) >= before + 2, 5)


@pytest.mark.rows("F059", "F060")
@pytest.mark.parametrize("name", ["ernst", "robot"])
def test_disabled_and_send_only(stack, name):
    may_not_read(stack, admin.address(name))


@pytest.mark.rows("F059")
def test_switched_off_and_on_again(stack):
    user = stack.user()
    stack.client.fetch(user, admin.PASSWORD, "x")
    stack.cli("user", "set", user, "--disable")
    time.sleep(1)
    may_not_read(stack, user)
    stack.cli("user", "set", user, "--enable")
    time.sleep(1)
    stack.client.fetch(user, admin.PASSWORD, "x")


@pytest.mark.rows("F054")
def test_lookup_away_is_not_a_wrong_password(stack):
    with stack.without("lookup"):
        with pytest.raises(imaplib.IMAP4.error) as caught:
            stack.client.fetch(ANNA, admin.PASSWORD, "x")
        assert "AUTHENTICATIONFAILED" not in str(caught.value)
    stack.client.fetch(ANNA, admin.PASSWORD, "x")


@pytest.mark.rows("F061")
@pytest.mark.parametrize("scheme, method", [("BLF-CRYPT", crypt.METHOD_BLOWFISH), ("SHA256-CRYPT", crypt.METHOD_SHA256),
                                            ("SHA512-CRYPT", crypt.METHOD_SHA512)])
def test_password_schemes(stack, scheme, method):
    user = stack.user("--hash", password="{%s}%s" % (scheme, crypt.crypt("secret", crypt.mksalt(method))))
    stack.client.fetch(user, "secret", "x")
    may_not_read(stack, user, "Secret")


@pytest.mark.rows("F061")
def test_clear_text_hash_is_refused(stack):
    done = stack.cli("user", "add", "clear@" + layout.DOMAIN, "--hash", stdin="{PLAIN}secret\n", check=False)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


@pytest.mark.rows("F063")
def test_folders_after_first_login(stack):
    user = stack.user()
    with stack.client.imap(user, admin.PASSWORD) as session:
        listed = b" ".join(session.list()[1])
        subscribed = b" ".join(session.lsub()[1])
    for name, flag in ((b"Drafts", b"\\Drafts"), (b"Junk", b"\\Junk"), (b"Trash", b"\\Trash")):
        assert name in subscribed and flag in listed, (name, listed, subscribed)


@pytest.mark.rows("F072")
def test_quota_root(stack):
    user = stack.user("--quota", "7")
    stack.arrived(user, stack.inbound(user, body="x" * 50000))
    with stack.client.imap(user, admin.PASSWORD) as session:
        reply = session.getquotaroot("INBOX")
    used, limit = (int(word.strip("()")) for word in reply[1][1][0].decode().split()[-2:])
    assert limit == 7 * 1024 and 40 <= used <= 80, reply


@pytest.mark.rows("F072")
def test_quota_root_follows_a_change(stack):
    user = stack.user("--quota", "7")
    stack.cli("user", "set", user, "--quota", "9")
    time.sleep(1)
    with stack.client.imap(user, admin.PASSWORD) as session:
        assert f" {9 * 1024})" in str(session.getquotaroot("INBOX"))
