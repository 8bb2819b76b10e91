"""Which parameters moved the error, and which the memory."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tinynas.report.figures import plot
from tinynas.report.figures.plot import Figure
from tinynas.report.importance import Importance
from tinynas.report.words import percent

__all__ = ["parameter_importance"]

_FIGURES = {"error": ("error", "best"), "sram": ("SRAM", "accent"), "flash": ("flash", "front")}
_MOST_ROWS = 16


def parameter_importance(found: Sequence[Importance]) -> Figure:
    """Share of each parameter in the error, the SRAM and the flash of the networks.

    Args:
        found: Of `importances`, at least one.
    """
    names = _rank(found)
    titles = [escape(name) for name in names]
    traces = []
    for one in found:
        label, colour = _FIGURES[one.figure]
        shares = [one.shares.get(name, 0.0) for name in names]
        told = [f"{percent(share)} of what moved the {label}" for share in shares]
        more = {"customdata": told, "hovertemplate": "%{y}<br>%{customdata}<extra></extra>"}
        x = [100 * share for share in shares]
        traces.append(plot.bars(label, colour, orientation="h", x=x, y=titles, **more))
    return plot.draw_ranked(traces, titles, "share (%)", row_px=34, text_px=12)


def _rank(found: Sequence[Importance]) -> list[str]:
    """The parameters that matter most for any of the figures, by what they do to the first of these."""
    names = {name for one in found for name in one.shares}
    most = sorted(names, key=lambda name: (-max(one.shares.get(name, 0.0) for one in found), name))[:_MOST_ROWS]
    return sorted(most, key=lambda name: (-found[0].shares.get(name, 0.0), name))
