"""The database: made by itself, away, wrong; each with words of its own."""

import os
import re
import signal
import subprocess
import time

import pytest
from stack import admin, layout, mail, mariadb, supervise

ANNA = admin.address("anna")


def changed(stack, **options):
    """A copy of mailreeve.conf with other values; its path."""
    text = stack.lay.conf.read_text()
    for name, value in options.items():
        text, n = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
        if not n:
            text = f"{name} = {value}\n" + text
    path = stack.lay.conf.parent / f"other-{abs(hash(tuple(options.items())))}.conf"
    path.write_text(text)
    return path


def checked(stack, conf, *words):
    return subprocess.run([str(stack.lay.cli), "-c", str(conf), "check", *words], capture_output=True, text=True, check=False)


@pytest.mark.rows("F111")
def test_empty_database_then_nothing_to_do(stack):
    mariadb.sql(stack.lay, "CREATE DATABASE fresh CHARACTER SET utf8mb4; GRANT ALL ON fresh.* TO mailreeve@localhost;", database="")
    conf = changed(stack, db_name="fresh")
    first = subprocess.run([str(stack.lay.cli), "-c", str(conf), "schema", "apply"], capture_output=True, text=True, check=True)
    tables = mariadb.sql(stack.lay, "SHOW TABLES", database="fresh")
    assert "mailbox" in tables and "alias" in tables
    before = mariadb.sql(stack.lay, "SELECT * FROM schema_version", database="fresh")
    second = subprocess.run([str(stack.lay.cli), "-c", str(conf), "schema", "apply"], capture_output=True, text=True, check=True)
    assert mariadb.sql(stack.lay, "SELECT * FROM schema_version", database="fresh") == before
    assert first.stdout != second.stdout
    assert checked(stack, conf).returncode == 0


@pytest.mark.rows("F113")
def test_each_fault_has_its_own_words(stack):
    mariadb.sql(stack.lay, "CREATE DATABASE empty; GRANT ALL ON empty.* TO mailreeve@localhost; CREATE DATABASE future; "
                           "GRANT ALL ON future.* TO mailreeve@localhost;", database="")
    subprocess.run([str(stack.lay.cli), "-c", str(changed(stack, db_name="future")), "schema", "apply"], capture_output=True, check=True)
    mariadb.sql(stack.lay, "INSERT INTO schema_version (version, oldest_program, applied) VALUES (9999, '99.0', NOW())", database="future")
    wrong = stack.lay.keys / "wrong"
    wrong.write_text("not the password\n")
    faults = {
        "no schema": {"db_name": "empty"},
        "schema too new": {"db_name": "future"},
        "no such database": {"db_name": "nowhere"},
        "wrong password": {"db_password_file": wrong},
        "unknown host": {"db_socket": '""', "db_host": "no-such-host.invalid"},
        "refused": {"db_socket": '""', "db_host": "127.0.0.1", "db_port": stack.lay.ports["sink"] + 1000},
    }
    said = {}
    for fault, options in faults.items():
        done = checked(stack, changed(stack, **options))
        assert done.returncode == 1, (fault, done)
        said[fault] = next(line for line in done.stdout.splitlines() + done.stderr.splitlines() if line.startswith("failed lookup: database"))
    assert len(set(said.values())) == len(faults), said


@pytest.mark.rows("F113")
def test_schema_out_of_range_is_temporary_and_heals(stack, refuses):
    """A program too old for the schema answers temporary failure, logs one line, and is well again by itself."""
    unseen = stack.user()
    mariadb.sql(stack.lay, "INSERT INTO schema_version (version, oldest_program, applied) VALUES (9999, '99.0', NOW())")
    before = len(stack.log("lookup"))
    try:
        stack.servers.kill("mariadb")     # the schema is looked at when a connection is made
        assert mail.wait_until(lambda: "schema" in stack.log("lookup")[before:])
        with refuses(451, at="RCPT"):
            stack.inbound(unseen)
        said = [line for line in stack.log("lookup")[before:].splitlines() if "schema" in line]
        assert len(said) == 1, said
        assert "schema 9999" in stack.cli("check", check=False).stdout
    finally:
        mariadb.sql(stack.lay, "DELETE FROM schema_version WHERE version = 9999")
    stack.well()
    later = stack.user()    # one smtpd process asks no second time about an address whose domain it could not look up
    stack.arrived(later, stack.inbound(later))


