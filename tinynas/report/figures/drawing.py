"""A network as a picture: which moments of the window each of its layers computes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import plotly.graph_objects as go

from tinynas.network import (
    Activation,
    Addition,
    Convolution,
    Dense,
    Difference,
    Input,
    LayerGraph,
    Mean,
    Product,
    Slice,
    plan,
    sources,
)
from tinynas.report.figures import plot
from tinynas.report.figures.plot import Figure

__all__ = ["draw_network"]

_DRAWN: dict[type, str] = {
    Addition: "sum",
    Difference: "difference",
    Product: "product",
    Activation: "gate",
    Mean: "mean",
}


def draw_network(graph: LayerGraph) -> Figure:
    """Draw a layer graph: a row a layer, the window on top, a point for each position that is computed."""
    needed = plan(graph)
    spacing = _spacings(graph)
    step_of = {id(step.what): step for step in needed.steps}
    labels: list[str] = []
    x: list[int] = []
    y: list[str] = []
    texts: list[str] = []
    for number, label in _rows(graph):
        layer, lattice = graph.layers[number], needed.lattices[number]
        labels.append(label)
        times = [-lattice.step * spacing[number] * back for back in range(lattice.positions)]
        x += times
        y += [label] * len(times)
        step = step_of.get(id(layer))
        macs = needed.macs_of(step) if step else 0
        of = graph.shapes[number].length
        text = f"{len(times)} of {of} positions x {graph.shapes[number].channels} channels"
        texts += [text + (f"<br>{macs:,} MACs" if macs else "")] * len(times)
    points = plot.points("computed", x, y, plot.marker("accent", size=6), showlegend=False)
    points.update(customdata=texts, hovertemplate="%{y} at %{x}<br>%{customdata}<extra></extra>")
    layout = plot.layout(
        plot.axis(go.layout.XAxis, "samples before the end", zeroline=False),
        plot.axis(go.layout.YAxis, "", categoryorder="array", categoryarray=labels[::-1], tickfont={"size": 11}),
        height=60 + 17 * len(labels),
    )
    return plot.draw([points], layout)


def _rows(graph: LayerGraph) -> Iterator[tuple[int, str]]:
    """Layers that are drawn, with what stands beside them; what is fused into another or moves nothing is not."""
    counts: Counter[str] = Counter()
    for number, layer in enumerate(graph.layers):
        if isinstance(layer, Input):
            yield number, "window"
        elif isinstance(layer, Convolution):
            yield number, f"{layer.name}, {_extent(layer)}"
        elif isinstance(layer, Dense):
            yield number, layer.name
        elif (name := _DRAWN.get(type(layer))) and not (isinstance(layer, Activation) and layer.function == "relu"):
            counts[name] += 1
            yield number, f"{name} {counts[name]}"


def _extent(layer: Convolution) -> str:
    if layer.stride > 1:
        return f"k {layer.taps}, s {layer.stride}"
    return f"k {layer.taps}, d {layer.dilation}" if layer.taps > 1 else "1x1"


def _spacings(graph: LayerGraph) -> list[int]:
    """Samples of the window between neighbouring positions of each layer."""
    spacings: list[int] = []
    for layer in graph.layers:
        before = [spacings[source] for source in sources(layer)] or [1]
        step = 1
        if isinstance(layer, Convolution):
            step = layer.stride
        elif isinstance(layer, Slice):
            step = layer.step
        spacings.append(before[0] * step)
    return spacings
