"""The packages in a clean Debian 12 with systemd, installed and set up by the commands of docs/install.md, which are taken from the text: stock Postfix and Dovecot with
the printed lines deliver a message."""

import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from container import DEBS, SOURCE, SUITE, clean_host, in_network, join  # noqa: E402

DAEMONS = ("lookup", "policyd", "milter")
USER, PASSWORD = "anna@example.org", "correct horse battery"
# Not of the text: there is no network inside, so the resolver says of every name that there is none, and nobody who answers apt's questions. The packages are
# built before and shown in /mnt.
AROUND = r"""
printf 'server:\n  local-zone: "." static\n' > /etc/unbound/unbound.conf.d/nothing.conf
systemctl restart unbound
echo 'APT::Get::Assume-Yes "yes";' > /etc/apt/apt.conf.d/yes
mkdir -p /root/mailreeve/packaging /root/mailreeve/build/deb
ln -s /mnt /root/mailreeve/build/deb/bookworm
ln -s /bin/true /root/mailreeve/packaging/build-deb
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
    session.sendmail("{user}", ["{to}"], "From: {user}\\r\\nTo: {to}\\r\\nSubject: {mark}\\r\\n\\r\\nHello\\r\\n")
"""
READ = """
import imaplib, ssl
session = imaplib.IMAP4_SSL("127.0.0.1", ssl_context=ssl._create_unverified_context(), timeout=20)
session.login("{user}", "{password}")
session.select("INBOX")
print(session.search(None, "SUBJECT", "{mark}")[1][0].decode())
"""

ARRIVED = "for i in $(seq 100); do grep -ls {mark} /var/vmail/example.org/{name}/Maildir/new/* && exit 0; sleep 0.1; done; exit 1"


def arrived(mark, name="anna"):
    """A shell script that waits 10 s for a message in that mailbox of example.org, and says where it is."""
    return ARRIVED.format(mark=mark, name=name)


def submit(host, user, to, mark):
    in_network(host, SUBMIT.format(user=user, password=PASSWORD, to=to, mark=mark))


def states(host, what):
    return {name: host.run("systemctl", "show", "-P", what, f"mailreeve-{name}").stdout.strip() for name in DAEMONS}


def sections(page="install.md"):
    """[(title, script)]: the code of each section of that page."""
    found = []
    for part in re.split(r"^## ", (SOURCE / "docs" / page).read_text(), flags=re.M)[1:]:
        title, _, body = part.partition("\n")
        script = "".join(line[4:] for line in body.splitlines(keepends=True) if line.startswith("    "))
        if script:
            found.append((title, script))
    return found


