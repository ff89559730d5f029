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
TODAY = MAIL / "today.tar.xz"  # 92 honest messages and 92 others, as mail is written and received in 2024 to 2026
OTHERS = 150
JUNK = 5  # points


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
    """Networks, lists, languages, redirectors, captures."""
    sums = compare(OWN, MAIL / "local.cf")
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
def today():
    """{path: is spam}"""
    with tempfile.TemporaryDirectory(prefix="mr-today-") as work:
        with tarfile.open(TODAY) as archive:
            archive.extractall(work)
        yield {str(path): path.parent.name == "spam" for path in sorted(pathlib.Path(work).glob("*/*.eml"))}


@pytest.mark.rows("G18")
def test_mail_of_today(compare, today):
    sums = compare(list(today))
    assert sums.messages == 184 and sums.agreement >= 0.999 and sums.supported >= 0.99, str(sums)


@pytest.mark.rows("G18")
def test_verdicts_on_mail_of_today(today):
    """No honest message is junk, and most of the others are, without network and learner."""
    done = subprocess.run([agreement.BUILD / "milter/mailreeve-scan", "-c", "/dev/null", "--json", "--files-from", "-"],
                          input="\n".join(today), capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    junk = {each["file"] for each in found if each["score"] >= JUNK}
    assert len(found) == len(today)
    assert not {path for path in junk if not today[path]}
    assert len(junk) >= 0.7 * sum(today.values())
