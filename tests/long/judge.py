"""What must hold after servers were struck while mail flowed."""

import re

import ledger
from stack import mail, postfix
from trouble import FDS_MAX, THREADS_MAX

# What our daemons, their scanners, and Dovecot and Postfix around them say of a crash.
CRASH = re.compile(r"AddressSanitizer|runtime error:|scanner-crashed|scanner-failed|killed with signal (?!9\b)|killed by signal (?!9\b)|panic: |Assertion")
SETTLE = 120                            # seconds until all accepted mail has arrived
GROWTH_MAX = 0.05


def told(book, trouble, watch, since):
    """A summary."""
    return (f"{len(book.entries)} messages, answers {book.answers()}\nstrikes: {dict(sorted(trouble.counts.items()))}\n"
            f"kB from first to last: {watch.growth(since)}; most fds {watch.most('fds')}, threads {watch.most('threads')}, "
            f"processes {watch.most('processes')}")


def unkept(stack, senders):
    """Accepted messages of which one recipient was spared, without a copy in quarantine."""
    copies = {ledger.mark_of(path.read_bytes()) for path in (stack.lay.state / "milter/quarantine").rglob("*") if path.is_file()}
    return {mark for sender in senders for mark in sender.kept} - copies


def crashes(stack):
    return [f"{path.name}: {line}" for path in stack.lay.log.iterdir() for line in path.read_text(errors="replace").splitlines() if CRASH.search(line)]


def check(stack, book, senders, trouble, watch):
    """Every message is where it belongs, once; nothing of ours has died by itself or took more than it may."""
    assert trouble.error is None, trouble.error
    stack.well(60)
    mail.wait_until(lambda: not postfix.queue(stack.lay) and not book.missing(ledger.found(stack.lay)), SETTLE)
    assert postfix.queue(stack.lay) == []
    assert book.complaints(ledger.found(stack.lay)) == []
    assert unkept(stack, senders) == set()
    assert watch.died == [] and crashes(stack) == []
    assert len(book.accepted()) > len(book.entries) // 2
    assert max(watch.most("fds").values()) < FDS_MAX and max(watch.most("threads").values()) < THREADS_MAX


def grown(watch, since):
    """Who needs more memory at the end than at first: {name: how much}."""
    return {name: f"{first} kB → {last} kB" for name, (first, last) in watch.growth(since).items() if last > first * (1 + GROWTH_MAX)}
