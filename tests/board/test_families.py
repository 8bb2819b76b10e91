"""Families of parts: which boards the firmware runs on, and that nothing else names a part."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import tinynas
from tests.hil.firmware._host import FIRMWARE
from tinynas.board import check_firmware, family_of, list_boards, load_board
from tinynas.board.families import FAMILIES
from tinynas.cost import Engine
from tinynas.errors import ConfigError

ROOT = Path(tinynas.__file__).parent


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_has_a_board_a_driver_and_a_figure_by_compiler(family):
    assert [name for name in list_boards() if family_of(load_board(name)) is family]
    assert [name for name in family.sources if not (FIRMWARE / "families" / name).is_file()] == []
    assert set(family.code_bytes) == {"gcc", "zig"}


def test_no_part_number_belongs_to_two_families():
    prefixes = [prefix for family in FAMILIES for part in family.parts for prefix in part.prefixes]
    assert not [(a, b) for a in prefixes for b in prefixes if a is not b and a.startswith(b)]


def test_no_other_module_names_a_part():
    """Except the program that talks to the boot loader in ROM, which has the name in its own."""
    pattern = re.compile("stm32(?!loader)|nrf52")
    for path in ROOT.rglob("*.py"):
        if "families" not in path.parts:
            assert not pattern.search(path.read_text(encoding="utf-8")), path


# Facts that the code did not compute: data sheets and AN2606.
@pytest.mark.parametrize(
    ("mcu", "most_mhz", "device_id"),
    [
        ("STM32F407VGT6", 168, 0x413),
        ("STM32F429ZI", 180, 0x419),
        ("stm32f446re", 180, 0x421),
        ("STM32F303RE", 72, 0x446),
        ("STM32F401RE", 84, 0x433),
        ("STM32F411RE", 100, 0x431),
        ("STM32G071RB", 64, 0x460),
        ("STM32G474RE", 170, 0x469),
        ("STM32L073RZ", 32, 0x447),
        ("STM32L475VG", 80, 0x415),
        ("STM32L476RG", 80, 0x415),
        ("STM32L4R5ZI", 120, 0x470),
        ("STM32U575ZI", 160, None),
        ("STM32H743ZI", 400, None),
        ("STM32F746ZG", 216, 0x449),
        ("nRF52840", 64, None),
        ("RP2040", 133, None),
    ],
)
def test_parts(mcu, most_mhz, device_id):
    part = next(part for family in FAMILIES if (part := family.part(mcu)))
    assert (part.most_hz, part.device_id) == (most_mhz * 1_000_000, device_id)


@pytest.mark.parametrize("mcu", ["STM32F410RBT6", "STM32L053R8", "STM32F767ZI", "nRF52832", "RP2350"])
def test_the_engine_aot_is_refused_for_other_parts(mcu):
    board = dataclasses.replace(load_board("nucleo_f446re"), mcu=mcu)
    with pytest.raises(ConfigError) as caught:
        Engine.aot(board)
    assert caught.value.where == "nucleo_f446re:mcu"


def test_the_engine_aot_is_refused_for_a_serial_port_that_the_firmware_does_not_drive():
    board = load_board("nucleo_f446re")
    lpuart = dataclasses.replace(board.uart, instance="LPUART1", base_address=0x40008000, interrupt=70)  # of an L4R5
    with pytest.raises(ConfigError) as caught:
        Engine.aot(dataclasses.replace(board, uart=lpuart))
    assert caught.value.where == "nucleo_f446re:uart.base_address"
    assert "0x40004400" in caught.value.advice


def test_an_unknown_compiler_is_named():
    with pytest.raises(ConfigError, match="'icc'"):
        Engine.aot(load_board("nucleo_f446re"), "icc")


@pytest.mark.parametrize("name", list_boards())
def test_the_firmware_runs_on_every_board(name):
    board = load_board(name)
    assert board.clock_hz in check_firmware(board).clocks_hz(family_of(board).part(board.mcu))


@pytest.mark.parametrize(
    ("mcu", "mhz", "waits"),
    [  # by the reference manuals' tables of clocks and wait states
        *[("STM32F446RE", 180, 5), ("STM32F446RE", 60, 1), ("STM32L476RG", 80, 4), ("STM32L4R5ZI", 120, 5)],
        *[("STM32G071RB", 64, 2), ("STM32L073RZ", 32, 1), ("STM32F303RE", 72, 2), ("STM32U575ZI", 160, 4)],
        *[("STM32G474RE", 170, 4), ("nRF52840", 64, 2), ("STM32F746ZG", 216, 0)],
    ],
)
def test_wait_states_of_the_flash(mcu, mhz, waits):
    [family] = [family for family in FAMILIES if family.part(mcu)]
    assert family.wait_states(mhz * 1_000_000) == waits
