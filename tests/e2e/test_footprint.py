"""What the milter needs in memory with SpamAssassin's rules on and fifty sessions at work: the front, the scanners, their master, and what builds databases of
rules in the background; shared pages counted once."""

import contextlib
import pathlib
import re
import threading

from stack import layout, mail, supervise

from test_filter import setting

SESSIONS, MESSAGES, BYTES_MAX = 50, 12, 200 << 20     # MESSAGES: of each session
LINE = "<p>Dear customer, <a href=http://www.example.net/{n}>your prize</a> of $1,000,000 is <b>here</b>.</p>\n"


def proportional(pid):
    """Bytes: its own, and its share of what it shares (PSS)."""
    with contextlib.suppress(OSError):   # it ended meanwhile
        return int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)[1]) << 10
    return 0


def size(stack):
    front = stack.servers.pid("milter")
    masters = supervise.children(front)
    return sum(map(proportional, [front, *masters, *(pid for master in masters for pid in supervise.children(master))]))


def letter(to, n):
    """Some kilobytes of HTML; each fifth has a file of 256 kB."""
    sender = f"{mail.new_mark()}@{layout.FOREIGN}"
    if n % 5 == 0:
        return sender, mail.with_file(sender, to, "a.bin", bytes(range(256)) * 1000)
    return sender, mail.message(sender, to, body="".join(LINE.format(n=i) for i in range(n % 100)), headers=["Content-Type: text/html"])


def session(stack, to, number, all_there):
    with stack.client.connect(timeout=100) as smtp:
        all_there.wait(60)
        for n in range(MESSAGES):
            sender, content = letter(to, number + n)
            with contextlib.suppress(mail.Refused):   # as spam
                mail.transaction(smtp, sender, to, content)


def test_fifty_sessions(stack):
    to, all_there, sizes = stack.user("--reject-score", "1000"), threading.Barrier(SESSIONS), []
    with setting(stack, "rule_files = {mailreeve, spamassassin}"):
        threads = [threading.Thread(target=session, args=(stack, to, n, all_there)) for n in range(SESSIONS)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            busy = f"sessions={SESSIONS}\n" in stack.control("milter", "status")
            sizes.append((busy, size(stack)))
        assert not all_there.broken and any(busy for busy, _ in sizes)
    assert max(bytes_ for _, bytes_ in sizes) < BYTES_MAX
