"""One private stack for the whole run (packaging/stack). Tests find it populated as packaging/stack/admin.py says; a test that changes an account makes one
of its own, and one that takes a server away brings it back (`without`)."""

import contextlib
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import mailhost  # noqa: E402  (it leads to packaging/stack)
from stack import admin, host, mail, units  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "rows(*names): acceptance rows that the test shows (rows.py)")


@pytest.fixture(scope="session")
def stack():
    with host.Host(os.environ.get("MR_KEEP")) as running:
        admin.populate(running.lay)
        yield mailhost.Stack(running)


@pytest.fixture
def refuses():
    """`with refuses(550, at="RCPT"):` the server says no with that number (or one of its hundred) at that command."""
    @contextlib.contextmanager
    def check(code, at):
        with pytest.raises(mail.Refused) as caught:
            yield caught
        assert caught.value.where == at, caught.value
        assert caught.value.code == code or (code % 100 == 0 and caught.value.code // 100 == code // 100), caught.value
    return check


@pytest.fixture
def wait():
    return units.wait_for
