#!/usr/bin/python3
"""Turns NNNN-name.sql files into a C table of statements: embed.py OUT IN...

A statement ends with a semicolon at the end of a line. The comment "-- oldest-program: X.Y.Z" is required: the oldest version of our
programs that may still use the database after this step."""
import json
import pathlib
import re
import sys


def c_string(text):
    return json.dumps(text, ensure_ascii=True)


def statements(text):
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [s.strip() for s in re.split(r";[ \t]*(?:\n|$)", bare) if s.strip()]


def main(out, *files):
    steps = []
    lines = ['#include "store/migration.h"\n', '#include <stddef.h>\n']
    for path in sorted(map(pathlib.Path, files), key=lambda p: p.name):
        text = path.read_text()
        number = int(re.match(r"(\d{4})-", path.name).group(1))
        oldest = re.search(r"^-- oldest-program: (\d+\.\d+\.\d+)$", text, re.M)
        if not oldest:
            sys.exit(f"{path}: no '-- oldest-program: X.Y.Z' line")
        if number != len(steps):
            sys.exit(f"{path}: step {len(steps):04d} is missing")
        lines.append(f"static const char *const step_{number:04d}[] = {{")
        lines += [f"\t{c_string(s)}," for s in statements(text)]
        lines.append("\tNULL,\n};")
        steps.append(f'\t{{ {number}, {c_string(path.stem)}, "{oldest.group(1)}", step_{number:04d} }},')
    lines += ["const struct mr_migration mr_migrations[] = {", *steps, "\t{ 0 },", "};"]
    pathlib.Path(out).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
