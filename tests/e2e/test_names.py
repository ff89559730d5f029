"""Alias domains, ends and switches of aliases and users, refused and masked addresses, rules of maps: what the verbs take and refuse, and what lookup answers,
also while the database is away. MariaDB is real, no mail is involved."""

import os
import pathlib
import re
import time

import pytest

from test_lookup import BCRYPT, Lookup, until
from test_store import Site, mariadb

NOBODY = "NOTFOUND"


@pytest.fixture(scope="module")
def server():
    server = mariadb.MariaDB(pathlib.Path(f"/tmp/mr-names-{os.getpid()}")).start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def site(server, tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), server, "names")
    site.grants()
    site.cli("schema", "apply")
    for domain in ("example.org", "catching.example"):
        site.cli("domain", "add", domain)
    for who in ("anna", "bert"):
        site.cli("user", "add", f"{who}@example.org", "--hash", stdin=BCRYPT + "\n")
    site.cli("alias", "add", "@catching.example", "anna@example.org")
    return site


@pytest.fixture(scope="module")
def lookup(site, tmp_path_factory):
    lookup = Lookup(site, tmp_path_factory.mktemp("run"), deadline="2s", poll_late="2s", poll_interval="100ms").start()
    until(lambda: lookup.map("domain", "example.org") == "OK example.org")
    yield lookup
    lookup.stop()


def answers(lookup, **wanted):
    """Within a second: map → (key, answer)."""
    for name, (key, answer) in wanted.items():
        until(lambda: lookup.map(name.replace("_", "-"), key) == answer, 5)


def noted(site, since, *entries):
    """These entries, and no others, were written into the change log."""
    assert site.changes()[since:] == list(entries)


# ---- aliases

@pytest.mark.rows("G05")
def test_alias_off_and_on(site, lookup):
    site.cli("alias", "add", "switch@catching.example", "bert@example.org", "--note", "für den Laden")
    answers(lookup, alias=("switch@catching.example", "OK bert@example.org"), sender_login=("switch@catching.example", "OK bert@example.org"))
    before = len(site.changes())
    site.cli("alias", "set", "switch@catching.example", "--off")
    noted(site, before, ("alias", "switch@catching.example"))
    answers(lookup, alias=("switch@catching.example", NOBODY), sender_login=("switch@catching.example", NOBODY))
    shown = site.json("alias", "show", "switch@catching.example")
    assert shown["destinations"] == ["bert@example.org"] and not shown["refused"] and not shown["enabled"] and shown["expires"] is None
    assert shown["note"] == "für den Laden"
    site.cli("alias", "add", "switch@catching.example", "x@foreign.example")   # stays off
    assert not site.json("alias", "show", "switch@catching.example")["enabled"]
    assert " off " in site.cli("alias", "list", "catching.example")
    site.cli("alias", "set", "switch@catching.example", "anna@example.org")
    assert not site.json("alias", "show", "switch@catching.example")["enabled"]
    site.cli("alias", "set", "switch@catching.example", "--on")
    answers(lookup, alias=("switch@catching.example", "OK anna@example.org"))
    site.cli("alias", "del", "switch@catching.example")
    answers(lookup, alias=("switch@catching.example", "OK anna@example.org"))   # of the catch-all again
    assert "there is no alias" in site.cli("alias", "set", "switch@catching.example", "--off", code=1)


