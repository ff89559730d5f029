"""The mail to tune on, where it is: a folder of messages with index.csv (path, label), or the archive of one.

MR_CORPUS names it; else it is looked for beside the project. Messages sorted by their MD5: the first half is to learn from, the second to be judged."""

import csv
import hashlib
import os
import pathlib
import tarfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]


class Absent(Exception):
    """There is no mail to measure with."""


def folder(work):
    """The messages' folder, unpacked into `work` if need be."""
    place = pathlib.Path(os.environ.get("MR_CORPUS", SOURCE.parent / "shared/corpora/public-train.tar.xz"))
    if place.is_dir():
        return place
    if not place.exists():
        raise Absent(f"no mail to measure with: {place}; MR_CORPUS names a folder or an archive with index.csv")
    with tarfile.open(place) as archive:
        archive.extractall(work)
    return next(work.glob("**/index.csv")).parent


def labelled(work):
    """([(path, is spam)] to learn from, the same to be judged)"""
    root = folder(work)
    with open(root / "index.csv", newline="", encoding="ascii") as f:
        rows = list(csv.DictReader(f))
    base = root if (root / rows[0]["path"]).exists() else root.parent
    found = [(str(base / row["path"]), row["label"] == "spam") for row in rows]
    found.sort(key=lambda each: hashlib.md5(pathlib.Path(each[0]).read_bytes()).hexdigest())
    return found[:len(found) // 2], found[len(found) // 2:]
