"""auth: what our signatures, seals and their checking cost against OpenSSL alone (CPU time in one process, auth-bench.c), and signing on the whole path from
Postfix to the milter and back against Debian's opendkim: the same Postfix settings, RSA-2048, relaxed/relaxed, mail of a hosted sender to somebody
elsewhere. Once the milter only signs, as opendkim does (`outbound_scan = no`, no virus scanner), though unlike that it asks the directory about sender and
recipient; once it scans the message, too, as it does by default."""

import functools
import pathlib
import shutil
import subprocess

import measure
from bench_path import BARE
from instance import Instance
from stack import daemons, host, layout, units

MESSAGES, SESSIONS, BYTES, ROUNDS = 600, 10, 10000, 7
PATHS = {"path": "\toutbound_scan = no\n", "path.scanning": ""}  # settings of the milter
SENDER, RECIPIENT = f"anna@{layout.DOMAIN}", f"somebody@{layout.ELSEWHERE}"
# All mail counts as submitted. Postfix asks nobody but the filter: what lookup answers it is measured elsewhere.
SIGNING = BARE + """
milter_macro_daemon_name = ORIGINATING
default_transport = discard:
mynetworks = 127.0.0.0/8
smtpd_client_restrictions =
smtpd_sender_restrictions = reject_non_fqdn_sender
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = reject_non_fqdn_recipient, reject_unlisted_recipient
smtpd_milter_maps =
relay_domains =
relay_recipient_maps =
transport_maps =
sender_dependent_relayhost_maps =
"""
OPENDKIM = """
Syslog no
UserID root
Background no
PidFile {dir}/opendkim.pid
Socket local:{dir}/opendkim.sock
UMask 000
Mode s
Domain {domain}
Selector s
KeyFile {dir}/opendkim.key
RequireSafeKeys no
InternalHosts 0.0.0.0/0
Canonicalization relaxed/relaxed
OversignHeaders From,Subject,Date,To,Reply-To,Content-Type,MIME-Version
"""


def operations():
    """{name: microseconds}"""
    lines = subprocess.run([pathlib.Path(daemons.os.environ["MR_BUILD"]) / "tests/bench/auth-bench"], capture_output=True, text=True, check=True).stdout
    return {name: float(value) for name, value in (line.split() for line in lines.splitlines())}


def start_opendkim(h):
    """Its socket."""
    root = h.lay.dir / "opendkim"
    root.mkdir()
    subprocess.run(["openssl", "genrsa", "-out", root / "opendkim.key", "2048"], check=True, capture_output=True)
    (root / "opendkim.conf").write_text(OPENDKIM.format(dir=root, domain=layout.DOMAIN))
    h.servers.start("opendkim", [shutil.which("opendkim", path="/usr/sbin:/usr/bin"), "-f", "-x", root / "opendkim.conf"])
    units.wait_for("opendkim", (root / "opendkim.sock").exists)
    return root / "opendkim.sock"


def restart_milter(h, stack, settings):
    """With these settings in place of the stack's own ones, which ask clamd."""
    h.lay.conf.write_text(f"{stack}milter {{\n\tclamd = {{}}\n{settings}}}\n")
    h.servers.stop("milter")
    h.servers.again("milter")
    units.wait_for("milter", units.listening(h.lay.run / "milter/control.sock"))


def paths():
    """{name of a ratio: {filter: (seconds, CPU seconds)}}"""
    results = {}
    with host.Host(build=pathlib.Path(daemons.os.environ["MR_BUILD"])) as h:
        h.cli("domain", "add", layout.DOMAIN)
        h.cli("user", "add", SENDER, stdin="a good long password\n")
        stack = h.lay.conf.read_text()
        facts = {"domain": layout.DOMAIN, "recipient": SENDER}
        sockets = {"opendkim": start_opendkim(h), "ours": h.lay.queue / "run/mailreeve/milter/milter.sock"}
        instances = {name: Instance(h, name, offset, SIGNING.format(milter=f"unix:{path}", **facts)) for offset, (name, path) in enumerate(sockets.items(), 1)}
        instances["opendkim"].roots.append(h.servers.pid("opendkim"))
        postfix = list(instances["ours"].roots)
        jobs = {name: functools.partial(i.send, MESSAGES, SESSIONS, BYTES, SENDER, RECIPIENT) for name, i in instances.items()}
        for ratio, settings in PATHS.items():
            restart_milter(h, stack, settings)
            instances["ours"].roots = postfix + [h.servers.pid(name) for name in ("milter", "lookup")]
            results[ratio] = measure.interleaved(jobs, ROUNDS)
        signed = (h.lay.log / "milter.log").read_text(errors="replace").count(" signed=1")
        if signed < len(PATHS) * MESSAGES * ROUNDS:
            raise RuntimeError(f"{signed} messages were signed by ours")
        return results


def main():
    cost = operations()
    for name, value in cost.items():
        print(f"{name:21} {value:7.1f} µs CPU")
    for name in ("sign", "seal", "verify", "verify-chain"):
        print(f"ratio auth.{name}/openssl {cost['openssl-' + name] / cost[name]:.3f}")
    for ratio, results in paths().items():
        print(f"{MESSAGES} messages of {BYTES} bytes over {SESSIONS} sessions, median of {ROUNDS}: {ratio}")
        for name, (seconds, cpu) in results.items():
            print(f"{name:9} {MESSAGES / seconds:7.0f} messages/s {1000 * cpu / MESSAGES:7.2f} ms CPU a message")
        print(f"ratio auth.{ratio}/opendkim {results['opendkim'][0] / results['ours'][0]:.3f}")
        print(f"ratio auth.{ratio}.cpu/opendkim {results['opendkim'][1] / results['ours'][1]:.3f}")
