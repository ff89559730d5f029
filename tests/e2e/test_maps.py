"""Mail through the real Postfix over the maps that the administrator fills: alias domains and what ends, relay domains, transports, access rules, milters a
client. Each with its good case, its refusal, and the database away."""

import random
import time

import pytest
from stack import admin, layout, mail, mariadb, postfix, zones

SINK = "smtp:[127.0.0.1]:{}"


def unique(stack, suffix="example.org"):
    return f"d{next(stack.numbers)}{random.randrange(10 ** 6)}.{suffix}"


@pytest.fixture(scope="module")
def twin(stack):
    """An alias domain of the hosted one."""
    name = "twin." + layout.DOMAIN
    admin.add_domain(stack.lay, name, "--alias-of", layout.DOMAIN)
    return name


@pytest.fixture(scope="module")
def relay(stack):
    """A domain whose mailboxes are on the foreign host."""
    name = "branch." + layout.DOMAIN
    admin.add_domain(stack.lay, name, "--relay", SINK.format(stack.lay.ports["sink"]))
    return name


@pytest.fixture
def rule(stack):
    """Sets rules for one test, and takes them back after it. lookup has seen each within a second."""
    taken = set()

    def put(which, pattern, *value):
        stack.cli("rule", "set", which, pattern, *value)
        taken.add((which, pattern))
        time.sleep(1.2)
    yield put
    for which, pattern in taken:
        stack.cli("rule", "del", which, pattern)
    time.sleep(1.2)


def accepted(stack, to, **kwargs):
    """The mark once it is taken; Postfix and lookup need a moment to see what changed."""
    def attempt():
        try:
            return stack.inbound(to, **kwargs)
        except mail.Refused:
            return None
    mark = mail.wait_until(attempt, 15)
    assert mark, f"{to} is still refused"
    return mark


def refused_at_last(stack, to, **kwargs):
    def attempt():
        try:
            stack.inbound(to, **kwargs)
        except mail.Refused as no:
            return no
        return None
    no = mail.wait_until(attempt, 15)
    assert no, f"{to} is still taken"
    return no


# ---- alias domains

@pytest.mark.rows("G05")
def test_mail_to_an_alias_domain(stack, twin, refuses):
    user = stack.user()
    local = user.partition("@")[0]
    stack.arrived(user, stack.inbound(f"{local}@{twin}"))
    assert "anna+shop@" + layout.DOMAIN in str(stack.arrived(admin.address("anna"), stack.inbound("anna+shop@" + twin)))
    mark = stack.inbound("sales@" + twin)
    for who in ("anna", "ben"):
        stack.arrived(admin.address(who), mark)
    with refuses(550, at="RCPT"):
        stack.inbound("nobody@" + twin)
    stack.client.sunk(stack.inbound("outside@" + twin))


@pytest.mark.rows("G05")
def test_sending_under_an_alias_domain(stack, twin, refuses):
    user, other = stack.user(), stack.user()
    under = f"{user.partition('@')[0]}@{twin}"
    to = "someone@" + layout.ELSEWHERE
    envelope, message = stack.client.sunk(stack.submit(user, to, header_from=under, sender=under))
    assert envelope["from"] == under
    assert b"d=" + twin.encode() in message.replace(b"\r\n\t", b"").partition(b"DKIM-Signature:")[2][:300]
    with refuses(553, at="RCPT"):
        stack.submit(other, to, header_from=under, sender=under)
    with refuses(553, at="RCPT"):
        stack.submit(user, to, sender="nobody@" + twin)


@pytest.mark.rows("G05")
def test_alias_domain_with_the_database_away(stack, twin, refuses):
    known, unseen = stack.user(), stack.user()
    at_twin = [f"{user.partition('@')[0]}@{twin}" for user in (known, unseen)]
    stack.arrived(known, stack.inbound(at_twin[0]))
    with stack.without("mariadb"):
        stack.arrived(known, stack.inbound(at_twin[0]))
        with refuses(451, at="RCPT"):
            stack.inbound(at_twin[1])


