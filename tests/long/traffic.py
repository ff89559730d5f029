"""Mail of every kind on its way in, around and out, until told to stop; each message is tried again while the answer is "not now", as a real host does."""

import collections
import dataclasses
import itertools
import smtplib
import threading
import time

import ledger
from stack import admin, clamav, layout, mail, postfix

TRIES, AGAIN_AFTER = 60, 1.0        # seconds
SESSION_MESSAGES = 5
TIMEOUT = 150                       # seconds; longer than every limit of the server's
PARTNER = "someone@" + layout.ELSEWHERE


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of message. `unwanted`: must be refused for good; `kept`: a copy goes into quarantine."""
    name: str
    to: str
    places: tuple
    submitted: bool = False
    body: str = "Hello.\n"
    unwanted: bool = False
    kept: bool = False


ANNA, BEN = ledger.inbox("anna"), ledger.inbox("ben")
KINDS = (
    Kind("mailbox", admin.address("anna"), (ANNA,)),
    Kind("extension", admin.address("ben+lists"), (BEN,)),
    Kind("alias", admin.address("sales"), (ANNA, BEN)),
    Kind("catch-all", "anything@" + admin.CATCH_ALL, (BEN,)),
    Kind("forwarded", admin.address("outside"), (ledger.SINK,)),
    Kind("here and outside", admin.address("both"), (BEN, ledger.SINK)),
    Kind("submitted, local", admin.address("ben"), (BEN,), submitted=True),
    Kind("submitted, outside", PARTNER, (ledger.SINK,), submitted=True),
    Kind("junk", admin.address("anna"), (ledger.inbox("anna", "Junk"),), body=mail.GTUBE_JUNK + "\n"),
    Kind("spam", admin.address("anna"), (), body=mail.GTUBE + "\n", unwanted=True),
    Kind("split", admin.address("press"), (ANNA,), kept=True),
)
VIRUS = Kind("virus", admin.address("anna"), (), body=clamav.EICAR + "\n", unwanted=True)


class Sender(threading.Thread):
    """All kinds in turn; those that are submitted in sessions of their own. `refusals`: what was said to it, and how often."""

    def __init__(self, stack, book, pace, kinds=KINDS):
        super().__init__(daemon=True)
        self.stack, self.book, self.pace, self.kinds = stack, book, pace, kinds
        self.over, self.sessions, self.kept, self.refusals = threading.Event(), {}, set(), collections.Counter()

    def session(self, submitted):
        smtp, left = self.sessions.pop(submitted, (None, 0))
        if smtp is None:
            client = self.stack.client
            smtp = client.submission(ANNA.split()[0], admin.PASSWORD, timeout=TIMEOUT) if submitted else client.connect(timeout=TIMEOUT)
            left = SESSION_MESSAGES
        self.sessions[submitted] = (smtp, left - 1)
        return smtp

    def drop(self, submitted):
        smtp, _ = self.sessions.pop(submitted, (None, 0))
        if smtp:
            smtp.close()

    def attempt(self, kind, mark):
        """250, the number of the refusal, or None."""
        sender = ANNA.split()[0] if kind.submitted else f"{mark}@{layout.FOREIGN}"
        try:
            smtp = self.session(kind.submitted)
            mail.transaction(smtp, sender, kind.to, mail.message(sender, kind.to, mark=mark, body=f"{mark}\n{kind.body}"))
            answer = 250
        except mail.Refused as refused:
            answer = refused.code
            self.refusals[f"{refused.where}: {refused}"] += 1
        except smtplib.SMTPConnectError as refused:
            answer = refused.smtp_code
        except (smtplib.SMTPException, OSError):
            answer = None
        if answer != 250 or self.sessions[kind.submitted][1] <= 0:
            self.drop(kind.submitted)
        return answer

    def run(self):
        for n in itertools.count():
            if self.over.is_set():
                break
            kind, mark = self.kinds[n % len(self.kinds)], mail.new_mark()
            for _ in range(TRIES):
                answer = self.attempt(kind, mark)
                if answer is None or answer < 400 or answer >= 500:
                    break
                time.sleep(AGAIN_AFTER)
            self.book.note(mark, kind.places, answer, kind.unwanted)
            if kind.kept and answer == 250:
                self.kept.add(mark)
            time.sleep(self.pace)
        for submitted in list(self.sessions):
            self.drop(submitted)


def busy(stack, book, messages, senders=4, pace=0.05):
    """That many messages and a few more; what the book says of them."""
    threads = [Sender(stack, book, pace) for _ in range(senders)]
    for thread in threads:
        thread.start()
    mail.wait_until(lambda: len(book.entries) >= messages, 300)
    for thread in threads:
        thread.over.set()
    for thread in threads:
        thread.join(TIMEOUT + TRIES)
    assert len(book.entries) >= messages, "too slow"
    mail.wait_until(lambda: not postfix.queue(stack.lay) and not book.missing(ledger.found(stack.lay)), 120)
    assert postfix.queue(stack.lay) == []
    assert book.complaints(ledger.found(stack.lay)) == []