@pytest.mark.rows("G05")
def test_alias_ends_while_the_database_is_away(site, lookup, server):
    """The row is not read again: the clock alone ends it."""
    site.cli("alias", "add", "soon@catching.example", "bert@example.org", "--expires", "3s")
    answers(lookup, alias=("soon@catching.example", "OK bert@example.org"))
    assert lookup.map("alias", "other@catching.example") == "OK anna@example.org"
    server.kill()
    try:
        until(lambda: lookup.map("alias", "soon@catching.example") != "OK bert@example.org", 10)
        assert lookup.map("alias", "soon@catching.example").split()[0] in ("NOTFOUND", "TEMP")   # never the catch-all's
        assert lookup.map("sender-login", "soon@catching.example").split()[0] in ("NOTFOUND", "TEMP")
        assert lookup.map("alias", "other@catching.example") == "OK anna@example.org"
    finally:
        server.start()
    answers(lookup, alias=("soon@catching.example", NOBODY))
    assert " expired " in site.cli("alias", "list", "catching.example")
    site.cli("alias", "set", "soon@catching.example", "--expires", "never")
    answers(lookup, alias=("soon@catching.example", "OK bert@example.org"))
    site.cli("alias", "set", "soon@catching.example", "--expires", "2031-02-28T13:30")
    assert site.json("alias", "show", "soon@catching.example")["expires"] == "2031-02-28T13:30:00Z"
    answers(lookup, alias=("soon@catching.example", "OK bert@example.org"))


@pytest.mark.parametrize("when, said", [("yesterday", "when it ends"), ("2020-01-01", "has passed"), ("2031-02-31", "when it ends"), ("0", "when it ends"),
                                        ("-3d", "when it ends"), ("30", "when it ends"), ("2031-01-01T25:00", "when it ends")])
def test_end_refused(site, when, said):
    assert said in site.cli("alias", "add", "never@example.org", "anna@example.org", f"--expires={when}", code=1)
    assert "there is no alias" in site.cli("alias", "show", "never@example.org", code=1)


def test_note_refused(site):
    assert "control" in site.cli("alias", "add", "never@example.org", "anna@example.org", "--note", "a\nb", code=1)
    assert "255" in site.cli("alias", "add", "never@example.org", "anna@example.org", "--note", "x" * 256, code=1)


@pytest.mark.rows("G05")
def test_refused_addresses(site, lookup):
    assert lookup.map("alias", "old@catching.example") == "OK anna@example.org"
    before = len(site.changes())
    site.cli("alias", "refuse", "Old@catching.example", "--note", "left in May")
    noted(site, before, ("alias", "old@catching.example"))
    answers(lookup, alias=("old@catching.example", NOBODY), mailbox=("old+x@catching.example", NOBODY), sender_login=("old@catching.example", NOBODY))
    assert "(refused)" in site.cli("alias", "show", "old@catching.example")
    assert site.json("alias", "show", "old@catching.example")["destinations"] == []
    assert "already" in site.cli("alias", "refuse", "old@catching.example", code=1)
    assert "delete it first" in site.cli("alias", "add", "old@catching.example", "anna@example.org", code=1)
    assert "is refused" in site.cli("user", "add", "old@catching.example", stdin="secret\n", code=1)
    assert "is a user" in site.cli("alias", "refuse", "anna@example.org", code=1)
    assert "before the @" in site.cli("alias", "refuse", "@catching.example", code=1)
    site.cli("alias", "add", "there@catching.example", "anna@example.org")
    assert "delete it first" in site.cli("alias", "refuse", "there@catching.example", code=1)
    site.cli("alias", "del", "old@catching.example")
    answers(lookup, alias=("old@catching.example", "OK anna@example.org"))


@pytest.mark.rows("G05")
def test_masked_addresses(site, lookup):
    before = len(site.changes())
    masks = [site.cli("alias", "mask", "anna@example.org", "--expires", "90d", "--note", "a shop").strip() for _ in range(5)]
    noted(site, before, *(("alias", mask) for mask in masks))
    assert len(set(masks)) == 5 and all(re.fullmatch(r"[a-z2-9]{12}@example\.org", mask) for mask in masks), masks
    answers(lookup, alias=(masks[0], "OK anna@example.org"), sender_login=(masks[0], "OK anna@example.org"))
    shown = site.json("alias", "show", masks[0])
    assert shown["note"] == "a shop" and shown["expires"]
    site.cli("alias", "set", masks[0], "--off")
    answers(lookup, alias=(masks[0], NOBODY))
    assert "there is no user" in site.cli("alias", "mask", "nobody@example.org", code=1)
    assert "no @" in site.cli("alias", "mask", "anna", code=1)


