"""Mail of all kinds while servers die, stop and stand still and packets are lost: nothing accepted is lost or doubled, nothing valid is refused for good,
nothing of ours crashes or grows. In the second half our daemons are slowed but not ended, so that their size can be compared."""

import os
import random
import time

import judge
import ledger
import mailhost
import netns
import pytest
from stack import admin, host
from traffic import Sender
from trouble import Hosts, Trouble, Watch

SECONDS = int(os.environ.get("MR_SOAK_SECONDS", "1800"))
SEED = int(os.environ.get("MR_SEED") or random.SystemRandom().randrange(1 << 32))
SENDERS, PACE = 6, 0.3
WARM = min(60, SECONDS / 4)             # seconds of the second half before sizes are compared
GROWTH_SECONDS = 600                    # in shorter runs sizes have not settled


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


def test_soak(stack, capsys):
    book, hosts = ledger.Ledger(), Hosts(stack.servers, stack.lay)
    trouble = Trouble(hosts, SEED)
    watch = Watch(hosts, trouble)
    senders, since = flow(stack, book, trouble, watch)
    with capsys.disabled():
        print(f"\nsoak: {SECONDS} s, MR_SEED={SEED}, {judge.told(book, trouble, watch, since)}")
    judge.check(stack, book, senders, trouble, watch)
    assert judge.grown(watch, since) == {} or SECONDS < GROWTH_SECONDS
