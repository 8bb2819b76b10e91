"""Tables on terminals of any width: no figure is cut."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from tinynas.cli import console

FIGURES = ["207", "1024 KiB", "0.136", "1 min 52 s"]


def printed(table, width):
    """What a terminal shows of a table."""
    made = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            console, "stdout", lambda: Console(file=made, width=width, force_terminal=True, color_system=None)
        )
        console.print_table(table)
    return made.getvalue()


def make(names, figures, remark="", **column):
    table = Table(box=None, pad_edge=False)
    table.add_column("recording", **column)
    for number, _ in enumerate(figures):
        table.add_column(f"figure {number}", justify="right")
    table.add_column("remark")
    for name in names:
        table.add_row(name, *figures, remark)
    return table


@given(st.integers(24, 140), st.lists(st.sampled_from(FIGURES), min_size=1, max_size=9))
def test_every_figure_is_whole_and_no_line_is_too_long(width, figures):
    text = printed(make(["walk one"], figures), width)
    lines = [line.rstrip() for line in text.splitlines()]
    assert all(len(line) <= width for line in lines)
    assert "…" not in text
    for figure in figures:
        assert sum(line.count(figure) for line in lines) >= figures.count(figure)


def test_a_table_that_has_room_is_a_table():
    lines = printed(make(["walk one", "walk two"], FIGURES), 100).splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["recording", *(f"figure {n}".split()[i] for n in range(4) for i in range(2)), "remark"]


def test_a_long_text_wraps_and_the_figures_beside_it_stay():
    text = printed(make(["walk one"], ["1024 KiB"], "a remark that says much more than there is room for"), 60)
    assert "1024 KiB" in text
    assert text.startswith("recording")
    assert len(text.splitlines()) > 2


def test_below_each_other_headings_stand_before_their_figures():
    text = printed(make(["[bold]walk[/bold]"], FIGURES, "fine", no_wrap=True), 40)
    assert text.splitlines() == [
        "walk",
        "  figure 0 207,  figure 1 1024 KiB,",
        "  figure 2 0.136,  figure 3 1 min 52 s,",
        "  remark fine",
    ]
