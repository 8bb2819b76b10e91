"""The process of a virtual board: a request on the first line of standard input, then the bytes of its serial port.

The request is a JSON object: `board` (as `Board.to_dict` has it), `elf` (path of the image, or null: the flash is
empty, and the ROM's boot loader starts), `pty` (serve a pseudo-terminal whose path is printed first, instead of the
standard streams) and `shared` (the file descriptor of `shared`, or null). The process ends when standard input does.
"""

from __future__ import annotations

import json
import os
import sys

# Unicorn warns of core registers that it takes for undefined; those of the exception model are not.
os.environ.setdefault("UC_IGNORE_REG_BREAK", "1")


def main() -> int:
    """Serve until the caller goes; 1: the board cannot be emulated, or its core is locked up."""
    from tinynas.errors import TinynasError
    from tinynas.hil.emulator.exceptions import LockUp
    from tinynas.hil.emulator.serving import serve

    request = json.loads(_line())
    try:
        serve(request)
    except (LockUp, TinynasError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _line() -> bytes:
    # Byte by byte from the descriptor: what a buffer reads ahead would be lost to the serial port.
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)


if __name__ == "__main__":
    sys.exit(main())
