"""The memory of a board, and what uses it."""

from __future__ import annotations

from collections.abc import Iterator

import plotly.graph_objects as go

from tinynas.report.figures import plot
from tinynas.report.figures.plot import Figure
from tinynas.report.view import StudyView, mapping_at, number_at
from tinynas.report.words import grouped, percent
from tinynas.study import Trial

__all__ = ["board_memory"]

_COLOURS = {
    "network": "accent",
    "image": "accent",
    "rest of the image": "front",
    "runtime": "front",
    "stack": "best",
    "firmware": "bad",
    "boot loader": "muted",
    "free": "grid",
}


_TITLES = {"network": "network (arena, model)"}


def board_memory(view: StudyView, trial: Trial) -> Figure | None:
    """SRAM and flash of the board with what uses them: the network, the runtime, what is set aside, what is free.

    Args:
        view: The study.
        trial: Whose network is on the board.

    Returns:
        The figure; None where neither the memory nor the network's share of it is known.
    """
    rows = {name: parts for name in ("flash", "SRAM") if (parts := _parts(view, trial, name.lower()))}
    if not rows:
        return None
    names = list(dict.fromkeys(part for parts in rows.values() for part in parts))
    traces = []
    for name in sorted(names, key=list(_COLOURS).index):
        held = {row: parts[name] for row, parts in rows.items() if name in parts}
        shares = [size / sum(rows[row].values()) for row, size in held.items()]
        told = [f"{grouped(size)} bytes, {percent(share)}" for size, share in zip(held.values(), shares, strict=True)]
        traces.append(
            plot.bars(
                _TITLES.get(name, name),
                _COLOURS[name],
                orientation="h",
                x=[100 * share for share in shares],
                y=list(held),
                customdata=told,
                hovertemplate=f"{_TITLES.get(name, name)}: %{{customdata}}<extra></extra>",
            )
        )
    x = plot.axis(go.layout.XAxis, "share of the memory (%)", range=[0, 100], zeroline=False)
    y = plot.axis(go.layout.YAxis, "", type="category", categoryarray=["flash", "SRAM"], categoryorder="array")
    return plot.draw(traces, plot.layout(x, y, barmode="stack", bargap=0.45, height=250))


def _parts(view: StudyView, trial: Trial, memory: str) -> dict[str, float]:
    """Bytes of each part, in the order of the bar; empty where something is unknown."""
    whole, used = number_at(view.board, f"{memory}_bytes"), number_at(trial.measurement, f"{memory}_bytes")
    if whole is None or used is None or used > whole:
        return {}
    parts = dict(_own(view, trial, memory, used))
    if not view.whole_image:
        parts |= _reserves(view, memory)
    parts = {name: size for name, size in parts.items() if size > 0}
    free = whole - sum(parts.values())
    return parts | ({"free": free} if free > 0 else {})


def _own(view: StudyView, trial: Trial, memory: str, used: float) -> Iterator[tuple[str, float]]:
    """What a network's own bytes hold."""
    if memory == "flash":
        model = None if view.whole_image else number_at(trial.measurement, "tflite_bytes")
        yield ("image", used) if model is None else ("network", model)
        if model is not None:
            yield "runtime", used - model
        return
    arena = number_at(trial.measurement, "arena_bytes") or 0.0
    stack = number_at(trial.measurement, "stack_bytes") or 0.0 if view.whole_image else 0.0
    yield "network", arena
    yield "stack", stack
    yield ("rest of the image" if view.whole_image else "runtime"), used - arena - stack


def _reserves(view: StudyView, memory: str) -> dict[str, float]:
    """What is set aside of a memory beside the network's share."""
    reserves = mapping_at(view.board, "reserves")
    keys = {"firmware": f"firmware_{memory}_bytes"}
    keys |= {"stack": "stack_bytes"} if memory == "sram" else {"boot loader": "bootloader_flash_bytes"}
    return {name: number_at(reserves, key) or 0.0 for name, key in keys.items()}
