"""The schema and every verb that changes accounts, against a MariaDB of their own: no mail is involved."""

import concurrent.futures
import contextlib
import grp
import json
import os
import pathlib
import re
import select
import shutil
import socketserver
import subprocess
import sys
import threading
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/support"))
import mariadb  # noqa: E402

BUILD = pathlib.Path(os.environ.get("MR_PROGRAMS") or os.environ.get("MR_BUILD") or SOURCE / "build")
VERBS = BUILD / "admin/verbs"
NEWEST = max(int(path.name[:4]) for path in (SOURCE / "lib/store/schema").glob("*.sql"))
KEYRING = "k1 " + "A" * 43 + "=\n"
BCRYPT = "{BLF-CRYPT}$2y$10$" + "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"


class Site:
    """A database, the configuration for it, and `mailreeve`."""

    def __init__(self, folder, server, name, **options):
        self.server, self.name = server, name
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "keyring").write_text(KEYRING)
        (folder / "keyring").chmod(0o640)
        if os.getuid() == 0 and "mailreeve-milter" in [g.gr_name for g in grp.getgrall()]:
            shutil.chown(folder / "keyring", group="mailreeve-milter")
        self.password("reader", "reads a lot")
        self.password("writer", "it's a \\ secret")
        self.conf = folder / "mailreeve.conf"
        self.configure(**options)

    def password(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def configure(self, verbs=None, **options):
        shared = {"db_socket": self.server.socket, "db_name": self.name, "db_user": f"{self.name}_r", "db_password_file": self.folder / "reader",
                  "db_timeout": "5s", "redis_address": '""', "dkim_keyring_file": self.folder / "keyring", "run_dir": self.folder, **options}
        verbs = verbs if verbs is not None else {"db_user": f"{self.name}_w", "db_password_file": self.folder / "writer"}
        lines = [f"{k} = {v}" for k, v in shared.items()] + ["verbs {"] + [f"\t{k} = {v}" for k, v in verbs.items()] + ["}"]
        self.conf.write_text("\n".join(lines) + "\n")

    def cli(self, *words, stdin="", code=0):
        done = subprocess.run([str(VERBS / "mailreeve"), "-c", str(self.conf), *words], input=stdin, capture_output=True, text=True, timeout=60,
                              check=False)
        assert done.returncode == code, done
        if code:
            assert len(done.stderr.splitlines()) <= 1, done
        return done.stdout if code == 0 else done.stderr + done.stdout

    def json(self, *words):
        return json.loads(self.cli(*words, "--json"))

    def sql(self, text):
        return self.server.sql(text, self.name)

    def cut(self, server=None):
        """Ends the reader's connections to the server, as its restart would."""
        server = server or self.server
        for (number,) in server.sql(f"SELECT id FROM information_schema.processlist WHERE user = '{self.name}_r'"):
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                server.sql(f"KILL {number}")

    def grants(self):
        self.server.sql(self.cli("schema", "grants"))

    def changes(self):
        return [tuple(row) for row in self.sql("SELECT kind, name FROM change_log ORDER BY id")]


THRESHOLDS = ("header_score", "greylist_score", "junk_score", "quarantine_score", "reject_score", "outbound_score", "outbound_reject_score")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = pathlib.Path(f"/tmp/mr-store-{os.getpid()}")
    server = mariadb.MariaDB(folder).start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def site(server, tmp_path_factory):
    """With tables and two domains."""
    site = Site(tmp_path_factory.mktemp("site"), server, "site")
    site.grants()
    site.cli("schema", "apply")
    site.cli("domain", "add", "example.org")
    site.cli("domain", "add", "example.net")
    return site


@pytest.fixture
def empty(server, tmp_path, request):
    """A database without tables, with the rights of grants."""
    name = "e" + re.sub(r"\W", "_", request.node.name)[:40]
    site = Site(tmp_path, server, name)
    site.grants()
    yield site
    server.sql(f"DROP DATABASE {name}")


# ---- schema

@pytest.mark.rows("F111")
def test_second_apply_changes_nothing(empty):
    assert empty.cli("schema", "version").strip() == "0"
    assert "applied 0001-accounts" in empty.cli("schema", "apply")
    state = empty.sql("SELECT table_name, create_time FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1")
    assert "applied" not in empty.cli("schema", "apply")
    assert empty.sql("SELECT table_name, create_time FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1") == state
    assert empty.cli("schema", "version").strip() == str(NEWEST)
    assert empty.sql("SELECT COUNT(*) FROM lease") == [["0"]]


@pytest.mark.rows("F111")
def test_a_step_that_was_cut_off_is_begun_anew(empty):
    empty.cli("schema", "apply")
    empty.sql("DELETE FROM schema_version; DROP VIEW v_change; DROP TABLE change_log; INSERT INTO domain (name) VALUES ('kept.example')")
    assert "applied 0001-accounts" in empty.cli("schema", "apply")
    assert empty.sql("SELECT name FROM v_domain") == [["kept.example"]]
    assert empty.sql("SELECT COUNT(*) FROM v_change") == [["0"]]


def test_applies_at_the_same_time(empty):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda _: empty.cli("schema", "apply"), range(4)))
    assert sum("applied 0001-accounts" in text for text in said) == 1
    assert all(f"schema {NEWEST}" in text for text in said)


