"""Mail on its way out through the real Postfix with the shipped TLS settings, in a network of its own where the resolver is at port 53 and hosts are at port 25:
what is published about TLS decides whether it is delivered or waits."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import uuid

import pytest
from stack import accounts, certs, layout, mail, postfix
from test_lookup import Lookup, server, site, until  # noqa: F401 (fixtures)
from test_mta_sts import CURVE, Dns, PolicyHost, UNBOUND

SENDER = "anna@example.org"
# Of the sink's certificate.
NAMES = ["mx1.signed.example", "mx.d0.example", "mx.d2.example"]
MAIN = """compatibility_level = 3.6
myhostname = mx.example.org
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
inet_interfaces = 127.0.0.99
inet_protocols = ipv4
mydestination =
minimal_backoff_time = 300s
"""


class Network:
    """A network and a view of files of its own: its resolver is on the loopback."""

    def __init__(self, folder):
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions trust-ad\n")
        inside = f"mount --bind {folder}/resolv.conf /etc/resolv.conf && echo ready && exec sleep infinity"
        self.holder = subprocess.Popen(["unshare", "-n", "-m", "sh", "-c", inside], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "ready\n"
        self.running = []
        # lo up (SIOCSIFFLAGS), and one more address for Postfix (SIOCSIFADDR), which sends nothing to its own ones.
        self.run("/usr/bin/python3", "-c", "import fcntl, socket, struct; s = socket.socket(); fcntl.ioctl(s, 0x8914, struct.pack('16sh22x', b'lo', 0x49)); "
                 "fcntl.ioctl(s, 0x8916, struct.pack('16sHH4s16x', b'lo:1', socket.AF_INET, 0, socket.inet_aton('127.0.0.99')))")

    def words(self, *words):
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m", *map(str, words)]

    def run(self, *words, **kwargs):
        return subprocess.run(self.words(*words), check=True, capture_output=True, **kwargs).stdout

    def start(self, *words):
        self.running.append(subprocess.Popen(self.words(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def listens(self, port):
        return subprocess.run(self.words("/usr/bin/python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}))"), capture_output=True,
                              check=False).returncode == 0

    def end(self):
        for process in reversed(self.running):
            process.terminate()
            process.wait(20)
        self.holder.terminate()
        self.holder.wait(10)


def certificate(folder):
    """Of an authority of our own; the hash of its key as TLSA 3 1 1 has it."""
    (folder / "extensions").write_text("subjectAltName=" + ",".join("DNS:" + name for name in NAMES) + "\n")
    certs.openssl("req", "-x509", *CURVE, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", 1, "-subj", "/CN=test CA for hosts")
    certs.openssl("req", *CURVE, "-keyout", folder / "key.pem", "-out", folder / "request.pem", "-subj", "/CN=sink")
    certs.openssl("x509", "-req", "-in", folder / "request.pem", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", 1,
                  "-extfile", folder / "extensions", "-out", folder / "cert.pem")
    der = subprocess.run(["openssl", "pkey", "-in", str(folder / "key.pem"), "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


class Outbound:
    def __init__(self, folder):
        self.folder, self.sink = folder, folder / "sink"
        folder.chmod(0o755)
        self.sink.mkdir()
        self.dns = Dns(folder / "dns", certificate(folder))
        self.network = Network(folder)
        self.dns.start()
        inside = self.dns.folder / "inside.conf"
        inside.write_text(UNBOUND.format(dir=self.dns.folder, port=53).replace("control.sock", "inside.sock"))
        self.network.start("unbound", "-d", "-c", inside)
        self.network.start("/usr/bin/python3", layout.SOURCE / "packaging/stack/sink.py", 25, self.sink, folder / "cert.pem", folder / "key.pem")
        for port in (25, 53):
            until(lambda port=port: self.network.listens(port))

    def publish(self, domain, mx=None):
        """In both views of the world: lookup's and Postfix's."""
        for record in (f"{domain}. MX 10 {mx or 'mx.' + domain}.", f"{mx or 'mx.' + domain}. A 127.0.0.1", f"mta-sts.{domain}. A 127.0.0.1",
                       f'_mta-sts.{domain}. TXT "v=STSv1; id=1"'):
            for conf in ("unbound.conf", "inside.conf"):
                subprocess.run(["unbound-control", "-c", self.dns.folder / conf, "local_data", record], check=True, capture_output=True)

    def start_postfix(self, lookup):
        self.etc = self.folder / "etc"
        self.etc.mkdir()
        shipped = (layout.SOURCE / "packaging/postfix/main.cf").read_text()
        shipped = shipped.replace("{{run_dir}}", str(lookup.run)).replace("{{tls_ca_file}}", f"{self.folder}/ca.pem")
        tls = "".join(line + "\n" for line in shipped.splitlines() if re.match(r"smtp_(dns_support|tls)_", line))
        (self.etc / "main.cf").write_text(MAIN.format(dir=self.folder) + tls)
        shutil.copy(postfix.STOCK_MASTER, self.etc / "master.cf")
        subprocess.run(["postconf", "-c", self.etc, "-F", "*/*/chroot=n"], check=True)
        subprocess.run(["postconf", "-c", self.etc, "-M#", "smtp/inet"], check=True)
        accounts.make_folder(self.folder / "queue", 0o755, "root")
        accounts.make_folder(self.folder / "data", 0o700, "postfix")
        for path in (lookup.run, lookup.run / "lookup"):
            path.chmod(0o755)
        (lookup.run / "lookup/map.sock").chmod(0o666)
        self.network.start("postfix", "-c", self.etc, "start-fg")
        until((self.folder / "queue/public/pickup").exists)

    def stop_postfix(self):
        """Its master is a child of what was started, and does not end with it."""
        self.network.run("postfix", "-c", self.etc, "stop")

    def send(self, to):
        mark = uuid.uuid4().hex
        self.network.run("sendmail", "-C", self.etc, "-f", SENDER, to, input=f"Subject: {mark}\n\nHello.\n".encode())
        return mark

    def sunk(self, mark):
        def look():
            return [mail.split(path.read_bytes())[0] for path in self.sink.glob("*.eml") if mark.encode() in path.read_bytes()]
        return mail.wait_until(look, 12)

    def waits(self, to):
        """The reason why mail to this address waits."""
        def look():
            entries = [json.loads(line) for line in self.network.run("postqueue", "-c", self.etc, "-j").splitlines()]
            return [r["delay_reason"] for e in entries for r in e["recipients"] if r["address"] == to and r.get("delay_reason")]
        return (mail.wait_until(look, 30) or [""])[0]


    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-3000:]


@pytest.fixture
def out(site, tmp_path):  # noqa: F811
    folder = pathlib.Path(f"/tmp/mr-out-{os.getpid()}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (tmp_path / "policies").mkdir()
    policies = PolicyHost(tmp_path / "policies", *(f"d{i}.example" for i in range(3)))
    world = Outbound(folder)
    (folder / "run").mkdir()
    lookup = Lookup(site, folder / "run", resolver=f'"127.0.0.1:{world.dns.port}"', mta_sts_port=policies.port, mta_sts_private="yes",
                    mta_sts_ca_file=tmp_path / "policies/ca.pem").start()
    world.start_postfix(lookup)
    world.policies, world.lookup = policies, lookup
    yield world
    world.stop_postfix()
    world.network.end()
    world.dns.stop()
    policies.server.shutdown()
    lookup.stop()
    shutil.rmtree(folder)


@pytest.mark.rows("G08")
def test_delivered_or_deferred(out):
    """TLSA records that are right and wrong, hosts that a policy of MTA-STS names and does not, and a domain that publishes nothing."""
    out.publish("d0.example")
    out.policies.serve("d0.example")
    out.publish("d1.example")  # its host's name is not in the certificate
    out.policies.serve("d1.example")
    out.publish("d2.example")
    for to in ("a@signed.example", "a@d0.example", "a@d2.example"):
        assert [envelope["X-Tls"] for envelope in out.sunk(out.send(to))] == ["yes"], out.log()
    for to, reason in (("a@wrong.signed.example", "not verified"), ("a@d1.example", "not verified"), ("a@stuck.signed.example", "try again")):
        mark = out.send(to)
        assert reason in out.waits(to), (to, out.waits(to))
        assert not any(mark.encode() in path.read_bytes() for path in out.sink.glob("*.eml"))
    out.lookup.site.cli("tlspolicy", "set", "d1.example", "encrypt")
    until(lambda: out.lookup.map("tls-policy", "d1.example") == "OK encrypt")
    assert out.sunk(out.send("b@d1.example"))
