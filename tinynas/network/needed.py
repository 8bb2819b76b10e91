"""The positions that count: from the output backwards, for any layer graph.

A network is asked for its output at the window's end, so that of most layers only some positions are ever used. These
lie on a lattice: every `step` samples, counted back from the window's end. A convolution needs of its input the gcd of
its output's spacing and its dilation; where several layers read one, it is computed on the gcd of what they need, as
far back as the one that reaches furthest. On that lattice a dilated convolution becomes one of a smaller dilation, most
often 1, with a stride, and taps that would only ever meet the zeros before the window are left out.

For temporal convolutional networks this is the pyramid form: same outputs, a fraction of the multiplications.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

from tinynas.network.layers import Convolution, Dense, Input, Layer, LayerGraph, Mean, Network, Slice

__all__ = ["Cut", "Lattice", "Plan", "Step", "Taps", "plan"]


class Lattice(NamedTuple):
    """Positions counted from the window's end: 0, step, ..., (positions - 1) step before it.

    A step of 0 is that of a single position which asks nothing of others.
    """

    step: int
    positions: int

    @property
    def reach(self) -> int:
        """From the oldest position to the newest."""
        return (self.positions - 1) * self.step


class Taps(NamedTuple):
    """A convolution on the lattice.

    Attributes:
        pad: Zeros before the first position of the input.
        taps: Newest taps of the kernel in use; older ones would meet padding at every output position.
        rate: Dilation in positions of the input.
        stride: Positions of the input from one output to the next.
    """

    pad: int
    taps: int
    rate: int
    stride: int


class Cut(NamedTuple):
    """The positions begin, begin + step, ... of a sequence, up to its last one."""

    begin: int
    step: int


class Step(NamedTuple):
    """One layer as it is computed, or a cut of the layer before.

    Attributes:
        what: The layer of the graph, or the cut.
        reads: Numbers of the steps that it reads.
        positions, channels: Of its output.
        taps: Of a convolution, None of all else.
    """

    what: Layer | Cut
    reads: tuple[int, ...]
    positions: int
    channels: int
    taps: Taps | None = None


class Plan(NamedTuple):
    """What is computed, in the order of execution.

    Attributes:
        steps: The layers and the cuts between them; the last one is the output.
        lattices: Of each layer of the graph where it is computed.
    """

    steps: tuple[Step, ...]
    lattices: tuple[Lattice, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one inference, padding included as kernels execute it."""
        return sum(self.macs_of(step) for step in self.steps)

    def macs_of(self, step: Step) -> int:
        """Multiply-accumulate operations of one step."""
        if step.taps is not None:
            assert isinstance(step.what, Convolution)
            depth = self.steps[step.reads[0]].channels // step.what.groups
            return step.positions * step.taps.taps * depth * step.channels
        return self.steps[step.reads[0]].channels * step.channels if isinstance(step.what, Dense) else 0


def plan(network: Network) -> Plan:
    """Find the positions that the output depends on, and what is computed there.

    Args:
        network: An architecture, or a layer graph.

    Returns:
        The steps. Slices of the graph become cuts; cuts stand directly behind what they cut.

    Example:
        >>> from tinynas.network.builder import GraphBuilder
        >>> net = GraphBuilder(window=200, channels=6)
        >>> x = net.convolution(net.convolution(net.window, "a", 8, taps=3, dilation=4), "b", 8, taps=3, dilation=16)
        >>> [(step.positions, step.taps) for step in plan(net.finish(net.newest(x))).steps if step.taps]
        [(3, Taps(pad=0, taps=3, rate=1, stride=4)), (1, Taps(pad=0, taps=3, rate=1, stride=1))]
    """
    graph = network.graph
    wanted, lattices = _wanted(graph)
    steps: list[Step] = []
    made: dict[tuple[int, int], int] = {}  # (layer, reader) -> step that the reader reads
    for number, layer in enumerate(graph.layers):
        reads = tuple([made[source, number] for source in graph.operands[number]])
        if isinstance(layer, Slice):  # its source is cut to it already
            at = reads[0]
        else:
            at, out = len(steps), lattices[number]
            taps = None
            if isinstance(layer, Convolution):
                taps = _taps(graph, layer, lattices[layer.source].step, steps[reads[0]].positions, out)
            count = layer.length if isinstance(layer, Input) else out.positions
            steps.append(Step(layer, reads, count, graph.shapes[number].channels, taps))
        readers = graph.readers[number]
        if number and len(readers) == 1 and not _lag(graph.layers[readers[0]]):  # a single reader decides the lattice
            made[number, readers[0]] = at
        else:
            made.update(_cut_for_readers(graph, number, at, wanted, lattices, steps))
    return Plan(tuple(steps), tuple(lattices))