# ---- domains

@pytest.mark.rows("G05")
def test_alias_domain(site, lookup):
    before = len(site.changes())
    site.cli("domain", "add", "twin.example", "--alias-of", "Example.org")
    noted(site, before, ("domain", "twin.example"))
    answers(lookup, domain=("twin.example", "OK twin.example"), alias=("anna@twin.example", "OK anna@example.org"), mailbox=("anna@twin.example", NOBODY),
            sender_login=("anna@twin.example", "OK anna@example.org"))
    assert lookup.map("alias", "nobody@twin.example") == NOBODY
    site.cli("user", "add", "anna@twin.example", "--hash", stdin=BCRYPT + "\n")      # a row of its own wins
    answers(lookup, mailbox=("anna@twin.example", "OK anna@twin.example"), sender_login=("anna@twin.example", "OK anna@twin.example"))
    site.cli("user", "del", "anna@twin.example")
    answers(lookup, alias=("anna@twin.example", "OK anna@example.org"))
    site.cli("domain", "set", "twin.example", "--alias-of", "catching.example")
    answers(lookup, alias=("whoever@twin.example", "OK anna@example.org"))
    assert site.json("domain", "show", "twin.example")["alias_of"] == "catching.example"
    assert "alias of      catching.example" in site.cli("domain", "show", "twin.example")
    site.cli("domain", "set", "twin.example", "--alias-of", "none")
    answers(lookup, alias=("whoever@twin.example", NOBODY))
    site.cli("domain", "del", "twin.example")
    answers(lookup, domain=("twin.example", NOBODY))


@pytest.mark.rows("G05")
def test_alias_domains_never_go_round(site):
    for name in ("a.example", "b.example", "c.example"):
        site.cli("domain", "add", name)
    site.cli("domain", "set", "a.example", "--alias-of", "b.example")
    assert "a.example stands for another domain itself" in site.cli("domain", "set", "b.example", "--alias-of", "a.example", code=1)
    assert "a.example stands for b.example" in site.cli("domain", "set", "b.example", "--alias-of", "c.example", code=1)
    assert "stands for another domain itself" in site.cli("domain", "set", "c.example", "--alias-of", "a.example", code=1)
    assert "itself" in site.cli("domain", "set", "c.example", "--alias-of", "c.example", code=1)
    assert "there is no domain" in site.cli("domain", "set", "c.example", "--alias-of", "nowhere.example", code=1)
    assert "a.example stands for b.example" in site.cli("domain", "del", "b.example", code=1)
    assert "whose catch-all it has" in site.cli("alias", "add", "@a.example", "anna@example.org", code=1)
    site.cli("alias", "add", "@c.example", "anna@example.org")
    assert "delete the alias @c.example first" in site.cli("domain", "set", "c.example", "--alias-of", "b.example", code=1)
    assert "one of both" in site.cli("domain", "set", "a.example", "--relay", "smtp:[192.0.2.1]", code=1)
    assert "one of both" in site.cli("domain", "add", "d.example", "--relay", "smtp:[192.0.2.1]", "--alias-of", "b.example", code=1)
    assert "there is no domain" in site.cli("domain", "show", "d.example", code=1)
    for bad in ("UPDATE domain SET alias_of = name WHERE name = 'c.example'", "UPDATE domain SET alias_of = 'nowhere.example' WHERE name = 'c.example'",
                "UPDATE domain SET relay_to = 'smtp:x' WHERE name = 'a.example'"):
        with pytest.raises(RuntimeError):
            site.sql(bad)