def test_lease_of_a_dead_holder_expires(empty):
    empty.cli("schema", "apply")
    empty.sql("DELETE FROM schema_version; INSERT INTO lease VALUES ('schema', 'gone:1', UTC_TIMESTAMP() + INTERVAL 1 SECOND)")
    assert "applied 0001-accounts" in empty.cli("schema", "apply")


def test_every_table_has_a_primary_key_and_utf8mb4(site):
    assert site.sql("SELECT table_name FROM information_schema.tables t WHERE table_schema = 'site' AND table_type = 'BASE TABLE' AND NOT EXISTS "
                    "(SELECT 1 FROM information_schema.statistics s WHERE s.table_schema = 'site' AND s.table_name = t.table_name AND "
                    "s.index_name = 'PRIMARY')") == []
    assert site.sql("SELECT DISTINCT table_collation FROM information_schema.tables WHERE table_schema = 'site' AND table_type = 'BASE TABLE'") == \
        [["utf8mb4_bin"]]


def test_grants_without_named_users(server, tmp_path):
    """The packages' default: root writes, mailreeve-lookup reads, both known by their Unix user, no password anywhere."""
    site = Site(tmp_path, server, "plain")
    site.configure(verbs={}, db_user='""', db_password_file='""')
    said = site.cli("schema", "grants")
    assert "'root'" not in said and "IDENTIFIED BY" not in said and "'mailreeve-lookup'@'localhost' IDENTIFIED VIA unix_socket" in said
    server.sql(re.sub(r"^(CREATE|ALTER) USER.*\n", "", said, flags=re.M).replace("GRANT", "CREATE USER IF NOT EXISTS 'mailreeve-lookup'@localhost; GRANT", 1))
    site.cli("schema", "apply")
    assert site.cli("domain", "list").split() == ["DOMAIN", "ENABLED", "DKIM", "USERS", "ALIASES", "GOES-TO"]
    assert sorted(row[0] for row in server.sql("SHOW GRANTS FOR 'mailreeve-lookup'@localhost") if "SELECT" in row[0]) == \
        [f"GRANT SELECT ON `plain`.`v_{view}` TO `mailreeve-lookup`@`localhost`" for view in
         ("alias", "change", "dkim_state", "dkim", "domain", "limit", "list", "mailbox", "relay", "rule", "schema")]
    assert "'mailreeve-lookup'@'%'" in site.cli("schema", "grants", "--host", "%")


def test_reader_sees_the_views_only(site):
    site.configure(verbs={})
    try:
        assert "example.org" in site.cli("domain", "list")
        assert "lacks rights" in site.cli("dkim", "show", "example.org", code=1)
        assert "lacks rights" in site.cli("user", "add", "x@example.org", stdin="secret\n", code=1)
    finally:
        site.configure()


def test_database_itself_enforces_uniqueness(site):
    site.sql("INSERT INTO mailbox (address, domain, password) VALUES ('unique@example.org', 'example.org', 'x')")
    for bad in ("INSERT INTO mailbox (address, domain, password) VALUES ('unique@example.org', 'example.org', 'x')",
                "INSERT INTO mailbox (address, domain, password) VALUES ('Upper@example.org', 'example.org', 'x')",
                "INSERT INTO mailbox (address, domain, password) VALUES ('x@example.net', 'example.org', 'x')",
                "INSERT INTO mailbox (address, domain, password) VALUES ('x@nowhere.example', 'nowhere.example', 'x')",
                "INSERT INTO domain (name) VALUES ('example.org')", "DELETE FROM domain WHERE name = 'example.org'"):
        with pytest.raises(RuntimeError):
            site.sql(bad)
    site.cli("user", "del", "unique@example.org")


