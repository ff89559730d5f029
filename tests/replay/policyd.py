#!/usr/bin/python3
"""Runs the real mailreeve-policyd: --check against a directory that answers, fails or is away; start, one request, reload, stop; what it
says when it cannot start."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

POLICYD = sys.argv.pop(1)
RCPT = b"request=smtpd_access_policy\nprotocol_state=RCPT\nsender=s@else.example\nrecipient=u@a.example\n\n"


class Directory(threading.Thread):
    """Answers every question with these lines."""

    def __init__(self, path, lines):
        super().__init__(daemon=True)
        self.lines = lines
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(5)
        self.start()

    def run(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=[conn], daemon=True).start()

    def serve(self, conn):
        while question := conn.recv(65536).decode():
            number = question.split("\nid=")[1].split("\n")[0]
            body = f"v=1\nid={number}\n{self.lines}"
            conn.sendall(f"{len(body)}:{body},".encode())


class Policyd(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mr-test-policyd-")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("policyd", "lookup", "queue", "queue/run", "queue/run/mailreeve", "queue/run/mailreeve/policyd"):
            os.mkdir(f"{self.folder}/{name}")
        self.conf = f"{self.folder}/mailreeve.conf"
        self.write("")

    def write(self, own):
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f'run_dir = "{self.folder}"\npostfix_dir = "{self.folder}/queue"\nredis_address = ""\npolicyd {{\n{own}\n}}\n')

    def run_once(self, *args):
        return subprocess.run([POLICYD, "-c", self.conf, *args], capture_output=True, text=True, timeout=20, check=False)

    def start(self):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(f"{self.folder}/notify")
        notify.settimeout(10)
        self.addCleanup(notify.close)
        daemon = subprocess.Popen([POLICYD, "-c", self.conf], env=dict(os.environ, NOTIFY_SOCKET=f"{self.folder}/notify"),
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.kill)
        self.assertIn("READY=1", notify.recv(1000).decode())
        return daemon

    def ask(self, socket_folder):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(15)
            s.connect(f"{socket_folder}/policyd/policy.sock")
            s.sendall(RCPT)
            return s.recv(1000).decode()

    def test_check(self):
        done = self.run_once("--check")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"^failed lookup: .*directory.sock: nobody answers there\n$")
        directory = Directory(f"{self.folder}/lookup/directory.sock", "status=temp\n")
        done = self.run_once("--check")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"^failed lookup: .*answers with a temporary failure")
        directory.lines = "status=notfound\nhosted=0\n"
        done = self.run_once("--check")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "ok lookup\n", ""))

    def test_life(self):
        Directory(f"{self.folder}/lookup/directory.sock", "status=notfound\nhosted=1\n")
        daemon = self.start()
        for folder in (self.folder, f"{self.folder}/queue/run/mailreeve"):
            self.assertEqual(self.ask(folder), "action=550 5.1.1 User unknown\n\n")
        self.write('account_mode = "off"')
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.folder}/policyd/control.sock")
            s.sendall(b"reload\n")
            self.assertEqual(s.recv(1000), b"ok\n")
            s.sendall(b"status\n")
            self.assertIn("directory=up\n", s.recv(4000).decode())
        self.assertEqual(self.ask(self.folder), "action=DUNNO\n\n")
        daemon.send_signal(signal.SIGTERM)
        _, log = daemon.communicate(timeout=20)
        self.assertEqual(daemon.returncode, 0, log)
        self.assertEqual(log.count(": policy "), 3, log)

    def test_lookup_away(self):
        self.write('deadline = "300ms"')
        daemon = self.start()
        self.assertEqual(self.ask(self.folder), "action=DUNNO\n\n")
        daemon.terminate()
        _, log = daemon.communicate(timeout=20)
        self.assertEqual(daemon.returncode, 0, log)
        self.assertEqual(log.count("directory-away"), 1, log)
        self.assertIn("reason=lookup-away", log)

    def test_stop_with_open_request(self):
        """A second SIGTERM does not wait for the directory; nothing leaks (the sanitized build looks)."""
        daemon = self.start()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.folder}/policyd/policy.sock")
            s.sendall(RCPT)
            with socket.socket(socket.AF_UNIX) as control:
                control.connect(f"{self.folder}/policyd/control.sock")
                answer = ""
                while "pending=1" not in answer:
                    control.sendall(b"pending\n")
                    answer = control.recv(1000).decode()
            daemon.terminate()
            self.assertIn("stopping", daemon.stderr.readline() + daemon.stderr.readline() + daemon.stderr.readline())
            daemon.terminate()
            _, log = daemon.communicate(timeout=20)
            self.assertEqual(daemon.returncode, 0, log)

    def test_cannot_start(self):
        self.start()
        for break_it, why in ((lambda: None, "in use by another process"), (lambda: self.write('quota_mode = "perhaps"'), "quota_mode"),
                              (lambda: self.write('deadline = "1h"'), "deadline"),
                              (lambda: self.write('greylist_delay = "2h"\ngreylist_retry = "2h"'), "greylist_retry")):
            break_it()
            done = self.run_once()
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn(why, done.stderr)


unittest.main()