# ---- what ends, what is off

@pytest.mark.rows("G05")
def test_alias_that_ends(stack, refuses):
    user = stack.user()
    alias = f"ends{next(stack.numbers)}@{admin.CATCH_ALL}"
    stack.cli("alias", "add", alias, user, "--expires", "6s")
    stack.arrived(user, accepted(stack, alias))
    no = refused_at_last(stack, alias)          # and the catch-all of that domain does not take it
    assert no.code == 550
    stack.cli("alias", "set", alias, "--expires", "1h")
    stack.arrived(user, accepted(stack, alias))
    stack.cli("alias", "set", alias, "--off")
    assert refused_at_last(stack, alias).code == 550
    with refuses(553, at="RCPT"):
        stack.submit(user, "someone@" + layout.ELSEWHERE, sender=alias)


@pytest.mark.rows("G05")
def test_masked_address(stack, refuses):
    user = stack.user()
    mask = stack.cli("alias", "mask", user, "--note", "the shop").strip()
    stack.arrived(user, accepted(stack, mask))
    envelope, _ = stack.client.sunk(stack.submit(user, "someone@" + layout.ELSEWHERE, sender=mask, header_from=mask))
    assert envelope["from"] == mask
    with refuses(553, at="RCPT"):
        stack.submit(stack.user(), "someone@" + layout.ELSEWHERE, sender=mask)


@pytest.mark.rows("G05")
def test_refused_address_of_a_catch_all_domain(stack):
    address = f"left{next(stack.numbers)}@{admin.CATCH_ALL}"
    stack.arrived(admin.address("ben"), stack.inbound(address))
    stack.cli("alias", "refuse", address)
    assert refused_at_last(stack, address).code == 550
    stack.arrived(admin.address("ben"), stack.inbound(f"else{next(stack.numbers)}@{admin.CATCH_ALL}"))
    stack.cli("alias", "del", address)
    stack.arrived(admin.address("ben"), accepted(stack, address))


@pytest.mark.rows("G09")
def test_user_that_ends(stack):
    user = stack.user("--expires", "6s")
    stack.arrived(user, stack.inbound(user))
    assert refused_at_last(stack, user).code == 550
    with pytest.raises(mail.Refused) as no:
        stack.submit(user, "someone@" + layout.ELSEWHERE)
    assert no.value.where == "AUTH" and no.value.code == 535
    with pytest.raises(stack.client.no_login):
        stack.client.fetch(user, admin.PASSWORD, "anything")


@pytest.mark.rows("G09")
def test_user_that_only_receives(stack):
    user = stack.user("--receive-only")
    stack.arrived(user, stack.inbound(user))
    with pytest.raises(mail.Refused) as no:
        stack.submit(user, "someone@" + layout.ELSEWHERE)
    assert no.value.where == "AUTH"


@pytest.mark.rows("G09")
def test_user_that_only_receives_from_now_on(stack):
    """A session that is logged in already may not send either, nor as the null sender, which belongs to nobody."""
    user = stack.user()
    to = "someone@" + layout.ELSEWHERE
    with stack.client.submission(user, admin.PASSWORD) as smtp:
        stack.cli("user", "set", user, "--receive-only")
        for sender in (user, ""):
            def attempt():
                try:
                    mail.transaction(smtp, sender, to, mail.message(user, to))
                except mail.Refused as no:
                    return no
                return None
            no = mail.wait_until(attempt, 10)
            assert no and no.where == "RCPT" and no.code in (550, 553), no


# ---- relay domains

