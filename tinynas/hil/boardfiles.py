"""What the firmware has to know of a board: memory layout for the linker, facts for the compiler, sources.

The files of the shipped boards are checked in below `firmware/boards/`, so that the firmware builds without Python;
`python -m tinynas.hil.boardfiles` writes them again after a change of a board.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinynas.board import Board, MemoryRegion, contiguous_spans, list_boards, load_board
from tinynas.errors import BuildError

__all__ = [
    "Placement",
    "board_header",
    "family_of",
    "firmware_sources",
    "linker_regions",
    "linker_script",
    "place",
    "write_board_files",
]


@dataclass(frozen=True)
class _Family:
    """MCUs that one driver serves.

    Attributes:
        name: Of the file in `firmware/families/`.
        mcus: Pattern of part numbers.
        interrupts: Of the devices, at least as many as any of these MCUs has (vector tables of their manuals).
        uart: Layout of the UART that it has.
        clocks_hz: What its driver sets the core to: range(least, most + 1, step).
        sources: More files of `firmware/families/`.
    """

    name: str
    mcus: str
    interrupts: int
    uart: str
    clocks_hz: range
    sources: tuple[str, ...] = ()


def _clocks(least_mhz: int, most_mhz: int, step_mhz: int) -> range:
    return range(least_mhz * _MHZ, most_mhz * _MHZ + 1, step_mhz * _MHZ)


_MHZ = 1_000_000
_V1, _V2 = ("stm32_usart_v1.c", "stm32_trigger.c"), ("stm32_usart_v2.c", "stm32_trigger.c")
_FAMILIES = (
    _Family("stm32f4", r"STM32F4(05|07|15|17|27|29|37|39|46)", 97, "stm32-v1", _clocks(50, 180, 1), _V1),
    _Family("stm32l4", r"STM32L4(71|75|76|85|86)", 82, "stm32-v2", _clocks(32, 80, 4), _V2),
    _Family("stm32f7", r"STM32F7(45|46|50|56)", 98, "stm32-v2", _clocks(50, 216, 1), _V2),
    _Family("nrf52840", r"NRF52840", 48, "nrf-uarte", _clocks(64, 64, 64)),
)
_CORES = {"cortex-m4f": "CORTEX_M4", "cortex-m7f": "CORTEX_M7"}
_SOURCES = (
    *("core/cycles.c", "core/fault.c", "core/memory.c", "core/serial.c", "core/startup.c", "core/string.c"),
    *("core/systick.c", "core/trigger.c", "dut/crc.c", "dut/db.c", "dut/infer.c", "dut/info.c", "dut/parser.c"),
    *("dut/text.c", "main.c"),
)
#: AAPCS: the stack pointer is a multiple of 8 where a function is called.
_STACK_ALIGNMENT = 8


@dataclass(frozen=True)
class Placement:
    """Where the image's variables lie.

    Attributes:
        stack: At the start of a span of SRAM: an overflow leaves the SRAM, which is a fault, and harms no variable.
        firmware: The firmware's own variables.
        model: Everything else: the arena, buffers of input and output.
    """

    stack: MemoryRegion
    firmware: MemoryRegion
    model: MemoryRegion


def place(board: Board) -> Placement:
    """Lay out a board's SRAM so that the model gets what `Board.sram_limit_bytes` promises.

    Example:
        >>> place(load_board("nucleo_l476rg")).model.size_bytes // 1024
        96
    """
    room = {span: span.size_bytes for span in contiguous_spans(board.sram)}
    stack_bytes = -(-board.reserves.stack_bytes // _STACK_ALIGNMENT) * _STACK_ALIGNMENT
    home = {}
    # Best fit, largest first, as the board's limit counts.
    for size, name in sorted([(stack_bytes, "stack"), (board.reserves.firmware_sram_bytes, "firmware")], reverse=True):
        others = [span for span in room if span != board.model_span and room[span] >= size]
        home[name] = min(others, key=room.__getitem__, default=board.model_span)
        room[home[name]] -= size
    stack = MemoryRegion("stack", home["stack"].origin, stack_bytes)

    def behind_stack(span: MemoryRegion) -> MemoryRegion:
        taken = stack_bytes if span == home["stack"] else 0
        return MemoryRegion(span.name, span.origin + taken, span.size_bytes - taken)

    return Placement(stack, behind_stack(home["firmware"]), behind_stack(board.model_span))


def family_of(board: Board) -> str:
    """Name of the driver family in `firmware/families/`.

    Raises:
        BuildError: The firmware has no driver for this MCU.

    Example:
        >>> family_of(load_board("nucleo_f446re"))
        'stm32f4'
    """
    return _family(board).name


def _family(board: Board) -> _Family:
    for family in _FAMILIES:
        if re.match(family.mcus, board.mcu, re.IGNORECASE):
            return family
    known = ", ".join(family.name for family in _FAMILIES)
    raise BuildError(
        f"the firmware does not run on {board.mcu!r:.40}",
        where=f"{board.name}:mcu",
        advice=f"it runs on {known}; `--mode proxy` and `--mode tflm` need no firmware",
    )


def firmware_sources(board: Board) -> list[str]:
    """C files of the image, below `firmware/`; the model's and its runtime's come on top.

    Raises:
        BuildError: The firmware has no driver for this MCU.
    """
    family = _family(board)
    return [*_SOURCES, *(f"families/{name}" for name in (f"{family.name}.c", *family.sources))]


_LINKER_SCRIPT = """\
/* Generated by tinynas.hil.boardfiles from the board's description. */
MEMORY {{
{memory}
}}
__stack_limit = ORIGIN(stack);
__stack_top = ORIGIN(stack) + LENGTH(stack);
ENTRY(Reset_Handler)
SECTIONS {{
    .text : {{
        __image_start = .;
        KEEP(*(.vectors))
        *(.text .text.*)
        *(.rodata .rodata.*)
        . = ALIGN(4);
        __init_array_start = .;
        KEEP(*(SORT_BY_INIT_PRIORITY(.init_array.*) .init_array))
        __init_array_end = .;
    }} > flash
    .data : {{
        __data_start = .;
        *(.data .data.*)
        . = ALIGN(4);
        __data_end = .;
    }} > ram AT > flash
    __data_load = LOADADDR(.data);
    __image_end = LOADADDR(.data) + SIZEOF(.data);
    /* Before .bss, whose pattern would take it as well. */
    .firmware (NOLOAD) : {{
        . = ALIGN(4);
        __firmware_start = .;
        *(.bss.firmware)
        . = ALIGN(4);
        __firmware_end = .;
    }} > {firmware}
    .bss (NOLOAD) : {{
        . = ALIGN(4);
        __bss_start = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4);
        __bss_end = .;
    }} > ram
    __free_start = ALIGN(__bss_end, 16); /* as tensors are aligned */
    __free_end = ORIGIN(ram) + LENGTH(ram);
    end = __bss_end; /* newlib's name */
    PROVIDE(__exidx_start = 0);
    PROVIDE(__exidx_end = 0); /* what a C++ library refers to, though nothing unwinds */
    /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab*) }} /* nothing unwinds a stack here */
}}
"""


def linker_regions(board: Board) -> dict[str, MemoryRegion]:
    """The linker's regions: `flash`, `stack`, `ram` and, where its variables have a span of their own, `firmware`."""
    placed, boot = place(board), board.reserves.bootloader_flash_bytes
    flash = MemoryRegion("flash", board.flash.origin + boot, board.flash.size_bytes - boot)
    regions = {"flash": flash, "stack": placed.stack, "ram": placed.model}
    return regions if placed.firmware == placed.model else {**regions, "firmware": placed.firmware}


