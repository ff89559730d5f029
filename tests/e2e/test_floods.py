"""Mail and zones made to cost sender authentication, through the real Postfix: each comes to a clear result, and what is asked of DNS for it is counted."""

import re
import subprocess

import pytest
from stack import admin, layout, mail, zones

STRANGER = "stranger@" + layout.FOREIGN
FIELD = 90_000     # bytes; Postfix shows a milter no more than 102,400 of one
OWN = f"Authentication-Results: {layout.HOSTNAME}; dkim=pass header.d=bank.example"
OTHERS = "Authentication-Results: relay.example.net; dkim=pass header.d=bank.example"
TREE = "tree.example"


def signature(number):
    return f"DKIM-Signature: v=1; a=rsa-sha256; d=x{number}.example; s=s; h=from; bh=AA==; b=AA=="


def seal(number):
    return f"ARC-Seal: i={number}; a=rsa-sha256; cv={'pass' if number > 1 else 'none'}; d=x{number}.example; s=s; b=AAAA"


def whole_set(number):
    return [seal(number), f"ARC-Message-Signature: i={number}; a=rsa-sha256; d=x{number}.example; s=s; h=from; bh=AAAA; b=AAAA",
            f"ARC-Authentication-Results: i={number}; x{number}.example; none"]


def asked(stack):
    """How many questions the resolver has had."""
    done = subprocess.run(["unbound-control", "-c", stack.lay.dir / "dns/unbound.conf", "stats_noreset"], capture_output=True, text=True, check=True)
    return int(re.search(r"^total\.num\.queries=(\d+)$", done.stdout, re.M)[1])


def send(stack, fields, author=STRANGER, sender=STRANGER):
    """Results as one line, ours first, and what was asked meanwhile by all of this host."""
    user, mark, before = stack.user(), mail.new_mark(), asked(stack)
    content = mail.sign(stack.lay, mail.message(author, user, mark=mark))
    stack.client.send(sender, user, "".join(f"{field}\r\n" for field in fields).encode() + content, timeout=120)
    got = mail.wait_until(lambda: stack.client.fetch(user, admin.PASSWORD, mark, "Junk") or stack.client.fetch(user, admin.PASSWORD, mark))[0]
    return [" ".join(field.split()) for field in got.get_all("Authentication-Results")], asked(stack) - before


@pytest.mark.rows("G15")
@pytest.mark.parametrize("fields, expected, questions", [
    ([signature(n) for n in range(5_000)], ["dkim=permerror"] * 10, 30),
    ([signature(n) for n in range(10_000)], ["dkim=neutral"] * 10, 20),     # of so long a header nobody looks at the end
    ([f"X-Long-{n}: {'x ' * (FIELD // 2)}" for n in range(12)], ["dkim=pass"], 20),
    (["DKIM-Signature: v=1; " + "z=" + "x" * FIELD], ["dkim=neutral", "dkim=pass"], 20),
    (["DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; bh=AA==; b=AA==; h=from" + ":to" * 20_000], ["dkim=neutral", "dkim=pass"], 20),
], ids=["5,000 signatures", "10,000 signatures", "1 MB of fields", "a signature of 90 kB", "20,000 names"])
def test_signatures(stack, fields, expected, questions):
    (ours, *others), asked_for = send(stack, fields)
    assert re.findall(r"dkim=\w+", ours) == expected and not others
    assert asked_for <= questions


@pytest.mark.rows("G15")
@pytest.mark.parametrize("fields, problem, questions", [
    ([seal(n) for n in range(1, 5_000)], "an instance is no number from 1 to 50", 20),
    (["ARC-Seal: x"] * 9_000, "a tag list is broken", 20),
    ([field for n in range(1, 51) for field in whole_set(n)], "body hash has another length", 51 + 20),
    (["ARC-Authentication-Results: i=1; " + "x" * FIELD], "a field is too long", 20),
], ids=["5,000 instances", "9,000 fields", "50 sets", "one long field"])
def test_chains(stack, fields, problem, questions):
    (ours, *_), asked_for = send(stack, fields)
    assert f'arc=fail reason="{problem}"' in ours and "dkim=pass" in ours
    assert asked_for <= questions


@pytest.mark.rows("G15")
def test_results_of_others_stay(stack):
    (ours, *others), _ = send(stack, [OTHERS] * 5_000)
    assert ours.startswith(layout.HOSTNAME + ";") and others == [OTHERS.partition(": ")[2]] * 5_000


@pytest.mark.rows("G15")
def test_forged_results_go(stack, refuses):
    """All of them, or the message."""
    (ours, *others), _ = send(stack, [OWN, OTHERS] * 1_000)
    assert ours.startswith(layout.HOSTNAME + ";") and "bank.example" not in ours and others == [OTHERS.partition(": ")[2]] * 1_000
    with refuses(550, at="DATA"):
        send(stack, [OWN] * 10_000)


@pytest.mark.rows("G15")
@pytest.mark.parametrize("author, problem", [
    (", ".join(f"a@x{n}.example" for n in range(3_000)), "From is broken"),
    ("a" * FIELD + "@" + layout.FOREIGN, "From is broken"),
], ids=["3,000 authors", "one of 90 kB"])
def test_authors(stack, author, problem):
    (ours, *_), asked_for = send(stack, [], author)
    assert f'dmarc=permerror reason="{problem}"' in ours
    assert asked_for <= 20


def branches(name, depth):
    """A record of ten includes, with those below it."""
    below = [f"{letter}.{name}" for letter in "abcdefghij"] if depth else []
    return [zones.txt(name, " ".join(["v=spf1", *(f"include:{one}" for one in below), "-all"]))] + [
        record for one in below for record in branches(one, depth - 1)]


@pytest.mark.rows("G15")
def test_a_zone_full_of_includes(stack):
    for record in branches(TREE, 2):
        zones.control(stack.lay, "local_data", record)
    (ours, *_), asked_for = send(stack, [], sender=f"{mail.new_mark()}@{TREE}")
    assert 'spf=permerror reason="more than 10 terms need DNS' in ours
    assert asked_for <= 30 + 20
