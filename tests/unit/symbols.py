#!/usr/bin/python3
"""symbols: every symbol that a check of ours gives has its words in milter/symbols.c, in order, and nothing else has.

    symbols.py SOURCE-TREE"""

import pathlib
import re
import sys

NAME = r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|GTUBE)"'


def main(tree):
    milter = pathlib.Path(tree) / "milter"
    sources = [*(milter / "checks").glob("*.c"), milter / "virus.c", milter / "io-fuzzy.c"]
    given = {name for path in sources for line in path.read_text().splitlines() if "#define" not in line for name in re.findall(NAME, line)}
    told = re.findall(r"\{ " + NAME + ', "', (milter / "symbols.c").read_text())
    wrong = [f"{name}: has no words in symbols.c" for name in sorted(given - set(told))]
    wrong += [f"{name}: no check gives it" for name in sorted(set(told) - given)]
    if told != sorted(told):
        wrong.append("symbols.c is not in order")
    print("\n".join(wrong))
    return 1 if wrong or not given else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
