"""Do our rules and SpamAssassin's say the same of messages, symbol by symbol? Both read the rules of Debian's package and load the same plugins; neither
asks the network."""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

BUILD = pathlib.Path(os.environ.get("MR_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
HITS = pathlib.Path(__file__).resolve().parent / "sa-hits.pl"
RULES = "/usr/share/spamassassin"
RESULT = re.compile(r"(.*): -?[0-9.]+(?:, (?:cut|slow): .*)?")  # what follows the hits of a message
RELAYS = ("EnvelopeFrom", "ALL-TRUSTED", "ALL-UNTRUSTED", "ALL-INTERNAL", "ALL-EXTERNAL", "X-Spam-Relays-Trusted", "X-Spam-Relays-Untrusted",
          "X-Spam-Relays-Internal", "X-Spam-Relays-External")  # what is made of Received fields
CANNOT = "not supported"  # of the states that `mailreeve rules list` knows


class Absent(Exception):
    """SpamAssassin is not installed."""


def theirs(paths, local=None):
    """{path: names of the rules that SpamAssassin hits}"""
    words = ["perl", HITS, "--fork", *(["--local", local] if local else [])]
    done = subprocess.run(words, input="".join(f"{path}\n" for path in paths), stdout=subprocess.PIPE, text=True, errors="surrogateescape", check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["path"]: set(line["hits"]) for line in lines if "hits" in line}


class Ours:
    """`mailreeve rules` over the same rules."""

    def __init__(self, folder, local=None):
        if not shutil.which("spamassassin"):
            raise Absent("SpamAssassin is not installed")
        self.verb, self.conf = BUILD / "milter/mailreeve-rules", folder / "mailreeve.conf"
        with open(folder / "plugins.pre", "wb") as out:
            subprocess.run(["perl", HITS, "--plugins"], stdout=out, check=True)
        files = ", ".join(f'"{path}"' for path in (folder / "plugins.pre", RULES, local) if path)
        self.conf.write_text(f'state_dir = "{folder}"\nmilter {{\nrule_files = {{{files}}}\n}}\n')
        self.states = {line[0]: line[2] for line in self.run("list", "-a") if len(line) > 2}

    def run(self, *words):
        done = subprocess.run([self.verb, "-c", self.conf, *words], capture_output=True, text=True, errors="surrogateescape", check=True)
        assert not done.stderr, done.stderr[-4000:]
        return [line.split("\t") for line in done.stdout.splitlines()]

    def hits(self, paths):
        """{path: names}"""
        found, names = {}, set()
        for words in self.run("test", "-a", *paths):
            if len(words) == 4:
                names.add(words[0])
            else:
                found[RESULT.fullmatch(words[0])[1]] = names
                names = set()
        return found


class Sums:
    """What came of a comparison. A pair is a message and a rule that one of both hits in it; of rules that ours cannot run there are none."""

    def __init__(self, ours, paths, local=None):
        mine, other = ours.hits(paths), theirs(paths, local)
        self.messages, self.pairs, self.hits = len(paths), 0, 0
        self.states = collections.Counter()  # of the rules of their hits
        self.different = {}  # (path, rule): whether it is ours that hits
        for path in paths:
            self.states.update(ours.states.get(name, CANNOT) for name in other[path])
            self.hits += len(other[path])
            asked = {name for name in other[path] | mine[path] if ours.states.get(name) == "runs"}
            self.pairs += len(asked)
            self.different |= {(path, name): name in mine[path] for name in asked if (name in mine[path]) != (name in other[path])}

    @property
    def agreement(self):
        return 1 - len(self.different) / self.pairs

    @property
    def supported(self):
        return 1 - self.states[CANNOT] / self.hits

    def __str__(self):
        rules = collections.Counter(name for _, name in self.different)
        return (f"{self.messages} messages: {self.agreement:.3%} of {self.pairs} pairs agree, {self.supported:.2%} of {self.hits} hits supported, "
                f"{self.states['runs'] / self.hits:.2%} asked for; {', '.join(f'{name} {n}' for name, n in rules.most_common(20)) or 'no difference'}")


def relays(paths, local=None):
    """[(path, field, what SpamAssassin reads from the Received fields, what ours does)] where they differ"""
    if not shutil.which("spamassassin"):
        raise Absent("SpamAssassin is not installed")
    asked = "".join(f"{path}\n" for path in paths)
    read = []
    for words in (["perl", HITS, "--texts", *(["--local", local] if local else [])], [BUILD / "tests/unit/sa-dump", *([local] if local else [])]):
        done = subprocess.run(words, input=asked, stdout=subprocess.PIPE, text=True, encoding="latin-1", check=True)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        read.append({line["path"]: {field: line[field] or "" for field in RELAYS} for line in lines})
    theirs, ours = read
    assert theirs.keys() == ours.keys() == set(paths)
    return [(path, field, theirs[path][field], ours[path][field]) for path in paths for field in RELAYS if theirs[path][field] != ours[path][field]]


def compare(paths, local=None):
    """local: rules and settings of an administrator, for both."""
    with tempfile.TemporaryDirectory(prefix="mr-agreement-") as folder:
        return Sums(Ours(pathlib.Path(folder), local), paths, local)
