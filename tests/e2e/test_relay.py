"""Relay hosts by sender, against hosts that want TLS and a log-in before they take mail."""

import shutil
import time

import pytest
from stack import admin, layout, mail, postfix, units
from test_quarantine import setting

PARTNER = "someone@" + layout.ELSEWHERE
STRANGER = "stranger@" + layout.FOREIGN
# A user is revoked when `mailreeve relay del` returns; from then on so many seconds at most.
REVOKED = 1


class Relay:
    """A host at localhost:PORT that knows the log-ins of its file."""

    def __init__(self, stack, name, tls=True):
        self.stack, self.name, self.port = stack, name, stack.lay.ports[name]
        self.folder = stack.lay.dir / name
        self.folder.mkdir(exist_ok=True)
        self.logins = self.folder / "logins"
        self.logins.write_text("")
        certificate = [stack.lay.tls / "cert.pem", stack.lay.tls / "key.pem", self.logins] if tls else []
        stack.servers.start(name, ["/usr/bin/python3", layout.SOURCE / "packaging/stack/sink.py", self.port, self.folder, *certificate], restart=True)
        units.wait_for(name, units.listening(("127.0.0.1", self.port)))

    def knows(self, *logins):
        self.logins.write_text("".join(login + "\n" for login in logins))

    def got(self, mark, seconds=0):
        """What arrived with that mark: its envelope, or None."""
        def look():
            found = [mail.split(path.read_bytes())[0] for path in self.folder.glob("*.eml") if mark.encode() in path.read_bytes()]
            return found[0] if found else None
        return mail.wait_until(look, seconds)

    def stop(self):
        self.stack.servers.stop(self.name)
        shutil.rmtree(self.folder)


@pytest.fixture
def relays(stack):
    both = [Relay(stack, "relay"), Relay(stack, "relay2")]
    yield both
    for line in stack.cli("relay", "list").splitlines()[1:]:
        stack.cli("relay", "del", line.split()[0])
    for relay in both:
        relay.stop()
    postfix.delete_all(stack.lay)


def assign(stack, owner, relay, login=None, host="localhost"):
    user, _, password = (login or "").partition(":")
    stack.cli("relay", "set", owner, f"{host}:{relay.port}", *(["--user", user] if login else []), stdin=password + "\n")


def deferred(stack, sender, seconds=20):
    """Postfix's reason why the one message of this sender waits."""
    def look():
        return [r["delay_reason"] for e in postfix.queue(stack.lay) if e["sender"] == sender for r in e["recipients"] if r.get("delay_reason")]
    reasons = mail.wait_until(look, seconds)
    assert reasons, postfix.queue(stack.lay)
    return reasons[0]


def submit_until(stack, user, where, seconds=REVOKED):
    """Sends until where(mark) holds for what was sent last; none that is sent so many seconds from now may be among those for which it does not.
    Each to a recipient of its own: Postfix's queue manager keeps the way of the last sender and recipient for half a minute."""
    began = time.monotonic()
    while True:
        sent, mark = time.monotonic() - began, stack.submit(user, f"r{next(stack.numbers)}@{layout.ELSEWHERE}")
        if where(mark):
            return
        assert sent < seconds


def arrived_at(stack, relay, mark):
    """The envelope with that mark at the relay host or at the host that takes all other mail."""
    def look():
        sunk = [mail.split(path.read_bytes())[0] for path in stack.lay.sink.glob("*.eml") if mark.encode() in path.read_bytes()]
        return relay.got(mark) or (sunk and sunk[0])
    envelope = mail.wait_until(look, 20)
    assert envelope, "it waits, or came back"
    return envelope


@pytest.mark.rows("G06")
def test_two_users_of_one_domain(stack, relays):
    users = [stack.user() for _ in relays]
    for number, (user, relay) in enumerate(zip(users, relays)):
        relay.knows(f"login{number}:secret: {number}")
        assign(stack, user, relay, f"login{number}:secret: {number}")
    for number, (user, relay) in enumerate(zip(users, relays)):
        for sender in (user, user.replace("@", "+lists@")):
            envelope = relay.got(stack.submit(user, PARTNER, sender=sender), 20)
            assert envelope["X-Login"] == f"login{number}" and envelope["X-Tls"] == "yes" and envelope["from"] == sender
    other = stack.client.sunk(stack.submit(stack.user(), PARTNER))[0]
    assert other["X-Login"] == ""
    assert "secret" not in stack.cli("relay", "list") + stack.cli("relay", "show", users[0], "--json")
    assert all(f"secret: {n}" not in log.read_text(errors="replace") for n in (0, 1) for log in stack.lay.log.glob("*.log"))


