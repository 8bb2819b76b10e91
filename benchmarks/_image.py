"""An image for a Cortex-M: C sources and a start-up of a few lines, compiled, linked and read back.

The machine has 2 MiB of flash, 512 KiB of RAM and 16 KiB of stack. The stack lies below everything else, so that an
overflow leaves the RAM. The buffers of input and output are no part of the image: they lie in memory of their own and
end where its pages end (less up to 3 bytes, for alignment).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tinynas.errors import BuildError, FlashOverflow, RamOverflow, ToolchainMissing
from tinynas.hil.image import Level, LinkedElf, Toolchain, read_elf
from tinynas.resources import resource

__all__ = ["CPUS", "Image", "build", "placed", "require"]

#: Core as this project names it.
CPUS = {
    "cortex-m0plus": "cortex-m0plus",
    "cortex-m4": "cortex-m4f",
    "cortex-m7": "cortex-m7f",
    "cortex-m33": "cortex-m33f",
}
FLASH, FLASH_BYTES = 0x0800_0000, 2 << 20
RAM, RAM_BYTES, STACK_BYTES = 0x2000_0000, 512 << 10, 16 << 10
INPUT, OUTPUT = 0x6000_0000, 0x7000_0000
PAGE = 0x1000

_START = """
#include <stdint.h>
#include "model.h"
_Static_assert(MODEL_INPUT_BYTES == HARNESS_INPUT_BYTES, "the input is not of the size that model.h states");
_Static_assert(MODEL_OUTPUT_BYTES == HARNESS_OUTPUT_BYTES, "the output is not of the size that model.h states");
extern const uint32_t data_load[];
extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern void Reset_Handler(void);

__attribute__((noinline)) void harness_ready(void) { __asm volatile("nop" ::: "memory"); }

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top, (const void *)Reset_Handler};

void Reset_Handler(void) {
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* both halves of the floating-point unit */
#endif
    __asm volatile("dsb\\n isb" ::: "memory");
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    for (;;) {
        harness_ready();
        model_invoke((const int8_t *)HARNESS_INPUT, (int8_t *)HARNESS_OUTPUT);
    }
}
"""

_LINKER_SCRIPT = f"""
MEMORY {{
    flash (rx) : ORIGIN = {FLASH}, LENGTH = {FLASH_BYTES}
    ram (rw) : ORIGIN = {RAM + STACK_BYTES}, LENGTH = {RAM_BYTES - STACK_BYTES}
}}
stack_top = {RAM + STACK_BYTES};
ENTRY(Reset_Handler)
SECTIONS {{
    .text : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(4); }} > flash
    .ARM.extab : {{ *(.ARM.extab*) }} > flash
    .ARM.exidx : {{ *(.ARM.exidx*) }} > flash
    .data : {{ data_start = .; *(.data*) . = ALIGN(4); data_end = .; }} > ram AT > flash
    data_load = LOADADDR(.data);
    .bss (NOLOAD) : {{ bss_start = .; *(.bss*) *(COMMON) . = ALIGN(4); bss_end = .; }} > ram
}}
"""


@dataclass(frozen=True)
class Image:
    """A linked image.

    Attributes:
        elf: Its contents and symbols.
        flash_bytes: Code, constants and initial values.
    """

    elf: LinkedElf
    flash_bytes: int

    @property
    def static_ram_bytes(self) -> int:
        """.data and .bss."""
        return self.elf.static_ram_bytes

    @property
    def symbols(self) -> Mapping[str, int]:
        """Addresses by name; functions without the Thumb bit."""
        return {**self.elf.symbols, **{name: address for address, name in self.elf.functions}}


def require() -> Toolchain:
    """The cross compiler of this machine; the package that runs its images is there as well.

    Raises:
        ToolchainMissing: Something is not installed.
    """
    if find_spec("unicorn") is None:
        advice = "`pip install unicorn`"
        raise ToolchainMissing("a package of the virtual core is not installed", where="unicorn", advice=advice)
    return Toolchain.detect()


def build(
    sources: Sequence[Path],
    include: Sequence[Path],
    *,
    input_bytes: int,
    output_bytes: int,
    cpu: str = "cortex-m4",
    level: Level = "2",
    defines: Sequence[str] = (),
) -> Image:
    """Compile and link; the sources at the level given, the start-up for size.

    Args:
        sources: C files that define `void model_invoke(const int8_t *in, int8_t *out)`.
        include: Folders of their headers, among them `model.h` with MODEL_INPUT_BYTES and MODEL_OUTPUT_BYTES.
        input_bytes: Bytes of one input.
        output_bytes: Bytes of one output.
        cpu: One of `CPUS`.
        level: The compiler's optimisation.
        defines: `NAME` or `NAME=VALUE`.

    Raises:
        ToolchainMissing: Something is not installed.
        FlashOverflow: More than 2 MiB of flash.
        RamOverflow: More than 496 KiB of static RAM.
        BuildError: The compiler or the linker refuses.
    """
    toolchain, core = require(), CPUS[cpu]
    buffers = {"INPUT": placed(INPUT, input_bytes), "OUTPUT": placed(OUTPUT, output_bytes)}
    sizes = {"INPUT_BYTES": input_bytes, "OUTPUT_BYTES": output_bytes}
    harness = [f"HARNESS_{name}={value}u" for name, value in {**buffers, **sizes}.items()]
    folders = [*include, Path(str(resource("firmware", "libc")))]
    with tempfile.TemporaryDirectory() as name:
        start, script, elf = Path(name, "start.c"), Path(name, "image.ld"), Path(name, "image.elf")
        start.write_text(_START, encoding="utf-8")
        script.write_text(_LINKER_SCRIPT, encoding="utf-8")
        objects = [Path(name, f"{number}.o") for number in range(len(sources))]
        for source, target in zip(sources, objects, strict=True):
            toolchain.compile(source, target, core=core, include=folders, defines=defines, optimise=level)
        for source in (start, Path(str(resource("firmware", "core", "string.c")))):
            objects.append(Path(name, f"{source.stem}.o"))
            toolchain.compile(source, objects[-1], core=core, include=folders, defines=harness, optimise="s")
        try:
            toolchain.link(objects, script, elf, core=core)
        except BuildError as error:
            raise _overflow(error) from None
        linked = read_elf(elf)
        return Image(linked, len(linked.binary))


def _overflow(error: BuildError) -> BuildError:
    """What a linker found no room for, as an error of its own."""
    found = re.search(r"region [`']?(flash|ram)'?:? overflowed", error.message)
    if found is None:
        return error
    return (FlashOverflow if found[1] == "flash" else RamOverflow)(error.message)


def placed(bank: int, size: int) -> int:
    """Address of a buffer that ends where the bank's pages end, on a boundary of four bytes."""
    return bank + (-size % PAGE & ~3)
