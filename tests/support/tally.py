"""Sums up what the parts of tests/run left in a folder: meson's JSON logs, pytest's JUnit files, and `steps` with lines "passed NAME" or "failed NAME".
Prints each failure and, last, "N passed, N failed, N skipped"; exits 1 if anything failed, or if nothing ran: with --tests, nothing but steps.

usage: tally.py FOLDER [--tests]"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ET

MESON = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def steps(folder):
    for line in (folder / "steps").read_text().splitlines():
        result, _, name = line.partition(" ")
        yield result, name


def meson(folder):
    for path in sorted(folder.glob("*.json")):
        for line in path.read_text().splitlines():
            test = json.loads(line)
            yield MESON.get(test["result"], "failed"), f"{path.stem}: {test['name']}"


def pytest(folder):
    for path in sorted(folder.glob("*.xml")):
        for case in ET.parse(path).getroot().iter("testcase"):
            kinds = {child.tag for child in case}
            result = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
            yield result, f"{case.get('classname')}.{case.get('name')}"


def main():
    folder = pathlib.Path(sys.argv[1])
    count = {"passed": 0, "failed": 0, "skipped": 0}
    tests = [*meson(folder), *pytest(folder)]
    if "--tests" in sys.argv and not tests:
        tests = [("failed", "no test ran")]
    for result, name in [*steps(folder), *tests]:
        count[result] += 1
        if result == "failed":
            print(f"failed: {name}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 0 if count["failed"] == 0 and count["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
