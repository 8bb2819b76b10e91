"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: with a convolution between them a dilated convolution, else copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from tinynas.deploy.compiler.passes.convolutions import Axis, convolution, depthwise
from tinynas.deploy.compiler.passes.movement import emit_copy
from tinynas.deploy.compiler.program.boxes import pick, pitches
from tinynas.deploy.compiler.program.builder import Builder
from tinynas.deploy.compiler.program.work import Piece
from tinynas.deploy.graph import Op

__all__ = ["Blocks", "Pending"]

_RESHAPES = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")
_CONVOLUTIONS = {"CONV_2D": convolution, "DEPTHWISE_CONV_2D": depthwise}


@dataclass(frozen=True)
class Blocks:
    """A tensor whose space was cut into interleaved blocks, in the hope that a convolution and the way back follow.

    Attributes:
        op: The SPACE_TO_BATCH_ND.
        passed: Operators since then that are put off with it, as (index, operator).
        convolution: The one among them that computes; None before it.
    """

    op: Op
    passed: tuple[tuple[int, Op], ...]
    convolution: Op | None = None


class Pending:
    """Blocks that have not found the way back yet.

    Args:
        b: The program under construction.
    """

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.blocks: dict[int, Blocks] = {}

    def takes(self) -> bool:
        """Whether the present operator belongs to blocks, and has been dealt with."""
        b, op = self.b, self.b.op
        if op.kind == "SPACE_TO_BATCH_ND":
            _amounts(b, op)
            self.blocks[op.outputs[0]] = Blocks(op, ((b.source, op),))
            return True
        found = self.blocks.get(op.inputs[0]) if op.inputs else None
        if found is None or b.uses[op.inputs[0]] != 1:
            return False
        passed = (*found.passed, (b.source, op))
        if op.kind in _RESHAPES:
            self.blocks[op.outputs[0]] = replace(found, passed=passed)
        elif op.kind in _CONVOLUTIONS and found.convolution is None and _plain(op):
            self.blocks[op.outputs[0]] = Blocks(found.op, passed, op)
        elif op.kind == "BATCH_TO_SPACE_ND" and found.convolution is not None and self._dilated(found):
            pass
        else:
            return False
        del self.blocks[op.inputs[0]]
        return True

    def settle(self) -> list[tuple[int, Op]]:
        """Operators that were put off and that the present one reads after all; they are no longer."""
        found = [self.blocks.pop(t) for t in self.b.op.inputs if t in self.blocks]
        return sorted((one for blocks in found for one in blocks.passed), key=lambda pair: pair[0])

    def _dilated(self, blocks: Blocks) -> bool:
        """Emit the convolution, dilated; False where the way back is not the way there."""
        b, back, middle = self.b, self.b.op, blocks.convolution
        assert middle is not None
        block, paddings = _amounts(b, blocks.op)
        block_back, crops = _amounts(b, back)
        source, target = blocks.op.inputs[0], back.outputs[0]
        shape, made = b.tensor(source).shape, b.tensor(target).shape
        same = b.tensor(middle.outputs[0]).quantization == b.tensor(target).quantization
        if block != block_back or not len(shape) == len(made) == len(block) + 2 <= 4 or shape[0] != 1 or not same:
            return False
        into, out_of = b.tensor(middle.inputs[0]).shape, b.tensor(middle.outputs[0]).shape
        batches = {
            b.tensor(t).shape[:1] for t in (blocks.op.outputs[0], middle.inputs[0], middle.outputs[0], back.inputs[0])
        }
        # Where the model's batch is left open, the file has the shapes of one block.
        if batches not in ({(1,)}, {(prod(block),)}):
            raise b.refuse(f"a convolution between blocks does not lead from {into} to {out_of}")
        lift = (1,) * (2 - len(block))  # a series is an image of height 1
        none = ((0, 0),) * len(lift)
        taps = b.tensor(middle.inputs[1]).shape[1:3]
        axes = []
        for size, out, n, dilation, pad, crop in zip(
            lift + shape[1:-1], lift + made[1:-1], taps, lift + block, none + paddings, none + crops, strict=True
        ):
            if size + sum(pad) - (n - 1) * dilation - sum(crop) != out:
                return False
            axes.append(Axis(size, out, n, 1, dilation, pad[0] - crop[0]))
        b.op = replace(middle, inputs=(source, *middle.inputs[1:]), outputs=(target,))
        _CONVOLUTIONS[middle.kind](b, (axes[0], axes[1]))
        return True


