"""The two engines: from a model to what an image needs of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinynas.board import Board
from tinynas.deploy import Model, compile_model
from tinynas.errors import BuildError, ConfigError, FlashOverflow, RamOverflow, Refusal
from tinynas.hil.dut import Dut
from tinynas.hil.engines.tflm import TflmLibrary, tflm_model
from tinynas.hil.image import AOT, Image, ModelSources, Runtime, linker_regions

__all__ = ["EngineName", "Prepared", "prepared", "used_arena_bytes"]

EngineName = Literal["aot", "tflm"]

#: What the interpreter's messages are about where its arena is too small; without messages that is the likeliest cause.
_ABOUT_MEMORY = re.compile("allocat|resize buffer|arena size|does not start", re.IGNORECASE)


@dataclass(frozen=True)
class Prepared:
    """A model for one of the engines.

    Attributes:
        sources: For `build_image`.
        runtime: For `build_image`.
        macs: Multiply-accumulate operations of one inference.
        arena_least_bytes: Of SRAM that has to be left for the arena; 0 where the image contains it.
    """

    sources: ModelSources
    runtime: Runtime
    macs: int
    arena_least_bytes: int = 0

    def check_room(self, image: Image) -> None:
        """Refuse an image that cannot run before it is flashed.

        Raises:
            RamOverflow: Less SRAM is left than the arena needs at least.
        """
        if self.arena_least_bytes > image.free_bytes:
            raise RamOverflow(
                f"the arena needs at least {self.arena_least_bytes} bytes of SRAM, {image.free_bytes} are left",
                where=image.board.name,
            )


def prepared(
    model: Model | bytes, board: Board, engine: EngineName, *, tflm_root: str | Path | None = None
) -> Prepared:
    """Turn a model into sources.

    Args:
        model: An int8 .tflite model.
        board: Where it is to run.
        engine: "aot" compiles it; "tflm" leaves it to TensorFlow Lite Micro's interpreter.
        tflm_root: Of "tflm": the folder of its sources with the library; see `TflmLibrary.find`.

    Raises:
        UnsupportedOp, ConversionError: The engine does not take the model.
        ConfigError: There is no such library, or none is needed.
        FlashOverflow: The model alone is larger than the flash, where it has to lie as it is.
        ConfigError: The firmware does not run on the board.
    """
    model = Model.of(model)
    if engine == "aot":
        if tflm_root is not None:
            advice = "choose the engine tflm, or leave it out"
            raise ConfigError("compiled models use no library", where="--tflm-root", advice=advice)
        compiled = compile_model(model)
        return Prepared(compiled, AOT, compiled.macs)
    library = TflmLibrary.find(tflm_root, board.core)
    if len(model.content) > (
        limit := linker_regions(board)["flash"].size_bytes
    ):  # a compiler would take minutes to find out
        raise FlashOverflow(
            f"the model alone takes {len(model.content)} bytes of flash, {limit} are there", where=board.name
        )
    interpreted = tflm_model(model, library)
    return Prepared(interpreted, library.runtime, interpreted.macs, interpreted.arena_least_bytes)


def used_arena_bytes(dut: Dut, image: Image) -> int:
    """What the arena takes: of the image, or as the board's interpreter reports it.

    Args:
        dut: The board.
        image: What it runs.

    Raises:
        RamOverflow: The interpreter's arena does not fit into the SRAM that is left.
        BuildError: The interpreter does not run the model for another reason, in its own words.
    """
    if image.arena_bytes is not None:
        return image.arena_bytes
    if used := dut.memory().arena_bytes:
        return used
    try:
        dut.load(bytes(image.input_bytes))
        dut.infer(1)
    except Refusal as error:
        if _ABOUT_MEMORY.search(error.reason):
            raise RamOverflow(
                f"the interpreter's arena needs more than the {image.free_bytes} bytes of SRAM that are left:"
                f" {error.reason}",
                where=image.board.name,
                advice="a smaller model, or the engine aot, which needs a fraction of it",
            ) from error
        raise BuildError(f"the interpreter says: {error.reason}", where=image.board.name) from error
    raise BuildError("the interpreter reports no arena, and runs", where=image.board.name)
