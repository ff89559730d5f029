"""A minute of tests/long/test_soak.py: mail of every kind while the database, Redis, the resolver and our daemons are killed, stopped, slowed, the database
is read only, Redis loses its data, packets are lost. The seed it prints repeats the order of strikes (MR_SEED)."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "long"))
os.environ.setdefault("MR_SOAK_SECONDS", "60")

from test_soak import stack, test_soak  # noqa: E402, F401 (a stack of its own, since servers that are struck serve nobody else)
