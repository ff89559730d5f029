"""Messages made to hurt (tests/support/hostile.py), through the real Postfix to clamd, the scanners and all rules of SpamAssassin and of a careless
administrator: each gets its verdict, from a scanner that lives on and keeps within its memory, and other mail goes on meanwhile."""

import concurrent.futures
import pathlib
import re

import hostile
import pytest
from stack import layout, mail, supervise

from test_filter import setting

TIMEOUT = 120                # seconds; above scan_timeout
RUNNERS = 3                  # hostile messages at once
FRONT_MAX = 64 << 10         # kB
LOST = re.compile(r"scanner-lost|scanner-killed|scanner-master-lost|message-deadline|message-failed|action=hold")


@pytest.fixture(scope="module")
def site(stack):
    """All rules are on, archives are looked into. What clamd takes too long for is none of its own."""
    rules = stack.lay.dir / "hostile.cf"
    rules.write_text(hostile.RULES)
    rules.chmod(0o644)
    with setting(stack, f"rule_files = {{mailreeve, spamassassin, {rules}}}\n\tattachment_filter = yes\n\tscanners = {RUNNERS + 1}\n"
                 "\tclamd_away = tag\n\tscan_timeout = 100s"):
        yield stack


def status(pid, field):
    """kB."""
    return int(re.search(rf"^{field}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def scanners(stack):
    """{pid: (the most address space that it has had, what it may have)} in kB. Who has no limit is none: rules are compiled in the background."""
    found = {}
    for master in supervise.children(stack.servers.pid("milter")):
        for pid in supervise.children(master):
            limit = re.search(r"^Max address space\s+(\d+)", pathlib.Path(f"/proc/{pid}/limits").read_text(), re.M)
            if limit:
                found[pid] = status(pid, "VmPeak"), int(limit[1]) >> 10
    return found


def send(stack, to, name):
    """(the refusal or None, the log's line about it)"""
    sender = f"{mail.new_mark()}@{layout.FOREIGN}"
    refusal = None
    try:
        stack.client.send(sender, to, hostile.CASES[name].make().bytes(sender), timeout=TIMEOUT)
    except mail.Refused as refused:
        refusal = refused
    line = mail.wait_until(lambda: next((line for line in stack.log("milter").splitlines() if " message " in line and sender in line), None))
    return refusal, line


def others(stack, to, pending):
    """Mail of others until those are done; the marks."""
    marks = [stack.inbound(to)]
    while concurrent.futures.wait(pending, 0.2).not_done:
        marks.append(stack.inbound(to))
    return marks


def test_each_has_its_verdict(site):
    victim, neighbour, before = site.user(), site.user(), len(site.log("milter"))
    with concurrent.futures.ThreadPoolExecutor(RUNNERS) as pool:
        pending = {name: pool.submit(send, site, victim, name) for name in hostile.CASES}
        marks = others(site, neighbour, list(pending.values()))
        sizes, front = scanners(site), status(site.servers.pid("milter"), "RssAnon")
    for name, case in hostile.CASES.items():
        refusal, line = pending[name].result()
        assert refusal and (refusal.code, refusal.where) == (550, "DATA"), (name, refusal)
        assert all(f"{symbol}(" in line for symbol in ("GTUBE", *case.told)), (name, line)
    assert LOST.findall(site.log("milter")[before:]) == []
    for mark in marks:
        assert "MIME_" not in str(site.arrived(neighbour, mark)["X-Spam-Result"])
    assert sizes and all(2 * most < limit for most, limit in sizes.values()), sizes
    assert front < FRONT_MAX, front
