#!/usr/bin/python3
"""own-rules.py SCAN FOLDER: every own rule that scores hits the lines that it must and none that it must not; no name is defined twice.

"test NAME ok|fail TEXT" in FOLDER/*.cf: TEXT is header fields, an empty line, and the body, "\\n" for each end of a line; without fields it is the body.
A field "-" is not there."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

KINDS = ("header", "body", "rawbody", "full", "uri", "mimeheader", "meta")
FIELDS = {"From": "Somebody <somebody@out.example>", "To": "anna@here.example", "Subject": "s", "Date": "Sun, 29 Nov 2026 10:00:00 +0000",
          "Message-ID": "<1@out.example>"}


def message(text):
    text = text.replace("\\n", "\n")
    head, empty, body = text.partition("\n\n")
    given = {}
    if empty and all(re.match(r"[A-Za-z-]+: ", line) for line in head.split("\n")):
        given = dict(line.split(": ", 1) for line in head.split("\n"))
    else:
        body = text
    if not body.isascii():
        given = {"MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit"} | given
    return "".join(f"{name}: {value}\n" for name, value in (FIELDS | given).items() if value != "-") + "\n" + body + "\n"


def main(scan, folder):
    cases, scored, defined, faults = [], set(), {}, []
    for path in sorted(pathlib.Path(folder).glob("*.cf")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            words = line.split(None, 3)
            if words[:1] == ["score"] and words[1].startswith("MR_"):  # others: scores.cf gives them to rules of SpamAssassin
                scored.add(words[1])
            elif len(words) > 1 and words[0] in KINDS:
                if words[1] in defined:
                    faults.append(f"{path.name}:{number}: {words[1]} is defined in {defined[words[1]]}, too")
                defined[words[1]] = f"{path.name}:{number}"
            elif words[:1] == ["test"]:
                cases.append((f"{path.name}:{number}", words[1], words[2], words[3]))
    for name in scored:
        for kind in ("ok", "fail"):
            if not any(case[1:3] == (name, kind) for case in cases):
                faults.append(f"{name}: no line of kind {kind}")
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "mailreeve.conf").write_text(f'state_dir = "{work}"\ndkim_keyring_file = ""\nhostname = mx.here.example\n'
                                             'milter {\nrule_files = { mailreeve, spamassassin }\n}\n')
        for number, case in enumerate(cases):
            (work / f"{number}.eml").write_text(message(case[3]), encoding="utf-8")
        done = subprocess.run([scan, "-c", work / "mailreeve.conf", "--json", *(work / f"{n}.eml" for n in range(len(cases)))], capture_output=True, check=True)
        for case, line in zip(cases, done.stdout.splitlines(), strict=True):
            if (case[1] in json.loads(line)["symbols"]) != (case[2] == "ok"):
                faults.append(f"{case[0]}: {case[1]} {'does not hit' if case[2] == 'ok' else 'hits'}: {case[3]}")
    print("\n".join(faults) or f"{len(cases)} lines")
    return bool(faults)


sys.exit(main(*sys.argv[1:]))
