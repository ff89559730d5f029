#!/usr/bin/python3
"""unused: what has external linkage is used by the product, not only by tests.

    unused.py SOURCE-TREE BUILD-FOLDER"""

import collections
import json
import pathlib
import re
import subprocess
import sys

# Found by name: by Dovecot.
BY_NAME = ("mailreeve_plugin_", "authdb_mailreeve_", "module_dir_load_missing")
# Only tests look, or only they can do it.
FOR_TESTS = {
    "mr_arena_used": "how much memory was taken",
    "mr_clock_advance": "time", "mr_clock_fake": "time", "mr_clock_real": "time",
    "mr_conn_close": "a server that ends a session, as a peer may", "mr_conn_gone": "what a request under way sees of its peer's death",
    "mr_hex_add": "packets as text", "mr_hex_decode": "packets as text",
    "mr_quarantine_envelope": "what was written",
}


def symbols(folder):
    """({name: its object}, {name: objects that use it})"""
    defined, used = {}, collections.defaultdict(set)
    for name in sorted({entry["output"] for entry in json.loads((folder / "compile_commands.json").read_text())}):
        for line in subprocess.run(["nm", "-P", str(folder / name)], check=True, capture_output=True, text=True).stdout.splitlines():
            symbol, kind = line.split()[:2]
            if kind in "TDRB":
                defined[symbol] = name
            elif kind == "U":
                used[symbol].add(name)
    return defined, used


def words(tree):
    """How often each word stands in the sources of the product; comments count, which errs on the side of life."""
    found = collections.Counter()
    for folder in ("lib", "lookup", "policyd", "milter", "dovecot-plugin", "admin"):
        for path in (pathlib.Path(tree) / folder).rglob("*.c"):
            found.update(re.findall(r"\w+", path.read_text()))
    return found


def main(tree, folder):
    defined, used = symbols(pathlib.Path(folder))
    in_sources = words(tree)
    ours = {s: o for s, o in defined.items() if s != "main" and not o.startswith("tests/") and not s.startswith(("__",) + BY_NAME)}
    dead = {s for s, o in ours.items() if in_sources[s] < 2 and not any(u != o and not u.startswith("tests/") for u in used[s])}
    for symbol in sorted(dead - FOR_TESTS.keys()):
        print(f"{symbol} ({ours[symbol]}): nobody uses it")
    for symbol in sorted(FOR_TESTS.keys() - ours.keys()):
        print(f"{symbol}: is gone, and should go here as well")
    assert len(ours) > 300, "these are not the objects of the product"
    return 1 if dead - FOR_TESTS.keys() or FOR_TESTS.keys() - ours.keys() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
