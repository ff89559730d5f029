#!/usr/bin/python3
"""lists-doc: docs/lists.md shows each ready-made list as lib/mail/dnslist.c has it, and mailreeve-milter(8) names it.

    lists-doc.py SOURCE-TREE"""

import pathlib
import re
import sys

STRINGS = r'((?:"[^"]*"\s*)+)'


def text(literal):
    return "".join(re.findall(r'"([^"]*)"', literal))


def main(tree):
    tree = pathlib.Path(tree)
    source = (tree / "lib/mail/dnslist.c").read_text()
    table = source[source.index("const struct mr_dnslist_ready mr_dnslist_ready[]"):]
    ready = [tuple(map(text, row)) for row in re.findall(r"\{ " + ",\\s*".join([STRINGS] * 3) + r"\s*\}", table[:table.index("{ 0 }")])]
    doc, manual = (tree / "docs/lists.md").read_text(), (tree / "milter/mailreeve-milter.8").read_text()
    wrong = [f"docs/lists.md: not as it is: {name}" for name, row, what in ready if f"| `{name}` | {what} | `{row}` |" not in doc]
    wrong += [f"mailreeve-milter.8: does not name {name}" for name, _, _ in ready if not re.search(rf"[ ,]{name}[ ,.]", manual)]
    print("\n".join(wrong))
    return 1 if wrong or len(ready) < 5 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
