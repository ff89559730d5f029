"""policyd's checks on the real Postfix: rights of aliases, strangers, greylisting, and that each check can be switched off, observed and enforced."""

import contextlib
import json
import pathlib
import re
import socket

import pytest
from stack import admin, layout, mail, mariadb

STRANGER = "127.9.8.7"  # neither the host itself nor whom the other tests come from


@contextlib.contextmanager
def policy(stack, **options):
    """policyd with these options, without a restart; afterwards as it was."""
    def reload():
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(str(stack.lay.run / "policyd/control.sock"))
            peer.sendall(b"reload\n")
            assert peer.recv(1000) == b"ok\n"
    before = stack.lay.conf.read_text()
    try:
        stack.lay.conf.write_text(before + "policyd {\n" + "".join(f"\t{name} = {value}\n" for name, value in options.items()) + "}\n")
        reload()
        yield
    finally:
        stack.lay.conf.write_text(before)
        reload()


def said(stack, recipient, word):
    """policyd's last line about that recipient has the word, or will have it in a moment."""
    def last():
        return [line for line in stack.log("policyd").splitlines() if ": policy " in line and f"recipient={recipient}" in line][-1:]
    assert mail.wait_until(lambda: any(word in line for line in last()), 5), last()


def knows(stack, wait, address, line):
    """lookup says so of that address."""
    def answer():
        body = f"v=1\nid=1\ncmd=resolve\naddress={address}\n"
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(stack.lay.run / "lookup/directory.sock"))
            s.sendall(f"{len(body)}:{body},".encode())
            return line in s.recv(65536).decode()
    wait(f"{line} of {address}", answer)


@pytest.mark.rows("G09")
def test_rights_of_aliases(stack, refuses, wait):
    member, other = stack.user(), stack.user()
    staff, club = stack.alias(member), stack.alias(member, "far@" + layout.ELSEWHERE)
    outer = stack.alias(staff, other)
    stack.arrived(member, stack.inbound(staff))
    stack.cli("alias", "rights", staff, "internal")
    stack.cli("alias", "rights", club, "members")
    knows(stack, wait, staff, "internal=1")
    knows(stack, wait, club, f"who={member}")
    for closed in (staff, club, outer):  # the outer alias leads through a closed one
        with refuses(550, at="RCPT"):
            stack.inbound(closed)
    said(stack, outer, f"reason=rights-of-{staff}")
    with refuses(550, at="RCPT"):  # anybody can claim that
        stack.inbound(club, sender="far@" + layout.ELSEWHERE)
    with refuses(550, at="RCPT"):
        stack.inbound(staff, sender="")
    stack.arrived(member, stack.submit(other, staff))
    stack.arrived(member, stack.submit(member, club))
    with refuses(550, at="RCPT"):
        stack.submit(other, club)
    stack.cli("alias", "rights", club, "members", other)
    knows(stack, wait, club, f"who={other}")
    stack.arrived(member, stack.submit(other, club))
    shown = json.loads(stack.cli("alias", "show", club, "--json"))
    assert sorted(shown["senders"]) == sorted(["members", other])
    stack.cli("alias", "rights", staff, "anybody")
    wait("no rights", lambda: stack.cli("alias", "show", staff, "--json").count("anybody") == 1)
    stack.arrived(member, mail.wait_until(lambda: attempt(lambda: stack.inbound(staff)), 5))


def attempt(send):
    try:
        return send()
    except mail.Refused:
        return None


def test_rights_go_with_their_alias(stack):
    user = stack.user()
    alias = stack.alias(user)
    stack.cli("alias", "rights", alias, "internal", user)
    stack.cli("alias", "set", alias, user, stack.probe)  # other destinations, the same rights
    assert json.loads(stack.cli("alias", "show", alias, "--json"))["senders"] == ["internal", user]
    stack.cli("alias", "del", alias)
    stack.cli("alias", "add", alias, user)
    assert json.loads(stack.cli("alias", "show", alias, "--json"))["senders"] == ["anybody"]
    assert re.search(rf"^{alias} +on .*{user} +anybody *$", stack.cli("alias", "list", layout.DOMAIN), re.M)


