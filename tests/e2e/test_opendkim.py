"""Debian's opendkim and we: what we sign it accepts, what it signs we accept, RSA and Ed25519. Its milter is spoken to as Postfix speaks to it."""

import shutil
import subprocess

import authority
import milter_client
import pytest
from stack import admin, layout, mail, units, zones

OPENDKIM = shutil.which("opendkim", path="/usr/sbin:/usr/bin")
ANNA, ELSEWHERE = admin.address("anna"), "someone@" + layout.ELSEWHERE
CONF = """Syslog no
UserID root
Background no
PidFile {dir}/{kind}.pid
Socket local:{dir}/{kind}.sock
SignatureAlgorithm {kind}-sha256
UMask 000
Mode sv
Nameservers {dns}
AlwaysAddARHeader yes
AuthservID peer.example
RequireSafeKeys no
InternalHosts {dir}/internal
SigningTable refile:{dir}/signing
KeyTable {dir}/keys
Canonicalization relaxed/relaxed
"""
INSIDE, OUTSIDE = "192.0.2.1", "192.0.2.2"

pytestmark = pytest.mark.skipif(OPENDKIM is None, reason="no opendkim")


def fields(content):
    """(fields as a milter gets them, body)"""
    head, _, body = content.partition(b"\r\n\r\n")
    found = []
    for line in head.decode().split("\r\n"):
        if line[:1] in " \t":
            found[-1][1] += "\n" + line
        else:
            name, _, value = line.partition(":")
            found.append([name, value.removeprefix(" ")])
    return found, body


class Peer:
    def __init__(self, stack):
        self.lay, self.servers = stack.lay, stack.servers
        self.dir = self.lay.dir / "opendkim"
        self.dns = authority.Authority(self.lay.dir / "nspeer", self.servers, "nspeer")
        self.dir.mkdir()
        self.keys = {}
        for name, make in (("rsa", ["genrsa", "-traditional", "2048"]), ("ed25519", ["genpkey", "-algorithm", "ed25519"])):
            key = self.keys[name] = self.dir / f"{name}.key"
            key.write_bytes(subprocess.run(["openssl", *make], check=True, capture_output=True).stdout)
        (self.dir / "internal").write_text(INSIDE + "\n")
        (self.dir / "signing").write_text("".join(f"*@{name}.example {name}\n" for name in self.keys))
        (self.dir / "keys").write_text("".join(f"{name} {name}.example:s:{key}\n" for name, key in self.keys.items()))
        for kind in self.keys:  # the algorithm is one for all that an instance signs
            (self.dir / f"{kind}.conf").write_text(CONF.format(dir=self.dir, dns=self.dns.address, kind=kind))
            self.servers.start(f"opendkim-{kind}", [OPENDKIM, "-f", "-x", self.dir / f"{kind}.conf"])
            units.wait_for("opendkim", units.listening(self.dir / f"{kind}.sock"))

    def ask(self, content, sender, client, kind="rsa"):
        """The fields that it adds."""
        head, body = fields(content)
        with milter_client.Session(str(self.dir / f"{kind}.sock"), client=client) as session:
            done = session.message(ELSEWHERE, sender=sender, fields=head, body=body)
        assert done.answer in ("continue", "accept"), done.text
        return [(name, value) for _, name, value in done.of("insert")]

    def stop(self):
        for kind in self.keys:
            self.servers.stop(f"opendkim-{kind}")
        self.dns.stop()


@pytest.fixture(scope="module")
def peer(stack):
    running = Peer(stack)
    yield running
    running.stop()


@pytest.mark.rows("F096", "G15")
def test_opendkim_accepts_what_we_sign(stack, peer):
    stack.cli("dkim", "advance", layout.DOMAIN)  # both keys are published
    for line in stack.cli("dkim", "show", layout.DOMAIN).splitlines():
        peer.dns.publish(line.replace("( ", "").replace(" )", ""))
    _, content = stack.client.sunk(stack.submit(ANNA, ELSEWHERE))
    found = " ".join(" ".join(value.split()) for name, value in peer.ask(content, ANNA, OUTSIDE) if name == "Authentication-Results")
    assert content.count(b"DKIM-Signature:") == 2
    assert found.count("dkim=pass") == 2 and "rsa-sha256" in found and "ed25519-sha256" in found, found
    assert "dkim=fail" in str(peer.ask(content.replace(b"Hello.", b"Hullo."), ANNA, OUTSIDE))


@pytest.mark.rows("G15")
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_we_accept_what_opendkim_signs(stack, peer, kind):
    domain, key = f"{kind}.example", peer.keys[kind]
    if kind == "rsa":
        record = zones.dkim_record(domain, "s", key)
    else:
        public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
        record = zones.txt(f"s._domainkey.{domain}", "v=DKIM1; k=ed25519; p=" + zones.base64.b64encode(public).decode())
    zones.add(stack.lay, record)
    content = mail.message(f"someone@{domain}", ANNA, mark=(mark := mail.new_mark()))
    (signature,) = [value for name, value in peer.ask(content, f"someone@{domain}", INSIDE, kind) if name == "DKIM-Signature"]
    signed = f"DKIM-Signature: {signature.strip()}\r\n".replace("\r\n", "\n").replace("\n", "\r\n").encode() + content
    stack.client.send(f"someone@{domain}", ANNA, signed)
    found = " ".join(stack.arrived(ANNA, mark)["Authentication-Results"].split())
    assert f"dkim=pass header.d={domain}" in found and f"{kind}-sha256" in found
