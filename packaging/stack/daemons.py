"""mailreeve.conf of a stack, the `mailreeve` command, and our three daemons, each as its own user."""

import os
import shutil
import subprocess

from . import layout, mariadb, redisd, units

DAEMONS = ("lookup", "policyd", "milter")
CONF = """run_dir = {run}
state_dir = {state}
postfix_dir = {queue}
hostname = {hostname}
db_socket = {db_socket}
db_name = {db_name}
db_user = {db_user}
db_password_file = {keys}/db-password
redis_socket = {redis_socket}
redis_user = {redis_user}
redis_password_file = {keys}/redis-password
resolver = "127.0.0.1:{dns}"
forward_port = {forward}
redirect_port = {redirect}
srs_domain = {domain}
srs_secret_file = {keys}/srs-secret
dkim_keyring_file = {keys}/dkim-keyring
login_listen = "127.0.0.1:{login}"
login_key_file = {keys}/login-key
relay_keyring_file = {keys}/relay-keyring
postmaster = postmaster@{domain}
admin {{
	administrator = ben@{domain}
	postfix_config_dir = {postfix}
	texts_dir = {texts}
	db_user = mailreeve-admin
	db_password_file = {keys}/admin-db-password
}}
milter {{
	clamd = "unix:{clamd_socket}"
	rule_files = {{}}
}}
hostd {{
	postfix_config_dir = {postfix}
	dovecot_config = {dovecot}/dovecot.conf
}}
verbs {{
	db_user = root
}}
milter {{
	greylist_score = 1000
}}
setup {{
	smtp_service = {smtp}
	submission_service = {submission}
	submissions_service = {submissions}
	tls_cert_file = {tls}/cert.pem
	tls_key_file = {tls}/key.pem
	tls_ca_file = {tls}/ca.pem
	mail_dir = {mail}
	client_rate = 0
	login_dovecot_file = {keys}/dovecot-login.conf
}}
"""


CLI = """#!/bin/sh
# The mailreeve command for this host.
[ "$1" = -c ] || set -- -c {conf} "$@"
MR_LIBEXEC={bin} exec {bin}/mailreeve "$@"
"""


def write_conf(lay):
    """The programs run from a copy: their own users may not be able to reach the build folder, and a build may go on meanwhile."""
    values = {**vars(lay), **lay.ports, "texts": layout.SOURCE / "packaging/texts", "domain": layout.DOMAIN,
              "db_name": mariadb.NAME, "db_user": mariadb.SECOND_USER if lay.joins else mariadb.USER, "redis_user": redisd.USER}
    lay.conf.write_text(CONF.format_map(values))
    for build in (lay.build, lay.programs):
        for folder in ("lookup", "policyd", "milter", "hostd", "admin"):
            for path in (build / folder).rglob("mailreeve*"):
                if path.is_file() and os.access(path, os.X_OK):
                    shutil.copy(path, lay.bin / path.name)
    lay.cli.write_text(CLI.format(conf=lay.conf, bin=lay.bin))
    lay.cli.chmod(0o755)


def cli(lay, *words, check=True, stdin=""):
    """`mailreeve VERB ...`; its output, or with check=False all about it."""
    done = subprocess.run([str(lay.cli), *words], input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"mailreeve {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
    return done if not check else done.stdout


def rendered(lay, kind):
    return cli(lay, "setup", "print", kind, "--templates", str(layout.SOURCE / "packaging"))


def start_hostd(lay, servers):
    """As root; systemd would start a process for each request."""
    servers.start("hostd", [lay.bin / "mailreeve-hostd", "-c", lay.conf, "--listen"], restart=True)
    units.wait_for("mailreeve-hostd", units.listening(lay.run / "hostd/hostd.sock"))


def start_admin(lay, servers):
    """As root, since Postfix lets nobody else send mail under another configuration folder than the host's own."""
    servers.start("admin", [lay.bin / "mailreeve-admin", "-c", lay.conf, "--listen"], restart=True)
    units.wait_for("mailreeve-admin", units.listening(lay.run / "admin/admin.sock"))


def start(lay, servers, name):
    servers.start(name, [*lay.under, lay.bin / f"mailreeve-{name}", "-c", lay.conf], user=f"mailreeve-{name}", restart=True)
    units.wait_for(f"mailreeve-{name}", units.listening(lay.run / name / "control.sock"))
