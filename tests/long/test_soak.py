"""Mail of all kinds while servers die, stop and stand still and packets are lost: nothing accepted is lost or doubled, nothing valid is refused for good,
nothing of ours crashes or grows. In the second half our daemons are slowed but not ended, so that their size can be compared."""

import collections
import os
import random
import re
import time

import ledger
import mailhost
import netns
import pytest
from stack import admin, host, mail, postfix
from traffic import Sender
from trouble import FDS_MAX, THREADS_MAX, Hosts, Trouble, Watch

SECONDS = int(os.environ.get("MR_SOAK_SECONDS", "1800"))
SEED = int(os.environ.get("MR_SEED") or random.SystemRandom().randrange(1 << 32))
SENDERS, PACE = 6, 0.3
WARM = min(60, SECONDS / 4)             # seconds of the second half before sizes are compared
SETTLE = 120                            # seconds until all accepted mail has arrived
GROWTH_MAX, GROWTH_SECONDS = 0.05, 600  # in shorter runs sizes have not settled
# What our daemons, their scanners, and Dovecot and Postfix around them say of a crash.
CRASH = re.compile(r"AddressSanitizer|runtime error:|scanner-crashed|scanner-failed|killed with signal (?!9\b)|killed by signal (?!9\b)|panic: |Assertion")


@pytest.fixture
def stack():
    with netns.own_network(), host.Host(os.environ.get("MR_KEEP")) as running:
        admin.populate(running.lay)
        yield mailhost.Stack(running)


def flow(stack, book, trouble, watch):
    """The mail and the trouble; returns the senders and when sizes begin to count."""
    senders = [Sender(stack, book, PACE) for _ in range(SENDERS)]
    for thread in (*senders, trouble, watch):
        thread.start()
    time.sleep(SECONDS / 2)
    trouble.ours = False
    time.sleep(WARM)
    since = time.monotonic()
    time.sleep(SECONDS / 2 - WARM)
    for thread in (trouble, watch, *senders):
        thread.over.set()
    for thread in (trouble, watch, *senders):
        thread.join(200)
        assert not thread.is_alive(), f"{thread} hangs"
    return senders, since


def told(book, trouble, watch, since):
    answers = collections.Counter("unknown" if answer is None else str(answer) for _, answer, _ in book.entries.values())
    print(f"\nsoak: {SECONDS} s, MR_SEED={SEED}, {len(book.entries)} messages, answers {dict(answers)}")
    print(f"strikes: {dict(sorted(trouble.counts.items()))}")
    print(f"kB in the second half: {watch.growth(since)}; most fds {watch.most('fds')}, most threads {watch.most('threads')}")


def unkept(stack, senders):
    """Accepted messages of which one recipient was spared, without a copy in quarantine."""
    copies = {ledger.mark_of(path.read_bytes()) for path in (stack.lay.state / "milter/quarantine").rglob("*") if path.is_file()}
    return {mark for sender in senders for mark in sender.kept} - copies


def crashes(stack):
    return [f"{path.name}: {line}" for path in stack.lay.log.iterdir() for line in path.read_text(errors="replace").splitlines() if CRASH.search(line)]


def test_soak(stack, capsys):
    book, hosts = ledger.Ledger(), Hosts(stack.servers, stack.lay)
    trouble = Trouble(hosts, SEED)
    watch = Watch(hosts, trouble)
    senders, since = flow(stack, book, trouble, watch)
    with capsys.disabled():
        told(book, trouble, watch, since)
    assert trouble.error is None, trouble.error
    stack.well(60)
    mail.wait_until(lambda: not postfix.queue(stack.lay) and not book.missing(ledger.found(stack.lay)), SETTLE)
    assert postfix.queue(stack.lay) == []
    assert book.complaints(ledger.found(stack.lay)) == []
    assert unkept(stack, senders) == set()
    assert watch.died == [] and crashes(stack) == []
    assert len(book.accepted()) > len(book.entries) // 2
    assert max(watch.most("fds").values()) < FDS_MAX and max(watch.most("threads").values()) < THREADS_MAX
    grown = {name: f"{first} kB → {last} kB" for name, (first, last) in watch.growth(since).items() if last > first * (1 + GROWTH_MAX)}
    assert grown == {} or SECONDS < GROWTH_SECONDS
