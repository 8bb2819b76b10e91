"""Operating points: clocks to choose from, with the supply's power."""

import dataclasses

import pytest

from tinynas.board import Board, OperatingPoint, Power, load_board
from tinynas.errors import ConfigError

BOARD = load_board("nucleo_f446re")


def file_of(*points):
    return {**BOARD.to_dict(), "operating_points": list(points)}


def test_power_is_that_of_the_clock():
    point = {"clock_hz": 84_000_000, "active_mw": 60.0, "idle_mw": 2.5}
    board = Board.from_dict(file_of(point, {"clock_hz": 100_000_000}))
    assert board.clocks_hz == (84_000_000, 100_000_000, 180_000_000)
    assert board.power is board.at(100_000_000).power is None
    assert board.at(84_000_000).power == Power(60.0, 2.5)
    assert Board.from_dict(board.to_dict()) == board
    assert board.fingerprint != BOARD.fingerprint
    assert board.at(180_000_000) is board


@pytest.mark.parametrize(
    ("points", "key"),
    [
        ([{"clock_hz": 84_000_000, "active_mw": 60.0}], "operating_points[0]"),
        ([{"clock_hz": 84_000_000}, {"clock_hz": 84_000_000}], "operating_points[1].clock_hz"),
        ([{"clock_hz": 84_000_000, "active_mw": 0, "idle_mw": 1}], "operating_points[0].active_mw"),
        ([{"clock_hz": "84 MHz"}], "operating_points[0].clock_hz"),
        ([{"active_mw": 60.0, "idle_mw": 1.0}], "operating_points[0].clock_hz"),
        ([{"clock_hz": 84_000_000, "sleep_mw": 1.0}], "operating_points[0].sleep_mw"),
    ],
)
def test_a_wrong_point_is_told_with_its_key(points, key):
    with pytest.raises(ConfigError) as caught:
        Board.from_dict(file_of(*points), "mine.yaml")
    assert caught.value.where == f"mine.yaml:{key}"


def test_points_are_kept_when_the_board_is_changed():
    board = dataclasses.replace(BOARD, operating_points=(OperatingPoint(84_000_000, 60.0, 2.5),))
    assert board.at(84_000_000).operating_points == board.operating_points
