#!/usr/bin/python3
"""`mailreeve quarantine` against a scripted Postfix: what it sends, and what it makes of each answer. The milter's part of a release, the mark in the entry, is
played here. quarantine.py PROGRAM"""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAM = sys.argv.pop(1)
TOKEN = "0123456789abcdef0123456789abcdef"
MESSAGE = b"From: a@b.test\r\n\r\n.\r\n..two\r\nno dot\r\n.last"
SENT = b"From: a@b.test\r\n\r\n..\r\n...two\r\nno dot\r\n..last\r\n"


def wire(**fields):
    lines = "".join(f"{name.replace('_', '-')}={value}\n" for name, values in fields.items() for value in ([values] if isinstance(values, str) else values))
    body = f"v=1\nid=0\n{lines}"
    return f"{len(body)}:{body},".encode()


class Postfix:
    """One session: each command is answered by the first script line whose beginning fits it, "" closes the connection; `mark` is called at the last dot."""

    def __init__(self, mark=lambda: None, **script):
        self.script = {"EHLO": "250-mx\r\n250-DSN\r\n250 8BITMIME", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 2.0.0 ok",
                       "QUIT": "221 bye", **script}
        self.mark, self.commands, self.content = mark, [], b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def answer(self, command):
        name = max((name for name in self.script if command.startswith(name)), key=len)
        return self.script[name].encode()

    def run(self):
        self.listener.settimeout(20)
        try:
            peer, _ = self.listener.accept()
        except TimeoutError:
            return
        finally:
            self.listener.close()
        with peer, peer.makefile("rb") as lines:
            try:
                self.talk(peer, lines)
            except OSError:
                pass

    def talk(self, peer, lines):
        peer.sendall(self.script.get("hello", "220 mx").encode() + b"\r\n")
        for line in lines:
            command = line.decode().rstrip("\r\n")
            self.commands.append(command)
            answer = self.answer(command)
            if command == "DATA" and answer.startswith(b"354"):
                peer.sendall(answer + b"\r\n")
                for part in lines:
                    if part == b".\r\n":
                        break
                    self.content += part
                else:
                    return
                self.mark()
                answer = self.answer(".")
            if not answer:
                return
            peer.sendall(answer + b"\r\n")


