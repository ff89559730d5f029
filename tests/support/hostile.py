"""Messages that a stranger makes to hurt: each costs a filter without bounds minutes, gigabytes or its life. All have GTUBE as their last line, so each must be
refused, and `told` says by which symbol the filter admits that it has not looked at all of it."""

import base64
import dataclasses
import io
import typing
import zipfile

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
MIXED = ("Content-Type", "multipart/mixed; boundary=b")
HTML = ("Content-Type", "text/html")
FIELD = 59_000   # bytes; Postfix shows a milter no more of one

# An administrator's rules that take for ever on some text: the first on a single beginning, the others on very many beginnings, each just below its limit.
RULES = """
header HOSTILE_SUBJECT  Subject =~ /^(q+)+[b-p]$/
full   HOSTILE_FULL     /(?:y|y|y){9}[b-p]/
body   HOSTILE_BODY     /(?:y|y|y){9}[b-p]/
"""


@dataclasses.dataclass(frozen=True)
class Message:
    """Header fields besides From, and the body."""
    fields: tuple = ()
    body: bytes = b""

    def bytes(self, sender):
        head = (("From", sender), *self.fields)
        return b"".join(f"{name}: {value}\r\n".encode() for name, value in head) + b"\r\n" + self.body


@dataclasses.dataclass(frozen=True)
class Case:
    make: typing.Callable[[], Message]
    told: tuple = ()


def message(body, *fields):
    return Message(fields, body + b"\r\n" + GTUBE)


def nested(levels):
    return message(b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(levels)),
                   ("Content-Type", "multipart/mixed; boundary=b0"))


def parts(times, part):
    return message((b"--b\r\n" + part + b"\r\n") * times, MIXED)


def zipped(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in files.items():
            z.writestr(name, content)
    return out.getvalue()


def bomb(megabytes, levels, width=16):
    """Zeros packed, that packed many times, and so on."""
    content = zipped(a=b"\0" * (megabytes << 20))
    for _ in range(levels):
        content = zipped(**{f"{n}.zip": content for n in range(width)})
    return content


def attached(name, content):
    part = b"--b\r\nContent-Type: application/octet-stream; name=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n" % name
    return message(part + base64.encodebytes(content).replace(b"\n", b"\r\n") + b"--b--", MIXED)


CASES = {
    "50,000 nested parts": Case(lambda: nested(50_000), ("MIME_OVERSIZED",)),
    "50,000 attached messages": Case(lambda: message(b"Content-Type: message/rfc822\r\n\r\n" * 50_000, ("Content-Type", "message/rfc822")),
                                     ("MIME_OVERSIZED",)),
    "300,000 parts": Case(lambda: parts(300_000, b"\r\nx"), ("MIME_OVERSIZED",)),
    "1,001 parts of HTML": Case(lambda: parts(1001, b"Content-Type: text/html\r\n\r\n<!--x--><a href=http://x.example/>x</a>"),
                                ("MIME_OVERSIZED", "MIME_TEXT_CUT")),
    "200,000 header fields": Case(lambda: message(b"", *((f"X-{n}", "v") for n in range(200_000))), ("MIME_HEADER_CUT",)),
    "200,000 recipients in To": Case(lambda: message(b"", *(("To", f"a{n}@b.example") for n in range(200_000))), ("MIME_HEADER_CUT",)),
    "200,000 fields of a part": Case(lambda: message(b"--b\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(200_000)), MIXED)),
    "a zip bomb": Case(lambda: attached(b"a.zip", bomb(64, 4)), ("ATTACHMENT_CUT",)),
    "a zip of 50,000 files": Case(lambda: attached(b"a.zip", zipped(**{str(n): b"" for n in range(50_000)})), ("ATTACHMENT_CUT",)),
    "an attribute of 1 MB": Case(lambda: message(b"<a href=http://x.example/" + b"a" * (1 << 20) + b">x</a>", HTML), ("MIME_TEXT_CUT",)),
    "100,000 attributes": Case(lambda: message(b"<p " + b"a=b " * 100_000 + b">x</p>", HTML)),
    "a parameter of 1 MB": Case(lambda: message(b"--b\r\nContent-Type: text/plain; name=" + b"a" * (1 << 20) + b"\r\n\r\nx", MIXED)),
    "a parameter in 60,000 pieces": Case(lambda: message(
        b"--b\r\nContent-Type: text/plain" + b"".join(b";\r\n name*%d=a" % n for n in range(60_000)) + b"\r\n\r\nx", MIXED)),
    "200,000 nested tags": Case(lambda: message(b"<b>" * 200_000, HTML), ("MIME_TEXT_CUT",)),
    "60,000 links under a long base": Case(lambda: message(b"<base href=http://x.example/" + b"a/" * 4000 + b">" + b"<a href=../x>" * 60_000, HTML),
                                           ("MIME_OVERSIZED", "MIME_TEXT_CUT")),
    "links that lead to links": Case(lambda: message(
        b"".join(b"<a href=http://h%d.example/?%s>x</a>" % (n, b"http://k.example/" * 200) for n in range(270)), HTML), ("MIME_TEXT_CUT",)),
    "a subject for one rule": Case(lambda: message(b"", ("Subject", "q" * FIELD)), ("RULES_SLOW",)),
    "a subject for SpamAssassin's rules": Case(lambda: message(b"", ("Subject", "a 1 $ " * (FIELD // 6)))),
    "a body for two rules": Case(lambda: message((b"y" * 1000 + b"\r\n") * 2000), ("RULES_CUT", "MIME_TEXT_CUT")),
    "a body for SpamAssassin's rules": Case(lambda: message(b"dear friend \xa0 $1,000,000 www.x.example v1agra \t" * 40_000)),
    "NULs": Case(lambda: message(b"\0" * 1_000_000 + b"<\0b>" * 10_000, HTML)),
    "broken base64": Case(lambda: message(b"!!!=A=B=\r\n" * 200_000, ("Content-Type", "text/plain"), ("Content-Transfer-Encoding", "base64"))),
    "50 MB of text": Case(lambda: message(b"Hello dear friend, this is a line of text of some length.\r\n" * 860_000), ("MIME_TEXT_CUT",)),
}
