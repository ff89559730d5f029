"""Where everything of one private stack is: paths, ports, names."""

import os
import pathlib
import random
import socket
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]

DOMAIN = "example.org"            # hosted
FOREIGN = "example.net"           # sends to us: SPF and a DKIM key
ELSEWHERE = "example.com"         # gets mail from us: the sink
HOSTNAME = "mx.example.org"
SECOND = "mx2.example.org"        # a host that joins it

OFFSETS = {"pop3": 10, "smtp": 25, "sink": 26, "forward": 27, "login": 28, "redirect": 29, "relay": 30, "relay2": 31, "imap": 43, "dns": 53, "away": 54,
           "submissions": 65, "submission": 87, "sieve": 90, "imaps": 93, "pop3s": 95}
# Unix socket names have 107 bytes; the longest of ours below the folder.
LONGEST = "/postfix/queue/run/mailreeve/policyd/policy.sock"


class Layout:
    """Paths and ports of the stack in `folder`. `lock` is kept open: it reserves the ports against other stacks. Our programs come from `build`, those that
    MR_PROGRAMS has too from there, such as a sanitized build, which Dovecot could not load.
    `joins`: the layout of the host whose MariaDB, Redis, Unbound, clamd, certificate and foreign host this one uses as well.
    `under`: words before each daemon's command, of a tool that watches it."""

    def __init__(self, folder=None, base=None, build=None, joins=None):
        self.temporary = folder is None
        self.dir = pathlib.Path(folder or tempfile.mkdtemp(prefix="mr-", dir="/tmp")).resolve()
        if len(str(self.dir) + LONGEST) > 107:
            raise ValueError(f"{self.dir}: too long for the sockets below it, take a shorter one")
        self.dir.mkdir(parents=True, exist_ok=True)
        self.dir.chmod(0o755)
        self.build = pathlib.Path(build or os.environ.get("MR_BUILD", SOURCE / "build")).resolve()
        self.programs = pathlib.Path(os.environ.get("MR_PROGRAMS", self.build)).resolve()
        self.under = []
        self.base, self.lock = reserve(base)
        self.ports = {name: self.base + offset for name, offset in OFFSETS.items()}
        self.ipv6 = has_ipv6()
        self.joins, self.hostname = joins, SECOND if joins else HOSTNAME

        self.bin = self.dir / "bin"
        self.conf = self.dir / "etc/mailreeve.conf"
        self.cli = self.dir / "mailreeve"
        self.keys = self.dir / "etc/keys"
        self.run = self.dir / "run"
        self.state = self.dir / "state"
        self.mail = self.dir / "vmail"
        self.queue = self.dir / "postfix/queue"
        self.postfix = self.dir / "postfix/etc"
        self.dovecot = self.dir / "dovecot"
        self.tls = self.dir / "tls"
        self.log = self.dir / "log"
        self.sink = self.dir / "sink"
        self.db_socket = self.dir / "mariadb/run/db.sock"
        self.redis_socket = self.dir / "redis/redis.sock"
        self.clamd_socket = self.dir / "clamav/clamd.sock"
        if joins:
            self.ports |= {name: joins.ports[name] for name in ("sink", "dns", "away")}
            for name in ("tls", "sink", "db_socket", "redis_socket", "clamd_socket"):
                setattr(self, name, getattr(joins, name))
        for path in (self.conf.parent, self.keys, self.postfix, self.dovecot, self.tls, self.log, self.sink, self.bin):
            path.mkdir(parents=True, exist_ok=True)
        self.log.chmod(0o1777)

    def local(self, path):
        """The private place of a path of a real host, for packaging/systemd/tmpfiles.conf."""
        for prefix, here in (("/run/mailreeve", self.run), ("/var/spool/postfix", self.queue),
                             ("/var/lib/mailreeve", self.state), ("/var/vmail", self.mail)):
            if path == prefix or path.startswith(prefix + "/"):
                return pathlib.Path(str(here) + path[len(prefix):])
        raise ValueError(f"{path}: no place for it in a private stack")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def ports_free(base):
    for offset in OFFSETS.values():
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("0.0.0.0", base + offset))
            except OSError:
                return False
    return True


def reserve(wanted):
    """(base, lock): a hundred ports below the ephemeral range that nobody uses; the lock dies with the process."""
    for base in [wanted] if wanted else random.sample(range(20000, 32000, 100), 120):
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            lock.bind(f"\0mailreeve-stack-{base}")
        except OSError:
            lock.close()
            continue
        if ports_free(base):
            return base, lock
        lock.close()
    raise OSError(f"ports from {wanted} on are in use" if wanted else "no hundred free ports between 20000 and 32000")