@pytest.mark.rows("F001", "F002", "G01")
def test_database_away(stack, refuses):
    """What was asked before is still answered; a new question is a temporary failure, never "unknown user"."""
    known, unseen = stack.user(), stack.user()
    stack.arrived(known, stack.inbound(known))
    with stack.without("mariadb"):
        stack.arrived(known, stack.inbound(known))
        with refuses(451, at="RCPT"):
            stack.inbound(unseen)
        with refuses(451, at="RCPT"):
            stack.inbound("never-asked-before@" + layout.DOMAIN)

    def accepted():
        try:
            return stack.inbound(unseen)
        except mail.Refused as refused:
            assert refused.code // 100 == 4, refused
            return None
    # lookup tries to connect again at most two seconds after its last failure (lib/store/pool.c).
    stack.arrived(unseen, mail.wait_until(accepted, 10))


@pytest.mark.rows("F001")
def test_redis_away(stack):
    with stack.without("redis"):
        user = stack.user()
        time.sleep(1)                     # nothing wakes lookup up: it looks for itself
        stack.arrived(user, stack.inbound(user))
        stack.client.sunk(stack.submit(user, "someone@" + layout.ELSEWHERE))


def test_database_slow_is_temporary_within_the_deadline(stack, refuses):
    """A server that stands still: lookup answers by its own deadline, not by Postfix's 100 s."""
    unseen = stack.user()
    pid = stack.servers.pid("mariadb")
    supervise.freeze(pid)
    try:
        began = time.monotonic()
        with refuses(451, at="RCPT"):
            stack.inbound(unseen)
        assert time.monotonic() - began < 30
    finally:
        os.kill(pid, signal.SIGCONT)
    stack.well()
    stack.arrived(unseen, mail.wait_until(lambda: stack.inbound(unseen)))


@pytest.mark.rows("F210")
def test_doctor_looks_where_the_postmaster_leads(stack):
    def says(**options):
        done = subprocess.run([str(stack.lay.cli), "-c", str(changed(stack, **options)), "doctor"], capture_output=True, text=True, check=False)
        return [line for line in done.stdout.splitlines() if " postmaster" in line.split(":")[0]]

    somebody, nobody = stack.user(), "nobody-at-all@" + layout.DOMAIN
    assert says(postmaster=somebody) == ["ok      postmaster"]
    assert says(postmaster=nobody) == [f"problem postmaster: {nobody}, of option postmaster, takes no mail: make it a mailbox or an alias"]
    assert says(postmaster='""') == ["problem postmaster: option postmaster is empty: mail to the postmaster of this host reaches nobody"]
    with stack.without("lookup"):
        assert says(postmaster=somebody) == [f"problem postmaster: whether {somebody} takes mail is not known while lookup does not answer"]


@pytest.mark.rows("G01")
def test_lookup_restarts_while_the_database_is_away(stack, refuses):
    """Mail for whom it knew is taken and log-ins work, from its snapshot."""
    known = stack.user()
    stack.arrived(known, stack.inbound(known))
    stack.servers.stop("mariadb")
    try:
        stack.servers.stop("lookup")
        stack.servers.again("lookup")
        assert mail.wait_until(lambda: stack.log("lookup").count("snapshot-loaded"), 10)
        stack.arrived(known, mail.wait_until(lambda: inbound_or_later(stack, known), 20))
        with refuses(451, at="RCPT"):
            stack.inbound("zz-never-asked-before-either@" + layout.DOMAIN)
    finally:
        stack.servers.again("mariadb")
        stack.well()


def inbound_or_later(stack, user):
    try:
        return stack.inbound(user)
    except mail.Refused as refused:
        assert refused.code // 100 == 4, refused
        return None
