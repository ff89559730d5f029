#!/usr/bin/python3
"""sa-compare: in which texts lib/mail/sa and SpamAssassin differ.

    sa-compare.py THEIRS OURS [FIELD]        files of sa-hits.pl --texts and of sa-dump; with a field: the differences themselves"""

import collections
import json
import math
import sys


def lines(path):
    with open(path, encoding="latin-1") as f:
        for line in f:
            one = json.loads(line)
            yield one["path"], one


def same(field, theirs, ours):
    if theirs is None:
        theirs = "" if isinstance(ours, str) else theirs
    if field == "html":
        theirs = {k: v for k, v in (theirs or {}).items() if k in (ours or {}) or k in WANTED}
        ours = ours or {}
        return theirs.keys() == ours.keys() and all(math.isclose(float(theirs[k] or 0), float(ours[k]), rel_tol=1e-9, abs_tol=1e-9) for k in theirs)
    if field == "detail":
        return shape(theirs) == shape(ours)
    if field == "uris":
        return sorted(theirs) == sorted(ours)
    return theirs == ours


WANTED = {"image_area", "length", "min_size", "max_size", "closed_extra_ratio", "bad_tag_ratio", "non_element_ratio", "obfuscation_ratio",
          "html_length", "non_space_len", "ratio", "font_low_contrast", "font_invalid_color", "font_face_bad", "form_action_mailto", "embeds"}


def shape(detail):
    return {raw: (sorted(set(d["types"]) - {"nocanon", "noclean"}), sorted(d["cleaned"]), sorted(d["anchor"]), sorted(d["domains"]))
            for raw, d in (detail or {}).items()}


def show(field, path, theirs, ours):
    print("==", path)
    if field == "html":
        for k in sorted(set(theirs or {}) | set(ours or {})):
            if (theirs or {}).get(k) != (ours or {}).get(k):
                print("  ", k, (theirs or {}).get(k), (ours or {}).get(k))
    elif isinstance(ours, dict):
        a, b = shape(theirs), shape(ours)
        for k in sorted(set(a) | set(b)):
            if a.get(k) != b.get(k):
                print("  ", repr(k), "\n     -", a.get(k), "\n     +", b.get(k))
    elif isinstance(ours, list):
        for sign, only in (("-", [x for x in theirs if x not in ours]), ("+", [x for x in ours if x not in theirs])):
            for x in only[:5]:
                print("  ", sign, repr(x)[:600])
        if sorted(theirs) == sorted(ours):
            print("   order")
    else:
        print("   -", repr(theirs), "\n   +", repr(ours))


def main():
    theirs = dict(lines(sys.argv[1]))
    wanted = sys.argv[3] if len(sys.argv) > 3 else None
    different, count = collections.Counter(), 0
    for path, ours in lines(sys.argv[2]):
        if path not in theirs:
            continue
        count += 1
        for field in sorted((set(theirs[path]) & set(ours)) | {"html"}):
            if field in ("visible", "invisible"):
                continue
            if not same(field, theirs[path].get(field), ours.get(field)):
                different[field] += 1
                if field == wanted:
                    show(field, path.rsplit("/", 1)[-1], theirs[path].get(field), ours.get(field))
    print(count, "messages;", ", ".join(f"{n} {f}" for f, n in different.most_common()) or "no difference")


main()
