"""path: messages through Postfix from a foreign client, accepted and taken off the queue. Three Postfix instances with the same settings and the same
discarding delivery: bare (tables in memory, no filter), with a no-op milter, with the whole suite (all maps by lookup, policyd on each recipient, the milter
with SPF over Unbound and a scan). What is compared is what the suite costs on the way in."""

import functools
import pathlib
import shutil

import measure
from instance import Instance
from stack import daemons, host, layout, units

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
            "bare": Instance(h, "bare", 1, BARE.format(milter="", **bare)),
            "noop": Instance(h, "noop", 2, BARE.format(milter=f"unix:{milter}", **bare)),
            # The milter's socket is named relative to the queue folder, and this Postfix has another one.
            "suite": Instance(h, "suite", 3, MILTER.format(socket=h.lay.queue / "run/mailreeve/milter/milter.sock")),
        }
        instances["noop"].roots.append(h.servers.pid("noop-milter"))
        instances["suite"].roots += [h.servers.pid(name) for name in (*daemons.DAEMONS, "mariadb", "redis", "unbound")]
        jobs = {name: functools.partial(i.send, MESSAGES, SESSIONS, BYTES, SENDER, RECIPIENT) for name, i in instances.items()}
        report(measure.interleaved(jobs, ROUNDS))


def report(results):
    print(f"{MESSAGES} messages of {BYTES} bytes over {SESSIONS} sessions, median of {ROUNDS}")
    for name, (seconds, cpu) in results.items():
        print(f"{name:6} {MESSAGES / seconds:7.0f} messages/s {1000 * cpu / MESSAGES:7.2f} ms CPU a message")
    for floor in ("bare", "noop"):
        print(f"ratio path.suite/{floor} {results[floor][0] / results['suite'][0]:.3f}")
    for floor in ("bare", "noop"):
        print(f"ratio path.cpu.suite/{floor} {results[floor][1] / results['suite'][1]:.3f}")
