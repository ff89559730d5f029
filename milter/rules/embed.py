"""embed.py OUT FILE...: the files as a C table, see rules-builtin.h."""

import pathlib
import sys


def literal(data):
    """C string literals of the bytes, a line each; octal, so that no digit behind can belong to an escape."""
    for line in data.splitlines(keepends=True):
        yield '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in line) + '"'


def main(out, files):
    texts = [(path.name, path.read_bytes()) for path in map(pathlib.Path, files)]
    with open(out, "w", encoding="ascii") as f:
        f.write('/* ours */\n#include "rules-builtin.h"\n\nconst struct mr_rules_builtin mr_rules_builtin[] = {\n')
        for name, data in texts:
            f.write(f'\t{{ "mailreeve/{name}", MR_LIT(\n' + "\n".join(literal(data)) + "\n) },\n")
        f.write(f"}};\nconst size_t mr_rules_builtin_n = {len(texts)};\n")


main(sys.argv[1], sys.argv[2:])
