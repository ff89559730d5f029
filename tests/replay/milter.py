#!/usr/bin/python3
"""Runs the real mailreeve-milter with its scanners and speaks to it as Postfix does; the directory is a stand-in, DNS is away."""

import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from milter_client import LEAD_SPACE, STEPS  # noqa: E402
from milter_daemon import ANNA, BEN, LIST, MILTER, MilterCase, children, runs, wait_until  # noqa: E402

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
JUNK = b"YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"


class Milter(MilterCase):
    def test_clean(self):
        self.start()
        for steps, space in ((STEPS, " "), (STEPS & ~LEAD_SPACE, ""), (0, "")):
            with self.session(steps=steps) as s:
                r = s.message(ANNA)
            self.assertEqual(r.answer, "continue")
            names = [name for name, _ in r.inserted()]
            self.assertEqual(names, ["Authentication-Results", "X-Spam-Result", "X-Spam-Server", "X-Spam-Queue-Id", "X-Spam-Action"])
            values = dict(r.inserted())
            self.assertEqual(values["X-Spam-Server"], space + "mx.test")
            self.assertEqual(values["X-Spam-Queue-Id"], space + "4QueueId")
            self.assertEqual(values["X-Spam-Action"], space + "accept")
            self.assertIn("SPF_TEMPERROR(0.00)", values["X-Spam-Result"])
            self.assertTrue(values["Authentication-Results"].startswith(space + "mx.test"))
            self.assertNotIn("\r", "".join(values.values()))
        self.stop()
        self.assertEqual(self.logged().count("info: message id=4QueueId role=MX"), 3, self.logged())

    def test_forged_fields_go_last_to_first(self):
        self.start()
        with self.session() as s:
            r = s.message(ANNA, fields=[("X-Spam", "Yes"), ("Authentication-Results", "far.test; none"), ("Authentication-Results", "MX.test; spf=pass"),
                                        ("From", "s@out.test"), ("x-spam", "No")])
        self.assertEqual(r.of("change"), [(2, "x-spam", ""), (2, "Authentication-Results", ""), (1, "X-Spam", "")])
        self.stop()

    def test_all_of_it_is_scanned(self):
        """Below and above the size up to which a message stays in memory, and where the header ends: there is no event for that."""
        self.start()
        for body in (b"", b"x" * 70 + b"\r\n"):
            for times in (1, 400, 460, 2000):
                for end, answer in ((b"", "continue"), (GTUBE, "550 5.7.1 Message refused by the recipient's mail filter")):
                    with self.session() as s:
                        r = s.message(ANNA, body=body * times + end)
                    self.assertEqual(r.text or r.answer, answer, (body, times))
        with self.session() as s:
            self.assertEqual(s.message(ANNA, fields=[("From", "s@out.test"), ("X-Test", GTUBE.decode().strip())]).answer, "continue")
            self.assertIn("dmarc=temperror", dict(s.message(ANNA, body=b"From: second@out.test\r\n").inserted())["Authentication-Results"])
        self.stop()

    def test_more_forged_fields_than_can_go(self):
        self.start()
        with self.session() as s:
            r = s.message(ANNA, fields=[("X-Spam", "Yes")] * 1000 + [("Authentication-Results", "mx.test; dkim=pass")])
            self.assertTrue(r.text.startswith("550 5.7.1"), r.text)
            self.assertEqual(s.message(ANNA, fields=[("X-Spam", "Yes")] * 1000).answer, "continue")
        self.stop()
        self.assertIn("reason=forged-fields", self.logged())

    def test_test_strings(self):
        self.start()
        with self.session() as s:
            r = s.message(ANNA, body=GTUBE)
            self.assertTrue(r.text.startswith("550 5.7.1"), r.text)
            self.assertEqual(r.changes, [])
            r = s.message(ANNA, BEN, body=JUNK)
            self.assertEqual((dict(r.inserted())["X-Spam"], dict(r.inserted())["X-Spam-Level"]), (" Yes", " **********"))
            self.assertEqual(r.of("add", "delete"), [])
        with self.session(daemon_name="ORIGINATING") as s:
            self.assertTrue(s.message(ANNA, body=GTUBE).text.startswith("550 5.7.1"))
        self.stop()

    def test_finals_differ(self):
        self.directory.finals[LIST] = [(ANNA, {}), (BEN, {"deny": "out.test"}), ("far@away.test", None)]
        self.start()
        with self.session() as s:
            r = s.message((LIST, "NOTIFY=FAILURE", "ORCPT=rfc822;list@d.test"), ANNA)
            self.assertEqual(r.of("delete"), [(f"<{LIST}>",)])
            self.assertEqual(r.of("add"), [("<far@away.test>", "NOTIFY=FAILURE ORCPT=rfc822;list@d.test")])
            self.assertNotIn("X-Spam", dict(r.inserted()))
            entry, = self.quarantine()
            self.assertEqual((entry / "message").read_bytes(), b"From: s@out.test\r\nSubject: s\r\n\r\nHello.\r\n")
            self.assertIn("recipient=" + BEN, (entry / "envelope").read_text())
            self.directory.finals[BEN] = [(BEN, {"junk_score": 100})]
            r = s.message(ANNA, BEN, body=JUNK)
            self.assertEqual(r.of("delete", "add"), [(f"<{ANNA}>",), ("<anna+junk@d.test>",)])
            self.assertEqual(len(self.quarantine()), 1)
        self.stop()

    def test_withheld_from_all(self):
        self.start("quarantine_score = 9")
        with self.session() as s:
            r = s.message((ANNA, "NOTIFY=NEVER"), BEN, body=JUNK)
            self.assertEqual((r.answer, r.changes), ("discard", []))
            entry, = self.quarantine()
            self.assertIn(b"YJS*C4", (entry / "message").read_bytes())
            for address in (ANNA, BEN):
                self.assertIn(f"recipient={address}\n", (entry / "envelope").read_text())
            self.directory.finals[BEN] = [(BEN, {"junk_score": 100})]
            r = s.message(ANNA, BEN, body=JUNK)
            self.assertEqual((r.answer, r.of("delete"), r.of("add")), ("continue", [(f"<{ANNA}>",)], []))
            self.assertEqual(len(self.quarantine()), 2)
        self.stop()
        self.assertIn("action=quarantine", self.logged())

    def token(self, entry):
        return next(line.split("=", 1)[1] for line in (entry / "envelope").read_text().splitlines() if line.startswith("token="))

    def test_release(self):
        """By the token of the entry, to whom it was withheld from, once; and only where nobody outside comes in."""
        self.start("quarantine_score = 9")
        with self.session() as s:
            self.assertEqual(s.message(ANNA, BEN, body=JUNK).answer, "discard")
        entry, = self.quarantine()
        good = f"{entry.name} {self.token(entry)}"

        def bring(value, *to, role="REDIRECT"):
            with self.session(daemon_name=role) as s:
                return s.message(*to, fields=[("X-Mailreeve-Release", value), ("From", "s@out.test")], body=JUNK)

        for value, to in ((entry.name, [ANNA]), (good[:-1], [ANNA]), ("x " + self.token(entry), [ANNA]), (good, [ANNA, LIST]), ("", [ANNA])):
            self.assertTrue(bring(value, *to).text.startswith("550 5.7.1"), value)
        r = bring(good, ANNA, role="mx.test")
        self.assertEqual((r.answer, r.changes), ("discard", []))
        self.assertFalse((entry / "released").exists())
        r = bring(good, ANNA)
        self.assertEqual((r.answer, r.of("change"), r.of("add", "delete")), ("continue", [(1, "X-Mailreeve-Release", "")], []))
        self.assertEqual([name for name, _ in r.inserted()], ["Authentication-Results", "X-Spam-Server", "X-Spam-Queue-Id", "X-Spam-Action"])
        self.assertIn(f"recipient={ANNA}\n", (entry / "released").read_text())
        self.assertIn("Released before", bring(good, ANNA).text)
        self.stop()
        self.assertEqual(self.logged().count("info: release id="), 1)

    def test_release_of_what_our_own_wrote(self):
        self.start("outbound_score = 9\noutbound_action = quarantine")
        with self.session(daemon_name="ORIGINATING") as s:
            self.assertEqual(s.message("far@away.test", sender=ANNA, login=ANNA, body=JUNK).answer, "discard")
        entry, = self.quarantine()
        with self.session(daemon_name="REDIRECT") as s:
            r = s.message("far@away.test", sender=ANNA, fields=[("X-Mailreeve-Release", f"{entry.name} {self.token(entry)}"), ("From", ANNA)])
        self.assertEqual((r.answer, r.inserted()), ("continue", []))
        self.stop()

    def test_history(self):
        """What became of a message is told afterwards, by number and by queue id, as JSON."""
        self.start("history_max = 2")
        with self.session() as s:
            for body in (b"Hello.\r\n", GTUBE, JUNK):
                s.message((ANNA, "NOTIFY=NEVER"), BEN, body=body)
        lines = self.control("history 9").splitlines()
        self.assertEqual((len(lines), lines[-1]), (3, "ok"))
        refused, junk = map(json.loads, lines[:2])
        self.assertEqual((refused["action"], refused["reason"], junk["action"]), ("reject", "content", "junk"))
        self.assertEqual((junk["id"], junk["sender"], junk["recipients"], junk["score"]), ("4QueueId", "s@out.test", [ANNA, BEN], 10.0))
        self.assertEqual((junk["symbols"]["GTUBE_JUNK"], junk["groups"]["gtube"], junk["withheld"]), (10.0, 10.0, []))
        self.assertEqual((len(self.control("history id=4QueueId").splitlines()), self.control("history id=none")), (3, "ok\n"))
        self.assertTrue(self.control("history x").startswith("error history wants"))
        self.stop()
        self.assertRegex(self.logged(), r"dns_ms=\d{2,} clamd_ms=0 fuzzy_ms=0 greylist_ms=0")

    def test_greylisting(self):
        """Only mail in the band that all take; who comes again passes, from a neighbour of the client as well, and is known from then on."""
        for mailbox in (ANNA, BEN):
            self.directory.finals[mailbox] = [(mailbox, {"junk_score": 100, "reject_score": 200})]
        self.start("greylist_score = 9\ngreylist_delay = 1s")

        def bring(to=ANNA, client="192.0.2.1", sender="s@out.test", body=JUNK, **kwargs):
            with self.session(client=client) as s:
                return s.message(to, sender=sender, body=body, **kwargs)

        self.assertEqual(bring(body=b"Hello.\r\n").answer, "continue")
        self.assertEqual(bring(login=ANNA).answer, "continue")
        first = bring()
        self.assertEqual((first.text, first.changes), ("451 4.7.1 Greylisted: please try again in 1 minute", []))
        self.assertTrue(bring(client="192.0.2.77", sender="t@out.test").text.startswith("451"))
        for other in ({"client": "198.51.100.1"}, {"sender": "s@other.test"}):
            self.assertTrue(bring(**other).text.startswith("451"))
        wait_until(lambda: bring(client="192.0.2.77").answer == "continue")
        self.assertEqual(bring(to=BEN, client="192.0.2.5").answer, "continue")
        self.directory.finals[BEN] = [(BEN, {"junk_score": 5, "reject_score": 200})]
        with self.session(client="203.0.113.1") as s:
            self.assertEqual(s.message(ANNA, BEN, body=JUNK).answer, "continue")
        self.stop()
        self.assertIn("action=greylist reason=greylist", self.logged())

    def test_outgoing_spam(self):
        for n, (action, answer) in enumerate((("log", "continue"), ("hold", "continue"), ("quarantine", "discard"), ("reject", "550 5.7.1"))):
            with self.subTest(action):
                self.start(f"outbound_score = 9\noutbound_action = {action}")
                for role, login in (("ORIGINATING", ANNA), ("LOCAL", "")):
                    with self.session(daemon_name=role) as s:
                        r = s.message("far@away.test", (ANNA, "NOTIFY=NEVER"), sender=ANNA, login=login, body=JUNK)
                        self.assertTrue((r.answer + r.text).startswith(("reply" if action == "reject" else "") + answer), (r.answer, r.text))
                        self.assertEqual(len(r.of("quarantine")), action == "hold")
                        self.assertEqual(s.message("far@away.test", sender=ANNA, login=login).answer, "continue")
                with self.session(daemon_name="REDIRECT") as s:
                    self.assertEqual(s.message("far@away.test", sender=ANNA, body=JUNK).answer, "continue")
                self.stop()
                self.assertEqual(self.logged().count("reason=outbound"), 2 * (n + 1), self.logged())
        self.assertEqual([(entry / "envelope").read_text().count("recipient=") for entry in self.quarantine()], [2, 2])

    def test_outgoing_mail_is_not_scanned(self):
        """outbound_scan = no: what our own write has no score and keeps no scanner busy; what comes in has and does."""
        self.start("outbound_scan = no\noutbound_score = 9\noutbound_action = reject")
        for role, login in (("ORIGINATING", ANNA), ("LOCAL", "")):
            with self.session(daemon_name=role) as s:
                self.assertEqual(s.message("far@away.test", sender=ANNA, login=login, body=JUNK).answer, "continue")
        with self.session() as s:
            self.assertTrue(s.message(ANNA, body=GTUBE).text.startswith("550"))
        *ours, theirs = (json.loads(line) for line in self.control("history 9").splitlines()[:-1])
        self.assertIn("GTUBE", theirs["symbols"])
        self.assertEqual([(each["action"], each["score"], each["symbols"], each["complete"]) for each in ours], [("accept", 0.0, {}, True)] * 2)
        self.stop()

    def test_other_spellings_are_the_same_address(self):
        """A route, needless quotes, a final dot: the directory and its lists are asked for one spelling, Postfix is told its own."""
        self.directory.finals[LIST] = [(ANNA, {}), (BEN, {"deny": "pest@out.test"})]
        self.start()
        for written, known in (('"list"@d.test', '"list"@d.test'), ("@a.test,@b.test:list@d.test", LIST), ("list@d.test.", "list@d.test."),
                               ('"l\\ist"@d.test', '"l\\ist"@d.test')):
            for sender, author in (("@a.test:pest@out.test", "s@out.test"), ('"pest"@OUT.test.', "s@out.test"), ("s@out.test", '"pest"@out.test'),
                                   ("s@out.test", "pest@out.test.")):
                with self.session() as s:
                    r = s.message(written, sender=sender, fields=[("From", author)])
                self.assertEqual((r.of("delete"), r.of("add")), ([(f"<{known}>",)], [(f"<{ANNA}>",)]), (written, sender, author))
        self.stop()

    def test_no_copy_no_delivery(self):
        """The quarantine cannot be written: 451, and no envelope is edited."""
        self.directory.finals[LIST] = [(ANNA, {}), (BEN, {"deny": "out.test"})]
        self.start()
        shutil.rmtree(f"{self.folder}/state/milter/quarantine")
        with self.session() as s:
            r = s.message(LIST)
        self.assertTrue(r.text.startswith("451"), r.text)
        self.assertEqual(r.changes, [])
        self.stop()

    def test_foreign_from(self):
        """Anna has logged in; the domain of another in From. The key that the directory hands out cannot be opened: 451 shows that it would have signed."""
        self.directory.signs = {"d.test": ["s1"], "e.test": ["s1"]}
        for setting, boss, as_boss in (("refuse", "550", "451"), ("unsigned", "", "451"), ("sign", "451", "451")):
            self.start(f"foreign_from = {setting}")
            with self.session() as s:
                r = s.message("someone@far.test", sender=ANNA, login="Anna@d.test", fields=[("From", "Boss <boss@E.test>")])
                self.assertEqual((r.text[:3], r.answer == "continue"), (boss, boss == ""), setting)
                r = s.message("someone@far.test", sender="boss@e.test", login=ANNA, fields=[("From", "boss@e.test")])
                self.assertTrue(r.text.startswith(as_boss), "the envelope sender is checked by Postfix")
                r = s.message("someone@far.test", sender="", login=ANNA, fields=[("From", "other@d.test")])
                self.assertTrue(r.text.startswith("451"), "the login's own domain")
            self.stop()

    def test_second_pass(self):
        """Nothing is scanned, taken out or put in where there is no key to seal with; where it is not known, mail waits."""
        self.start()
        fields = [("X-Spam", "Yes"), ("Authentication-Results", "mx.test; arc=none")]
        with self.session(daemon_name="FORWARD") as s:
            r = s.message("someone@far.test", body=JUNK, fields=fields)
            self.assertEqual((r.answer, [name for name, _ in r.inserted()], len(r.changes)), ("continue", ["X-Mailreeve-Forwarded"], 1))
            self.directory.signs = {"mx.test": ["s1"]}
            r = s.message("someone@far.test", fields=fields)
            self.assertEqual((r.answer, [name for name, _ in r.inserted()], len(r.changes)), ("continue", ["X-Mailreeve-Forwarded"], 1))
            self.assertIn("not-sealed", self.logged())
            self.directory.temp = True
            r = s.message("someone@far.test", fields=fields)
            self.assertTrue(r.text.startswith("451"), r.text)
            self.assertIn("forward-failed", self.logged())
        self.stop()

    def test_exempt_clients(self):
        """Of them an address of ours stands for the sender, in its own spelling, who is found in the topmost field; nothing else is different."""
        def received(client, by="mx.test (Postfix)"):
            return "Received", f"from helo.test (a.test [{client}])\n\tby {by} with ESMTP id 4A; Mon, 30 Nov 2026 10:00:00 +0000"
        there, elsewhere, lmtp = received("192.0.2.9"), received("198.51.100.9"), ("Received", "from mx.test ([127.0.0.1])\n\tby mx.test with LMTP\n\tid 4B; x")
        redirect = received("127.0.0.1", "mx.test (Mailreeve-redirect)")
        far, judged = "someone@far.test", ("Authentication-Results", "mx.test; arc=none")
        for own, asks in (("", None), ("forward_exempt_networks = {192.0.2.0/24, 2001:db8::/32}", "<EXEMPT==Out.test=Some.One@mx.test>")):
            self.start(own)
            with self.session(daemon_name="FORWARD") as s:
                def senders(*fields, sender="Some.One@Out.test"):
                    r = s.message(far, sender=sender, fields=[judged, *fields, ("From", "s@out.test")])
                    self.assertEqual((r.answer, [name for name, _ in r.inserted()]), ("continue", ["X-Mailreeve-Forwarded"]), r.text)
                    return [change for change, in r.of("sender")]
                yes = [asks] if asks else []
                for fields in ([there], [received("IPv6:2001:db8::1")], [there, elsewhere], [redirect, lmtp, there], [redirect, lmtp, redirect, lmtp, there]):
                    self.assertEqual(senders(*fields), yes, fields)
                for fields in ([], [elsewhere], [elsewhere, there], [redirect, lmtp, elsewhere, there], [redirect, there], [lmtp, there],
                               [received("192.0.2.9", "other.test (Postfix)"), there], [("Received", "by mx.test (Postfix, from userid 0) id 4C; x"), there]):
                    self.assertEqual(senders(*fields), [], fields)
                self.assertEqual(senders(there, sender='"a b"@out.test'), ['<"EXEMPT==out.test=a b"@mx.test>'] if asks else [])
                for sender in ("", "x@out=test", "x@mx.test", "x" * 990 + "@out.test"):
                    self.assertEqual(senders(there, sender=sender), [], sender)
            with self.session(daemon_name="mx.test", client="192.0.2.9") as s:
                self.assertEqual(s.message(far, fields=[there, ("From", "s@out.test")]).of("sender"), [])
            self.stop()
        self.assertEqual(self.logged().count(" exempt=1"), 6)

    def test_redirect(self):
        """What was judged before stays as it is, also where the directory is away; the rest is as from a local program."""
        self.start()
        judged = [("From", "s@out.test"), ("Authentication-Results", "mx.test; dmarc=pass"), ("X-Spam-Result", "score=0.00")]
        with self.session(daemon_name="REDIRECT") as s:
            self.directory.signs = {"d.test": ["s1"]}
            r = s.message("someone@far.test", fields=judged, body=GTUBE)
            self.assertEqual((r.answer, r.changes), ("continue", []))
            self.directory.temp = True
            r = s.message("someone@far.test", fields=[("From", ANNA), *judged[1:]], sender=ANNA)
            self.assertEqual((r.answer, r.changes), ("continue", []))
            self.directory.temp = False
            r = s.message("someone@far.test", fields=[("From", ANNA), ("Authentication-Results", "other.test; dmarc=pass")], sender="")
            self.assertTrue(r.text.startswith("451"), "a reply that a script writes is signed, and the key cannot be opened")
        self.stop()

    def test_circles(self):
        """Who had the message gets it no second time; when that is everybody, it is refused. So it is after six passes through this host."""
        self.start()
        far, near = "someone@far.test", "other@far.test"
        with self.session(daemon_name="FORWARD") as s:
            first = s.message(far, fields=[("From", "s@out.test")])
            (mark,) = first.inserted()
            self.assertEqual((first.answer, mark[0]), ("continue", "X-Mailreeve-Forwarded"))
            mark = (mark[0], mark[1].strip())
            r = s.message("Someone@FAR.test", fields=[mark, ("From", "s@out.test")])
            self.assertTrue(r.text.startswith("554 5.4.6"), r.text)
            r = s.message(far, near, fields=[mark, ("From", "s@out.test")])
            self.assertEqual((r.answer, r.of("delete")), ("continue", [(f"<{far}>",)]))
            self.assertEqual(s.message(near, fields=[mark, ("From", "s@out.test")]).answer, "continue")
            passes = [("Received", "from a.test by mx.test (Postfix) with ESMTP id 1; Sat, 28 Nov 2026 23:00:00 +0000")] * 7
            self.assertEqual(s.message(near, fields=passes[1:]).answer, "continue")
            self.assertTrue(s.message(near, fields=passes).text.startswith("554 5.4.6"))
        self.directory.finals = {LIST: [(ANNA, {}), (far, None)], BEN: [(far, None)], ANNA: [(ANNA, {})]}
        with self.session() as s:   # as an alias finds it in mail from outside
            self.assertTrue(s.message(BEN, fields=[mark, ("From", "s@out.test")]).text.startswith("554 5.4.6"))
            r = s.message(LIST, fields=[mark, ("From", "s@out.test")])
            self.assertEqual((r.answer, r.of("delete"), r.of("add")), ("continue", [(f"<{LIST}>",)], [(f"<{ANNA}>",)]))
            self.assertEqual(s.message(ANNA, fields=[mark, ("From", "s@out.test")]).of("delete"), [])
            self.assertTrue(s.message(ANNA, fields=passes).text.startswith("554 5.4.6"))
        self.assertEqual(list(pathlib.Path(f"{self.folder}/state/milter").rglob("*.eml")), [], "who had it needs no quarantine copy")
        self.assertIn("reason=circle", self.logged())
        self.stop()

    def test_roles(self):
        self.start()
        for kwargs, login in (({"daemon_name": "ORIGINATING"}, ""), ({"daemon_name": "LOCAL"}, ""), ({}, "anna@d.test")):
            with self.session(**kwargs) as s:
                r = s.message(BEN, sender=ANNA, login=login, body=JUNK, fields=[("From", ANNA), ("X-Spam", "Yes")])
                self.assertEqual(r.answer, "continue")
                self.assertEqual([name for name, _ in r.inserted()],
                                 ["X-Spam-Level", "X-Spam-Result", "X-Spam-Server", "X-Spam-Queue-Id", "X-Spam-Action"])
                self.assertEqual(r.of("change"), [(1, "X-Spam", "")])
                r = s.message("someone@far.test", sender=ANNA, login=login)
                self.assertEqual((r.answer, r.changes), ("continue", []))
        with self.session(daemon_name="originating") as s:   # no role of ours
            self.assertEqual(dict(s.message(BEN, sender=ANNA, body=JUNK).inserted())["X-Spam"], " Yes")
        self.stop()

    def test_never_unsigned(self):
        self.start()
        self.directory.signs = {"d.test": ["s1"]}
        with self.session(daemon_name="ORIGINATING") as s:
            self.assertTrue(s.message(BEN, sender=ANNA, fields=[("From", ANNA)]).text.startswith("451"))   # a key that cannot be unsealed
            self.assertIn("step=sign", self.logged())
            self.assertTrue(s.message(BEN, sender=ANNA, fields=[("From", '"' + 30000 * "x" + f'" <{ANNA}>')]).text.startswith("451"))
            self.assertEqual(s.message(BEN, sender=ANNA, fields=[("From", 9000 * "%" + "@d.test")]).answer, "continue")   # nobody's
            self.directory.signs = {"d.test": [], "xn--bcher-kva.test": ["s1"]}
            self.assertEqual(s.message(BEN, sender=ANNA, fields=[("From", ANNA)]).answer, "continue")
            for author in ("anna@xn--bcher-kva.test", "anna@b\u00fccher.test"):   # two spellings of one domain
                self.assertTrue(s.message(BEN, sender=ANNA, fields=[("From", author)]).text.startswith("451"), author)
            self.directory.temp = True
            self.assertTrue(s.message(BEN, sender=ANNA, fields=[("From", ANNA)]).text.startswith("451"))
        self.stop()

    def test_key_retired_meanwhile(self):
        """Between the two questions the keys of the domain change: it is asked once more, and once only."""
        self.start()
        self.directory.retired = {"s1"}
        with self.session(daemon_name="ORIGINATING") as s:
            self.directory.signs = {"d.test": ["s1"]}
            self.assertEqual(s.message(BEN, sender=ANNA, fields=[("From", ANNA)]).answer, "continue")
            self.directory.signs = {"d.test": ["s1", "s2"]}
            self.assertTrue(s.message(BEN, sender=ANNA, fields=[("From", ANNA)]).text.startswith("451"))   # s2 cannot be unsealed
            self.assertIn("step=sign", self.logged())
            self.assertEqual(self.directory.asked.count("sender"), 4)
            self.directory.asked, self.directory.retired, self.directory.signs = [], {"s1", "s2", "s3"}, {"d.test": ["s1"], "e.test": ["s2"]}
            self.directory.key = lambda question: [("status", "notfound")]
            self.assertTrue(s.message(BEN, sender=ANNA, fields=[("From", ANNA)]).text.startswith("451"))
            self.assertEqual(self.directory.asked.count("sender"), 2)
        self.stop()

    def test_directory_away(self):
        self.start()
        self.directory.bad = {LIST}   # more behind it than can be told: nobody's lists and thresholds could be heeded
        with self.session() as s:
            self.assertTrue(s.message(LIST).text.startswith("451"))
            self.directory.temp = True
            self.assertTrue(s.message(ANNA).text.startswith("451"))
            self.write('on_error = "accept"')
            self.assertEqual(self.control("reload"), "ok\n")
            self.assertEqual(s.message(ANNA).answer, "continue")
        self.stop()

    def test_limits(self):
        self.start('message_max = "2k"\nsessions_max = 2')
        with self.session() as s, self.session():
            self.assertTrue(s.message(ANNA, body=b"x" * 3000).text.startswith("552"))
            self.assertEqual(s.message(ANNA, body=b"x" * 1000).answer, "continue")
            with self.session() as third:
                self.assertEqual((third.connected, third.begin()), ("", "tempfail"))
                self.assertIn("sessions=2\n", self.control("status"))
        wait_until(lambda: "sessions=0\n" in self.control("status"))
        with self.session() as again:
            self.assertEqual(again.message(ANNA).answer, "continue")
        self.stop()

    def test_abort_and_vanish(self):
        self.start()
        with self.session() as s:
            s.begin()
            s.recipient(ANNA)
            s.send("A")
            self.assertEqual(s.message(ANNA).answer, "continue")
            s.begin()
            s.recipient(ANNA)
            s.content()
        wait_until(lambda: "messages=0\n" in self.control("status"))
        with self.session() as s:
            s.begin()
            s.recipient(ANNA)
            s.send("E")   # and is gone before the answer
        wait_until(lambda: "messages=0\n" in self.control("status"))
        self.stop()

    def test_scanners_are_replaced(self):
        self.start()
        with self.session() as s:
            self.assertEqual(s.message(ANNA).answer, "continue")
            master, = children(self.daemon.pid)
            for victims in (lambda: children(master), lambda: [master]):
                for pid in victims():
                    os.kill(pid, signal.SIGKILL)
                self.assertEqual(s.message(ANNA).answer, "continue")
            wait_until(lambda: children(self.daemon.pid) not in ([], [master]))
            fresh, = children(self.daemon.pid)
            self.assertEqual(self.control("reload"), "ok\n")
            wait_until(lambda: children(self.daemon.pid) not in ([], [fresh]) and len(children(self.daemon.pid)) == 1)
            self.assertEqual(s.message(ANNA).answer, "continue")
        pids = children(self.daemon.pid) + [p for c in children(self.daemon.pid) for p in children(c)]
        self.daemon.kill()
        self.daemon.wait()
        wait_until(lambda: not any(map(runs, pids)))

    def test_a_lost_master_blames_no_message(self):
        """Its scanners die with it: the message that they had is scanned again, as often as that takes, and is neither held nor let through unread."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            self.resolver = f"127.0.0.1:{silent.getsockname()[1]}"
            self.start('dns_timeout = "4s"\nscan_timeout = "20s"')
            with self.session() as s:
                s.begin()
                s.recipient(ANNA)
                s.content()
                s.send_end()
                silent.recv(1000)   # it is being scanned
                for _ in range(3):
                    master, = children(self.daemon.pid)
                    wait_until(lambda master=master: children(master))
                    time.sleep(0.3)
                    os.kill(master, signal.SIGKILL)
                    wait_until(lambda master=master: children(self.daemon.pid) not in ([], [master]))
                r = s.result()
            self.assertEqual(r.answer, "continue")
            self.assertEqual([change for change in r.changes if change[0] == "quarantine"], [])
            self.assertIn("SPF_TEMPERROR", dict(r.inserted())["X-Spam-Result"])
            self.stop()

    def test_many_at_once(self):
        """Threads of libmilter, one loop, four scanners: every message gets its own answer; afterwards nothing is left, and nothing grew."""
        self.start()
        wrong, rounds, at_once = [], int(os.environ.get("MR_MESSAGES", "400")) // 20, 20

        def one(number):
            with self.session() as s:
                for i in range(rounds):
                    bad = (number + i) % 3 == 0
                    r = s.message(ANNA, sender=f"s{number}@out.test", body=GTUBE if bad else b"Hello.\r\n" * 200)
                    if bad != r.text.startswith("550") or (not bad and r.answer != "continue"):
                        wrong.append((number, i, r.answer, r.text))

        threads = [threading.Thread(target=one, args=[n]) for n in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        wait_until(lambda: "sessions=0\nmessages=0\njobs=0\n" in self.control("status"))
        self.assertLess(len(os.listdir(f"/proc/{self.daemon.pid}/fd")), 60)
        self.stop()

    def test_stop_finishes_what_has_begun(self):
        """Whoever comes now is refused at MAIL, who came before at the end of its message: nobody waits for an answer of ours at its MAIL."""
        self.start()
        with self.session() as s, self.session() as early:
            s.begin()
            s.recipient(ANNA)
            s.content()
            wait_until(lambda: "messages=1\n" in self.control("status"))
            self.daemon.terminate()
            wait_until(lambda: "stopping" in self.logged())
            with self.session() as late:
                self.assertEqual(late.begin(), "tempfail")
            self.assertEqual((early.begin(), early.recipient(ANNA)), ("", ""))
            early.content()
            self.assertEqual(early.end().answer, "tempfail")
            self.assertEqual(s.end().answer, "continue")
            self.assertNotIn("claimed not to reply", self.logged())
        self.assertEqual(self.daemon.wait(30), 0, self.logged())

    def test_stop_while_the_directory_is_asked(self):
        """A message that is refused before its recipient is answered for leaves nothing behind."""
        self.directory.silent = True
        self.start('directory_timeout = "60s"')
        passes = [("Received", "from a.test by mx.test (Postfix) with ESMTP id 1; Sat, 28 Nov 2026 23:00:00 +0000")] * 7
        with self.session() as s:
            self.assertTrue(s.message(ANNA, fields=passes).text.startswith("554 5.4.6"))
        self.stop()

    def test_stop_does_not_wait_for_ever(self):
        self.start('scan_timeout = "60s"\ndns_timeout = "30s"\ndirectory_timeout = "30s"')
        for listener in self.directory.listeners:
            listener.close()
        with self.session() as s:
            s.begin()
            self.daemon.terminate()
            wait_until(lambda: "stopping" in self.logged())
            self.daemon.terminate()
            self.assertEqual(self.daemon.wait(30), 0, self.logged())

    def test_cannot_start(self):
        self.start()

        def missing():
            self.socket = f"{self.folder}/nowhere/milter.sock"
            self.write()

        for break_it, why in ((lambda: None, "in use"), (lambda: self.write("junk_score = 20"), "junk_score"),
                              (lambda: self.write("outbound_score = 1001"), "outbound_score"),
                              (lambda: self.write("greylist_delay = 1h\ngreylist_retry = 1h"), "greylist_retry"), (missing, "nowhere/milter.sock")):
            break_it()
            done = subprocess.run([MILTER, "-c", self.conf], capture_output=True, text=True, timeout=20, check=False)
            lines = [line for line in done.stderr.splitlines() if line.startswith("mailreeve-milter: ")]
            self.assertEqual((done.returncode, len(lines)), (1, 1), done.stderr)
            self.assertIn(why, done.stderr)
            if why == "in use":
                self.stop()

    def test_stale_socket(self):
        self.start()
        self.daemon.kill()
        self.daemon.wait()
        self.assertTrue(os.path.exists(self.socket))
        self.start()
        with self.session() as s:
            self.assertEqual(s.message(ANNA).answer, "continue")
        self.assertEqual(os.stat(self.socket).st_mode & 0o777, 0o660)
        self.stop()


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
unittest.main(warnings="ignore")
