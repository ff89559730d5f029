"""Answers from DNS hold as long as their TTL says: a name server of a domain's own counts what it is asked, and changes its records."""

import time

import authority
import pytest
from stack import admin, layout, mail, zones

DOMAIN = "of-its-own-server.example"
ANNA = admin.address("anna")
GOOD, BAD = f"v=spf1 ip4:{zones.FOREIGN_ADDRESS} -all", "v=spf1 -all"


def txt(name, ttl, value):
    return zones.txt(name, value).replace(" IN ", f" {ttl} IN ", 1)


@pytest.fixture
def server(stack, request):
    """Holds the domain alone; the stack's resolver asks it and keeps what it says."""
    made = authority.Authority(stack.lay.dir / request.node.name, stack.servers, request.node.name)
    zones.control(stack.lay, "local_zone", DOMAIN, "transparent")
    zones.control(stack.lay, "forward_add", DOMAIN, made.address)
    made.publish(txt("_dmarc." + DOMAIN, 3600, "v=DMARC1; p=none"))
    yield made
    zones.control(stack.lay, "forward_remove", DOMAIN)
    zones.control(stack.lay, "local_zone_remove", DOMAIN)
    zones.control(stack.lay, "flush_zone", DOMAIN)
    made.stop()


def results(stack):
    """What is written about a signed message of that domain that comes now."""
    sender = "someone@" + DOMAIN
    content = mail.sign(stack.lay, mail.message(sender, ANNA, mark=(mark := mail.new_mark())), DOMAIN)
    stack.client.send(sender, ANNA, content)
    return " ".join(stack.arrived(ANNA, mark)["Authentication-Results"].split())


@pytest.mark.rows("G15")
def test_a_changed_record_is_seen_when_its_ttl_is_over(stack, server):
    server.publish(txt(DOMAIN, 1, BAD))
    assert "spf=fail" in results(stack)
    server.publish(txt(DOMAIN, 1, GOOD))
    assert mail.wait_until(lambda: "spf=pass" in results(stack), 15)


@pytest.mark.rows("G15")
def test_a_record_is_asked_for_once_in_its_ttl(stack, server):
    """SPF, DMARC and the key: by many messages, over longer than the milter itself keeps an answer. What changes meanwhile is not seen."""
    key = zones.dkim_record(DOMAIN, zones.SELECTOR, stack.lay.dir / "dns/foreign.key").replace(" IN ", " 3600 IN ", 1)
    server.publish(txt(DOMAIN, 3600, GOOD))
    server.publish(key)
    found = results(stack)
    assert "spf=pass" in found and "dkim=pass" in found and "dmarc=pass" in found
    asked = server.asked("TXT")
    assert asked == 3
    server.publish(txt(DOMAIN, 3600, BAD))
    for _ in range(4):
        assert "spf=pass" in results(stack)
        time.sleep(0.4)
    assert "dkim=pass" in results(stack) and server.asked("TXT") == asked
