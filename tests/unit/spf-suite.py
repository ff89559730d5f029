#!/usr/bin/python3
"""Feeds the public SPF suite (rfc7208-tests.yml, in ../shared beside the project) to the program spf-suite; skipped where it is absent.

usage: spf-suite.py PROGRAM PROJECT_ROOT
"""
import os
import subprocess
import sys

EXPECTED = 203


def escape(text):
    """Bytes that would end a field, and all that is not ASCII, as \\xNN; the suite writes bytes as characters."""
    raw = text.encode("latin-1") if all(ord(c) < 256 for c in text) else text.encode("utf-8")
    return "".join(chr(b) if 33 <= b <= 126 and b != 92 else "\\x%02x" % b for b in raw)


def record(kind, data):
    if kind == "MX":
        return "%d %s" % (data[0], escape(data[1]))
    return escape("".join(data) if isinstance(data, list) else data)


def zone_lines(zone):
    """SPF records stand for TXT records where a name has none of those; TXT NONE means: really none."""
    for name, entries in zone.items():
        has_txt = any(isinstance(e, dict) and "TXT" in e for e in entries)
        for entry in entries:
            if entry == "TIMEOUT":
                yield "%s TIMEOUT" % escape(name)
                continue
            (kind, data), = entry.items()
            if kind == "SPF" and has_txt or data == "NONE":
                continue
            yield "%s %s %s" % (escape(name), "TXT" if kind == "SPF" else kind, record(kind, data))


def case_line(name, test):
    results = test["result"] if isinstance(test["result"], list) else [test["result"]]
    explanation = test.get("explanation", "-")
    fields = [name, test["helo"], test["host"], test["mailfrom"], ",".join(results), "" if explanation == "DEFAULT" else explanation]
    return "CASE " + " ".join(escape(f) for f in fields)


def main():
    path = os.path.join(sys.argv[2], "..", "shared", "suites", "spf", "rfc7208-tests.yml")
    if not os.path.exists(path):
        print("skipped: the suite is not at", path)
        return 77
    try:
        import yaml
    except ImportError:
        print("skipped: python3-yaml is not installed")
        return 77
    lines, cases = [], 0
    with open(path, encoding="utf-8") as f:
        for scenario in yaml.safe_load_all(f):
            lines += zone_lines(scenario["zonedata"])
            lines += [case_line(n, t) for n, t in scenario["tests"].items()]
            cases += len(scenario["tests"])
    if cases < EXPECTED:
        print("only %d cases in the suite" % cases)
        return 1
    return subprocess.run([sys.argv[1]], input="\n".join(lines) + "\n", text=True, check=False, timeout=60).returncode


if __name__ == "__main__":
    sys.exit(main())
