"""docs/reliability.md names tests that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def named():
    """Pairs of file and test; `::name` alone is of the file before it."""
    file = ""
    for path, test in re.findall(r"`(tests/[\w/]+\.py)?::(test_\w+)`", TEXT):
        file = path or file
        yield file, test


def test_every_test_that_is_named_is_there():
    assert len(list(named())) > 30
    missing = []
    for file, test in named():
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        if test not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{file}::{test}")
    assert missing == []


def test_every_row_of_a_table_names_its_test():
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and not set(line) <= set("|- ")]
    faults = [row for row in rows if not re.match(r"\| (fault|what) \|", row)]
    assert len(faults) > 30
    assert [row for row in faults if "::test_" not in row] == []
