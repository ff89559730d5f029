#!/usr/bin/python3
"""manual: a daemon's manual page says of each option and each statistic exactly what the tables say, mailreeve.conf(5) the same of the shared options.

    manual.py DAEMON PAGE            compares
    manual.py --write DAEMON PAGE    writes what stands between the BEGIN and END comments of the page

and names each check of policyd, which are only known from their options."""

import difflib
import re
import subprocess
import sys

BLOCK = re.compile(r'^\.\\" BEGIN (\w+)\n(.*?)^\.\\" END \1\n', re.M | re.S)


def blocks(text):
    return {m.group(1): m.group(2) for m in BLOCK.finditer(text)}


def rendered(page, wanted):
    return BLOCK.sub(lambda m: '.\\" BEGIN %s\n%s.\\" END %s\n' % (m.group(1), wanted.get(m.group(1), ""), m.group(1)), page)


def problems(page, wanted):
    """What the page lacks: blocks, then lines of them, then checks."""
    for name in sorted(set(wanted) - set(blocks(page))):
        yield f"no block {name}"
    yield from difflib.unified_diff(page.splitlines(), rendered(page, wanted).splitlines(), "page", "tables", lineterm="", n=1)
    for check in re.findall(r"^\.It Ic (\w+)_on_error$", wanted.get("options", ""), re.M):
        if f"\n.It Ic {check}\n" not in page:
            yield f"check {check} is not described"


def self_test():
    """Each kind of omission is found."""
    wanted = {"options": ".It Ic a_on_error\nText.\n", "stats": ""}
    good = '\n.It Ic a\n.\\" BEGIN options\n.It Ic a_on_error\nText.\n.\\" END options\n.\\" BEGIN stats\n.\\" END stats\n'
    assert not list(problems(good, wanted))
    for bad in (good.replace("Text.", "Other."), good.replace(".It Ic a_on_error\nText.\n", ""), good.replace("stats", "other"),
                good.replace(".It Ic a\n", "")):
        assert list(problems(bad, wanted)), bad


def main():
    args = [a for a in sys.argv[1:] if a != "--write"]
    wanted = blocks(subprocess.run([args[0], "--dump-manual"], stdout=subprocess.PIPE, check=True, text=True, timeout=30).stdout)
    with open(args[1], encoding="utf-8") as f:
        page = f.read()
    wanted = {name: text for name, text in wanted.items() if (name == "shared") == args[1].endswith(".conf.5")}
    if "--write" in sys.argv:
        with open(args[1], "w", encoding="utf-8") as f:
            f.write(rendered(page, wanted))
        return 0
    self_test()
    found = list(problems(page, wanted))
    if found:
        print("\n".join(found + [f"run: {sys.argv[0]} --write {args[0]} {args[1]}"]))
    return 1 if found else 0


sys.exit(main())
