#!/usr/bin/python3
"""Drives app-daemon and app-verb: start, control socket, reload as a whole, drain, stop, and what is said when it cannot start."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

DAEMON = sys.argv.pop(1)
VERB = sys.argv.pop(1)


class App(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mr-test-app-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(f"{self.folder}/keeper")
        self.conf = f"{self.folder}/mailreeve.conf"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(f"{self.folder}/notify")
        self.notify.settimeout(10)
        self.addCleanup(self.notify.close)
        self.write()
        self.daemon = None

    def write(self, own="", shared=""):
        with open(self.conf, "w", encoding="ascii") as f:
            f.write(f'run_dir = "{self.folder}"\n{shared}\nkeeper {{\n{own}\n}}\n')

    def start(self, **env):
        env = dict(os.environ, NOTIFY_SOCKET=f"{self.folder}/notify", **env)
        self.daemon = subprocess.Popen([DAEMON, "-c", self.conf], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.kill)
        self.wait_notified("READY=1")
        while env.get("SECOND_LOOP") and not self.second_loop_waits():
            time.sleep(0.01)

    def second_loop_waits(self):
        """Its two threads sleep. One that calls sigwait() at the very moment of a signal takes it from the main thread; libmilter then ends, and we with it."""
        states = []
        for task in os.listdir(f"/proc/{self.daemon.pid}/task"):
            with open(f"/proc/{self.daemon.pid}/task/{task}/stat", encoding="ascii") as f:
                states.append(f.read().rpartition(")")[2].split()[0])
        return len(states) == 3 and set(states) == {"S"}

    def kill(self):
        if self.daemon.poll() is None:
            self.daemon.kill()
        self.daemon.communicate()

    def run_once(self, *args):
        return subprocess.run([DAEMON, "-c", self.conf, *args], capture_output=True, text=True, timeout=20, check=False)

    def stopped(self):
        """Exit code, output, log."""
        out, err = self.daemon.communicate(timeout=20)
        return self.daemon.returncode, out, err

    def wait_notified(self, what):
        while what not in self.notify.recv(4096).decode():
            pass

    def open(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        self.addCleanup(s.close)
        s.connect(f"{self.folder}/keeper/{name}.sock")
        return s

    def ask(self, text):
        s = self.open("test")
        s.sendall(text.encode() + b"\n")
        return s.recv(1000).decode()

    def control(self, verb):
        s = self.open("control")
        s.sendall(verb.encode() + b"\n")
        s.shutdown(socket.SHUT_WR)
        got = b""
        while part := s.recv(65536):
            got += part
        return got.decode()

    def test_control(self):
        self.start()
        self.assertEqual(self.ask("x"), "hello one\n")
        status = self.control("status")
        self.assertIn("program=mailreeve-keeper\n", status)
        self.assertIn(f"pid={self.daemon.pid}\n", status)
        self.assertIn("state=running\n", status)
        self.assertIn("greeting=hello\n", status)
        self.assertTrue(status.endswith("\nok\n"))
        self.assertEqual(self.control("stats"), "requests_total=1\nok\n")
        self.assertEqual(self.control("pending"), "pending=0\nok\n")
        self.assertEqual(self.control("log-level debug"), "ok\n")
        self.assertTrue(self.control("log-level loud").startswith("error log-level wants"))
        self.assertTrue(self.control("dance").startswith("error unknown verb"))

    def test_reload(self):
        self.start()
        self.write(own='greeting = "moin"\nfixed = "two"')
        self.assertEqual(self.control("reload"), "ok\n")
        self.assertEqual(self.ask("x"), "moin one\n")
        self.wait_notified("RELOADING=1")
        self.wait_notified("READY=1")
        self.write(own='greeting = "servus"\nfixed = "one"')
        self.daemon.send_signal(signal.SIGUSR1)
        self.wait_notified("READY=1")
        self.assertEqual(self.ask("x"), "servus one\n")
        self.daemon.terminate()
        code, _, log = self.stopped()
        self.assertEqual(code, 0, log)
        self.assertIn("option-waits-for-restart section=keeper option=fixed", log)
        self.assertNotIn("option-waits-for-restart section=keeper option=greeting", log)

    def test_reload_refused(self):
        """Neither a syntax error, a bad value nor what validate() refuses changes anything."""
        self.start()
        for own, why in (('greeting = "bad"', "not this one"), ("greeting = ", self.conf), ('wrong = "x"', "wrong"), ("}", self.conf)):
            self.write(own=own)
            answer = self.control("reload")
            self.assertTrue(answer.startswith("error ") and why in answer, answer)
            self.assertEqual(self.ask("x"), "hello one\n")
        self.daemon.terminate()
        code, _, log = self.stopped()
        self.assertEqual(code, 0, log)
        self.assertEqual(log.count("reload-refused"), 4)

    def test_drain(self):
        """What is under way at SIGTERM is answered; new clients are refused."""
        for env in ({}, {"SECOND_LOOP": "1"}):
            with self.subTest(env):
                self.start(**env)
                busy = self.open("test")
                busy.sendall(b"later\n")
                while "pending=1" not in self.control("pending"):
                    time.sleep(0.01)
                self.daemon.terminate()
                self.wait_notified("STOPPING=1")
                with self.assertRaises(ConnectionRefusedError):
                    self.open("test")
                self.assertEqual(busy.recv(1000), b"hello one\n")
                code, out, log = self.stopped()
                self.assertEqual(code, 0, log)
                self.assertIn("stopping pending=1", log)
                self.assertIn(" stopped", log)
                self.assertEqual(out, "asked to stop\n" if env else "")

    def test_second_term_ends_drain(self):
        self.start()
        busy = self.open("test")
        busy.sendall(b"later\n")
        while "pending=1" not in self.control("pending"):
            time.sleep(0.01)
        self.daemon.send_signal(signal.SIGINT)
        self.wait_notified("STOPPING=1")
        self.daemon.terminate()
        code, _, log = self.stopped()
        self.assertEqual(code, 0, log)
        self.assertEqual(busy.recv(1000), b"")

    def test_hangup_is_nothing(self):
        for env in ({}, {"SECOND_LOOP": "1"}):
            with self.subTest(env):
                self.start(**env)
                self.daemon.send_signal(signal.SIGHUP)
                self.assertEqual(self.ask("x"), "hello one\n")
                self.daemon.terminate()
                code, out, log = self.stopped()
                self.assertEqual((code, out), (0, "asked to stop\n" if env else ""), log)

    def test_cannot_start(self):
        """One line, exit 1."""
        self.start()
        for break_it, why in ((lambda: None, "in use by another process"),
                              (lambda: self.write(shared='nonsense = "x"'), f"{self.conf}:2"),
                              (lambda: self.write(shared='log_level = "loud"'), f"{self.conf}:2"),
                              (lambda: self.write(own='greeting = "bad"'), "not this one"),
                              (lambda: self.write(shared=f'run_dir = "{self.folder}/none"'), "none/keeper does not exist"),
                              (lambda: os.unlink(self.conf), self.conf)):
            break_it()
            done = self.run_once()
            self.assertEqual(done.returncode, 1, done)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertTrue(done.stderr.startswith("mailreeve-keeper: "), done.stderr)
            self.assertIn(why, done.stderr)

    def test_start_fails_after_control(self):
        """start() of the daemon itself fails: also one line, and nothing is left behind."""
        with socket.socket(socket.AF_UNIX) as taken:
            taken.bind(f"{self.folder}/keeper/test.sock")
            taken.listen(1)
            done = self.run_once()
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn("test.sock: in use", done.stderr)

    def test_command_line(self):
        self.assertEqual(self.run_once("--check-config").returncode, 0)
        done = self.run_once("--check")
        self.assertEqual((done.returncode, done.stdout), (1, "ok first\nfailed second: away\n"))
        manual = self.run_once("--dump-manual").stdout
        self.assertIn(".It Ic greeting\n", manual)
        self.assertIn(".It Ic fixed\n", manual)
        self.assertTrue(self.run_once("--version").stdout.startswith("mailreeve-keeper "))
        self.assertEqual(self.run_once("--help").returncode, 0)
        self.assertEqual(self.run_once("--dance").returncode, 2)
        self.assertEqual(self.run_once("word").returncode, 2)
        self.write(own='wrong = "x"')
        done = self.run_once("--check-config")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))

    def verb(self, *args):
        return subprocess.run([VERB, *args], capture_output=True, text=True, timeout=20, check=False)

    def test_verb(self):
        """The verb's own words begin after -c FILE; options among them are its own."""
        self.write(shared='setup {\ntls_cert_file = "/etc/c"\n}')
        done = self.verb("-c", self.conf, "add", "-x", "a b")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{self.folder} /etc/c [add] [-x] [a b]\n", ""))
        self.assertEqual(self.verb("-c", self.conf).stdout, f"{self.folder} /etc/c\n")
        self.assertEqual(self.verb("-c", self.conf, "fail").returncode, 1)
        self.assertEqual(self.verb("--help").stdout, "usage: mailreeve small\n")
        self.assertTrue(self.verb("--version").stdout.startswith("mailreeve-small "))
        self.assertEqual(self.verb("-c", self.conf, "--dance", "--help").stdout, f"{self.folder} /etc/c [--dance] [--help]\n")
        self.write(shared='setup {\ntls_cert_file = "relative"\n}')
        for done in (self.verb("-c", self.conf, "add"), self.verb("-c", f"{self.folder}/none", "add")):
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1))
            self.assertTrue(done.stderr.startswith(f"mailreeve-small: {self.folder}/"), done.stderr)

    def test_watchdog(self):
        self.start(WATCHDOG_USEC="300000")
        self.wait_notified("WATCHDOG=1")
        self.wait_notified("WATCHDOG=1")


unittest.main()
