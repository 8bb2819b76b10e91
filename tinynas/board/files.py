"""The files of boards: those that are shipped, and the user's own."""

from __future__ import annotations

from pathlib import Path

from tinynas.board.board import Board
from tinynas.errors import ConfigError
from tinynas.resources import resource
from tinynas.yamlfile import did_you_mean, parse_mapping, read_user_file

__all__ = ["list_boards", "load_board"]

_ADVICE = "name one of `tinynas boards list`, or the file that describes your own: docs/boards.md"


def list_boards() -> list[str]:
    """Return the names of the shipped boards, sorted.

    Example:
        >>> "nucleo_f446re" in list_boards()
        True
    """
    return sorted(item.name[:-5] for item in resource("boards").iterdir() if item.name.endswith(".yaml"))


def load_board(name_or_path: str | Path) -> Board:
    """Read a board.

    Args:
        name_or_path: A shipped board's name (`nucleo_f446re`; case, `-` and `_` do not matter) or the path of a board
            file.

    Raises:
        ConfigError: No such board, or its file is wrong: at `file:key`.

    Example:
        >>> load_board("NUCLEO-L476RG").sram_limit_bytes // 1024
        96
    """
    text = str(name_or_path)
    name = text.lower().replace("-", "_")
    known = list_boards()
    if not isinstance(name_or_path, Path) and name in known:
        # The same key names the same file in an error, wherever tinynas is installed.
        where, content = f"boards/{name}.yaml", resource("boards", f"{name}.yaml").read_text(encoding="utf-8")
    elif isinstance(name_or_path, Path) or _looks_like_path(text):
        where, content = text, read_user_file(name_or_path, _ADVICE)
    else:
        close = did_you_mean(name, known)
        choice = close if close.startswith("known") else f"{close} Known: {', '.join(known)}"
        raise ConfigError(
            f"unknown board {text!r:.80}",
            advice=f"{choice}. The path of a board file of your own (.yaml) works too",
        )
    return Board.from_dict(parse_mapping(content, where), where)


def _looks_like_path(text: str) -> bool:
    if text.endswith((".yaml", ".yml")) or "/" in text or "\\" in text:
        return True
    try:
        return Path(text).is_file()
    except OSError:  # too long for a file name
        return False
