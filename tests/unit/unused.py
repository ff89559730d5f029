#!/usr/bin/python3
"""unused: what has external linkage is used by the product, not only by tests. A module of which nothing is used yet waits for its first user: it is named, no
error.

    unused.py BUILD-FOLDER"""

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
    "mr_tally_keys": "that old keys go",
}


def objects(folder):
    """{object of the product: its source}"""
    entries = json.loads((folder / "compile_commands.json").read_text())
    return {e["output"]: folder / e["file"] for e in entries if not e["output"].startswith("tests/")}


def symbols(folder, sources):
    """({name: its object}, {name: objects that use it, its own too when its source names it twice})"""
    defined, used = {}, collections.defaultdict(set)
    said = subprocess.run(["nm", "-A", "-P", *sources], cwd=folder, check=True, capture_output=True, text=True).stdout
    for line in said.splitlines():
        name, _, rest = line.partition(": ")
        symbol, kind = rest.split()[:2]
        if kind in "TDRB" and symbol != "main" and not symbol.startswith(("__",) + BY_NAME):
            defined[symbol] = name
        elif kind == "U":
            used[symbol].add(name)
    for name, path in sources.items():
        words = collections.Counter(re.findall(r"\w+", path.read_text()))
        for symbol, home in defined.items():
            if home == name and words[symbol] > 1:
                used[symbol].add(name)
    return defined, used


def dead_and_waiting(defined, used):
    """Symbols that no object uses, and the modules that nobody in use needs."""
    waiting = set()
    while True:
        wanted = {defined[s] for s in defined if used[s] - waiting - {defined[s]}}
        found = set(defined.values()) - wanted
        if found == waiting:
            break
        waiting = found
    return {s for s, home in defined.items() if home not in waiting and not used[s]}, waiting


def main(build):
    folder = pathlib.Path(build)
    defined, used = symbols(folder, objects(folder))
    assert len(defined) > 300, "these are not the objects of the product"
    dead, waiting = dead_and_waiting(defined, used)
    for module in sorted(waiting):
        print(f"{module}: waits for its first user")
    for symbol in sorted(dead - FOR_TESTS.keys()):
        print(f"{symbol} ({defined[symbol]}): nobody uses it")
    for symbol in sorted(FOR_TESTS.keys() - defined.keys()):
        print(f"{symbol}: is gone, and should go here as well")
    return 1 if dead - FOR_TESTS.keys() or FOR_TESTS.keys() - defined.keys() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