@pytest.mark.parametrize("words, why", [
    (["nobody-at-all@" + layout.DOMAIN, "internal"], "there is no alias nobody-at-all@"),
    (["ALIAS", "anybody", "internal"], "anybody stands alone"),
    (["ALIAS", "everybody"], "anybody, or any of internal, members, an address, a domain"),
    (["ALIAS", "*"], "anybody, or any of internal, members, an address, a domain"),
    (["ALIAS", "someone@bad..example"], "someone@bad..example"),
    (["not an address", "internal"], "not an address"),
    (["ALIAS", *(f"u{n}@x.example" for n in range(101))], "1 to 100 rights"),
])
def test_what_rights_refuse(stack, words, why):
    alias = stack.alias(stack.probe)
    done = stack.cli("alias", "rights", *(alias if word == "ALIAS" else word for word in words), check=False)
    assert done.returncode in (1, 2) and why in done.stderr and len(done.stderr.splitlines()) == 1, done
    assert json.loads(stack.cli("alias", "show", alias, "--json"))["senders"] == ["anybody"]


@pytest.mark.rows("G09")
def test_strangers(stack, refuses):
    user, friend = stack.user(), stack.user()
    with policy(stack, helo_domain_mode="enforce", helo_fqdn_mode="enforce", client_ptr_mode="enforce"):
        for helo, code, reason in ((layout.HOSTNAME, 550, "helo-own"), ("[127.0.0.1]", 550, "helo-own"), (layout.DOMAIN, 550, "helo-domain"),
                                   ("laptop", 504, "helo-not-fqdn"), ("relay." + layout.DOMAIN, 450, "client-no-ptr")):
            with refuses(code, at="RCPT"):
                stack.inbound(user, source=STRANGER, helo=helo)
            said(stack, user, f"reason={reason}")
        # Who is awaited may call himself as he likes.
        stack.cli("user", "set", friend, "--allow", layout.FOREIGN)
        mark = mail.wait_until(lambda: attempt(lambda: stack.inbound(friend, source=STRANGER, helo="laptop")), 5)
        stack.arrived(friend, mark)
        stack.arrived(user, stack.submit(friend, user))
    with policy(stack, clients_deny=STRANGER, helo_fqdn_mode="enforce"):
        with refuses(554, at="RCPT"):
            stack.inbound(user, source=STRANGER)
        stack.inbound(user)
    with policy(stack, clients_allow="127.9.8.0/24", clients_deny="127.9.0.0/16", helo_fqdn_mode="enforce"):
        stack.arrived(user, stack.inbound(user, source=STRANGER, helo="laptop"))
        with refuses(554, at="RCPT"):
            stack.inbound(user, source="127.9.1.1")


@pytest.mark.rows("G09")
def test_greylisting(stack, refuses):
    user, friend = stack.user(), stack.user()
    sender = "regular@" + layout.FOREIGN
    with policy(stack, greylist_mode="enforce", greylist_delay="1s", greylist_clients_after=1):
        with refuses(451, at="RCPT") as caught:
            stack.inbound(user, sender=sender, source=STRANGER)
        assert "Greylisted: please try again in 1 minute" in str(caught.value)
        said(stack, user, "check=greylist reason=greylisted")
        mark = mail.wait_until(lambda: attempt(lambda: stack.inbound(user, sender=sender, source=STRANGER)), 10)
        stack.arrived(user, mark)
        stack.arrived(user, stack.inbound(user, source=STRANGER))  # the client is known
        with stack.without("redis"):
            stack.arrived(user, stack.inbound(user, source=STRANGER))
            stack.arrived(friend, stack.inbound(friend, source="127.9.7.7"))  # nothing is known of it: it passes
            said(stack, friend, "reason=redis-away")
        stack.arrived(friend, stack.submit(user, friend))
    stack.arrived(user, stack.inbound(user, source="127.9.6.6"))


