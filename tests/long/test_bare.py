"""The demo on a bare Debian 12, as a newcomer runs it: installs, builds, verifies, in time, and leaves the system as it was but for the packages."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(SOURCE / "tests/packages"), str(SOURCE / "packaging")]

from container import bare_folder  # noqa: E402
from stack import layout  # noqa: E402

FIRST, AGAIN = 600, 40   # seconds, as promised
# $1 root. The shell that stays is number 1 inside: it takes the dead away, and with it ends what the tests left.
SCRIPT = """
set -e
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs run "$1/run"
exec chroot "$1" sh -c "echo ready; sleep infinity & wait"
"""
# What a package's own scripts do is theirs: this is what the demo must not touch after them.
FILES = "find /etc /usr/sbin/policy-rc.d -xdev -type f -exec sha256sum {} + 2>/dev/null; find /etc -type l -printf '%l  %p\\n'"
# Made by sysusers: our users.
ACCOUNTS = {"/etc/" + name + end for name in ("passwd", "group", "shadow", "gshadow") for end in ("", "-")} | {"/etc/.pwd.lock"}
SERVERS = "postfix dovecot mariadb redis-server unbound"


def children(process):
    return [int(pid) for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


class Bare:
    def __init__(self, root):
        self.root = root
        self.holder = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", SCRIPT, "sh", root],
                                       start_new_session=True, stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise RuntimeError("no namespace")
        self.leader = str(children(self.holder)[0])

    def command(self, script):
        return ["nsenter", "-t", self.leader, "-m", "-p", "-r", "-w", "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                "sh", "-c", f"cd /src; {script}"]

    def sh(self, script):
        done = subprocess.run(self.command(script), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    def files(self):
        lines = self.sh(FILES + "; true").splitlines()
        return {name: what for what, _, name in (line.partition("  ") for line in lines)}

    def processes(self):
        return [p for p in self.sh("for p in /proc/[0-9]*/comm; do cat $p 2>/dev/null; done; true").split() if p not in ("sleep", "sh", "cat")]

    def end(self):
        self.holder.kill()
        self.holder.wait()


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    root = tmp_path_factory.mktemp("bare") / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", bare_folder(), root], check=True)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "src").mkdir()
    tree = subprocess.run(["tar", "-C", SOURCE, "--exclude=./.git", "--exclude=./build*", "-cf", "-", "."], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-C", root / "src", "-xf", "-"], input=tree, check=True)
    system = Bare(root)
    try:
        yield system
    finally:
        system.end()
        shutil.rmtree(root)


def timed(bare, script):
    began = time.monotonic()
    print(bare.sh(script))
    return time.monotonic() - began


def test_first_time(bare):
    """From nothing, downloads included. The host's own policy for starting services is back afterwards, no server is enabled."""
    policy = "#!/bin/sh\n# the host's own\nexit 0\n"
    (bare.root / "usr/sbin/policy-rc.d").write_text(policy)
    installing = timed(bare, "packaging/install-needs build run")
    before = bare.files()
    checking = timed(bare, "packaging/demo --check")
    print(f"{installing:.0f} s of installing, {checking:.0f} s of building and verifying")
    assert installing + checking < FIRST
    after = bare.files()
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed <= ACCOUNTS
    assert (bare.root / "usr/sbin/policy-rc.d").read_text() == policy
    assert bare.sh(f"for s in {SERVERS}; do find /etc/rc[2-5].d -name \"S*$s\"; find /etc/systemd/system -path \"*.wants/$s.*\"; done") == ""
    assert bare.processes() == []


def test_again(bare):
    assert timed(bare, "packaging/demo --check") < AGAIN
    assert bare.processes() == []


def test_stays_until_ctrl_c(bare):
    before = bare.files()
    base, lock = layout.reserve(None)
    lock.close()
    demo = subprocess.Popen(bare.command(f"exec packaging/demo --keep /srv/kept --port-base {base}"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            text=True)
    said = ""
    for line in demo.stdout:
        said += line
        if "demo.env" in line:
            break
    assert "Ctrl-C" in said, said
    listed = bare.sh("/srv/kept/mailreeve user list")
    os.kill(children(demo)[0], signal.SIGINT)
    assert demo.wait(60) == 0
    assert f"MR_PORT_SMTP={base + layout.OFFSETS['smtp']}\n" in bare.sh("cat /srv/kept/demo.env") and "anna@example.org" in listed
    assert bare.processes() == []
    assert bare.files() == before
    assert bare.sh("grep -rl Subject: /srv/kept/vmail/example.org/anna")
