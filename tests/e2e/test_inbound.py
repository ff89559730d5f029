"""Mail from outside, port 25: who gets it and what is refused."""

import socket
import ssl
import time

import pytest
from stack import admin, layout

ANNA, BEN = admin.address("anna"), admin.address("ben")


@pytest.mark.rows("F001", "F066")
def test_delivery_to_a_mailbox(stack):
    mark = stack.inbound(ANNA)
    stack.arrived(ANNA, mark)
    folder = stack.lay.mail / layout.DOMAIN / "anna/Maildir"
    found = [path for part in ("new", "cur") for path in (folder / part).iterdir() if mark.encode() in path.read_bytes()]
    assert len(found) == 1
    assert found[0].owner() == "vmail"
    assert {path.owner() for path in stack.lay.mail.rglob("*")} == {"vmail"}


@pytest.mark.rows("F001", "F002", "F011")
def test_without_lookup_everything_is_temporary(stack, refuses):
    with stack.without("lookup"):
        for to in (ANNA, "nobody@" + layout.DOMAIN, "someone@" + layout.ELSEWHERE):
            with refuses(451, at="RCPT"):
                stack.inbound(to)
    stack.arrived(ANNA, stack.inbound(ANNA))


@pytest.mark.rows("F002")
@pytest.mark.parametrize("local", ["nobody", "anna.", "ann", "nobody+tag", '"anna x"', "@"])
def test_unknown_user(stack, refuses, local):
    with refuses(500, at="RCPT"):
        stack.inbound(f"{local}@{layout.DOMAIN}")


@pytest.mark.rows("F003")
def test_catch_all(stack):
    stack.arrived(BEN, stack.inbound(f"whoever@{admin.CATCH_ALL}"))


@pytest.mark.rows("F004")
def test_catch_all_leaves_mailboxes_and_aliases_alone(stack):
    real = admin.add_user(stack.lay, "real@" + admin.CATCH_ALL)
    stack.cli("alias", "add", "orders@" + admin.CATCH_ALL, ANNA)
    mark = stack.inbound(real)
    stack.arrived(real, mark)
    assert stack.absent(BEN, mark)
    mark = stack.inbound("orders@" + admin.CATCH_ALL)
    stack.arrived(ANNA, mark)
    assert stack.absent(BEN, mark)


@pytest.mark.rows("F005")
def test_alias(stack):
    stack.arrived(ANNA, stack.inbound(admin.address("info")))


@pytest.mark.rows("F005")
def test_alias_removed_is_refused(stack, refuses):
    address = stack.alias(ANNA)
    stack.arrived(ANNA, stack.inbound(address))
    stack.cli("alias", "del", address)
    time.sleep(1)
    with refuses(550, at="RCPT"):
        stack.inbound(address)


@pytest.mark.rows("F007")
def test_two_alias_rows_one_copy_each(stack):
    address = stack.alias(ANNA)
    stack.cli("alias", "add", address, BEN)
    mark = stack.inbound([address, ANNA])
    stack.arrived(ANNA, mark)
    stack.arrived(BEN, mark)


@pytest.mark.rows("F008", "F010")
@pytest.mark.parametrize("local", ["anna+tag", "ANNA", "Anna+Tag", "aNNa+a+b"])
def test_extensions_and_case(stack, local):
    for to in (f"{local}@{layout.DOMAIN}", f"{local}@{layout.DOMAIN.upper()}"):
        stack.arrived(ANNA, stack.inbound(to))


@pytest.mark.rows("F011")
@pytest.mark.parametrize("to", ["someone@" + layout.ELSEWHERE, f"someone%{layout.ELSEWHERE}@{layout.DOMAIN}", f"@{layout.DOMAIN}:someone@{layout.ELSEWHERE}",
                                f'"someone@{layout.ELSEWHERE}"@{layout.DOMAIN}', f"{layout.ELSEWHERE}!someone", f"someone@{layout.ELSEWHERE}@{layout.DOMAIN}"])
def test_no_relaying(stack, refuses, to):
    with refuses(500, at="RCPT"):
        stack.inbound(to)


@pytest.mark.rows("F011")
def test_no_relaying_with_policyd_away(stack, refuses):
    with stack.without("policyd"):
        with refuses(500, at="RCPT"):
            stack.inbound("someone@" + layout.ELSEWHERE)
        with refuses(500, at="RCPT"):
            stack.inbound("nobody@" + layout.DOMAIN)
        mark = stack.inbound(ANNA)
    stack.arrived(ANNA, mark)


@pytest.mark.rows("F013")
def test_send_only_gets_nothing(stack, refuses):
    robot = admin.address("robot")
    sleeping = stack.user("--send-only", "--disabled")
    for to in (robot, admin.address("machine"), sleeping, "Robot+x@" + layout.DOMAIN):
        with refuses(550, at="RCPT"):
            stack.inbound(to)
        with refuses(550, at="RCPT"):
            stack.submit(ANNA, to)


@pytest.mark.rows("F053")
@pytest.mark.parametrize("to", ["root@" + layout.HOSTNAME, "vmail@" + layout.HOSTNAME, "root@[127.0.0.1]", "nobody@" + layout.HOSTNAME.upper(),
                                "root@localhost"])
def test_host_name_is_no_unix_account(stack, refuses, to):
    with refuses(500, at="RCPT"):
        stack.inbound(to)


@pytest.mark.rows("F053")
def test_postmaster_of_the_host_reaches_somebody(stack):
    keeper = stack.user()
    stack.cli("alias", "add", "postmaster@" + layout.DOMAIN, keeper)
    for to in ("postmaster@" + layout.HOSTNAME, "abuse@" + layout.HOSTNAME, "postmaster"):
        stack.arrived(keeper, stack.inbound(to))


@pytest.mark.rows("F027")
@pytest.mark.parametrize("port", ["smtp", "submission"])
def test_starttls_with_our_certificate(stack, port):
    with stack.client.connect(port) as smtp:
        assert smtp.has_extn("STARTTLS")
        smtp.starttls(context=stack.client.tls)
        assert ("DNS", layout.HOSTNAME) in smtp.sock.getpeercert()["subjectAltName"]
        mark_works = smtp.ehlo()[0]
        assert mark_works == 250


@pytest.mark.rows("F027")
def test_plain_bytes_after_starttls_are_not_taken_for_encrypted(stack):
    """Commands sent in the same packet as STARTTLS must be thrown away (CVE-2011-0411)."""
    with socket.create_connection(("127.0.0.1", stack.lay.ports["smtp"]), timeout=10) as raw:
        raw.recv(1000)
        raw.sendall(b"EHLO x.example\r\n")
        raw.recv(4000)
        raw.sendall(b"STARTTLS\r\nNOOP injected\r\n")
        raw.recv(1000)
        with stack.client.tls.wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"QUIT\r\n")
            try:
                assert tls.recv(1000).startswith(b"221")
            except (ssl.SSLError, OSError):
                pass  # it may also drop us


@pytest.mark.rows("F016")
def test_no_auth_on_25(stack):
    with stack.client.connect() as smtp:
        assert not smtp.has_extn("AUTH")
        smtp.starttls(context=stack.client.tls)
        smtp.ehlo()
        assert not smtp.has_extn("AUTH")
        assert smtp.docmd("AUTH", "PLAIN AGFubmEAeA==")[0] == 503