# What a check refuses, made for one mode: a function that sends it.

def from_network(stack, source, **kwargs):
    user = stack.user()
    return lambda: stack.inbound(user, source=source, **kwargs)


def disabled_in_its_session(stack):
    """Who has logged in before."""
    user = stack.user()
    session = stack.client.submission(user, admin.PASSWORD)
    stack.cli("user", "set", user, "--disable")
    return lambda: mail.transaction(session, user, stack.probe, mail.message(user, stack.probe))


def full(stack):
    user = stack.user("--quota", "1")
    body = ("y" * 98 + "\n") * 6000
    for _ in range(2):
        stack.arrived(user, stack.inbound(user, body=body))
    return lambda: stack.inbound(user)


def denied(stack):
    user = stack.user()
    stack.cli("user", "set", user, "--deny", "denied.example")
    return lambda: stack.inbound(user, sender=f"s{next(stack.numbers)}@denied.example")


def closed(stack):
    alias = stack.alias(stack.probe)
    stack.cli("alias", "rights", alias, "internal")
    return lambda: stack.inbound(alias)


def limited(stack):
    user = stack.user()
    stack.cli("limit", "set", "user", user, "messages", "1/1d")
    stack.submit(user, stack.probe)
    return lambda: stack.submit(user, stack.probe)


def odd_names(stack):
    """An address whose name leads to another one: Postfix's resolver reads the file in its chroot."""
    hosts = stack.lay.queue / "etc/hosts"
    if "127.9.5.5" not in hosts.read_text():
        hosts.write_text("127.9.5.6 lonely.example\n127.9.5.5 lonely.example\n" + hosts.read_text())
    return from_network(stack, "127.9.5.5")


CHECKS = {
    "clients": (lambda stack: from_network(stack, STRANGER), {"clients_deny": STRANGER}),
    "account": (disabled_in_its_session, {}),
    "quota": (full, {}),
    "lists": (denied, {}),
    "rights": (closed, {}),
    "helo": (lambda stack: from_network(stack, STRANGER, helo=layout.HOSTNAME), {}),
    "helo_domain": (lambda stack: from_network(stack, STRANGER, helo=layout.DOMAIN), {}),
    "helo_fqdn": (lambda stack: from_network(stack, STRANGER, helo="laptop"), {}),
    "client_ptr": (lambda stack: from_network(stack, STRANGER), {}),
    "client_name": (odd_names, {}),
    "greylist": (lambda stack: from_network(stack, f"127.8.{next(stack.numbers) % 250}.1"), {}),
    "limits": (limited, {}),
}


def test_every_check_is_here():
    """But for hijack, which refuses nothing at RCPT: test_hijack.py."""
    manual = (pathlib.Path(__file__).resolve().parents[2] / "policyd/mailreeve-policyd.8").read_text()
    assert set(CHECKS) | {"hijack"} == set(re.findall(r"^\.It Ic (\w+)_on_error$", manual, re.M))


@pytest.mark.rows("G11")
@pytest.mark.parametrize("check", CHECKS)
def test_each_mode_of_each_check(stack, check):
    make, options = CHECKS[check]
    sends = {mode: make(stack) for mode in ("off", "observe", "enforce")}
    for mode, send in sends.items():
        with policy(stack, **options, **{f"{check}_mode": mode}):
            start = len(stack.log("policyd"))

            def lines(start=start):
                return [line for line in stack.log("policyd")[start:].splitlines() if ": policy " in line]

            def seen():
                return any(re.search(rf"(observed=|,){check}:", line) for line in lines())
            # What was written a moment ago comes round.
            if mode == "enforce":
                assert mail.wait_until(lambda send=send: at_rcpt(refusal(send)), 10)
            else:
                mail.wait_until(lambda send=send: at_rcpt(refusal(send)) or mode == "off" or seen(), 10)
            assert mail.wait_until(lines, 10)
            assert any(f" check={check} " in line for line in lines()) == (mode == "enforce")
            assert seen() == (mode == "observe")


