"""lookup: Postfix asks for mailboxes, by `postmap -q -` with one client and with four at once: Postfix's own `mysql:` and `proxy:mysql:`, a stub that holds
its table in memory (the floor), and lookup: warm, cold (each address is asked for the first time, in the order of their numbers, so that what lookup reads
ahead is what comes next), and just started (addresses in no order; `mysql:` is asked in no order for that); and by `static:`, which answers inside postmap and
shows what postmap itself takes. Then the six maps in the mail path, by lookup and
by the stub, and how long warm answers take."""

import functools
import itertools
import pathlib
import random
import shutil
import subprocess

import measure
from instance import Instance
from stack import daemons, host, layout, mariadb, units

MAILBOXES, WARM, ROUNDS = 600_000, 20_000, 9
# Questions of one run: enough for the start of the clients to be a small part of it.
QUESTIONS = {"static": 100_000, "stub": 100_000, "warm": 100_000, "cold": 10_000, "started": 10_000, "mysql": 10_000, "mysqlany": 10_000, "proxymysql": 5_000}
RATIOS = (("warm", "stub"), ("warm", "proxymysql"), ("stub", "proxymysql"), ("static", "proxymysql"), ("cold", "mysql"), ("started", "mysqlany"))
CLIENTS = (1, 4)
MESSAGES, SESSIONS, BYTES, MAIL_ROUNDS = 600, 10, 1000, 7
SENDER, RECIPIENT = f"somebody@{layout.FOREIGN}", f"user1@{layout.DOMAIN}"
ACCOUNTS = f"""
INSERT INTO mailbox (address, domain, password)
	SELECT CONCAT('user', seq, '@{layout.DOMAIN}'), '{layout.DOMAIN}', '{{PLAIN}}x' FROM seq_1_to_{MAILBOXES};
"""
# The same answer for the addresses that are asked for.
MYSQL = """hosts = unix:{socket}
user = root
dbname = {name}
query = SELECT m.address FROM mailbox m JOIN domain d ON d.name = m.domain WHERE m.address = '%s' AND d.enabled AND NOT m.send_only
"""
# No others: they would be asked of lookup on both sides.
SIX_MAPS = """
virtual_mailbox_domains = socketmap:unix:{socket}:domain
virtual_mailbox_maps = socketmap:unix:{socket}:mailbox
virtual_alias_maps = socketmap:unix:{socket}:alias
sender_dependent_default_transport_maps = socketmap:unix:{socket}:sender-transport
smtpd_sender_login_maps = socketmap:unix:{socket}:sender-login
smtpd_sender_restrictions = reject_sender_login_mismatch
sender_canonical_maps = socketmap:unix:{socket}:srs
sender_canonical_classes = envelope_sender
mailreeve_policy = permit
smtpd_milters =
relay_domains =
relay_recipient_maps =
transport_maps =
sender_dependent_relayhost_maps =
smtpd_client_restrictions =
smtpd_recipient_restrictions = reject_non_fqdn_recipient, reject_unlisted_recipient
smtpd_milter_maps =
smtp_tls_policy_maps =
"""


def address(number):
    return f"user{number}@{layout.DOMAIN}"


def warm_addresses():
    return [address(n) for n in range(1, WARM + 1)]


def start_stub(h, name, table):
    """{(map, key): value} served from memory; the socket."""
    socket, file = h.lay.dir / f"{name}.sock", h.lay.dir / f"{name}.table"
    file.write_text("".join(f"{where} {key}\t{value}\n" for (where, key), value in table.items()))
    h.servers.start(name, [h.lay.bin / "map-stub", socket, file])
    units.wait_for(name, units.listening(socket))
    return socket


