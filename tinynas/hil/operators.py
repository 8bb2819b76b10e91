"""Where a model's time goes: the cycles of each of its operators, as the board counts them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinynas.board import Board
from tinynas.deploy import Model
from tinynas.errors import BoardError
from tinynas.hil.boards import FlashMethod, rig_for, started
from tinynas.hil.engines import EngineName, prepared
from tinynas.hil.figures import check_info
from tinynas.hil.image import Toolchain, build_image
from tinynas.hil.parity import normal_window
from tinynas.scratch import scratch_folder

__all__ = ["OperatorTime", "measure_operators"]

_TITLES = re.compile(r"model_operators\[\] = \{\n(.*?)\n\};", re.DOTALL)
_TITLE = re.compile(r'^    "(.*)",$', re.MULTILINE)


@dataclass(frozen=True)
class OperatorTime:
    """One operator of a model, in the order of execution.

    Attributes:
        title: Its number, kind and size, as the compiler calls it; of the engine "tflm" number and kind.
        cycles: Of all its turns in one inference. The calls that count them come on top of what it takes without.
    """

    title: str
    cycles: int


def measure_operators(
    board: Board,
    model: Model | bytes,
    *,
    engine: EngineName = "aot",
    tflm_root: str | Path | None = None,
    link: str = "virtual",
    flasher: FlashMethod = "auto",
    probe_id: str | None = None,
    toolchain: Toolchain | None = None,
) -> list[OperatorTime]:
    """Build an image that counts the cycles of each operator, and ask the board for them.

    It is another image than that of `measure`: the calls that count take time and flash.

    Args:
        board: The board.
        model: An int8 .tflite model.
        engine: See `measure`.
        tflm_root: See `measure`.
        link: See `measure`.
        flasher: See `measure`.
        probe_id: See `measure`.
        toolchain: See `measure`.

    Raises:
        BoardError: The board counts other operators than the model has.
        TinynasError: As `measure` raises them.
    """
    model = Model.of(model)
    rig = rig_for(board, link, flasher=flasher, probe_id=probe_id)
    ready = prepared(model, board, engine, tflm_root=tflm_root)
    with scratch_folder() as scratch:
        image = build_image(board, ready.sources, scratch, runtime=ready.runtime, toolchain=toolchain, hooks=True)
        ready.check_room(image)
        with started(rig, image) as dut:
            check_info(dut.info(), image)
            dut.load(normal_window(model, np.random.default_rng(0)).tobytes())
            dut.infer(1)  # `measure` times inferences whose code and constants are in the caches already
            cycles = dut.ops()
    titles = _titles(ready.sources.files) or [f"{i} {op.kind}" for i, op in enumerate(model.graph.ops)]
    if len(cycles) != len(titles):
        raise BoardError(f"the board counts {len(cycles)} operators, the model has {len(titles)}", where=board.name)
    return [OperatorTime(title, count) for title, count in zip(titles, cycles, strict=True)]


def _titles(files: Mapping[str, str]) -> list[str]:
    """What a compiled model calls its operators."""
    block = _TITLES.search(files.get("model.c", ""))
    return _TITLE.findall(block[1]) if block else []
