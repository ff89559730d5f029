"""All the mail to tune on through our rules and SpamAssassin's: how many symbols are the same."""

import pathlib
import tempfile

import agreement
import corpus
import pytest


def test_agreement(capsys):
    with tempfile.TemporaryDirectory(prefix="mr-agreement-") as work:
        try:
            paths = [path for half in corpus.labelled(pathlib.Path(work)) for path, _ in half]
            sums = agreement.compare(paths)
        except (corpus.Absent, agreement.Absent) as absent:
            pytest.skip(str(absent))
    with capsys.disabled():
        print(f"\nagreement: {sums}")
    assert sums.messages >= 3000
    assert sums.agreement >= 0.999 and sums.supported >= 0.99