class Maps:
    """The same table under the names that Postfix gives it."""

    def __init__(self, h):
        lay = self.lay = h.lay
        settings = lay.dir / "mailbox.cf"
        settings.write_text(MYSQL.format(socket=lay.db_socket, name=mariadb.NAME))
        with open(lay.postfix / "main.cf", "a") as main:
            main.write(f"proxy_read_maps = proxy:mysql:{settings}\n")
        subprocess.run(["postfix", "-c", lay.postfix, "reload"], check=True, capture_output=True)
        stub = start_stub(h, "stub", {("mailbox", a): "1" for a in warm_addresses()})
        ours = f"socketmap:unix:{lay.run}/lookup/map.sock:mailbox"
        self.maps = {"static": "static:1", "stub": f"socketmap:unix:{stub}:mailbox", "warm": ours, "cold": ours, "started": ours,
                     "mysql": f"mysql:{settings}", "mysqlany": f"mysql:{settings}", "proxymysql": f"proxy:mysql:{settings}"}
        self.unasked = map(address, itertools.count(WARM + 1))
        self.h = h

    def keys(self, side, clients):
        """The questions of each client; those that go to the database are about mailboxes that were never asked for before."""
        if side in ("static", "stub", "warm"):
            source = itertools.cycle(warm_addresses())
        elif side in ("started", "mysqlany"):
            source = map(address, random.sample(range(1, MAILBOXES + 1), QUESTIONS[side]))
        else:
            source = self.unasked
        return [list(itertools.islice(source, QUESTIONS[side] // clients)) for _ in range(clients)]

    def job(self, side, clients):
        files = [self.lay.dir / f"keys-{n}" for n in range(clients)]
        for file, keys in zip(files, self.keys(side, clients)):
            file.write_text("".join(f"{key}\n" for key in keys))
        self.prepare(side)
        with measure.Run([self.h.servers.pid(name) for name in ("stub", "lookup", "mariadb", "postfix")]) as run:
            processes = [self.postmap(side, file) for file in files]
            codes = [process.wait() for process in processes]
        found = sum(file.with_suffix(".found").read_text().count("\n") for file in files)
        if any(codes) or found != QUESTIONS[side]:
            raise RuntimeError(f"{side}: {found} of {QUESTIONS[side]} were found, exit codes {codes}")
        return run

    def prepare(self, side):
        """Lookup knows no row, or the warm ones; the former ends what the latter began."""
        if side == "started":
            self.h.servers.stop("lookup")
            self.h.servers.again("lookup")
            units.wait_for("lookup", units.listening(self.lay.run / "lookup/map.sock"))
        elif side == "warm":
            file = self.lay.dir / "keys-warm"
            file.write_text("".join(f"{key}\n" for key in warm_addresses()))
            self.postmap(side, file).wait()

    def postmap(self, side, file):
        with open(file) as keys, open(file.with_suffix(".found"), "w") as found:
            return subprocess.Popen(["postmap", "-c", self.lay.postfix, "-q", "-", self.maps[side]], stdin=keys, stdout=found)


def ask_postmap(h, key, name):
    """What lookup says now, or None."""
    table = f"socketmap:unix:{h.lay.run}/lookup/map.sock:{name}"
    return subprocess.run(["postmap", "-c", h.lay.postfix, "-q", key, table], capture_output=True, text=True, check=False).stdout.strip() or None


def six_maps(h):
    """Two Postfix instances that differ in who answers. The stub knows what lookup says to each question of this mail."""
    names = ("domain", "mailbox", "alias", "sender-transport", "sender-login", "srs")
    questions = itertools.product(names, (SENDER, RECIPIENT, layout.DOMAIN, layout.FOREIGN))
    answers = {(name, key): ask_postmap(h, key, name) for name, key in questions}
    stub = start_stub(h, "stub-six", {question: answer for question, answer in answers.items() if answer})
    instances = {"sixmaps": Instance(h, "sixmaps", 1, SIX_MAPS.format(socket=f"{h.lay.run}/lookup/map.sock")),
                 "sixstub": Instance(h, "sixstub", 2, SIX_MAPS.format(socket=stub))}
    for name, server in (("sixmaps", "lookup"), ("sixstub", "stub-six")):
        instances[name].roots.append(h.servers.pid(server))
    return {name: functools.partial(i.send, MESSAGES, SESSIONS, BYTES, SENDER, RECIPIENT) for name, i in instances.items()}


def latency(h, clients):
    done = subprocess.run([h.lay.build / "tests/bench/map-clients", h.lay.run / "lookup/map.sock", "mailbox", str(clients)],
                          input="".join(f"{a}\n" for a in warm_addresses()), capture_output=True, text=True, check=True)
    words = done.stdout.split()
    return dict(zip(words[::2], words[1::2]))


def main():
    with host.Host(build=pathlib.Path(daemons.os.environ["MR_BUILD"])) as h:
        h.cli("domain", "add", layout.DOMAIN)
        mariadb.sql(h.lay, ACCOUNTS)
        shutil.copy(h.lay.build / "tests/bench/map-stub", h.lay.bin / "map-stub")
        maps = Maps(h)
        results = {clients: measure.interleaved({side: functools.partial(maps.job, side, clients) for side in QUESTIONS}, ROUNDS)
                   for clients in CLIENTS}
        report(results, {clients: latency(h, clients) for clients in CLIENTS})
        report_mail(measure.interleaved(six_maps(h), MAIL_ROUNDS))


def report(results, latencies):
    rate = {clients: {side: QUESTIONS[side] / seconds for side, (seconds, _) in sides.items()} for clients, sides in results.items()}
    for clients, sides in results.items():
        print(f"{clients} clients, median of {ROUNDS}")
        for side, (_, cpu) in sides.items():
            print(f"{side:10} {rate[clients][side]:7.0f} questions/s {1e6 * cpu / QUESTIONS[side]:6.1f} us CPU of the servers a question")
        took = latencies[clients]
        print(f"answers of lookup, warm, without postmap: p50 {took['p50_us']} us, p99 {took['p99_us']} us, at most {took['max_us']} us")
    for clients in CLIENTS:
        suffix = "" if clients == 1 else str(clients)
        for ours, other in RATIOS:
            print(f"ratio lookup.{ours}{suffix}/{other} {rate[clients][ours] / rate[clients][other]:.3f}")


def report_mail(results):
    print(f"{MESSAGES} messages of {BYTES} bytes over {SESSIONS} sessions through six maps, median of {MAIL_ROUNDS}")
    for name, (seconds, cpu) in results.items():
        print(f"{name:8} {MESSAGES / seconds:7.0f} messages/s {1000 * cpu / MESSAGES:6.2f} ms CPU a message")
    print(f"ratio lookup.sixmaps/stub {results['sixstub'][0] / results['sixmaps'][0]:.3f}")
