"""Sending limits: set by the verbs, counted over all hosts, on the real Postfix and Redis."""

import concurrent.futures
import contextlib
import json
import pwd
import re
import shutil
import socket
import subprocess

import pytest
from stack import layout, units

PARTNER = "someone@" + layout.ELSEWHERE


class Policy:
    """A connection to policyd as Postfix has one."""

    def __init__(self, run):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(run / "policyd/policy.sock"))

    def ask(self, **attributes):
        lines = {"request": "smtpd_access_policy", **attributes}
        self.socket.sendall("".join(f"{key}={value}\n" for key, value in lines.items()).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n\n"):
            part = self.socket.recv(4096)
            assert part, answer
            answer += part
        return answer.decode().removeprefix("action=").strip()

    def take(self, user, recipients=1, client="192.0.2.1"):
        return self.ask(protocol_state="END-OF-MESSAGE", sasl_username=user, recipient_count=recipients, client_address=client, instance="1.2.3")


@pytest.fixture
def other(stack):
    """policyd of a second host: its own sockets, the same lookup and Redis."""
    folder = stack.lay.dir / "other"
    (folder / "policyd").mkdir(parents=True)
    user = pwd.getpwnam("mailreeve-policyd")
    shutil.chown(folder / "policyd", user.pw_uid)
    conf = folder / "mailreeve.conf"
    text = re.sub(r"^login_listen = .*\n", "", stack.lay.conf.read_text(), flags=re.M)
    conf.write_text(text.replace(f"run_dir = {stack.lay.run}", f"run_dir = {folder}").replace(
        f"postfix_dir = {stack.lay.queue}", 'postfix_dir = ""') + f"policyd {{\n directory_socket = {stack.lay.run}/lookup/directory.sock\n}}\n")
    stack.servers.start("policyd-other", [stack.lay.bin / "mailreeve-policyd", "-c", conf], user="mailreeve-policyd")
    units.wait_for("the other policyd", units.listening(folder / "policyd/policy.sock"))
    yield folder
    stack.servers.stop("policyd-other")
    shutil.rmtree(folder)


def left(stack, user):
    return {row["rule"]: row["left"] for row in json.loads(stack.cli("limit", "show", user, "--json"))}


def settled(stack, wait, user, rule):
    """lookup has the rule."""
    wait(f"limit {rule} of {user}", lambda: rule in directory(stack, user))


def directory(stack, user):
    body = f"v=1\nid=1\ncmd=account\naddress={user}\n"
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5)
        s.connect(str(stack.lay.run / "lookup/directory.sock"))
        s.sendall(f"{len(body)}:{body},".encode())
        return s.recv(65536).decode()


@pytest.mark.rows("G10")
def test_real_mail_stops_at_the_limit(stack, refuses, wait):
    user = stack.user()
    stack.cli("limit", "set", "user", user, "messages", "2/1h", "100/1d")
    settled(stack, wait, user, "messages 2/3600s")
    for _ in range(2):
        stack.client.sunk(stack.submit(user, PARTNER))
    with refuses(450, at="RCPT") as caught:
        stack.submit(user, PARTNER)
    assert "Sending limit of this account is reached: messages 2/1h" in str(caught.value)
    assert left(stack, user) == {"user messages 2/1h defer": 0, "user messages 100/1d defer": 98}
    stack.cli("limit", "set", "user", user, "messages", "3/1h", "--action", "reject")
    settled(stack, wait, user, "messages 3/3600s")
    stack.client.sunk(stack.submit(user, PARTNER))
    with refuses(550, at="RCPT"):
        stack.submit(user, PARTNER)
    stack.cli("limit", "set", "user", user, "messages", "default")
    assert left(stack, user) == {}
    wait("no limit", lambda: "limit=" not in directory(stack, user))
    stack.client.sunk(stack.submit(user, PARTNER))


@pytest.mark.rows("G10")
def test_held_at_the_limit(stack, wait):
    user = stack.user()
    stack.cli("limit", "set", "user", user, "recipients", "1/1h", "--action", "hold")
    settled(stack, wait, user, "recipients 1/3600s")
    stack.client.sunk(stack.submit(user, PARTNER))
    stack.submit(user, PARTNER)
    held = [path for path in (stack.lay.queue / "hold").rglob("*") if path.is_file()]
    assert len(held) == 1
    subprocess.run(["postsuper", "-c", str(stack.lay.postfix), "-d", held[0].name, "hold"], check=True, capture_output=True)


