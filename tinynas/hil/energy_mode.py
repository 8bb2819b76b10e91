"""MLPerf Tiny's energy build: 9600 baud, and pulses of the trigger pin in place of times.

Its runner measures energy through an interface board, which talks to the device at 9600 baud; times are the meter's.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinynas.board import Board
from tinynas.deploy import Model
from tinynas.errors import ConfigError
from tinynas.hil.boards import FlashMethod, rig_for, started
from tinynas.hil.engines import EngineName, prepared, public_defines
from tinynas.hil.figures import check_info
from tinynas.hil.image import Image, Toolchain, build_image
from tinynas.hil.parity import random_window, reference_of

__all__ = ["ENERGY_BAUD", "energy_board", "put_energy_build"]

_LOG = logging.getLogger(__name__)

ENERGY_BAUD = 9600
"""What MLPerf Tiny's interface board talks at to kws01, ic01, vww01 and ad01."""


def energy_board(board: Board) -> Board:
    """A board as its energy build has it: at 9600 baud.

    Raises:
        ConfigError: It has no serial port, or no trigger pin.
    """
    if board.uart is None:
        raise ConfigError("the board has no serial port", where=f"{board.name}:uart", advice="describe it")
    if board.trigger_pin is None:
        what = "the energy build tells a meter by a pin when inferences begin and end"
        raise ConfigError(what, where=f"{board.name}:trigger_pin", advice="name one in the board's description")
    return replace(board, uart=replace(board.uart, baud=ENERGY_BAUD))


def put_energy_build(
    board: Board,
    model: Model | bytes,
    directory: Path,
    *,
    engine: EngineName = "aot",
    tflm_root: str | Path | None = None,
    link: str = "virtual",
    flasher: FlashMethod = "auto",
    probe_id: str | None = None,
    model_id: str | None = None,
    toolchain: Toolchain | None = None,
) -> Image:
    """Build it, leave it on the board, and prove on one input that it computes what it should.

    Args:
        board: The board.
        model: An int8 .tflite model.
        directory: Keeps sources and image.
        engine: See `measure`.
        tflm_root: See `measure`.
        link: See `measure`.
        flasher: See `measure`.
        probe_id: See `measure`.
        model_id: See `measure`.
        toolchain: See `measure`.

    Raises:
        ConfigError: The board has no trigger pin, or its serial port does not meet 9600 baud.
        TinynasError: As `measure` raises them.
    """
    board, model = energy_board(board), Model.of(model)
    rig = rig_for(board, link, flasher=flasher, probe_id=probe_id)
    ready = prepared(model, board, engine, tflm_root=tflm_root)
    defines = () if model_id is None else public_defines(model_id, model)
    image = build_image(
        board,
        ready.sources,
        directory,
        runtime=ready.runtime,
        toolchain=toolchain,
        defines=defines,
        energy_mode=True,
    )
    ready.check_room(image)
    inputs = random_window(model, np.random.default_rng(0))[None]
    reference = reference_of(model, inputs)
    with started(rig, image) as dut:
        check_info(dut.info(), image)
        dut.load(inputs[0].tobytes())
        dut.infer_untimed(1)
        reference.check(0, dut.outputs(), board.name)
    _LOG.info("energy build %s is on %s", image.image_hash, board.name)
    return image
