"""The pool of connections that lookup uses, and its lines, for which the loop waits itself, while MariaDB goes away, stands still and comes back."""

import os
import re
import select
import signal
import subprocess
import time

import pytest

from stack import supervise
from test_store import BCRYPT, BUILD, server, site  # noqa: F401 (fixtures)


class Driver:
    """tests/support/pool-driver.c or line-driver.c as the reader, asking for one mailbox again and again."""

    def __init__(self, site, address, program="pool-driver", more=""):
        conf = site.folder / "pool.conf"
        conf.write_text(f"db_socket = {site.server.socket}\ndb_name = {site.name}\ndb_user = {site.name}_r\ndb_password_file = {site.folder}/reader\n"
                        "db_timeout = 2s\n" + more)
        self.log = site.folder / "pool.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([str(BUILD / "tests/unit" / program), str(conf), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=log, text=True)

    def says(self, seconds=15):
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], seconds)
            assert ready, self.log.read_text()
            line += os.read(self.process.stdout.fileno(), 1)
        return line.decode()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0
        return self.log.read_text()


def test_pool_loses_and_finds_the_database(site):
    site.cli("user", "add", "pool@example.org", "--hash", stdin=BCRYPT + "\n")
    driver = Driver(site, "pool@example.org")
    try:
        assert re.match(r"taken 1[678]\n", driver.says())  # the queue of 16, and what two threads had begun
        assert driver.says() == "found\n"
        for end in (site.server.kill, site.server.stop):
            end()
            assert driver.says() == "away\n"
            time.sleep(2)
            site.server.start()
            assert driver.says() == "found\n"
        site.sql("INSERT INTO schema_version VALUES (99, '99.0.0', NOW())")
        site.server.kill()
        assert driver.says() == "away\n"
        site.server.start()
        time.sleep(3)  # the longest pause between two tries, and a bit
        site.sql("DELETE FROM schema_version WHERE version = 99")
        assert driver.says() == "found\n"
        site.cli("user", "del", "pool@example.org")
        assert driver.says() == "none\n"
    finally:
        log = driver.end()
    kinds = ["up" if "database-connected" in line else "too new" if "too new" in line else "away" for line in log.splitlines() if "database-" in line]
    assert kinds[:5] == ["up", "away", "up", "away", "up"] and kinds[-1] == "up", log
    # A second thread may connect between the new version and the kill, and see it then already; its pause before the next try may outlast the restart.
    assert kinds[5:-1] in (["away", "too new"], ["too new", "away", "too new"], ["too new"]), log


def test_pool_asks_again_when_a_connection_broke(site):
    """As that of a server does that was started again: nobody is told that it is away."""
    site.cli("user", "add", "pool@example.org", "--hash", stdin=BCRYPT + "\n")
    driver = Driver(site, "pool@example.org")
    try:
        assert [driver.says()[:5], driver.says()] == ["taken", "found\n"]
        for _ in range(20):
            site.cut()
            time.sleep(0.2)
        site.cli("user", "del", "pool@example.org")
        assert driver.says() == "none\n"
    finally:
        assert "database-lost" not in driver.end()


def test_pool_starts_and_ends_without_a_database(site):
    site.server.stop()
    try:
        driver = Driver(site, "pool@example.org")
        time.sleep(1)
        log = driver.end()
    finally:
        site.server.start()
    assert log.count("database-lost") == 1 and "refused" in log, log


def test_pool_of_two_servers_leaves_no_job_lying(site):
    """Then a thread more waits in the pool, for nothing but the time: what comes for those that work must not wake it alone."""
    site.cli("user", "add", "pool@example.org", "--hash", stdin=BCRYPT + "\n")
    second = site.folder / "second.sock"
    second.symlink_to(site.server.socket)
    driver = Driver(site, "pool@example.org", more=f"db_host = {second}\n")
    try:
        assert [driver.says()[:5], driver.says()] == ["taken", "found\n"]
        for _ in range(3):
            site.cli("user", "del", "pool@example.org")
            assert driver.says() == "none\n"
            site.cli("user", "add", "pool@example.org", "--hash", stdin=BCRYPT + "\n")
            assert driver.says() == "found\n"
    finally:
        driver.end()


@pytest.fixture
def line(site):
    """line-driver.c on a mailbox that there is."""
    site.cli("user", "add", "line@example.org", "--hash", stdin=BCRYPT + "\n")
    driver = Driver(site, "line@example.org", "line-driver")
    try:
        assert [driver.says(), driver.says()] == ["not now\n", "found\n"]  # a connection had to be made
        yield driver
    finally:
        driver.process.kill()
        driver.process.wait()
        site.cli("user", "del", "line@example.org")


def end_of(line):
    """It ended well, and whoever asked was told."""
    line.end()
    said = line.says()
    if said == "failed\n":  # one was under way just then
        said = line.says()
    asked = re.fullmatch(r"asked (\d+) told (\d+)\n", said)
    assert asked and asked.group(1) == asked.group(2) and int(asked.group(1)) > 0, asked


def test_line_loses_its_connection_and_gets_another(site, line):
    for _ in range(3):
        site.cut()
        said = line.says()
        if said == "failed\n":  # it was just being asked
            said = line.says()
        assert said == "not now\n" and line.says() == "found\n"
    site.server.kill()
    assert line.says() in ("not now\n", "failed\n")
    time.sleep(1)
    site.server.start()
    while (said := line.says()) != "found\n":
        assert said in ("not now\n", "failed\n")
    end_of(line)


def test_line_of_a_server_that_stands_still(site, line):
    supervise.freeze(site.server.process.pid)
    try:
        began = time.monotonic()
        assert line.says() == "failed\n" and line.says() == "not now\n"
        assert 1 < time.monotonic() - began < 10
    finally:
        site.server.process.send_signal(signal.SIGCONT)
    while (said := line.says()) != "found\n":
        assert said in ("not now\n", "failed\n")
    end_of(line)


def test_line_ends_while_it_is_asked(site, line):
    supervise.freeze(site.server.process.pid)
    try:
        time.sleep(0.3)
        line.process.stdin.close()
        time.sleep(0.3)
    finally:
        site.server.process.send_signal(signal.SIGCONT)
    assert line.process.wait(20) == 0
    assert line.says() == "failed\n"
    assert re.fullmatch(r"asked (\d+) told \1\n", line.says())
