"""Login protection: Dovecot asks policyd about each password, for IMAP, POP3 and submission alike. 127.N.N.0/24 stand for networks."""

import concurrent.futures
import hashlib
import http.client
import itertools
import json
import os
import re
import subprocess

import pytest
from stack import admin, mail, units

numbers = itertools.count(1)
SETTINGS = {"login_pair_max": 4, "login_address_max": 6, "login_network_max": 8, "login_known_max": 5, "login_networks_max": 5, "login_delay_max": "2s"}


def network():
    """A network that no other test uses; the tests' usual clients come from below 127.251."""
    n = next(numbers)
    return f"127.{251 + n // 250}.{n % 250}."


@pytest.fixture
def strict(stack):
    """Low limits."""
    stack.policyd(**SETTINGS)
    yield stack
    stack.policyd()


def by_imap(stack, user, password, source):
    try:
        with stack.client.imap(user, password, source=source):
            return True
    except stack.client.no_login:
        return False


def by_smtp(stack, user, password, source):
    try:
        stack.client.submission(user, password, source=source).close()
        return True
    except mail.Refused as refused:
        assert refused.code == 535, refused
        return False


def wrong(stack, user, sources, how=by_imap, passwords=None):
    """A wrong password from each of these addresses, all at once, each with one of its own."""
    passwords = passwords or [f"wrong {next(numbers)}" for _ in sources]
    with concurrent.futures.ThreadPoolExecutor(len(sources)) as pool:
        assert not any(pool.map(lambda source, password: how(stack, user, password, source), sources, passwords))


def lines(stack, **fields):
    """The lines of policyd about log-ins that have these fields."""
    found = []
    for line in stack.log("policyd").splitlines():
        if " info: login " in line:
            values = dict(re.findall(r"(\w+)=(\S+)", line))
            if all(values.get(name) == value for name, value in fields.items()):
                found.append(values)
    return found


@pytest.mark.rows("G12")
def test_an_address_is_slowed_down_then_rejected(strict):
    user, address = strict.user(), network() + "7"
    for _ in range(4):
        wrong(strict, user, [address])
    assert [(line["action"], line["reason"], line["count"], line["seconds"]) for line in lines(strict, login=user)] == [
        ("delay", "pair", "3", "1"), ("delay", "pair", "4", "2")]
    assert not by_imap(strict, user, admin.PASSWORD, address)
    last = lines(strict, login=user)[-1]
    assert (last["action"], last["client"], last["protocol"], last["max"], last["counted"]) == ("reject", address, "imap", "4", "shared")
    assert not by_smtp(strict, user, admin.PASSWORD, address)  # what was counted for one service holds for the others
    last = lines(strict, login=user)[-1]
    assert (last["action"], last["client"], last["protocol"]) == ("reject", address, "smtp")
    assert by_imap(strict, user, admin.PASSWORD, network() + "7")


@pytest.mark.rows("G12")
def test_submission_counts_the_client(strict):
    user, address = strict.user(), network() + "7"
    wrong(strict, user, [address] * 6, by_smtp)
    assert not by_smtp(strict, user, admin.PASSWORD, address)
    assert lines(strict, login=user, client=address, protocol="smtp", action="reject", reason="pair")
    assert not by_imap(strict, user, admin.PASSWORD, address)
    assert by_smtp(strict, user, admin.PASSWORD, network() + "7")


@pytest.mark.rows("G12")
def test_many_at_once_get_no_more_tries(strict):
    user, address = strict.user(), network() + "7"
    wrong(strict, user, [address] * 12)
    assert len(lines(strict, login=user, action="reject", reason="pair")) == 8


@pytest.mark.rows("G12")
def test_the_same_wrong_password_counts_once(strict):
    user, address = strict.user(), network() + "7"
    for how in (by_imap, by_smtp):
        wrong(strict, user, [address] * 6, how, ["the old one"] * 6)
    assert by_imap(strict, user, admin.PASSWORD, address)
    assert lines(strict, login=user) == []


def alike(stack, user, bits):
    """Two wrong passwords of that user whose hashes, as Dovecot makes them, begin with the same bits."""
    nonce = re.search(r"^auth_policy_hash_nonce = (\w+)$", (stack.lay.keys / "dovecot-login.conf").read_text(), re.M)[1]
    seen = {}
    for n in itertools.count():
        digest = hashlib.sha256(f"{nonce}{user}\0alike {n}".encode()).digest()
        first = seen.setdefault(int.from_bytes(digest[:8], "big") >> (64 - bits), n)
        if first != n:
            return f"alike {first}", f"alike {n}"