@pytest.mark.rows("G10")
def test_exactly_a_hundred_over_two_hosts(stack, other, wait):
    user = stack.user()
    stack.cli("limit", "set", "user", user, "messages", "100/1h")
    settled(stack, wait, user, "messages 100/3600s")

    def send(run):
        policy = Policy(run)
        return [policy.take(user) for _ in range(40)]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = [answer for part in pool.map(send, [stack.lay.run, other] * 3) for answer in part]
    assert answers.count("DUNNO") == 100
    assert len(answers) == 240 and sum(answer.startswith("450 4.7.1 ") for answer in answers) == 140
    notices = sum(stack.log(name).count("policy-notice check=limits reason=user-messages login=" + user) for name in ("policyd", "policyd-other"))
    assert notices == 1


@pytest.mark.rows("G10")
def test_redis_away_each_host_goes_on_by_itself(stack, other, wait):
    user = stack.user()
    stack.cli("limit", "set", "user", user, "messages", "10/1h")
    settled(stack, wait, user, "messages 10/3600s")
    here, there = Policy(stack.lay.run), Policy(other)
    for _ in range(2):
        assert here.take(user) == "DUNNO"
        assert there.take(user) == "DUNNO"
    with stack.without("redis"):
        assert [here.take(user) for _ in range(9)].count("DUNNO") in (6, 7)  # it heard of 3 or 4
        assert [there.take(user) for _ in range(9)].count("DUNNO") == 6
        unknown = {"rule": "user messages 10/1h defer", "used": None, "left": None, "more_in": None, "ends_in": None}
        assert json.loads(stack.cli("limit", "show", user, "--json")) == [unknown]
    assert here.take(user).startswith("450 ")  # told to a Redis that came back empty
    assert there.take(user).startswith("450 ")
    assert left(stack, user) == {"user messages 10/1h defer": 0}


@pytest.mark.rows("G10")
def test_domain_address_and_network(stack, wait):
    anna, ben = stack.user(), stack.user()
    policy = Policy(stack.lay.run)
    with contextlib.ExitStack() as undo:
        for scope, owner, limit in (("domain", layout.DOMAIN, "5/1h"), ("address", "default", "3/1h"), ("network", "198.51.100.0/24", "2/1h")):
            stack.cli("limit", "set", scope, owner, "recipients", limit)
            undo.callback(stack.cli, "limit", "set", scope, owner, "recipients", "default")
        settled(stack, wait, anna, "network 198.51.100.0/24 recipients 2/3600s")
        settled(stack, wait, ben, "domain recipients 5/3600s")
        assert policy.take(anna, 2, "203.0.113.1") == "DUNNO"
        assert "of this address is reached: recipients 3/1h" in policy.take(ben, 2, "203.0.113.1")
        assert policy.take(ben, 1, "198.51.100.1") == "DUNNO"
        assert "of this network is reached: recipients 2/1h" in policy.take(ben, 2, "198.51.100.2")
        assert policy.take(ben, 2, "2001:db8::1") == "DUNNO"
        assert "of this domain is reached: recipients 5/1h" in policy.take(anna, 1, "2001:db8:1::1")
        assert re.search(rf"^{layout.DOMAIN} +domain recipients 5/3600s defer$", stack.cli("limit", "show"), re.M)
    wait("no limits", lambda: "limit=" not in directory(stack, anna))