@pytest.mark.rows("F113")
def test_each_fault_has_its_own_words(server, tmp_path):
    site = Site(tmp_path, server, "faults")
    site.grants()
    root = {"db_user": "root"}
    wrong = site.password("wrong", "wrong")
    faults = {
        "no schema": ({}, None), "wrong credentials": ({"db_password_file": wrong}, {}), "there is no database": ({"db_name": "nowhere"}, root),
        "lacks rights": ({"db_name": "mysql"}, None), "unknown host": ({"db_socket": '""', "db_host": "nowhere.invalid"}, None),
        "connection refused": ({"db_socket": '""', "db_host": "127.0.0.1", "db_port": "1"}, None),
        "No such file": ({"db_password_file": "/nonexistent/password"}, {}),
    }
    for words, (options, verbs) in faults.items():
        site.configure(verbs=verbs, **options)
        said = site.cli("domain", "list", code=1)
        assert words in said and len(said.splitlines()) == 1, said
        assert sum(other in said for other in faults) == 1, said


def test_upgrade_keeps_what_was_set(empty):
    """From the schema before there was a threshold for everything; a step that was cut off is taken again."""
    steps = sorted((SOURCE / "lib/store/schema").glob("*.sql"))
    for path in steps:
        if path.name < "0011":
            empty.sql(path.read_text() + f"INSERT INTO schema_version VALUES ({int(path.name[:4])}, '0.1.0', UTC_TIMESTAMP());")
    empty.sql("DELETE FROM schema_version WHERE version = 0; INSERT INTO domain (name, junk_score) VALUES ('old.example', 4); "
              "INSERT INTO mailbox (address, domain, password, quarantine_score, reject_score) VALUES ('a@old.example', 'old.example', 'x', 7.5, 9); "
              "ALTER TABLE domain ADD COLUMN header_score DECIMAL(7,2) NULL")
    assert "too old" in empty.cli("domain", "list", code=1)
    assert empty.cli("schema", "apply").count("applied") == NEWEST - 10
    user, domain = empty.json("user", "show", "a@old.example"), empty.json("domain", "show", "old.example")
    assert {field: user[field] for field in THRESHOLDS} == {**dict.fromkeys(THRESHOLDS), "quarantine_score": 7.5, "reject_score": 9}
    assert {field: domain[field] for field in THRESHOLDS} == {**dict.fromkeys(THRESHOLDS), "junk_score": 4}
    empty.cli("user", "set", "a@old.example", "--outbound-score", "8")
    assert empty.json("user", "show", "a@old.example")["outbound_score"] == 8


def test_schema_out_of_range(empty):
    empty.cli("schema", "apply")
    empty.sql(f"INSERT INTO schema_version VALUES ({NEWEST + 1}, '0.1.0', UTC_TIMESTAMP())")
    empty.cli("domain", "list")
    empty.sql(f"UPDATE schema_version SET oldest_program = '9.9.9' WHERE version = {NEWEST + 1}")
    assert "too new" in empty.cli("domain", "list", code=1)
    empty.sql(f"UPDATE schema_version SET oldest_program = '0.1.0', version = {NEWEST + 2} WHERE version = {NEWEST + 1}")
    assert "too new" in empty.cli("domain", "list", code=1)


# ---- domains

def test_domain_in_another_script(site):
    """Taken as it is written, kept and shown as DNS has it."""
    ascii_form = "xn--bcher-kva.example"
    site.cli("domain", "add", "Bücher.example")
    site.cli("user", "add", "anna@BÜCHER.example", stdin="a good long password\n")
    site.cli("user", "set", f"anna@{ascii_form}", "--allow", "ben@straße.example", "--deny", ".пример.example")
    site.cli("alias", "add", "info@bücher.example", "anna@bücher.example", "x@δοκιμή.example")
    assert site.json("domain", "show", "bücher.example")["domain"] == ascii_form
    shown = site.json("user", "show", "Anna@bücher.example")
    assert shown["address"] == f"anna@{ascii_form}"
    assert {entry["pattern"] for entry in shown["lists"]} == {"ben@xn--strae-oqa.example", ".xn--e1afmkfd.example"}
    assert ascii_form in site.cli("alias", "list", "bücher.example") and "x@xn--jxalpdlp.example" in site.cli("alias", "show", "info@bücher.example")
    assert "punycode" in site.cli("domain", "add", "b\u2044ücher.example", code=1)


