"""Maps that a view of the site feeds: what they answer over a real MariaDB, when a change is seen, and what is said of views that cannot be read."""

import concurrent.futures
import os
import pathlib
import subprocess
import time

import pytest

from test_lookup import BCRYPT, BUILD, Lookup, until
from test_store import Site, mariadb

VIEWS = """
    CREATE TABLE partner (name VARCHAR(255) PRIMARY KEY, host VARCHAR(255), open BOOLEAN NOT NULL DEFAULT TRUE);
    INSERT INTO partner VALUES ('acme.example', 'smtp:[192.0.2.1]:2525', TRUE), ('shut.example', 'smtp:[192.0.2.2]', FALSE), ('none.example', NULL, TRUE),
        ('empty.example', '', TRUE);
    CREATE VIEW v_partners AS SELECT name, host AS value FROM partner WHERE open;
    CREATE TABLE team (name VARCHAR(255), value VARCHAR(255), KEY (name));
    INSERT INTO team VALUES ('board@example.org', 'anna@example.org'), ('board@example.org', 'bert@example.org');
    CREATE VIEW v_odd AS SELECT name AS key_, value FROM team;
    CREATE VIEW v_slow AS SELECT name, CONCAT(value, SLEEP(0.3)) AS value FROM team;
"""
MAPS = "{'partners v_partners', 'teams team', 'later v_later', 'odd v_odd', 'slow v_slow'}"


@pytest.fixture(scope="module")
def server():
    server = mariadb.MariaDB(pathlib.Path(f"/tmp/mr-views-{os.getpid()}")).start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def site(server, tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), server, "views")
    site.grants()
    site.cli("schema", "apply")
    site.cli("domain", "add", "example.org")
    for who in ("anna", "bert", "carl"):
        site.cli("user", "add", f"{who}@example.org", "--hash", stdin=BCRYPT + "\n")
    site.sql(VIEWS)
    for view in ("v_partners", "team", "v_odd", "v_slow"):
        site.sql(f"GRANT SELECT ON views.{view} TO views_r@localhost")
    return site


@pytest.fixture
def lookup(site, tmp_path_factory):
    lookup = Lookup(site, tmp_path_factory.mktemp("run"), deadline="4s", poll_late="2s", poll_interval="100ms", map_views=MAPS, map_view_age="5s",
                    map_view_negative_age="1s").start()
    until(lambda: lookup.map("domain", "example.org") == "OK example.org")
    yield lookup
    if lookup.process.poll() is None:
        lookup.stop()


def test_answers(lookup):
    assert lookup.map("partners", "Acme.Example") == "OK smtp:[192.0.2.1]:2525"
    assert lookup.map("teams", "board@example.org") == "OK anna@example.org, bert@example.org"
    for name in ("shut.example", "none.example", "empty.example", "", "' OR '1'='1", "x`y", "%", "x" * 300, "x" * 3000):
        assert lookup.map("partners", name) == "NOTFOUND", name
    assert lookup.map("nothing", "x").startswith("PERM")
    assert lookup.map("v_partners", "acme.example").startswith("PERM")


