"""DKIM keys of a domain with two name servers: made, published, seen, switched, retired, forgotten."""

import concurrent.futures
import email
import json
import re

import authority
import pytest
from stack import admin, layout, mail, mariadb, zones

DOMAIN = "rotating.example.org"
USER = "writer@" + DOMAIN
ELSEWHERE = "someone@" + layout.ELSEWHERE


class Keys:
    """The domain's keys, and its name servers."""

    def __init__(self, stack, servers):
        self.stack, self.servers = stack, servers

    def status(self):
        """{selector: all that the verb tells about the key}, and its exit code."""
        done = self.stack.cli("dkim", "status", DOMAIN, "--json", check=False)
        return {key["selector"]: key for key in json.loads(done.stdout)}, done.returncode

    def find(self, algorithm, state):
        found = [key for key in json.loads(self.stack.cli("dkim", "show", DOMAIN, "--json")) if (key["algorithm"], key["state"]) == (algorithm, state)]
        return found[0] if found else None

    def publish(self, key, on=None):
        for server in on or self.servers:
            server.publish(zones.txt(key["name"], key["value"]))
        zones.replace(self.stack.lay, zones.txt(key["name"], key["value"]))

    def advance(self, **kwargs):
        return self.stack.cli("dkim", "advance", DOMAIN, **kwargs)

    def signatures(self):
        """{algorithm: selector} of the signatures of a message that leaves now; each is checked by somebody else."""
        _, content = self.stack.client.sunk(self.stack.submit(USER, ELSEWHERE))
        found = {}
        for n, value in enumerate(email.message_from_bytes(content).get_all("DKIM-Signature", [])):
            tags = dict(re.findall(r"(\w+)=([^;]*)", "".join(value.split())))
            assert tags["d"] == DOMAIN
            found[tags["a"]] = tags["s"]
            if tags["s"] in self.published():
                assert mail.verified(self.stack.lay, content, n), value
        return found

    def published(self):
        return {selector for selector, key in self.status()[0].items() if not key["problem"]}


@pytest.fixture(scope="module")
def keys(stack):
    stack.cli("domain", "add", DOMAIN)
    admin.add_user(stack.lay, USER)
    servers = [authority.Authority(stack.lay.dir / f"ns{n}", stack.servers, f"ns{n}") for n in (1, 2)]
    for n, server in enumerate(servers, 1):
        zones.add(stack.lay, f"{DOMAIN}. IN NS ns{n}.{DOMAIN}.")
        zones.add(stack.lay, f"ns{n}.{DOMAIN}. IN A {server.address}")
    yield Keys(stack, servers)
    for server in servers:
        server.stop()


@pytest.mark.rows("F148", "F096")
def test_new_domain(keys):
    """RSA signs at once; Ed25519 does when every server shows both keys."""
    rsa, ed25519 = keys.find("rsa", "signing"), keys.find("ed25519", "waiting")
    assert keys.signatures() == {"rsa-sha256": rsa["selector"]}
    keys.publish(rsa)
    assert "there is no record" in keys.advance()
    keys.publish(ed25519, on=keys.servers[:1])
    assert f"ns2.{DOMAIN} [{keys.servers[1].address}]: there is no record" in keys.advance()
    assert keys.signatures() == {"rsa-sha256": rsa["selector"]}
    keys.publish(ed25519)
    assert f"{ed25519['selector']} signs from now on" in keys.advance()
    assert keys.signatures() == {"rsa-sha256": rsa["selector"], "ed25519-sha256": ed25519["selector"]}
    assert keys.advance() == "", "nothing is left to be done"


