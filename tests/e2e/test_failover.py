"""Several MariaDB servers: lookup reads from the first that will do and goes back to a better one; a replica that lags gives out nothing that was revoked;
the verbs write to the one that is not read only. A primary and a real replica."""

import contextlib
import os
import pathlib
import shutil
import signal
import time

import pytest

from stack import supervise

from test_lookup import BCRYPT, Lookup, until
from test_store import Site
from replicas import Pair


@contextlib.contextmanager
def new_pair(name):
    folder = pathlib.Path(f"/tmp/mr-{name}-{os.getpid()}")
    folder.mkdir()
    folder.chmod(0o755)
    pair = Pair(folder)
    try:
        yield pair.start()
    finally:
        pair.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def pair():
    with new_pair("pair") as pair:
        yield pair


@pytest.fixture
def site(pair, tmp_path, request):
    return new_site(pair, tmp_path, "f" + str(abs(hash(request.node.name))))


def new_site(pair, folder, name):
    site = Site(folder, pair.first, name)
    site.grants()
    site.cli("schema", "apply")
    site.cli("domain", "add", "example.org")
    for who in ("anna", "bert", "carl", "dora"):
        site.cli("user", "add", f"{who}@example.org", "--hash", stdin=BCRYPT + "\n")
    pair.in_step()
    return site


@pytest.fixture
def lookup(site, pair, tmp_path_factory):
    lookup = Lookup(site, tmp_path_factory.mktemp("run"), deadline="4s", poll_late="2s", read_ahead="0", db_host=pair.second.socket, db_take_over="1h").start()
    until(lambda: lookup.map("domain", "example.org") == "OK example.org")
    yield lookup
    pair.release()
    if pair.first.process is None:
        pair.first.start()
    if lookup.process.poll() is None:
        lookup.stop()


def server_of(lookup):
    return lookup.control("database_server")


def enabled(lookup, who):
    """"1", "0", or "temp"."""
    said = lookup.ask("passdb/passdb.sock", "passdb", address=f"{who}@example.org")
    if "status=temp" in said:
        return "temp"
    return next(line for line in said if line.startswith("enabled=")).partition("=")[2]


def followed(lookup):
    """Returns when lookup has applied what was committed before the call: after a round that began later. That it answers anew says less: while it cannot
    follow the change log in time, it reads again what is older than poll_late."""
    rounds = int(lookup.control("rounds"))
    until(lambda: int(lookup.control("rounds")) > rounds + 1)


@pytest.mark.rows("G04")
def test_another_server_answers_until_the_first_is_back(lookup, pair):
    assert server_of(lookup) == str(pair.first.socket)
    pair.first.kill()
    assert lookup.map("mailbox", "bert@example.org") == "OK bert@example.org"     # never asked before, and no failure to be seen
    assert lookup.map("mailbox", "nobody@example.org") == "NOTFOUND"
    assert server_of(lookup) == str(pair.second.socket)
    pair.first.start()
    until(lambda: server_of(lookup) == str(pair.first.socket))
    pair.second.kill()
    try:
        assert lookup.map("mailbox", "carl@example.org") == "OK carl@example.org"
    finally:
        pair.second.start()
    log = lookup.log.read_text()
    assert log.count("database-server-failed") == 1 and "database-lost" not in log, log


@pytest.mark.rows("G04")
def test_a_frozen_server_costs_a_bounded_time(lookup, pair):
    """It takes connections and answers nothing: db_timeout is 5 s, the question has 4 s."""
    supervise.freeze(pair.first.process.pid)
    try:
        until(lambda: lookup.map("mailbox", "bert@example.org") == "OK bert@example.org", 20)
        began = time.monotonic()
        assert lookup.map("mailbox", "carl@example.org") == "OK carl@example.org"
        assert time.monotonic() - began < 4       # later questions do not wait for it at all
        assert server_of(lookup) == str(pair.second.socket)
    finally:
        pair.first.process.send_signal(signal.SIGCONT)
    until(lambda: server_of(lookup) == str(pair.first.socket), 40)


