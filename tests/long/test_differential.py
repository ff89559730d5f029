"""Ours and other implementations of SPF and DKIM over generated cases (MR_CASES each, 3,000), from a seed (MR_SEED) that a disagreement names. Where the others
are wrong the list says by which section."""

import os
import random
import subprocess

import dkim_cases
import pytest
import spf_cases
from conftest import SOURCE

CASES = int(os.environ.get("MR_CASES", "3000"))
SEED = int(os.environ.get("MR_SEED", "0")) or random.SystemRandom().randint(1, 10**9)
SHOWN = 20


def escape(text):
    return "".join(chr(b) if 33 <= b <= 126 and b != 92 else f"\\x{b:02x}" for b in text.encode())


def ask(kind, cases):
    """Our lines, one a case: (zone, message) in bytes."""
    data = b"".join(b"CASE %d %d\n%s%s" % (len(zone), len(message), zone, message) for zone, message in cases)
    done = subprocess.run([SOURCE / "build/tests/long/differ", kind], input=data, capture_output=True, check=True, timeout=1800)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    assert len(lines) == len(cases), done.stderr
    return lines


def judge(capsys, name, disagreements, by_right):
    """disagreements: [(number, what)]; by_right: {section: how many}."""
    with capsys.disabled():
        print(f"\n{name}: {CASES} cases, seed {SEED}, {len(disagreements)} disagreements, by right {by_right}")
        for number, what in disagreements[:SHOWN]:
            print(f"  case {number}: {what}")
    assert not disagreements


def test_spf(capsys):
    r = random.Random(SEED)
    cases = [spf_cases.case(r) for _ in range(CASES)]
    ours = ask("spf", [("".join(f"{escape(n)} {t} {escape(d) if t != 'MX' else d}\n" for n, t, d in zone).encode(),
                        f"{escape(helo)} {client} {escape(sender)}".encode()) for zone, helo, client, sender in cases])
    bad, by_right = [], {}
    for number, (one, line) in enumerate(zip(cases, ours)):
        result, _, explanation = line.partition(" ")
        theirs = spf_cases.peer(one)
        if (result, explanation) == theirs[:2]:
            continue
        why = spf_cases.excuse(one, (result, explanation), theirs)
        if why:
            by_right[why] = by_right.get(why, 0) + 1
        else:
            bad.append((number, f"ours {result} {explanation!r}, pyspf {theirs}: {one[1:]} {[(n, d) for n, t, d in one[0] if t == 'TXT']}"))
    judge(capsys, "SPF", bad, by_right)


def test_dkim(capsys):
    """Libopendkim is who must agree, signature by signature; where python3-dkim alone says otherwise that is only counted, since it checks less: no l= beyond
    the body, no h= of a key, no t=s."""
    r, keys = random.Random(SEED), dkim_cases.Keys()
    cases = [dkim_cases.case(r, keys) for _ in range(CASES)]
    lines = ask("dkim", [("".join(f"{n} TXT {escape(record)}\n" for n, record in zone).encode(), message) for zone, message in cases])
    bad, by_right, alone, unread = [], {}, 0, 0
    for number, (one, line) in enumerate(zip(cases, lines)):
        ours, theirs = (side.split() for side in line.split("/"))
        python = dkim_cases.peer(one)
        if theirs == ["-"]:
            unread += 1
            continue
        if len(ours) != len(theirs):
            bad.append((number, f"ours {ours}, libopendkim {theirs}: {one}"))
            continue
        for n, (our, their) in enumerate(zip(ours, theirs)):
            if (our == "pass") == (their == "pass"):
                alone += python is not None and n < len(python) and python[n] != (our == "pass")
                continue
            why = dkim_cases.excuse(one, n, our)
            if why:
                by_right[why] = by_right.get(why, 0) + 1
            else:
                bad.append((number, f"signature {n}: ours {our}, libopendkim {their}, python3-dkim {python}: {one}"))
    assert unread < CASES / 10
    judge(capsys, f"DKIM (python3-dkim alone: {alone}, not read by libopendkim: {unread})", bad, by_right)
