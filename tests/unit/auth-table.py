#!/usr/bin/python3
"""Each test that docs/sender-authentication.md names is there, and runs; each row names one.

usage: auth-table.py PROJECT_ROOT
"""

import pathlib
import re
import sys

NAMED = re.compile(r"`((?:unit|e2e|replay|long)/[\w.-]+\.(?:c|py))(?::(\w+))?`")


def problem(tests, name, function):
    """What is wrong with that reference, or None."""
    path = tests / name
    if not path.exists():
        return f"there is no tests/{name}"
    if not function:
        return None
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return None if re.search(rf"^ *def {function}\(", text, re.M) else f"tests/{name} has no {function}"
    defined = re.search(rf"^static void {function}\(", text, re.M)
    return None if defined and re.search(rf"cmocka_unit_test\w*\({function}[,)]|TEST\({function}\)", text) else f"tests/{name} does not run {function}"


def main():
    root = pathlib.Path(sys.argv[1])
    text = (root / "docs/sender-authentication.md").read_text(encoding="utf-8")
    references = NAMED.findall(text)
    problems = [p for p in (problem(root / "tests", *reference) for reference in references) if p]
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| section |", "| what |"))]
    problems += [f"names no test: {row[:80]}" for row in rows if not NAMED.search(row)]
    if len(rows) < 50 or len(references) < len(rows):
        problems.append(f"only {len(rows)} rows and {len(references)} tests were found")
    print("\n".join(problems) or f"{len(rows)} rows, {len(references)} references")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
