"""mailreeve-lookup over a real MariaDB, without mail: what it answers while the database is there, gone, frozen, back, or has no tables."""

import concurrent.futures
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
import types

import pytest

from stack import certs, supervise
from test_store import BUILD, Site, mariadb

BCRYPT = "{BLF-CRYPT}$2y$10$" + "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
SECONDS = 15  # until something that must happen has happened


class Lookup:
    """The daemon on a folder of its own."""

    def __init__(self, site, folder, **options):
        self.site, self.run, self.options, self.under = site, folder, options, []
        for name in ("lookup", "passdb", "keys", "relay", "usage", "state/lookup"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "srs").write_text("a secret of the site\n")
        (folder / "srs").chmod(0o600)
        self.log = folder / "log"
        self.process = None

    def configure(self, **options):
        self.options.update(options)
        own = {key: self.options[key] for key in self.options if key.startswith("map_view") or
               key in ("deadline", "mta_sts_ca_file", "mta_sts_port", "mta_sts_private", "poll_interval", "poll_late", "stale_wait",
                       "snapshot_interval", "read_ahead", "poll_overlap")}
        shared = {key: value for key, value in self.options.items() if key not in own}
        self.site.configure(**{"redis_address": '""', "hostname": "mx.example.org", **shared}, run_dir=self.run, state_dir=self.run / "state", postfix_dir='""',
                            srs_secret_file=self.run / "srs")
        with open(self.site.conf, "a") as conf:
            conf.write("lookup {\n" + "".join(f"\t{key} = {value}\n" for key, value in own.items()) + "}\n")

    def start(self):
        self.configure()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.under, BUILD / "lookup/mailreeve-lookup", "-c", self.site.conf], stderr=log)
        until(lambda: self.listens("usage/usage.sock", socket.SOCK_DGRAM))  # bound last
        return self

    def listens(self, name, kind):
        """A socket of an earlier run may still lie there."""
        with socket.socket(socket.AF_UNIX, kind) as peer:
            return peer.connect_ex(str(self.run / name)) == 0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=SECONDS) == 0

    def check(self):
        done = subprocess.run([BUILD / "lookup/mailreeve-lookup", "-c", self.site.conf, "--check"], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.strip()

    def control(self, key, verb="status"):
        """The value of a line that the verb answers."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(SECONDS)
            peer.connect(str(self.run / "lookup/control.sock"))
            peer.sendall(f"{verb}\n".encode())
            data = b""
            while not data.endswith(b"\nok\n"):
                part = peer.recv(65536)
                assert part, "closed"
                data += part
        return next(line.partition("=")[2] for line in data.decode().splitlines() if line.startswith(key + "="))

    def talk(self, name, payload):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(SECONDS)
            peer.connect(str(self.run / name))
            peer.sendall(f"{len(payload)}:{payload},".encode())
            data = b""
            while b":" not in data or len(data) < int(data.partition(b":")[0]) + len(data.partition(b":")[0]) + 2:
                part = peer.recv(65536)
                assert part, "closed"
                data += part
        return data.partition(b":")[2][:-1].decode()

    def map(self, name, key):
        return self.talk("lookup/map.sock", f"{name} {key}").strip()

    def ask(self, where, cmd, **fields):
        text = f"v=1\nid=1\ncmd={cmd}\n" + "".join(f"{key}={value}\n" for key, value in fields.items())
        return self.talk(where, text).splitlines()

    def stats(self):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(SECONDS)
            peer.connect(str(self.run / "lookup/control.sock"))
            peer.sendall(b"stats\n")
            with peer.makefile() as answer:
                lines = list(iter(lambda: answer.readline().strip(), "ok"))
        return {name: int(value) for name, value in (line.split("=") for line in lines if "=" in line)}

    def report(self, address, size):
        text = f"v=1\nid=0\ncmd=usage\naddress={address}\nbytes={size}\nmessages=1\n"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.sendto(f"{len(text)}:{text},".encode(), str(self.run / "usage/usage.sock"))


def until(true, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not within its time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def server():
    server = mariadb.MariaDB(pathlib.Path(f"/tmp/mr-lookup-{os.getpid()}")).start()
    server.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1")  # what was committed is there after a kill
    yield server
    server.remove()


@pytest.fixture
def site(server, tmp_path, request):
    name = "l" + str(abs(hash(request.node.name)))
    site = Site(tmp_path, server, name)
    site.grants()
    site.cli("schema", "apply")
    site.cli("domain", "add", "example.org")
    for who in ("anna", "bert"):
        site.cli("user", "add", f"{who}@example.org", "--hash", stdin=BCRYPT + "\n")
    site.cli("alias", "add", "both@example.org", "anna@example.org", "bert@example.org")
    yield site
    server.sql(f"DROP DATABASE {name}")


@pytest.fixture
def lookup(site, tmp_path_factory):
    lookup = Lookup(site, tmp_path_factory.mktemp("run"), deadline="2s", poll_late="2s").start()
    until(lambda: lookup.map("domain", "example.org") == "OK example.org")
    until(lambda: int(lookup.control("rounds")) > 0)  # else what the change log names is dropped from memory after it was asked for
    yield lookup
    if lookup.process.poll() is None:
        lookup.stop()


def test_answers(lookup):
    assert lookup.map("domain", "example.org") == "OK example.org"
    assert lookup.map("mailbox", "Anna@Example.org") == "OK anna@example.org"
    assert lookup.map("mailbox", "anna+x@example.org") == "OK anna@example.org"
    assert lookup.map("alias", "both@example.org") == "OK anna@example.org, bert@example.org"
    assert lookup.map("mailbox", "nobody@example.org") == "NOTFOUND"
    assert "password=" + BCRYPT in lookup.ask("passdb/passdb.sock", "passdb", address="ANNA@example.org")
    assert [line for line in lookup.ask("passdb/passdb.sock", "iterate", after="", limit=10) if line.startswith("address=")] == [
        "address=anna@example.org", "address=bert@example.org"]
    selector = next(line for line in lookup.ask("lookup/directory.sock", "sender", address="anna@example.org") if "selector" in line)
    sealed = lookup.ask("keys/keys.sock", "dkim-key", domain="example.org", selector=selector.partition("=")[2].split()[0])
    assert any(line.startswith("sealed=v1:k1:") for line in sealed), (selector, sealed)
    assert lookup.check() == (0, "ok database")


def test_changes_are_seen_within_a_second(lookup, site):
    assert lookup.map("mailbox", "carl@example.org") == "NOTFOUND"
    assert lookup.map("mailbox", "bert@example.org") == "OK bert@example.org"
    site.cli("user", "add", "carl@example.org", "--hash", stdin=BCRYPT + "\n")
    until(lambda: lookup.map("mailbox", "carl@example.org") == "OK carl@example.org", 1.5)
    site.cli("user", "set", "bert@example.org", "--send-only", "--disable")
    until(lambda: lookup.map("mailbox", "bert@example.org") == "NOTFOUND", 1.5)
    assert lookup.map("alias", "both@example.org") == "OK anna@example.org"
    assert "enabled=0" in lookup.ask("passdb/passdb.sock", "passdb", address="bert@example.org")
    site.cli("user", "set", "anna@example.org", "--quota", "7")
    until(lambda: f"quota={7 << 20}" in lookup.ask("lookup/directory.sock", "account", address="anna@example.org"), 1.5)


@pytest.mark.rows("G03")
def test_two_hosts_follow_writes_that_race_reads(lookup, site, tmp_path_factory):
    """Two lookups on one database are asked without a pause while a mailbox changes again and again: within the poll's second both know, and a host that has
    answered with a version never goes back behind it."""
    hosts, seen, over = [lookup, Lookup(site, tmp_path_factory.mktemp("second"), deadline="2s").start()], [[], []], threading.Event()

    def ask(host, answers):
        while not over.is_set():
            began = time.monotonic()
            said = host.ask("lookup/directory.sock", "account", address="anna@example.org")
            quota = next((line for line in said if line.startswith("quota=")), None)
            assert quota, said
            answers.append((began, int(quota.partition("=")[2]) >> 20))

    written = []
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            asking = [pool.submit(ask, host, answers) for host, answers in zip(hosts, seen)]
            for version in range(1, 26):
                site.cli("user", "set", "anna@example.org", "--quota", str(version))
                written.append((time.monotonic(), version))
                time.sleep(random.random() / 5)
            time.sleep(1.5)
            over.set()
            for one in asking:
                one.result()
    finally:
        over.set()
        hosts[1].stop()
    for answers in seen:
        assert len(answers) > 100
        assert [version for _, version in answers] == sorted(version for _, version in answers), "back to an older version"
        for began, version in answers:
            assert version >= max((v for at, v in written if at + 1.3 < began), default=0), f"{version} is too old"
        assert answers[-1][1] == 25


def test_cold_questions_share_statements(lookup, site, server):
    """150 clients ask at the same time, each for an address of its own: each gets its own rows, and the database has few statements to run."""
    n = 150
    server.sql(f"""
        INSERT INTO mailbox (address, domain, password)
            SELECT CONCAT('u', seq, '@example.org'), 'example.org', CONCAT('{{PLAIN}}', seq) FROM seq_1_to_{n};
        INSERT INTO alias (address, domain, destination)
            SELECT CONCAT('a', seq, '@example.org'), 'example.org', CONCAT('u', seq + d, '@foreign.example')
                FROM seq_1_to_{n}, (SELECT 0 AS d UNION SELECT 1000) two;
        INSERT INTO sender_list (scope, owner, pattern, action)
            SELECT 'user', CONCAT('u', seq, '@example.org'), p, 'deny' FROM seq_1_to_{n}, (SELECT '*' AS p UNION SELECT 'x.example') two;
        """, database=site.name)

    def executed():
        return int(server.sql("SHOW GLOBAL STATUS LIKE 'Com_stmt_execute'")[0][1])

    def ask(number):
        if number % 3 == 0:
            finals = sorted([f"u{number}@foreign.example", f"u{number + 1000}@foreign.example"])
            assert lookup.map("alias", f"a{number}@example.org") == "OK " + ", ".join(finals)
        elif number % 3 == 1:
            assert lookup.map("mailbox", f"u{number}@example.org") == f"OK u{number}@example.org"
            assert lookup.map("mailbox", f"a{number}@example.org") == "NOTFOUND"
        else:
            said = lookup.ask("passdb/passdb.sock", "passdb", address=f"u{number}@example.org")
            assert f"password={{PLAIN}}{number}" in said
            assert [line for line in said if line.startswith("deny")] == ["deny=x.example", "deny=*"]
        return number
    before = executed()
    supervise.freeze(server.process.pid)
    try:
        with concurrent.futures.ThreadPoolExecutor(n) as clients:
            asking = clients.map(ask, range(1, n + 1))
            time.sleep(0.5)
            server.process.send_signal(signal.SIGCONT)
            assert list(asking) == list(range(1, n + 1))
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert executed() - before < n / 2, "one by one they would be several for each"


def test_neighbours_are_read_ahead(lookup, site, server):
    """Addresses are asked for in their order: the rows of those that come next, and what does not exist of them, are mostly there already, and a change of one
    of them is seen like any other."""
    server.sql("""
        INSERT INTO mailbox (address, domain, password)
            SELECT CONCAT('n', seq, '@example.org'), 'example.org', CONCAT('{PLAIN}', seq) FROM seq_101_to_199;
        INSERT INTO alias (address, domain, destination)
            SELECT CONCAT('n', seq_101_to_199.seq, 'x@example.org'), 'example.org', CONCAT('n10', three.seq, '@example.org')
                FROM seq_101_to_199, seq_1_to_3 three;
        INSERT INTO sender_list (scope, owner, pattern, action)
            SELECT 'user', CONCAT('n', seq, '@example.org'), p, 'deny' FROM seq_101_to_199, (SELECT '*' AS p UNION SELECT 'x.example') two WHERE seq MOD 2;
        INSERT INTO sending_limit (level, owner, scope, net, what, window_seconds, amount, action)
            SELECT 'user', CONCAT('n', seq, '@example.org'), 'user', '', 'messages', w, seq, 'defer' FROM seq_101_to_199, (SELECT 60 AS w UNION SELECT 3600) two
                WHERE seq MOD 3 = 0;
        """, database=site.name)
    for where, cmd in (("passdb/passdb.sock", "passdb"), ("lookup/directory.sock", "account")):
        assert "status=ok" in lookup.ask(where, cmd, address="n101@example.org")
    assert lookup.map("mailbox", "n101@example.org") == "OK n101@example.org"
    until(lambda: lookup.stats()["rows_ahead_total"] >= 16)
    reads = lookup.stats()["row_reads_total"]
    for number in range(102, 200):
        said = lookup.ask("passdb/passdb.sock", "passdb", address=f"n{number}@example.org")
        assert f"password={{PLAIN}}{number}" in said
        assert [line for line in said if line.startswith("deny")] == (["deny=x.example", "deny=*"] if number % 2 else [])
        assert lookup.map("alias", f"n{number}x@example.org") == "OK n101@example.org, n102@example.org, n103@example.org"
        assert lookup.map("mailbox", f"n{number}x@example.org") == "NOTFOUND"
        said = lookup.ask("lookup/directory.sock", "account", address=f"n{number}@example.org")
        assert len([line for line in said if line.startswith("limit=")]) == (2 if number % 3 == 0 else 0), said
    after = lookup.stats()
    assert after["row_reads_total"] - reads < 100, after  # of 392 rows
    assert after["rows_ahead_used_total"] > 200, after
    site.cli("user", "set", "n150@example.org", "--send-only")
    until(lambda: lookup.map("mailbox", "n150@example.org") == "NOTFOUND", 1.5)


@pytest.mark.rows("G03")
def test_what_few_have_is_known(lookup, site):
    """Once many addresses were asked for, lookup knows all that have an alias, patterns or limits, and reads these of nobody else; who gets some is seen to
    within a second."""
    def denied(who):
        said = lookup.ask("passdb/passdb.sock", "passdb", address=f"{who}@example.org")
        return [line for line in said if line.startswith("deny")]

    def limits(who):
        said = lookup.ask("lookup/directory.sock", "account", address=f"{who}@example.org")
        return len([line for line in said if line.startswith("limit=")])

    site.cli("user", "set", "anna@example.org", "--deny", "x.example")
    for number in range(20):
        lookup.map("mailbox", f"nobody{number}@example.org")
    until(lambda: lookup.map("mailbox", f"somebody{time.monotonic_ns()}@example.org") == "NOTFOUND" and lookup.stats()["aliases_lacking_total"] > 0)
    assert denied("anna") == ["deny=x.example"] and denied("bert") == []
    assert lookup.map("alias", "both@example.org") == "OK anna@example.org, bert@example.org"
    assert lookup.map("alias", "late@example.org") == "NOTFOUND"
    site.cli("alias", "add", "late@example.org", "anna@example.org")
    site.cli("user", "set", "bert@example.org", "--deny", "y.example")
    until(lambda: lookup.map("alias", "late@example.org") == "OK anna@example.org", 1.5)
    until(lambda: denied("bert") == ["deny=y.example"], 1.5)
    assert limits("bert") == 0
    site.cli("limit", "set", "user", "bert@example.org", "messages", "5/1h")
    until(lambda: limits("bert") == 1, 1.5)


def test_database_killed_and_back(lookup, server, site):
    assert lookup.map("mailbox", "anna@example.org").startswith("OK")
    server.kill()
    try:
        for _ in range(30):  # past poll_late, too
            assert lookup.map("mailbox", "anna@example.org") == "OK anna@example.org"
            assert lookup.map("mailbox", "zoe@example.org").startswith("TEMP")
            assert "status=temp" in lookup.ask("passdb/passdb.sock", "passdb", address="nobody@example.org")
            time.sleep(0.1)
        code, said = lookup.check()
        assert code == 1 and said.startswith("failed database: ")
    finally:
        server.start()
    until(lambda: lookup.map("mailbox", "zoe@example.org") == "NOTFOUND")
    log = lookup.log.read_text()
    assert log.count("database-lost") == 1 and log.count("changes-late") == 1 and log.count("serving-stale") == 1, log


def test_database_frozen(lookup, server):
    assert lookup.map("mailbox", "anna@example.org").startswith("OK")
    supervise.freeze(server.process.pid)
    try:
        begun = time.monotonic()
        assert lookup.map("mailbox", "zoe@example.org").startswith("TEMP")
        assert 1.5 < time.monotonic() - begun < 8  # the question's deadline, not the database's 10 s
        time.sleep(1)
        begun = time.monotonic()
        assert lookup.map("mailbox", "anna@example.org") == "OK anna@example.org"
        assert time.monotonic() - begun < 1.5
    finally:
        server.process.send_signal(signal.SIGCONT)
    until(lambda: lookup.map("mailbox", "bert@example.org") == "OK bert@example.org")


def unused_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.mark.rows("F052")
def test_database_over_verified_tls(tmp_path):
    """With db_ca_file there is TLS with that authority's server or nothing: not another authority's, not under another name, not a server without TLS."""
    folder, other = pathlib.Path(f"/tmp/mr-lookup-tls-{os.getpid()}"), tmp_path / "other"
    for tls in (folder, other):
        tls.mkdir()
        certs.make(types.SimpleNamespace(tls=tls))
    certs.openssl("x509", "-req", "-in", folder / "request.pem", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-days", 1,
                  "-out", folder / "stranger.pem")
    shutil.chown(folder / "key.pem", "mysql")
    server = mariadb.MariaDB(folder, unused_port(), [f"--ssl-cert={folder}/cert.pem", f"--ssl-key={folder}/key.pem"]).start()
    database = {"db_socket": '""', "db_host": "localhost", "db_port": server.port}
    try:
        site = Site(tmp_path, server, "tls")
        site.configure(**database)
        site.grants()
        site.cli("schema", "apply")
        lookup = Lookup(site, tmp_path / "run", **database)

        def check(**options):
            lookup.configure(**options)
            return lookup.check()
        assert check(db_ca_file=folder / "ca.pem") == (0, "ok database")
        assert int(server.sql("SHOW GLOBAL STATUS LIKE 'Ssl_finished_accepts'")[0][1]) > 0
        code, said = check(db_ca_file=other / "ca.pem")
        assert code == 1 and "no TLS session" in said, said
        for options in ([f"--ssl-cert={folder}/stranger.pem", f"--ssl-key={folder}/key.pem"], ["--skip-ssl"]):
            server.stop()
            server.options = options
            server.start()
            code, said = check(db_ca_file=folder / "ca.pem")
            assert code == 1 and "no TLS session" in said, (options, said)
        assert check(db_ca_file='""') == (0, "ok database")
    finally:
        server.remove()


def test_no_tables_then_tables(server, tmp_path):
    site = Site(tmp_path, server, "late")
    site.grants()
    (tmp_path / "run").mkdir()
    lookup = Lookup(site, tmp_path / "run", deadline="2s").start()
    try:
        assert lookup.map("domain", "example.org").startswith("TEMP")
        site.cli("schema", "apply")
        site.cli("domain", "add", "example.org")
        until(lambda: lookup.map("domain", "example.org") == "OK example.org")
    finally:
        lookup.stop()
        server.sql("DROP DATABASE late")


def test_usage_outlives_a_restart(lookup):
    used = lambda: lookup.ask("lookup/directory.sock", "account", address="anna@example.org")  # noqa: E731
    lookup.report("Anna@example.org", 4711)
    lookup.report("nobody@example.org", 1)
    until(lambda: "used=4711" in used())
    lookup.stop()
    assert (lookup.run / "state/lookup/usage").read_text() == "anna@example.org 4711 1\n"
    lookup.start()
    until(lambda: "used=4711" in used())


def test_reload(lookup):
    assert lookup.map("alias", "anna-x@example.org") == "NOTFOUND"
    lookup.configure(delimiter="-")
    lookup.process.send_signal(signal.SIGUSR1)
    until(lambda: lookup.map("alias", "anna-x@example.org") == "OK anna+x@example.org")
    lookup.configure(delimiter="--")  # refused: all stays as it was
    lookup.process.send_signal(signal.SIGUSR1)
    until(lambda: "delimiter" in lookup.log.read_text())
    assert lookup.map("alias", "anna-x@example.org") == "OK anna+x@example.org"


@pytest.fixture
def redis(tmp_path_factory):
    """A private Redis: its socket, and a function that asks it."""
    path = tmp_path_factory.mktemp("redis") / "sock"
    with subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", path.parent],
                          stdout=subprocess.DEVNULL) as process:
        def ask(*words):
            return subprocess.run(["redis-cli", "-s", path, *words], capture_output=True, text=True, check=False).stdout.strip()
        until(lambda: ask("PING") == "PONG")
        yield path, ask
        process.terminate()


def test_redis_wakes_up_and_carries_usage(site, redis, tmp_path_factory):
    path, ask = redis
    ask("HSET", "mailreeve:usage", "bert@example.org", "815 2", "broken", "x")
    lookup = Lookup(site, tmp_path_factory.mktemp("run"), poll_interval="30s", poll_late="60s", redis_socket=path).start()
    try:
        until(lambda: lookup.map("mailbox", "carl@example.org") == "NOTFOUND")
        until(lambda: "used=815" in lookup.ask("lookup/directory.sock", "account", address="bert@example.org"))
        lookup.report("anna@example.org", 4711)
        until(lambda: ask("HGET", "mailreeve:usage", "anna@example.org") == "4711 1")
        until(lambda: ask("PUBSUB", "NUMSUB", "mailreeve:changed").endswith("1"))
        site.cli("user", "add", "carl@example.org", "--hash", stdin=BCRYPT + "\n")
        ask("PUBLISH", "mailreeve:changed", "1")
        until(lambda: lookup.map("mailbox", "carl@example.org") == "OK carl@example.org", 2)
        site.cli("user", "del", "anna@example.org")
        ask("PUBLISH", "mailreeve:changed", "1")
        until(lambda: ask("HGET", "mailreeve:usage", "anna@example.org") == "", 2)
        code, said = lookup.check()
        assert code == 0 and said.splitlines() == ["ok database", "ok redis"]
    finally:
        lookup.stop()


@pytest.mark.rows("G01", "G03")
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_rows_outlive_a_restart_without_the_database(site, server, tmp_path_factory, how):
    """What was known answers, what was never asked does not, and what was revoked after the snapshot was written is not given out."""
    lookup = Lookup(site, tmp_path_factory.mktemp("run"), deadline="2s", stale_wait="100ms", snapshot_interval="1s").start()
    rows = lookup.run / "state/lookup/rows"
    enabled = lambda who: next((line for line in lookup.ask("passdb/passdb.sock", "passdb", address=f"{who}@example.org")  # noqa: E731
                                if line.startswith(("enabled=", "status=temp"))), None)
    try:
        until(lambda: lookup.control("rounds") != "0")  # the first drops what it tells of, also rows that were read just before
        until(lambda: enabled("anna") == "enabled=1" and enabled("bert") == "enabled=1" and lookup.map("mailbox", "anna@example.org").startswith("OK"))
        began = time.time()
        until(lambda: rows.exists() and rows.stat().st_mtime > began + 1.5)
        assert rows.stat().st_mode & 0o777 == 0o600
        site.cli("user", "set", "bert@example.org", "--disable")
        if how == "killed":
            lookup.process.kill()
            lookup.process.wait()
        else:
            lookup.stop()
        server.kill()
        lookup.start()
        until(lambda: "snapshot-loaded" in lookup.log.read_text())
        for _ in range(10):
            assert lookup.map("mailbox", "anna@example.org") == "OK anna@example.org"
            said = lookup.ask("passdb/passdb.sock", "passdb", address="anna@example.org")
            assert "password=" + BCRYPT in said and "enabled=1" in said
            assert enabled("bert") == "status=temp"
            assert lookup.map("mailbox", "nobody@example.org").startswith("TEMP")
        server.start()
        until(lambda: enabled("bert") == "enabled=0")
        until(lambda: lookup.map("mailbox", "nobody@example.org") == "NOTFOUND")
    finally:
        if server.process is None:
            server.start()
        if lookup.process.poll() is None:
            lookup.stop()


@pytest.mark.rows("G01")
def test_a_damaged_snapshot_is_ignored_with_one_line(site, server, tmp_path_factory):
    lookup = Lookup(site, tmp_path_factory.mktemp("run"), deadline="2s").start()
    rows = lookup.run / "state/lookup/rows"
    try:
        until(lambda: lookup.map("mailbox", "anna@example.org") == "OK anna@example.org" and lookup.control("rounds") != "0")
        lookup.stop()
        damaged = bytearray(rows.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        rows.write_bytes(damaged)
        server.kill()
        lookup.start()
        assert lookup.map("mailbox", "anna@example.org").startswith("TEMP")
        until(lambda: lookup.log.read_text().count("snapshot-ignored") == 1)
        server.start()
        until(lambda: lookup.map("mailbox", "anna@example.org") == "OK anna@example.org")
    finally:
        if server.process is None:
            server.start()
        if lookup.process.poll() is None:
            lookup.stop()
