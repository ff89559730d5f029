"""Sender authentication: what other implementations say of what we write, and we of what they do."""

import email
import json
import re

import pytest
from stack import admin, layout, mail, zones

from test_filter import setting

ANNA = admin.address("anna")
STRANGER = "stranger@" + layout.FOREIGN


def results(got):
    return " ".join(got["Authentication-Results"].split())


def from_abroad(stack, to, with_chain=False):
    """A signed message of the foreign domain, with a chain of one set or without."""
    content = mail.sign(stack.lay, mail.message(STRANGER, to, mark=(mark := mail.new_mark())))
    if with_chain:
        head = f"Authentication-Results: relay.{layout.FOREIGN}; arc=none; dkim=pass header.d={layout.FOREIGN}\r\n".encode()
        content = mail.add_arc_set(stack.lay, head + content)
    return content, mark


@pytest.mark.rows("G16")
def test_forwarded_mail_is_sealed(stack):
    content, mark = from_abroad(stack, admin.address("outside"))
    stack.client.send(STRANGER, admin.address("outside"), content)
    _, forwarded = stack.client.sunk(mark)
    assert mail.chain(stack.lay, forwarded) == ("pass", 1)
    assert mail.verified(stack.lay, forwarded), "the sender's signature must survive"
    found = email.message_from_bytes(forwarded)["ARC-Authentication-Results"]
    assert found.startswith(f"i=1; {layout.HOSTNAME};") and "dkim=pass" in found and "arc=none" in found


@pytest.mark.rows("G16")
def test_chain_of_others_is_continued(stack):
    content, mark = from_abroad(stack, admin.address("outside"), with_chain=True)
    assert mail.chain(stack.lay, content) == ("pass", 1)
    stack.client.send(STRANGER, admin.address("outside"), content)
    _, forwarded = stack.client.sunk(mark)
    assert mail.chain(stack.lay, forwarded) == ("pass", 2)
    assert mail.verified(stack.lay, forwarded)


@pytest.mark.rows("G16")
def test_broken_chain_is_said_to_be_broken(stack):
    content, mark = from_abroad(stack, admin.address("outside"), with_chain=True)
    stack.client.send(STRANGER, admin.address("outside"), content.replace(b"Hello.", b"Hullo."))
    _, forwarded = stack.client.sunk(mark)
    assert mail.chain(stack.lay, forwarded)[0] == "fail"
    assert b"ARC-Seal: a=rsa-sha256" in forwarded and b"cv=fail" in forwarded and b"i=3" not in forwarded


@pytest.mark.rows("G15")
@pytest.mark.parametrize("spoil, expected", [(lambda c: c, "arc=pass"), (lambda c: c.replace(b"Hello.", b"Hullo."), "arc=fail")])
def test_chain_is_judged(stack, spoil, expected):
    content, mark = from_abroad(stack, ANNA, with_chain=True)
    stack.client.send(STRANGER, ANNA, spoil(content))
    got = stack.arrived(ANNA, mark)
    assert expected in results(got)
    assert expected.upper().replace("=", "_") in got["X-Spam-Result"]


@pytest.mark.rows("G16")
def test_local_copy_and_own_mail_have_no_seal(stack):
    content, mark = from_abroad(stack, ANNA)
    stack.client.send(STRANGER, ANNA, content)
    assert stack.arrived(ANNA, mark)["ARC-Seal"] is None
    _, own = stack.client.sunk(stack.submit(ANNA, "someone@" + layout.ELSEWHERE))
    assert mail.chain(stack.lay, own) == ("none", 0) and mail.verified(stack.lay, own)


@pytest.fixture(scope="module")
def bank(stack):
    """A domain that wants everything refused that is not its own, with a key and no sending hosts."""
    name = "bank.example"
    zones.add(stack.lay, zones.txt(name, "v=spf1 -all"))
    zones.add(stack.lay, zones.txt("_dmarc." + name, "v=DMARC1; p=reject; sp=quarantine; np=none"))
    zones.add(stack.lay, f"branch.{name}. IN A 127.0.0.8")
    zones.add(stack.lay, zones.dkim_record(name, zones.SELECTOR, stack.lay.dir / "dns/foreign.key"))
    return name