def at_rcpt(error):
    """Later the milter may have its say, by the same lists."""
    return error is not None and error.where == "RCPT"


def refusal(send):
    try:
        send()
    except mail.Refused as error:
        return error
    return None


@pytest.mark.rows("G09")
def test_lists_of_user_domain_and_site(stack, refuses):
    """Of the three the nearest that names the sender decides."""
    user, other = stack.user(), stack.user()

    def sent(to, domain):
        return lambda: stack.inbound(to, sender=f"s{next(stack.numbers)}@{domain}", header_from=f"someone@{layout.FOREIGN}")

    def refused(send):
        error = mail.wait_until(lambda: refusal(send), 5)
        assert error and error.where == "RCPT" and error.code == 550, error

    def taken(to, send):
        stack.arrived(to, mail.wait_until(lambda: attempt(send), 5))
    with contextlib.ExitStack() as undo:
        stack.cli("domain", "set", "default", "--deny", "worse.example")
        undo.callback(stack.cli, "domain", "set", "default", "--unlist", "worse.example")
        refused(sent(user, "worse.example"))
        assert json.loads(stack.cli("domain", "show", "default", "--json")) == {"lists": [{"pattern": "worse.example", "action": "deny"}]}
        stack.cli("domain", "set", layout.DOMAIN, "--allow", "worse.example")
        undo.callback(stack.cli, "domain", "set", layout.DOMAIN, "--unlist", "worse.example")
        taken(user, sent(user, "worse.example"))
        stack.cli("user", "set", user, "--deny", "worse.example")
        refused(sent(user, "worse.example"))
        taken(other, sent(other, "worse.example"))
        stack.cli("domain", "set", layout.DOMAIN, "--deny", "other.example")
        undo.callback(stack.cli, "domain", "set", layout.DOMAIN, "--unlist", "other.example")
        stack.cli("user", "set", user, "--allow", "other.example")
        refused(sent(other, "other.example"))
        taken(user, sent(user, "other.example"))
        both = stack.alias(user, other)  # one of two wants it
        taken(user, sent(both, "other.example"))
    done = stack.cli("domain", "set", "default", "--unlist", "worse.example", check=False)
    assert done.returncode == 1 and "worse.example does not stand in the lists of the site" in done.stderr
    done = stack.cli("domain", "set", "default", "--disable", check=False)
    assert done.returncode == 2 and "--allow, --deny and --unlist only" in done.stderr
    assert json.loads(stack.cli("domain", "show", "default", "--json")) == {"lists": []}


def test_more_behind_an_address_than_can_be_told(stack, refuses):
    """Neither taken without a look at anybody's list, nor refused for good; lookup says which address it is."""
    domain = "crowd.example.org"
    mariadb.sql(stack.lay, f"""INSERT INTO sender_list (scope, owner, pattern, action)
        SELECT 'domain', '{domain}', CONCAT(REPEAT('long.', 50), seq, '.example'), 'deny' FROM seq_1_to_300""")
    stack.cli("domain", "add", domain)
    users = [admin.add_user(stack.lay, f"u{n}@{domain}") for n in range(15)]
    stack.cli("user", "set", users[0], "--deny", "denied.example")
    stack.cli("alias", "add", f"all@{domain}", *users)
    stack.cli("alias", "add", f"some@{domain}", *users[:3])
    with refuses(451, at="RCPT") as caught:
        stack.inbound(f"all@{domain}")
    assert "4.3.5" in str(caught.value)
    assert re.search(rf"address-too-big address=all@{domain} why=.* recipients=15 list_entries=4501 ", stack.log("lookup"))
    assert re.search(rf"recipient=all@{domain} action=\"451 .* check=account reason=too-big", stack.log("policyd"))
    with policy(stack, account_mode="off"), refuses(451, at="DATA"):  # the filter stands alone
        stack.inbound(f"all@{domain}")
    mark = stack.inbound(f"some@{domain}")
    for user in users[:3]:
        stack.arrived(user, mark)