def follow(host, section):
    """Runs one section; what doctor finds wrong after it."""
    title, script = section
    done = host.run("bash", "-ec", "cd /root/mailreeve\n" + script, stdin=PASSWORD + "\n", check=False)
    if done.returncode:
        raise RuntimeError(f"{title}: {done.stdout}{done.stderr}\n{host.sh('journalctl --no-pager -n 40')}")
    return [line for line in host.run("mailreeve", "doctor", check=False).stdout.splitlines() if line.startswith("problem")]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """With the packages installed; host.problems: what doctor says then."""
    built = subprocess.run([SOURCE / "packaging/build-deb", "--suite", SUITE], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    with clean_host(tmp_path_factory.mktemp("container")) as container:
        container.sh(AROUND)
        container.problems = follow(container, sections()[0])
        yield container


@pytest.fixture(scope="module")
def mail_host(host):
    """All set up; host.left: what doctor says then."""
    for section in sections()[1:]:
        host.left = follow(host, section)
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


def test_rules_of_the_package(host):
    """SpamAssassin's settings come after its rules while it is installed: the milter runs all the same, and reads both once they are there."""
    assert "loadplugin" in host.sh("cat /etc/spamassassin/v320.pre")
    assert " reloaded " in host.sh("journalctl -u mailreeve-milter --no-pager").replace(": ", " ")
    rules, *_ = host.sh("mailreeve rules check").split()
    assert int(rules) > 2000


def test_doctor_leads_on(host):
    """Each finding says what to do, so that nobody is lost between the steps."""
    said = "\n".join(host.problems)
    assert re.search(r"problem database: .*mailreeve schema grants", said), said
    assert re.search(r"problem certificate: /etc/mailreeve/tls/cert.pem.*tls_cert_file", said), said
    assert re.search(r"problem key of the certificate: .*tls_key_file", said), said
    assert re.search(r"problem postmaster: option postmaster is empty", said), said
    assert len(host.problems) == 4, said


def test_nothing_left_to_do(mail_host):
    assert mail_host.left == []


def test_nobody_complains(mail_host):
    """Stock servers with our lines say nothing that an administrator would look into."""
    assert mail_host.run("postconf", "-n").stderr == "" and mail_host.run("postfix", "check").stderr == ""
    said = mail_host.sh("journalctl --no-pager -o cat -u 'postfix*' -u dovecot | grep -iE 'warning|error' || true").splitlines()
    assert [line for line in said if "Killed with signal 15" not in line] == []


def test_message_arrives(mail_host):
    in_network(mail_host, SEND.format(to=USER, mark="first-message"))
    stored = mail_host.run("cat", mail_host.sh(arrived("first-message")).strip()).stdout
    assert "Authentication-Results: mx.example.org" in stored and "X-Spam-Queue-Id:" in stored
    assert mail_host.sh("find /var/vmail -mindepth 1 ! -user vmail") == ""
    assert in_network(mail_host, READ.format(user=USER, password=PASSWORD, mark="first-message")).split() == ["1"]


def test_unknown_user_is_refused(mail_host):
    with pytest.raises(AssertionError, match="550"):
        in_network(mail_host, SEND.format(to="nobody@example.org", mark="x"))


def test_submitted_message_is_signed(mail_host):
    """Dovecot's log-in for Postfix, the key socket and the key ring, all through the sandbox."""
    mail_host.run("mailreeve", "dkim", "enable", "example.org")
    submit(mail_host, USER, USER, "submitted-message")
    stored = mail_host.run("cat", mail_host.sh(arrived("submitted-message")).strip()).stdout
    assert "DKIM-Signature:" in stored and "d=example.org" in stored


def test_lock(mail_host):
    """A limit that locks: policyd, mailreeve-admin as its own user, the root helper and sendmail, each in its sandbox. The mail that waits is held, both who are
    told get the notice at once, and nobody logs in."""
    user = "ben@example.org"
    mail_host.run("mailreeve", "user", "add", user, stdin=PASSWORD + "\n")
    mail_host.run("mailreeve", "limit", "set", "user", user, "recipients", "1/1h", "--action", "lock")
    submit(mail_host, user, "partner@example.net", "waits-for-the-partner")  # no DNS in here: it stays deferred
    with pytest.raises(AssertionError, match="Sending limit"):
        submit(mail_host, user, USER, "one-too-many")
    journal = lambda: mail_host.sh("journalctl --no-pager -o cat -n 60 -u 'mailreeve-*' -u 'postfix*'")  # noqa: E731
    for mailbox in ("ben", "anna"):  # the user, and postmaster@example.org
        looked = mail_host.run("sh", "-c", arrived("'Subject: .*locked'", mailbox), check=False)
        assert looked.returncode == 0, journal()
    assert re.search(r"^ADDRESS +ENABLED +LOCKED.*^ben@example.org +yes +yes ", mail_host.run("mailreeve", "user", "list").stdout, re.M | re.S), journal()
    assert "sending limit" in mail_host.run("mailreeve", "user", "show", user).stdout
    with pytest.raises(AssertionError, match="AUTHENTICATIONFAILED"):
        in_network(mail_host, READ.format(user=user, password=PASSWORD, mark="x"))
    queue = mail_host.run("mailreeve", "queue", "list", "--sender", user).stdout
    assert queue.count("hold") == 1 and "partner@example.net" in queue, queue
    said = mail_host.sh("journalctl --no-pager -o cat -u 'mailreeve-admin*' -u 'mailreeve-hostd*'")
    assert "verb=lock" in said and "verb=hold-sender" in said and not re.search("failed|fatal", said), said
    mail_host.run("mailreeve", "limit", "set", "user", user, "recipients", "default")
    assert "not locked any more" in mail_host.run("mailreeve", "user", "unlock", user).stdout
    assert "1 message" in mail_host.run("mailreeve", "queue", "release", "--sender", user).stdout


def test_timer(mail_host):
    """Each hour, as its own user in its sandbox; the first run says nothing, since the records are not published."""
    assert mail_host.sh("systemctl is-enabled mailreeve-dkim.timer; systemctl is-active mailreeve-dkim.timer").split() == ["enabled", "active"]
    mail_host.sh("systemctl start mailreeve-dkim.service")
    assert mail_host.sh("journalctl --no-pager -o cat -t mailreeve -t mailreeve-dkim -u mailreeve-dkim.service _COMM=mailreeve-dkim || true") == ""
    mail_host.sh("""echo "UPDATE dkim_key SET state = 'retired', since = since - INTERVAL 1 YEAR WHERE algorithm = 'ed25519'" | mariadb mailreeve""")
    mail_host.sh("systemctl start mailreeve-dkim.service")
    said = mail_host.sh("journalctl --no-pager -o cat -u mailreeve-dkim.service")
    assert re.search(r"^example.org: e\d+ is gone$", said, re.M), said


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
    mail_host.sh(arrived("after-the-kill"))


def test_installed_again(mail_host):
    """What an upgrade does: keys and settings stay, the daemons run on."""
    before = mail_host.sh("sha256sum /etc/mailreeve/mailreeve.conf /etc/mailreeve/keys/*")
    mail_host.sh("apt-get -qq -o Dpkg::Use-Pty=0 install --reinstall -y /mnt/*.deb; mailreeve check --wait 30")
    assert mail_host.sh("sha256sum /etc/mailreeve/mailreeve.conf /etc/mailreeve/keys/*") == before
    in_network(mail_host, SEND.format(to=USER, mark="after-the-upgrade"))
    mail_host.sh(arrived("after-the-upgrade"))


def test_wrong_setting_is_not_tried_again(mail_host):
    """One line and exit 1; the service waits for the administrator, not for the next second."""
    mail_host.sh("echo 'colour = blue' > /etc/mailreeve/conf.d/wrong.conf")
    mail_host.run("systemctl", "restart", "mailreeve-policyd", check=False)
    assert states(mail_host, "ActiveState")["policyd"] == "failed"
    assert "conf.d/wrong.conf:1" in mail_host.sh("journalctl -u mailreeve-policyd --no-pager -n 10")
    mail_host.sh("rm /etc/mailreeve/conf.d/wrong.conf; systemctl restart mailreeve-policyd; mailreeve check --wait 30")


@pytest.fixture(scope="module")
def second_host(mail_host, tmp_path_factory):
    """As docs/second-host.md tells, in a network with the first one."""
    with clean_host(tmp_path_factory.mktemp("second")) as container:
        join(mail_host, container)
        container.sh(AROUND + "systemctl disable -q --now mariadb redis-server")
        pages, first = dict(sections()), sections("second-host.md")
        for section in first[:2]:
            follow(mail_host, section)
        container.run("sh", "-c", "base64 -d > /root/mx2.tar.gz", stdin=mail_host.sh("base64 /root/mx2.tar.gz"))
        follow(container, first[2])
        certificate = pages["2. The host's settings"].partition("mkdir ")
        follow(container, ("certificate", "mkdir " + certificate[2].replace("mx.example.org", "mx2.example.org")))
        for title in ("4. Postfix", "5. Dovecot"):
            container.left = follow(container, (title, pages[title]))
        yield container


def test_second_host(mail_host, second_host):
    """Accounts are there; a lock on one host, by its unit, ends a session on the other and holds its queue; verbs write from the second one, too."""
    assert second_host.left == []
    for host in (mail_host, second_host):
        host.run("mailreeve", "check", "--wait", "30")
    user = "carol@example.org"
    assert mail_host.run("mailreeve", "user", "add", user, stdin=PASSWORD + "\n").stderr == ""
    submit(second_host, user, "partner@example.net", "waits-on-the-second-host")
    in_network(second_host, READ.format(user=user, password=PASSWORD, mark="x"))
    assert mail_host.run("mailreeve", "user", "lock", user).stderr == ""
    for host in (mail_host, second_host):
        with pytest.raises(AssertionError, match="AUTHENTICATIONFAILED"):
            in_network(host, READ.format(user=user, password=PASSWORD, mark="x"))
    second_host.sh(f"for i in $(seq 50); do mailreeve queue list --sender {user} | grep -q hold && exit 0; sleep 0.1; done; exit 1")
    done = second_host.run("mailreeve", "user", "unlock", user)
    assert "queued messages on hold: 1" in done.stdout and done.stderr == ""
    in_network(mail_host, READ.format(user=user, password=PASSWORD, mark="x"))


def test_purged(mail_host):
    """Last: what the packages brought goes with them; mail, keys and accounts stay."""
    mail_host.sh("rm /etc/dovecot/local.conf; apt-get -qq -o Dpkg::Use-Pty=0 purge -y 'mailreeve-*' dovecot-mailreeve")
    ours = "/usr/share/mailreeve /usr/libexec/mailreeve /lib/systemd/system/mailreeve* /usr/lib/dovecot/modules/*mailreeve*"
    assert mail_host.sh(f"ls -d {ours} 2>/dev/null || true") == ""
    assert mail_host.sh("systemctl list-units --all --no-legend 'mailreeve*'") == ""
    assert "first-message" in mail_host.sh("grep -rl first-message /var/vmail && cat /var/vmail/example.org/anna/Maildir/*/*")
