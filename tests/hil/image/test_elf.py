"""Sizes and contents of ELF files, against files whose sections are known."""

from __future__ import annotations

import pytest

from tests._tools import COMPILERS
from tinynas.errors import BuildError
from tinynas.hil.image import Toolchain, read_elf

SOURCE = """
__attribute__((section(".vectors"), used)) const unsigned vectors[4] = {1, 2, 3, 4};
volatile int data[5] = {10, 20, 30, 40, 50};
volatile char bss[37];
void Reset_Handler(void) { for (;;) bss[0] = (char)data[0]; }
"""
SCRIPT = """
MEMORY { flash (rx) : ORIGIN = 0x08010000, LENGTH = 64K
         ram (rw) : ORIGIN = 0x20000000, LENGTH = 64K }
ENTRY(Reset_Handler)
SECTIONS {
    .text : { KEEP(*(.vectors)) *(.text*) . = ALIGN(4); } > flash
    .data : { *(.data*) } > ram AT > flash
    .bss (NOLOAD) : { *(.bss*) } > ram
}
"""


@pytest.fixture(params=COMPILERS)
def linked(request, tmp_path):
    source, target, script = tmp_path / "a.c", tmp_path / "a.o", tmp_path / "a.ld"
    source.write_text(SOURCE)
    script.write_text(SCRIPT)
    toolchain = Toolchain.detect(request.param)
    toolchain.compile(source, target, core="cortex-m4f", include=[])
    toolchain.link([target], script, tmp_path / "a.elf", core="cortex-m4f")
    return read_elf(tmp_path / "a.elf")


def test_the_binary_is_what_lies_in_flash(linked):
    assert linked.address == 0x0801_0000
    assert linked.binary[:16] == b"".join(n.to_bytes(4, "little") for n in (1, 2, 3, 4))
    assert linked.binary[-20:] == b"".join(n.to_bytes(4, "little") for n in (10, 20, 30, 40, 50))


def test_static_ram_is_data_and_bss(linked):
    assert linked.static_ram_bytes == 20 + 37
    assert linked.symbols["data"] == 0x2000_0000


def test_an_address_has_a_function(linked):
    start = linked.symbols["Reset_Handler"] & ~1
    assert linked.function_at(start) == linked.function_at(start | 1) == "Reset_Handler+0x0"
    assert linked.function_at(start + 2) == "Reset_Handler+0x2"
    assert linked.function_at(linked.address) is None  # the vectors
    assert linked.function_at(0x2000_0000) is None


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"no image at all"])
def test_what_is_no_image(tmp_path, content):
    path = tmp_path / "a.elf"
    path.write_bytes(content)
    with pytest.raises(BuildError, match="no image") as caught:
        read_elf(path)
    assert caught.value.where == str(path)


def test_what_is_not_there(tmp_path):
    with pytest.raises(BuildError, match="No such file"):
        read_elf(tmp_path / "a.elf")


def test_an_object_is_no_image(tmp_path):
    source, target = tmp_path / "a.c", tmp_path / "a.o"
    source.write_text(SOURCE)
    Toolchain.detect().compile(source, target, core="cortex-m4f", include=[])
    with pytest.raises(BuildError, match="nothing to be loaded"):
        read_elf(target)
