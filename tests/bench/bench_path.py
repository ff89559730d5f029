"""path: messages through Postfix from a foreign client, accepted and taken off the queue. Three Postfix instances with the same settings and the same
discarding delivery: bare (tables in memory, no filter), with a no-op milter, with the whole suite (all maps by lookup, policyd on each recipient, the milter
with SPF over Unbound and a scan). What is compared is what the suite costs on the way in."""

import pathlib
import shutil
import subprocess

import measure
from stack import accounts, daemons, host, layout, postfix, units

MESSAGES, SESSIONS, BYTES, ROUNDS = 600, 10, 4000, 7
SENDER, RECIPIENT = f"somebody@{layout.FOREIGN}", f"anna@{layout.DOMAIN}"
# Laid over the shipped main.cf: what is not ours stays as it is.
BARE = """
virtual_mailbox_domains = inline:{{ {{ {domain} = x }} }}
virtual_mailbox_maps = inline:{{ {{ {recipient} = x }} }}
virtual_alias_maps =
sender_dependent_default_transport_maps =
smtpd_sender_login_maps =
mailreeve_policy = permit
smtpd_milters = {milter}
"""
MILTER = """
smtpd_milters = {{ unix:{socket}, connect_timeout=10s, command_timeout=30s, content_timeout=120s, default_action=tempfail }}
"""


def parameters(text):
    """{name: its lines} of a main.cf, comments left out."""
    found, name = {}, None
    for line in text.splitlines():
        if line[:1].strip() and not line.startswith("#"):
            name = line.partition("=")[0].strip()
            found[name] = [line]
        elif name and line.strip() and not line.startswith("#"):
            found[name].append(line)
    return found


def replaced(main, overrides):
    """Each parameter once: Postfix warns about every other at each start of each process, and its log blocks under that."""
    return "".join(line + "\n" for lines in (parameters(main) | parameters(overrides)).values() for line in lines)


class Instance:
    """A Postfix of its own beside the stack's."""

    def __init__(self, h, name, overrides):
        lay, root = h.lay, h.lay.dir / name
        self.port, self.etc, self.queue = lay.base + {"bare": 1, "noop": 2, "suite": 3}[name], root / "etc", root / "queue"
        self.log = lay.log / f"postfix-{name}.log"
        self.etc.mkdir(parents=True)
        for path, mode, owner in ((root, 0o755, "root"), (self.queue, 0o755, "root"), (root / "data", 0o700, "postfix")):
            accounts.make_folder(path, mode, owner)
        main = daemons.rendered(lay, "postfix-main") + postfix.PRIVATE.format(
            queue=self.queue, root=root, log=self.log, dir=lay.dir, ipv6="", protocols="ipv4", sink=lay.ports["sink"])
        (self.etc / "main.cf").write_text(replaced(main, "virtual_transport = discard:\n" + overrides))
        postfix.write_master(self.etc, daemons.rendered(lay, "postfix-master").replace(f"\n{lay.ports['smtp']} inet", f"\n127.0.0.1:{self.port} inet"))
        master = self.etc / "master.cf"
        master.write_text(self.unchrooted(master.read_text(), lay))
        self.log.touch(mode=0o644)
        h.servers.start(f"postfix-{name}", ["postfix", "-c", self.etc, "start-fg"])
        units.wait_for(f"postfix {name}", units.listening(("127.0.0.1", self.port)))
        self.roots = [h.servers.pid(f"postfix-{name}")]

    @staticmethod
    def unchrooted(master, lay):
        """Without the other listeners (the stack's Postfix has them) and without chroot."""
        lines, skip = [], False
        for line in master.splitlines():
            if line[:1].strip() and not line.startswith("#"):
                fields = line.split()
                skip = fields[1] == "inet" and not fields[0].startswith("127.0.0.1:2") or fields[0].endswith(str(lay.ports["forward"]))
                if len(fields) >= 8:
                    fields[4] = "n"
                    line = " ".join(fields)
            if not skip:
                lines.append(line)
        return "\n".join(lines) + "\n"

    def job(self):
        """Sends the messages and waits until the queue is empty."""
        with measure.Run(self.roots) as run:
            subprocess.run(["smtp-source", "-s", str(SESSIONS), "-m", str(MESSAGES), "-l", str(BYTES), "-f", SENDER, "-t", RECIPIENT,
                            f"127.0.0.1:{self.port}"], check=True)
            units.wait_for("an empty queue", lambda: not any((self.queue / "active").iterdir()) and not any((self.queue / "incoming").iterdir()))
        if any(path.is_file() for path in (self.queue / "deferred").rglob("*")):
            raise RuntimeError(f"{self.log}: messages were deferred")
        return run


def main():
    with host.Host(build=pathlib.Path(daemons.os.environ["MR_BUILD"])) as h:
        h.cli("domain", "add", layout.DOMAIN)
        h.cli("user", "add", RECIPIENT, stdin="a good long password\n")
        milter = h.lay.dir / "noop-milter.sock"
        shutil.copy(h.lay.build / "tests/bench/noop-milter", h.lay.bin / "noop-milter")
        h.servers.start("noop-milter", [h.lay.bin / "noop-milter", milter])
        units.wait_for("noop-milter", milter.exists)
        bare = {"domain": layout.DOMAIN, "recipient": RECIPIENT}
        instances = {
            "bare": Instance(h, "bare", BARE.format(milter="", **bare)),
            "noop": Instance(h, "noop", BARE.format(milter=f"unix:{milter}", **bare)),
            # The milter's socket is named relative to the queue folder, and this Postfix has another one.
            "suite": Instance(h, "suite", MILTER.format(socket=h.lay.queue / "run/mailreeve/milter/milter.sock")),
        }
        instances["noop"].roots.append(h.servers.pid("noop-milter"))
        instances["suite"].roots += [h.servers.pid(name) for name in (*daemons.DAEMONS, "mariadb", "redis", "unbound")]
        report(measure.interleaved({name: i.job for name, i in instances.items()}, ROUNDS))


def report(results):
    print(f"{MESSAGES} messages of {BYTES} bytes over {SESSIONS} sessions, median of {ROUNDS}")
    for name, (seconds, cpu) in results.items():
        print(f"{name:6} {MESSAGES / seconds:7.0f} messages/s {1000 * cpu / MESSAGES:7.2f} ms CPU a message")
    for floor in ("bare", "noop"):
        print(f"ratio path.suite/{floor} {results[floor][0] / results['suite'][0]:.3f}")
    for floor in ("bare", "noop"):
        print(f"ratio path.cpu.suite/{floor} {results[floor][1] / results['suite'][1]:.3f}")
