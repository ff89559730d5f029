"""IPv6: every port takes it, and limits, lists and the protection of log-ins take a client's /64 for one client."""

import imaplib
import poplib
import smtplib
import socket

import pytest
from stack import admin, layout, mail
from test_limits import Policy, settled
from test_login import post
from test_policy import policy

PORTS = {"smtp": b"220 ", "submission": b"220 ", "imap": b"* OK", "pop3": b"+OK ", "sieve": b'"IMP'}


@pytest.fixture(autouse=True)
def loopback(stack):
    if not stack.lay.ipv6:
        pytest.skip("no IPv6 loopback here")


@pytest.mark.rows("F211")
@pytest.mark.parametrize("name", PORTS)
def test_a_port_answers(stack, name):
    with socket.create_connection(("::1", stack.lay.ports[name]), timeout=10) as raw:
        assert raw.recv(100).startswith(PORTS[name])


@pytest.mark.rows("F211")
def test_mail_goes_its_way(stack):
    """In, by submission, and read, over TLS from the first byte."""
    user, tls = stack.user(), stack.client.tls
    for sender, to, connect in ((f"six@{layout.FOREIGN}", user, lambda: smtplib.SMTP("::1", stack.lay.ports["smtp"], timeout=30)),
                                (user, user, lambda: smtplib.SMTP_SSL("::1", stack.lay.ports["submissions"], timeout=30, context=tls))):
        mark = mail.new_mark()
        with connect() as smtp:
            smtp.ehlo()
            if sender == user:
                smtp.login(user, admin.PASSWORD)
            mail.transaction(smtp, sender, to, mail.message(sender, to, mark=mark))
        stored = stack.arrived(user, mark)
        assert "[IPv6:::1]" in str(stored) or "[::1]" in str(stored), stored
    with imaplib.IMAP4_SSL("::1", stack.lay.ports["imaps"], ssl_context=tls) as imap:
        assert imap.login(user, admin.PASSWORD)[0] == "OK"
        assert imap.select("INBOX") == ("OK", [b"2"])
    pop3 = poplib.POP3_SSL("::1", stack.lay.ports["pop3s"], context=tls, timeout=30)
    pop3.user(user)
    pop3.pass_(admin.PASSWORD)
    assert pop3.stat()[0] == 2
    pop3.quit()


@pytest.mark.rows("F211", "G10")
def test_limits_count_the_64(stack, wait):
    user, asked = stack.user(), Policy(stack.lay.run)
    stack.cli("limit", "set", "address", "default", "messages", "2/1h")
    try:
        settled(stack, wait, user, "address * messages 2/3600s")
        assert asked.take(user, client="2001:db8:5::1") == "DUNNO"
        assert asked.take(user, client="2001:db8:5::ffff:2") == "DUNNO"
        assert "of this address is reached" in asked.take(user, client="2001:db8:5:0:1::3")
        assert asked.take(user, client="2001:db8:5:1::1") == "DUNNO"
    finally:
        stack.cli("limit", "set", "address", "default", "messages", "default")


def from_client(stack, client, helo="mail.example.net"):
    return Policy(stack.lay.run).ask(protocol_state="RCPT", recipient=stack.probe, sender=f"x@{layout.FOREIGN}", client_address=client, helo_name=helo,
                                     client_name="mail.example.net", reverse_client_name="mail.example.net", instance="6")


@pytest.mark.rows("F211")
def test_lists_mean_the_64(stack):
    with policy(stack, clients_deny="{2001:db8:7::5, 2001:db8:8::/48}", clients_allow="2001:db8:8:1::9", helo_fqdn_mode="enforce"):
        assert from_client(stack, "2001:db8:7::99").startswith("554 ")
        assert from_client(stack, "2001:db8:8::1").startswith("554 ")
        assert from_client(stack, "2001:db8:7:1::5") == "DUNNO"
        assert from_client(stack, "2001:db8:8:1::77", helo="laptop") == "DUNNO"
        assert from_client(stack, "2001:db8:9::77", helo="laptop").startswith(("450 ", "550 ", "554 ", "504 "))


@pytest.mark.rows("F211")
def test_greylisting_knows_the_64(stack):
    """Who was told to come again may come from another address of its /64."""
    with policy(stack, greylist_mode="enforce", greylist_delay="1s"):
        assert from_client(stack, "2001:db8:a::1").startswith(("450 ", "451 ", "defer_if_permit "))
        assert mail.wait_until(lambda: from_client(stack, "2001:db8:a::2") == "DUNNO", 10)
        assert from_client(stack, "2001:db8:b::1") != "DUNNO"


@pytest.mark.rows("F211", "G12")
def test_logins_count_the_64(stack):
    user, key = stack.user(), (stack.lay.keys / "login-key").read_text().strip()

    def allowed(client, number):
        return post(stack, "allow", key, login=user, remote=client, pwhash=f"{number:04x}", protocol="imap", success=False)[1]["status"]

    stack.policyd(login_pair_max=4, login_delay_max="0s")
    try:
        assert [allowed(f"2001:db8:c::{n:x}", n) for n in range(1, 7)] == [0, 0, 0, 0, -1, -1]
        assert allowed("2001:db8:c:1::1", 7) == 0
    finally:
        stack.policyd()
