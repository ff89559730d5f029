"""Our rules and SpamAssassin's over the same messages: each symbol is the same. The whole of it is in tests/long."""

import pathlib
import tempfile

import agreement
import corpus
import pytest

MAIL = pathlib.Path(agreement.__file__).parent / "mail"
OWN = sorted(str(path) for path in MAIL.glob("*.eml"))
OTHERS = 150


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