class Quarantine(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mr-test-quarantine-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.entry = self.folder / "state/milter/quarantine/1700000000-4Q-1"
        self.entry.mkdir(parents=True)
        (self.entry / "message").write_bytes(MESSAGE)
        self.write_envelope()

    def write_envelope(self, **fields):
        (self.entry / "envelope").write_bytes(wire(**{
            "entry": self.entry.name, "time": "1700000000", "queue_id": "4Q", "client": "192.0.2.1", "helo": "h\x1b[31m", "sender": "s@out.test",
            "sender_parameters": "RET=HDRS", "from": "a@b.test", "reason": "score", "outbound": "0",
            "recipient": ["a@d.test", "b@d.test"], "parameters": ["NOTIFY=NEVER", ""], "why": ["quarantine", "reject"], "score": "9.50",
            "symbols": "A_B(1.00),GTUBE_JUNK(6.00),MR_BRAND_FROM(2.50)", "authres": "", "token": TOKEN, **fields}))

    def mark(self):
        (self.entry / "released").write_bytes(wire(entry=self.entry.name, time="1700000001", queue_id="4R", recipient=["a@d.test"]))

    def run_verb(self, *words, port=1):
        (self.folder / "conf").write_text(f'state_dir = "{self.folder}/state"\nredirect_port = {port}\nhostname = mx.test\ndkim_keyring_file = ""\n')
        return subprocess.run([PROGRAM, "-c", f"{self.folder}/conf", *words], capture_output=True, text=True, timeout=60, check=False)

    def release(self, server, *words):
        done = self.run_verb("release", self.entry.name, *words, port=server.port)
        server.thread.join()
        self.assertEqual(done.stderr.count("\n"), len(done.stderr.splitlines()))
        return done

    def is_marked(self):
        return (self.entry / "released").exists()

    def test_what_is_sent(self):
        server = Postfix(self.mark)
        done = self.release(server)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{self.entry.name}: released\n", ""))
        self.assertEqual(server.commands, ["EHLO localhost", "MAIL FROM:<s@out.test> RET=HDRS", "RCPT TO:<a@d.test> NOTIFY=NEVER", "RCPT TO:<b@d.test>", "DATA",
                                           "QUIT"])
        trace, release, sent = re.split(rb"(?<=\n)(?=X-Mailreeve|From)", server.content, maxsplit=2)
        self.assertRegex(trace.decode(), r"\AReceived: by mx\.test \(Mailreeve quarantine\) id 1700000000-4Q-1;\r\n"
                                         r"\t\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000\r\n\Z")
        self.assertEqual((release, sent), (f"X-Mailreeve-Release: {self.entry.name} {TOKEN}\r\n".encode(), SENT))
        self.assertIn("already, as 4R", self.run_verb("release", self.entry.name).stdout)

    def test_without_dsn(self):
        server = Postfix(self.mark, EHLO="250 mx")
        self.assertEqual(self.release(server).returncode, 0)
        self.assertEqual(server.commands[1:4], ["MAIL FROM:<s@out.test>", "RCPT TO:<a@d.test>", "RCPT TO:<b@d.test>"])

    def test_refused_for_now(self):
        for script in ({"hello": "421 busy"}, {"EHLO": "421 no"}, {"MAIL": "451 no"}, {"RCPT TO:<b": "451 no"}, {"DATA": "451 no"}, {".": "451 no"}):
            with self.subTest(script):
                done = self.release(Postfix(self.mark, **script))
                self.assertEqual((done.returncode, self.is_marked()), (1, False), done)
                self.assertIn(list(script.values())[0], done.stderr)

    def test_released_meanwhile(self):
        """By a process that was killed after the last dot: Postfix had the message, and the mark says so."""
        done = self.release(Postfix(self.mark, **{".": "550 5.7.1 Released before"}))
        self.assertEqual((done.returncode, self.is_marked(), done.stderr), (0, True, ""), done)
        self.assertIn("released already, as 4R", done.stdout)

    def test_refused_for_good(self):
        done = self.release(Postfix(self.mark, **{"RCPT TO:<a": "550-5.1.1\r\n550 no such"}))
        self.assertEqual((done.returncode, self.is_marked()), (1, True), done)
        self.assertIn("not to a@d.test", done.stderr)
        self.assertIn("released", done.stdout)
        (self.entry / "released").unlink()
        for script in ({"RCPT": "550 no"}, {"MAIL": "550 no"}, {".": "550 no"}):
            done = self.release(Postfix(self.mark, **script))
            self.assertEqual((done.returncode, self.is_marked(), done.stdout), (1, False, ""), done)

    def test_gone(self):
        for script in ({"hello": ""}, {"MAIL": ""}, {"RCPT": ""}, {"DATA": ""}, {"EHLO": "what"}, {"EHLO": "2500 mx"}, {"EHLO": "250-" + "x" * 99999}):
            with self.subTest(script):
                done = self.release(Postfix(self.mark, **script))
                self.assertEqual((done.returncode, self.is_marked(), done.stderr.count("\n")), (1, False, 1), done)
        self.assertIn("127.0.0.1:1", self.run_verb("release", self.entry.name).stderr)

    def test_gone_after_the_last_dot(self):
        """Nobody knows whether Postfix has it: where the milter has let it pass it is not sent again by itself."""
        done = self.release(Postfix(self.mark, **{".": ""}))
        self.assertEqual((done.returncode, self.is_marked()), (1, True), done)
        self.assertIn("--again", done.stderr)
        self.assertIn("already", self.run_verb("release", self.entry.name).stdout)
        self.assertEqual(self.release(Postfix(self.mark), "--again").stdout, f"{self.entry.name}: released\n")
        (self.entry / "released").unlink()
        done = self.release(Postfix(**{".": ""}))
        self.assertEqual((done.returncode, self.is_marked()), (1, False), done)

    def test_no_second_command_in_an_address(self):
        self.write_envelope(recipient=["a@d.test", "b>%0D%0ADATA"])
        server = Postfix(self.mark)
        done = self.release(server)
        self.assertIn("not to b>", done.stderr)
        self.assertEqual([c for c in server.commands if c.startswith("RCPT")], ["RCPT TO:<a@d.test> NOTIFY=NEVER"])

    def test_shown(self):
        shown = json.loads(self.run_verb("show", self.entry.name, "--json").stdout)
        self.assertEqual((shown["state"], shown["score"], shown["released"], shown["helo"]), ("held", 9.5, None, "h\x1b[31m"))
        self.assertEqual(shown["descriptions"], {"GTUBE_JUNK": "the test string that goes to Junk",
                                                 "MR_BRAND_FROM": "Name of a brand in From, address of somebody else"})
        self.assertIn("\n           GTUBE_JUNK: the test string that goes to Junk\n", self.run_verb("show", self.entry.name).stdout)
        for words in (["list"], ["show", self.entry.name]):
            done = self.run_verb(*words)
            self.assertEqual(done.returncode, 0)
            self.assertNotIn("\x1b", done.stdout)
            self.assertNotIn(TOKEN, done.stdout + json.dumps(shown))
        self.assertEqual(self.run_verb("show", self.entry.name, "--message").stdout.encode(), MESSAGE.replace(b"\r\n", b"\n"))
        self.assertEqual(json.loads(self.run_verb("list", "--json", "--since", "1h").stdout), [])
        self.assertEqual(len(json.loads(self.run_verb("list", "--json", "--recipient", "B@d.test").stdout)), 1)

    def test_damaged_and_wrong(self):
        damaged = self.entry.parent / "1700000000-4Q-2"
        damaged.mkdir()
        (damaged / "message").write_bytes(b"")
        (damaged / "envelope").write_bytes(b"12:v=1\nid=0\na=b,")
        done = self.run_verb("list")
        self.assertEqual((done.returncode, done.stdout.count("\n")), (1, 1))
        self.assertIn("damaged", done.stderr)
        for words in ([], ["sell"], ["list", "x"], ["list", "--again"], ["release"], ["delete"], ["show"], ["list", "--since", "soon"]):
            self.assertEqual(self.run_verb(*words).returncode, 2, words)
        for name in ("../quarantine", "..", "nothing", damaged.name + "/.."):
            self.assertEqual((self.run_verb("show", name).returncode, self.run_verb("delete", name).returncode), (1, 1), name)
        self.assertEqual(self.run_verb("delete", damaged.name, self.entry.name).returncode, 0)
        self.assertEqual(list(self.entry.parent.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
