"""Time and CPU of jobs that many processes share, and the medians of interleaved runs."""

import os
import pathlib
import statistics
import time

TICKS = os.sysconf("SC_CLK_TCK")


def table():
    """{pid: (parent, CPU seconds of its children that were waited for)}"""
    found = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile; its parent has its time
        found[int(stat.parent.name)] = (int(fields[1]), sum(map(int, fields[13:15])) / TICKS)
    return found


def own(pid):
    """CPU seconds of the process itself, by its clock (clock_getcpuclockid(3)): /proc counts in hundredths of a second."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0  # as above


def cpu(roots):
    """CPU seconds so far of these processes and all below them, those that have ended included."""
    processes, wanted = table(), set(roots)
    grown = True
    while grown:
        more = {pid for pid, (parent, _) in processes.items() if parent in wanted} - wanted
        wanted |= more
        grown = bool(more)
    return sum(own(pid) + processes[pid][1] for pid in wanted & processes.keys())


class Run:
    """One timed run: seconds on the clock and CPU seconds of the process trees below `roots`."""

    def __init__(self, roots):
        self.roots = roots

    def __enter__(self):
        self.cpu, self.seconds = cpu(self.roots), time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.seconds
        self.cpu = cpu(self.roots) - self.cpu


def interleaved(jobs, rounds):
    """jobs: {name: function() -> Run}. Each once to warm up, then `rounds` times in turn. {name: (median seconds, median CPU seconds)}"""
    results = {name: [] for name in jobs}
    for turn in range(rounds + 1):
        for name, job in jobs.items():
            run = job()
            if turn:
                results[name].append(run)
    return {name: (statistics.median(r.seconds for r in runs), statistics.median(r.cpu for r in runs)) for name, runs in results.items()}