def linker_script(board: Board) -> str:
    """The GNU ld script (also understood by lld), which names a region of `linker_regions` that is too small."""
    regions = linker_regions(board)
    memory = "\n".join(
        f"    {name} ({'rx' if name == 'flash' else 'rw'}) : ORIGIN = {at.origin:#010x}, LENGTH = {at.size_bytes}"
        for name, at in regions.items()
    )
    return _LINKER_SCRIPT.format(memory=memory, firmware="firmware" if "firmware" in regions else "ram")


def board_header(board: Board) -> str:
    """The board's facts as C macros: `board.h`.

    Raises:
        BuildError: The firmware has no driver for the MCU, or the UART's facts are missing or not its family's.
    """
    lines = [f"#define {name} {value}" if value else f"#define {name}" for name, value in _macros(board)]
    title = "/* Generated by tinynas.hil.boardfiles from the board's description. */"
    return "\n".join([title, "#ifndef BOARD_H", "#define BOARD_H", "", *lines, "", "#endif", ""])


def _macros(board: Board) -> Iterator[tuple[str, str]]:
    family = _family(board)
    if board.core not in _CORES:
        raise BuildError(f"the firmware does not run on a {board.core}", where=f"{board.name}:core")
    if board.clock_hz not in family.clocks_hz:
        least, most = family.clocks_hz[0] // _MHZ, family.clocks_hz[-1] // _MHZ
        reach = f"{least} to {most} MHz in steps of {family.clocks_hz.step // _MHZ}" if least < most else f"{least} MHz"
        message = f"{family.name}'s clock is not set to {board.clock_hz / _MHZ:g} MHz"
        raise BuildError(message, where=f"{board.name}:clock_hz", advice=f"the firmware knows {reach}")
    if board.uart is None:
        raise BuildError("the board has no serial port to talk through", where=f"{board.name}:uart")
    if board.uart.layout != family.uart:
        message = f"the UART of {family.name} is of layout {family.uart}, not {board.uart.layout}"
        raise BuildError(message, where=f"{board.name}:uart.layout")
    yield "BOARD_NAME", f'"{board.name}"'
    yield f"BOARD_FAMILY_{family.name.upper()}", ""
    yield f"BOARD_CORE_{_CORES[board.core]}", ""
    yield "BOARD_CLOCK_HZ", f"{board.clock_hz}u"
    yield "BOARD_INTERRUPTS", f"{family.interrupts}u"
    yield "BOARD_UART_BASE", f"{board.uart.base_address:#010x}u"
    yield "BOARD_UART_IRQ", f"{board.uart.interrupt}u"
    yield "BOARD_UART_BAUD", f"{board.uart.baud}u"
    yield from _pin("UART_TX", board.uart.tx_pin, f"{board.name}:uart.tx_pin")
    yield from _pin("UART_RX", board.uart.rx_pin, f"{board.name}:uart.rx_pin")
    if board.uart.alternate_function is not None:
        yield "BOARD_UART_ALTERNATE", f"{board.uart.alternate_function}u"
    if board.trigger_pin is not None:
        yield from _pin("TRIGGER", board.trigger_pin, f"{board.name}:trigger_pin")