def judged(stack, author, sign_as=None):
    """What a message of that author, sent by somebody else, comes to: results and symbols, and whether it is in Junk."""
    content = mail.message(author, ANNA, mark=(mark := mail.new_mark()))
    if sign_as:
        content = mail.sign(stack.lay, content, sign_as)
    stack.client.send(STRANGER, ANNA, content)
    junk = mail.wait_until(lambda: stack.client.fetch(ANNA, admin.PASSWORD, mark, "Junk") or stack.client.fetch(ANNA, admin.PASSWORD, mark))[0]
    return results(junk) + " " + " ".join(junk["X-Spam-Result"].split()), junk["X-Spam"] == "Yes"


@pytest.mark.rows("G15", "F100")
@pytest.mark.parametrize("author, signer, expected, junk", [
    ("ceo@{bank}", None, "dmarc=fail header.from={bank} policy.dmarc=reject", True),
    ("ceo@{bank}", "{foreign}", "dmarc=fail header.from={bank} policy.dmarc=reject", True),
    ("ceo@{bank}", "{bank}", "dmarc=pass header.from={bank} policy.dmarc=reject", False),
    ("ceo@branch.{bank}", None, "dmarc=fail header.from=branch.{bank} policy.dmarc=quarantine", True),
    ("ceo@branch.{bank}", "{bank}", "dmarc=pass header.from=branch.{bank} policy.dmarc=quarantine", False),
    ("ceo@nowhere.{bank}", None, "dmarc=fail header.from=nowhere.{bank} policy.dmarc=none", False),
    ("stranger@{foreign}", None, "dmarc=none header.from={foreign}", False),
    ("ceo@{bank}, x@{foreign}", None, "dmarc=fail header.from={bank} policy.dmarc=reject", True),
])
def test_policy_of_the_author(stack, bank, author, signer, expected, junk):
    names = {"bank": bank, "foreign": layout.FOREIGN}
    found, in_junk = judged(stack, author.format(**names), signer and signer.format(**names))
    assert expected.format(**names) in found
    assert in_junk == junk, found


def taken(stack, user, content, mark):
    """Is it in the inbox, not in Junk? What is junk here for its score alone."""
    stack.client.send(STRANGER, user, content)
    assert mail.wait_until(lambda: stack.client.fetch(user, admin.PASSWORD, mark, "Junk") or stack.client.fetch(user, admin.PASSWORD, mark))
    return bool(stack.client.fetch(user, admin.PASSWORD, mark))


@pytest.mark.rows("F092", "G15")
def test_a_list_lets_no_forger_in(stack, bank):
    """Who is allowed is delivered whatever the score is, but not who only writes such a name."""
    user, mine = stack.user("--allow", bank, "--allow", layout.FOREIGN, "--reject-score", "1000"), "silent.example"

    def junk(author, sign_as=None):
        content = mail.message(author, user, mark=(mark := mail.new_mark()), body=mail.GTUBE_JUNK + "\n")
        return (mail.sign(stack.lay, content, sign_as) if sign_as else content), mark

    assert not taken(stack, stack.user(), *junk("ceo@" + bank, sign_as=bank))
    assert taken(stack, user, *junk("ceo@" + bank, sign_as=bank))
    stack.cli("user", "set", user, "--unlist", layout.FOREIGN)  # whose envelope all of these have
    assert taken(stack, user, *junk("ceo@" + bank, sign_as=bank))
    content, mark = junk("ceo@" + bank)
    assert not taken(stack, user, content, mark)
    line = [line for line in stack.log("milter").splitlines() if f" from=ceo@{bank} " in line][-1]
    assert line.endswith(" allowed_unproven=1"), line
    stack.cli("user", "set", user, "--allow", mine)  # it publishes nothing
    assert taken(stack, user, *junk("anna@" + mine))
    with setting(stack, "allow_unproven = no"):
        assert not taken(stack, user, *junk("anna@" + mine))
        assert taken(stack, user, *junk("ceo@" + bank, sign_as=bank))


def evaluations(stack, queue_id):
    """The lines kept about that message."""
    lines = [json.loads(line) for path in (stack.lay.state / "milter/dmarc").glob("*.jsonl") for line in path.read_text().splitlines()]
    return [line for line in lines if line["id"] == queue_id]


