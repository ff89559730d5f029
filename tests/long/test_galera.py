"""Three MariaDB as a Galera cluster: what a verb has revoked through one node is answered by nobody who reads from another, though ids of changes come out of
order, nodes die, stand still and lose their quorum."""

import collections
import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/e2e"))

import galera  # noqa: E402
from test_lookup import BCRYPT, Lookup, until  # noqa: E402
from test_store import VERBS, Site  # noqa: E402
from versions import TEMP, Reader, Strangers, Truth  # noqa: E402

HASH = BCRYPT[:-4]
STRANGERS = 4000
CHANGES_EACH = 300
APPLIED_SECONDS = 3     # the poll's second, on a busy machine
STALL_SECONDS = 15      # 5 that Galera waits, 2 that a server may take to answer, pauses between tries; and a busy machine
BACK_SECONDS = 45       # a server that failed is tried again after 30 s at most


class World:
    """The cluster, a site on it, and a lookup that reads from the first node by preference."""

    def __init__(self, cluster, site, folder):
        self.cluster, self.site, self.truth, self.folder = cluster, site, Truth(), folder
        self.lookup = self.conf = None

    def start(self, **options):
        self.lookup = Lookup(self.site, self.folder, read_ahead="0", db_timeout="10s", **places(self.cluster.nodes), **options).start()
        until(lambda: int(self.lookup.control("rounds")) > 0)
        self.conf = {}
        for at, node in enumerate(self.cluster.nodes):
            self.conf[node.name] = self.folder / f"{node.name}.conf"
            order = self.cluster.nodes[at:] + self.cluster.nodes[:at]
            text = re.sub(r"(?m)^db_host = .*$", f"db_host = {places(order)['db_host']}", self.site.conf.read_text())
            self.conf[node.name].write_text(text)

    def verb(self, node, *words, stdin=""):
        """Through that node, where it will do: the exit code and what was said about it."""
        done = subprocess.run([VERBS / "mailreeve", "-c", self.conf[node.name], *words], input=stdin, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stderr.strip()

    def server(self):
        return self.lookup.control("database_server")

    def ask(self, key):
        """key: a map and an address; or what of Dovecot's log-in data, and an address."""
        name, address = key
        if name in ("password", "enabled"):
            said = self.lookup.ask("passdb/passdb.sock", "passdb", address=address)
            return TEMP if "status=temp" in said else next((line for line in said if line.startswith(f"{name}=")), "none")
        answer = self.lookup.map(name, address)
        return TEMP if answer.startswith("TEMP") else answer

    @contextlib.contextmanager
    def read(self, readers=3, strangers=0):
        threads = [Reader(self.truth, self.ask) for _ in range(readers)] + [Strangers(stranger, self.ask) for _ in range(strangers)]
        for thread in threads:
            thread.start()
        try:
            yield threads
        finally:
            for thread in threads:
                thread.over.set()
            for thread in threads:
                thread.join(30)
        assert not any(thread.is_alive() for thread in threads)
        wrong = list(itertools.chain(*(thread.wrong for thread in threads)))
        assert not wrong, f"{len(wrong)} wrong answers, the first: {wrong[:5]}"


def told(capsys, text):
    with capsys.disabled():
        print(f"\ngalera: {text}")


def places(nodes):
    return {"db_socket": '""', "db_host": "{" + ", ".join(node.place for node in nodes) + "}"}


def stranger(number):
    if number % 2:
        return ("mailbox", f"nobody{number}@example.org"), "NOTFOUND"
    return ("mailbox", f"m{number // 2 % STRANGERS}@example.org"), f"OK m{number // 2 % STRANGERS}@example.org"


@pytest.fixture(scope="module")
def cluster():
    folder = pathlib.Path(f"/tmp/mr-galera-{os.getpid()}")
    folder.mkdir()
    folder.chmod(0o755)
    cluster = galera.Cluster(folder)
    try:
        yield cluster.start()
    finally:
        cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def world(cluster, tmp_path, tmp_path_factory, request):
    site = Site(tmp_path, cluster.nodes[0], "g" + str(abs(hash(request.node.name))), **places(cluster.nodes))
    site.grants()
    site.cli("schema", "apply")
    site.cli("domain", "add", "example.org")
    site.sql("INSERT INTO mailbox (address, domain, password) SELECT CONCAT('m', seq, '@example.org'), 'example.org', "
             f"'{BCRYPT}' FROM seq_0_to_{STRANGERS - 1}")
    world = World(cluster, site, tmp_path_factory.mktemp("run"))
    yield world
    for node in cluster.nodes:
        if node.process is None:
            node.start()
    cluster.whole()
    if world.lookup and world.lookup.process.poll() is None:
        world.lookup.stop()
    site.server.sql(f"DROP DATABASE {site.name}")


# ---- changes, each as words for `mailreeve`, what is typed, and what is right afterwards

def switch(key, truth, number):
    on = truth.now(key) == "enabled=0"
    return ["user", "set", key[1], "--enable" if on else "--disable"], "", f"enabled={int(on)}"


def password(key, truth, number):
    new = f"{HASH}{number:04}"
    return ["user", "set", key[1], "--hash"], new + "\n", f"password={new}"


def alias(key, truth, number):
    if truth.now(key) == "NOTFOUND":
        return ["alias", "add", key[1], f"to{number}@example.com"], "", f"OK to{number}@example.com"
    if number % 3:
        return ["alias", "set", key[1], f"to{number}@example.com"], "", f"OK to{number}@example.com"
    return ["alias", "del", key[1]], "", "NOTFOUND"


def mailbox(key, truth, number):
    if truth.now(key) == "NOTFOUND":
        return ["user", "add", key[1], "--hash"], BCRYPT + "\n", f"OK {key[1]}"
    return ["user", "del", key[1]], "", "NOTFOUND"


CHANGES = {"enabled": switch, "password": password, "alias": alias, "mailbox": mailbox}


def populate(world, who):
    """An account for each kind of change; the keys."""
    keys = [("enabled", f"switched-{who}@example.org"), ("password", f"password-{who}@example.org"), ("alias", f"alias-{who}@example.org"),
            ("mailbox", f"comes-{who}@example.org")]
    for name, address in keys:
        if name in ("enabled", "password"):
            world.site.cli("user", "add", address, "--hash", stdin=f"{HASH}0000\n")
        world.truth.know((name, address), {"enabled": "enabled=1", "password": f"password={HASH}0000"}.get(name, "NOTFOUND"))
    return keys


LOST = re.compile("connection (was )?lost")  # where there is no new one, or while the change was being committed


class Writer(threading.Thread):
    """Changes its own accounts, each time through another node, until told to stop. A verb that loses its connection says so, and is run again: MariaDB 10.11
    now and then does not answer any more when it has rolled back a transaction for another node's."""

    def __init__(self, world, keys, changes=100000):
        super().__init__(daemon=True)
        self.world, self.keys, self.changes, self.over = world, keys, changes, threading.Event()
        self.done, self.lost, self.late, self.failed, self.longest = 0, 0, 0, [], 0.0

    def run(self):
        nodes = itertools.cycle(random.sample(self.world.cluster.nodes, 3))
        for number in range(1, self.changes + 1):
            key = self.keys[number % len(self.keys)]
            words, typed, answer = CHANGES[key[0]](key, self.world.truth, number)
            version = self.world.truth.begin(key, answer)
            if self.over.is_set() or not self.change(nodes, words, typed, lambda: self.world.truth.apply(key, version)):
                return

    def change(self, nodes, words, typed, applied):
        again = False
        while True:
            began = time.monotonic()
            code, said = self.world.verb(next(nodes), *words, stdin=typed)
            self.longest = max(self.longest, time.monotonic() - began)
            if (code, said) == (0, "") or (again and re.search("exists already|there is no", said)):
                applied()
            elif code == 0 and "not yet applied" in said:
                self.late += 1
            elif LOST.search(said) or "Not connected to Primary Component" in said:
                self.lost, again = self.lost + 1, True
                continue
            else:
                self.failed.append((words, code, said))
                return False
            self.done += 1
            return True


class Late(threading.Thread):
    """A change that takes its id and shows it only later, again and again: what another host does whose commit takes its time. Verbs leave no such gap that
    a test could count on, so this is what they write, by hand."""

    def __init__(self, world, node, address, rounds, held):
        super().__init__(daemon=True)
        self.world, self.node, self.address, self.rounds, self.held = world, node, address, rounds, held
        self.ids, self.before = [], 0   # before: entries behind them that were visible before them

    def run(self):
        for number in range(1, self.rounds + 1):
            key, on = ("enabled", self.address), 1 - number % 2
            version = self.world.truth.begin(key, f"enabled={on}")
            self.hold(on)
            time.sleep(APPLIED_SECONDS)
            self.world.truth.apply(key, version)

    def hold(self, on):
        text = (f"START TRANSACTION; UPDATE mailbox SET enabled = {on} WHERE address = '{self.address}'; "
                f"INSERT INTO change_log (at, kind, name, what) VALUES (UTC_TIMESTAMP(), 'mailbox', '{self.address}', 'set'); "
                f"SELECT LAST_INSERT_ID(); DO SLEEP({self.held}); COMMIT;")
        for tries_left in range(4, -1, -1):
            try:
                ((mine,),) = self.node.sql(text, self.world.site.name)
                break
            except RuntimeError as error:
                if "1213" not in str(error) or not tries_left:  # another one came first
                    raise
        self.ids.append(int(mine))
        self.before += int(self.node.sql(f"SELECT COUNT(*) FROM change_log WHERE id > {mine}", self.world.site.name)[0][0])


def conflicts(cluster):
    """Transactions that had to begin anew, by certification or since a change of another node came first."""
    return sum(int(node.status(name)) for node in cluster.nodes for name in ("local_cert_failures", "local_bf_aborts"))


def finish(threads, seconds=200):
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"


def test_nothing_revoked_is_answered(world, cluster, capsys):
    """Some hundred changes by two at once, each through another node than the one before, while ids of further ones become visible late."""
    writers = [Writer(world, populate(world, who), CHANGES_EACH) for who in ("one", "two")]
    world.site.cli("domain", "add", "other.example")    # writes below one domain meet, and one of them begins anew: not these, which are to be slow
    late = [Late(world, node, f"late{number}@other.example", 2, 1.5) for number, node in enumerate(cluster.nodes)]
    for each in late:
        world.site.cli("user", "add", each.address, "--hash", stdin=BCRYPT + "\n")
        world.truth.know(("enabled", each.address), "enabled=1")
    world.start()
    before = conflicts(cluster)
    with world.read() as readers:
        for thread in (*late, *writers):
            thread.start()
        finish((*late, *writers))
    told(capsys, f"{sum(w.done for w in writers)} changes, {sum(r.asked for r in readers)} questions, {conflicts(cluster) - before} conflicts, "
                 f"{sum(w.lost for w in writers)} connections lost, {sum(w.late for w in writers)} applied late")
    assert [writer.failed for writer in writers] == [[], []]
    assert sum(reader.temporary for reader in readers) == 0
    assert conflicts(cluster) > before and all(len(each.ids) == each.rounds and each.before for each in late)


@pytest.mark.parametrize("overlap, found", [("10s", True), ("1s", False)])
def test_an_id_that_comes_late(world, cluster, overlap, found):
    """Within the overlap of the poll it is found by itself; after it only by being asked for, as a verb does."""
    key = ("enabled", "late@example.org")
    world.site.cli("user", "add", key[1], "--hash", stdin=BCRYPT + "\n")
    world.truth.know(key, "enabled=1")
    world.site.cli("domain", "add", "other.example")
    world.start(poll_overlap=overlap)
    assert world.ask(key) == "enabled=1"
    late = Late(world, cluster.nodes[1], key[1], 1, 5)
    late.start()
    for number in itertools.count():
        time.sleep(0.7)
        if late.ids or not late.is_alive():
            break
        assert world.verb(cluster.nodes[2], "alias", "add", f"other{number}@other.example", "to@example.com") == (0, "")
    finish([late])
    assert late.before >= 3
    assert world.ask(key) == f"enabled={1 - found}"
    until(lambda: world.lookup.control("applied", f"applied {late.ids[0]}") == "1")
    assert world.ask(key) == "enabled=0"


def test_the_same_thing_at_once(world, cluster, capsys):
    """Through three nodes: certification lets one of them through. The others are tried again, and then they do it, too, or say why they cannot."""
    world.site.cli("user", "add", "same@example.org", "--hash", stdin=BCRYPT + "\n")
    world.start()
    said, before = [], conflicts(cluster)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for number in range(25):
            for words in (lambda n: ["user", "set", "same@example.org", "--quota", str(10 * number + n)],
                          lambda n: ["alias", "add", f"same{number}@example.org", f"to{n}@example.com"],
                          lambda n: ["user", "add", f"once{number}@example.org", "--hash"]):
                said.append((words(0)[1], list(pool.map(lambda n: world.verb(cluster.nodes[n], *words(n), stdin=BCRYPT + "\n"), range(3)))))
    answers = collections.Counter("lost" if LOST.search(text) else re.sub(".*(exists already).*", r"\1", text) for _, three in said for _, text in three)
    told(capsys, f"the same at once: {dict(answers)}, {conflicts(cluster) - before} conflicts")
    assert set(answers) <= {"", "exists already", "lost"}, answers
    for what, three in said:
        lost = sum(LOST.search(text) is not None for _, text in three)
        assert sum(code == 0 for code, _ in three) + lost >= (1 if what.startswith("once") or what == "add" else 3), (what, three)
    assert answers["lost"] <= 3 and conflicts(cluster) > before
    for node in cluster.nodes:
        rows = node.sql("SET wsrep_sync_wait = 1; SELECT address, COUNT(*) FROM alias GROUP BY address", world.site.name)
        assert {world.ask(("alias", address)).count("@") for address, _ in rows} == {int(count) for _, count in rows}


# ---- nodes that fail. Galera itself, all of it, does nothing until it has given a node up that went without a word: evs.suspect_timeout, 5 s, and some more.

@contextlib.contextmanager
def busy(world, capsys, what):
    """Changes and questions while something happens. Yields who asks; afterwards no change was refused and every gap was bounded."""
    writer = Writer(world, populate(world, "one"))
    world.start()
    with world.read(2, 4) as threads:
        readers, strangers = threads[:2], threads[2:]
        writer.start()
        time.sleep(1)
        yield strangers
        time.sleep(1)
        writer.over.set()
        finish([writer])
        assert all(time.monotonic() - each.last < 3 for each in strangers), "no answers at the end"
    gap = max(max(each.gap, 0) for each in strangers)
    told(capsys, f"{what}: {writer.done} changes ({writer.late} applied late, {writer.lost} connections lost, the slowest took {writer.longest:.1f} s), "
                 f"{sum(each.asked for each in threads)} questions; known ones took {max(r.longest for r in readers):.1f} s at most, "
                 f"{sum(r.temporary for r in readers)} of them and {sum(s.temporary for s in strangers)} new ones failed for now; new ones waited {gap:.1f} s")
    assert writer.failed == []
    assert gap < STALL_SECONDS


def test_a_node_that_dies(world, cluster, capsys):
    first = cluster.nodes[0]
    with busy(world, capsys, "killed"):
        assert world.server() == first.place
        transfers = first.transferred()
        first.kill()
        until(lambda: world.server() != first.place, STALL_SECONDS)
        time.sleep(2)
        first.start()
        cluster.whole()
        until(lambda: world.server() == first.place, BACK_SECONDS)
    assert first.transferred() > transfers


def test_a_node_that_stands_still(world, cluster, capsys):
    first = cluster.nodes[0]
    with busy(world, capsys, "frozen"):
        with first.frozen():
            until(lambda: world.server() != first.place, STALL_SECONDS)
            time.sleep(8)       # the others have gone on without it
            seen = world.server()
        assert seen != first.place
        cluster.whole()
        until(lambda: world.server() == first.place, BACK_SECONDS)


def test_a_node_without_its_quorum(world, cluster, capsys):
    """It still takes connections, and answers 1047. The verbs that prefer it write through another one."""
    first = cluster.nodes[0]
    with busy(world, capsys, "cut off"):
        first.cut(True)
        until(lambda: not first.ready())
        until(lambda: world.server() != first.place, STALL_SECONDS)
        assert world.verb(first, "alias", "add", "meanwhile@example.org", "to@example.com") == (0, "")
        assert world.ask(("alias", "meanwhile@example.org")) == "OK to@example.com"
        first.cut(False)
        cluster.whole()
        until(lambda: world.server() == first.place, BACK_SECONDS)


def test_no_quorum_at_all(world, cluster):
    """What is known is answered from memory, the rest is a temporary failure; a change is refused in words."""
    keys = populate(world, "one")
    world.start()
    for key in keys:
        assert world.ask(key) == world.truth.now(key)
    for node in cluster.nodes:
        node.cut(True)
    try:
        until(lambda: not any(node.ready() for node in cluster.nodes))
        until(lambda: world.lookup.control("database") != "up", STALL_SECONDS)
        for _ in range(20):
            for key in keys:
                assert world.ask(key) in (world.truth.now(key), TEMP) and (world.truth.now(key) == "NOTFOUND" or world.ask(key) != TEMP), key
            assert world.ask(stranger(next(Strangers.numbers))[0]) == TEMP
            time.sleep(0.2)
        code, said = world.verb(cluster.nodes[1], "user", "set", keys[0][1], "--disable")
        assert code == 1 and "no part of a working cluster" in said and "no other server will do" in said, said
        assert world.ask(keys[0]) == "enabled=1"
    finally:
        for node in cluster.nodes:
            node.cut(False)
    cluster.whole()
    until(lambda: world.ask(stranger(next(Strangers.numbers))[0]) != TEMP)
    assert world.verb(cluster.nodes[1], "user", "set", keys[0][1], "--disable") == (0, "")
    assert world.ask(keys[0]) == "enabled=0"
