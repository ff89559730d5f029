"""The filter: what a message carries decides, whatever its names say."""

import base64
import binascii
import contextlib
import io
import socket
import struct
import subprocess
import tempfile
import zipfile
import zlib
from email.message import EmailMessage

import pytest
from compound import compound, outlook_message, package
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


def by_hand(to, fields, body, top="Content-Type: multipart/mixed; boundary=b"):
    """A message whose second part has these fields and this body, nothing of them mended; its mark and its bytes."""
    mark = mail.new_mark()
    text = (f"From: a@{layout.FOREIGN}\nTo: {to}\nSubject: {mark}\nMessage-ID: <{mark}@{layout.FOREIGN}>\nMIME-Version: 1.0\n{top}\n\n"
            f"--b\n\nSee the file.\n--b\n{fields}\n\n{body}\n--b--\n")
    return mark, text.replace("\n", "\r\n").encode()


def in_base64(content):
    return base64.encodebytes(content).decode()


def uuencoded(name, content):
    lines = (binascii.b2a_uu(content[i:i + 45]).decode() for i in range(0, len(content), 45))
    return f"begin 644 {name}\n{''.join(lines)}`\nend"


def winmail(name, content):
    """A file as Outlook packs it: title and data, each with a sum that nobody checks."""
    def attribute(number, data):
        return struct.pack("<BII", 2, number, len(data)) + data + b"\0\0"

    return struct.pack("<IH", 0x223E9F78, 1) + attribute(0x18010, name.encode() + b"\0") + attribute(0x6800F, content)


def smime(*verb, data=None):
    """LETTER, or data, as S/MIME has it in one file."""
    with tempfile.TemporaryDirectory(prefix="mr-smime-") as work:
        def openssl(*words, data=b""):
            return subprocess.run(["openssl", *words], input=data, cwd=work, capture_output=True, check=True).stdout

        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "cert", "-subj", "/CN=a")
        who = ("cert",) if "-encrypt" in verb else ("-signer", "cert", "-inkey", "key")
        return openssl("cms", *verb, "-binary", "-outform", "DER", *who, data=data or LETTER)


def pdf(name, content):
    """A PDF file with a file in it, packed."""
    packed = zlib.compress(content)
    return (f"%PDF-1.7\n1 0 obj <</Type/Filespec/F({name})/EF<</F 2 0 R>>>> endobj\n2 0 obj <</Type/EmbeddedFile/Filter/FlateDecode/Length {len(packed)}>> "
            "stream\n").encode() + packed + b"\nendstream endobj\n"


