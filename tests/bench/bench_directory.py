"""directory: a large site: 1,000,000 mailboxes and 2,000,000 aliases. How soon lookup answers after its start, at what rate when each address is asked for
the first time and when all is in memory, and what memory it takes: with everything kept, and with the ordinary bound on rows."""

import pathlib
import random
import subprocess
import time

from stack import daemons, host, layout, mariadb, units

MAILBOXES, ALIASES, FEW = 1_000_000, 2_000_000, 20_000
CLIENTS = 16
DOMAIN = layout.DOMAIN
ACCOUNTS = f"""
INSERT INTO mailbox (address, domain, password)
	SELECT CONCAT('user', seq, '@{DOMAIN}'), '{DOMAIN}', CONCAT('{{BLF-CRYPT}}$2y$10$', RPAD(seq, 53, 'x')) FROM seq_1_to_{MAILBOXES};
INSERT INTO alias (address, domain, destination)
	SELECT CONCAT('alias', seq, '@{DOMAIN}'), '{DOMAIN}', CONCAT('user', 1 + seq MOD {MAILBOXES}, '@{DOMAIN}') FROM seq_1_to_{ALIASES};
"""
# An address has a row of each kind, or the knowledge that there is none.
ALL_ROWS = 2 * (MAILBOXES + ALIASES) + 1000
MEBIBYTE = 1 << 20


def addresses(prefix, count, of):
    """So many different ones, in no order."""
    return [f"{prefix}{number}@{DOMAIN}" for number in random.Random(count).sample(range(1, of + 1), count)]


class Lookup:
    def __init__(self, h):
        self.h, self.socket = h, h.lay.run / "lookup/map.sock"

    def started(self, rows=None):
        """Started anew with this bound on rows; seconds until it has read its first answer from the database."""
        if rows:
            with open(self.h.lay.conf, "a") as conf:
                conf.write(f"lookup {{\n\tcache_rows = {rows}\n}}\n")
        self.h.servers.stop("lookup")
        began = time.monotonic()
        self.h.servers.again("lookup")
        units.wait_for("lookup", units.listening(self.socket))
        self.ask("domain", [DOMAIN])
        return time.monotonic() - began

    def ask(self, name, keys):
        """Every key once, by all clients together; all must be found."""
        done = subprocess.run([self.h.lay.build / "tests/bench/map-clients", self.socket, name, str(CLIENTS)],
                              input="".join(f"{key}\n" for key in keys), capture_output=True, text=True, check=True)
        words = done.stdout.split()
        said = dict(zip(words[::2], words[1::2]))
        if int(said["found"]) != len(keys):
            raise RuntimeError(f"{name}: {done.stdout}")
        return len(keys) / float(said["seconds"]), said["p99_us"]

    def memory(self):
        status = pathlib.Path(f"/proc/{self.h.servers.pid('lookup')}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def report(self, what, name, keys):
        rate, p99 = self.ask(name, keys)
        print(f"{what:32} {rate:8.0f} questions/s, p99 {p99:>6} us, resident {self.memory() / MEBIBYTE:6.0f} MiB", flush=True)
        return rate


def main():
    with host.Host(build=pathlib.Path(daemons.os.environ["MR_BUILD"])) as h:
        h.cli("domain", "add", DOMAIN)
        mariadb.sql(h.lay, ACCOUNTS)
        lookup = Lookup(h)
        mailboxes, aliases = addresses("user", MAILBOXES, MAILBOXES), addresses("alias", ALIASES, ALIASES)
        print(f"start with the ordinary bound: {lookup.started():.2f} s")
        few = addresses("user", FEW, MAILBOXES)
        lookup.report("few mailboxes, cold", "mailbox", few)
        rate_of_few = lookup.report("few mailboxes, warm", "mailbox", few)
        lookup.report("all mailboxes, within the bound", "mailbox", mailboxes)
        print(f"start with everything kept: {lookup.started(ALL_ROWS):.2f} s")
        empty = lookup.memory()
        lookup.report("all mailboxes, cold", "mailbox", mailboxes)
        lookup.report("all aliases, cold", "alias", aliases)
        rate_of_all = lookup.report("all mailboxes, warm", "mailbox", mailboxes)
        lookup.report("all aliases, warm", "alias", aliases)
        print(f"a row takes {(lookup.memory() - empty) / ALL_ROWS:.0f} bytes")
        print(f"ratio directory.all/few {rate_of_all / rate_of_few:.3f}")
