"""Small programs in assembly that run on a virtual board's core in this process."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests._tools import needs
from tinynas.board import Board, load_board
from tinynas.hil.image import Toolchain

FLASH, RAM, STACK = 0x0800_0000, 0x2000_0000, 0x2000_2000

emulated = [pytest.mark.emulator, needs("a cross compiler"), needs("unicorn")]

_HANDLERS = {3: "hard_fault", 4: "memory_fault", 5: "bus_fault", 6: "usage_fault", 11: "svc", 14: "pendsv", 15: "tick"}
_HANDLERS |= {16 + number: f"interrupt_{number}" for number in (0, 1, 38)}


def link(source: str, elf: Path) -> Path:
    """Code at the beginning of the flash, as an ELF file."""
    toolchain, script = Toolchain.detect(), elf.with_suffix(".ld")
    script.write_text(f"SECTIONS {{ .text {FLASH:#x} : {{ *(.text*) }} /DISCARD/ : {{ *(.ARM.attributes) }} }}\n")
    options = [*toolchain.options("cortex-m4f"), "-nostdlib", "-T", str(script), "-Wl,-e,0"]
    code = elf.with_suffix(".s")
    code.write_text(f".syntax unified\n.thumb\n.text\n{source}\n")
    command = [*toolchain.command, *options, str(code), "-o", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return elf


def assemble(source: str) -> bytes:
    """Code at the beginning of the flash."""
    with tempfile.TemporaryDirectory() as folder, link(source, Path(folder, "a.elf")).open("rb") as file:
        return bytes(ELFFile(file).get_section_by_name(".text").data())


def link_program(source: str, elf: Path) -> Path:
    """A whole program as an ELF file; see `whole`."""
    return link(whole(source), elf)


@cache
def program(source: str) -> bytes:
    """The same as it lies in flash."""
    return assemble(whole(source))


def whole(source: str) -> str:
    """A program from `reset` on. It may define `hard_fault`, `svc`, `tick`, `interrupt_38` and so on.

    Handlers it does not define store the exception's number at RAM + 0x100, the frame's program counter behind it,
    then CFSR, HFSR and BFAR, and sleep for good. `results` is the beginning of the RAM in r7; `end` sleeps for good.
    """
    own = {number: name for number, name in _HANDLERS.items() if f"{name}:" in source}
    words = [f"{STACK:#x}", "reset", *(own.get(number, "unexpected") for number in range(2, 16 + 96))]
    return f"""
        .word {", ".join(words)}
        .macro put name, value
        ldr r6, =\\name
        ldr r5, =\\value
        str r5, [r6]
        .endm
        .macro end
        9: wfi
        b 9b
        .endm
        .thumb_func
        unexpected:
        ldr r7, ={RAM + 0x100:#x}
        mrs r0, ipsr
        str r0, [r7]
        mrs r0, msp
        cmp r0, r7
        ite hi
        ldrhi r0, [r0, #24]
        movls r0, #0
        ldr r1, =0xE000ED28
        ldr r2, [r1]
        ldr r3, [r1, #4]
        ldr r4, [r1, #16]
        add r7, #4
        stm r7, {{r0, r2-r4}}
        end
        .thumb_func
        reset:
        ldr r7, ={RAM:#x}
        {source}
        """


class Run:
    """A program run to where nothing more comes from the host.

    Args:
        source: See `whole`.
        host: What the host sends, in turn, each time the core sleeps.
        board: The board.
        prepare: Is given the machine before it starts.

    Attributes:
        machine: The machine.
        sent: What left the serial port.
        again: Whether the program asked for a reset.
    """

    def __init__(
        self,
        source: str,
        host: Sequence[bytes] = (),
        board: Board | str = "nucleo_f446re",
        prepare: Callable[[object], None] = lambda machine: None,
    ) -> None:
        from tinynas.hil.emulator.machine import Machine

        self.sent, waiting = bytearray(), list(host)
        board = load_board(board) if isinstance(board, str) else board
        self.machine = Machine(board, self.sent.append, lambda: waiting.pop(0) if waiting else b"")
        self.machine.program([(FLASH, program(source))])
        prepare(self.machine)
        self.again = self.machine.run()

    def words(self, count: int, offset: int = 0) -> list[int]:
        """Words of the RAM from its beginning on."""
        data = self.machine.load(RAM + offset, 4 * count)
        return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]

    @property
    def exception(self) -> int:
        """Number of the exception that no handler was there for; 0: none."""
        return self.words(1, 0x100)[0]

    @property
    def fault(self) -> tuple[int, int, int, int]:
        """The frame's program counter, CFSR, HFSR and BFAR."""
        pc, cfsr, hfsr, bfar = self.words(4, 0x104)
        return pc, cfsr, hfsr, bfar
