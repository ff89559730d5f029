"""Two hosts in network namespaces of their own, each with lookup and policyd; MariaDB and Redis on a third, reached over TCP."""

import concurrent.futures
import os
import pathlib
import shutil
import socket
import subprocess
import threading

import netns
import pytest

from stack import units
from test_limits import Policy
from test_lookup import BCRYPT, BUILD, Lookup, until
from test_store import Site, mariadb

HUB = "10.77.0.1"


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Host:
    """A namespace joined to the hub by a pair of interfaces."""

    def __init__(self, number, hub):
        self.name, self.address = f"mr{number}-{os.getpid()}", f"10.77.0.{number + 1}"
        self.under = ["ip", "netns", "exec", self.name]
        ip("netns", "add", self.name)
        if hub is None:
            ip("-n", self.name, "link", "add", "bridge", "type", "bridge")
            ip("-n", self.name, "addr", "add", f"{HUB}/24", "dev", "bridge")
            ip("-n", self.name, "link", "set", "bridge", "up")
        else:
            ip("-n", self.name, "link", "add", "eth", "type", "veth", "peer", "name", f"to{number}", "netns", hub.name)
            ip("-n", hub.name, "link", "set", f"to{number}", "master", "bridge", "up")
            ip("-n", self.name, "addr", "add", f"{self.address}/24", "dev", "eth")
            ip("-n", self.name, "link", "set", "eth", "up")
        ip("-n", self.name, "link", "set", "lo", "up")