def test_domain(site):
    site.cli("domain", "add", "Fresh.Example", "--junk-score", "4.5")
    shown = site.json("domain", "show", "FRESH.example")
    assert shown["domain"] == "fresh.example" and shown["enabled"] and shown["dkim"] and shown["junk_score"] == 4.5 and shown["reject_score"] is None
    assert [key["algorithm"] for key in shown["signing_keys"]] == ["rsa"]
    assert ("domain", "fresh.example") in site.changes()
    site.cli("domain", "set", "fresh.example", "--disable", "--reject-score", "12", "--deny", "Evil.example", "--allow", "good@evil.example",
             "--allow", "best@evil.example")
    shown = site.json("domain", "show", "fresh.example")
    assert not shown["enabled"] and shown["reject_score"] == 12
    assert shown["lists"] == [{"pattern": "best@evil.example", "action": "allow"}, {"pattern": "good@evil.example", "action": "allow"},
                              {"pattern": "evil.example", "action": "deny"}]
    assert "--reject-score stands there twice" in site.cli("domain", "set", "fresh.example", "--reject-score", "12", "--reject-score", "13", code=2)
    site.cli("domain", "set", "fresh.example", "--unlist", "evil.example", "--junk-score", "default")
    shown = site.json("domain", "show", "fresh.example")
    assert shown["junk_score"] is None and len(shown["lists"]) == 2
    assert "does not stand" in site.cli("domain", "set", "fresh.example", "--unlist", "evil.example", code=1)
    assert "above" in site.cli("domain", "set", "fresh.example", "--junk-score", "13", code=1)
    assert "fresh.example" in site.cli("domain", "list")
    site.cli("domain", "del", "fresh.example")
    assert "there is no domain" in site.cli("domain", "show", "fresh.example", code=1)
    assert site.sql("SELECT COUNT(*) FROM sender_list WHERE owner = 'fresh.example'") == [["0"]]


def test_thresholds(site):
    """Each of a user and of a domain is set, shown and taken back by itself, all of them at once, too."""
    site.cli("user", "add", "scores@example.net", "--greylist-score", "2.25", stdin="secret\n")
    for family, name in (("user", "scores@example.net"), ("domain", "example.net")):
        values = dict(zip(THRESHOLDS, (1.5, 2.25, -3, 4, 5, 6, 7)))
        before = len(site.changes())
        site.cli(family, "set", name, *(word for field, value in values.items() for word in (f"--{field.replace('_', '-')}", str(value))))
        assert len(site.changes()) == before + 1
        shown = site.json(family, "show", name)
        assert {field: shown[field] for field in THRESHOLDS} == values
        assert "header score  1.50\ngreylist      2.25\njunk score    -3.00\nquarantine    4.00\nreject score  5.00\noutbound      6.00\n" \
               "outbound rej. 7.00\n" in site.cli(family, "show", name)
        for field in THRESHOLDS:
            site.cli(family, "set", name, f"--{field.replace('_', '-')}", "default")
            values[field] = None
            shown = site.json(family, "show", name)
            assert {field: shown[field] for field in THRESHOLDS} == values
        assert site.cli(family, "show", name).count("default\n") == len(THRESHOLDS)
        site.cli(family, "set", name, "--outbound-score", "7")
        assert "outbound score would be above" in site.cli(family, "set", name, "--outbound-reject-score", "6.99", code=1)
        assert "header_score: a number" in site.cli(family, "set", name, "--header-score", "much", code=1)
    assert "--allow, --deny and --unlist only" in site.cli("domain", "set", "default", "--header-score", "1", code=2)
    site.cli("user", "del", "scores@example.net")