@pytest.mark.rows("G12")
def test_passwords_with_hashes_alike_count_apart(strict):
    """Else each one that is counted would let those through that look like it, one in 4096 with what is Dovecot's default."""
    user, address = strict.user(), network() + "7"
    for password in alike(strict, user, 12):
        wrong(strict, user, [address], passwords=[password])
    wrong(strict, user, [address] * 2)
    assert not by_imap(strict, user, admin.PASSWORD, address)
    assert lines(strict, login=user, action="reject", reason="pair", count="4")


@pytest.mark.rows("G12")
def test_addresses_and_networks_count_over_all_logins(strict):
    address, users = network() + "7", [strict.user() for _ in range(4)]
    for user in users[:3]:
        wrong(strict, user, [address] * 2)
    assert not by_imap(strict, users[3], admin.PASSWORD, address)
    assert lines(strict, login=users[3], action="reject", reason="address", max="6")
    net = network()
    wrong(strict, users[0], [f"{net}{n}" for n in range(1, 9)])
    assert not by_imap(strict, users[3], admin.PASSWORD, net + "99")
    assert lines(strict, login=users[3], action="reject", reason="network", max="8")


@pytest.mark.rows("G12")
def test_the_owner_is_not_locked_out_of_a_known_place(strict):
    user, other, home = strict.user(), strict.user(), network()
    assert by_imap(strict, user, admin.PASSWORD, home + "1")
    strangers = [network() + "7" for _ in range(6)]
    wrong(strict, user, strangers)                  # from everywhere ...
    wrong(strict, other, [home + "1"] * 12)          # ... and from the owner's own address, at others
    assert lines(strict, login=other, action="reject", client=home + "1")
    before = len(lines(strict, login=user))
    assert by_imap(strict, user, admin.PASSWORD, home + "1")
    assert by_smtp(strict, user, admin.PASSWORD, home + "200")
    assert len(lines(strict, login=user)) == before  # not even delayed
    # elsewhere the owner waits a moment, but is not locked out
    assert by_imap(strict, user, admin.PASSWORD, network() + "7")
    assert [line["action"] for line in lines(strict, login=user, reason="many-networks")][-1] == "delay"
    # who guesses in the known place itself has its own bound
    wrong(strict, user, [home + "1"] * 9)
    assert len(lines(strict, login=user, action="reject", reason="place")) == 4


@pytest.mark.rows("G12")
def test_a_right_password_clears_the_pair(strict):
    user, address = strict.user(), network() + "7"
    wrong(strict, user, [address] * 3)
    assert by_imap(strict, user, admin.PASSWORD, address)
    wrong(strict, user, [address] * 3)
    assert by_imap(strict, user, admin.PASSWORD, address)


@pytest.mark.rows("F025", "G10", "G12")
def test_all_forms_of_a_login_count_as_one(strict):
    """Only case may differ; what else leads to the same mailbox, or looks like it, is no login, be the password right or not."""
    user, alias, address = strict.user(), strict.alias(strict.probe), network() + "7"
    forms = [user, user.upper(), user.title()]
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        assert not any(pool.map(lambda n: by_imap(strict, forms[n % 3], f"wrong {n}", address), range(9)))
        assert len(lines(strict, action="reject", reason="pair", client=address)) == 5
        assert not any(pool.map(lambda form: by_smtp(strict, form, admin.PASSWORD, address), forms))
        local, _, domain = strict.probe.partition("@")
        others = [alias, f"{local}+x@{domain}", f"{local}@{domain}.", f"{local}%{domain}", local, f"{strict.probe}*{user}", f"<{strict.probe}>",
                  f"{local}@@{domain}"]
        assert not any(pool.map(lambda form: by_smtp(strict, form, admin.PASSWORD, mail.somewhere()), others))
    strict.cli("limit", "set", "user", user, "messages", "2/1h")
    for form in forms[1:]:
        strict.client.submit(form, admin.PASSWORD, strict.probe, mail.message(user, strict.probe), sender=user)
    with pytest.raises(mail.Refused, match="Sending limit"):
        strict.client.submit(user, admin.PASSWORD, strict.probe, mail.message(user, strict.probe))


