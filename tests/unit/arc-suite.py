#!/usr/bin/python3
"""The public ARC suite: 171 validations, 17 signings, where ../shared is present.

usage: arc-suite.py DRIVER PROJECT_ROOT
"""
import os
import re
import subprocess
import sys
import tempfile

import yaml

DRIVER, ROOT = sys.argv[1], sys.argv[2]
SUITE = os.path.join(ROOT, "..", "shared", "suites", "arc")
FAILED = []


def scenarios(name):
    with open(os.path.join(SUITE, name), encoding="utf-8") as f:
        for scenario in yaml.safe_load_all(f):
            for case, facts in scenario["tests"].items():
                yield scenario, case, facts


def driver(args, message):
    return subprocess.run([DRIVER, *args], input=message.encode(), stdout=subprocess.PIPE, check=True, timeout=60).stdout.decode()


def write_zone(path, scenario):
    with open(path, "w", encoding="ascii") as f:
        for name, text in scenario["txt-records"].items():
            f.write("%s TXT %s\n" % (name, " ".join(text.split())))


def compare(case, got, expected):
    if got != expected:
        FAILED.append(case)
        print("FAILED %s: %r, expected %r" % (case, got, expected))


def validate(folder):
    """An empty expectation (a last set that says cv=fail) is a chain that does not pass."""
    n = 0
    zone = os.path.join(folder, "zone")
    for scenario, case, facts in scenarios("arc-draft-validation-tests.yml"):
        write_zone(zone, scenario)
        compare(case, driver(["verify", zone], facts["message"] or "").split()[0], (facts["cv"] or "fail").lower())
        n += 1
    return n


def tags(value):
    return dict((tag.split("=", 1)[0].strip(), re.sub(r"\s", "", tag.split("=", 1)[1])) for tag in value.split(";") if tag.strip())


def sign(folder):
    n = 0
    path = os.path.join(folder, "key")
    for scenario, case, facts in scenarios("arc-draft-sign-tests.yml"):
        with open(path, "w", encoding="ascii") as f:
            f.write(scenario["privatekey"])
        out = driver(["seal", scenario["domain"], scenario["sel"], path, facts["srv-id"], facts["sig-headers"], str(facts["t"])], facts["message"])
        got = dict(field.split(": ", 1) for field in re.sub(r"\n\s", " ", out).splitlines())
        compare(case + " AS", tags(got.get("ARC-Seal", "")), tags(facts["AS"]))
        compare(case + " AMS", tags(got.get("ARC-Message-Signature", "")), tags(facts["AMS"]))
        compare(case + " AAR", got.get("ARC-Authentication-Results", "").split(), facts["AAR"].split())
        n += 1
    return n


def main():
    if not os.path.isdir(SUITE):
        print("skipped: no suite at", SUITE)
        return 77
    with tempfile.TemporaryDirectory(prefix="mr-arc-") as folder:
        print("%d validations, %d signings, %d failed" % (validate(folder), sign(folder), len(FAILED)))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
