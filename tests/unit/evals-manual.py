#!/usr/bin/python3
"""evals-manual.py SOURCE-TREE: docs/rules.md names every function that rules may call, and no other."""

import pathlib
import re
import sys


ROW = re.compile(r'^\t\{ "([a-z_0-9]+)", (?:NULL|\w*prepare\w*), ', re.M)


def main(tree):
    tree = pathlib.Path(tree)
    there = {name for path in (tree / "lib/mail/sa").glob("eval-*.c") for name in ROW.findall(path.read_text())}
    told = set(re.findall(r"`([a-z_0-9]+)`", (tree / "docs/rules.md").read_text().partition("## Functions")[2]))
    wrong = [f"docs/rules.md: {name} is missing" for name in sorted(there - told)] + [f"docs/rules.md: there is no {name}" for name in sorted(told - there)]
    print("\n".join(wrong))
    return bool(wrong or not there)


sys.exit(main(sys.argv[1]))