def remembered(stack, whom):
    """{(what, client, login): (count, refused)} of `mailreeve login show`; of what is known the places only."""
    shown = json.loads(stack.cli("login", "show", whom, "--json"))
    return {(entry["what"], entry["client"].split(" ")[0], entry["login"]): (entry["count"], entry["refused"]) for entry in shown}


@pytest.mark.rows("G12")
def test_what_is_remembered_is_shown_and_cleared(strict):
    user, other, home, away = strict.user(), strict.user(), network() + "7", network()
    assert by_imap(strict, user, admin.PASSWORD, home)
    for _ in range(4):
        wrong(strict, user, [away + "8"])
    wrong(strict, other, [away + "8"])
    wrong(strict, user, [home])
    shown, its_network = remembered(strict, user), away + "0"
    assert {key: shown[key] for key in shown if key[0] in ("pair", "failing", "place")} == {
        ("pair", away + "8", user): (4, True), ("failing", "", user): (2, False), ("place", home[:-1] + "0", user): (1, False)}
    assert ("known", home[:-1] + "0", user) in shown and ("sent from", home[:-1] + "0", user) in shown
    shown = remembered(strict, away + "8")
    assert shown == {("pair", away + "8", user): (4, True), ("pair", away + "8", other): (1, False), ("address", away + "8", ""): (5, False),
                     ("network", its_network, ""): (5, False)}
    assert re.search(rf"pair +{away}8 +{user} +4/4 +\d+s +refused, \d+m more", strict.cli("login", "show", user))
    assert not by_imap(strict, user, admin.PASSWORD, away + "8")
    assert re.fullmatch(r"[3-9] cleared", strict.cli("login", "clear", user).strip())  # some of the check hijack are among them
    shown = remembered(strict, user)
    assert set(shown) == {("known", home[:-1] + "0", user), ("sent from", home[:-1] + "0", user)}
    assert by_imap(strict, user, admin.PASSWORD, away + "8")
    assert strict.cli("login", "clear", away + "8").strip() == "2 cleared"
    assert set(remembered(strict, away + "8")) == {("network", its_network, "")}
    assert strict.cli("login", "clear", its_network).strip() == "1 cleared"
    assert remembered(strict, its_network) == {}
    for words in (["show"], ["clear", "anna"], ["show", "192.0.2.7/24"], ["clear", user, "--json"], ["forget", user]):
        done = strict.cli("login", *words, check=False)
        assert done.returncode == 2 and "usage: mailreeve login" in done.stderr, done


@pytest.mark.rows("G12")
def test_observe_only_logs(strict):
    strict.policyd(**SETTINGS, login_mode="observe")
    user, address = strict.user(), network() + "7"
    wrong(strict, user, [address] * 6)
    assert by_imap(strict, user, admin.PASSWORD, address)
    assert len(lines(strict, login=user, action="pass", observed="reject", reason="pair")) >= 2
    strict.policyd(**SETTINGS, login_mode="off")
    before = len(lines(strict))
    wrong(strict, user, [network() + "7"] * 6)
    assert len(lines(strict)) == before
    strict.policyd(**SETTINGS, login_exempt="127.0.0.0/8")
    wrong(strict, user, [address] * 2)
    assert len(lines(strict)) == before


@pytest.mark.rows("G12")
def test_redis_away(strict):
    user, address = strict.user(), network() + "7"
    home = network() + "7"
    assert by_imap(strict, user, admin.PASSWORD, home)
    with strict.without("redis"):
        assert by_imap(strict, user, admin.PASSWORD, home)
        assert by_imap(strict, strict.probe, admin.PASSWORD, network() + "7")
        wrong(strict, user, [address] * 6)
        assert not by_imap(strict, user, admin.PASSWORD, address)
        assert lines(strict, login=user, action="reject", reason="pair", counted="alone")
    assert not by_imap(strict, user, admin.PASSWORD, address)  # Redis came back empty, but heard of what it missed
    assert lines(strict, login=user, client=address)[-1]["counted"] == "shared"
    wrong(strict, user, [network() + "7" for _ in range(6)])
    assert by_imap(strict, user, admin.PASSWORD, home)
    assert not lines(strict, login=user, client=home)  # but the place is known still


@pytest.mark.rows("G12")
def test_policyd_away(strict):
    user = strict.user()
    with strict.without("policyd"):
        assert by_imap(strict, user, admin.PASSWORD, network() + "7")
        assert by_smtp(strict, user, admin.PASSWORD, network() + "7")
        wrong(strict, user, [network() + "7"])


