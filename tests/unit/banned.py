#!/usr/bin/python3
"""banned: the calls that lib/base/banned.h names do not compile, with gcc and with clang, and every file of ours is compiled with it.

    banned.py SOURCE-TREE BUILD-TREE"""

import json
import os
import re
import shutil
import subprocess
import sys

COMPILERS = ("gcc", "clang")
OURS = ("lib/", "lookup/", "policyd/", "milter/", "admin/", "dovecot-plugin/", "tests/")


def banned_names(header):
    with open(header, encoding="utf-8") as f:
        return " ".join(re.findall(r"^#pragma GCC poison (.+)$", f.read(), re.M)).split()


def compiles(compiler, header, text):
    done = subprocess.run([compiler, "-D_GNU_SOURCE", "-std=gnu17", "-include", header, "-fsyntax-only", "-x", "c", "-"],
                          input=text, capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def check_compiler(compiler, header):
    good, errors = compiles(compiler, header, '#include <stdlib.h>\nint main(void) { return snprintf(NULL, 0, "%s", strchr("a", 97)); }\n')
    if not good:
        yield f"{compiler}: clean code does not compile: {errors}"
    for name in banned_names(header):
        good, errors = compiles(compiler, header, f"void *f(void); void *f(void) {{ return (void *){name}; }}\n")
        if good or "poisoned" not in errors:
            yield f"{compiler}: {name} is not refused"


def check_build(source, build, header):
    """Every compile command of ours includes the header."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        commands = json.load(f)
    seen = 0
    for c in commands:
        path = os.path.relpath(os.path.join(c["directory"], c["file"]), source)
        if path.startswith(OURS):
            seen += 1
            if f"-include {header}" not in c["command"]:
                yield f"{path}: compiled without lib/base/banned.h"
    if seen == 0:
        yield "compile_commands.json: none of our files"


def main():
    source, build = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
    header = os.path.join(source, "lib/base/banned.h")
    present = [c for c in COMPILERS if shutil.which(c)]
    problems = [p for c in present for p in check_compiler(c, header)] + list(check_build(source, build, header))
    if not present:
        problems.append("neither gcc nor clang is here")
    for p in problems:
        print(p, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
