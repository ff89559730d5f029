"""What a mail client does: making messages, sending by SMTP, reading by IMAP and POP3. Used by the demo and the tests."""

import contextlib
import email
import email.policy
import email.utils
import imaplib
import poplib
import random
import smtplib
import socket
import ssl
import time
import uuid
from email.message import EmailMessage

import dkim
import dns.resolver

from . import layout, zones

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
GTUBE_JUNK = "YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def message(sender, to, body="Hello.\n", mark=None, headers=()):
    """Bytes with CRLF line ends. `mark` goes into the subject: by it the message is found again."""
    mark = mark or new_mark()
    head = [f"From: {sender}", f"To: {to}", f"Subject: {mark}", f"Date: {email.utils.formatdate()}", f"Message-ID: <{uuid.uuid4()}@test.example>",
            *headers]
    return "\r\n".join([*head, "", *body.split("\n")]).encode()


def with_file(sender, to, name, content, mark="", first=""):
    """A message with one file; `first` stands before all its fields."""
    m = EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = sender, to, mark or name
    m.set_content("See the file.\n")
    m.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return first.encode() + m.as_bytes()


def new_mark():
    return "mark-" + uuid.uuid4().hex[:12]


class Refused(Exception):
    """The server said no; str() is its reply, `code` the number."""

    def __init__(self, code, text, where):
        super().__init__(f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}")
        self.code, self.where = code, where


def somewhere():
    """An address of the loopback to come from. One of its own for each session: an address with failed log-ins is slowed down, and Dovecot takes a session from
    an address to itself for a safe one."""
    return "127." + ".".join(str(random.randint(1, 250)) for _ in range(3))


class FromSomewhere:
    """A client of Python's library from an address of choice, with TLS first or not."""

    def __init__(self, port, context, tls_first, source=None):
        self.context, self.tls_first, self.source = context, tls_first, source or somewhere()
        super().__init__("localhost", port, timeout=30)

    def _create_socket(self, timeout):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout, source_address=(self.source, 0))
        return self.context.wrap_socket(plain, server_hostname=self.host) if self.tls_first else plain


class Imap(FromSomewhere, imaplib.IMAP4):
    pass


class Pop(FromSomewhere, poplib.POP3):
    pass


class Client:
    """The ports of one stack with its certificate authority."""

    no_login = imaplib.IMAP4.error

    def __init__(self, lay):
        self.lay = lay
        self.tls = ssl.create_default_context(cafile=lay.tls / "ca.pem")

    def connect(self, port="smtp", source=zones.FOREIGN_ADDRESS, helo="mail." + layout.FOREIGN, timeout=30):
        """An SMTP session after EHLO; on `submissions` with TLS from the start."""
        kwargs = {"local_hostname": helo, "timeout": timeout, "source_address": (source, 0)}
        if port == "submissions":
            smtp = smtplib.SMTP_SSL("localhost", self.lay.ports[port], context=self.tls, **kwargs)
        else:
            smtp = smtplib.SMTP("localhost", self.lay.ports[port], **kwargs)
        smtp.ehlo()
        return smtp

    def submission(self, user, password, port="submission", source=None, **kwargs):
        smtp = self.connect(port, source=source or somewhere(), helo="laptop.example.org", **kwargs)
        if port == "submission":
            smtp.starttls(context=self.tls)
            smtp.ehlo()
        try:
            smtp.login(user, password)
        except smtplib.SMTPResponseException as error:
            smtp.close()
            raise Refused(error.smtp_code, error.smtp_error, "AUTH") from error
        return smtp

    def send(self, sender, to, content, source=zones.FOREIGN_ADDRESS, **kwargs):
        """From outside to port 25."""
        with self.connect(source=source, **kwargs) as smtp:
            return transaction(smtp, sender, to, content)

    def submit(self, user, password, to, content, sender=None, port="submission", source=None):
        with self.submission(user, password, port, source) as smtp:
            return transaction(smtp, user if sender is None else sender, to, content)

    @contextlib.contextmanager
    def imap(self, user, password, port="imaps", source=None):
        session = Imap(self.lay.ports[port], self.tls, tls_first=port == "imaps", source=source)
        try:
            if port == "imap":
                session.starttls(self.tls)
            session.login(user, password)
            yield session
        finally:
            session.shutdown()

    def pop3(self, user, password, port="pop3s"):
        session = Pop(self.lay.ports[port], self.tls, tls_first=port == "pop3s")
        if port == "pop3":
            session.stls(self.tls)
        session.user(user)
        session.pass_(password)
        return session

    def fetch(self, user, password, mark, folder="INBOX"):
        """All messages in the folder with that mark in them, be it in a bounce."""
        with self.imap(user, password) as session:
            if session.select(folder, readonly=True)[0] != "OK":
                return []
            found = session.uid("SEARCH", "TEXT", mark)[1][0].split()
            return [email.message_from_bytes(session.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]) for uid in found]

    def arrived(self, user, password, mark, folder="INBOX", seconds=20):
        """The one message with that mark, waited for."""
        found = wait_until(lambda: self.fetch(user, password, mark, folder), seconds)
        if len(found or ()) != 1:
            raise AssertionError(f"{mark} in {folder} of {user}: {len(found or ())} copies after {seconds} s")
        return found[0]

    def sunk(self, mark, seconds=20, copies=1):
        """(envelope, bytes) of what arrived at the foreign host with that mark, waited for; one, or a list."""
        def look():
            found = [split(path.read_bytes()) for path in sorted(self.lay.sink.glob("*.eml")) if mark.encode() in path.read_bytes()]
            return found if len(found) >= copies else None
        found = wait_until(look, seconds)
        if not found:
            raise AssertionError(f"{mark} did not reach the foreign host in {seconds} s")
        return found[0] if copies == 1 else found


