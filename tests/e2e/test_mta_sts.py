"""What other domains publish about TLS: mailreeve-lookup over a real, validating Unbound with signed zones, and a policy host with a certificate of an authority
of our own."""

import http.server
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from stack import certs
from test_lookup import Lookup, server, site, until  # noqa: F401 (fixtures)

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
HASH = "a1" * 32
ZONE = """$ORIGIN signed.example.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
@ IN MX 10 mx1
mx1 IN A 127.0.0.1
_25._tcp.mx1 IN TLSA 3 1 1 {key}
mx2 IN A 127.0.0.1
bad IN A 127.0.0.1
_25._tcp.bad IN TLSA 1 1 1 {other}
forged IN A 127.0.0.1
_25._tcp.forged IN TLSA 3 1 1 {other}
half IN MX 10 mx1
half IN MX 20 mx2
none IN MX 10 mx2
odd IN MX 10 bad
wrong IN MX 10 forged
stuck IN MX 10 mx.bogus.example.
"""
BOGUS = """$ORIGIN bogus.example.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
mx IN A 127.0.0.1
"""
UNBOUND = """server:
	directory: "{dir}"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	interface: 127.0.0.1@{port}
	do-daemonize: no
	num-threads: 1
	module-config: "validator iterator"
	trust-anchor-file: "{dir}/anchors"
	local-zone: "." static
	local-zone: "signed.example." transparent
	local-zone: "bogus.example." transparent
	local-zone: "_mta-sts.stuck.signed.example." redirect
	local-data: '_mta-sts.stuck.signed.example. TXT "v=STSv1; id=1"'
	cache-max-negative-ttl: 0
	cache-max-ttl: 0
	val-bogus-ttl: 0
auth-zone:
	name: "signed.example"
	zonefile: "{dir}/signed.zone.signed"
	for-downstream: no
	for-upstream: yes
auth-zone:
	name: "bogus.example"
	zonefile: "{dir}/bogus.zone"
	for-downstream: no
	for-upstream: yes
remote-control:
	control-enable: yes
	control-interface: {dir}/control.sock
	control-use-cert: no
"""
POLICY = "version: STSv1\r\nmode: {mode}\r\nmx: mx.{domain}\r\nmx: *.mail.{domain}\r\nmax_age: {age}\r\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Dns:
    def __init__(self, folder, key_hash=HASH):
        """key_hash: in the TLSA record of mx1.signed.example."""
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        run = lambda *words: subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()  # noqa: E731
        (folder / "signed.zone").write_text(ZONE.format(key=key_hash, other=HASH))
        (folder / "bogus.zone").write_text(BOGUS)
        key = run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", "signed.example")
        run("ldns-signzone", "signed.zone", key)
        other = run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", "bogus.example")  # the zone is not signed with it
        (folder / "anchors").write_text("".join((folder / f"{name}.ds").read_text() for name in (key, other)))
        (folder / "unbound.conf").write_text(UNBOUND.format(dir=folder, port=self.port))
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["unbound", "-d", "-c", self.folder / "unbound.conf"], stderr=subprocess.DEVNULL)
        until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)
        until((self.folder / "control.sock").exists)
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        (self.folder / "control.sock").unlink(missing_ok=True)

    def control(self, *words):
        subprocess.run(["unbound-control", "-c", self.folder / "unbound.conf", *words], check=True, capture_output=True)

    def publish(self, domain, identity="1", address="127.0.0.1"):
        """MX, a policy host and the announcement of a policy."""
        for record in (f"{domain}. MX 10 mx.{domain}.", f"mx.{domain}. A 127.0.0.1", f"mta-sts.{domain}. A {address}"):
            self.control("local_data", record)
        self.announce(domain, identity)

    def announce(self, domain, identity):
        self.control("local_data_remove", f"_mta-sts.{domain}.")
        if identity:
            self.control("local_data", f'_mta-sts.{domain}. TXT "v=STSv1; id={identity};"')