@pytest.mark.rows("G15")
def test_evaluations_are_kept(stack):
    """All that an aggregate report needs, where the domain asks for reports; nothing else."""
    reporting, silent = "reporting.example", "silent.example"
    zones.add(stack.lay, zones.txt("_dmarc." + reporting, "v=DMARC1; p=quarantine; sp=reject; adkim=s; rua=mailto:reports@reporting.example; "
                                    "ruf=mailto:failures@reporting.example; fo=1"))
    zones.add(stack.lay, zones.txt("_dmarc." + silent, "v=DMARC1; p=none"))
    ids = {}
    for name in (reporting, silent, "sub." + reporting):
        mark = mail.new_mark()
        stack.client.send(STRANGER, ANNA, mail.sign(stack.lay, mail.message("ceo@" + name, ANNA, mark=mark)))
        got = mail.wait_until(lambda: stack.client.fetch(ANNA, admin.PASSWORD, mark, "Junk") or stack.client.fetch(ANNA, admin.PASSWORD, mark))[0]  # noqa: B023
        ids[name] = got["X-Spam-Queue-Id"]
    (line,) = evaluations(stack, ids[reporting])
    assert line.pop("time") > 1790000000
    assert line == {
        "id": ids[reporting], "source_ip": zones.FOREIGN_ADDRESS, "disposition": "quarantine", "header_from": reporting,
        "envelope_from": layout.FOREIGN, "aligned_dkim": "fail", "aligned_spf": "fail", "rua": "mailto:reports@reporting.example",
        "policy_published": {"domain": reporting, "discovery_method": "treewalk", "p": "quarantine", "sp": "reject", "np": "reject", "adkim": "s",
                             "aspf": "r", "testing": "n", "fo": "1"},
        "dkim": [{"domain": layout.FOREIGN, "selector": zones.SELECTOR, "result": "pass"}],
        "spf": {"domain": layout.FOREIGN, "scope": "mfrom", "result": "pass"}}
    (line,) = evaluations(stack, ids["sub." + reporting])
    assert (line["disposition"], line["reason"], line["header_from"]) == ("quarantine", "local_policy", "sub." + reporting)
    assert not evaluations(stack, ids[silent])


@pytest.mark.rows("G15", "F100")
def test_two_authors_fields(stack):
    mark = stack.inbound(ANNA, headers=["From: other@" + layout.FOREIGN])
    got = stack.arrived(ANNA, mark)
    assert 'dmarc=permerror reason="more than one From"' in results(got) and "DMARC_PERMERROR" in got["X-Spam-Result"]


@pytest.mark.rows("G15")
@pytest.mark.parametrize("sealers, symbol", [("", "DMARC_REJECT"), ("example.com", "DMARC_REJECT"), (layout.FOREIGN, "DMARC_ARC")])
def test_trusted_chain_overrides(stack, bank, sealers, symbol):
    """A list that broke the signature has sealed that it held before: with those we trust that decides."""
    head = f"Authentication-Results: relay.{layout.FOREIGN}; arc=none; dmarc=pass header.from={bank}\r\n".encode()
    content = mail.add_arc_set(stack.lay, head + mail.message("ceo@" + bank, user := stack.user(), mark=(mark := mail.new_mark())))
    with setting(stack, f"trusted_sealers = {{{sealers}}}"):
        stack.client.send(STRANGER, user, content)
    got = stack.arrived(user, mark, folder="INBOX" if symbol == "DMARC_ARC" else "Junk")
    assert symbol + "(" in got["X-Spam-Result"] and "ARC_PASS" in got["X-Spam-Result"]
    assert "dmarc=fail " in results(got) and f" header.from={bank}" in results(got) and "arc=pass" in results(got)


def key_status(stack, domain):
    """{algorithm: problem or None}, and whether the verb is content."""
    done = stack.cli("dkim", "status", domain, "--json", check=False)
    return {key["algorithm"]: key["problem"] for key in json.loads(done.stdout)}, done.returncode == 0


@pytest.fixture(scope="module")
def fresh_domain(stack):
    """Hosted, nothing published yet; its RSA key."""
    stack.cli("domain", "add", "fresh.example.org")
    return next(key for key in json.loads(stack.cli("dkim", "show", "fresh.example.org", "--json")) if key["algorithm"] == "rsa")