@pytest.mark.rows("G06")
def test_never_for_local_recipients(stack, relays):
    user, relay = stack.user(), relays[0]
    assign(stack, user, relay, "me:secret")
    mark = stack.submit(user, stack.probe)
    stack.arrived(stack.probe, mark)
    assert not relay.got(mark)


@pytest.mark.rows("G06")
def test_nearest_owner(stack, relays):
    """User before domain before everybody; a bounce of ours leaves by the host of everybody, logged in."""
    near, far = relays
    far.knows("firm:blue sky", "all:of us")
    user, other = stack.user(), stack.user()
    assign(stack, user, near)
    assign(stack, layout.DOMAIN, far, "firm:blue sky")
    assign(stack, "default", far, "all:of us")
    assert b"log in first" in stack.arrived(user, stack.submit(user, PARTNER)).as_bytes()  # the bounce: it went there, without a log-in
    assert far.got(stack.submit(other, PARTNER), 20)["X-Login"] == "firm"
    stack.cli("relay", "del", layout.DOMAIN)
    assert far.got(stack.submit(other, PARTNER), 20)["X-Login"] == "all"
    mark = stack.inbound(stack.alias("refuse@" + layout.ELSEWHERE), sender=STRANGER)
    envelope = far.got(mark, 30)
    assert envelope["from"] == "" and envelope["to"] == [STRANGER] and envelope["X-Login"] == "all"


@pytest.mark.rows("G06", "G05")
def test_alias_domain(stack, relays):
    """Under an alias domain the relay host is that of the domain for which it stands, unless it has one of its own."""
    near, far = relays
    near.knows("firm:blue sky")
    far.knows("twin:red sky")
    user, twin = stack.user(), "relayed-twin.example.org"
    stack.cli("domain", "add", twin, "--alias-of", layout.DOMAIN)
    assign(stack, layout.DOMAIN, near, "firm:blue sky")
    sender = user.replace(layout.DOMAIN, twin)
    assert near.got(stack.submit(user, PARTNER, sender=sender), 20)["X-Login"] == "firm"
    assign(stack, twin, far, "twin:red sky")
    submit_until(stack, user, lambda mark: near.got(mark, 20))
    envelope = far.got(stack.submit(user, f"r{next(stack.numbers)}@{layout.ELSEWHERE}", sender=sender), 20)
    assert envelope["X-Login"] == "twin" and envelope["from"] == sender


@pytest.mark.rows("G06")
def test_forwarded_mail_keeps_its_way(stack, relays):
    """Neither the host of the domain whose alias it is nor anybody's log-in is for it; that of everybody is, after the second pass."""
    domains, everybodys = relays
    domains.knows("firm:blue sky")
    assign(stack, layout.DOMAIN, domains, "firm:blue sky")
    mark = stack.inbound(admin.address("outside"), sender=STRANGER)
    envelope, content = stack.client.sunk(mark)
    assert envelope["from"].startswith("SRS0=") and envelope["X-Login"] == "" and content.count(b"Received: from ") == 2
    assert not domains.got(mark)
    everybodys.knows("all:of us")
    assign(stack, "default", everybodys, "all:of us")
    envelope = everybodys.got(stack.inbound(admin.address("outside"), sender=STRANGER), 20)
    assert envelope["from"].startswith("SRS0=") and envelope["X-Login"] == "all"


@pytest.mark.rows("G06", "G07")
def test_exempt_sender_through_a_relay_host(stack, relays):
    """That of everybody, with a log-in and without, sees the sender himself."""
    with setting(stack, forward_exempt_networks="127.250.8.0/24"):
        stack.cli("relay", "set", "default", f"localhost:{stack.lay.ports['sink']}")
        assert stack.client.sunk(stack.inbound(admin.address("outside"), sender=STRANGER, source="127.250.8.1"))[0]["from"] == STRANGER
        relays[0].knows("all:of us")
        assign(stack, "default", relays[0], "all:of us")
        envelope = relays[0].got(stack.inbound(stack.alias(PARTNER), sender=STRANGER, source="127.250.8.1"), 20)
        assert envelope["from"] == STRANGER and envelope["X-Login"] == "all"


@pytest.mark.rows("G06", "G03")
def test_revoked_within_a_second(stack, relays):
    user, relay = stack.user(), relays[0]
    relay.knows("me:old", "me:new", "you:new")
    assign(stack, user, relay, "me:old")
    assert relay.got(stack.submit(user, PARTNER), 20)["X-Login"] == "me"
    assign(stack, user, relay, "you:new")
    submit_until(stack, user, lambda mark: relay.got(mark, 20)["X-Login"] == "you")
    submit_until(stack, user, lambda mark: arrived_at(stack, relay, mark)["X-Login"] == "you")
    mark = stack.submit(user, PARTNER)
    assert arrived_at(stack, relay, mark)["X-Login"] == "you"
    stack.cli("relay", "del", user)
    same = stack.submit(user, PARTNER)  # for which Postfix remembers the relay host: it waits rather than go there without a log-in
    submit_until(stack, user, lambda mark: arrived_at(stack, relay, mark)["X-Login"] == "")
    assert not relay.got(same)


