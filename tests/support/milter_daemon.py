"""The real mailreeve-milter with its scanners, spoken to as Postfix does; the directory is a stand-in, DNS is away."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from milter_client import Directory, Session

MILTER = sys.argv.pop(1)
ANNA, BEN, LIST = "anna@d.test", "ben@d.test", "list@d.test"


def children(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):   # a thread that ended meanwhile
            found += [int(p) for p in (task / "children").read_text().split()]
    return found


def runs(pid):
    with contextlib.suppress(OSError):
        return "Z (zombie)" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    return False


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


class MilterCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mr-test-milter-")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("milter", "lookup", "keys", "state/milter"):
            os.makedirs(f"{self.folder}/{name}")
        self.conf, self.socket = f"{self.folder}/mailreeve.conf", f"{self.folder}/milter.sock"
        self.resolver = "127.0.0.1:1"
        self.directory = Directory(self.folder)
        for listener in self.directory.listeners:
            self.addCleanup(listener.close)
        self.directory.finals = {ANNA: [(ANNA, {})], BEN: [(BEN, {})], LIST: [(ANNA, {}), (BEN, {})]}
        self.write()

    def write(self, own=""):
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f'run_dir = "{self.folder}"\nstate_dir = "{self.folder}/state"\npostfix_dir = "{self.folder}/queue"\nhostname = mx.test\n'
                    f'dkim_keyring_file = ""\nredis_address = ""\nresolver = "{self.resolver}"\nmilter {{\nsocket = "{self.socket}"\n'
                    f'dns_timeout = "200ms"\nscan_timeout = "5s"\n'
                    f'directory_timeout = "500ms"\nrule_files = {{}}\n{own}\n}}\n')

    def start(self, own=""):
        self.write(own)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with notify:
            path = f"{self.folder}/notify"
            notify.bind(path)
            notify.settimeout(20)
            self.log = open(f"{self.folder}/log", "a+", encoding="utf-8")
            self.addCleanup(self.log.close)
            self.daemon = subprocess.Popen([MILTER, "-c", self.conf], env=dict(os.environ, NOTIFY_SOCKET=path), stderr=self.log)
            self.addCleanup(self.daemon.wait)
            self.addCleanup(self.daemon.kill)
            self.assertIn("READY=1", notify.recv(1000).decode())
            os.unlink(path)

    def stop(self):
        """Ends in order: nothing leaked (the sanitized build looks)."""
        self.daemon.terminate()
        self.assertEqual(self.daemon.wait(30), 0, self.logged())

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def session(self, **kwargs):
        return Session(self.socket, **kwargs)

    def control(self, word):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.folder}/milter/control.sock")
            s.sendall(word.encode() + b"\n")
            return s.recv(4000).decode()

    def quarantine(self):
        return sorted(pathlib.Path(f"{self.folder}/state/milter/quarantine").iterdir())
