"""docs/boards.md says what the program does."""

import re
from pathlib import Path

from tinynas.board import Board, list_boards, load_board
from tinynas.yamlfile import parse_mapping

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "boards.md").read_text(encoding="utf-8")


def test_the_table_agrees_with_the_boards():
    for name in list_boards():
        board = load_board(name)
        sizes = (board.sram_bytes, board.sram_limit_bytes, board.flash_bytes, board.flash_limit_bytes)
        (row,) = re.findall(rf"\| `{name}` \|(.*)\|\n", TEXT)
        cells = [cell.strip() for cell in row.split("|")]
        assert cells[0] == board.mcu
        assert cells[1].lower() == board.core
        assert cells[2] == f"{board.clock_hz // 1_000_000} MHz"
        assert cells[3:] == [f"{size // 1024} KiB" for size in sizes]


def test_the_example_is_a_valid_board():
    example, *additions = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    board = Board.from_dict(parse_mapping(example, "docs"))
    for addition in additions:
        Board.from_dict(parse_mapping(example + addition, "docs"))
    assert board.sram_limit_bytes == 128 * 1024  # stack and firmware fit into the CCM