@pytest.mark.rows("G09")
def test_relay_domain(site, lookup):
    before = len(site.changes())
    site.cli("domain", "add", "relay.example", "--relay", "smtp:[192.0.2.9]:25")
    noted(site, before, ("domain", "relay.example"))
    answers(lookup, relay_domain=("relay.example", "OK relay.example"), domain=("relay.example", NOBODY),
            transport=("x@relay.example", "OK smtp:[192.0.2.9]:25"),
            relay_recipient=("X@relay.example", "OK X@relay.example"), alias=("x@relay.example", NOBODY))
    assert "another server" in site.cli("user", "add", "x@relay.example", stdin="secret\n", code=1)
    site.cli("alias", "add", "info@relay.example", "anna@example.org")
    site.cli("alias", "refuse", "gone@relay.example")
    answers(lookup, alias=("info@relay.example", "OK anna@example.org"), relay_recipient=("gone@relay.example", NOBODY))
    site.cli("domain", "set", "relay.example", "--recipients", "listed")
    answers(lookup, relay_recipient=("x@relay.example", NOBODY))
    site.cli("alias", "add", "x@relay.example", "x@relay.example")
    answers(lookup, relay_recipient=("x@relay.example", "OK x@relay.example"), transport=("x@relay.example", "OK smtp:[192.0.2.9]:25"))
    assert "lists 1 recipients" in site.cli("domain", "set", "relay.example", "--relay", "none", "--recipients", "any", code=1)
    assert site.json("domain", "show", "relay.example")["recipients"] == "listed"
    assert "smtp:[192.0.2.9]:25" in site.cli("domain", "list")
    assert "still has" in site.cli("domain", "set", "example.org", "--relay", "smtp:[192.0.2.9]", code=1)
    assert "point to itself" in site.cli("alias", "add", "y@example.org", "y@example.org", code=1)
    assert "listed recipients" in site.cli("domain", "set", "example.org", "--recipients", "listed", code=1)
    assert "any or listed" in site.cli("domain", "set", "example.org", "--recipients", "some", code=2)


@pytest.mark.parametrize("transport", ["smtp", "smtp:", "smtp:[192.0.2.1", "smtp:[192.0.2.1]:99999", "smtp:a b", "error:5.1.1 no", "[192.0.2.1]:25",
                                       "x" * 33 + ":[a]", "smtp:[a]:25, smtp:[b]", ":[a]"])
def test_relay_transport_refused(site, transport):
    assert "a transport of Postfix" in site.cli("domain", "add", "wrong.example", "--relay", transport, code=1)


# ---- users

@pytest.mark.rows("G09")
def test_user_ends(site, lookup):
    site.cli("user", "add", "guest@example.org", "--hash", "--expires", "2s", stdin=BCRYPT + "\n")
    answers(lookup, mailbox=("guest@example.org", "OK guest@example.org"))
    until(lambda: lookup.map("mailbox", "guest@example.org") == NOBODY, 5)
    assert lookup.map("sender-login", "guest@example.org") == NOBODY
    account = lookup.ask("passdb/passdb.sock", "passdb", address="guest@example.org")
    assert "enabled=0" in account and "receive=0" in account
    site.cli("user", "set", "guest@example.org", "--expires", "2031-01-01")
    answers(lookup, mailbox=("guest@example.org", "OK guest@example.org"))
    assert site.json("user", "show", "guest@example.org")["expires"] == "2031-01-01T00:00:00Z"
    assert "2031-01-01" in site.cli("user", "show", "guest@example.org")
    site.cli("user", "del", "guest@example.org")


@pytest.mark.rows("G09")
def test_receive_only(site, lookup):
    site.cli("user", "add", "reader@example.org", "--hash", "--receive-only", stdin=BCRYPT + "\n")
    answers(lookup, mailbox=("reader@example.org", "OK reader@example.org"), sender_login=("reader@example.org", NOBODY))
    account = lookup.ask("passdb/passdb.sock", "passdb", address="reader@example.org")
    assert "enabled=1" in account and "receive_only=1" in account
    assert "not both" in site.cli("user", "set", "reader@example.org", "--send-only", code=1)
    site.cli("user", "set", "reader@example.org", "--no-receive-only")
    answers(lookup, sender_login=("reader@example.org", "OK reader@example.org"))
    site.cli("user", "del", "reader@example.org")


