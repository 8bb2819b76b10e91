"""Sections about the inside of one network: its layers, its arena, its operators, its learning."""

from __future__ import annotations

from collections.abc import Iterator

from tinynas.network import describe as describe_network
from tinynas.report.html.sections import Plot, Section
from tinynas.report.trial_view import TrialView, arena_of, costs_of
from tinynas.report.words import bind, grouped, kib, layer_graph, macs

__all__ = ["inside_sections", "memory_section", "paths_section"]


def inside_sections(one: TrialView, whose: str) -> Iterator[Section]:
    """The layers of a network, and what its model holds and computes.

    Args:
        one: The trial.
        whose: The network, in words: `the best network`.
    """
    from tinynas.report.figures import arena_map, draw_network, operator_costs

    graph = layer_graph(one.trial.architecture)
    if graph is not None:
        note = f"A point for each moment that a layer of {whose} computes; nothing else is ever used."
        alt = f"The layers of {whose} over {graph.window.length} samples: {describe_network(graph)}."
        yield Section("The network", note, plots=(Plot("network", draw_network(graph), alt),))
    if arena := arena_of(one):
        peak = max((arena.held_at(step) for step in range(arena.steps)), default=0)
        note = (
            f"What lies where while {whose} is computed: {kib(arena.bytes)} in all, of which {kib(peak)} are in use at "
            "the fullest moment. What is alive then stands out. What outlasts an inference is not drawn."
        )
        alt = f"Buffers over {arena.steps} {arena.step_is}s of the inference; at most {grouped(peak)} bytes at a time."
        yield Section("Arena over time", bind(note), plots=(Plot("arena", arena_map(arena), alt),))
    costs = costs_of(one)
    figure = operator_costs(costs)
    if figure is not None:
        work, held = sum(cost.macs for cost in costs), sum(cost.constant_bytes for cost in costs)
        note = f"{macs(work)} multiply-accumulates and {kib(held)} of constants, operator by operator."
        alt = f"Share of {len(costs)} operators in the multiply-accumulates and in the constants of {whose}."
        yield Section("Cost by operator", bind(note), plots=(Plot("operators", figure, alt),))


def memory_section(one: TrialView, whose: str) -> Iterator[Section]:
    """The memory of the board with what uses it; nothing where that is not known."""
    from tinynas.report.figures import board_memory

    figure = board_memory(one.study, one.trial)
    if figure is None:
        return
    parts = ", ".join(
        f"{kib(one.study.board.get(f'{memory}_bytes'))} of {name}"
        for memory, name in (("sram", "SRAM"), ("flash", "flash"))
    )
    note = f"{one.study.title} has {parts}. What of it {whose} uses, what is set aside, and what is free."
    alt = f"SRAM and flash of {one.study.title} as two bars, parted by what uses them."
    yield Section("The board's memory", bind(note), plots=(Plot("memory", figure, alt, low=True),))


def paths_section(one: TrialView) -> Iterator[Section]:
    """The paths over the test recordings; nothing without them."""
    if one.recordings:
        note = "The path seen from above: predicted velocities added up from the true start, without any correction."
        if any(recording.get("compass") for recording in one.recordings):
            note += " A compass: a constant velocity in the axes of a device whose attitude is known."
        names = tuple(str(recording.get("name", index)) for index, recording in enumerate(one.recordings))
        yield Section("True and predicted path", note, recordings=names)