class Place:
    """Everything, and what it takes to end it."""

    def __init__(self, folder, tmp):
        self.ends, self.hosts, self.lookups, self.runs, self.confs = [], [], [], [], []
        hub = self.host(None)
        self.server = mariadb.MariaDB(folder / "mariadb", 3306, [f"--bind-address={HUB}"], under=hub.under)
        self.ends.append(self.server.remove)
        self.server.start()
        redis = subprocess.Popen([*hub.under, "redis-server", "--bind", HUB, "--port", "6379", "--protected-mode", "no", "--save", "", "--dir", tmp],
                                 stdout=subprocess.DEVNULL)
        self.ends.append(lambda: (redis.terminate(), redis.wait()))
        self.site = Site(tmp, self.server, "two")
        database = {"db_socket": '""', "db_host": HUB, "redis_address": f'"{HUB}:6379"'}
        self.site.configure(**database)
        self.site.grants()
        self.verb(hub, self.site.conf, "schema", "apply")
        self.verb(hub, self.site.conf, "domain", "add", "example.org")
        for who in ("anna", "bert"):
            self.verb(hub, self.site.conf, "user", "add", f"{who}@example.org", "--hash", stdin=BCRYPT + "\n")
        for name in ("one", "two"):
            self.start(self.host(hub), folder / name, f"{name}.example", database)

    def host(self, hub):
        made = Host(len(self.hosts), hub)
        self.hosts.append(made)
        self.ends.append(lambda: ip("netns", "del", made.name))
        return made

    def start(self, host, run, hostname, database):
        (run / "policyd").mkdir(parents=True)
        lookup = Lookup(self.site, run, hostname=hostname, deadline="3s", **database)
        lookup.under = host.under
        self.ends.append(lambda: lookup.process and lookup.stop())
        lookup.start()
        conf = run / "mailreeve.conf"
        shutil.copy(self.site.conf, conf)
        policyd = subprocess.Popen([*host.under, BUILD / "policyd/mailreeve-policyd", "-c", conf], stderr=subprocess.DEVNULL)
        self.ends.append(lambda: (policyd.terminate(), policyd.wait()))
        units.wait_for("policyd", units.listening(run / "policyd/policy.sock"))
        until(lambda: lookup.control("rounds") != "0" and lookup.control("redis") == "up")
        self.lookups.append(lookup)
        self.runs.append(run)
        self.confs.append((host, conf))

    @staticmethod
    def verb(host, conf, *words, stdin=""):
        done = subprocess.run([*host.under, BUILD / "admin/verbs/mailreeve", "-c", conf, *words], input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
        return done.stderr

    def end(self):
        for end in reversed(self.ends):
            end()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = pathlib.Path(f"/tmp/mr-two-{os.getpid()}")
    folder.mkdir()
    folder.chmod(0o755)
    made = Place.__new__(Place)
    try:
        made.__init__(folder, tmp_path_factory.mktemp("two"))
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def enabled(lookup, who):
    said = lookup.ask("passdb/passdb.sock", "passdb", address=f"{who}@example.org")
    return next((line for line in said if line.startswith("enabled=")), "=temp").partition("=")[2]


@pytest.mark.rows("G10")
def test_a_limit_of_100_lets_100_through_over_both(place):
    place.verb(*place.confs[0], "limit", "set", "user", "anna@example.org", "messages", "100/1h")

    def send(number):
        policy = Policy(place.runs[number % 2])
        return [policy.take("anna@example.org") for _ in range(20)]
    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        answers = [answer for said in clients.map(send, range(8)) for answer in said]
    assert len(answers) == 160
    assert sum(answer.upper().startswith(("DUNNO", "PREPEND")) for answer in answers) == 100, answers


@pytest.mark.rows("G03")
def test_disabled_on_one_is_refused_on_the_other(place):
    """What is promised does not rest on a clock: the verb waits until each lookup has said that it has dropped the row, and names the hosts that have not in
    time (`--wait`). So once it is back and has named nobody, the very next question on the other host is refused. A client that never stops asking races
    each write: once refused, always refused until it is switched on again."""
    for _ in range(10):
        assert [enabled(lookup, "bert") for lookup in place.lookups] == ["1", "1"]
        over, seen, back = threading.Event(), [], threading.Event()

        def ask():
            while not over.is_set():
                after = back.is_set()
                seen.append((after, enabled(place.lookups[1], "bert")))
        with concurrent.futures.ThreadPoolExecutor(1) as client:
            asking = client.submit(ask)
            try:
                until(lambda: seen)
                assert place.verb(*place.confs[0], "user", "set", "bert@example.org", "--disable") == "", "the other host has not said that it is done"
                back.set()
                assert enabled(place.lookups[1], "bert") == "0"
                until(lambda: sum(after for after, _ in seen) > 20)
            finally:
                over.set()
            asking.result()
        answers = [answer for _, answer in seen]
        assert "1" not in answers[answers.index("0"):], "revoked and given out again"
        assert {answer for after, answer in seen if after} == {"0"}, "asked after the verb was back"
        place.verb(*place.confs[1], "user", "set", "bert@example.org", "--enable")


def directory_questions(run):
    """That lookup has answered."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(str(run / "lookup/control.sock"))
        peer.sendall(b"stats\n")
        said = b""
        while not said.endswith(b"\nok\n"):
            said += peer.recv(65536)
    return int(next(line.partition("=")[2] for line in said.decode().splitlines() if line.startswith("directory_questions_total=")))


@pytest.mark.rows("G03")
def test_policyd_keeps_nothing_past_a_revocation(place):
    """It asks lookup about who sends once a second, unless something has changed: when the verb returns, both hosts refuse, while clients never stop asking."""
    before, asked = directory_questions(place.runs[1]), 0
    policies = [Policy(run) for run in place.runs]
    for _ in range(10):
        over, seen = threading.Event(), []

        def ask():
            policy = Policy(place.runs[1])
            while not over.is_set():
                seen.append(policy.take("bert@example.org"))
        with concurrent.futures.ThreadPoolExecutor(1) as client:
            asking = client.submit(ask)
            try:
                until(lambda: len(seen) > 200)
                assert place.verb(*place.confs[0], "user", "set", "bert@example.org", "--disable") == ""
                assert [policy.take("bert@example.org")[:3] for policy in policies] == ["550", "550"]
                until(lambda: seen[-1].startswith("550"))
            finally:
                over.set()
            asking.result()
        refused = [answer.startswith("550") for answer in seen]
        assert not refused[0] and all(refused[refused.index(True):])
        asked += len(seen)
        assert place.verb(*place.confs[0], "user", "set", "bert@example.org", "--enable") == ""
        assert [policy.take("bert@example.org") for policy in policies] == ["DUNNO", "DUNNO"]
    assert directory_questions(place.runs[1]) - before < asked / 4


@pytest.mark.rows("G03", "G04")
@pytest.mark.parametrize("percent", [0, 10, 40])
def test_packets_are_lost(place, percent):
    """On the way to MariaDB and Redis and back. Slow, or not now, but never "unknown" for who is there, nor a revoked row after its end is acknowledged; and
    all is well afterwards without anybody's help."""
    lookup, seen = place.lookups[0], []

    def status(who):
        said = lookup.ask("passdb/passdb.sock", "passdb", address=f"{who}@example.org")
        return next(line for line in said if line.startswith("status=")).partition("=")[2]
    with netns.loss(percent, place.confs[0][0].under):
        for number in range(6):
            switch = "--disable" if number % 2 == 0 else "--enable"
            said = place.verb(*place.confs[1], "user", "set", "bert@example.org", switch)
            if "not yet applied by" not in said:
                seen.append(enabled(lookup, "bert"))
                assert seen[-1] in ("temp", str(number % 2)), (number, said)
            assert status("anna") in ("ok", "temp")
            assert status(f"nobody{percent}{number}") in ("notfound", "temp")
    until(lambda: enabled(lookup, "bert") == "1")
    until(lambda: lookup.control("redis") == "up")
    assert status("anna") == "ok" and set(seen) - {"temp"}, seen