# ---- rules

def test_rules(site, lookup):
    before = len(site.changes())
    site.cli("rule", "set", "client", "192.0.2.0/24", "reject", "5.7.1", "go", "away")
    noted(site, before, ("rules", "client"))
    answers(lookup, client_access=("192.0.2.7", "OK REJECT 5.7.1 go away"))
    site.cli("rule", "set", "client", "192.0.2.7/32", "DUNNO")
    answers(lookup, client_access=("192.0.2.7", "OK DUNNO"))
    assert lookup.map("client-access", "192.0.2.8") == "OK REJECT 5.7.1 go away"
    assert lookup.map("client-access", "unknown") == NOBODY
    site.cli("rule", "set", "sender", ".Spam.example", "DEFER")
    site.cli("rule", "set", "recipient", "anna@example.org", "HOLD", "on", "holiday")
    site.cli("rule", "set", "milter", "2001:DB8::/32", "disable")
    site.cli("rule", "set", "transport", "far.example", "smtp:[192.0.2.1]:2525")
    answers(lookup, sender_access=("x@a.spam.example", "OK DEFER"), recipient_access=("Anna@example.org", "OK HOLD on holiday"),
            milter=("2001:db8::5", "OK DISABLE"), transport=("x@far.example", "OK smtp:[192.0.2.1]:2525"))
    assert lookup.map("transport", "*") == NOBODY
    assert site.cli("rule", "find", "client", "192.0.2.200").split() == ["192.0.2.0/24", "REJECT", "5.7.1", "go", "away"]
    assert "no rule" in site.cli("rule", "find", "client", "198.51.100.1", code=1)
    assert {"map": "client", "pattern": "192.0.2.7", "value": "DUNNO"} in site.json("rule", "list")
    assert site.json("rule", "list", "milter") == [{"map": "milter", "pattern": "2001:db8::/32", "value": "DISABLE"}]
    site.cli("rule", "set", "client", "192.0.2.0/24", "WARN")                          # in its place
    answers(lookup, client_access=("192.0.2.8", "OK WARN"))
    site.cli("rule", "del", "client", "192.0.2.0/24")
    answers(lookup, client_access=("192.0.2.8", NOBODY))
    assert "no rule for" in site.cli("rule", "del", "client", "192.0.2.0/24", code=1)


@pytest.mark.parametrize("words, said", [
    (("client", "192.0.2.0/24", "OK"), "REJECT, DEFER"), (("client", "192.0.2.0/24", "permit"), "REJECT, DEFER"),
    (("client", "192.0.2.1", "1"), "REJECT, DEFER"),
    (("client", "192.0.2.1", "REDIRECT", "x@example.org"), "REJECT, DEFER"), (("client", "192.0.2.1", "FILTER", "smtp:x"), "REJECT, DEFER"),
    (("client", "192.0.2.1", "permit_mynetworks,reject"), "REJECT, DEFER"), (("client", "192.0.2.1", "DUNNO", "really"), "no text"),
    (("client", "192.0.2.1/24", "REJECT"), "may hold"), (("client", "x@example.org", "REJECT"), "an address, a network"),
    (("client", "*", "REJECT"), "an address, a network"),
    (("sender", "*", "REJECT"), "an address, a domain"), (("recipient", "<>", "REJECT"), "a-z"), (("client", "192.0.2.1", "REJECT", "a\nb"), "ASCII"),
    (("client", "192.0.2.1", "REJECT", "x" * 500), "characters"), (("milter", "example.org", "DISABLE"), "an address or a network"),
    (("milter", "192.0.2.1", "inet:nowhere"), "DISABLE, or"), (("milter", "192.0.2.1", "unix:/a b"), "DISABLE, or"),
    (("transport", "far.example", "smtp [x]"), "a transport"), (("transport", "*", "smtp:[x]"), "an address, a domain")])
