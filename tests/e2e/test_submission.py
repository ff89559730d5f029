"""Mail from our users, ports 587 and 465."""

import base64

import pytest
from stack import admin, layout, mail

ANNA, BEN = admin.address("anna"), admin.address("ben")
PARTNER = "someone@" + layout.ELSEWHERE
PORTS = pytest.mark.parametrize("port", ["submission", "submissions"])


@pytest.mark.rows("F017")
def test_nothing_before_starttls(stack):
    with stack.client.connect("submission") as smtp:
        assert not smtp.has_extn("AUTH")
        assert smtp.docmd("AUTH", "PLAIN " + base64.b64encode(f"\0{ANNA}\0{admin.PASSWORD}".encode()).decode())[0] in (503, 530)
        assert smtp.mail(ANNA)[0] == 530


@PORTS
@pytest.mark.rows("F018")
def test_nothing_without_login(stack, port):
    with stack.client.connect(port) as smtp:
        if port == "submission":
            smtp.starttls(context=stack.client.tls)
            smtp.ehlo()
        smtp.mail("stranger@" + layout.FOREIGN)
        assert smtp.rcpt(ANNA)[0] // 100 == 5
        assert smtp.rcpt(PARTNER)[0] // 100 == 5


@PORTS
@pytest.mark.rows("F019")
def test_login_then_local_and_foreign(stack, port):
    mark = stack.submit(ANNA, BEN, port=port)
    stack.arrived(BEN, mark)
    mark = stack.submit(ANNA, PARTNER, port=port)
    envelope, content = stack.client.sunk(mark)
    assert envelope["from"] == ANNA and envelope["to"] == [PARTNER]
    assert mail.verified(stack.lay, content)


@pytest.mark.rows("F019")
def test_unknown_local_recipient(stack, refuses):
    with refuses(550, at="RCPT"):
        stack.submit(ANNA, "nobody@" + layout.DOMAIN)


@pytest.mark.rows("F019", "F020")
def test_lookup_away_is_temporary(stack):
    with stack.without("lookup"):
        with pytest.raises(mail.Refused) as caught:
            stack.submit(ANNA, BEN)
        assert caught.value.code == 454, caught.value


@pytest.mark.rows("F020")
def test_disabled_user(stack, refuses):
    with refuses(535, at="AUTH"):
        stack.submit(admin.address("ernst"), BEN)


@pytest.mark.rows("F058")
def test_wrong_password(stack, refuses):
    with refuses(535, at="AUTH"):
        stack.submit(ANNA, BEN, password="wrong")
    with refuses(535, at="AUTH"):
        stack.submit("nobody@" + layout.DOMAIN, BEN)


@pytest.mark.rows("F021")
def test_send_only_may_send(stack):
    robot = admin.address("robot")
    envelope, _ = stack.client.sunk(stack.submit(robot, PARTNER))
    assert envelope["from"] == robot


@pytest.mark.rows("F022")
@pytest.mark.parametrize("sender", [BEN, "anna@" + layout.FOREIGN, "nobody@" + layout.DOMAIN, "robot@" + layout.DOMAIN, "whoever@" + admin.CATCH_ALL])
def test_foreign_envelope_sender(stack, refuses, sender):
    with refuses(553, at="RCPT"):
        stack.submit(ANNA, PARTNER, sender=sender)


@pytest.mark.rows("F023")
def test_sending_as_an_alias(stack, refuses):
    stack.client.sunk(stack.submit(ANNA, PARTNER, sender=admin.address("info")))
    stack.client.sunk(stack.submit(BEN, PARTNER, sender=admin.address("sales")))
    with refuses(553, at="RCPT"):
        stack.submit(BEN, PARTNER, sender=admin.address("info"))


@pytest.mark.rows("F024")
def test_sending_as_an_extended_address(stack, refuses):
    stack.client.sunk(stack.submit(ANNA, PARTNER, sender="anna+work@" + layout.DOMAIN))
    with refuses(553, at="RCPT"):
        stack.submit(ANNA, PARTNER, sender="ben+work@" + layout.DOMAIN)


@pytest.mark.rows("F025")
def test_login_name_ignores_case(stack, refuses):
    stack.arrived(BEN, stack.submit("Anna@" + layout.DOMAIN.upper(), BEN, sender=ANNA))
    with refuses(535, at="AUTH"):
        stack.submit("anna", BEN, sender=ANNA)


def test_missing_headers_are_completed_before_signing(stack):
    mark = mail.new_mark()
    bare = f"From: {ANNA}\r\nTo: {PARTNER}\r\nSubject: {mark}\r\n\r\nNo date, no id.\r\n".encode()
    stack.client.submit(ANNA, admin.PASSWORD, PARTNER, bare)
    _, content = stack.client.sunk(mark)
    assert b"\r\nMessage-Id:" in content and b"\r\nDate:" in content
    assert mail.verified(stack.lay, content)