def test_lock_says_that_the_queue_was_looked_at_in_part(site):
    """Where the root helper comes no further: it never says so by itself, so one that does stands in its place."""
    site.cli("user", "add", "part@example.net", stdin="secret\n")
    answers = {"kick": "kicked=0\n", "hold-sender": "changed=2\nmore=ABCDEF\n", "list-held": '{"queue_name": "hold"}\nmore=ABCDEF\n'}
    asked = []

    class Helper(socketserver.StreamRequestHandler):
        def handle(self):
            asked.append(self.rfile.readline().decode().strip())
            self.wfile.write((answers[asked[-1].split()[0]] + "ok\n").encode())

    (site.folder / "hostd").mkdir()
    with socketserver.UnixStreamServer(str(site.folder / "hostd/hostd.sock"), Helper) as helper:
        threading.Thread(target=helper.serve_forever, args=(0.02,), daemon=True).start()
        done = subprocess.run([str(VERBS / "mailreeve"), "-c", str(site.conf), "user", "lock", "part@example.net"], capture_output=True, text=True, check=False)
        helper.shutdown()
    shutil.rmtree(site.folder / "hostd")
    assert done.returncode == 0 and "queued messages on hold: 2\n" in done.stdout, done
    assert "the queue is not looked at as a whole; mailreeve queue hold --sender part@example.net goes on" in done.stderr
    words = [("kick", ""), ("hold-sender", ""), ("kick", ""), ("hold-sender", ""), ("hold-sender", " ABCDEF"), ("list-held", ""), ("list-held", " ABCDEF")]
    assert asked == [f"{word} part@example.net{more}" for word, more in words]    # a turn that comes to nothing is the last one


@pytest.mark.parametrize("name, said", [("example.org", "exists already"), ("EXAMPLE.ORG", "exists already"), ("b\u2044ücher.example", "punycode"),
                                        ("example", "two labels"), ("exa mple.org", "a-z"), ("", "empty"), ("a..b", "empty")])
def test_domain_refused(site, name, said):
    assert said in site.cli("domain", "add", name, code=1)


def test_domain_with_users_or_aliases_stays(site):
    site.cli("domain", "add", "full.example")
    site.cli("user", "add", "a@full.example", stdin="secret\n")
    assert "1 users" in site.cli("domain", "del", "full.example", code=1)
    site.cli("user", "del", "a@full.example")
    site.cli("alias", "add", "b@full.example", "c@example.org")
    assert "1 alias" in site.cli("domain", "del", "full.example", code=1)
    site.cli("alias", "del", "b@full.example")
    site.cli("domain", "del", "full.example")
    assert "there is no domain" in site.cli("domain", "del", "full.example", code=1)


# ---- users

def test_user(site):
    site.cli("user", "add", "Anna@Example.org", "--quota", "250", stdin="a horse, a battery\n")
    shown = site.json("user", "show", "ANNA@example.org")
    assert shown == {"address": "anna@example.org", "enabled": True, "send_only": False, "quota_mb": 250, **dict.fromkeys(THRESHOLDS),
                     "receive_only": False, "expires": None, "locked": False, "locked_at": None, "locked_reason": None, "lists": []}
    assert "250 MB" in site.cli("user", "show", "anna@example.org")
    (password,), = site.sql("SELECT password FROM v_mailbox WHERE address = 'anna@example.org'")
    assert password.startswith("{CRYPT}$y$")
    site.cli("user", "set", "anna@example.org", "--disable", "--send-only", "--quota", "0", "--junk-score", "3", "--quarantine-score", "7.5", "--deny", "*")
    shown = site.json("user", "show", "anna@example.org")
    assert not shown["enabled"] and shown["send_only"] and shown["quota_mb"] == 0 and (shown["junk_score"], shown["quarantine_score"]) == (3, 7.5)
    assert "Unlimited" in site.cli("user", "list", "example.org")
    assert site.sql("SELECT password FROM v_mailbox WHERE address = 'anna@example.org'") == [[password]]
    site.cli("user", "set", "anna@example.org", "--password", stdin="another one\n")
    assert site.sql("SELECT password FROM v_mailbox WHERE address = 'anna@example.org'") != [[password]]
    site.cli("user", "set", "anna@example.org", "--enable", "--no-send-only", "--hash", stdin=BCRYPT + "\n")
    assert site.sql("SELECT password, enabled, send_only FROM v_mailbox WHERE address = 'anna@example.org'") == [[BCRYPT, "1", "0"]]
    site.cli("user", "del", "anna@example.org")
    assert site.sql("SELECT COUNT(*) FROM sender_list WHERE owner = 'anna@example.org'") == [["0"]]
    assert "there is no user" in site.cli("user", "del", "anna@example.org", code=1)
    assert site.changes().count(("mailbox", "anna@example.org")) == 5