def to_blocks(b: Builder) -> None:
    """SPACE_TO_BATCH_ND by copying: batch n of the output holds every block-th position, from n on."""
    source, target = b.tensor(b.op.inputs[0]).shape, b.tensor(b.op.outputs[0]).shape
    block, paddings = _amounts(b, b.op)
    _check_batches(b, source, target, block)
    pieces = _interleaved(source, target, block, paddings)
    emit_copy(b, tuple(pieces), b.quantization(b.op.outputs[0]).zero_point[0])


def from_blocks(b: Builder) -> None:
    """BATCH_TO_SPACE_ND by copying."""
    source, target = b.tensor(b.op.inputs[0]).shape, b.tensor(b.op.outputs[0]).shape
    block, crops = _amounts(b, b.op)
    _check_batches(b, target, source, block)
    pieces = [
        replace(
            piece, strides_in=piece.strides_out, strides_out=piece.strides_in, offset_in=piece.offset_out,
            offset_out=piece.offset_in,
        )
        for piece in _interleaved(target, source, block, crops)
    ]  # fmt: skip
    emit_copy(b, tuple(pieces), 0)


def _check_batches(b: Builder, space: tuple[int, ...], batches: tuple[int, ...], block: tuple[int, ...]) -> None:
    same_rest = space[1 + len(block) :] == batches[1 + len(block) :]
    if len(space) != len(batches) or len(space) <= len(block) or batches[0] != space[0] * prod(block) or not same_rest:
        raise b.refuse(f"blocks of {block} do not lead from {space} to {batches}, or back")


def _plain(op: Op) -> bool:
    """Whether a convolution has neither stride nor dilation nor padding of its own."""
    unit = ("strideH", "strideW", "dilationHFactor", "dilationWFactor")
    return op.options.get("padding") == 1 and all(op.options.get(name, 1) == 1 for name in unit)


def _amounts(b: Builder, op: Op) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Blocks along each spatial axis, and the padding (or crop) before and after it."""
    block = tuple(b.integers(op.inputs[1]).reshape(-1).tolist())
    amounts = b.integers(op.inputs[2]).reshape(-1, 2).tolist()
    if not block or min(block) < 1 or len(amounts) != len(block) or min(map(min, amounts)) < 0:
        raise b.refuse("blocks and amounts that belong together are expected")
    return block, tuple((before, after) for before, after in amounts)


def _interleaved(
    space: tuple[int, ...], batches: tuple[int, ...], block: tuple[int, ...], amounts: Sequence[tuple[int, int]]
) -> list[Piece]:
    """Pieces from an array (batch, space..., rest...) to one of blocks (batches, smaller space..., rest...)."""
    pitch, pieces = pitches(batches), []
    for number, place in enumerate(product(*map(range, block))):
        ranges, start = [range(space[0])], [number * space[0]]
        axes = list(zip(space[1:], batches[1:], block, amounts, place, strict=False))
        for size, small, n, (pad, _), first in axes:
            skip = -(-max(pad - first, 0) // n)
            ranges.append(range(first + skip * n - pad, size, n)[: max(small - skip, 0)])
            start.append(skip)
        ranges += [range(n) for n in space[len(ranges) :]]
        start += [0] * (len(space) - len(start))
        if all(ranges):
            offset = sum(s * p for s, p in zip(start, pitch, strict=True))
            pieces.append(replace(pick(space, ranges), strides_out=tuple(pitch), offset_out=offset))
    return pieces
