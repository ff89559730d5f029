#!/usr/bin/python3
"""The real mailreeve-milter and MTAs that speak the milter protocol badly, slowly, or many at a time."""

import os
import resource
import socket
import struct
import sys
import pathlib
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from milter_client import ACTIONS, STEPS, Session  # noqa: E402
from milter_daemon import ANNA, MilterCase, wait_until  # noqa: E402


def packet(command, data=b""):
    return struct.pack("!I", len(data) + 1) + command + data


OFFER = packet(b"O", struct.pack("!III", 6, ACTIONS, STEPS))
NONSENSE = {
    "no length": b"\0\0\0\0Q",
    "too long": b"\xff\xff\xff\xffB",
    "a command before the negotiation": packet(b"M", b"<a@b>\0"),
    "half an offer": packet(b"O", b"\0\0\0\6"),
    "a second offer": OFFER + OFFER,
    "a command of nobody": OFFER + packet(b"Z"),
    "an address without its end": OFFER + packet(b"C", b"client.test\0004\4\1192.0.2.1"),
    "an address that is none": OFFER + packet(b"C", b"client.test\0004\4\1nowhere\0"),
    "a sender without its end": OFFER + packet(b"M", b"<a@b>"),
    "no sender": OFFER + packet(b"M"),
    "words without an end": OFFER + packet(b"M", b"<a@b>\0" + b"A=B\0" * 100),
    "a field without value": OFFER + packet(b"L", b"Subject\0"),
    "macros of nothing": OFFER + packet(b"D"),
}


class Slow(Session):
    """A byte at a time."""

    def send(self, command, data=b""):
        for byte in packet(command.encode(), data):
            self.socket.sendall(bytes([byte]))


class Mta(MilterCase):
    def one(self, session):
        r = session.message(ANNA)
        self.assertEqual(r.answer, "continue", self.logged())
        return r

    def test_nonsense_ends_its_conversation_only(self):
        self.start()
        with self.session() as other:
            self.one(other)
            for name, data in NONSENSE.items():
                with self.subTest(name), socket.socket(socket.AF_UNIX) as s:
                    s.settimeout(20)
                    s.connect(self.socket)
                    s.sendall(data)
                    rest = b"".join(iter(lambda s=s: s.recv(4096), b""))
                    self.assertIn(rest[4:5], (b"", b"O"))   # the answer to the offer, if that was good, and the end
            self.one(other)
        wait_until(lambda: "sessions=0\nmessages=0\njobs=0\n" in self.control("status"))
        self.assertEqual(self.logged().count("mta-conversation-ended"), len(NONSENSE))
        self.stop()

    def test_byte_by_byte(self):
        self.start()
        with self.session() as quick:
            wanted = self.one(quick)
        with Slow(self.socket) as slow:
            got = self.one(slow)
        self.assertEqual([change for change in got.changes if change[2] != "X-Spam-Queue-Id"],
                         [change for change in wanted.changes if change[2] != "X-Spam-Queue-Id"])
        self.stop()

    def test_all_at_once(self):
        """Two messages in one write: each has its answer."""
        self.start()
        message = (packet(b"M", b"<s@out.test>\0") + packet(b"R", f"<{ANNA}>".encode() + b"\0") + packet(b"L", b"From\0 s@out.test\0") +
                   packet(b"B", b"Hello.\r\n") + packet(b"D", b"Ei\0004Q\0") + packet(b"E", b"The end.\r\n"))
        with self.session() as s:
            s.socket.sendall(message + packet(b"A") + message)
            for _ in range(2):
                self.assertEqual(s.receive()[0], "c")   # to MAIL
                self.assertEqual(s.result().answer, "continue")
        self.assertEqual(self.logged().count(" size=%d " % len(b"From: s@out.test\r\n\r\nHello.\r\nThe end.\r\n")), 2)
        self.stop()

    def test_threads_come_and_go(self):
        """As many as there are conversations; a few are kept, and none when the daemon ends, however many still talk."""
        self.start()
        sessions = [self.session() for _ in range(60)]
        self.assertGreater(len(os.listdir(f"/proc/{self.daemon.pid}/task")), 60)
        for s in sessions:
            self.one(s)
        for s in sessions[:50]:
            s.socket.close()
        wait_until(lambda: len(os.listdir(f"/proc/{self.daemon.pid}/task")) < 50)
        for s in sessions[50:]:
            self.one(s)
        self.stop()
        for s in sessions[50:]:
            self.assertEqual(s.socket.recv(1), b"")
            s.socket.close()


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
unittest.main(warnings="ignore")
