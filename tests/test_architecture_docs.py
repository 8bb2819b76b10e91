"""docs/architecture.md says how the package is built."""

import re
from pathlib import Path

from tests.test_layers import ARROWS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def rows(title):
    """The cells of a section's table, without its head."""
    section = TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(text):
    return set(re.findall(r"`([^`]+)`", text))


def test_the_table_of_parts_is_the_map_that_is_tested():
    written = {part.strip("`"): names(below) for part, _, below in rows("The parts")}
    assert written == {name: below for name, below in ARROWS.items() if name != "__main__"}


def test_every_file_that_is_named_is_there():
    """Of a new file, whose name only the change knows, the folder is."""
    named = [name for name in names(TEXT) if "/" in name and " " not in name]
    assert len(named) > 30
    missing = [name for name in named if not (ROOT / (name if "NAME" not in name else Path(name).parent)).exists()]
    assert missing == []


def test_a_change_counts_the_files_that_it_lists():
    table = rows("Ten changes")
    assert len(table) == 10
    for change, before, now, files in table:
        listed = {name for name in names(files) if "/" in name}
        assert len(listed) == int(now), change
        assert int(now) <= min(3, int(before)) or change == "an operator of a new kind", change