def _pin(signal: str, name: str, where: str) -> Iterator[tuple[str, str]]:
    if match := re.fullmatch(r"P([A-K])(\d{1,2})", name):  # STM32: PA2
        port, pin, pins = ord(match[1]) - ord("A"), int(match[2]), 16
    elif match := re.fullmatch(r"P([01])\.(\d{1,2})", name):  # Nordic: P1.03
        port, pin, pins = int(match[1]), int(match[2]), 32
    else:
        port, pin, pins = 0, 0, 0
    if pin >= pins:
        raise BuildError(f"{name!r} is no pin", where=where, advice="such as PA2 (STM32) or P1.03 (Nordic)")
    yield f"BOARD_{signal}_PORT", f"{port}u"
    yield f"BOARD_{signal}_PIN", f"{pin}u"


def write_board_files(board: Board, directory: Path) -> None:
    """Write `board.h` and `memory.ld` of a board to `directory/<name>/`.

    Raises:
        BuildError: The firmware does not run on the board.
    """
    files = {"board.h": board_header(board), "memory.ld": linker_script(board)}
    folder = directory / board.name
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _main(arguments: Sequence[str]) -> None:
    if not arguments:
        raise SystemExit("usage: python -m tinynas.hil.boardfiles FOLDER [BOARD ...], such as firmware/boards")
    for name in arguments[1:] or list_boards():
        write_board_files(load_board(name), Path(arguments[0]))


if __name__ == "__main__":
    _main(sys.argv[1:])
