"""Servers killed, stopped and slowed, and packets lost, while mail flows, in an order that a seed gives; and a watch over those that nobody touched."""

import os
import pathlib
import random
import re
import signal
import statistics
import subprocess
import threading
import time

import netns
from stack import daemons, mail, mariadb, supervise

BACK_ENDS = ("mariadb", "redis", "unbound", "clamd")
SCANNERS = ("scanner", "scanner master")
LOST = 5, 40                                    # of a hundred packets, while some are lost
FDS_MAX, THREADS_MAX = 200, 150


class Hosts:
    """The processes of one stack by name; scanners and their master belong to the milter."""

    def __init__(self, servers, lay):
        self.servers, self.lay = servers, lay

    def pid(self, name):
        """The unit's process, or None. "scanner" and "scanner master": one of them."""
        if name not in SCANNERS:
            return self.servers.pid(name)
        masters = supervise.children(self.servers.pid("milter") or 0)
        found = masters if name == "scanner master" else [pid for master in masters for pid in supervise.children(master)]
        return found[0] if found else None

    def below(self, pid):
        """All processes that descend from it."""
        children = supervise.children(pid)
        return children + [each for child in children for each in self.below(child)]

    def auth(self):
        """Dovecot's main auth process, in which our plugin answers."""
        for pid in supervise.children(self.servers.pid("dovecot") or 0):
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[0] == b"dovecot/auth" and b"-w" not in words:
                return pid
        return None


class Trouble(threading.Thread):
    """Strikes until told to stop. `ours`: whether our daemons may be ended, not only slowed."""

    GAP, SLOW, AWAY = (1, 6), (0.5, 8), (0.5, 5)    # seconds between strikes, of SIGSTOP, of a stop

    def __init__(self, hosts, seed):
        super().__init__(daemon=True)
        self.hosts, self.random, self.over, self.ours = hosts, random.Random(seed), threading.Event(), True
        self.ended, self.counts, self.error = set(), {}, None

    def kill(self, name, pid):
        os.kill(pid, signal.SIGKILL)
        assert mail.wait_until(lambda: self.hosts.pid(name) != pid, 10), f"{name} was not killed"

    def slow(self, name, pid):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.random.uniform(*self.SLOW))
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            assert name == "scanner", f"{name} died while it stood still"   # the milter replaces one that takes too long

    def stop(self, name, pid):
        self.hosts.servers.stop(name)
        time.sleep(self.random.uniform(*self.AWAY))
        self.hosts.servers.again(name)

    def read_only(self, name, pid):
        """Changes are refused for a while; nothing of ours may need to write there for a message."""
        try:
            mariadb.sql(self.hosts.lay, "SET GLOBAL read_only = 1", "")
            time.sleep(self.random.uniform(*self.AWAY))
        finally:
            mariadb.sql(self.hosts.lay, "SET GLOBAL read_only = 0", "")

    def flush(self, name, pid):
        """All data of Redis is lost."""
        subprocess.run(["redis-cli", "-s", self.hosts.lay.redis_socket, "FLUSHALL"], check=True, capture_output=True)

    def lose(self, name, pid):
        """Packets, of everybody: the test has a network of its own."""
        with netns.loss(self.random.randint(*LOST)):
            time.sleep(self.random.uniform(*self.SLOW))

    def deeds(self):
        """What may be done to whom."""
        deeds = [(self.kill, n) for n in (*BACK_ENDS, *SCANNERS)] + [(self.slow, n) for n in (*BACK_ENDS, *daemons.DAEMONS, *SCANNERS)]
        deeds += [(self.stop, n) for n in BACK_ENDS] + [(self.read_only, "mariadb"), (self.flush, "redis")] + [(self.lose, "unbound")] * 3
        if self.ours:
            deeds += [(deed, n) for n in daemons.DAEMONS for deed in (self.kill, self.stop)]
        return deeds

    def choose(self):
        return self.random.choice(self.deeds())

    def strike(self):
        deed, name = self.choose()
        pid = mail.wait_until(lambda: self.hosts.pid(name), 20)
        assert pid, f"{name} does not come back"
        if deed in (self.kill, self.stop):
            self.ended.add(pid)
        deed(name, pid)
        self.counts[f"{deed.__name__} {name}"] = self.counts.get(f"{deed.__name__} {name}", 0) + 1

    def run(self):
        try:
            while not self.over.wait(self.random.uniform(*self.GAP)):
                self.strike()
        except Exception as error:  # told by the test
            self.error = error


class FilterTrouble(Trouble):
    """Strikes at what the filter leans on, and at its scanners: each way once, then all again in another order."""

    GAP, SLOW, AWAY = (0.2, 1.5), (0.5, 4), (0.5, 3)

    def __init__(self, hosts, seed):
        super().__init__(hosts, seed)
        self.left, self.rounds = [], 0

    def deeds(self):
        away = [(deed, n) for deed in (self.kill, self.slow, self.stop) for n in ("clamd", "redis", "unbound")]
        return away + [(deed, n) for deed in (self.kill, self.slow) for n in SCANNERS] + [(self.flush, "redis"), (self.lose, "unbound")]

    def choose(self):
        if not self.left:
            self.left = self.deeds()
            self.random.shuffle(self.left)
        deed = self.left.pop()
        self.rounds += not self.left
        return deed


class Watch(threading.Thread):
    """Size, descriptors, threads and child processes of our processes, every few seconds; and who ended without having been struck."""

    EVERY = 3

    def __init__(self, hosts, trouble):
        super().__init__(daemon=True)
        self.hosts, self.trouble, self.over = hosts, trouble, threading.Event()
        self.samples, self.died = [], []

    def look(self):
        now = {}
        for name in (*daemons.DAEMONS, "auth"):
            try:
                pid = self.hosts.auth() if name == "auth" else self.hosts.pid(name)
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                fds = len(os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                continue  # between two lives
            fields = dict(re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.M))
            if len(fields) == 2:
                now[name] = {"pid": pid, "rss": int(fields["VmRSS"]), "threads": int(fields["Threads"]), "fds": fds,
                             "processes": len(self.hosts.below(pid))}
        return now

    def run(self):
        before = {}
        while not self.over.wait(self.EVERY):
            now = self.look()
            self.died += [f"{name} (pid {was['pid']}) ended by itself" for name, was in before.items()
                          if name in now and now[name]["pid"] != was["pid"] and was["pid"] not in self.trouble.ended]
            before |= now
            self.samples.append((time.monotonic(), now))

    def sizes(self, since):
        """{name: kB} over the samples since then, in ten medians, each of a tenth of them, the earliest first."""
        result = {}
        for name in (*daemons.DAEMONS, "auth"):
            all_of_it = [now[name]["rss"] for at, now in self.samples if at >= since and name in now]
            tenth = max(1, len(all_of_it) // 10)
            result[name] = [statistics.median(all_of_it[n * tenth:(n + 1) * tenth] or all_of_it[-tenth:]) for n in range(9)]
            result[name].append(statistics.median(all_of_it[-tenth:]))
        return result

    def growth(self, since):
        """{name: (kB at first, kB at last)} over the samples since then."""
        return {name: (sizes[0], sizes[-1]) for name, sizes in self.sizes(since).items()}

    def most(self, what):
        return {name: max(now[name][what] for _, now in self.samples if name in now) for name in (*daemons.DAEMONS, "auth")}