FILE = "Content-Type: application/octet-stream"
DISPOSITION = FILE + "\nContent-Disposition: attachment; "
CODED = "\nContent-Transfer-Encoding: base64"
SCRIPT = FILE + "; name=a.js"
LETTER = b"Subject: x\nMIME-Version: 1.0\n" + (SCRIPT + "\n\nx\n").encode()
P7M = "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m" + CODED
HQX = """(This file must be converted with BinHex 4.0)

:"'%ZDR-!9%9B9(4dH(3!N!8$!*!'Bf&d!*!%:"""  # a.js
ODD_FORMS = {
    "a second name with its charset": (DISPOSITION + "filename=\"x.txt\"; filename*=utf-8''a%2Ejs", "x"),
    "the name of the old field": (FILE + "; name=\"a.js\"\nContent-Disposition: attachment; filename=\"a.txt\"", "x"),
    "the same name twice": (DISPOSITION + "filename=\"a.txt\"; filename=\"a.js\"", "x"),
    "a name in pieces": (DISPOSITION + "filename=a.txt; filename*1=s; filename*0=a.j", "x"),
    "a stream": (DISPOSITION + "filename=\"a.js::$DATA\"", "x"),
    "right to left": (DISPOSITION + "filename*=utf-8''a%2Ej%E2%80%AEs", "x"),
    "a wide dot": (DISPOSITION + "filename*=utf-8''a%EF%BC%8Ejs", "x"),
    "two dispositions": (DISPOSITION + "filename=a.js\nContent-Disposition: attachment; filename=a.txt", "x"),
    "two encodings": (FILE + CODED + "\nContent-Transfer-Encoding: 7bit", in_base64(EXE)),
    "two types": (SCRIPT, "x", "Content-Type: multipart/mixed; boundary=b\nContent-Type: text/plain"),
    "two types, the other way round": (SCRIPT, "x", "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b"),
    "a quote that is not closed": (SCRIPT, "x", "Content-Type: multipart/mixed; boundary=\"b"),
    "no boundary": (SCRIPT, "x", "Content-Type: multipart/mixed"),
    "an encoding in quotes": (FILE + "\nContent-Transfer-Encoding: \"base64\"", in_base64(EXE)),
    "in a message as a file": (FILE + "; name=a.eml" + CODED, in_base64(LETTER)),
    "in an encoded message": ("Content-Type: message/rfc822" + CODED, in_base64(LETTER)),
    "in a message in an archive": (FILE + "; name=a.zip" + CODED, in_base64(zipped(a_dot_eml=LETTER))),
    "in text": ("Content-Type: text/plain", "hello\n" + uuencoded("a.js", b"x")),
    "in text, by content": ("Content-Type: text/plain", "hello\n" + uuencoded("a.dat", EXE)),
    "in text, in an archive": ("Content-Type: text/plain", uuencoded("a.zip", zipped(a_dot_js=b"x"))),
    "in text by yEnc": ("Content-Type: text/plain", "hello\n=ybegin line=128 size=1 name=a.js\n:\n=yend size=1"),
    "in text by BinHex": ("Content-Type: text/plain", "hello\n" + HQX),
    "by BinHex": ("Content-Type: application/mac-binhex40; name=a.hqx", HQX),
    "by BinHex that is said to be base64": ("Content-Type: application/mac-binhex40" + CODED, HQX),
    "in winmail.dat": ("Content-Type: application/ms-tnef" + CODED, in_base64(winmail("a.js", b"x"))),
    "in signed mail": (P7M, in_base64(smime("-sign", "-nodetach"))),
    "in signed mail that was written as it came": (P7M, in_base64(smime("-sign", "-nodetach", "-stream"))),
    "in a message of Outlook": (FILE + "; name=a.msg" + CODED, in_base64(outlook_message("a.js", b"x"))),
    "in a message of Outlook, by content": (FILE + "; name=a.msg" + CODED, in_base64(outlook_message("a.dat", EXE))),
    "in a message of Outlook, in an archive": (FILE + "; name=a.zip" + CODED, in_base64(zipped(a_dot_msg=outlook_message("a.zip", zipped(a_dot_js=b"x"))))),
    "in a document": (FILE + "; name=a.doc" + CODED, in_base64(package("a.js", b"x"))),
    "in a document, by content": (FILE + "; name=a.docx" + CODED, in_base64(zipped(oleObject1_dot_bin=package("a.dat", EXE)))),
    "in a PDF file": ("Content-Type: application/pdf; name=a.pdf" + CODED, in_base64(pdf("a.js", b"x"))),
    "in a PDF file, by content": ("Content-Type: application/pdf; name=a.pdf" + CODED, in_base64(pdf("a.dat", EXE))),
    "in a PDF file, in an archive": (FILE + "; name=a.zip" + CODED, in_base64(zipped(a_dot_pdf=pdf("a.zip", zipped(a_dot_js=b"x"))))),
    "in winmail.dat, by content": ("Content-Type: application/ms-tnef" + CODED, in_base64(winmail("a.dat", EXE))),
}
HARMLESS_FORMS = {
    "text about uuencode": ("Content-Type: text/plain", "It begins with\nbegin 644 a.js\nand then comes the data.\nend"),
    "a message": (FILE + "; name=a.eml" + CODED, in_base64(LETTER.replace(b"a.js", b"a.txt"))),
    "winmail.dat": ("Content-Type: application/ms-tnef" + CODED, in_base64(winmail("a.txt", b"x"))),
    "a message of Outlook": (FILE + "; name=a.msg" + CODED, in_base64(outlook_message("a.txt", b"x"))),
    "a document": (FILE + "; name=a.doc" + CODED, in_base64(package("a.txt", b"x"))),
    "a PDF file": ("Content-Type: application/pdf; name=a.pdf" + CODED, in_base64(pdf("a.txt", b"x"))),
    "two types": (FILE + "; name=a.txt", "x", "Content-Type: multipart/mixed; boundary=b\nContent-Type: text/plain"),
}


