#!/usr/bin/python3
"""include-matrix: who may include whom, as the table of lib/README.md says, and what else may stand in one folder only.

    include-matrix.py SOURCE-TREE

First it shows on a made-up tree that each kind of violation is found, then it checks the given one."""

import os
import re
import sys
import tempfile

PROGRAMS = ("lookup", "policyd", "milter", "admin", "hostd", "dovecot-plugin")
STORE_FOR = ("lookup", "admin")
PLUGIN_FLOORS = ("base", "proto")
# Headers of libraries that one part of the tree only may include: beginning of the name → folders.
LIBRARIES = {
    "event": ("lib/rt",),
    "hiredis": ("lib/rt",),
    "unbound": ("lib/rt",),
    "systemd/": ("lib/rt",),
    "mysql": ("lib/store",),
    "mariadb": ("lib/store",),
    "libmilter": ("milter",),
}
SQL_FOLDER = "lib/store"
SQL = re.compile(r"\b(SELECT|INSERT INTO|REPLACE INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|TRUNCATE)\s+[\w`*(%]")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
# Comments, or string literals (kept in group 1).
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*")|\'(?:\\.|[^\'\\\n])+\'', re.S)


def read_matrix(tree):
    """Floor → the floors it may include, from the first table of lib/README.md."""
    matrix = {}
    with open(os.path.join(tree, "lib/README.md"), encoding="utf-8") as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if line.startswith("|") and len(cells) == 3 and re.fullmatch(r"[a-z]+", cells[0]) and cells[0] != "floor":
                matrix[cells[0]] = set(re.findall(r"[a-z]+", cells[2]))
    return matrix


def sources(tree):
    for top in ("lib",) + PROGRAMS:
        for folder, _, names in os.walk(os.path.join(tree, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), tree)


def allowed_floors(path, matrix):
    parts = path.split("/")
    if parts[0] == "lib":
        return matrix.get(parts[1], set()) | {parts[1]}
    if parts[0] == "dovecot-plugin":
        return set(PLUGIN_FLOORS)
    return set(matrix) - (set() if parts[0] in STORE_FOR else {"store"})


def check_quoted(tree, path, name, matrix):
    """An include in quotes: a floor's header, or one of the program's own."""
    top = path.split("/")[0]
    first = name.split("/")[0] if "/" in name else None
    if first in matrix:
        if first not in allowed_floors(path, matrix):
            yield f'{path}: may not include "{name}"'
        return
    if first in PROGRAMS and first != top:
        yield f'{path}: programs do not include each other: "{name}"'
        return
    if ".." in name.split("/"):
        yield f'{path}: leaves its folder: "{name}"'
        return
    here = os.path.join(tree, os.path.dirname(path), name)
    own = os.path.join(tree, top, name)
    if top != "dovecot-plugin" and not (os.path.exists(here) or os.path.exists(own) or os.path.exists(own + ".in") or first == top):
        yield f'{path}: "{name}" is neither of a floor nor of its own folder'


def check_library(path, name):
    for beginning, folders in LIBRARIES.items():
        if name.startswith(beginning) and not any(path.startswith(f + "/") for f in folders):
            yield f"{path}: <{name}> belongs to {', '.join(folders)}"


def check_file(tree, path, matrix):
    with open(os.path.join(tree, path), encoding="utf-8") as f:
        text = f.read()
    without_comments = TOKEN.sub(lambda m: m.group(0) if m.group(1) else " ", text)
    for kind, name in INCLUDE.findall(without_comments):
        if kind == '"':
            yield from check_quoted(tree, path, name, matrix)
        yield from check_library(path, name)
    if not path.startswith(SQL_FOLDER + "/"):
        for m in TOKEN.finditer(text):
            if m.group(1) and SQL.search(m.group(1)):
                yield f"{path}: SQL belongs to {SQL_FOLDER}: {m.group(1)[:60]}"


def check(tree):
    matrix = read_matrix(tree)
    if len(matrix) < 3:
        return ["lib/README.md: no table of floors"]
    problems = [f"lib/{d}: not in the table of lib/README.md" for d in sorted(os.listdir(os.path.join(tree, "lib")))
                if os.path.isdir(os.path.join(tree, "lib", d)) and d not in matrix]
    for path in sources(tree):
        problems += check_file(tree, path, matrix)
    return problems


README = "| floor | what | may include |\n|---|---|---|\n| base | x | – |\n| rt | x | base |\n| store | x | base, rt |\n| mail | x | base |\n"
GOOD = {
    "lib/README.md": README,
    "lib/base/a.h": "",
    "lib/rt/a.c": '#include <event2/event.h>\n#include "base/a.h"\n#include "rt/b.h"\n',
    "lib/store/a.c": '#include <mysql.h>\n#include "rt/b.h"\nstatic const char q[] = "SELECT 1";\n',
    "lookup/own.h": "",
    "lookup/maps/a.c": '#include "own.h"\n#include "store/read.h"\n/* #include "milter/a.h", "SELECT x" */\nstatic const char t[] = "please UPDATE; // SELECT";\n',
    "milter/a.c": '#include <libmilter/mfapi.h>\n#include "rt/log.h"\n',
    "dovecot-plugin/a.c": '#include "lib.h"\n#include "base/a.h"\n',
}
BAD = {
    "lib/base/b.c": '#include "rt/log.h"\n',
    "lib/mail/b.c": '#include "store/read.h"\n',
    "lib/rt/b.c": '  #  include "lookup/own.h"\n',
    "lib/mail/c.c": '#include "../rt/log.h"\n',
    "lib/mail/d.c": "#include <hiredis/async.h>\n",
    "lib/new/a.c": "\n",
    "policyd/a.c": '#include "lookup/own.h"\n',
    "policyd/b.c": '#include "own.h"\n',
    "policyd/c.c": '#include "store/read.h"\n',
    "milter/b.c": "#include <event2/event.h>\n",
    "admin/a.c": "#include <mysql/mysql.h>\n",
    "lookup/b.c": 'static const char q[] =\n\t"SELECT address FROM v";\n',
    "lookup/c.c": '// "\nstatic const char q[] = "x\\" DELETE FROM t";\n',
    "dovecot-plugin/b.c": '#include "rt/log.h"\n',
}


def found_in(files):
    with tempfile.TemporaryDirectory() as tree:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
            with open(os.path.join(tree, path), "w", encoding="utf-8") as f:
                f.write(text)
        return check(tree)


def self_test():
    wrong = [f"self-test: clean tree: {p}" for p in found_in(GOOD)]
    for path, text in BAD.items():
        found = found_in({**GOOD, path: text})
        if len(found) != 1 or not (found[0].startswith(path) or found[0].startswith(os.path.dirname(path))):
            wrong.append(f"self-test: {path}: found {found}")
    return wrong


def main():
    problems = self_test() or check(sys.argv[1])
    for p in problems:
        print(p, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
