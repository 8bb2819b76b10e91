"""The whole program measured on a board: what filter, window and path cost beside the network's own figures."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinynas.board import Board
from tinynas.deploy import Model, PathSettings, compile_path
from tinynas.errors import BoardError
from tinynas.hil.boards import FlashMethod, rig_for, started
from tinynas.hil.dut import Dut, PathStep
from tinynas.hil.figures import check_info, check_memory
from tinynas.hil.image import Runtime, Toolchain, build_image
from tinynas.hil.measure import measure
from tinynas.measurement import Measurement

__all__ = ["PATH", "PathMeasurement", "measure_path", "replay"]

PATH = Runtime("aot", "engine_path.c")
"""A compiled model with filter and path: for `build_image` with a `PathProgram`."""

_GRAVITY_M_S2 = 9.80665
_STRIDES = 2


@dataclass(frozen=True)
class PathMeasurement:
    """Costs of the program from samples to a path.

    Attributes:
        network: The network alone, in an image of its own.
        sram_bytes: The program's variables, with the firmware's, and the peak of its stack.
        flash_bytes: Its image.
        sample_cycles: A sample without an inference: filter, frame and window; the mean over a stride.
        sample_cycles_max: The slowest of them.
        stride_cycles: One stride: its samples and its inferences.
        clock_hz: Clock of the core.
        stride_s: How often a stride comes.
    """

    network: Measurement
    sram_bytes: int
    flash_bytes: int
    sample_cycles: int
    sample_cycles_max: int
    stride_cycles: int
    clock_hz: int
    stride_s: float

    @property
    def load(self) -> float:
        """Share of the core's time."""
        return self.stride_cycles / (self.clock_hz * self.stride_s)


def measure_path(
    board: Board,
    model: Model | bytes,
    settings: PathSettings,
    *,
    link: str = "virtual",
    flasher: FlashMethod = "auto",
    probe_id: str | None = None,
    toolchain: Toolchain | None = None,
) -> PathMeasurement:
    """Build the network's image and the program's, run both, and compare the costs.

    The program is given some strides of samples of a device that turns, after one that lets it settle.

    Args:
        board: The board.
        model: An int8 .tflite model of a level or north frame.
        settings: How it is fed.
        link: See `measure`.
        flasher: See `measure`.
        probe_id: See `measure`.
        toolchain: See `measure`.

    Raises:
        ConversionError: The model is not of a level or north frame; see `compile_path`.
        TinynasError: As `measure` raises them.
    """
    model = Model.of(model)
    program = compile_path(model, settings)
    network = measure(board, model, link=link, flasher=flasher, probe_id=probe_id, toolchain=toolchain)
    rig = rig_for(board, link, flasher=flasher, probe_id=probe_id)
    with tempfile.TemporaryDirectory(prefix="tinynas-") as scratch:
        image = build_image(board, program, Path(scratch), runtime=PATH, toolchain=toolchain)
        with started(rig, image) as dut:
            check_info(dut.info(), image)
            dut.start_path(primed=True)
            steps = [dut.push(sample) for sample in _turning(_STRIDES * settings.stride, settings.rate_hz)]
            memory = dut.memory()
            check_memory(memory, image)
    if [step.fresh for step in steps] != ([False] * (settings.stride - 1) + [True]) * _STRIDES:
        raise BoardError("the program did not infer once a stride", where=board.name)
    last = [step.cycles for step in steps[-settings.stride :]]
    return PathMeasurement(
        network=network,
        sram_bytes=image.static_ram_bytes + memory.stack_bytes,
        flash_bytes=image.flash_bytes,
        sample_cycles=round(sum(last[:-1]) / max(1, len(last) - 1)),
        sample_cycles_max=max(last[:-1], default=0),
        stride_cycles=sum(last),
        clock_hz=board.clock_hz,
        stride_s=settings.stride / settings.rate_hz,
    )


def replay(dut: Dut, samples: Sequence[Sequence[float]]) -> list[PathStep]:
    """Push samples (force in m/s2, rate in rad/s, field in uT) into a board's program from its start."""
    dut.start_path()
    return [dut.push(sample) for sample in samples]


def _turning(count: int, rate_hz: float) -> list[list[float]]:
    """Samples of a level device that turns about the vertical at 1 rad/s, in a field of 20 uT."""
    angle = np.arange(count) / rate_hz
    field = np.stack([20 * np.cos(angle), -20 * np.sin(angle), np.full(count, -40.0)], axis=1)
    still = np.tile([0.0, 0.0, _GRAVITY_M_S2, 0.0, 0.0, 1.0], (count, 1))
    rows: list[list[float]] = np.concatenate([still, field], axis=1).tolist()
    return rows