class PolicyHost:
    """Serves what `pages` has by host name, with one certificate for the names."""

    def __init__(self, folder, *domains):
        names = ",".join(f"DNS:mta-sts.{domain}" for domain in domains)
        (folder / "extensions").write_text(f"subjectAltName={names}\n")
        certs.openssl("req", "-x509", *CURVE, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", 1, "-subj", "/CN=test CA")
        certs.openssl("req", *CURVE, "-keyout", folder / "key.pem", "-out", folder / "request.pem", "-subj", "/CN=policies")
        certs.openssl("x509", "-req", "-in", folder / "request.pem", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
                      "-days", 1, "-extfile", folder / "extensions", "-out", folder / "cert.pem")
        self.pages, self.asked = {}, []
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.headers["Host"].partition(":")[0]
                host.asked.append(name.removeprefix("mta-sts."))
                page = host.pages.get(name.removeprefix("mta-sts.")) if self.path == "/.well-known/mta-sts.txt" else None
                status, headers, body = page or (404, {}, "")
                self.send_response(status)
                for header, value in {"Content-Type": "text/plain", **headers}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, domain, mode="enforce", age=86400, **changes):
        self.pages[domain] = (changes.get("status", 200), changes.get("headers", {}), changes.get("body", POLICY.format(mode=mode, domain=domain, age=age)))


@pytest.fixture(scope="module")
def dns():
    folder = pathlib.Path("/tmp/mr-sts-dns")
    shutil.rmtree(folder, ignore_errors=True)
    running = Dns(folder).start()
    yield running
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    host = PolicyHost(tmp_path_factory.mktemp("policies"), "signed.example", "stuck.signed.example", *(f"d{i}.example" for i in range(40)))
    host.folder = tmp_path_factory.getbasetemp()
    yield host
    host.server.shutdown()


@pytest.fixture
def lookup(site, tmp_path, dns, policies):  # noqa: F811
    ca = next(policies.folder.glob("policies*/ca.pem"))
    (tmp_path / "l").mkdir()
    running = Lookup(site, tmp_path / "l", resolver=f'"127.0.0.1:{dns.port}"', mta_sts_port=policies.port, mta_sts_private="yes", mta_sts_ca_file=ca).start()
    yield running
    if running.process.poll() is None:
        running.stop()


def ask(lookup, domain):
    return lookup.map("tls-policy", domain)


SECURE = "OK secure match=mx.{0}:.mail.{0} servername=hostname"


@pytest.mark.rows("G08")
@pytest.mark.parametrize("domain, answer", [("signed.example", "OK dane-only"), ("half.signed.example", "OK dane"), ("none.signed.example", "NOTFOUND"),
                                            ("odd.signed.example", "NOTFOUND"), ("SIGNED.example", "OK dane-only"), ("nowhere.example", "NOTFOUND")])
def test_dane(lookup, domain, answer):
    assert ask(lookup, domain) == answer


@pytest.mark.rows("G08")
def test_dane_first(lookup, policies, dns):
    """Hosts with TLSA records are DANE's, whatever the policy of MTA-STS says; it is not even fetched."""
    policies.serve("signed.example")
    dns.control("local_data", '_mta-sts.signed.example. TXT "v=STSv1; id=7"')
    assert ask(lookup, "signed.example") == "OK dane-only" and "signed.example" not in policies.asked


@pytest.mark.rows("G08")
def test_no_answer_about_dane_is_no_answer(lookup, policies):
    """The host of this domain is in a zone that does not validate: a policy of MTA-STS does not take the place of what is not known."""
    policies.serve("stuck.signed.example")
    assert ask(lookup, "stuck.signed.example").startswith("TEMP ") and "stuck.signed.example" not in policies.asked


@pytest.mark.rows("G08")
def test_policy(lookup, policies, dns):
    dns.publish("d1.example")
    policies.serve("d1.example")
    assert ask(lookup, "d1.example") == SECURE.format("d1.example")
    assert ask(lookup, "d1.example") == SECURE.format("d1.example") and policies.asked.count("d1.example") == 1
    lookup.site.cli("tlspolicy", "set", "d1.example", "may")
    until(lambda: ask(lookup, "d1.example") == "OK may")
    shown = lookup.site.cli("tlspolicy", "show", "d1.example")
    assert "administrator: tlspolicy set d1.example" in shown
    lookup.site.cli("tlspolicy", "del", "d1.example")
    shown = lookup.site.cli("tlspolicy", "show", "d1.example")
    assert "DANE:          the answer about its MX is not secure" in shown and "policy 1, mode enforce, 2 hosts" in shown and "secure match=" in shown
    assert "MX secure, 1 of 1 hosts" in lookup.site.cli("tlspolicy", "show", "signed.example")


@pytest.mark.rows("G08")
@pytest.mark.parametrize("number, changes", enumerate([
    {"mode": "testing"}, {"mode": "none"}, {"status": 404}, {"status": 302, "headers": {"Location": "https://mta-sts.d1.example/.well-known/mta-sts.txt"}},
    {"body": "version: STSv1\nmode: enforce\nmax_age: 9\n"}, {"body": "x" * 70000}, {"headers": {"Content-Type": "text/html"}}, {"body": ""}], 2))
