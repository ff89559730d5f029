"""Wrong settings: one clear line, exit 1. Clients that send garbage: only they suffer."""

import os
import pathlib
import socket
import subprocess
import time

import pytest
from stack import admin, daemons, layout

ANNA = admin.address("anna")
DAEMONS = pytest.mark.parametrize("name", daemons.DAEMONS)


def run(stack, name, text, *words):
    conf = stack.lay.conf.parent / "bad.conf"
    conf.write_text(text)
    return subprocess.run([str(stack.lay.bin / f"mailreeve-{name}"), "-c", str(conf), *words], capture_output=True, text=True, timeout=20, check=False)


def one_line(done, *words):
    """Exit 1 with one line that has these words in it."""
    lines = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 1 and len(lines) == 1, done
    for word in words:
        assert word in lines[0], lines[0]


@DAEMONS
@pytest.mark.parametrize("line, said", [("no_such_option = 1", "no_such_option"), ("log_level = loud", "log_level"), ("forward_port = 70000", "forward_port"),
                                        ("db_timeout = soon", "db_timeout"), ("nonsense", ""), ("section_of_nobody { a = 1 }", "section_of_nobody")])
@pytest.mark.parametrize("check", [["--check-config"], []])
def test_wrong_setting(stack, name, line, said, check):
    text = stack.lay.conf.read_text()
    done = run(stack, name, line + "\n" + text, *check)
    one_line(done, "bad.conf:1:", said)


@DAEMONS
def test_own_section_is_checked_too(stack, name):
    done = run(stack, name, stack.lay.conf.read_text() + f"{name} {{\n\tno_such_option = 1\n}}\n", "--check-config")
    one_line(done, "bad.conf:", "no_such_option")


@DAEMONS
def test_configuration_missing(stack, name):
    done = subprocess.run([str(stack.lay.bin / f"mailreeve-{name}"), "-c", "/nonexistent/mailreeve.conf"], capture_output=True, text=True, timeout=20,
                          check=False)
    one_line(done, "/nonexistent/mailreeve.conf")


@DAEMONS
def test_socket_in_use(stack, name):
    """A second daemon on the same sockets gives up; the first one goes on."""
    done = run(stack, name, stack.lay.conf.read_text())
    one_line(done, ".sock")
    stack.arrived(ANNA, stack.inbound(ANNA))


@DAEMONS
def test_stale_socket_is_replaced(stack, name):
    stack.servers.kill(name)
    stack.well()
    stack.arrived(ANNA, stack.inbound(ANNA))


@pytest.mark.parametrize("kind", ["postfix-main", "dovecot"])
def test_certificate_missing(stack, kind):
    text = stack.lay.conf.read_text().replace("cert.pem", "no-such-cert.pem")
    conf = stack.lay.conf.parent / "bad.conf"
    conf.write_text(text)
    done = subprocess.run([str(stack.lay.cli), "-c", str(conf), "setup", "print", kind, "--templates", str(layout.SOURCE / "packaging")],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "no-such-cert.pem" in done.stderr and len(done.stderr.splitlines()) == 1, done


@pytest.mark.parametrize("option, name", [("srs_secret_file", "lookup"), ("dkim_keyring_file", "milter")])
def test_secret_missing(stack, option, name):
    text = "".join(line + "\n" for line in stack.lay.conf.read_text().splitlines() if not line.startswith(option)) + f"{option} = /nonexistent/secret\n"
    one_line(run(stack, name, text, "--check-config"), "/nonexistent/secret")


SOCKETS = {
    "map": "lookup/map.sock", "directory": "lookup/directory.sock", "lookup control": "lookup/control.sock", "passdb": "passdb/passdb.sock",
    "keys": "keys/keys.sock", "relay": "relay/relay.sock", "policy": "policyd/policy.sock", "policyd control": "policyd/control.sock", "milter control": "milter/control.sock",
}
GARBAGE = {
    "zeros": b"\0" * 5000,
    "not a length": b"abc:hello,",
    "huge length": b"99999999999999999999:x,",
    "negative length": b"-1:x,",
    "half a request": b"40:alias anna@",
    "half a policy request": b"request=smtpd_access_policy\nprotocol_state=RCPT\n",
    "no equals sign": b"request=smtpd_access_policy\nnonsense\n\n",
    "empty netstring": b"0:,",
    "missing comma": b"5:aliasX",
    "unknown map": b"14:nonsense a@b.c,",
    "unknown command": b"frobnicate\n",
    "bad version": b"25:v=9\nid=1\ncmd=resolve\nx=1\n,",
    "one megabyte without an end": b"9" * (1 << 20),
    "one megabyte of lines": b"a=b\n" * (1 << 18),
    "random": os.urandom(65536),
}


@pytest.mark.parametrize("where", SOCKETS)
def test_garbage_harms_only_its_sender(stack, where):
    pids = stack.servers.ask(op="pids")
    held = []
    for what in GARBAGE.values():
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(str(stack.lay.run / SOCKETS[where]))
        try:
            client.sendall(what)
        except OSError:
            pass  # closed in our face: right
        held.append(client)
    stack.arrived(ANNA, stack.inbound(ANNA))
    for client in held:
        client.close()
    stack.arrived(ANNA, stack.inbound(ANNA))
    assert stack.servers.ask(op="pids") == pids


@pytest.mark.parametrize("where", SOCKETS)
def test_many_clients_at_once(stack, where):
    held = []
    try:
        for _ in range(200):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(1)
            try:
                client.connect(str(stack.lay.run / SOCKETS[where]))
            except (BlockingIOError, TimeoutError, OSError):
                client.close()
                break
            held.append(client)
        if where not in ("map", "policy"):  # there the limit is Postfix's own share as well
            stack.arrived(ANNA, stack.inbound(ANNA))
    finally:
        for client in held:
            client.close()
    time.sleep(0.2)
    stack.arrived(ANNA, stack.inbound(ANNA))


def test_garbage_on_the_usage_socket(stack):
    pids = stack.servers.ask(op="pids")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(str(stack.lay.run / "usage/usage.sock"))
        for what in GARBAGE.values():
            try:
                client.send(what[:60000])
            except OSError:
                pass
    stack.arrived(ANNA, stack.inbound(ANNA))
    assert stack.servers.ask(op="pids") == pids


def test_garbage_on_the_milter_socket(stack):
    pids = stack.servers.ask(op="pids")
    for what in GARBAGE.values():
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(stack.lay.queue / "run/mailreeve/milter/milter.sock"))
            try:
                client.sendall(what)
            except OSError:
                pass
    stack.arrived(ANNA, stack.inbound(ANNA))
    assert stack.servers.ask(op="pids") == pids


def test_modes_of_the_sockets(stack):
    """docs/sockets.md: 0660 in folders that only owner and group may enter."""
    for name in SOCKETS.values():
        path = pathlib.Path(stack.lay.run / name)
        assert path.stat().st_mode & 0o777 == 0o660, path
        assert path.parent.stat().st_mode & 0o7777 == 0o2750, path.parent
        assert path.group() == path.parent.group(), path