def test_password_is_the_one_given(site):
    site.cli("user", "add", "pass@example.org", stdin="ä battery\n")
    (stored,), = site.sql("SELECT password FROM v_mailbox WHERE address = 'pass@example.org'")
    stored = stored.removeprefix("{CRYPT}")
    script = "use utf8; binmode(STDIN); my $p = <STDIN>; chomp $p; print crypt($p, $ARGV[0]) eq $ARGV[0] ? 'same' : 'other'"
    for given, said in (("ä battery", "same"), ("a battery", "other")):
        done = subprocess.run(["perl", "-e", script, stored], input=given + "\n", capture_output=True, text=True, check=True)
        assert done.stdout == said
    site.cli("user", "del", "pass@example.org")


@pytest.mark.parametrize("address, stdin, said", [
    ("a+b@example.org", "secret\n", "local part"), ("x" * 51 + "@example.org", "secret\n", "50"), ("a@nowhere.example", "secret\n", "there is no domain"),
    ("@example.org", "secret\n", "before the @"), ("a", "secret\n", "no @"), ("a@example.org", "\n", "empty"), ("a@example.org", "", "no password"),
    ("a@example.org", "x" * 2000 + "\n", "too long"), ("a@example.org", "tab\tinside\n", "control character")])
def test_user_refused(site, address, stdin, said):
    assert said in site.cli("user", "add", address, stdin=stdin, code=1)


@pytest.mark.parametrize("quota", ["-1", "many", "1G", "1000000000000"])
def test_quota_refused(site, quota):
    done = subprocess.run([str(VERBS / "mailreeve"), "-c", str(site.conf), "user", "add", "q@example.org", "--quota", quota], input="secret\n",
                          capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2) and "quota" in done.stderr


def test_hash_refused(site):
    assert "scheme" in site.cli("user", "add", "h@example.org", "--hash", stdin="{BLF-CRYPT}$2y$short\n", code=1)
    assert "must begin" in site.cli("user", "add", "h@example.org", "--hash", stdin="{PLAIN}secret\n", code=1)


def test_duplicate_user(site):
    site.cli("user", "add", "twice@example.org", stdin="secret\n")
    assert "exists already" in site.cli("user", "add", "Twice@example.org", stdin="secret\n", code=1)
    site.cli("user", "del", "twice@example.org")


# ---- aliases

def test_alias(site):
    site.cli("alias", "add", "info@example.org", "anna@example.org", "Some.One@Example.com")
    assert site.json("alias", "show", "info@example.org")["destinations"] == ["Some.One@example.com", "anna@example.org"]
    assert "exists already" in site.cli("alias", "add", "info@example.org", "Anna@Example.org", code=1)
    site.cli("alias", "add", "info@example.org", "third@example.com")
    site.cli("alias", "del", "info@example.org", "some.one@example.com")
    assert site.json("alias", "show", "info@example.org")["destinations"] == ["anna@example.org", "third@example.com"]
    site.cli("alias", "set", "info@example.org", "only@example.com")
    assert site.json("alias", "show", "info@example.org")["destinations"] == ["only@example.com"]
    assert "info@example.org" in site.cli("alias", "list")
    assert "there is no alias" in site.cli("alias", "del", "info@example.org", "nobody@example.com", code=1)
    site.cli("alias", "del", "info@example.org")
    assert "there is no alias" in site.cli("alias", "show", "info@example.org", code=1)
    assert site.changes().count(("alias", "info@example.org")) == 5


def test_catch_all(site):
    site.cli("alias", "add", "@Example.net", "anna@example.org")
    assert site.json("alias", "show", "@example.net")["destinations"] == ["anna@example.org"]
    site.cli("alias", "del", "@example.net")


@pytest.mark.parametrize("words, said", [
    (["x@example.org", "nonsense"], "nonsense: not a mail address"),
    (["x@example.org", "a@b"], "two"), (["x@nowhere.example", "a@example.com"], "there is no domain"),
    (["@", "a@example.com"], "empty"), (["x@example.org", "x@example.org"], "itself"), (["x@example.org", "a@example.com", "a@example.com"], "exists already")])