def test_no_policy_that_enforces(lookup, policies, dns, number, changes):
    domain = f"d{number}.example"
    dns.publish(domain)
    policies.serve(domain, **changes)
    assert ask(lookup, domain) == "NOTFOUND" and domain in policies.asked


@pytest.mark.rows("G08")
def test_wrong_certificate(lookup, policies, dns):
    dns.publish("elsewhere.example")  # not in the certificate of the policy host
    policies.serve("elsewhere.example")
    assert ask(lookup, "elsewhere.example") == "NOTFOUND" and "elsewhere.example" not in policies.asked
    assert "sts-not-fetched domain=elsewhere.example" in lookup.log.read_text()


@pytest.mark.rows("G08")
def test_private_addresses(lookup, policies, dns):
    lookup.stop()
    lookup.configure(mta_sts_private="no")
    lookup.start()
    dns.publish("d20.example")
    policies.serve("d20.example")
    assert ask(lookup, "d20.example") == "NOTFOUND" and "d20.example" not in policies.asked
    assert "no public address" in lookup.log.read_text()


@pytest.mark.rows("G08")
def test_failed_refresh_and_restart_keep_the_policy(lookup, policies, dns):
    """It holds until it ends, whatever becomes of its host and its announcement; a newer one takes its place."""
    domain = "d21.example"
    dns.publish(domain)
    policies.serve(domain)
    assert ask(lookup, domain) == SECURE.format(domain)
    kept = lookup.run / "state/lookup/mta-sts" / domain
    until(kept.exists)
    assert kept.stat().st_mode & 0o777 == 0o600
    policies.serve(domain, status=500)
    for identity in ("2", None):
        dns.announce(domain, identity)
        lookup.stop()
        lookup.start()
        assert ask(lookup, domain) == SECURE.format(domain)
    assert policies.asked.count(domain) == 2
    dns.announce(domain, "3")
    policies.serve(domain, body=f"version: STSv1\nmode: enforce\nmx: new.{domain}\nmax_age: 86400\n")
    lookup.stop()
    lookup.start()
    assert ask(lookup, domain) == f"OK secure match=new.{domain} servername=hostname"


@pytest.mark.rows("G08")
def test_ended_policy_holds_no_more(lookup, policies, dns):
    domain = "d22.example"
    dns.publish(domain)
    policies.serve(domain)
    assert ask(lookup, domain).startswith("OK secure")
    kept = lookup.run / "state/lookup/mta-sts" / domain
    until(kept.exists)
    lookup.stop()
    head, _, text = kept.read_text().partition("\n")
    kept.write_text(f"{head.split()[0]} {int(head.split()[1]) - 86401}\n{text}")
    policies.serve(domain, status=500)
    dns.announce(domain, None)
    lookup.start()
    assert ask(lookup, domain) == "NOTFOUND" and not kept.exists()


@pytest.mark.rows("G08")
def test_broken_file_is_said_and_left_out(lookup, dns):
    folder = lookup.run / "state/lookup/mta-sts"
    until(folder.exists)
    (folder / "d23.example").write_text("garbage")
    dns.publish("d23.example", identity=None)
    assert ask(lookup, "d23.example") == "NOTFOUND" and "sts-file-ignored" in lookup.log.read_text()


@pytest.mark.rows("G08")
def test_resolver_away(lookup, dns, policies):
    """Nothing is known: mail waits. With the resolver back it is known at once."""
    dns.publish("d24.example")
    policies.serve("d24.example")
    dns.stop()
    try:
        assert ask(lookup, "d24.example").startswith("TEMP ") and ask(lookup, "signed.example").startswith("TEMP ")
    finally:
        dns.start()
    assert ask(lookup, "signed.example") == "OK dane-only"


@pytest.mark.rows("G08")
def test_slow_policy_host(lookup, dns):
    """An answer comes within lookup's deadline; other questions do not wait for it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        lookup.stop()
        lookup.configure(mta_sts_port=silent.getsockname()[1], deadline="2s")
        lookup.start()
        dns.publish("d25.example")
        said = []
        asking = threading.Thread(target=lambda: said.append(ask(lookup, "d25.example")))
        asking.start()
        assert ask(lookup, "signed.example") == "OK dane-only" and asking.is_alive()
        asking.join(10)
        assert said[0].startswith("TEMP ")
