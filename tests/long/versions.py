"""What lookup may answer while accounts change: what each key was, is and becomes, and readers that hold every answer against it."""

import itertools
import threading
import time

TEMP = "temporary failure"


class Truth:
    """The versions of each key: those that a question may find are from the last one that a verb has called applied to the newest one begun."""

    def __init__(self):
        self.versions, self.applied, self.lock = {}, {}, threading.Lock()

    def know(self, key, answer):
        self.versions[key], self.applied[key] = [answer], 0

    def begin(self, key, answer):
        with self.lock:
            self.versions[key].append(answer)
            return len(self.versions[key]) - 1

    def apply(self, key, version):
        with self.lock:
            self.applied[key] = max(self.applied[key], version)

    def since(self, key):
        with self.lock:
            return self.applied[key]

    def allowed(self, key, since):
        with self.lock:
            return self.versions[key][since:]

    def now(self, key):
        with self.lock:
            return self.versions[key][-1]

    def keys(self):
        with self.lock:
            return list(self.versions)


class Reader(threading.Thread):
    """Asks for every key in turn without a pause. `ask(key)` gives the answer, or TEMP."""

    def __init__(self, truth, ask):
        super().__init__(daemon=True)
        self.truth, self.ask, self.over = truth, ask, threading.Event()
        self.asked, self.temporary, self.wrong, self.longest = 0, 0, [], 0.0

    def run(self):
        for turn in itertools.count():
            for key in self.truth.keys():
                if self.over.is_set():
                    return
                self.one(key, turn)

    def one(self, key, turn):
        since, began = self.truth.since(key), time.monotonic()
        try:
            answer = self.ask(key)
        except (OSError, AssertionError) as error:
            answer = f"no answer: {error!r}"
        self.longest = max(self.longest, time.monotonic() - began)
        self.asked += 1
        self.temporary += answer == TEMP
        allowed = self.truth.allowed(key, since)
        if answer != TEMP and answer not in allowed:
            self.wrong.append(f"{key}: {answer!r} in turn {turn}, allowed {allowed}")


class Strangers(threading.Thread):
    """Asks for what nobody has asked for before: `right(n)` is a question and its answer. Who gets no answer asks again, as Postfix does."""

    numbers = itertools.count()

    def __init__(self, right, ask):
        super().__init__(daemon=True)
        self.right, self.ask, self.over = right, ask, threading.Event()
        self.asked = self.temporary = self.gap = 0
        self.wrong = []
        self.last = time.monotonic()

    def run(self):
        while not self.over.is_set():
            key, right = self.right(next(self.numbers))
            answer = self.ask(key)
            self.asked += 1
            if answer == TEMP:
                self.temporary += 1
            elif answer == right:
                now = time.monotonic()
                self.gap, self.last = max(self.gap, now - self.last), now
            else:
                self.wrong.append(f"{key}: {answer!r}, not {right!r}")
            time.sleep(0.02)
