"""Sender authentication: what other implementations say of what we write, and we of what they do."""

import email

import pytest
from stack import admin, layout, mail

ANNA = admin.address("anna")
STRANGER = "stranger@" + layout.FOREIGN


def results(got):
    return " ".join(got["Authentication-Results"].split())


def from_abroad(stack, to, with_chain=False):
    """A signed message of the foreign domain, with a chain of one set or without."""
    content = mail.sign(stack.lay, mail.message(STRANGER, to, mark=(mark := mail.new_mark())))
    if with_chain:
        head = f"Authentication-Results: relay.{layout.FOREIGN}; arc=none; dkim=pass header.d={layout.FOREIGN}\r\n".encode()
        content = mail.add_arc_set(stack.lay, head + content)
    return content, mark


@pytest.mark.rows("G16")
def test_forwarded_mail_is_sealed(stack):
    content, mark = from_abroad(stack, admin.address("outside"))
    stack.client.send(STRANGER, admin.address("outside"), content)
    _, forwarded = stack.client.sunk(mark)
    assert mail.chain(stack.lay, forwarded) == ("pass", 1)
    assert mail.verified(stack.lay, forwarded), "the sender's signature must survive"
    found = email.message_from_bytes(forwarded)["ARC-Authentication-Results"]
    assert found.startswith(f"i=1; {layout.HOSTNAME};") and "dkim=pass" in found and "arc=none" in found


@pytest.mark.rows("G16")
def test_chain_of_others_is_continued(stack):
    content, mark = from_abroad(stack, admin.address("outside"), with_chain=True)
    assert mail.chain(stack.lay, content) == ("pass", 1)
    stack.client.send(STRANGER, admin.address("outside"), content)
    _, forwarded = stack.client.sunk(mark)
    assert mail.chain(stack.lay, forwarded) == ("pass", 2)
    assert mail.verified(stack.lay, forwarded)


@pytest.mark.rows("G16")
def test_broken_chain_is_said_to_be_broken(stack):
    content, mark = from_abroad(stack, admin.address("outside"), with_chain=True)
    stack.client.send(STRANGER, admin.address("outside"), content.replace(b"Hello.", b"Hullo."))
    _, forwarded = stack.client.sunk(mark)
    assert mail.chain(stack.lay, forwarded)[0] == "fail"
    assert b"ARC-Seal: a=rsa-sha256" in forwarded and b"cv=fail" in forwarded and b"i=3" not in forwarded


@pytest.mark.rows("G15")
@pytest.mark.parametrize("spoil, expected", [(lambda c: c, "arc=pass"), (lambda c: c.replace(b"Hello.", b"Hullo."), "arc=fail")])
def test_chain_is_judged(stack, spoil, expected):
    content, mark = from_abroad(stack, ANNA, with_chain=True)
    stack.client.send(STRANGER, ANNA, spoil(content))
    got = stack.arrived(ANNA, mark)
    assert expected in results(got)
    assert expected.upper().replace("=", "_") in got["X-Spam-Result"]


@pytest.mark.rows("G16")
def test_local_copy_and_own_mail_have_no_seal(stack):
    content, mark = from_abroad(stack, ANNA)
    stack.client.send(STRANGER, ANNA, content)
    assert stack.arrived(ANNA, mark)["ARC-Seal"] is None
    _, own = stack.client.sunk(stack.submit(ANNA, "someone@" + layout.ELSEWHERE))
    assert mail.chain(stack.lay, own) == ("none", 0) and mail.verified(stack.lay, own)
