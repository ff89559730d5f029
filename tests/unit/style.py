#!/usr/bin/python3
"""style: what .clang-format says, and that functions fit a screen and files have one subject.

    style.py SOURCE-TREE"""

import pathlib
import re
import shutil
import subprocess
import sys

FORMATTER = "clang-format-14"  # another version has another opinion
FUNCTION_MAX = 90              # lines, the braces included
FILE_MAX = 600                 # lines
LINE_MAX = 160                 # characters, of what clang-format does not see
FOLDERS = ("lib", "lookup", "policyd", "milter", "dovecot-plugin", "admin", "packaging", "tests")


def long_functions(text):
    """[(line, lines)] of a C file: a function is what stands between braces at the beginnings of lines."""
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start + 1 > FUNCTION_MAX:
                yield start, number - start + 1
            start = None


def problems(path):
    text = path.read_text()
    if path.suffix in (".c", ".h"):
        for line, n in long_functions(text):
            yield f"{path}:{line}: function of {n} lines"
    else:
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > LINE_MAX and not re.search(r"^\s*(#|\"|')", line):
                yield f"{path}:{number}: line of {len(line)} characters"
    if text.count("\n") > FILE_MAX:
        yield f"{path}: {text.count(chr(10))} lines"


def self_test():
    body = "\tx;\n" * (FUNCTION_MAX - 2)
    assert not list(long_functions(f"{{\n{body}}}\n"))
    assert list(long_functions(f"int a;\n{{\n\tx;\n{body}}}\n")) == [(2, FUNCTION_MAX + 1)]


def main(tree):
    self_test()
    paths = sorted(p for folder in FOLDERS for p in (pathlib.Path(tree) / folder).rglob("*") if p.suffix in (".c", ".h", ".py") and p.is_file())
    assert len(paths) > 200, "this is not the tree"
    found = [problem for path in paths for problem in problems(path)]
    sources = [str(p) for p in paths if p.suffix != ".py"]
    if not shutil.which(FORMATTER):
        print(f"no {FORMATTER} here: the format was not looked at")
    else:
        done = subprocess.run([FORMATTER, "--dry-run", "-Werror", *sources], capture_output=True, text=True, check=False)
        found += re.findall(r"^\S+:\d+:\d+: error: code should be clang-formatted.*$", done.stderr, re.M)
        if done.returncode and not found:
            found.append(done.stderr)
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