@pytest.mark.rows("G06", "G01")
def test_database_away(stack, relays):
    """What is known goes on, with its log-in; what is not waits, and leaves with its log-in once the database is back."""
    relay = relays[0]
    warm, cold = stack.user(), stack.user()
    relay.knows("warm:secret", "cold:secret")
    assign(stack, warm, relay, "warm:secret")
    assert relay.got(stack.submit(warm, PARTNER), 20)["X-Login"] == "warm"
    mark = mail.new_mark()
    stack.submit(cold, stack.probe)  # its log-in, and all else but its relay host, is known
    assign(stack, cold, relay, "cold:secret")
    with stack.without("mariadb"):
        assert relay.got(stack.submit(warm, PARTNER), 20)["X-Login"] == "warm"
        content = mail.message(cold, PARTNER, mark=mark)
        done = postfix.sendmail(stack.lay, content.replace(b"\r\n", b"\n"), PARTNER, sender=cold)
        assert done.returncode == 0, done.stderr
        assert mail.wait_until(lambda: any(e["sender"] == cold for e in postfix.queue(stack.lay)), 10)
        time.sleep(5)
        assert not relay.got(mark) and not any(mark.encode() in path.read_bytes() for path in stack.lay.sink.glob("*.eml"))
    assert relay.got(mark, 30)["X-Login"] == "cold"


@pytest.mark.rows("G06")
@pytest.mark.parametrize("spoil, reason", [("password", "535"), ("name", "not verified"), ("no TLS", "TLS is required")])
def test_without_the_log_in_mail_waits(stack, relays, spoil, reason):
    """A wrong password, a host that does not prove its name, and one without TLS: nothing is sent, and no password either."""
    user, relay = stack.user(), relays[0]
    relay.knows("me:secret")
    if spoil == "no TLS":
        relay.stop()
        relay = relays[0] = Relay(stack, "relay", tls=False)
    assign(stack, user, relay, "me:wrong" if spoil == "password" else "me:secret", host="127.0.0.1" if spoil == "name" else "localhost")
    mark = stack.submit(user, PARTNER)
    assert reason in deferred(stack, user)
    assert not relay.got(mark)


@pytest.mark.rows("G06")
def test_key_ring_lost(stack, relays):
    """Without the key ring a password cannot be opened: mail waits. With the ring back it leaves."""
    user, relay, ring = stack.user(), relays[0], stack.lay.keys / "relay-keyring"
    relay.knows("me:secret")
    assign(stack, user, relay, "me:secret")
    ring.rename(ring.with_suffix(".away"))
    try:
        with stack.without("lookup"):
            pass
        mark = stack.submit(user, PARTNER)
        deferred(stack, user)
        assert not relay.got(mark) and f"relay-password-unusable owner={user}" in stack.log("lookup")
    finally:
        ring.with_suffix(".away").rename(ring)
        with stack.without("lookup"):
            pass
    assert relay.got(mark, 30)["X-Login"] == "me"


def test_verbs_refuse(stack):
    user = stack.user()
    for words, stdin, said in [
            (["set", "nobody@" + layout.DOMAIN, "relay.example"], "", "there is no user"),
            (["set", "nowhere.example", "relay.example"], "", "there is no domain"),
            (["set", user, "relay.example:0"], "", "HOST:PORT"), (["set", user, "relay.example:x"], "", "HOST:PORT"),
            (["set", user, "not a host"], "", "not a host"),
            (["set", user, "relay.example", "--user", "a:b"], "x\n", "colon"), (["set", user, "relay.example", "--user", "a"], "", "no password"),
            (["set", user, "relay.example", "--user", "a"], "\n", "password"), (["set", user, "relay.example", "--user", "a\tb"], "x\n", "control"),
            (["del", user], "", "no relay host"), (["show", user], "", "no relay host")]:
        done = stack.cli("relay", *words, stdin=stdin, check=False)
        assert done.returncode == 1 and said in done.stderr and len(done.stderr.splitlines()) == 1, (words, done)
    stack.cli("relay", "set", user, "2001:DB8::1")
    assert "[2001:db8::1]:25" in stack.cli("relay", "show", user)
    stack.cli("relay", "set", user, "[2001:db8::1]:2525", "--user", "x", stdin="y\n")
    stack.cli("relay", "set", user.upper(), "Relay.Example", "--user", "x", stdin="y\n")
    assert "[relay.example]:587" in stack.cli("relay", "show", user)
    stack.cli("user", "del", user)
    assert user not in stack.cli("relay", "list")
