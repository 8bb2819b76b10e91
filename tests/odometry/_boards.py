"""C programs without a firmware around them, on the core of a virtual board in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile

from tinynas.board import load_board
from tinynas.hil.image import Toolchain
from tinynas.resources import resource

# The stack begins at the end of the first 64 KiB of RAM; the FPU is on, the cycle counter counts.
_START = """
#include <stdint.h>
void program(void);
extern uint32_t stack_top[];
static void reset(void) {
    *(volatile uint32_t *)0xE000ED88 = 0xF00000;
    *(volatile uint32_t *)0xE000EDFC = 0x1000000;
    *(volatile uint32_t *)0xE0001000 = 1;
    __asm volatile("dsb\\nisb");
    program();
    for (;;) { __asm volatile("wfi"); }
}
__attribute__((section(".vectors"), used)) static void *const vectors[16] = {stack_top, (void *)reset};
"""
_SCRIPT = """
SECTIONS {{
    .text {flash:#x} : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) }}
    .bss {ram:#x} (NOLOAD) : {{ *(.bss*) *(COMMON) }}
    stack_top = {ram:#x} + 0x10000;
    input = {data:#x};
    /DISCARD/ : {{ *(.ARM.*) *(.comment) }}
}}
"""
INPUT_OFFSET = 0x10000
"""Where `input` lies in flash, behind the program."""


class Board:
    """A program on a board. What is `extern` in C as `input` is given to `run`.

    Args:
        name: The board's name.
        folder: For files.
        sources: C files by name.
        firmware: C files below `firmware/`.
    """

    def __init__(self, name: str, folder: Path, sources: dict[str, str], firmware: Sequence[str]) -> None:
        from tinynas.hil.emulator.machine import Machine

        self.board, toolchain = load_board(name), Toolchain.detect()
        top = Path(str(resource("firmware")))
        files = [top / file for file in firmware]
        for file, text in {**sources, "start.c": _START}.items():
            (folder / file).write_text(text)
            if file.endswith(".c"):
                files.append(folder / file)
        objects = []
        for number, source in enumerate(files):
            objects.append(folder / f"{number}.o")
            include = [folder, top, top / "libc"]
            toolchain.compile(source, objects[-1], core=self.board.core, include=include)
        script, elf = folder / "program.ld", folder / "program.elf"
        flash, ram = self.board.flash.origin, self.board.sram[0].origin
        script.write_text(_SCRIPT.format(flash=flash, ram=ram, data=flash + INPUT_OFFSET))
        toolchain.link(objects, script, elf, core=self.board.core)
        with elf.open("rb") as file:
            image = ELFFile(file)
            self._code = image.get_section_by_name(".text").data()
            symbols = image.get_section_by_name(".symtab").iter_symbols()
            self._symbols = {symbol.name: (symbol["st_value"], symbol["st_size"]) for symbol in symbols}
        assert len(self._code) <= INPUT_OFFSET
        self._machine = Machine(self.board, bytearray().append, lambda: b"")

    def run(self, given: np.ndarray) -> None:
        """Run the program from reset to its end; variables stay as they were."""
        flash = self.board.flash.origin
        self._machine.program([(flash, self._code), (flash + INPUT_OFFSET, given.tobytes())])
        self._machine.run(flash)

    def read(self, name: str, dtype: type[np.generic]) -> np.ndarray:
        """A variable of the program."""
        address, size = self._symbols[name]
        return np.frombuffer(self._machine.load(address, size), dtype)
