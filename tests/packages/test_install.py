"""The packages in a clean Debian 12 with systemd, by the steps of docs/install.md: stock Postfix and Dovecot with the printed lines added deliver a message."""

import pathlib
import re
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from container import Container, root_folder  # noqa: E402

SUITE = "bookworm"
DEBS = SOURCE / "build/deb" / SUITE
DAEMONS = ("lookup", "policyd", "milter")
USER, PASSWORD = "anna@example.org", "correct horse battery"
CONF = """hostname = mx.example.org
setup {
	tls_cert_file = /etc/mailreeve/tls/cert.pem
	tls_key_file = /etc/mailreeve/tls/key.pem
}
"""
# There is no network inside: the resolver says of every name that there is none.
RESOLVER = """
printf 'server:\n  local-zone: "." static\n' > /etc/unbound/unbound.conf.d/nothing.conf
systemctl restart unbound
"""
# docs/install.md, sections 2 to 5
SETTINGS = """
mkdir /etc/mailreeve/tls
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=mx.example.org \
	-keyout /etc/mailreeve/tls/key.pem -out /etc/mailreeve/tls/cert.pem 2>/dev/null
mailreeve setup keys
mailreeve schema grants | mariadb
mailreeve schema apply
systemctl restart mailreeve-lookup mailreeve-policyd mailreeve-milter
mailreeve domain add example.org
"""
SERVERS = """
mailreeve setup print postfix-main >> /etc/postfix/main.cf
mailreeve setup print postfix-master >> /etc/postfix/master.cf
postfix check
mailreeve setup print dovecot > /etc/dovecot/local.conf
sed -i 's/^!include auth-system.conf.ext/#&/' /etc/dovecot/conf.d/10-auth.conf
doveconf -n >/dev/null
systemctl restart postfix dovecot
mailreeve check --wait 30
"""
# Run by the host's Python in the container's network.
SEND = """
import smtplib
with smtplib.SMTP("127.0.0.1", 25, local_hostname="mail.example.net", timeout=60) as session:
    session.sendmail("ben@example.net", ["{to}"], "From: ben@example.net\\r\\nTo: {to}\\r\\nSubject: {mark}\\r\\n\\r\\nHello\\r\\n")
"""
SUBMIT = """
import smtplib, ssl
with smtplib.SMTP("127.0.0.1", 587, local_hostname="laptop.example.net", timeout=60) as session:
    session.starttls(context=ssl._create_unverified_context())
    session.login("{user}", "{password}")
    session.sendmail("{user}", ["{user}"], "From: {user}\\r\\nTo: {user}\\r\\nSubject: {mark}\\r\\n\\r\\nHello\\r\\n")
"""
READ = """
import imaplib, ssl
session = imaplib.IMAP4_SSL("127.0.0.1", ssl_context=ssl._create_unverified_context(), timeout=20)
session.login("{user}", "{password}")
session.select("INBOX")
print(session.search(None, "SUBJECT", "{mark}")[1][0].decode())
"""


ARRIVED = "for i in $(seq 100); do grep -ls {mark} /var/vmail/example.org/anna/Maildir/new/* && exit 0; sleep 0.1; done; exit 1"