@pytest.mark.rows("G09")
def test_relay_domain(stack, relay, refuses):
    envelope, message = stack.client.sunk(stack.inbound("Some.Body@" + relay, sender="someone@" + layout.FOREIGN))
    assert envelope["to"] == ["Some.Body@" + relay] and envelope["from"] == "someone@" + layout.FOREIGN
    assert b"Authentication-Results: " + layout.HOSTNAME.encode() in message
    local = stack.user()
    stack.cli("alias", "add", "info@" + relay, local)
    stack.arrived(local, accepted(stack, "info@" + relay))
    gone = f"gone{next(stack.numbers)}@{relay}"
    stack.cli("alias", "refuse", gone)
    assert refused_at_last(stack, gone).code == 550
    envelope, _ = stack.client.sunk(stack.submit(local, "x@" + relay))
    assert envelope["to"] == ["x@" + relay]
    with refuses(554, at="RCPT"):                       # ours is that domain, not its neighbours
        stack.inbound("x@sub." + relay)


@pytest.mark.rows("G09")
def test_relay_domain_with_listed_recipients(stack, refuses):
    name = unique(stack)
    admin.add_domain(stack.lay, name, "--relay", SINK.format(stack.lay.ports["sink"]), "--recipients", "listed")
    stack.cli("alias", "add", "known@" + name, "known@" + name)
    envelope, _ = stack.client.sunk(accepted(stack, "known@" + name))
    assert envelope["to"] == ["known@" + name]
    stack.client.sunk(stack.inbound("known+tag@" + name))
    with refuses(550, at="RCPT"):
        stack.inbound("unknown@" + name)
    stack.cli("alias", "add", "unknown@" + name, "unknown@" + name)
    stack.client.sunk(accepted(stack, "unknown@" + name))


@pytest.mark.rows("G09")
def test_relay_domain_with_the_database_away(stack, relay, refuses):
    known = f"known{next(stack.numbers)}@{relay}"
    stack.client.sunk(stack.inbound(known))
    with stack.without("mariadb"):
        stack.client.sunk(stack.inbound(known))
        with refuses(451, at="RCPT"):
            stack.inbound(f"unseen{next(stack.numbers)}@{relay}")
        with refuses(451, at="RCPT"):
            stack.inbound("x@" + unique(stack))


# ---- transports

def test_transport_of_a_domain_and_of_an_address(stack, rule):
    """`error` and the sink tell by which way mail has gone: the way to everybody else is the sink, too, so a closed domain and an address out of it show both."""
    user, name = stack.user(), "far.example"
    rule("transport", name, "error:5.1.2 that place is closed")
    rule("transport", "boss@" + name, SINK.format(stack.lay.ports["sink"]))
    with pytest.raises(mail.Refused) as no:             # known at once, so refused at once
        stack.submit(user, "someone@" + name)
    assert "that place is closed" in str(no.value)
    envelope, _ = stack.client.sunk(stack.submit(user, "boss@" + name))
    assert envelope["to"] == ["boss@" + name]
    stack.client.sunk(stack.submit(user, "someone@" + layout.ELSEWHERE))
    with stack.without("mariadb"):
        stack.client.sunk(stack.submit(user, "boss@" + name))


def test_a_rule_for_sub_domains_leaves_ours_alone(stack, rule):
    rule("transport", ".org", "error:5.1.2 no such place")
    stack.arrived(admin.address("anna"), stack.inbound(admin.address("anna")))
    with pytest.raises(mail.Refused, match="no such place"):
        stack.submit(stack.user(), "someone@far-away.org")


# ---- access

NET = "127.77.0.0/16"           # a part of the loopback that nobody else comes from


def test_client_access(stack, rule, refuses):
    user = stack.user()
    rule("client", NET, "REJECT", "5.7.1 not from there")
    with refuses(554, at="RCPT") as no:
        stack.inbound(user, source="127.77.1.1")
    assert "not from there" in str(no.value)
    stack.arrived(user, stack.inbound(user))
    rule("client", "127.77.1.2", "DUNNO")
    stack.arrived(user, stack.inbound(user, source="127.77.1.2"))
    rule("client", NET, "DEFER", "4.7.1 later")
    with refuses(450, at="RCPT"):
        stack.inbound(user, source="127.77.1.1")


