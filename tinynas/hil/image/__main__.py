"""Write the files of boards that the firmware needs: `python -m tinynas.hil.image FOLDER [BOARD ...]`."""

from __future__ import annotations

import sys
from pathlib import Path

from tinynas.board import list_boards, load_board
from tinynas.hil.image import write_board_files

if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m tinynas.hil.image FOLDER [BOARD ...], such as firmware/boards")
    for name in sys.argv[2:] or list_boards():
        write_board_files(load_board(name), Path(sys.argv[1]))