def in_network(host, script):
    done = subprocess.run(["nsenter", "-t", str(host.leader), "-n", "/usr/bin/python3", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout


def states(host, what):
    return {name: host.run("systemctl", "show", "-P", what, f"mailreeve-{name}").stdout.strip() for name in DAEMONS}


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    built = subprocess.run([SOURCE / "packaging/build-deb", "--suite", SUITE], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    container = Container(root_folder(SOURCE / "build/packages-cache", SUITE), tmp_path_factory.mktemp("container"), DEBS)
    try:
        container.sh("apt-get -qq -o Dpkg::Use-Pty=0 install -y /mnt/*.deb")
        yield container
    finally:
        container.stop()


@pytest.fixture(scope="module")
def mail_host(host):
    host.run("tee", "/etc/mailreeve/mailreeve.conf", stdin=CONF)
    try:
        host.sh(RESOLVER)
        host.sh(SETTINGS)
        host.run("mailreeve", "user", "add", USER, stdin=PASSWORD + "\n")
        host.sh(SERVERS)
    except RuntimeError as error:
        raise RuntimeError(f"{error}\n{host.sh('journalctl --no-pager -n 40')}") from None
    return host


def test_lintian(host):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *DEBS.glob("*.deb")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_installed(host):
    """Before anything is set up: no daemon needs more than its package to start, and each folder is as docs/sockets.md says."""
    assert states(host, "UnitFileState") == dict.fromkeys(DAEMONS, "enabled")
    assert states(host, "ActiveState") == dict.fromkeys(DAEMONS, "active"), host.sh("journalctl -u 'mailreeve-*' --no-pager -n 20")
    for line in (SOURCE / "packaging/systemd/tmpfiles.conf").read_text().splitlines():
        if line.startswith("d "):
            _, path, mode, user, group, *_ = line.split()
            assert host.sh(f"stat -c '%a %U %G' {path}").split() == [mode.lstrip("0"), user, group], path
    assert host.sh("ls /usr/share/mailreeve/dovecot/sieve").split() == ["before.sieve", "before.svbin"]


def test_message_arrives(mail_host):
    in_network(mail_host, SEND.format(to=USER, mark="first-message"))
    stored = mail_host.run("cat", mail_host.sh(ARRIVED.format(mark="first-message")).strip()).stdout
    assert "Authentication-Results: mx.example.org" in stored and "X-Spam-Queue-Id:" in stored
    assert mail_host.sh("find /var/vmail -mindepth 1 ! -user vmail") == ""
    assert in_network(mail_host, READ.format(user=USER, password=PASSWORD, mark="first-message")).split() == ["1"]


def test_unknown_user_is_refused(mail_host):
    with pytest.raises(AssertionError, match="550"):
        in_network(mail_host, SEND.format(to="nobody@example.org", mark="x"))


def test_submitted_message_is_signed(mail_host):
    """Dovecot's log-in for Postfix, the key socket and the key ring, all through the sandbox."""
    mail_host.run("mailreeve", "dkim", "enable", "example.org")
    in_network(mail_host, SUBMIT.format(user=USER, password=PASSWORD, mark="submitted-message"))
    stored = mail_host.run("cat", mail_host.sh(ARRIVED.format(mark="submitted-message")).strip()).stdout
    assert "DKIM-Signature:" in stored and "d=example.org" in stored


def test_sandbox(mail_host):
    """The sandbox is in force, and nothing that the daemons did so far made one of them die."""
    assert states(mail_host, "NRestarts") == dict.fromkeys(DAEMONS, "0")
    for name in DAEMONS:
        report = mail_host.run("systemd-analyze", "security", "--no-pager", f"mailreeve-{name}").stdout
        exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", report)[1])
        assert exposure < 2.5, report
    assert mail_host.sh("journalctl --no-pager _TRANSPORT=audit | grep -c SECCOMP || true").strip() == "0"


def test_check_and_doctor(mail_host):
    mail_host.run("mailreeve", "check")
    mail_host.run("mailreeve", "doctor")


def test_comes_back(mail_host):
    mail_host.sh("systemctl restart mariadb; systemctl kill -s KILL mailreeve-lookup; mailreeve check --wait 30")
    in_network(mail_host, SEND.format(to=USER, mark="after-the-kill"))
    mail_host.sh(ARRIVED.format(mark="after-the-kill"))


def test_installed_again(mail_host):
    """What an upgrade does: keys and settings stay, the daemons run on."""
    before = mail_host.sh("sha256sum /etc/mailreeve/mailreeve.conf /etc/mailreeve/keys/*")
    mail_host.sh("apt-get -qq -o Dpkg::Use-Pty=0 install --reinstall -y /mnt/*.deb; mailreeve check --wait 30")
    assert mail_host.sh("sha256sum /etc/mailreeve/mailreeve.conf /etc/mailreeve/keys/*") == before
    in_network(mail_host, SEND.format(to=USER, mark="after-the-upgrade"))
    mail_host.sh(ARRIVED.format(mark="after-the-upgrade"))


def test_wrong_setting_is_not_tried_again(mail_host):
    """One line and exit 1; the service waits for the administrator, not for the next second."""
    mail_host.sh("echo 'colour = blue' > /etc/mailreeve/conf.d/wrong.conf")
    mail_host.run("systemctl", "restart", "mailreeve-policyd", check=False)
    assert states(mail_host, "ActiveState")["policyd"] == "failed"
    assert "conf.d/wrong.conf:1" in mail_host.sh("journalctl -u mailreeve-policyd --no-pager -n 10")
    mail_host.sh("rm /etc/mailreeve/conf.d/wrong.conf; systemctl restart mailreeve-policyd; mailreeve check --wait 30")


def test_purged(mail_host):
    """Last: what the packages brought goes with them; mail, keys and accounts stay."""
    mail_host.sh("rm /etc/dovecot/local.conf; apt-get -qq -o Dpkg::Use-Pty=0 purge -y 'mailreeve-*' dovecot-mailreeve")
    assert mail_host.sh("ls -d /usr/share/mailreeve /usr/libexec/mailreeve /lib/systemd/system/mailreeve* /usr/lib/dovecot/modules/*mailreeve* 2>/dev/null || true") == ""
    assert mail_host.sh("systemctl list-units --all --no-legend 'mailreeve*'") == ""
    assert "first-message" in mail_host.sh("grep -rl first-message /var/vmail && cat /var/vmail/example.org/anna/Maildir/*/*")
