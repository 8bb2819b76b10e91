"""An image for a Cortex-M4F or M7: C sources and a start-up of a few lines, compiled, linked and read back.

The machine has 2 MiB of flash, 512 KiB of RAM and 16 KiB of stack. The stack lies below everything else, so that an
overflow leaves the RAM. The buffers of input and output are no part of the image: they lie in memory of their own and
end where its pages end (less up to 3 bytes, for alignment).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tinynas.errors import BuildError, FlashOverflow, RamOverflow, ToolchainMissing

__all__ = ["CPUS", "Image", "build", "compiler_version", "placed", "require"]

_COMPILER = "arm-none-eabi-gcc"
#: Their floating-point units, of single precision.
CPUS = {"cortex-m4": "fpv4-sp-d16", "cortex-m7": "fpv5-sp-d16"}
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
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* both halves of the floating-point unit */
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
        flash_bytes: Code, constants and initial values.
        static_ram_bytes: .data and .bss.
        symbols: Addresses by name; functions without the Thumb bit.
        functions: (address, name) of the functions, ascending.
        load: (address, bytes) of what lies in flash.
    """

    flash_bytes: int
    static_ram_bytes: int
    symbols: Mapping[str, int]
    functions: Sequence[tuple[int, str]]
    load: Sequence[tuple[int, bytes]]

    def function_at(self, address: int) -> tuple[str, int] | None:
        """Function that holds an address, and the distance from its start."""
        at = bisect_right(self.functions, address, key=lambda function: function[0]) - 1
        in_flash = FLASH <= address < FLASH + self.flash_bytes
        return (self.functions[at][1], address - self.functions[at][0]) if in_flash and at >= 0 else None


def require() -> str:
    """Path of the cross compiler; the packages that run its images are there as well.

    Raises:
        ToolchainMissing: Something is not installed.
    """
    compiler = shutil.which(_COMPILER)
    if compiler is None:
        raise ToolchainMissing(
            "no compiler for Cortex-M",
            where=_COMPILER,
            advice="`apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi`, or Arm's GNU toolchain on the PATH",
        )
    specs = subprocess.run([compiler, "-print-file-name=nano.specs"], capture_output=True, text=True, check=True)
    if not Path(specs.stdout.strip()).is_absolute():  # the bare name comes back when there is no such file
        raise ToolchainMissing(
            "the compiler has no C library", where=compiler, advice="`apt-get install libnewlib-arm-none-eabi`"
        )
    for module, package in (("unicorn", "unicorn"), ("elftools", "pyelftools")):
        if find_spec(module) is None:
            raise ToolchainMissing(
                "a package of the virtual core is not installed", where=package, advice=f"`pip install {package}`"
            )
    return compiler


def compiler_version() -> str:
    """The cross compiler's name and version.

    Raises:
        ToolchainMissing: Something is not installed.
    """
    done = subprocess.run([require(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


def build(
    sources: Sequence[Path],
    include: Sequence[Path],
    *,
    input_bytes: int,
    output_bytes: int,
    cpu: str = "cortex-m4",
    flags: Sequence[str] = ("-O2",),
    defines: Sequence[str] = (),
) -> Image:
    """Compile and link; the sources with the flags given, the start-up for size.

    Args:
        sources: C files that define `void model_invoke(const int8_t *in, int8_t *out)`.
        include: Folders of their headers, among them `model.h` with MODEL_INPUT_BYTES and MODEL_OUTPUT_BYTES.
        input_bytes: Bytes of one input.
        output_bytes: Bytes of one output.
        cpu: One of `CPUS`.
        flags: Of the compiler.
        defines: `NAME` or `NAME=VALUE`.

    Raises:
        ToolchainMissing: Something is not installed.
        FlashOverflow: More than 2 MiB of flash.
        RamOverflow: More than 496 KiB of static RAM.
        BuildError: The compiler or the linker refuses.
    """
    compiler = require()
    target = [f"-mcpu={cpu}", f"-mfpu={CPUS[cpu]}", "-mfloat-abi=hard", "-mthumb", "-std=c11"]
    target += [*(f"-I{folder}" for folder in include), "-ffunction-sections", "-fdata-sections"]
    buffers = {"INPUT": placed(INPUT, input_bytes), "OUTPUT": placed(OUTPUT, output_bytes)}
    sizes = {"INPUT_BYTES": input_bytes, "OUTPUT_BYTES": output_bytes}
    harness = [f"-DHARNESS_{name}={value}u" for name, value in {**buffers, **sizes}.items()]
    with tempfile.TemporaryDirectory() as name:
        start, script, elf = Path(name, "start.c"), Path(name, "image.ld"), Path(name, "image.elf")
        start.write_text(_START, encoding="utf-8")
        script.write_text(_LINKER_SCRIPT, encoding="utf-8")
        # Freestanding, or the loops of the start-up become calls of the C library.
        _compile([compiler, *target, "-Os", "-ffreestanding", *harness, "-c", str(start), "-o", f"{start}.o"])
        own = [*(f"-D{define}" for define in defines), *flags, *map(str, sources), f"{start}.o"]
        link = ["-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections", f"-T{script}", "-lm", "-o", str(elf)]
        _compile([compiler, *target, *own, *link])
        return _read(elf)


def _compile(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        overflow = {"`flash' overflowed": FlashOverflow, "`ram' overflowed": RamOverflow}
        kind = next((kind for words, kind in overflow.items() if words in done.stderr), BuildError)
        raise kind(f"{_COMPILER} failed:\n{done.stderr.strip()}")


def _read(elf: Path) -> Image:
    """Sizes, symbols and contents of an ELF file."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        parsed = ELFFile(file)
        loaded = [section for section in parsed.iter_sections() if section["sh_flags"] & 2]  # SHF_ALLOC
        symbols = list(parsed.get_section_by_name(".symtab").iter_symbols())
        functions = sorted((s["st_value"] & ~1, s.name) for s in symbols if s["st_info"]["type"] == "STT_FUNC")
        return Image(
            flash_bytes=sum(s["sh_size"] for s in loaded if s["sh_type"] != "SHT_NOBITS"),
            static_ram_bytes=sum(s["sh_size"] for s in loaded if s["sh_addr"] >= RAM),
            symbols={s.name: s["st_value"] for s in symbols} | {name: address for address, name in functions},
            functions=functions,
            load=[(s["p_paddr"], s.data()) for s in parsed.iter_segments() if s["p_filesz"]],
        )


def placed(bank: int, size: int) -> int:
    """Address of a buffer that ends where the bank's pages end, on a boundary of four bytes."""
    return bank + (-size % PAGE & ~3)
