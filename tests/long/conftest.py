"""What takes longer than a commit should wait for. Times are set by the environment (README.md); each prints what it did."""

import os
import pathlib
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/support"))

import mailhost  # noqa: E402, F401  (it leads to packaging/stack)

COMPILED = {
    "fuzz": ("clang", ["-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false"]),
    "asan": ("gcc", ["-Db_sanitize=address,undefined", "-Db_lundef=false"]),
    "tsan": ("gcc", ["-Db_sanitize=thread", "-Db_lundef=false"]),
}


def compiled(kind, *targets):
    """The build folder of that kind, up to date, with these targets or all."""
    compiler, options = COMPILED[kind]
    folder = SOURCE / f"build-{kind}"
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", folder, *options], cwd=SOURCE, env={**os.environ, "CC": compiler}, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["nice", "-n", "19", "ninja", "-C", folder, *targets], check=True, stdout=subprocess.DEVNULL)
    return folder


def pytest_configure(config):
    config.addinivalue_line("markers", "rows(...): of the end-to-end tests, whose helpers are used here, too")


@pytest.fixture(scope="session")
def build():
    return compiled
