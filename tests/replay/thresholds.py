#!/usr/bin/python3
"""The real mailreeve-milter and mailboxes with thresholds of their own; the directory is a stand-in that says them."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from milter_daemon import ANNA, BEN, LIST, MilterCase  # noqa: E402

JUNK = b"YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"   # scores 10


class Thresholds(MilterCase):
    def test_greylisting_by_user(self):
        """One has it earlier and one later than the site; a message for both is held off only where both say so."""
        early, late = {"junk_score": 100, "reject_score": 200, "greylist_score": 10}, {"junk_score": 100, "reject_score": 200, "greylist_score": 10.5}
        self.directory.finals = {ANNA: [(ANNA, early)], BEN: [(BEN, late)], LIST: [(LIST, {**early, "greylist_score": 1000})]}
        self.start("greylist_score = 20\ngreylist_delay = 1s")

        def bring(*to):
            with self.session(client="192.0.2.1") as s:
                return s.message(*to, body=JUNK)

        self.assertEqual(bring(BEN).answer, "continue")
        self.assertEqual(bring(ANNA, BEN).answer, "continue")
        self.assertEqual(bring(ANNA).text, "451 4.7.1 Greylisted: please try again in 1 minute")
        self.directory.finals[BEN] = [(BEN, early)]
        self.assertTrue(bring(ANNA, BEN).text.startswith("451"))
        self.assertEqual(bring(LIST).answer, "continue")
        self.stop()

    def test_level_by_user(self):
        """X-Spam-Level as those who get the message agree; where they differ the site decides, so that the field tells of nobody."""
        self.start("header_score = 9\ngreylist_score = 1000")
        stars = " " + "*" * 10
        for first, second, level in (({}, {}, stars), ({"header_score": 11}, {"header_score": 12}, None), ({"header_score": 11}, {}, stars),
                                     ({"header_score": 11}, {"deny": "out.test"}, None)):
            self.directory.finals = {ANNA: [(ANNA, {"junk_score": 100, **first})], BEN: [(BEN, {"junk_score": 100, **second})]}
            with self.session() as s:
                self.assertEqual(dict(s.message(ANNA, BEN, body=JUNK).inserted()).get("X-Spam-Level"), level, (first, second))
        self.stop()

    def test_outgoing_spam_by_user(self):
        """By the thresholds of who is logged in; a log-in that is no mailbox, and who has none, are judged by the site's."""
        self.directory.accounts = {ANNA: {"outbound_score": 11}, BEN: {"outbound_score": 2, "outbound_reject_score": 10}, LIST: {}}
        self.start("outbound_score = 9\noutbound_action = hold")

        def bring(login, sender=ANNA, daemon_name="ORIGINATING"):
            with self.session(daemon_name=daemon_name) as s:
                r = s.message("far@away.test", sender=sender, login=login, body=JUNK)
            return r.text[:3] or ("hold" if r.of("quarantine") else r.answer)

        self.assertEqual([bring(login) for login in (ANNA, BEN, LIST, "robot", "")], ["continue", "550", "hold", "hold", "hold"])
        self.assertEqual(bring("", daemon_name="LOCAL"), "hold")
        self.directory.accounts[ANNA] = {"outbound_score": 10}
        self.assertEqual(bring(ANNA), "hold")
        self.directory.accounts[ANNA] = "temp"
        self.assertEqual(bring(ANNA), "451")
        self.stop()


if __name__ == "__main__":
    unittest.main()
