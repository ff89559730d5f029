"""How mail must be protected on the way out: policies of the administrator."""

import json

import pytest
from stack import layout, mail, postfix
from test_quarantine import setting
from test_relay import Relay, arrived_at, assign, deferred

PARTNER = "someone@" + layout.ELSEWHERE


@pytest.fixture
def policy(stack):
    made = []

    def set_policy(destination, *words):
        stack.cli("tlspolicy", "set", destination, *words)
        made.append(destination)
    yield set_policy
    for destination in made:
        stack.cli("tlspolicy", "del", destination, check=False)
    postfix.delete_all(stack.lay)


@pytest.mark.rows("G08")
def test_policy_of_a_host(stack, policy):
    """The sink offers no TLS: what must be encrypted waits, and leaves when the policy is gone."""
    sink, user = f"[127.0.0.1]:{stack.lay.ports['sink']}", stack.user()
    policy(sink, "encrypt")
    mark = stack.submit(user, PARTNER)
    assert "TLS is required" in deferred(stack, user)
    stack.cli("tlspolicy", "del", sink)
    assert stack.client.sunk(mark, seconds=30)[0]["X-Tls"] == "no"


@pytest.mark.rows("G08", "G07")
def test_policy_holds_for_exempt_senders(stack, policy):
    """Their mail leaves by a service of its own."""
    sink = f"[127.0.0.1]:{stack.lay.ports['sink']}"
    policy(sink, "encrypt")
    with setting(stack, forward_exempt_networks="127.250.9.0/24"):
        mark = stack.inbound(stack.alias(PARTNER), sender="stranger@" + layout.FOREIGN, source="127.250.9.1")
        queued = mail.wait_until(lambda: [e["sender"] for e in postfix.queue(stack.lay) if e["sender"].startswith("EXEMPT=")])
    assert "TLS is required" in deferred(stack, queued[0])
    stack.cli("tlspolicy", "del", sink)
    assert stack.client.sunk(mark, seconds=30)[0]["from"] == "stranger@" + layout.FOREIGN


@pytest.mark.rows("G08", "G01")
def test_known_policy_holds_while_the_database_is_away(stack, policy):
    sink, user = f"[127.0.0.1]:{stack.lay.ports['sink']}", stack.user()
    policy(sink, "encrypt")
    first = stack.submit(user, PARTNER)
    assert "TLS is required" in deferred(stack, user)
    with stack.without("mariadb"):
        second = stack.submit(user, "other@" + layout.ELSEWHERE)
        assert mail.wait_until(lambda: len([e for e in postfix.queue(stack.lay) if e["sender"] == user]) == 2, 20)
        deferred(stack, user)
    for mark in (first, second):
        assert not any(mark.encode() in path.read_bytes() for path in stack.lay.sink.glob("*.eml"))


@pytest.mark.rows("G06", "G08")
def test_relay_host_without_a_name(stack, policy):
    """A log-in goes to a host that proves its name; the administrator may know better."""
    relay, user = Relay(stack, "relay"), stack.user()
    try:
        relay.knows("me:secret")
        assign(stack, user, relay, "me:secret", host="127.0.0.1")
        policy(f"[127.0.0.1]:{relay.port}", "encrypt")
        envelope = arrived_at(stack, relay, stack.submit(user, PARTNER))
        assert envelope["X-Login"] == "me" and envelope["X-Tls"] == "yes"
    finally:
        stack.cli("relay", "del", user)
        relay.stop()


@pytest.mark.rows("G08")
def test_verb(stack, policy):
    policy("Example.COM", "secure", "match=mx.example.com:.example.com", "servername=hostname")
    policy(".example.com", "encrypt")
    policy("[Relay.example]", "dane-only")
    assert {e["destination"]: e["policy"] for e in json.loads(stack.cli("tlspolicy", "list", "--json"))} == {
        "example.com": "secure match=mx.example.com:.example.com servername=hostname", ".example.com": "encrypt", "[relay.example]:25": "dane-only"}
    assert stack.cli("tlspolicy", "show", "Example.com").splitlines() == [
        "administrator: tlspolicy set example.com", "example.com: secure match=mx.example.com:.example.com servername=hostname"]
    assert "tlspolicy set .example.com\na.b.example.com: encrypt" in stack.cli("tlspolicy", "show", "a.b.example.com")
    assert "dane-only" in stack.cli("tlspolicy", "show", "[relay.example]:25") and "no policy" in stack.cli("tlspolicy", "show", "[relay.example]:26")
    assert "no policy is announced" in stack.cli("tlspolicy", "show", "example.net")
    for words, said in [(["example.net", "fast"], "none, may"), (["example.net", "secure", "colour=blue"], "NAME=VALUE"),
                        (["example.net", "secure", "match="], "NAME"), (["a@example.net", "may"], "domain"),
                        (["example.net", "fingerprint"], "match="), (["not a domain", "may"], "not a domain"),
                        (["example.net", "may", "x" * 600], "characters")]:
        done = stack.cli("tlspolicy", "set", *words, check=False)
        assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) == 1, (words, done)
    assert stack.cli("tlspolicy", "del", "example.net", check=False).returncode == 1


@pytest.mark.rows("G08")
def test_answers(stack, policy):
    """What Postfix hears, with its own postmap."""
    policy("example.com", "verify")
    policy(".example.com", "encrypt")
    policy("[192.0.2.1]", "none")

    def ask(key):
        return postfix.postmap(stack.lay, f"socketmap:unix:{stack.lay.run}/lookup/map.sock:tls-policy", key)
    assert mail.wait_until(lambda: ask("[192.0.2.1]") == "none", 5)
    answers = {key: ask(key) for key in ("example.com", "EXAMPLE.com", "x.example.com", ".example.com", "[192.0.2.1]:25", "[192.0.2.1]:26", "example.net")}
    assert answers == {"example.com": "verify", "EXAMPLE.com": "verify", "x.example.com": "encrypt", ".example.com": "", "[192.0.2.1]:25": "none",
                       "[192.0.2.1]:26": "", "example.net": ""}