def test_alias_refused(site, words, said):
    assert said in site.cli("alias", "add", *words, code=1)
    assert "there is no alias" in site.cli("alias", "show", words[0], code=1)


def test_alias_that_captures_a_mailbox(site):
    site.cli("user", "add", "keep@example.org", stdin="secret\n")
    assert "is a user" in site.cli("alias", "add", "keep@example.org", "other@example.com", code=1)
    site.cli("alias", "add", "keep@example.org", "other@example.com", "keep@example.org")
    assert "is a user" in site.cli("alias", "del", "keep@example.org", "keep@example.org", code=1)
    assert "is a user" in site.cli("alias", "set", "keep@example.org", "other@example.com", code=1)
    site.cli("user", "del", "keep@example.org")
    assert site.json("alias", "show", "keep@example.org")["destinations"] == ["other@example.com"]
    assert "is an alias" in site.cli("user", "add", "keep@example.org", stdin="secret\n", code=1)
    site.cli("alias", "del", "keep@example.org")


def test_writers_at_the_same_time(site):
    """A user and a capturing alias of one name, and a domain's end and a new user: one of the two is refused, always."""
    def attempt(*words, stdin=""):
        return subprocess.run([str(VERBS / "mailreeve"), "-c", str(site.conf), *words], input=stdin, capture_output=True, text=True, check=False)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for i in range(6):
            both = [pool.submit(attempt, "user", "add", f"race{i}@example.org", "--hash", stdin=BCRYPT + "\n"),
                    pool.submit(attempt, "alias", "add", f"race{i}@example.org", "a@example.com")]
            assert sorted(f.result().returncode for f in both) == [0, 1], [f.result() for f in both]
            site.sql("INSERT INTO domain (name) VALUES ('race.example')")
            both = [pool.submit(attempt, "user", "add", "a@race.example", "--hash", stdin=BCRYPT + "\n"), pool.submit(attempt, "domain", "del", "race.example")]
            assert sorted(f.result().returncode for f in both) == [0, 1], [f.result() for f in both]
            site.sql("DELETE FROM mailbox WHERE domain = 'race.example'; DELETE FROM domain WHERE name = 'race.example'")


# ---- keys

def test_dkim(site):
    rsa, ed25519 = site.json("dkim", "show", "example.org")
    assert rsa["algorithm"] == "rsa" and rsa["signing"] and ed25519["algorithm"] == "ed25519" and not ed25519["signing"]
    assert re.fullmatch(r"v=DKIM1; k=rsa; p=[A-Za-z0-9+/]+=*", rsa["value"])
    text = site.cli("dkim", "show", "example.org")
    strings = re.findall(r'"([^"]*)"', text.splitlines()[0])
    assert text.startswith(rsa["name"] + ". IN TXT (") and "".join(strings) == rsa["value"] and max(map(len, strings)) <= 255
    (sealed,), = site.sql("SELECT sealed_key FROM v_dkim WHERE domain = 'example.org'")
    assert sealed.startswith("v1:k1:") and "PRIVATE" not in sealed
    assert "not confirmed" in site.cli("dkim", "disable", "example.org", code=1)
    assert site.json("domain", "show", "example.org")["dkim"]
    site.cli("dkim", "disable", "example.org", "--yes")
    assert not site.json("domain", "show", "example.org")["dkim"]
    site.cli("dkim", "enable", "example.org")
    assert site.json("domain", "show", "example.org")["dkim"]
    assert "no keys" in site.cli("dkim", "show", "nowhere.example", code=1)


def test_keys_are_of_the_domain_in_openssl_words(site):
    """The published RSA key is one that OpenSSL reads, of 2048 bits."""
    rsa, _ = site.json("dkim", "show", "example.org")
    pem = "-----BEGIN PUBLIC KEY-----\n" + re.sub("(.{64})", r"\1\n", rsa["value"].partition("p=")[2]) + "\n-----END PUBLIC KEY-----\n"
    done = subprocess.run(["openssl", "pkey", "-pubin", "-noout", "-text"], input=pem, capture_output=True, text=True, check=True)
    assert "2048 bit" in done.stdout


# ---- the wake-up

