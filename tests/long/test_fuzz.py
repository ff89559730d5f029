"""Every fuzz target under libFuzzer, two at a time, for MR_FUZZ_SECONDS each; by default half an hour for the filter's, whose input comes from
anybody, and ten minutes for the others. New inputs go to a folder of the run; what was found is printed, and kept
where MR_KEEP says."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

FUZZ = pathlib.Path(__file__).resolve().parents[1] / "fuzz"
TARGETS = sorted(path.stem.removeprefix("fuzz-") for path in FUZZ.glob("fuzz-*.c"))
FILTER = {"archives", "checks", "cms", "dnslist", "list-subjects", "message", "ole", "opening", "pdf", "quarantine", "received", "rules", "sa", "scan",
          "scanwire", "spam-rules", "tnef", "view"}
INPUT_SECONDS, MEMORY_MB = 10, 1024   # one input may take
SANITIZERS = {"ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}


def seconds(name):
    return int(os.environ.get("MR_FUZZ_SECONDS", "1800" if name in FILTER else "600"))


def fuzz(folder, program, name):
    """libFuzzer's exit code and log; its findings lie in `folder` under the target's name."""
    corpus = folder / f"corpus-{name}"
    corpus.mkdir()
    done = subprocess.run(
        ["nice", "-n", "19", program, f"-max_total_time={seconds(name)}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1",
         f"-artifact_prefix={folder}/{name}-", corpus, FUZZ / "corpus" / name], capture_output=True, text=True, errors="replace", check=False,
        env=SANITIZERS | os.environ)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def runs(build, request):
    """All chosen targets, begun at once: {name: future}."""
    chosen = [item.callspec.params["name"] for item in request.session.items if item.module is request.module]
    built = build("fuzz", *(f"tests/fuzz/libfuzzer-{name}" for name in chosen)) / "tests/fuzz"
    with tempfile.TemporaryDirectory(prefix="mr-fuzz-") as temporary, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(os.environ.get("MR_KEEP") or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        yield {name: pool.submit(fuzz, folder, built / f"libfuzzer-{name}", name) for name in chosen}


@pytest.mark.parametrize("name", TARGETS)
def test_fuzz(runs, name, capsys):
    code, log = runs[name].result()
    counts = dict(re.findall(r"stat::(\w+): +(\d+)", log))
    with capsys.disabled():
        print(f"\nfuzz {name}: {seconds(name)} s, {counts.get('number_of_executed_units', '?')} inputs, {counts.get('new_units_added', '?')} new, exit {code}")
    assert code == 0, log[-4000:]
    assert int(counts["number_of_executed_units"]) > 100
