#!/usr/bin/python3
"""Messages made to hurt (tests/support/hostile.py), through the real milter and its scanners, which the sanitized build watches. tests/e2e/test_hostile.py does the
same through Postfix."""

import pathlib
import re
import resource
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hostile  # noqa: E402
from milter_daemon import ANNA, MilterCase  # noqa: E402

TROUBLE = re.compile(r"scanner-lost|scanner-killed|message-deadline|AddressSanitizer|runtime error")


class Hostile(MilterCase):
    def test_each_has_its_verdict(self):
        rules = pathlib.Path(self.folder) / "hostile.cf"
        rules.write_text(hostile.RULES)
        self.start(f'rule_files = {{mailreeve, spamassassin, {rules}}}\nattachment_filter = yes\nscan_timeout = "90s"')
        for name, case in hostile.CASES.items():
            with self.subTest(name), self.session(timeout=120) as s:
                message = case.make()
                answer = s.message(ANNA, fields=(("From", "s@out.test"), *message.fields), body=message.body)
                line = [line for line in self.logged().splitlines() if " message " in line][-1]
                self.assertTrue(answer.text.startswith("550"), line)
                for symbol in ("GTUBE", *case.told):
                    self.assertIn(f"{symbol}(", line)
        self.stop()
        self.assertEqual(TROUBLE.findall(self.logged()), [])


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
unittest.main(warnings="ignore")