def post(stack, command, key=None, **told):
    connection = http.client.HTTPConnection("127.0.0.1", stack.lay.ports["login"], timeout=10)
    connection.request("POST", f"/?command={command}", json.dumps(told), {} if key is None else {"X-API-Key": key})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, json.loads(body) if body else None


@pytest.mark.rows("F106", "G12")
def test_the_key(stack):
    key = (stack.lay.keys / "login-key").read_text().strip()
    assert post(stack, "allow", key, login="x@y.example", remote="192.0.2.1", pwhash="1f") == (200, {"status": 0, "msg": ""})
    for bad in (None, "", key + "x", key[:-1], key.lower()):
        assert post(stack, "allow", bad, login="x@y.example") == (401, None)
    assert post(stack, "perhaps", key) == (404, None)
    assert post(stack, "allow", key, login=7) == (400, None)
    text = (stack.lay.keys / "dovecot-login.conf").read_text()
    assert f"auth_policy_server_api_header = {key}\n" in text and re.search(r"^auth_policy_hash_nonce = [0-9a-f]{32}$", text, re.M)
    for name in ("login-key", "dovecot-login.conf"):
        assert (stack.lay.keys / name).stat().st_mode & 0o777 == 0o640


@pytest.mark.rows("F105", "F106")
@pytest.mark.parametrize("content, why", [
    (None, "No such file"), ("", "empty"), ("short\n", "16 bytes at least"),
])
def test_no_start_without_a_key(stack, tmp_path, content, why):
    file, conf = tmp_path / "key", tmp_path / "mailreeve.conf"
    if content is not None:
        file.write_text(content)
        file.chmod(0o640)
    conf.write_text(stack.lay.conf.read_text().replace(str(stack.lay.keys / "login-key"), str(file)))
    done = subprocess.run([stack.lay.bin / "mailreeve-policyd", "-c", conf, "--check-config"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "login_key_file: " in done.stderr and why in done.stderr, done.stderr


@pytest.mark.rows("F105")
def test_only_the_loopback(stack, tmp_path):
    conf = tmp_path / "mailreeve.conf"
    for address in ("0.0.0.0:10028", "192.0.2.1:10028", "[::]:10028", "localhost:10028"):
        conf.write_text(re.sub(r"^login_listen = .*$", f'login_listen = "{address}"', stack.lay.conf.read_text(), flags=re.M))
        done = subprocess.run([stack.lay.bin / "mailreeve-policyd", "-c", conf, "--check-config"], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "only an address of the loopback" in done.stderr, done.stderr


def tcp_ports(pid):
    """Where the process listens on TCP: (address, port) as the kernel writes them."""
    inodes = set()
    for fd in os.scandir(f"/proc/{pid}/fd"):
        try:
            inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(fd.path)))
        except FileNotFoundError:
            continue
    found = []
    for name in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{name}", encoding="ascii") as table:
            rows = [line.split() for line in table.readlines()[1:]]
        found += [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]
    return found


@pytest.mark.rows("F105")
def test_nothing_else_listens_on_tcp(stack):
    ours = {name: tcp_ports(stack.servers.pid(name)) for name in ("lookup", "policyd", "milter")}
    assert ours == {"lookup": [], "milter": [], "policyd": [f"0100007F:{stack.lay.ports['login']:04X}"]}
    folder = stack.lay.dir / "no-tcp"
    folder.mkdir()
    (folder / "policyd").mkdir()
    conf = folder / "mailreeve.conf"
    text = stack.lay.conf.read_text().replace(f"run_dir = {stack.lay.run}", f"run_dir = {folder}").replace(
        f"postfix_dir = {stack.lay.queue}", 'postfix_dir = ""')
    conf.write_text(re.sub(r"^login_.*\n", "", text, flags=re.M))
    stack.servers.start("policyd-no-tcp", [stack.lay.bin / "mailreeve-policyd", "-c", conf])
    try:
        units.wait_for("policyd", units.listening(folder / "policyd/control.sock"))
        assert tcp_ports(stack.servers.pid("policyd-no-tcp")) == []
    finally:
        stack.servers.stop("policyd-no-tcp")


def test_check_says_it(stack):
    assert "ok policyd: login\n" in stack.cli("check")
    with stack.without("policyd"):
        done = stack.cli("check", check=False)
        assert "failed policyd: login: 127.0.0.1:" in done.stdout and "Connection refused" in done.stdout
