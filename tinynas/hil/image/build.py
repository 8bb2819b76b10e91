"""The firmware image of one model on one board.

What does not depend on the model is compiled once: its objects stay in the user's cache folder, in a folder named after
everything they depend on. A candidate then costs the compilation of its own sources and one link.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from platformdirs import user_cache_path

from tinynas.board import Board
from tinynas.errors import BuildError, FlashOverflow, RamOverflow
from tinynas.hil.image.boardfiles import FAST_SOURCE, board_header, firmware_sources
from tinynas.hil.image.elf import LinkedElf, read_elf
from tinynas.hil.image.linker import linker_regions, linker_script
from tinynas.hil.image.runtime import AOT, ModelSources, Runtime
from tinynas.hil.image.toolchain import Toolchain
from tinynas.resources import resource

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

__all__ = ["Image", "build_image", "cache_folder"]

_HASH_DIGITS = 16
#: Keeps the alignment of the variables behind the stack, and with it their size.
_STACK_STEP = 64
_STALE_S = 30 * 24 * 3600.0
_OVERFLOW = re.compile(r"region [`'](\w+)'(?::)? overflowed by (\d+) bytes")


@dataclass(frozen=True)
class Image:
    """A firmware image, ready to be programmed.

    Attributes:
        board: The board it was built for.
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
    firmware = _firmware(board, chosen)
    model_hash = _digest(model.files)
    defines = [f'MODEL_HASH="{model_hash}"', *(["MODEL_HOOKS"] if hooks else []), *runtime.defines]
    objects = []
    for source in [*model.write(directory), firmware / runtime.source]:
        objects.append(directory / f"{source.stem}.o")
        # A C++ library brings a C library's headers; the firmware's would be in their way.
        libc = [firmware / "libc"] if source.suffix == ".c" else []
        include = [directory, firmware, *libc, *runtime.include]
        chosen.compile(source, objects[-1], core=board.core, include=include, defines=defines)
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
    return _image(board, model, linked, elf, version, model_hash)


def _largest_stack(linked: LinkedElf) -> int | None:
    """Room for the stack with all that is left of its memory; None where that is nothing."""
    symbols = linked.symbols
    more = symbols["__stack_spare"] // _STACK_STEP * _STACK_STEP
    return symbols["__stack_top"] - symbols["__stack_limit"] + more if more > 0 else None


def _image(board: Board, model: ModelSources, linked: LinkedElf, elf: Path, toolchain: str, model_hash: str) -> Image:
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


def cache_folder() -> Path:
    """The user's folder for what can be made again; `TINYNAS_CACHE` names another one."""
    if chosen := os.environ.get("TINYNAS_CACHE"):
        return Path(chosen)
    return user_cache_path("tinynas", appauthor=False)


def _firmware(board: Board, toolchain: Toolchain) -> Path:
    """A folder with the firmware's sources, the board's files and their objects."""
    files = dict(_tree(resource("firmware"), "")) | {"board.h": board_header(board), "memory.ld": linker_script(board)}
    sources = firmware_sources(board)
    key = _digest(files, toolchain.version, *toolchain.options(board.core), *sources)
    home = cache_folder() / "firmware"
    folder = home / f"{board.name}-{toolchain.kind}-{key}"
    if folder.is_dir():
        with suppress(OSError):  # a cache that is only to be read serves as well
            os.utime(folder)  # it is in use
        return folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Under another name until it is complete: a build beside this one, or one that is killed, leaves no half.
        part = Path(tempfile.mkdtemp(prefix="part-", dir=home))
    except OSError as error:
        raise BuildError(
            f"the cache folder cannot be written to: {error.strerror}",
            where=str(home),
            advice="set TINYNAS_CACHE to one that can",
        ) from error
    try:
        _compile_firmware(files, sources, part, board, toolchain)
        _rename(part, folder)
        _remove_stale(home)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _compile_firmware(
    files: Mapping[str, str], sources: list[str], folder: Path, board: Board, toolchain: Toolchain
) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for name in sources:
        toolchain.compile(
            folder / name,
            folder / f"{name.replace('/', '-')}.o",
            core=board.core,
            include=[folder, folder / "libc"],
            optimise="2" if name == FAST_SOURCE else "s",
        )


def _rename(part: Path, folder: Path) -> None:
    try:
        part.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster, with the same content
            raise


def _remove_stale(home: Path) -> None:
    """Remove what nobody has used for long: another version's objects, or a build that was killed."""
    for folder in home.iterdir():
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_S:
                shutil.rmtree(folder)


def _tree(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    """Texts of the firmware's sources and headers; the kernels come with the model, board files from the board."""
    for item in folder.iterdir():
        if item.is_dir() and item.name not in ("kernels", "boards"):
            yield from _tree(item, f"{prefix}{item.name}/")
        elif item.name.endswith((".c", ".cc", ".h")):
            yield prefix + item.name, item.read_text(encoding="utf-8")


def _digest(files: Mapping[str, str], *more: str) -> str:
    sha = hashlib.sha256()
    for part in [text for pair in sorted(files.items()) for text in pair] + list(more):
        sha.update(hashlib.sha256(part.encode()).digest())
    return sha.hexdigest()[:_HASH_DIGITS]