@pytest.mark.rows("F099", "F152", "F149", "F098")
def test_rotation(keys, wait):
    """A new key signs when both servers show it, not before; the change holds for the next message, in the running milter."""
    old = keys.find("rsa", "signing")
    said = keys.stack.cli("dkim", "rotate", DOMAIN, "--algorithm", "rsa")
    new = keys.find("rsa", "waiting")
    assert f"{new['name']}. IN TXT" in said and new["value"][:200] in said and new["selector"] != old["selector"]
    assert keys.find("rsa", "signing") == old
    again = keys.stack.cli("dkim", "rotate", DOMAIN, "--algorithm", "rsa")
    assert again == said, "a second one begins while the first is under way"

    keys.publish(new, on=keys.servers[:1])
    shown = keys.status()[0][new["selector"]]
    assert shown["expected"] == new["value"] and shown["current"] == [new["value"]] and shown["type"] == "TXT"
    assert {(server["name"], server["problem"]) for server in shown["servers"]} == {(f"ns1.{DOMAIN}", None), (f"ns2.{DOMAIN}", "there is no record")}
    keys.servers[1].stop()
    assert "no answer" in keys.advance(), "a server that is silent has shown nothing"
    assert keys.signatures()["rsa-sha256"] == old["selector"]
    keys.servers[1].start()
    keys.servers[1].publish(zones.txt(new["name"], old["value"]))
    assert "it is another key" in keys.advance()
    wait("the metric", lambda: metric(keys.stack, "dkim_keys_waiting") >= 1)
    assert keys.signatures()["rsa-sha256"] == old["selector"]

    keys.servers[1].publish(zones.txt(new["name"], new["value"]))
    for kind in ("rsa", "ed25519"):  # servers were restarted: everything is there again
        keys.publish(keys.find(kind, "signing"))
    said = keys.advance()
    assert f"{new['selector']} signs from now on" in said and f"{old['selector']} is retired; keep its record until" in said
    assert keys.signatures()["rsa-sha256"] == new["selector"]
    assert keys.find("rsa", "retired")["selector"] == old["selector"], "mail under way needs the record"


def metric(stack, name):
    return int(re.search(rf"^{name}=(\d+)", stack.control("lookup", "stats"), re.M).group(1))


def opened(stack):
    """Private keys that the milter has unsealed and read so far."""
    return int(re.search(r"^keys_opened_total=(\d+)", stack.control("milter", "stats"), re.M).group(1))


@pytest.mark.rows("F098")
def test_key_is_read_once(keys):
    """Not for each signature; one that is changed is used for the next message, and only that one is read."""
    keys.signatures()
    before, old = opened(keys.stack), keys.find("rsa", "signing")
    for _ in range(5):
        assert keys.signatures()["rsa-sha256"] == old["selector"]
    assert opened(keys.stack) == before
    keys.stack.cli("dkim", "rotate", DOMAIN, "--algorithm", "rsa")
    new = keys.find("rsa", "waiting")
    keys.publish(new)
    keys.signatures()
    assert f"{new['selector']} signs from now on" in keys.advance()
    assert keys.signatures()["rsa-sha256"] == new["selector"] and opened(keys.stack) == before + 1
    assert keys.signatures()["rsa-sha256"] == new["selector"] and opened(keys.stack) == before + 1


def in_database(stack, statement):
    return mariadb.sql(stack.lay, statement)


def unseen(stack):
    """Keys that sign without a record, as the database knows."""
    return int(in_database(stack, "SELECT COUNT(*) FROM v_dkim_state WHERE state = 'signing' AND NOT seen"))


@pytest.mark.rows("F152")
def test_retired_key_is_forgotten(keys):
    """Not before its time, and not while its record stands; its private half is gone at once."""
    old, sealed = keys.find("rsa", "retired"), f"SELECT sealed_key FROM dkim_key WHERE domain = '{DOMAIN}' AND state = 'retired'"
    assert in_database(keys.stack, sealed).strip() == ""
    for server in keys.servers:
        server.withdraw(old["name"])
    assert keys.advance() == "" and keys.find("rsa", "retired")
    in_database(keys.stack, f"UPDATE dkim_key SET since = since - INTERVAL 8 DAY WHERE domain = '{DOMAIN}' AND state = 'retired'")
    keys.servers[0].publish(zones.txt(old["name"], old["value"]))
    assert keys.advance() == ""
    assert f"{old['name']} rsa retired: the record may be taken out of DNS" in keys.stack.cli("dkim", "status", DOMAIN)
    keys.servers[0].withdraw(old["name"])
    assert f"{old['selector']} is gone" in keys.advance()
    assert old["selector"] not in keys.status()[0]


