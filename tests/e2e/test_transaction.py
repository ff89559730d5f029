"""A change whose connection to the database is lost: begun anew before COMMIT was sent, never after. MariaDB itself cuts it off, at a known point."""

import contextlib
import os
import pathlib
import subprocess
import threading
import time

import pytest
from stack.mail import wait_until
from test_store import VERBS, Site

import mariadb  # tests/support

UPDATE = "UPDATE domain SET revision%"    # the first statement of a change to a user
TIMEOUT = 5                               # db_timeout of Site


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory):
    server = mariadb.MariaDB(pathlib.Path(f"/tmp/mr-transaction-{os.getpid()}")).start()
    site = Site(tmp_path_factory.mktemp("site"), server, "site")
    site.grants()
    site.cli("schema", "apply")
    site.cli("domain", "add", "example.org")
    site.cli("user", "add", "anna@example.org", stdin="secret\n")
    yield site
    server.remove()


@contextlib.contextmanager
def session(site, *statements):
    """A connection that has done these and stays open."""
    client = subprocess.Popen(["mariadb", "--no-defaults", "-uroot", f"--socket={site.server.socket}", "-N", "-B", "-n", site.name],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        client.stdin.write(";\n".join(statements) + "; SELECT 'ready';\n")
        client.stdin.flush()
        while client.stdout.readline().strip() != "ready":
            assert client.poll() is None
        yield
    finally:
        client.kill()
        client.communicate()


def row_lock(site):
    return session(site, "BEGIN", "SELECT name FROM domain WHERE name = 'example.org' FOR UPDATE")


class Verb:
    """`mailreeve WORDS`, on its way."""

    def __init__(self, site, *words):
        self.site, self.began = site, time.monotonic()
        self.process = subprocess.Popen([str(VERBS / "mailreeve"), "-c", str(site.conf), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def at(self, statement):
        """Where it does that: the number of its connection."""
        rows = self.site.sql(f"SELECT id FROM information_schema.processlist WHERE user = 'site_w' AND info LIKE '{statement}'")
        return rows and rows[0][0]

    def cut(self, statement=UPDATE):
        number = wait_until(lambda: self.at(statement))
        self.site.sql(f"KILL CONNECTION {number}")
        return number

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, err or out, time.monotonic() - self.began


def score(site):
    return site.json("user", "show", "anna@example.org")["junk_score"], len(site.changes())


def test_lost_before_commit(site):
    """Twice, even; it is done once."""
    _, before = score(site)
    with row_lock(site):
        verb = Verb(site, "user", "set", "anna@example.org", "--junk-score", "4")
        assert verb.cut() != verb.cut()
        wait_until(lambda: verb.at(UPDATE))
    assert verb.end()[:2] == (0, "")
    assert score(site) == (4, before + 1)


def test_server_started_again(site):
    """As it crashes in the midst of a change, with all that was not committed."""
    _, before = score(site)
    with row_lock(site):
        verb = Verb(site, "user", "set", "anna@example.org", "--junk-score", "5")
        wait_until(lambda: verb.at(UPDATE))
        site.server.kill()
    site.server.start()
    assert verb.end()[:2] == (0, "")
    assert score(site) == (5, before + 1)


def test_server_stays_away(site):
    with row_lock(site):
        verb = Verb(site, "user", "set", "anna@example.org", "--junk-score", "6")
        wait_until(lambda: verb.at(UPDATE))
        site.server.kill()
    code, said, took = verb.end()
    site.server.start()
    assert code == 1 and "connection lost" in said and "there is no new connection: " in said and said.count("\n") == 1
    assert TIMEOUT - 1 < took < TIMEOUT + 8


def test_lost_again_and_again(site):
    before = score(site)
    ended = threading.Event()

    def cut_all():
        while not ended.is_set():
            with contextlib.suppress(RuntimeError):
                for (number,) in site.sql(f"SELECT id FROM information_schema.processlist WHERE user = 'site_w' AND info LIKE '{UPDATE}'"):
                    site.sql(f"KILL CONNECTION {number}")

    with row_lock(site):
        thread = threading.Thread(target=cut_all)
        thread.start()
        code, said, took = Verb(site, "user", "set", "anna@example.org", "--junk-score", "7").end()
        ended.set()
        thread.join()
    assert code == 1 and "connection lost" in said and took < TIMEOUT + 8
    assert score(site) == before


def test_lost_in_commit(site):
    """It may be that it was done: that is said, and it is not tried again."""
    before = score(site)
    with session(site, "BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"):
        verb = Verb(site, "user", "set", "anna@example.org", "--junk-score", "8")
        verb.cut("COMMIT")
        code, said, took = verb.end()
    assert code == 1 and "it is not known whether it was made; look at it (show, list)" in said and said.count("\n") == 1 and took < TIMEOUT
    time.sleep(1)    # a second try would be seen
    assert score(site) == before


def test_conflicts_are_no_lost_connections(site):
    """A lock that is not given up in time ends the change as before."""
    before = score(site)
    with row_lock(site):
        verb = Verb(site, "user", "set", "anna@example.org", "--junk-score", "9")
        number = wait_until(lambda: verb.at(UPDATE))
        site.sql(f"KILL QUERY {number}")
        code, said, _ = verb.end()
    assert code == 1 and "not known" not in said
    assert score(site) == before
