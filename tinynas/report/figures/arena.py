"""Inside a model: what lies where in its arena over time, and what each operator computes and holds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.palette import COLOURS
from tinynas.report.figures.plot import Figure
from tinynas.report.words import grouped, kib, percent

if TYPE_CHECKING:
    from tinynas.deploy import ArenaMap, OperatorCost

__all__ = ["arena_map", "operator_costs"]

_PEAK = {"peak": "best", "others": "accent"}


def arena_map(arena: ArenaMap) -> Figure:
    """What lies where in a model's arena, step by step; what is alive when most bytes are in use stands out.

    Args:
        arena: Of `deploy.map_arena`.
    """
    fullest = max(range(arena.steps), key=arena.held_at, default=0)
    kinds: dict[str, list[int]] = {"peak": [], "others": []}
    for index, slot in enumerate(arena.slots):
        kinds["peak" if slot.first <= fullest <= slot.last else "others"].append(index)
    traces = []
    for kind, indices in kinds.items():
        slots = [arena.slots[index] for index in indices]
        if not slots:
            continue
        told = [
            f"{escape(slot.label)}<br>{grouped(slot.bytes)} bytes from {grouped(slot.offset)} on"
            f"<br>{arena.step_is} {slot.first} to {slot.last}"
            for slot in slots
        ]
        traces.append(
            plot.bars(
                f"alive at the peak, {kib(arena.held_at(fullest))}" if kind == "peak" else "others",
                _PEAK[kind],
                x=[(slot.first + slot.last) / 2 for slot in slots],
                width=[slot.last - slot.first + 1 for slot in slots],
                base=[slot.offset for slot in slots],
                y=[slot.bytes for slot in slots],
                customdata=told,
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    x = plot.axis(go.layout.XAxis, f"{arena.step_is} of the inference", range=[-0.5, arena.steps - 0.5], zeroline=False)
    y = plot.axis(go.layout.YAxis, "byte of the arena", range=[0, 1.04 * max(1, arena.bytes)])
    form = plot.layout(x, y, barmode="overlay", bargap=0)
    line = {"color": COLOURS["bad"], "width": 1.5, "dash": "dash"}
    form.shapes = [go.layout.Shape(type="line", x0=0, x1=1, xref="paper", y0=arena.bytes, y1=arena.bytes, line=line)]
    return plot.draw(traces, form)


def operator_costs(costs: Sequence[OperatorCost]) -> Figure | None:
    """Share of each operator in the multiply-accumulates and in the constants of a model.

    Args:
        costs: Of `deploy.operator_costs`.

    Returns:
        The figure; None where no operator computes or holds anything.
    """
    shown = [cost for cost in costs if cost.macs or cost.constant_bytes]
    if not shown:
        return None
    titles = [escape(cost.title) for cost in shown]
    traces = []
    for name, colour, values, unit in (
        ("MACs", "accent", [cost.macs for cost in shown], "MACs"),
        ("weights", "front", [cost.constant_bytes for cost in shown], "bytes"),
    ):
        whole = sum(values) or 1
        told = [f"{grouped(value)} {unit}, {percent(value / whole)}" for value in values]
        shares = [100 * value / whole for value in values]
        more = {"customdata": told, "hovertemplate": f"%{{y}}<br>{name}: %{{customdata}}<extra></extra>"}
        traces.append(plot.bars(name, colour, orientation="h", x=shares, y=titles, **more))
    return plot.draw_ranked(traces, titles, "share of the model's (%)", row_px=26, text_px=11)