def transaction(smtp, sender, to, content):
    """MAIL, RCPT for each, DATA. The last reply's text; Refused at the first no."""
    def step(where, code, text):
        if code >= 400:
            with contextlib.suppress(smtplib.SMTPServerDisconnected):
                smtp.rset()
            raise Refused(code, text, where)
        return text.decode()
    step("MAIL", *smtp.mail(sender))
    for recipient in [to] if isinstance(to, str) else to:
        step("RCPT", *smtp.rcpt(recipient))
    try:
        return step("DATA", *smtp.data(content))
    except smtplib.SMTPDataError as error:  # to the word DATA itself
        return step("DATA", error.smtp_code, error.smtp_error)


def split(stored):
    """A file of the sink: envelope as a dict with the list "to", and the message as it was sent."""
    envelope = {"to": []}
    while stored.startswith(b"X-"):
        line, _, rest = stored.partition(b"\r\n")
        name, _, value = line.decode("latin-1").partition(": ")
        if name not in ("X-Client-Addr", "X-Helo-Args", "X-Mail-Args", "X-Rcpt-Args", "X-Login", "X-Tls"):
            break
        if name == "X-Rcpt-Args":
            envelope["to"].append(value.split(">")[0].lstrip("<"))
        else:
            envelope[{"X-Mail-Args": "from"}.get(name, name)] = value.split(">")[0].lstrip("<")
        stored = rest
        if name == "X-Tls":
            break
    return envelope, stored


def wait_until(look, seconds=20):
    """The first true value of look(), or the last false one."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def sign(lay, content, domain=layout.FOREIGN):
    """Signed as the foreign domain does it."""
    key = (lay.dir / "dns/foreign.key").read_bytes()
    return dkim.sign(content, zones.SELECTOR.encode(), domain.encode(), key, include_headers=[b"from", b"to", b"subject", b"date"]) + content


def keys_of(lay):
    """For python3-dkim: the keys that the stack's DNS publishes."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], lay.ports["dns"]

    def answer(name, timeout=5):
        try:
            found = resolver.resolve(name.decode(), "TXT", lifetime=timeout)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None
        return b"".join(found[0].strings)
    return answer


def verified(lay, content, n=0):
    """Whether python3-dkim accepts the signature of that number."""
    return dkim.DKIM(content).verify(idx=n, dnsfunc=keys_of(lay))


def chain(lay, content):
    """What python3-dkim says of the ARC chain: "none", "pass" or "fail" (which it does not always call by name), and the number of sets."""
    result, sets, _ = dkim.arc_verify(content, dnsfunc=keys_of(lay))
    return (result or b"fail").decode().lower(), len(sets)


def add_arc_set(lay, content, domain=layout.FOREIGN):
    """Sealed as the foreign domain does it, after it has found the message as its own field of results says."""
    key = (lay.dir / "dns/foreign.key").read_bytes()
    fields = dkim.arc_sign(content, zones.SELECTOR.encode(), domain.encode(), key, ("relay." + domain).encode(),
                           include_headers=[b"from", b"to", b"subject", b"date"])
    return b"".join(fields) + content