def test_postfix_asks(lookup, tmp_path):
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    for key, code, said in (("acme.example", 0, "smtp:[192.0.2.1]:2525"), ("shut.example", 1, "")):
        done = subprocess.run(["postmap", "-c", str(tmp_path), "-q", key, f"socketmap:unix:{lookup.run}/lookup/map.sock:partners"], capture_output=True,
                              text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (code, said), done


def test_changes_are_seen_by_age_or_by_the_change_log(lookup, site):
    assert lookup.map("partners", "new.example") == "NOTFOUND"
    site.sql("INSERT INTO partner VALUES ('new.example', 'smtp:[a]', TRUE)")
    until(lambda: lookup.map("partners", "new.example") == "OK smtp:[a]", 5)          # 1 s for what is not there
    site.sql("UPDATE partner SET host = 'smtp:[b]' WHERE name = 'new.example'")
    assert lookup.map("partners", "new.example") == "OK smtp:[a]"
    until(lambda: lookup.map("partners", "new.example") == "OK smtp:[b]", 10)         # 5 s for what is
    site.sql("UPDATE partner SET host = 'smtp:[c]' WHERE name = 'new.example'; "
             "INSERT INTO change_log (at, kind, name, what) VALUES (UTC_TIMESTAMP(), 'view', 'v_partners new.example', 'set')")
    began = time.monotonic()
    until(lambda: lookup.map("partners", "new.example") == "OK smtp:[c]", 4)
    assert time.monotonic() - began < 4
    site.sql("DELETE FROM partner WHERE name = 'new.example'")


def test_database_away(lookup, server):
    assert lookup.map("partners", "acme.example").startswith("OK")
    assert lookup.map("partners", "shut.example") == "NOTFOUND"
    server.kill()
    try:
        assert lookup.map("partners", "never-asked.example").startswith("TEMP")
        time.sleep(6)
        assert lookup.map("partners", "acme.example") == "OK smtp:[192.0.2.1]:2525"
        assert lookup.map("partners", "shut.example").startswith("TEMP")              # may be there by now
    finally:
        server.start()
    until(lambda: lookup.map("partners", "never-asked.example") == "NOTFOUND")


def test_views_that_cannot_be_read(lookup, site):
    """Temporary failure, one line in the log that says why, a line of --check; and well again by itself."""
    assert lookup.map("later", "x").startswith("TEMP")
    assert lookup.map("odd", "x").startswith("TEMP")
    log = lookup.log.read_text()
    assert log.count("view-not-read") == 1 and "v_later" in log, log                  # the second one within a minute
    code, said = lookup.check()
    assert code == 1
    lines = dict(line.partition(": ")[::2] for line in said.splitlines())
    assert "ok database" in lines and "ok map partners" in lines and "ok map teams" in lines
    assert "v_later" in lines["failed map later"] and "Unknown column" in lines["failed map odd"]
    site.sql("CREATE VIEW v_later AS SELECT 'x' AS name, 'there' AS value; GRANT SELECT ON views.v_later TO views_r@localhost")
    try:
        until(lambda: lookup.map("later", "x") == "OK there")
    finally:
        site.sql("DROP VIEW v_later")
    assert lookup.map("mailbox", "anna@example.org") == "OK anna@example.org"


def test_a_slow_view_keeps_nobody_waiting_but_itself(lookup, site):
    """Twelve questions of a third of a second each are under way when a mailbox never asked for is: it is answered before most of them."""
    site.sql("INSERT INTO team SELECT CONCAT('slow', seq, '@example.org'), 'v' FROM seq_1_to_12")
    with concurrent.futures.ThreadPoolExecutor(12) as clients:
        asking = [clients.submit(lookup.map, "slow", f"slow{n}@example.org") for n in range(1, 13)]
        until(lambda: any(one.done() for one in asking))
        assert lookup.map("mailbox", "carl@example.org") == "OK carl@example.org"
        waiting = [one for one in asking if not one.done()]
        assert len(waiting) >= 4
        assert all(one.result() == "OK v0" for one in asking)


def test_reload_takes_other_maps(lookup):
    lookup.configure(map_views="{'partners team'}")
    lookup.process.send_signal(10)
    until(lambda: lookup.map("partners", "board@example.org").startswith("OK"))
    assert lookup.map("teams", "board@example.org").startswith("PERM")
    lookup.configure(map_views=MAPS)


@pytest.mark.parametrize("item, said", [
    ("alias v_mine", "is a map already"), ("Mine v_mine", "the name of a map"), ("mine", "the name of a map"), ("mine v mine", "the name of a map"),
    ("mine v_mine; DROP TABLE x", "the name of a map"), ("mine v`x", "the name of a map"), ("mine other.v_mine", "the name of a map"),
    ("mine 1v", "the name of a map"),
    ("mine " + "v" * 65, "the name of a map"), ("x" * 41 + " v_mine", "the name of a map"), ("mine v_a', 'mine v_b", "two maps")])
def test_refused_settings(site, tmp_path, item, said):
    lookup = Lookup(site, tmp_path / "run", map_views="{'" + item + "'}")
    lookup.configure()
    done = subprocess.run([BUILD / "lookup/mailreeve-lookup", "-c", site.conf, "--check-config"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and said in done.stderr + done.stdout, done
