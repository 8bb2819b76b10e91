"""The firmware image of one model on one board: its own sources, the cached objects of the firmware, one link."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from zlib import crc32

from tinynas.board import Board
from tinynas.errors import BuildError, FlashOverflow, RamOverflow
from tinynas.hil.image.cache import digest, firmware_folder
from tinynas.hil.image.elf import LinkedElf, read_elf
from tinynas.hil.image.linker import linker_regions, linker_script
from tinynas.hil.image.runtime import AOT, ModelSources, Runtime
from tinynas.hil.image.toolchain import Toolchain

__all__ = ["Image", "build_image"]

#: Keeps the alignment of the variables behind the stack, and with it their size.
_STACK_STEP = 64
_OVERFLOW = re.compile(r"region [`'](\w+)'(?::)? overflowed by (\d+) bytes")


@dataclass(frozen=True)
class Image:
    """A firmware image, ready to be programmed.

    Attributes:
        board: The board it was built for.
        engine: What executes the model.
        elf: The linked file.
        binary_path: What lies in flash, as a file: for a probe's drive.
        address: Where it begins in flash.
        binary: What lies in flash.
        flash_bytes: Its size: vectors, code, weights, initial values.
        static_ram_bytes: Variables: the arena, buffers of input and output, the firmware's own.
        arena_bytes: The model's share of them; None: it is not among them, and known from a run.
        free_bytes: SRAM that no variable takes, where such an arena finds its room.
        stack_limit_bytes: Room of the stack; what it takes is known from a run.
        input_bytes: Of one input.
        output_bytes: Of one output.
        toolchain: Compiler and version.
        model_hash: Of the model's generated sources.
        image_hash: CRC-32 of the binary, which the firmware computes of its own flash as well.
    """

    board: Board = field(repr=False)
    engine: Literal["aot", "tflm"]
    elf: Path
    binary_path: Path
    address: int
    binary: bytes = field(repr=False)
    flash_bytes: int
    static_ram_bytes: int
    arena_bytes: int | None
    free_bytes: int
    stack_limit_bytes: int
    input_bytes: int
    output_bytes: int
    toolchain: str
    model_hash: str
    image_hash: str


def build_image(
    board: Board,
    model: ModelSources,
    directory: Path,
    *,
    runtime: Runtime = AOT,
    toolchain: Toolchain | None = None,
    hooks: bool = False,
    defines: Sequence[str] = (),
    energy_mode: bool = False,
) -> Image:
    """Compile and link a model with the firmware.

    Args:
        board: The board.
        model: A model that was compiled under the name "model".
        directory: Folder for the model's sources and the image; made where it is not there.
        runtime: What executes the model.
        toolchain: The compiler; None: the first that is found.
        hooks: Count each operator's cycles on request (`Dut.ops`). The calls around every operator's turns cost time:
            not for images whose latency counts.
        defines: What else the engine is compiled with, `NAME` or `NAME=VALUE`; see `hil.engines.public_defines`.
        energy_mode: MLPerf Tiny's energy build, for `hil.energy_mode.energy_board`'s board.

    Raises:
        ToolchainMissing: There is no compiler.
        FlashOverflow: The image is larger than the board's flash.
        RamOverflow: Its variables need more SRAM than there is.
        ConfigError: The firmware does not run on the board.
        BuildError: The compiler refuses.
    """
    # A library of C++ objects is GCC's, and so is what it needs of the C and C++ libraries.
    chosen = toolchain or Toolchain.detect(None if runtime.library is None else "gcc")
    if runtime.library is not None and chosen.kind != "gcc":
        raise BuildError(f"made by GCC, not to be linked by {chosen.version}", where=runtime.library.name)
    if "model.h" not in model.files:
        raise BuildError("the firmware needs a model of the name 'model'", where=", ".join(model.files))
    firmware = firmware_folder(board, chosen, ["DUT_ENERGY"] if energy_mode else [])
    model_hash = digest(model.files)
    macros = [f'MODEL_HASH="{model_hash}"', *(["MODEL_HOOKS"] if hooks else []), *runtime.defines, *defines]
    objects = []
    for source in [*model.write(directory), firmware / runtime.source]:
        objects.append(directory / f"{source.stem}.o")
        # A C++ library brings a C library's headers; the firmware's would be in their way.
        libc = [firmware / "libc"] if source.suffix == ".c" else []
        include = [directory, firmware, *libc, *runtime.include]
        chosen.compile(source, objects[-1], core=board.core, include=include, defines=macros)
    objects += sorted(firmware.glob("*.o"))
    elf, script = directory / "image.elf", firmware / "memory.ld"

    def link(script: Path) -> LinkedElf:
        chosen.link(objects, script, elf, core=board.core, library=runtime.library)
        return read_elf(elf)

    try:
        linked = link(script)
    except BuildError as error:
        raise _overflow(board, error.message) or error from None
    if model.arena_bytes is not None and (stack := _largest_stack(linked)):
        # What no variable takes is the stack's: how much a model needs of it is known from a run only.
        script = directory / script.name
        script.write_text(linker_script(board, stack), encoding="utf-8", newline="\n")
        linked = link(script)
    version = ", ".join(filter(None, (chosen.version, runtime.version)))
    return _image(board, model, runtime.engine, linked, elf, version, model_hash)


def _largest_stack(linked: LinkedElf) -> int | None:
    """Room for the stack with all that is left of its memory; None where that is nothing."""
    symbols = linked.symbols
    more = symbols["__stack_spare"] // _STACK_STEP * _STACK_STEP
    return symbols["__stack_top"] - symbols["__stack_limit"] + more if more > 0 else None


def _image(
    board: Board,
    model: ModelSources,
    engine: Literal["aot", "tflm"],
    linked: LinkedElf,
    elf: Path,
    toolchain: str,
    model_hash: str,
) -> Image:
    if linked.double_precision:
        raise BuildError(
            f"the image needs a floating-point unit of double precision, which a {board.core} here has not",
            where=elf.name,
            advice="build the library for single precision: docs/hil.md has the command",
        )
    binary_path = elf.with_suffix(".bin")
    binary_path.write_bytes(linked.binary)
    symbols = linked.symbols
    return Image(
        board=board,
        engine=engine,
        elf=elf,
        binary_path=binary_path,
        address=linked.address,
        binary=linked.binary,
        flash_bytes=len(linked.binary),
        static_ram_bytes=linked.static_ram_bytes,
        arena_bytes=model.arena_bytes,
        free_bytes=max(0, symbols["__free_end"] - symbols["__free_start"]),
        stack_limit_bytes=symbols["__stack_top"] - symbols["__stack_limit"],
        input_bytes=model.input_bytes,
        output_bytes=model.output_bytes,
        toolchain=toolchain,
        model_hash=model_hash,
        image_hash=f"{crc32(linked.binary):08x}",
    )


def _overflow(board: Board, message: str) -> BuildError | None:
    """The error that says by how much an image is too large, from what a linker printed."""
    excess: dict[str, int] = {}
    for region, size in _OVERFLOW.findall(message):
        excess[region] = max(int(size), excess.get(region, 0))  # lld says so after each section
    if not excess:
        return None
    region = "flash" if "flash" in excess else max(excess, key=lambda name: excess[name])
    limit = linker_regions(board)[region].size_bytes
    kind, what = (FlashOverflow, "flash") if region == "flash" else (RamOverflow, f"SRAM (region {region})")
    return kind(f"{limit + excess[region]} bytes of {what} are needed, {limit} are there", where=board.name)
