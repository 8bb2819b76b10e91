"""Make firmware/families/rp2040_boot2.c of rp2040_boot2.S: assembled, filled up and with its checksum.

    python scripts/rp2040_boot2.py

It needs arm-none-eabi-gcc. The C file is checked in, so that nobody else needs to run it.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

FAMILIES = Path(__file__).parents[1] / "firmware" / "families"
CODE_BYTES = 252
_TITLE = "/* Made of rp2040_boot2.S by scripts/rp2040_boot2.py: 252 bytes and their checksum. */"


def checksum(data: bytes) -> int:
    """CRC-32 as the boot ROM computes it: polynomial 0x04C11DB7, the highest bit first, nothing inverted at the end."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = register << 1 ^ (0x104C11DB7 if register >> 31 else 0)
    return register


def assembled(source: Path) -> bytes:
    """The code, filled up, and its checksum."""
    with tempfile.TemporaryDirectory() as folder:
        found, binary = Path(folder, "boot2.o"), Path(folder, "boot2.bin")
        subprocess.run(["arm-none-eabi-gcc", "-c", str(source), "-o", str(found)], check=True)
        copy = ["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", str(found), str(binary)]
        subprocess.run(copy, check=True)
        code = binary.read_bytes()
    code = code.ljust(CODE_BYTES, b"\0")
    return code + checksum(code).to_bytes(4, "little")


def c_source(data: bytes) -> str:
    """The C file."""
    words = [f"0x{int.from_bytes(data[i : i + 4], 'little'):08X}u" for i in range(0, len(data), 4)]
    lines = "\n".join(f"    {', '.join(words[i : i + 8])}," for i in range(0, len(words), 8))
    declared = '__attribute__((section(".boot2"), used)) static const uint32_t boot2[64] = {'
    return f"{_TITLE}\n#include <stdint.h>\n\n{declared}\n{lines}\n}};\n"


if __name__ == "__main__":
    source = c_source(assembled(FAMILIES / "rp2040_boot2.S"))
    (FAMILIES / "rp2040_boot2.c").write_text(source, encoding="utf-8")