def test_client_access_holds(stack, rule):
    user = stack.user()
    rule("client", NET, "HOLD", "look at it first")
    mark = stack.inbound(user, source="127.77.1.3")
    time.sleep(3)
    assert stack.absent(user, mark)
    held = [message["queue_id"] for message in postfix.queue(stack.lay) if message["queue_name"] == "hold"]
    assert len(held) == 1
    postfix.release(stack.lay, held[0])
    stack.arrived(user, mark)


def test_sender_access(stack, rule, refuses):
    user = stack.user()
    rule("sender", "spammer@" + layout.FOREIGN, "REJECT")
    with refuses(554, at="RCPT"):
        stack.inbound(user, sender="Spammer@" + layout.FOREIGN)
    stack.arrived(user, stack.inbound(user, sender="other@" + layout.FOREIGN))
    rule("sender", "<>", "REJECT")
    with refuses(554, at="RCPT"):
        stack.inbound(user, sender="")


def test_recipient_access_also_for_our_own_users(stack, rule, refuses):
    user, other = stack.user(), stack.user()
    rule("recipient", user, "REJECT", "5.7.1 nothing for that one")
    with refuses(554, at="RCPT"):
        stack.inbound(user)
    with refuses(554, at="RCPT"):
        stack.submit(other, user)
    stack.arrived(other, stack.inbound(other))


def test_no_rule_opens_a_relay(stack, rule, refuses):
    """Whatever stands in the tables: nothing that permits is answered, and a DUNNO permits nothing."""
    for which, pattern in (("client", "127.77.9.9"), ("sender", "x@" + layout.FOREIGN), ("recipient", "someone@" + layout.ELSEWHERE)):
        rule(which, pattern, "DUNNO")
    with refuses(554, at="RCPT"):
        stack.inbound("someone@" + layout.ELSEWHERE, sender="x@" + layout.FOREIGN, source="127.77.9.9")
    mariadb.sql(stack.lay, "UPDATE rule SET value = 'OK' WHERE value = 'DUNNO'; INSERT INTO change_log (at, kind, name, what) VALUES "
                           "(UTC_TIMESTAMP(), 'rules', 'client', 'x'), (UTC_TIMESTAMP(), 'rules', 'sender', 'x'), (UTC_TIMESTAMP(), 'rules', 'recipient', 'x')")
    time.sleep(1.5)
    with refuses(554, at="RCPT"):
        stack.inbound("someone@" + layout.ELSEWHERE, sender="x@" + layout.FOREIGN, source="127.77.9.9")
    assert "rules-ignored" in stack.log("lookup")


def test_access_with_the_database_away(stack, rule, refuses):
    known = stack.user()
    rule("client", NET, "REJECT")
    with refuses(554, at="RCPT"):
        stack.inbound(known, source="127.77.1.5")
    stack.arrived(known, stack.inbound(known))
    with stack.without("mariadb"):
        stack.arrived(known, stack.inbound(known))
        time.sleep(6)       # the rules may be out of date now: not now, instead of never
        with refuses(451, at="RCPT"):
            stack.inbound(known, source="127.77.1.5")


# ---- milters

def test_milter_for_one_client(stack, rule):
    """Postfix asks with the address alone (never the name), and takes the ordinary milters where lookup has none, or cannot tell."""
    user = stack.user()
    gtube = {"body": mail.GTUBE + "\n"}
    rule("milter", "127.77.2.0/24", "DISABLE")
    unseen = stack.arrived(user, stack.inbound(user, source="127.77.2.1", **gtube))
    assert "Authentication-Results" not in unseen
    with pytest.raises(mail.Refused):
        stack.inbound(user, source="127.77.3.1", **gtube)
    rule("milter", "127.77.2.7", "inet:127.0.0.1:1")    # nobody there: milter_default_action
    with pytest.raises(mail.Refused) as no:
        stack.inbound(user, source="127.77.2.7")
    assert no.value.code // 100 == 4
    with stack.without("lookup"):
        pass
    assert "Authentication-Results" in stack.arrived(user, stack.inbound(user, source=zones.FOREIGN_ADDRESS))
