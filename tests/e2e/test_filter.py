"""The filter: what a message carries decides, whatever its names say."""

import contextlib
import io
import socket
import zipfile
from email.message import EmailMessage

import pytest
from stack import admin, layout, mail

ANNA, BEN = map(admin.address, ("anna", "ben"))
EXE = b"MZ" + b"\0" * 58 + b"\x80\0\0\0" + b"\0" * 64 + b"PE\0\0\x4c\x01" + b"\0" * 200


def tell(stack, verb):
    """What the milter says on its control socket."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(str(stack.lay.run / "milter/control.sock"))
        peer.sendall(verb.encode() + b"\n")
        peer.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: peer.recv(65536), b"")).decode()


@contextlib.contextmanager
def setting(stack, line):
    """mailreeve.conf with one more line in section milter, taken over without a restart; afterwards as it was."""
    before = stack.lay.conf.read_text()
    try:
        stack.lay.conf.write_text(before + f"milter {{\n\t{line}\n}}\n")
        assert tell(stack, "reload").endswith("ok\n")
        yield
    finally:
        stack.lay.conf.write_text(before)
        assert tell(stack, "reload").endswith("ok\n")


def zipped(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in files.items():
            z.writestr(name.replace("_dot_", "."), content)
    return out.getvalue()


def letter(to, name, content, subtype="octet-stream"):
    """A message with one file; its mark and its bytes."""
    mark = mail.new_mark()
    m = EmailMessage()
    m["From"], m["To"], m["Subject"], m["Message-ID"] = "a@" + layout.FOREIGN, to, mark, f"<{mark}@{layout.FOREIGN}>"
    m.set_content("See the file.\n")
    m.add_attachment(content, maintype="application", subtype=subtype, filename=name)
    return mark, m.as_bytes().replace(b"\n", b"\r\n")


FORBIDDEN = {
    "by name": ("invoice.exe", b"hello"),
    "by name in capitals, with a dot behind": ("Invoice.PDF.EXE.", b"hello"),
    "in another alphabet": ("\u0432\u0438\u0440\u0443\u0441.js", b"hello"),
    "by content": ("photo.jpg", EXE),
    "in an archive": ("photos.zip", zipped(a_dot_txt=b"hello", b_dot_scr=b"hello")),
    "by content in an archive": ("photos.zip", zipped(b_dot_jpg=EXE)),
    "in an archive in an archive": ("photos.zip", zipped(c_dot_zip=zipped(d_dot_vbs=b"x"))),
}


@pytest.mark.rows("F046")
def test_forbidden_attachments_are_refused(stack, refuses):
    with setting(stack, "attachment_filter = true"):
        for name, content in FORBIDDEN.values():
            with refuses(550, at="DATA") as refused:
                stack.inbound(ANNA, content=letter(ANNA, name, content)[1])
            assert "file of this kind" in str(refused.value)
        for name, content in (("letter.docx", zipped(word_slash_document_dot_xml=b"<x/>")), ("notes.txt", b"hello"), ("exe", b"hello"),
                              ("broken.zip", b"PK\3\4 no zip at all")):
            mark, content = letter(ANNA, name, content)
            stack.inbound(ANNA, content=content)
            stack.arrived(ANNA, mark)
        with refuses(550, at="DATA"):
            stack.client.submit(ANNA, admin.PASSWORD, BEN, letter(BEN, "game.exe", EXE)[1])
    assert "ATTACHMENT_FORBIDDEN" in stack.log("milter")


@pytest.mark.rows("F046")
def test_doc_is_not_docx(stack, refuses):
    with setting(stack, "attachment_filter = true\n\tforbidden_attachments = {doc}"):
        with refuses(550, at="DATA"):
            stack.inbound(ANNA, content=letter(ANNA, "letter.doc", b"x")[1])
        mark, content = letter(ANNA, "letter.docx", b"x")
        stack.inbound(ANNA, content=content)
        stack.arrived(ANNA, mark)


@pytest.mark.rows("F047")
def test_without_the_filter_they_pass(stack):
    for name, content in FORBIDDEN.values():
        mark, content = letter(ANNA, name, content)
        stack.inbound(ANNA, content=content)
        stack.arrived(ANNA, mark)