@pytest.mark.rows("G10")
def test_what_is_left_is_shown_of_whoever_is_counted(stack, wait):
    """A user, a domain, a client address, a network: each with its own limits, what is used and left, and when there will be more. Nothing is taken in
    advance of amounts below sixteen."""
    anna, policy = stack.user(), Policy(stack.lay.run)
    rules = (("user", anna, "messages", "4/1h"), ("domain", layout.DOMAIN, "recipients", "12/1d"), ("address", "default", "recipients", "9/1h"),
             ("address", "198.18.7.0/24", "recipients", "7/1h"), ("network", "default", "messages", "15/1h"),
             ("network", "198.18.8.0/24", "messages", "unlimited"), ("address", "2001:db8:7::/48", "messages", "3/1h"))
    with contextlib.ExitStack() as undo:
        for scope, owner, what, limit in rules:
            stack.cli("limit", "set", scope, owner, what, limit)
            undo.callback(stack.cli, "limit", "set", scope, owner, what, "default")
        settled(stack, wait, anna, "network 198.18.8.0/24 messages unlimited")
        for client in ("198.18.7.9", "198.18.7.10", "2001:db8:7:1::5"):
            assert policy.take(anna, 2, client) == "DUNNO"

        def shown(whom):
            return {row["rule"]: (row["used"], row["left"]) for row in json.loads(stack.cli("limit", "show", whom, "--json"))}

        assert shown(anna) == {"user messages 4/1h defer": (3, 1), "domain recipients 12/1d defer": (6, 6)}
        assert shown(layout.DOMAIN.upper()) == {"domain recipients 12/1d defer": (6, 6)}
        network = {"network * messages 15/1h defer": (2, 13)}
        assert shown("198.18.7.9") == {"address 198.18.7.0/24 recipients 7/1h defer": (2, 5), **network}
        assert shown("198.18.7.11") == {"address 198.18.7.0/24 recipients 7/1h defer": (0, 7), **network}
        assert shown("198.18.7.0/24") == shown("198.18.7.128/25") == network
        assert shown("198.18.8.1") == {"address * recipients 9/1h defer": (0, 9)} and shown("198.18.8.0/24") == {}
        assert shown("2001:db8:7:1::77") == {"address * recipients 9/1h defer": (2, 7), "address 2001:db8:7::/48 messages 3/1h defer": (1, 2),
                                             "network * messages 15/1h defer": (1, 14)}
        row = json.loads(stack.cli("limit", "show", anna, "--json"))[0]
        assert 3600 < row["more_in"] <= row["ends_in"] <= 3900  # a window is counted in twelfths
        row = json.loads(stack.cli("limit", "show", "198.18.7.11", "--json"))[0]
        assert row["more_in"] is None and row["ends_in"] is None
        table = stack.cli("limit", "show", "198.18.7.9").splitlines()
        assert table[0].split() == ["LIMIT", "USED", "LEFT", "MORE", "IN", "ENDS", "IN"]
        assert re.match(r"address 198\.18\.7\.0/24 recipients 7/1h defer +2 +5 +1h\d*m? +1h\d*m?$", table[1]), table
        for whom, why in (("nobody@" + layout.DOMAIN, "there is no user"), ("elsewhere.example", "there is no domain"), ("198.18.0.0/16", "/24"),
                          ("2001:db8::/32", "/48"), ("198.18.7.9/24", "198.18.7.9/24"), ("a b", "a b")):
            done = stack.cli("limit", "show", whom, check=False)
            assert done.returncode in (1, 2) and why in done.stderr and len(done.stderr.splitlines()) == 1, done
    wait("no limits", lambda: "limit=" not in directory(stack, anna))


@pytest.mark.parametrize("words, why", [
    (["user", "nobody@" + layout.DOMAIN, "messages", "1/1h"], "there is no user nobody@"),
    (["user", "elsewhere.example", "messages", "1/1h"], "there is no domain elsewhere.example"),
    (["domain", "someone@" + layout.DOMAIN, "messages", "1/1h"], "domain may hold only"),
    (["address", layout.DOMAIN, "messages", "1/1h"], "an address or network of clients"),
    (["network", "192.0.2.1/24", "messages", "1/1h"], "an address or network of clients"),
    (["user", "default", "messages", "1/1h", "2/60m"], "two limits for one window"),
    (["user", "default", "messages", "1/1h", "unlimited"], "unlimited stands alone"),
    (["user", "default", "messages", "1/1h", "default"], "a limit is AMOUNT/WINDOW"),
    (["user", "default", "messages", "0/1h"], "a limit is AMOUNT/WINDOW"),
    (["user", "default", "messages", "1/32d"], "a limit is AMOUNT/WINDOW"),
    (["user", "default", "bytes", "1/1h"], "messages or recipients"),
    (["host", "default", "messages", "1/1h"], "user, domain, address or network"),
    (["user", "default", "messages", "1/1h", "--action", "discard"], "--action: defer, reject, hold or lock"),
    (["user", "default", "messages", "1/1h", "2/2h", "3/3h", "4/4h", "5/5h"], "too many"),
])
def test_what_is_refused(stack, words, why):
    done = stack.cli("limit", "set", *words, check=False)
    assert done.returncode in (1, 2) and why in done.stderr and len(done.stderr.splitlines()) == 1, done
    assert "default" not in stack.cli("limit", "show")


def test_limits_go_with_their_owner(stack):
    user = stack.user()
    stack.cli("limit", "set", "user", user, "messages", "7/1h", "77/1d", "--action", "hold")
    assert left(stack, user) == {"user messages 7/1h hold": 7, "user messages 77/1d hold": 77}
    stack.cli("user", "del", user)
    assert user not in stack.cli("limit", "show")
    done = stack.cli("limit", "show", user, check=False)
    assert done.returncode == 1 and f"there is no user {user}" in done.stderr