@pytest.fixture
def redis(tmp_path):
    sock = f"/tmp/mr-redis-{os.getpid()}.sock"
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", sock, "--save", "", "--dir", str(tmp_path)], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while subprocess.run(["redis-cli", "-s", sock, "ping"], capture_output=True, check=False).returncode:
        assert server.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    yield sock
    server.terminate()
    server.wait(timeout=20)


def test_lookup_is_woken(site, redis):
    site.configure(redis_socket=redis, redis_prefix="site:")
    listener = subprocess.Popen(["redis-cli", "-s", redis, "subscribe", "site:changed"], stdout=subprocess.PIPE, text=True)
    try:
        assert [listener.stdout.readline().strip() for _ in range(3)] == ["subscribe", "site:changed", "1"]
        site.cli("domain", "set", "example.org", "--enable")
        ready, _, _ = select.select([listener.stdout], [], [], 10)
        assert ready and listener.stdout.readline().strip() == "message"
    finally:
        listener.terminate()
        listener.wait(timeout=10)
        site.configure()


def test_redis_away_does_not_matter(site, tmp_path):
    site.configure(redis_socket=tmp_path / "nobody.sock")
    try:
        began = time.monotonic()
        site.cli("domain", "set", "example.org", "--enable")
        assert time.monotonic() - began < 3
    finally:
        site.configure()


# ---- the command itself

@pytest.mark.parametrize("words", [[], ["nonsense"], ["../user"], ["user"], ["user", "frobnicate"], ["user", "add"], ["user", "add", "a@b.c", "d"],
                                   ["user", "add", "a@b.c", "--nonsense"], ["user", "list", "--quota", "1"], ["user", "set", "a@example.org"],
                                   ["alias", "add", "a@example.org"], ["dkim"], ["schema", "apply", "now"], ["check", "now"], ["check", "--wait", "x"],
                                   ["user", "add", "a@b.c", "--quota"]])
def test_usage_errors(site, words):
    done = subprocess.run([str(VERBS / "mailreeve"), "-c", str(site.conf), *words], capture_output=True, text=True, check=False, input="x\n")
    assert done.returncode == 2 and done.stderr and not done.stdout, done


def test_help_and_version(site):
    assert "mailreeve VERB --help" in site.cli("--help")
    assert "user add" in site.cli("user", "--help")
    assert re.match(r"mailreeve \d", site.cli("--version"))


def test_wrong_configuration(site):
    site.conf.write_text("verbs {\n\tno_such_option = 1\n}\n")
    said = site.cli("domain", "list", code=1)
    site.configure()
    assert "mailreeve.conf:2" in said and "no_such_option" in said


def test_check(site):
    said = subprocess.run([str(VERBS / "mailreeve-check"), "-c", str(site.conf)], capture_output=True, text=True, check=False)
    assert "ok database\n" in said.stdout
    site.configure(db_name="nowhere", verbs={"db_user": "root"})
    said = subprocess.run([str(VERBS / "mailreeve-check"), "-c", str(site.conf), "--wait", "1"], capture_output=True, text=True, check=False)
    site.configure()
    assert said.returncode == 1 and 'failed database: ' in said.stdout and 'no database "nowhere"' in said.stdout


def test_doctor(site):
    def findings():
        done = subprocess.run([str(VERBS / "mailreeve"), "-c", str(site.conf), "doctor"], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1 and done.stderr == "", done  # nothing of ours runs here
        return done.stdout.splitlines()

    said = findings()
    assert "ok      database" in said and "ok      key ring for DKIM keys" in said and "ok      password of the database" in said, said
    assert any(line.startswith("problem certificate: ") for line in said), said
    assert any(re.match(r"(problem mailreeve-lookup: not running|absent  mailreeve-lookup)", line) for line in said), said
    (site.folder / "keyring").chmod(0o600)
    assert any("mode 0600" in line for line in findings()), "the group could not read it"
    (site.folder / "keyring").chmod(0o644)
    site.sql(f"UPDATE schema_version SET version = {NEWEST + 5} WHERE version = {NEWEST}")
    said = findings()
    (site.folder / "keyring").chmod(0o640)
    site.sql(f"UPDATE schema_version SET version = {NEWEST} WHERE version = {NEWEST + 5}")
    assert any("mode 0644" in line for line in said) and any(line.startswith("problem database: ") and "too new" in line for line in said), said
