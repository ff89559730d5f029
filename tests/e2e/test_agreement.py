"""Our rules and SpamAssassin's over the same messages: each symbol is the same. The whole of it is in tests/long."""

import pathlib
import tempfile

import agreement
import corpus
import pytest

OWN = sorted(str(path) for path in (pathlib.Path(agreement.__file__).parent / "mail").glob("*.eml"))
OTHERS = 150


@pytest.fixture(scope="module")
def compare():
    def run(paths):
        try:
            return agreement.compare(paths)
        except agreement.Absent as absent:
            pytest.skip(str(absent))
    return run


@pytest.mark.rows("G18")
def test_own_messages(compare):
    sums = compare(OWN)
    assert not sums.different and sums.supported >= 0.99, str(sums)
    assert sums.pairs > 60 * len(OWN)


@pytest.mark.rows("G18")
def test_messages_of_a_corpus(compare):
    with tempfile.TemporaryDirectory(prefix="mr-corpus-") as work:
        try:
            _, judged = corpus.labelled(pathlib.Path(work))
        except corpus.Absent as absent:
            pytest.skip(str(absent))
        sums = compare([path for path, _ in judged[:OTHERS]])
    assert sums.messages == OTHERS and sums.agreement >= 0.999 and sums.supported >= 0.99, str(sums)
