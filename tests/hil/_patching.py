"""Images in which a function does something else: to see what the board makes of it."""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile

from tests.hil.emulator._programs import assemble


def inference(elf: Path) -> str:
    """The function with a model's operators: `model_invoke`, unless that merely calls it, as Clang has it."""
    with elf.open("rb") as file:
        (symbol,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name("model_invoke")
    return "model_invoke" if symbol["st_size"] > 32 else "model_invoke_in"


def patched(elf: Path, function: str, source: str, to: Path) -> Path:
    """A copy of an image in which a function begins with code in assembly, at an address that is a multiple of 4."""
    with elf.open("rb") as file:
        parsed = ELFFile(file)
        (symbol,) = parsed.get_section_by_name(".symtab").get_symbol_by_name(function)
        address, data = (symbol["st_value"] & ~1) + 3 & ~3, bytearray(elf.read_bytes())
        (at,) = (
            address - segment["p_vaddr"] + segment["p_offset"]
            for segment in parsed.iter_segments("PT_LOAD")
            if segment["p_vaddr"] <= address < segment["p_vaddr"] + segment["p_filesz"]
        )
    code = assemble(source)
    assert len(code) <= symbol["st_size"] - 4, "it would reach into the next function"
    if symbol["st_value"] & 2:
        data[at - 2 : at] = b"\x00\xbf"  # NOP
    data[at : at + len(code)] = code
    to.write_bytes(data)
    return to
