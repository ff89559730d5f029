"""MR_RATE_MESSAGES messages as fast as they go, through all of SpamAssassin's rules and clamd, while clamd, Redis, the resolver and the scanners come and go: each
arrives once or is refused with a reason, memory stays as it is, threads and processes are bounded."""

import collections
import os
import random
import re
import time

import judge
import ledger
import pytest
from stack import layout, mail
from test_soak import stack  # noqa: F401 (a stack and a network of its own)
from traffic import KINDS, VIRUS, Sender
from trouble import FilterTrouble, Hosts, Watch

MESSAGES = int(os.environ.get("MR_RATE_MESSAGES", "20000"))
SEED = int(os.environ.get("MR_SEED") or random.SystemRandom().randrange(1 << 32))
SENDERS, SCANNERS = 8, 3
SLOWEST = 10                            # messages a second; fewer are not the full rate of anything
GROWTH_MESSAGES = 10_000                # in shorter runs sizes have not settled
# What senders are told, and what the log says of a message that has to come again.
REASONS = re.compile(r"DATA: (451 4\.7\.1 The mail filter cannot answer now|550 5\.7\.1 (Message refused|There is a virus in this message: Eicar-Test))")
LOGGED = re.compile(r" message .*action=tempfail reason=(\S+)")
# Answers of clamd are kept for a while, so that what comes again is not looked at twice: longer than this run that would look like growth.
CONFIGURED = f"""
milter {{
	scanners = {SCANNERS}
	rule_files = {{mailreeve, spamassassin}}
	clamd_cache = "5s"
}}
"""


@pytest.fixture
def busy(stack):  # noqa: F811
    stack.lay.conf.write_text(stack.lay.conf.read_text() + CONFIGURED)
    assert stack.control("milter", "reload").endswith("ok\n")
    return stack


def flow(site, book, trouble, watch):
    """That many messages, and each strike at least once; the senders, when sizes begin to count, and messages a second."""
    senders = [Sender(site, book, 0, (*KINDS, VIRUS)) for _ in range(SENDERS)]
    began = time.monotonic()
    for thread in (*senders, trouble, watch):
        thread.start()
    since = None
    while (len(book.entries) < MESSAGES or not trouble.rounds) and time.monotonic() < began + 60 + MESSAGES / SLOWEST:
        time.sleep(0.2)
        if since is None and len(book.entries) > MESSAGES / 4:
            since = time.monotonic()
    rate = len(book.entries) / (time.monotonic() - began)
    for thread in (trouble, watch, *senders):
        thread.over.set()
    for thread in (trouble, watch, *senders):
        thread.join(200)
        assert not thread.is_alive(), f"{thread} hangs"
    return senders, since, rate


def test_rate(busy, capsys):
    book, hosts = ledger.Ledger(), Hosts(busy.servers, busy.lay)
    trouble = FilterTrouble(hosts, SEED)
    watch = Watch(hosts, trouble)
    senders, since, rate = flow(busy, book, trouble, watch)
    refusals = sum((sender.refusals for sender in senders), collections.Counter())
    logged = collections.Counter(LOGGED.findall(busy.log("milter")))
    with capsys.disabled():
        print(f"\n{rate:.0f} messages a second, MR_SEED={SEED}, {judge.told(book, trouble, watch, since)}\nput off for: {dict(logged)}")
    assert len(book.entries) >= MESSAGES and trouble.rounds, "too slow"
    assert [said for said in refusals if not REASONS.match(said)] == [] and "" not in logged
    judge.check(busy, book, senders, trouble, watch)
    # The front, its master, scanners, and one that compiles rules.
    assert watch.most("processes")["milter"] <= 2 + SCANNERS
    assert judge.grown(watch, since) == {} or MESSAGES < GROWTH_MESSAGES
