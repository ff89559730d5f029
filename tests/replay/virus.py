#!/usr/bin/python3
"""The real mailreeve-milter with stand-ins for clamd: viruses, servers that are away, slow, lying or cut off, and what the site wants then."""

import pathlib
import resource
import socketserver
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fake_clamd import EICAR, ENDINGS, FakeClamd  # noqa: E402
from hostile import GTUBE  # noqa: E402
from milter_daemon import ANNA, BEN, LIST, MILTER, MilterCase, wait_until  # noqa: E402

BAD_ENDINGS = [mode for mode in ENDINGS if mode != "big"]
BAD = b"See this.\r\n" + EICAR + b"\r\n"


class Virus(MilterCase):
    def setUp(self):
        super().setUp()
        self.servers = [FakeClamd(f"{self.folder}/clamd{i}") for i in range(2)]

    def clamd(self, n=1, own=""):
        names = ", ".join(f'"unix:{server.path}"' for server in self.servers[:n])
        return f"clamd = {{{names}}}\nclamd_timeout = 1s\n{own}\n"

    def admin(self):
        """What mailreeve-admin is asked: a list that grows."""
        asked, path = [], pathlib.Path(self.folder, "admin/admin.sock")

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                asked.append(self.rfile.readline().decode())
                self.wfile.write(b"ok\n")

        path.parent.mkdir()
        server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return asked

    def scanned(self):
        return [len(server.seen) for server in self.servers]

    def send(self, body=b"Hello.\r\n", to=ANNA, **kwargs):
        with self.session(**{k: kwargs.pop(k) for k in ("daemon_name",) if k in kwargs}) as s:
            return s.message(to, body=body, **kwargs)

    def result(self, r):
        self.assertEqual(r.answer, "continue", r.text + self.logged())
        return dict(r.inserted())["X-Spam-Result"]

    def stat(self, name):
        lines = dict(line.split("=", 1) for line in self.control("stats").splitlines() if "=" in line)
        return int(lines[name])

    def test_found(self):
        self.start(self.clamd())
        r = self.send(BAD)
        self.assertEqual((r.text, r.changes), ("550 5.7.1 There is a virus in this message: Eicar-Test", []))
        self.assertEqual(self.send(BAD).text[:3], "550")
        self.assertEqual(len(self.servers[0].seen), 1, "the same message is not looked at twice")
        self.assertNotIn("VIRUS", self.result(self.send()))
        self.assertIn("virus=Eicar-Test", self.logged())
        self.assertIn("reason=virus", self.logged())
        self.assertIn('"virus":"Eicar-Test"', self.control("history 9"))
        self.assertIn("VIRUS(0.00)", self.logged())
        self.servers[0].finds = "%s%n\xe4(x:1)"
        self.assertEqual(self.send(BAD + b"another\r\n").text, "550 5.7.1 There is a virus in this message: _s_n__")
        self.assertEqual([self.stat(name) for name in ("viruses_total", "clamd_asked_total", "clamd_cached_total")], [3, 4, 1])
        self.stop()

    def test_what_clamd_sees(self):
        """The whole message as it stands, and before it a line by which clamd knows that it is mail, whatever the first field looks like."""
        for own in ("", "clamd_mode = stream"):
            self.start(self.clamd(own=own))
            self.servers[0].seen.clear()
            with self.session() as s:
                s.message(ANNA, fields=[("%PDF-1.3", "x"), ("From", "s@out.test")], body=b"y" * 3000000)
            self.assertEqual(self.servers[0].seen, [b"Received: by mailreeve\r\n%PDF-1.3: x\r\nFrom: s@out.test\r\n\r\n" + b"y" * 3000000])
            self.stop()

    def test_over_tcp(self):
        """Also when it ends in the middle of a message that is too big for it, and says so."""
        far = FakeClamd()
        self.start(f'clamd = {{"tcp:127.0.0.1:1", "tcp:127.0.0.1:{far.port}"}}\nclamd_timeout = 2s\n')
        self.assertEqual(self.send(BAD).text[:3], "550")
        self.assertNotIn("VIRUS", self.result(self.send(b"x" * 3000000)))
        self.assertEqual([len(content) > 3000000 for content in far.seen], [False, True])
        far.mode = "big"
        self.assertIn("VIRUS_UNCHECKED", self.result(self.send(b"y" * 5000)))
        far.stop()
        self.assertTrue(self.send(b"another").text.startswith("451"))
        self.stop()

    def test_our_own(self):
        for own in ("", "outbound_scan = no"):
            self.start(self.clamd(own=f"virus_action = quarantine\n{own}"))
            for kwargs in ({"daemon_name": "ORIGINATING"}, {"login": ANNA}, {"daemon_name": "LOCAL"}):
                self.assertEqual(self.send(BAD, to="someone@far.test", sender=ANNA, **kwargs).text[:3], "550")
            self.assertEqual(self.quarantine(), [])
            self.stop()

    def test_quarantine(self):
        self.start(self.clamd(own="virus_action = quarantine"))
        r = self.send(BAD, to=LIST)
        self.assertEqual((r.answer, r.changes), ("discard", []))
        entry, = self.quarantine()
        self.assertTrue((entry / "message").read_bytes().endswith(BAD))
        envelope = (entry / "envelope").read_text()
        self.assertIn(LIST, envelope)
        self.assertIn("virus", envelope)
        self.stop()

    def test_lists_do_not_matter(self):
        self.directory.finals[ANNA] = [(ANNA, {"allow": "out.test"})]
        self.start(self.clamd())
        self.assertEqual(self.send(BAD).text[:3], "550")
        self.stop()

    def test_suspected(self):
        self.start(self.clamd(own="virus_suspicious_score = 3"))
        self.servers[0].finds = "PUA.Something"
        r = self.send(BAD)
        self.assertIn("VIRUS_SUSPECTED(3.00)", self.result(r))
        self.write(self.clamd(own='virus_suspicious = {"Other."}'))
        self.assertEqual(self.control("reload"), "ok\n")
        self.assertEqual(self.send(BAD).text[:3], "550")
        self.stop()

    def test_too_big(self):
        self.start(self.clamd(own="clamd_max_size = 2k"))
        self.assertIn("VIRUS_UNCHECKED", self.result(self.send(BAD + b"x" * 3000)))
        self.assertEqual(self.scanned(), [0, 0])
        self.stop()

    def test_away(self):
        self.start(self.clamd())
        self.servers[0].stop()
        r = self.send()
        self.assertTrue(r.text.startswith("451"), r.text)
        self.assertIn("reason=clamd", self.logged())
        for away, shown in (("tag", True), ("pass", False)):
            self.write(self.clamd(own=f"clamd_away = {away}"))
            self.assertEqual(self.control("reload"), "ok\n")
            self.assertEqual("VIRUS_UNCHECKED" in self.result(self.send(BAD)), shown)
        self.assertEqual(self.stat("clamd_servers_away"), 1)
        self.servers[0].start()
        wait_until(lambda: self.stat("clamd_servers_away") == 0)
        self.assertEqual(self.send(BAD).text[:3], "550")
        self.assertEqual(self.logged().count("clamd-back"), 1)
        self.stop()

    def test_another_takes_over(self):
        self.start(self.clamd(2))
        for mode in (*BAD_ENDINGS, "slow"):
            self.servers[0].mode = mode
            self.assertEqual(self.send(BAD + mode.encode()).text[:3], "550", mode + self.logged())
            self.servers[0].mode = "scan"
            wait_until(lambda: self.stat("clamd_servers_away") == 0)
        self.servers[0].stop()
        self.assertEqual(self.send(BAD).text[:3], "550")
        self.stop()

    def test_nobody_answers(self):
        """Each way of not answering is a temporary failure, within clamd_timeout; nothing is left open."""
        self.start(self.clamd(2))
        for mode in (*BAD_ENDINGS, "slow"):
            for server in self.servers:
                server.mode = mode
            self.assertTrue(self.send(mode.encode()).text.startswith("451"), mode)
            for server in self.servers:
                server.mode = "scan"
            wait_until(lambda: self.stat("clamd_servers_away") == 0)
            self.assertEqual(self.result(self.send(mode.encode())).count("VIRUS"), 0)
        wait_until(lambda: "jobs=0\n" in self.control("status") and "clamd_open=0\n" in self.control("status"))
        self.assertEqual(self.stat("clamd_unanswered_total"), len(BAD_ENDINGS) + 1)
        self.stop()

    def test_a_message_that_clamd_does_not_finish(self):
        """It comes again twice, then it is held, clamd is not asked any more, and the administrator is told, once a minute at most; others go their way all
        the time. What is refused whatever clamd says is not held, and nobody is told."""
        asked = self.admin()
        self.start(self.clamd())
        self.servers[0].slow_for = b"for ever"
        for _ in range(4):
            self.assertTrue(self.send(b"Refused for ever.\r\n" + GTUBE).text.startswith("550"))
            wait_until(lambda: self.stat("clamd_servers_away") == 0)
        self.assertEqual(asked, [])
        self.servers[0].seen.clear()
        for _ in range(2):
            self.assertTrue(self.send(b"Sit for ever.\r\n").text.startswith("451"))
            wait_until(lambda: self.stat("clamd_servers_away") == 0)
            self.assertNotIn("VIRUS", self.result(self.send(f"{_}\r\n".encode())))
        for _ in range(2):
            r = self.send(b"Sit for ever.\r\n")
            self.assertEqual(r.answer, "continue", r.text)
            self.assertIn("clamd does not finish it", str(r.changes))
        self.assertEqual(sum(b"for ever" in content for content in self.servers[0].seen), 3)
        self.assertEqual(self.logged().count("reason=slow-for-clamd"), 2)
        wait_until(lambda: "admin-done" in self.logged())
        self.assertEqual(len(asked), 1, asked)
        self.assertRegex(asked[0], r"^content-held \S+: clamd does not finish it in clamd_timeout\n$")
        self.write(self.clamd(own="clamd_away = tag"))
        self.assertEqual(self.control("reload"), "ok\n")
        self.assertIn("VIRUS_UNCHECKED", self.result(self.send(b"Sit for ever.\r\n")))
        self.stop()

    def test_cut_in_the_middle(self):
        self.start(self.clamd(2, 'clamd_timeout = "4s"'))
        self.servers[0].mode = "slow"
        with self.session() as s:
            s.begin()
            s.recipient(ANNA)
            s.content(body=BAD)
            s.send("E")
            wait_until(lambda: "clamd_open=1\n" in self.control("status"))
            began = time.monotonic()
            self.servers[0].stop()
            self.assertEqual(s.receive()[1][:3], b"550")
            self.assertLess(time.monotonic() - began, 2, "it did not wait for the deadline")
        self.stop()

    def test_stop_while_clamd_is_asked(self):
        self.start(self.clamd(1, 'clamd_timeout = "4s"'))
        self.servers[0].mode = "slow"
        with self.session() as s:
            s.begin()
            s.recipient(ANNA)
            s.content()
            s.send("E")
            wait_until(lambda: "clamd_open=1\n" in self.control("status"))
            self.daemon.terminate()
            self.daemon.terminate()
        self.stop()

    def test_wrong_settings(self):
        for own, why in (('clamd = {"/run/clamd.ctl"}', "tcp:ADDRESS:PORT"), (self.clamd(own='clamd_timeout = "6s"'), "scan_timeout")):
            self.write(own)
            done = subprocess.run([MILTER, "-c", self.conf, "--check-config"], capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual((done.returncode, why in done.stderr), (1, True), done.stderr)

    def test_deadline_names_what_is_waited_for(self):
        self.start(self.clamd(1, 'clamd_timeout = "500ms"\nscan_timeout = "700ms"\ndirectory_timeout = "10s"'))
        wait_until(lambda: self.send().answer == "continue")  # a scanner is ready
        self.directory.silent = True
        self.assertTrue(self.send(to=BEN).text.startswith("451"))
        self.assertIn("waiting_for=directory:1", self.logged())
        self.stop()


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
unittest.main(warnings="ignore")
