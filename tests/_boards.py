"""Boards for tests that build and run an image on each: one of every core, the others on the build server."""

from __future__ import annotations

import pytest

from tinynas.board import list_boards, load_board

__all__ = ["EVERY_BOARD"]


def _every_board() -> list[object]:
    found: list[object] = ["nucleo_f446re"]
    cores = {load_board("nucleo_f446re").core}
    for name in list_boards():
        core = load_board(name).core
        if name != "nucleo_f446re":
            found.append(pytest.param(name, marks=pytest.mark.exhaustive) if core in cores else name)
        cores.add(core)
    return found


#: Names of the shipped boards; those whose core another one has are marked `exhaustive`.
EVERY_BOARD = _every_board()
