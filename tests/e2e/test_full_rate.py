"""Two thousand messages of tests/long/test_rate.py: as fast as they go, while clamd, Redis, the resolver and the scanners come and go."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "long"))
os.environ.setdefault("MR_RATE_MESSAGES", "2000")

from test_rate import busy, stack, test_rate  # noqa: E402, F401 (a stack of its own, since servers that are struck serve nobody else)
