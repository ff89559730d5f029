"""Our rules and SpamAssassin's over the same messages: each symbol is the same. The whole of it is in tests/long."""

import json
import pathlib
import subprocess
import tarfile
import tempfile

import agreement
import corpus
import pytest

MAIL = pathlib.Path(agreement.__file__).parent / "mail"
OWN = sorted(str(path) for path in MAIL.glob("*.eml"))
RECEIVED = MAIL / "received.txt"
RECENT = MAIL / "recent.tar.xz"  # 683 honest messages and 609 others, as mail is written and received in 2024 to 2026
OTHERS = 150
JUNK = 5  # points
ABOVE = """Received: from relay.example.net (relay.example.net [198.51.100.25]) by mx.example.org (Postfix) with ESMTPS id 4cF8kq2Vd1z9sZ9
\tfor <anna@example.org>; Mon, 23 Nov 2026 09:12:03 +0100 (CET)
"""
REST = """From: Bob <bob@example.com>
To: anna@example.org
Subject: minutes
Date: Mon, 23 Nov 2026 09:12:00 +0100
Message-ID: <8f2ab3c1@example.com>

They are on the shelf.
"""


@pytest.fixture(scope="module")
def compare():
    def run(paths, local=None):
        try:
            return agreement.compare(paths, local)
        except agreement.Absent as absent:
            pytest.skip(str(absent))
    return run


@pytest.mark.rows("G18")
def test_own_messages(compare):
    sums = compare(OWN)
    assert not sums.different and sums.supported >= 0.99, str(sums)
    assert sums.pairs > 60 * len(OWN)


@pytest.mark.rows("G18")
def test_settings_of_an_administrator(compare):
    """Networks, lists, languages, redirectors, captures. Rules of an administrator see more than SpamAssassin's of what is signed in one file."""
    sums = compare([path for path in OWN if "signed-in-one-file" not in path], MAIL / "local.cf")
    assert not sums.different and sums.supported >= 0.99, str(sums)


@pytest.mark.rows("G18")
def test_messages_of_a_corpus(compare):
    with tempfile.TemporaryDirectory(prefix="mr-corpus-") as work:
        try:
            _, judged = corpus.labelled(pathlib.Path(work))
        except corpus.Absent as absent:
            pytest.skip(str(absent))
        sums = compare([path for path, _ in judged[:OTHERS]])
    assert sums.messages == OTHERS and sums.agreement >= 0.999 and sums.supported >= 0.99, str(sums)


@pytest.fixture(scope="module")
def forms():
    """Messages with each form of Received, as the first and as the second field."""
    with tempfile.TemporaryDirectory(prefix="mr-received-") as work:
        paths = []
        for number, text in enumerate(RECEIVED.read_text(encoding="ascii").split("\n\n")):
            field = "".join(f"{line}\n" for line in text.splitlines() if line[:1] not in ("#", "=", ""))
            if not field:
                continue
            for place, above in (("first", ""), ("second", ABOVE)):
                path = pathlib.Path(work) / f"{number:03}-{place}.eml"
                path.write_text(above + field + REST, encoding="ascii")
                paths.append(str(path))
        yield paths


@pytest.mark.rows("G18")
@pytest.mark.parametrize("local", [None, MAIL / "local.cf"])
def test_forms_of_received(forms, local):
    """What both read from the Received fields of all kinds of servers: clients, names, protocols, log-ins, envelopes, whom to trust."""
    try:
        different = agreement.relays(forms, local)
    except agreement.Absent as absent:
        pytest.skip(str(absent))
    assert len(forms) > 360
    assert not different, "\n".join(f"{pathlib.Path(path).read_text()}{field}\n- {theirs}\n+ {ours}" for path, field, theirs, ours in different[:5])


@pytest.mark.rows("G18")
def test_rules_on_forms_of_received(compare, forms):
    firsts = [path for path in forms if path.endswith("-first.eml")][::4]  # SpamAssassin takes a second for each
    sums = compare(firsts)
    assert sums.messages > 45 and not sums.different and sums.supported >= 0.99, str(sums)


@pytest.fixture(scope="module")
def recent():
    """{path: is spam}"""
    with tempfile.TemporaryDirectory(prefix="mr-recent-") as work:
        with tarfile.open(RECENT) as archive:
            archive.extractall(work)
        yield {str(path): path.parent.name == "spam" for path in sorted(pathlib.Path(work).glob("*/*.eml"))}


@pytest.mark.rows("G18")
def test_recent_mail(compare, recent):
    sums = compare(list(recent)[::9])
    assert sums.messages == 144 and sums.agreement >= 0.999 and sums.supported >= 0.99, str(sums)


@pytest.mark.rows("G18")
def test_verdicts_on_recent_mail(recent):
    """No honest message is junk, and most of the others are, without network and learner."""
    done = subprocess.run([agreement.BUILD / "milter/mailreeve-scan", "-c", "/dev/null", "--json", "--files-from", "-"],
                          input="\n".join(recent), capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    junk = {each["file"] for each in found if each["score"] >= JUNK}
    assert len(found) == len(recent)
    assert not {path for path in junk if not recent[path]}
    assert len(junk) >= 0.95 * sum(recent.values())
