"""Our programs under tools that see wrong uses of memory and of threads, while mail of all kinds flows."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import ledger
import mailhost
import pytest
from stack import admin, daemons, host
from traffic import busy

HERE = pathlib.Path(__file__).resolve().parent
MESSAGES = int(os.environ.get("MR_MEMORY_MESSAGES", "300"))
VALGRIND = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible", "--errors-for-leak-kinds=definite,indirect,possible",
            "--num-callers=30", "--gen-suppressions=all"]
SUPPRESSIONS = HERE / "valgrind.supp"
SANITIZER = re.compile(r"(?:Address|Leak|Thread)Sanitizer|runtime error:")


def run(running, messages):
    """That many messages through the host, then an orderly end of our daemons."""
    with running as live:
        admin.populate(live.lay)
        busy(mailhost.Stack(live), ledger.Ledger(), messages)
        for name in daemons.DAEMONS:
            live.servers.stop(name)
        return {path.name: path.read_text(errors="replace") for path in live.lay.log.iterdir()}


def lent(lay, path):
    """A copy that the daemons' own users can read."""
    return shutil.copy(path, lay.bin)


def sanitizer_reports(logs):
    return {name: text[found.start():found.start() + 6000] for name, text in logs.items() if (found := SANITIZER.search(text))}


def test_valgrind_of_the_daemons():
    running = host.Host(os.environ.get("MR_KEEP"))
    lay = running.lay
    lay.under = ["env", f"LD_PRELOAD={lent(lay, lay.build / 'tests/long/own-exe.so')}", *VALGRIND, f"--suppressions={lent(lay, SUPPRESSIONS)}"]
    logs = run(running, MESSAGES)
    for name in daemons.DAEMONS:
        log = logs[f"{name}.log"]
        assert re.findall(r"ERROR SUMMARY: (\d+) errors", log) == ["0"], log[-8000:]


def test_valgrind_of_the_scanner():
    """The checks run in sandboxed processes that valgrind cannot enter; `mailreeve scan` is the same scanner without the sandbox."""
    build_dir = pathlib.Path(os.environ.get("MR_BUILD", HERE.parents[1] / "build"))
    command = ["env", f"LD_PRELOAD={build_dir / 'tests/long/no-jit.so'}", *VALGRIND, f"--suppressions={SUPPRESSIONS}", build_dir / "milter/mailreeve-scan"]
    for message in sorted((HERE.parent / "fuzz/corpus/message").iterdir()):
        done = subprocess.run([*command, message], capture_output=True, text=True, errors="replace", check=False)
        assert re.findall(r"ERROR SUMMARY: (\d+) errors", done.stderr) == ["0"], (message, done.stderr[-8000:])


def test_operations_do_not_grow():
    """200,000 signatures, seals and their checks over eight threads: the process grows by less than 2 MB."""
    program = pathlib.Path(os.environ.get("MR_BUILD", HERE.parents[1] / "build")) / "tests/unit/auth-memory"
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


def test_valgrind_of_the_operations():
    program = pathlib.Path(os.environ.get("MR_BUILD", HERE.parents[1] / "build")) / "tests/unit/auth-memory"
    done = subprocess.run([*VALGRIND, f"--suppressions={SUPPRESSIONS}", program, "400"], capture_output=True, text=True, errors="replace",
                          check=False)
    assert re.findall(r"ERROR SUMMARY: (\d+) errors", done.stderr) == ["0"], done.stderr[-8000:]


def test_end_to_end_sanitized(build, tmp_path):
    """tests/e2e with our daemons and verbs under ASan and UBSan."""
    kept = pathlib.Path("/tmp") / f"mr-asan-{os.getpid()}"
    try:
        done = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", HERE.parent / "e2e"], capture_output=True, text=True,
                              env={**os.environ, "MR_PROGRAMS": str(build("asan")), "MR_KEEP": str(kept), "UBSAN_OPTIONS": "halt_on_error=1"}, check=False)
        logs = {path.name: path.read_text(errors="replace") for path in (kept / "log").iterdir()}
    finally:
        shutil.rmtree(kept, ignore_errors=True)
    assert sanitizer_reports(logs) == {}
    assert done.returncode == 0, done.stdout[-8000:]


def test_threads(build, monkeypatch):
    """The programs with threads: the milter, whose messages have one each beside the loop, and lookup, whose SQL runs in some."""
    threaded = ("lookup", "milter")
    monkeypatch.setenv("MR_PROGRAMS", str(build("tsan", *(f"{name}/mailreeve-{name}" for name in threaded))))
    running = host.Host(os.environ.get("MR_KEEP"))
    running.lay.under = ["env", f"TSAN_OPTIONS=suppressions={lent(running.lay, HERE / 'tsan.supp')}"]
    logs = run(running, 2 * MESSAGES)
    assert sanitizer_reports(logs) == {}
    assert all("stopped" in logs[f"{name}.log"] for name in threaded)