def test_rule_refused(site, words, said):
    before = len(site.changes())
    assert said in site.cli("rule", "set", *words, code=1)
    noted(site, before)


def test_rules_of_unknown_maps(site):
    assert "client, sender" in site.cli("rule", "set", "nothing", "x.example", "REJECT", code=2)
    assert "client, sender" in site.cli("rule", "list", "nothing", code=2)


def test_rules_while_the_database_is_away(site, lookup, server):
    site.cli("rule", "set", "client", "198.51.100.0/24", "REJECT")
    site.cli("rule", "set", "client", "198.51.101.0/24", "DEFER")
    answers(lookup, client_access=("198.51.100.1", "OK REJECT"))
    server.kill()
    try:
        time.sleep(2.5)     # past poll_late: what is known may be out of date, so nobody is refused for good
        assert lookup.map("client-access", "198.51.100.1").startswith("TEMP")
        assert lookup.map("client-access", "198.51.101.1") == "OK DEFER"
        assert lookup.map("client-access", "203.0.113.1") == NOBODY
    finally:
        server.start()
    answers(lookup, client_access=("198.51.100.1", "OK REJECT"))


def test_rules_that_are_none_are_left_out(site, lookup):
    """A site's own tables may say anything: what would permit something is never answered, and named in the log."""
    site.sql("INSERT INTO rule VALUES ('client', '203.0.113.0/24', 'OK'), ('sender', 'open.example', 'permit'), ('transport', 'bad.example', 'smtp: ; x'); "
             "INSERT INTO change_log (at, kind, name, what) VALUES (UTC_TIMESTAMP(), 'rules', 'client', 'x'), (UTC_TIMESTAMP(), 'rules', 'sender', 'x'), "
             "(UTC_TIMESTAMP(), 'rules', 'transport', 'x')")
    time.sleep(0.5)
    for name, key in (("client-access", "203.0.113.5"), ("sender-access", "x@open.example"), ("transport", "x@bad.example")):
        assert lookup.map(name, key) == NOBODY
    assert lookup.log.read_text().count("rules-ignored") == 3
    site.sql("DELETE FROM rule WHERE pattern IN ('203.0.113.0/24', 'open.example', 'bad.example')")


# ---- the database's own rules

@pytest.mark.rows("F112")
def test_uniqueness_is_the_databases(site):
    """Each of these is refused by MariaDB itself, and by the verbs with one line that says what is there already."""
    site.cli("alias", "add", "once@example.org", "anna@example.org")
    site.cli("rule", "set", "sender", "once.example", "DEFER")
    for statement in ("INSERT INTO domain (name) VALUES ('example.org')",
                      "INSERT INTO mailbox (address, domain, password) VALUES ('anna@example.org', 'example.org', 'x')",
                      "INSERT INTO alias (address, domain, destination) VALUES ('once@example.org', 'example.org', 'anna@example.org')",
                      "INSERT INTO rule VALUES ('sender', 'once.example', 'DEFER')"):
        with pytest.raises(RuntimeError, match="Duplicate entry"):
            site.sql(statement)
    site.sql("INSERT INTO alias (address, domain, destination) VALUES ('once@example.org', 'example.org', 'bert@example.org')")
    assert "domain example.org exists already" in site.cli("domain", "add", "Example.ORG", code=1)
    assert "user anna@example.org exists already" in site.cli("user", "add", "Anna@Example.org", stdin="secret\n", code=1)
    assert "alias once@example.org to ANNA@example.org exists already" in site.cli("alias", "add", "Once@example.org", "ANNA@example.org", code=1)
