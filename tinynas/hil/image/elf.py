"""What a linked image holds: bytes of flash and RAM, the bytes to be programmed, addresses of symbols."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinynas.errors import BuildError

__all__ = ["LinkedElf", "read_elf"]

_ALLOCATED = 2  # SHF_ALLOC
_ERASED = b"\xff"
_SINGLE_PRECISION = 1  # Tag_ABI_HardFP_use


@dataclass(frozen=True)
class LinkedElf:
    """An ELF file of a Cortex-M image.

    Attributes:
        address: Where the image begins in flash.
        binary: What lies in flash from there on: vectors, code, constants, initial values of .data.
        static_ram_bytes: Sections that lie in RAM, with their padding.
        symbols: Addresses by name.
        functions: (address, name) of the functions, ascending, without the Thumb bit.
        double_precision: Whether some object was compiled for a floating-point unit of double precision.
    """

    address: int
    binary: bytes = field(repr=False)
    static_ram_bytes: int
    symbols: Mapping[str, int] = field(repr=False)
    functions: Sequence[tuple[int, str]] = field(repr=False)
    double_precision: bool = False

    def function_at(self, address: int) -> str | None:
        """`function+0x12` for an address of the code, as a fault reports it."""
        at = bisect_right(self.functions, address & ~1, key=lambda function: function[0]) - 1
        if at < 0 or not self.address <= address < self.address + len(self.binary):
            return None
        start, name = self.functions[at]
        return f"{name}+{(address & ~1) - start:#x}"


def read_elf(path: Path) -> LinkedElf:
    """Read an image.

    Raises:
        BuildError: This is no ELF file of a linked image.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as file:
            return _read(ELFFile(file))
    except (OSError, ELFError, ValueError, AttributeError) as error:
        raise BuildError(f"no image that can be read: {error}", where=str(path)) from error


def _read(elf: Any) -> LinkedElf:
    loaded = [(s["p_paddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
    if not loaded:
        raise ValueError("it has nothing to be loaded")
    address, binary = _flat(loaded)
    symbols = list(elf.get_section_by_name(".symtab").iter_symbols())
    functions = {s["st_value"] & ~1: s.name for s in symbols if s["st_info"]["type"] == "STT_FUNC"}
    in_flash = range(address, address + len(binary))
    return LinkedElf(
        address=address,
        binary=binary,
        static_ram_bytes=sum(
            s["sh_size"] for s in elf.iter_sections() if s["sh_flags"] & _ALLOCATED and s["sh_addr"] not in in_flash
        ),
        symbols={s.name: s["st_value"] for s in symbols if s.name},
        functions=sorted(functions.items()),
        double_precision=_double_precision(elf),
    )


def _double_precision(elf: Any) -> bool:
    """By the build attributes of Arm's ABI: floating-point hardware, and not single precision alone."""
    section = elf.get_section_by_name(".ARM.attributes")
    if section is None:
        return False
    found = {
        attribute.tag: attribute.value
        for vendor in section.iter_subsections()
        for scope in vendor.iter_subsubsections()
        for attribute in scope.iter_attributes()
    }
    return bool(found.get("TAG_FP_ARCH")) and found.get("TAG_ABI_HARDFP_USE") != _SINGLE_PRECISION


def _flat(pieces: Sequence[tuple[int, bytes]]) -> tuple[int, bytes]:
    """Pieces of memory as one, the gaps as erased flash."""
    start, end = min(at for at, _ in pieces), max(at + len(data) for at, data in pieces)
    whole = bytearray(_ERASED * (end - start))
    for at, data in pieces:
        whole[at - start : at - start + len(data)] = data
    return start, bytes(whole)