def _wanted(graph: LayerGraph) -> tuple[dict[tuple[int, int], Lattice], list[Lattice]]:
    """What each reader wants of each layer, and where each layer is computed."""
    wanted: dict[tuple[int, int], Lattice] = {}
    lattices = [Lattice(0, 1)] * len(graph.layers)
    for number in range(len(graph.layers) - 1, -1, -1):
        layer, readers = graph.layers[number], graph.readers[number]
        if readers:
            parts = [wanted[number, reader] for reader in readers]
            lattices[number] = parts[0] if len(parts) == 1 else _union(parts)
        elif graph.shapes[number].length > 1:
            lattices[number] = Lattice(1, graph.shapes[number].length)
        for source in graph.operands[number]:
            wanted[source, number] = _needs(layer, lattices[number], graph.shapes[source].length)
    return wanted, lattices


def _union(parts: list[Lattice]) -> Lattice:
    """The coarsest lattice that holds all of them."""
    # Where a single position is wanted its spacing does not matter.
    step = gcd(*(part.step for part in parts if part.positions > 1)) or gcd(*(part.step for part in parts))
    reach = max(part.reach for part in parts)
    return Lattice(step, reach // step + 1 if step else 1)


def _needs(layer: Layer, out: Lattice, length: int) -> Lattice:
    """What a layer needs of its source, which has `length` positions, for an output on a lattice."""
    if isinstance(layer, Slice):
        # What lies a lag before a lattice lies on a finer one that reaches to the window's end.
        step, reach = gcd(out.step * layer.step, layer.lag), out.reach * layer.step + layer.lag
        return Lattice(step, reach // step + 1 if step else 1)
    if not isinstance(layer, Convolution):
        return Lattice(1, length) if isinstance(layer, Mean) else out
    if layer.taps == 1:
        return Lattice(out.step * layer.stride, out.positions)
    step = gcd(out.step * layer.stride, layer.dilation)
    reach = out.reach * layer.stride + (_live_taps(layer, length) - 1) * layer.dilation
    return Lattice(step, min(reach, length - 1) // step + 1)


def _live_taps(layer: Convolution, length: int) -> int:
    """Taps that can meet a sample of the window at all."""
    return min(layer.taps, (length - 1) // layer.dilation + 1)


def _taps(graph: LayerGraph, layer: Convolution, step: int, given: int, out: Lattice) -> Taps:
    """A convolution over `given` positions that lie `step` apart."""
    if layer.taps == 1:
        return Taps(0, 1, 1, 1)
    taps = _live_taps(layer, graph.shapes[layer.source].length)
    rate = layer.dilation // step or 1
    stride = out.step * layer.stride // step or 1  # a single output has nothing to stride over
    span = (out.positions - 1) * stride + (taps - 1) * rate + 1
    return Taps(span - given, taps, rate, stride)


def _cut_for_readers(
    graph: LayerGraph,
    number: int,
    at: int,
    wanted: dict[tuple[int, int], Lattice],
    lattices: list[Lattice],
    steps: list[Step],
) -> dict[tuple[int, int], int]:
    """Cut a layer's output to what each of its readers takes; readers of the same positions share a cut.

    Args:
        graph: The network.
        number: The layer.
        at: The step with its output.
        wanted: What each reader wants of each layer.
        lattices: Where each layer is computed.
        steps: Receives the cuts.

    Returns:
        (layer, reader) -> step that the reader reads.
    """
    layer, readers, computed = graph.layers[number], graph.readers[number], lattices[number]
    if isinstance(layer, Input) and readers:
        at = _cut(steps, at, Lattice(1, layer.length), computed)
    cuts: dict[tuple[Lattice, int], int] = {}
    made: dict[tuple[int, int], int] = {}
    for reader in readers:
        lattice, what = wanted[number, reader], graph.layers[reader]
        if isinstance(what, Convolution) and what.taps > 1:  # it has a stride of its own
            lattice = Lattice(computed.step, lattice.reach // computed.step + 1)
        lag = 0
        if isinstance(what, Slice) and what.lag:
            lag, lattice = what.lag, Lattice(lattices[reader].step * what.step, lattices[reader].positions)
        if (lattice, lag) not in cuts:
            cuts[lattice, lag] = _cut(steps, at, computed, lattice, lag)
        made[number, reader] = cuts[lattice, lag]
    return made


def _lag(layer: Layer) -> int:
    return layer.lag if isinstance(layer, Slice) else 0


def _cut(steps: list[Step], at: int, have: Lattice, want: Lattice, lag: int = 0) -> int:
    """The step that has just the wanted positions, `lag` samples back: `at` itself, or a cut of it."""
    spacing = have.step or 1
    begin = (have.reach - want.reach - lag) // spacing
    # A single position is cut so that the next one would lie beyond the end.
    step = want.step // spacing if want.positions > 1 else lag // spacing + 1
    if begin == 0 and step == 1:
        return at
    steps.append(Step(Cut(begin, step), (at,), want.positions, steps[at].channels))
    return len(steps) - 1