@pytest.mark.rows("F099")
def test_lost_record_is_seen(keys, wait):
    """The key that signs goes on signing; the verb fails, the metric tells."""
    key = keys.find("rsa", "signing")
    keys.servers[0].withdraw(key["name"])
    found, code = keys.status()
    assert code == 1 and found[key["selector"]]["problem"].startswith(f"ns1.{DOMAIN} [")
    before = unseen(keys.stack)
    keys.advance()
    assert unseen(keys.stack) == before + 1
    wait("the metric", lambda: metric(keys.stack, "dkim_keys_unseen") == before + 1)
    assert keys.signatures()["rsa-sha256"] == key["selector"]
    keys.publish(key)
    keys.advance()
    assert keys.status()[1] == 0


@pytest.mark.rows("F152")
def test_waiting_for_dns(keys):
    """--wait takes the step as soon as DNS is ready, and fails when it is not."""
    keys.stack.cli("dkim", "rotate", DOMAIN, "--algorithm", "ed25519")
    new = keys.find("ed25519", "waiting")
    done = keys.stack.cli("dkim", "advance", DOMAIN, "--wait", "1s", check=False)
    assert done.returncode == 1 and f"{new['selector']} waits: there is no record" in done.stdout
    keys.publish(new)
    assert f"{new['selector']} signs from now on" in keys.stack.cli("dkim", "advance", DOMAIN, "--wait", "10s")


@pytest.mark.rows("F099", "F152")
def test_by_a_timer(keys):
    """Nothing is said of what waits or of DNS that is away; several at once take each step once."""
    quietly = ("dkim", "advance", DOMAIN, "--quiet")
    keys.stack.cli("dkim", "rotate", DOMAIN, "--algorithm", "ed25519")
    new = keys.find("ed25519", "waiting")
    done = keys.stack.cli(*quietly, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with keys.stack.without("unbound"):
        done = keys.stack.cli(*quietly, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for kind, state in (("rsa", "signing"), ("ed25519", "signing"), ("ed25519", "waiting")):  # the resolver was restarted
        keys.publish(keys.find(kind, state))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        said = "".join(pool.map(lambda _: keys.stack.cli(*quietly), range(4)))
    assert said.count(f"{new['selector']} signs from now on") == 1 and said.count("is retired") == 1, said
    assert keys.stack.cli(*quietly) == ""


@pytest.mark.rows("F099")
def test_resolver_away(keys):
    """Nothing is known then, and nothing is changed."""
    keys.stack.cli("dkim", "rotate", DOMAIN)
    before = in_database(keys.stack, f"SELECT selector, state, problem FROM dkim_key WHERE domain = '{DOMAIN}'")
    with keys.stack.without("unbound"):
        done = keys.stack.cli("dkim", "advance", DOMAIN, check=False)
    assert done.returncode == 1 and f"the name servers of {DOMAIN}: DNS cannot be asked now" in done.stderr
    assert in_database(keys.stack, f"SELECT selector, state, problem FROM dkim_key WHERE domain = '{DOMAIN}'") == before


@pytest.mark.rows("F153", "F199")
def test_switched_off_and_on(keys):
    for kind in ("rsa", "ed25519"):  # the resolver was restarted
        keys.publish(keys.find(kind, "signing"))
    refused = keys.stack.cli("dkim", "disable", DOMAIN, check=False)
    assert refused.returncode == 1 and "not confirmed" in refused.stderr and keys.signatures()
    keys.stack.cli("dkim", "disable", DOMAIN, "--yes")
    assert keys.signatures() == {}
    keys.stack.cli("dkim", "enable", DOMAIN)
    assert set(keys.signatures()) == {"rsa-sha256", "ed25519-sha256"}


def test_bad_words(keys):
    for words, problem in [(("rotate", DOMAIN, "--algorithm", "dsa"), "rsa or ed25519"), (("advance", DOMAIN, "--wait", "soon"), "a duration"),
                           (("advance", "--wait", "1h"), "for one domain only"), (("advance", DOMAIN, "--wait", "1h", "--quiet"), "--wait or --quiet"),
                           (("advance", "nowhere.example"), "there are no keys"),
                           (("rotate", "nowhere.example"), "no domain nowhere.example")]:
        done = keys.stack.cli("dkim", *words, check=False)
        assert done.returncode in (1, 2) and problem in done.stderr, (words, done.stderr)