@pytest.mark.rows("F148", "F150", "F151")
@pytest.mark.parametrize("spoil, problem", [
    (None, "there is no record"),
    (lambda p: f"v=DKIM1; k=rsa; p={p}", None),
    (lambda p: f"p={p[:50]} {p[50:100]} {p[100:]};k=rsa;  t=s; v=DKIM1; n=extended", None),
    (lambda p: f"k=rsa; p={p}", None),
    (lambda p: "v=DKIM1; k=rsa; p=", "key is empty"),
    (lambda p: f"v=DKIM1; k=rsa; p={p[:100]}{p[101:]}{p[100]}", "it is another key"),
    (lambda p: f"v=DKIM1; k=rsa; p={p[:40]}*{p[41:]}", "key is not base64"),
    (lambda p: f"v=DKIM3; k=rsa; p={p}", "key record has another version"),
    (lambda p: f"v=DKIM1\\\\; k=rsa\\\\; p={p}", "record contains a backslash, as zone files write it before a semicolon"),
])
def test_published_keys_are_compared(stack, fresh_domain, spoil, problem):
    if spoil:
        zones.replace(stack.lay, zones.txt(fresh_domain["name"], spoil(fresh_domain["value"].split("p=")[1])))
    found, content = key_status(stack, "fresh.example.org")
    assert found == {"rsa": problem, "ed25519": "there is no record"}
    assert content == (problem is None), "the Ed25519 key does not sign yet"
    shown = stack.cli("dkim", "status", "fresh.example.org", check=False).stdout
    assert f"{fresh_domain['name']} rsa signing: {problem or 'published'}\n" in shown


def test_other_peoples_domains_are_not_signed_for(stack, refuses):
    """Who has logged in may write any From; our signature under the domain of somebody else is another matter."""
    stack.cli("domain", "add", "others.example.org")
    _, content = stack.client.sunk(stack.submit(ANNA, "someone@" + layout.ELSEWHERE, header_from="boss@others.example.org"))
    assert b"DKIM-Signature" not in content
    _, content = stack.client.sunk(stack.submit(ANNA, "someone@" + layout.ELSEWHERE))
    assert b"DKIM-Signature" in content
    with setting(stack, "foreign_from = refuse"), refuses(550, at="DATA"):
        stack.submit(ANNA, "someone@" + layout.ELSEWHERE, header_from="boss@others.example.org")
    with setting(stack, "foreign_from = sign"):
        _, content = stack.client.sunk(stack.submit(ANNA, "someone@" + layout.ELSEWHERE, header_from="boss@others.example.org"))
        assert "d=others.example.org;" in email.message_from_bytes(content)["DKIM-Signature"]


@pytest.mark.rows("F096")
def test_each_domain_signs_for_itself_alone(stack):
    """A sub-domain with the keys of its own, and one that has none with nobody's."""
    below = f"bureau{next(stack.numbers)}.{layout.DOMAIN}"
    stack.cli("domain", "add", below)
    user = "anna@" + below
    stack.cli("user", "add", user, stdin=admin.PASSWORD + "\n")
    signed = {}
    for author in (ANNA, user):
        _, content = stack.client.sunk(stack.submit(author, "someone@" + layout.ELSEWHERE))
        head = email.message_from_bytes(content)["DKIM-Signature"]
        signed[author] = {name: re.search(rf"\b{name}=([\w.-]+)", head)[1] for name in ("d", "s")}
    assert [signed[author]["d"] for author in (ANNA, user)] == [layout.DOMAIN, below]
    keys = json.loads(stack.cli("dkim", "show", below, "--json"))
    assert f"{signed[user]['s']}._domainkey.{below}" in [key["name"] for key in keys]
    _, content = stack.client.sunk(stack.submit(ANNA, "someone@" + layout.ELSEWHERE, header_from="anna@nowhere." + layout.DOMAIN))
    assert b"DKIM-Signature" not in content


@pytest.mark.rows("G15")
def test_temporary_errors_have_an_action(stack, bank, refuses):
    """DNS does not tell of the domain: the message goes on, or has to come again, unless its author's domain stands behind it all the same."""
    away = f"app@{zones.AWAY}"
    user, mark = stack.user(), mail.new_mark()
    signed = mail.sign(stack.lay, mail.message("ceo@" + bank, user, mark=mark), bank)
    assert "spf=temperror" in results(stack.arrived(user, stack.inbound(user, sender=away)))
    with setting(stack, "dns_away = defer"):
        with refuses(451, at="DATA") as caught:
            stack.inbound(user, sender=away)
        assert "4.4.3" in str(caught.value)
        stack.client.send(away, user, signed)
        assert "spf=temperror" in results(got := stack.arrived(user, mark)) and "dmarc=pass" in results(got)
        stack.arrived(user, stack.inbound(user))
