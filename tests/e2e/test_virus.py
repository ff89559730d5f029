"""Viruses: the real clamd, with a signature for EICAR's test file, behind the milter."""

import io
import signal
import zipfile

import pytest
from stack import admin, clamav, layout, mail, supervise

from test_filter import setting

EICAR = clamav.EICAR.encode()
STRANGER = "stranger@" + layout.FOREIGN


def zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.txt", "hello")
        z.writestr("deep/b.com", content)
    return out.getvalue()


def bad(to, sender=STRANGER, content=EICAR, name="test.com", **kwargs):
    return mail.with_file(sender, to, name, content, **kwargs)


@pytest.mark.rows("G22")
def test_a_virus_is_refused(stack, refuses):
    user = stack.user()
    for kwargs in ({}, {"content": zipped(EICAR), "name": "a.zip"}, {"content": zipped(zipped(EICAR)), "name": "a.zip"},
                   {"first": "%PDF-1.3: x\r\n"}, {"first": "MZ: x\r\n"}):   # by such first bytes clamd would not take it for mail
        with refuses(550, at="DATA") as refused:
            stack.inbound(user, sender=STRANGER, content=bad(user, **kwargs))
        assert "There is a virus in this message: Eicar-Test" in str(refused.value), kwargs
    with refuses(550, at="DATA"):
        stack.client.submit(user, admin.PASSWORD, stack.probe, bad(stack.probe, sender=user))
    mark = mail.new_mark()
    stack.inbound(user, sender=STRANGER, content=bad(user, content=zipped(b"harmless"), mark=mark))
    assert "VIRUS" not in str(stack.arrived(user, mark)["X-Spam-Result"])


@pytest.mark.rows("G22")
@pytest.mark.parametrize("mode", ["stream", "fildes"])
def test_either_way_of_handing_it_over(stack, refuses, mode):
    user = stack.user()
    with setting(stack, f"clamd_mode = {mode}"), refuses(550, at="DATA"):
        stack.inbound(user, sender=STRANGER, content=bad(user, content=zipped(EICAR) + b"x" * 3_000_000))


@pytest.mark.rows("G22")
def test_kept_in_the_quarantine(stack):
    user, mark = stack.user(), mail.new_mark()
    with setting(stack, "virus_action = quarantine"):
        stack.inbound(user, sender=STRANGER, content=bad(user, mark=mark))
        entries = [e for e in (stack.lay.state / "milter/quarantine").iterdir() if mark.encode() in (e / "message").read_bytes()]
        assert len(entries) == 1 and user in (entries[0] / "envelope").read_text()
        after = stack.inbound(user)
        stack.arrived(user, after)
    assert stack.absent(user, mark)


@pytest.mark.rows("G22")
def test_over_the_size_cap(stack):
    """What is not looked at says so."""
    user, mark = stack.user(), mail.new_mark()
    with setting(stack, "clamd_max_size = 100k"):
        stack.inbound(user, sender=STRANGER, content=bad(user, content=EICAR + b"x" * 100_000, mark=mark))
    assert "VIRUS_UNCHECKED" in str(stack.arrived(user, mark)["X-Spam-Result"])


@pytest.mark.rows("G22")
def test_clamd_away(stack, refuses):
    user = stack.user()
    try:
        stack.servers.stop("clamd")
        with refuses(451, at="DATA"):
            stack.inbound(user)
        with setting(stack, "clamd_away = tag"):
            assert "VIRUS_UNCHECKED" in str(stack.arrived(user, stack.inbound(user))["X-Spam-Result"])
        with setting(stack, "clamd_away = pass"):
            assert "VIRUS" not in str(stack.arrived(user, stack.inbound(user))["X-Spam-Result"])
    finally:
        stack.servers.again("clamd")
    stack.well()
    with refuses(550, at="DATA"):
        stack.inbound(user, sender=STRANGER, content=bad(user))


@pytest.mark.rows("G22")
def test_clamd_hangs(stack, refuses):
    """A temporary failure after clamd_timeout at the latest; the next one does not wait at all."""
    user = stack.user()
    with setting(stack, 'clamd_timeout = "2s"'):
        supervise.freeze(stack.servers.pid("clamd"))
        try:
            for _ in range(2):
                with refuses(451, at="DATA"):
                    stack.inbound(user)
            assert "clamd_servers_away=1" in stack.control("milter", "stats")
        finally:
            stack.servers.kill("clamd", signal.SIGCONT)
        stack.well()


@pytest.mark.rows("G22")
def test_another_server_takes_over(stack, refuses):
    user = stack.user()
    with setting(stack, f'clamd = {{"unix:/nowhere", "tcp:127.0.0.1:1", "unix:{stack.lay.clamd_socket}"}}'):
        for _ in range(2):
            with refuses(550, at="DATA"):
                stack.inbound(user, sender=STRANGER, content=bad(user, content=EICAR + mail.new_mark().encode()))
        stack.arrived(user, stack.inbound(user))
