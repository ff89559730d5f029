"""Answers from DNS hold as long as their TTL says: a name server of a domain's own counts what it is asked, and changes its records."""

import time

import authority
import pytest
from stack import admin, layout, mail, zones

ANNA = admin.address("anna")
GOOD, BAD = f"v=spf1 ip4:{zones.FOREIGN_ADDRESS} -all", "v=spf1 -all"


def txt(name, ttl, value):
    return zones.txt(name, value).replace(" IN ", f" {ttl} IN ", 1)


@pytest.fixture
def server(stack, request):
    """Holds a domain that no other test asks about, and that alone; the stack's resolver asks it and keeps what it says."""
    domain = f"own-server-{next(stack.numbers)}.example"
    made = authority.Authority(stack.lay.dir / request.node.name, stack.servers, request.node.name)
    zones.control(stack.lay, "local_zone", domain, "transparent")
    zones.control(stack.lay, "forward_add", domain, made.address)
    made.domain = domain
    made.publish(txt("_dmarc." + domain, 3600, "v=DMARC1; p=none"))
    yield made
    zones.control(stack.lay, "forward_remove", domain)
    zones.control(stack.lay, "local_zone_remove", domain)
    zones.control(stack.lay, "flush_zone", domain)
    made.stop()


def results(stack, domain):
    """What is written about a signed message of that domain that comes now."""
    sender = "someone@" + domain
    content = mail.sign(stack.lay, mail.message(sender, ANNA, mark=(mark := mail.new_mark())), domain)
    stack.client.send(sender, ANNA, content)
    return " ".join(stack.arrived(ANNA, mark)["Authentication-Results"].split())


@pytest.mark.rows("G15")
def test_a_changed_record_is_seen_when_its_ttl_is_over(stack, server):
    server.publish(txt(server.domain, 1, BAD))
    assert "spf=fail" in results(stack, server.domain)
    server.publish(txt(server.domain, 1, GOOD))
    assert mail.wait_until(lambda: "spf=pass" in results(stack, server.domain), 15)


@pytest.mark.rows("G15")
def test_a_record_is_asked_for_once_in_its_ttl(stack, server):
    """SPF, DMARC and the key: by many messages, over longer than the milter itself keeps an answer. What changes meanwhile is not seen."""
    key = zones.dkim_record(server.domain, zones.SELECTOR, stack.lay.dir / "dns/foreign.key").replace(" IN ", " 3600 IN ", 1)
    server.publish(txt(server.domain, 3600, GOOD))
    server.publish(key)
    found = results(stack, server.domain)
    assert "spf=pass" in found and "dkim=pass" in found and "dmarc=pass" in found
    asked = server.asked("TXT")
    assert asked == 3
    server.publish(txt(server.domain, 3600, BAD))
    for _ in range(4):
        assert "spf=pass" in results(stack, server.domain)
        time.sleep(0.4)
    assert "dkim=pass" in results(stack, server.domain) and server.asked("TXT") == asked
