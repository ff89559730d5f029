"""Every row has a test that names it."""

import ast
import pathlib

from rows import ROWS


def named():
    """{row: tests} from the markers `@pytest.mark.rows(...)` of this folder."""
    found = {}
    for path in sorted(pathlib.Path(__file__).parent.glob("test_*.py")):
        for function in [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]:
            for call in [d for d in function.decorator_list if isinstance(d, ast.Call) and ast.unparse(d.func) == "pytest.mark.rows"]:
                for argument in call.args:
                    found.setdefault(argument.value, []).append(f"{path.name}::{function.name}")
    return found


def test_every_row_is_shown():
    missing = sorted(set(ROWS) - set(named()))
    assert not missing, f"no test names {missing}"


def test_no_unknown_row_is_named():
    unknown = {row: tests for row, tests in named().items() if row not in ROWS}
    assert not unknown