@pytest.mark.rows("F046")
def test_odd_forms_of_forbidden_attachments_are_refused(stack, refuses):
    with setting(stack, "attachment_filter = true"):
        for what, form in ODD_FORMS.items():
            print(what)
            with refuses(550, at="DATA"):
                stack.inbound(ANNA, content=by_hand(ANNA, *form)[1])
        for what, form in HARMLESS_FORMS.items():
            print(what)
            mark, content = by_hand(ANNA, *form)
            stack.inbound(ANNA, content=content)
            stack.arrived(ANNA, mark)


@pytest.mark.rows("F046")
def test_encrypted_mail_passes(stack):
    """Nobody can look into it, and the symbol says so."""
    with setting(stack, "attachment_filter = true"):
        mark, content = by_hand(ANNA, "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m" + CODED, in_base64(smime("-encrypt")))
        stack.inbound(ANNA, content=content)
        assert "ATTACHMENT_ENCRYPTED" in stack.arrived(ANNA, mark)["X-Spam-Result"]


@pytest.mark.rows("F046")
def test_doc_is_not_docx(stack, refuses):
    with setting(stack, "attachment_filter = true\n\tforbidden_attachments = {doc}"):
        with refuses(550, at="DATA"):
            stack.inbound(ANNA, content=letter(ANNA, "letter.doc", b"x")[1])
        mark, content = letter(ANNA, "letter.docx", b"x")
        stack.inbound(ANNA, content=content)
        stack.arrived(ANNA, mark)


PROGRAM = compound(dir=b"x", _VBA_PROJECT=b"\xcc\x61" + b"x" * 5000)
MACROS = {"letter.doc": PROGRAM, "letter.docm": zipped(**{"word/document.xml": b"<x/>", "word/vbaProject.bin": PROGRAM}),
          "renamed.docx": zipped(**{"word/document.xml": b"<x/>", "word/media/a.bin": PROGRAM})}


@pytest.mark.rows("F046")
def test_documents_with_programs(stack, refuses):
    """Told, and refused where the administrator says so."""
    with setting(stack, "attachment_filter = true"):
        for name, content in MACROS.items():
            mark, content = letter(ANNA, name, content)
            stack.inbound(ANNA, content=content)
            assert "ATTACHMENT_MACROS" in stack.arrived(ANNA, mark)["X-Spam-Result"]
    with setting(stack, "attachment_filter = true\n\tforbidden_attachments = {exe, application/vnd.ms-office.vbaProject}"):
        for name, content in MACROS.items():
            with refuses(550, at="DATA"):
                stack.inbound(ANNA, content=letter(ANNA, name, content)[1])
        for content in (zipped(**{"word/document.xml": b"<x/>"}), compound(WordDocument=b"x" * 5000)):
            mark, content = letter(ANNA, "letter.doc", content)
            stack.inbound(ANNA, content=content)
            assert "ATTACHMENT_MACROS" not in stack.arrived(ANNA, mark)["X-Spam-Result"]


@pytest.mark.rows("F047")
def test_without_the_filter_they_pass(stack):
    for name, content in FORBIDDEN.values():
        mark, content = letter(ANNA, name, content)
        stack.inbound(ANNA, content=content)
        stack.arrived(ANNA, mark)
