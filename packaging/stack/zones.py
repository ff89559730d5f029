"""A private Unbound that serves the zones of all domains in play itself and asks nobody."""

import base64
import subprocess

from . import layout, units

# Where the foreign domain's mail comes from. 127.0.0.9 stands in its SPF record, other addresses do not.
FOREIGN_ADDRESS = "127.0.0.9"
# A zone whose only server, at the port `away`, is not there.
AWAY = "away.test"
SELECTOR = "s1"

CONF = """server:
	directory: "{dir}/dns"
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	interface: 127.0.0.1@{port}
	do-daemonize: no
	module-config: "iterator"
	num-threads: 1
	do-not-query-localhost: no
	local-zone: "." static
	local-zone: "{away}." transparent
{data}
	include: "{dir}/dns/added.conf"
forward-zone:
	name: "{away}."
	forward-addr: 127.0.0.1@{away_port}
remote-control:
	control-enable: yes
	control-interface: {dir}/dns/control.sock
	control-use-cert: no
"""


def records(lay):
    mx = f"{layout.DOMAIN}. IN MX 10 {layout.HOSTNAME}."
    addresses = [f"{layout.HOSTNAME}. IN A 127.0.0.1", f"{layout.HOSTNAME}. IN AAAA ::1"]
    foreign = [f'{layout.FOREIGN}. IN TXT "v=spf1 ip4:{FOREIGN_ADDRESS} -all"', f"{layout.FOREIGN}. IN MX 10 mail.{layout.FOREIGN}.",
               f"mail.{layout.FOREIGN}. IN A {FOREIGN_ADDRESS}", dkim_record(layout.FOREIGN, SELECTOR, lay.dir / "dns/foreign.key")]
    elsewhere = [f"{layout.ELSEWHERE}. IN MX 10 mail.{layout.ELSEWHERE}.", f"mail.{layout.ELSEWHERE}. IN A 127.0.0.1",
                 f'{layout.ELSEWHERE}. IN TXT "v=spf1 mx -all"']
    return [mx, *addresses, f'{layout.DOMAIN}. IN TXT "v=spf1 mx -all"', *foreign, *elsewhere]


def dkim_record(domain, selector, key):
    """A TXT record for the RSA key in that file, which is made if there is none."""
    if not key.exists():
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", str(key), "2048"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "rsa", "-in", str(key), "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    return txt(f"{selector}._domainkey.{domain}", "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode())


def txt(name, value):
    strings = " ".join(f'"{value[i:i + 255]}"' for i in range(0, len(value), 255))
    return f"{name}. IN TXT {strings}"


def start(lay, servers):
    root = lay.dir / "dns"
    root.mkdir(exist_ok=True)
    data = "\n".join(f"\tlocal-data: '{record}'" for record in records(lay))
    (root / "unbound.conf").write_text(CONF.format(dir=lay.dir, port=lay.ports["dns"], data=data, away=AWAY, away_port=lay.ports["away"]))
    (root / "added.conf").touch()
    servers.start("unbound", ["unbound", "-d", "-c", root / "unbound.conf"], restart=True)
    units.wait_for("unbound", units.listening(root / "control.sock"))


def control(lay, *words):
    done = subprocess.run(["unbound-control", "-c", str(lay.dir / "dns/unbound.conf"), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def replace(lay, *records):
    """These records in place of all others of their name, until Unbound restarts."""
    control(lay, "local_data_remove", records[0].split()[0])
    for record in records:
        control(lay, "local_data", record)


def add(lay, record):
    """Publishes one more record, for good: a restarted Unbound reads the file."""
    with open(lay.dir / "dns/added.conf", "a", encoding="ascii") as added:
        added.write(f"local-data: '{record}'\n")
    control(lay, "local_data", record)