@pytest.mark.rows("G04")
def test_a_frozen_server_is_left_to_the_watcher(lookup, site, pair):
    """New connections go to the server in use, though the frozen one is to be tried again by then."""
    answers = []
    supervise.freeze(pair.first.process.pid)
    try:
        end = time.monotonic() + 15
        while time.monotonic() < end:
            site.cut(pair.second)
            time.sleep(0.1)
            answers.append(lookup.map("mailbox", f"nobody{len(answers)}@example.org"))
    finally:
        pair.first.process.send_signal(signal.SIGCONT)
    assert set(answers[answers.index("NOTFOUND"):]) == {"NOTFOUND"}, answers
    until(lambda: server_of(lookup) == str(pair.first.socket), 40)


@pytest.mark.rows("G03", "G04")
def test_a_replica_that_lags_gives_out_nothing_revoked(lookup, site, pair):
    assert enabled(lookup, "anna") == "1" and enabled(lookup, "bert") == "1"
    pair.hold()
    for who in ("anna", "bert"):
        site.cli("user", "set", f"{who}@example.org", "--disable")
    followed(lookup)
    until(lambda: enabled(lookup, "bert") == "0")    # anna was not read again since
    pair.received()
    pair.first.kill()
    for _ in range(20):
        assert enabled(lookup, "anna") == "temp"     # the replica would say 1
        assert enabled(lookup, "bert") in ("0", "temp")  # known unless its last read was overtaken by a drop; never 1
        assert enabled(lookup, "carl") == "temp"
        time.sleep(0.1)
    assert "lags behind" in lookup.log.read_text()
    pair.release()
    until(lambda: enabled(lookup, "anna") == "0")
    until(lambda: enabled(lookup, "carl") == "1")
    assert server_of(lookup) == str(pair.second.socket)


@pytest.mark.rows("G04")
@pytest.mark.parametrize("user", ["writer", "root"])
def test_nothing_is_written_through_a_read_only_server(site, pair, user):
    """Root has the right to; Mailreeve does not use it."""
    verbs = {"db_user": "root"} if user == "root" else None
    site.configure(verbs=verbs, db_host=pair.second.socket)
    pair.first.kill()
    try:
        assert "anna@example.org" in site.cli("user", "list")
        said = site.cli("user", "set", "anna@example.org", "--disable", code=1)
        assert "read only" in said and str(pair.first.socket) in said, said
        assert pair.second.sql("SELECT enabled FROM mailbox WHERE address = 'anna@example.org'", site.name) == [["1"]]
    finally:
        pair.first.start()
    # The other way round: the one that is read only stands first.
    site.configure(verbs=verbs, db_socket=pair.second.socket, db_host=pair.first.socket)
    site.cli("user", "set", "anna@example.org", "--disable")
    assert pair.first.sql("SELECT enabled FROM mailbox WHERE address = 'anna@example.org'", site.name) == [["0"]]


def test_a_list_that_cannot_be(site):
    site.configure(db_host='"mysql://db1"')
    assert "db_host" in site.cli("user", "list", code=1)
    site.configure(db_socket='""')
    assert "neither db_socket nor db_host" in site.cli("user", "list", code=1)


@pytest.mark.rows("G04")
def test_a_promoted_replica_without_the_last_change(tmp_path):
    """The primary is gone for good and with it a change; the replica takes changes now, with the ids of those that are lost."""
    with new_pair("promoted") as pair:
        site = new_site(pair, tmp_path, "promoted")
        lookup = Lookup(site, tmp_path / "run", deadline="2s", poll_late="2s", read_ahead="0", db_host=pair.second.socket, db_take_over="3s").start()
        try:
            until(lambda: enabled(lookup, "anna") == "1")
            pair.second.sql("STOP SLAVE")
            site.cli("user", "set", "anna@example.org", "--disable")
            followed(lookup)
            assert enabled(lookup, "anna") == "0"
            pair.first.kill()
            time.sleep(5)
            assert enabled(lookup, "bert") == "temp"      # read only: it may still come to the change
            pair.second.sql("SET GLOBAL read_only = 0")
            until(lambda: enabled(lookup, "bert") == "1")
            until(lambda: enabled(lookup, "anna") == "1")
            assert "database-taken-over" in lookup.log.read_text()
            site.configure(db_socket=pair.second.socket)
            site.cli("user", "set", "bert@example.org", "--disable")   # with the id of the change that is lost
            until(lambda: enabled(lookup, "bert") == "0")
        finally:
            lookup.stop()
