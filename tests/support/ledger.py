"""Who was told what about which message, and what must come of it: accepted mail is at each of its places exactly once, refused mail nowhere."""

import collections
import threading

from stack import admin, layout

SINK = "sink"


def inbox(name, folder="INBOX"):
    return f"{admin.address(name)} {folder}"


class Ledger:
    """Messages by their mark. `answer`: what the last attempt was told: 250, another number, or None when the session broke, which may be either."""

    def __init__(self):
        self.lock, self.entries = threading.Lock(), {}

    def note(self, mark, places, answer, unwanted=False):
        """`places`: where it belongs; `unwanted`: it must be refused for good."""
        with self.lock:
            self.entries[mark] = (frozenset(places), answer, unwanted)

    def accepted(self):
        with self.lock:
            return {mark: places for mark, (places, answer, _) in self.entries.items() if answer == 250}

    def answers(self):
        """{what the last attempt was told: how often}"""
        with self.lock:
            return dict(collections.Counter("unknown" if answer is None else str(answer) for _, answer, _ in self.entries.values()))

    def missing(self, found):
        return [(mark, place) for mark, places in self.accepted().items() for place in places if not found[mark, place]]

    def complaints(self, found):
        """`found`: {(mark, place): copies}. One line for each message that is not where it belongs, or was answered wrongly."""
        by_mark, said = collections.defaultdict(dict), []
        for (mark, place), copies in found.items():
            by_mark[mark][place] = copies
        for mark, (places, answer, unwanted) in self.entries.items():
            at = by_mark[mark]
            if answer == 250 and unwanted:
                said.append(f"{mark}: accepted, though it must be refused")
            if answer is not None and answer >= 500 and not unwanted:
                said.append(f"{mark}: refused for good: {answer}")
            if answer == 250:
                said += [f"{mark}: accepted and lost, not at {place}" for place in places if not at.get(place)]
            elif answer is not None:
                said += [f"{mark}: answered {answer}, yet at {place}" for place in at]
            said += [f"{mark}: {copies} copies at {place}" for place, copies in at.items() if copies > 1]
            said += [f"{mark}: at {place}, where it does not belong" for place in at if place not in places]
        return said


def mark_of(content):
    for line in content.replace(b"\r\n", b"\n").partition(b"\n\n")[0].splitlines():
        if line.startswith(b"Subject: mark-"):
            return line[9:].strip().decode()
    return None


def found(lay):
    """{(mark, place): copies} over all mailboxes of the hosted domain and the foreign host."""
    count = collections.Counter()
    for user in (lay.mail / layout.DOMAIN).iterdir():
        for folder in [user / "Maildir", *(user / "Maildir").glob(".*")]:
            place = inbox(user.name, folder.name.removeprefix(".") if folder.name != "Maildir" else "INBOX")
            for path in [*folder.glob("new/*"), *folder.glob("cur/*")]:
                if mark := mark_of(path.read_bytes()):
                    count[mark, place] += 1
    for path in lay.sink.glob("*.eml"):
        if mark := mark_of(path.read_bytes()):
            count[mark, SINK] += 1
    return count
