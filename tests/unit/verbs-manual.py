#!/usr/bin/python3
"""verbs-manual: every verb, action, flag and option of admin/verbs stands in mailreeve(8), and nothing else does.

    verbs-manual.py SOURCE-TREE"""

import pathlib
import re
import sys


def tables(folder):
    """(verbs, {verb: actions}, flags, options) as the sources have them."""
    verbs = set(re.findall(r"'([a-z]+)'", re.search(r"foreach verb : \[(.*?)\]", (folder / "meson.build").read_text()).group(1)))
    actions, flags = {}, set()
    for verb in verbs:
        text = (folder / f"{verb}.c").read_text()
        found = re.search(r"struct verb_action actions\[\] = \{(.*?)\{ 0 \}", text, re.S)
        actions[verb] = set(re.findall(r'\{ "([a-z]+)", \d', found.group(1))) if found else set()
        flags |= set(re.findall(r'\{ "([a-z-]+)", "[a-z ]*", FLAG_', text))
    options = set(re.findall(r'\{ "(?:verbs|setup)", "([a-z_]+)", MR_OPT', (folder / "options.c").read_text()))
    flags |= set(re.findall(r'THRESHOLD_FLAG\("([a-z-]+)"', (folder / "thresholds.h").read_text()))
    return verbs, actions, flags, options


def manual(page):
    described = page[page.index(".Sh DESCRIPTION"):page.index(".Sh CONFIGURATION")]
    items = re.findall(r"^\.It Cm ([a-z]+)(?: ([a-z]+)\b)?", described, re.M)
    actions = {verb: {a for v, a in items if v == verb and a} for verb, _ in items}
    flags = set(re.findall(r"Fl -([a-z-]+)", described)) - {"help", "version"}
    options = {name for line in re.findall(r"^\.It Ic (.*)$", page, re.M) for name in line.split()}
    return set(actions), actions, flags, options


def main(tree):
    folder = pathlib.Path(tree) / "admin/verbs"
    wrong = []
    for what, code, page in zip(("verbs", "actions", "flags", "options"), tables(folder), manual((folder / "mailreeve.8").read_text())):
        print(what, code)
        if not code or code != page:
            wrong.append(f"{what}: the sources have {code}, mailreeve(8) has {page}")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
