"""Linker scripts and headers from the boards' descriptions; images of all boards, built and placed."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests._boards import EVERY_BOARD
from tests._tools import require
from tests.deploy._models import BUILDERS
from tests.hil.firmware._host import FIRMWARE
from tinynas.board import (
    MemoryRegion,
    Reserves,
    check_firmware,
    contiguous_spans,
    family_of,
    list_boards,
    load_board,
)
from tinynas.deploy.compiler import compile_model
from tinynas.errors import ConfigError
from tinynas.hil.image import board_files, board_header, firmware_sources, linker_script, place, write_board_files

EMULATED = Path(__file__).parents[1] / "emulator" / "netduinoplus2.yaml"
SHIPPED = [load_board(name) for name in list_boards()]
BOARDS = [*SHIPPED, load_board(EMULATED)]
KIB = 1024
F446 = load_board("nucleo_f446re")

each_shipped = pytest.mark.parametrize("board", SHIPPED, ids=lambda board: board.name)
each_board = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)


@each_shipped
def test_the_checked_in_files_are_up_to_date(board):
    folder = FIRMWARE / "boards" / board.name
    advice = f"run `python -m tinynas.hil.image firmware/boards` ({board.name})"
    assert {path.name: path.read_text() for path in folder.iterdir()} == board_files(board), advice


def test_every_folder_belongs_to_a_board():
    assert {folder.name for folder in (FIRMWARE / "boards").iterdir()} == {board.name for board in SHIPPED}


def test_every_board_has_presets_of_its_name():
    presets = json.loads((FIRMWARE / "CMakePresets.json").read_text())
    configured = {p["name"]: p["cacheVariables"] for p in presets["configurePresets"] if not p.get("hidden")}
    assert configured == {board.name: {"BOARD": board.name} for board in SHIPPED}
    assert {p["name"]: p["configurePreset"] for p in presets["buildPresets"]} == {name: name for name in configured}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("arduino_nano_33_ble", "nrf52840"),
        ("nucleo_f446re", "stm32f4"),
        ("nucleo_f746zg", "stm32f7"),
        ("nucleo_l476rg", "stm32l4"),
        ("nucleo_l4r5zi", "stm32l4plus"),
        (EMULATED, "stm32f4"),
    ],
)
def test_families(name, family):
    assert family_of(load_board(name)).name == family


@each_board
def test_the_sources_exist(board):
    names = firmware_sources(board)
    assert len(set(names)) == len(names)
    assert [name for name in names if not (FIRMWARE / name).is_file()] == []


@each_board
def test_the_model_gets_what_the_board_promises(board):
    placed = place(board)
    shares_with_firmware = placed.firmware == placed.model
    room = placed.model.size_bytes - (board.reserves.firmware_sram_bytes if shares_with_firmware else 0)
    assert room == board.sram_limit_bytes
    assert placed.stack.size_bytes == board.reserves.stack_bytes


@each_board
def test_an_overflowing_stack_leaves_the_sram(board):
    stack = place(board).stack
    assert stack.origin in {span.origin for span in contiguous_spans(board.sram)}
    assert not any(region.origin <= stack.origin - 4 < region.end for region in (*board.sram, board.flash))


def spans(*sizes, stack=4 * KIB, firmware=2 * KIB):
    regions = tuple(MemoryRegion(f"s{i}", 0x20000000 + i * 0x100000, size) for i, size in enumerate(sizes))
    reserves = Reserves(stack_bytes=stack, firmware_sram_bytes=firmware)
    return dataclasses.replace(F446, sram=regions, reserves=reserves)


@pytest.mark.parametrize(
    ("board", "stack", "firmware", "model"),
    [
        (spans(64 * KIB), (0, 4 * KIB), (4 * KIB, 60 * KIB), (4 * KIB, 60 * KIB)),
        (spans(64 * KIB, 16 * KIB), (0x100000, 4 * KIB), (0x101000, 12 * KIB), (0, 64 * KIB)),
        (spans(64 * KIB, 5 * KIB), (0x100000, 4 * KIB), (0, 64 * KIB), (0, 64 * KIB)),
        (spans(64 * KIB, 3 * KIB), (0, 4 * KIB), (0x100000, 3 * KIB), (4 * KIB, 60 * KIB)),
        (spans(64 * KIB, 3 * KIB, 8 * KIB), (0x200000, 4 * KIB), (0x100000, 3 * KIB), (0, 64 * KIB)),
        (spans(64 * KIB, stack=4091), (0, 4 * KIB), (4 * KIB, 60 * KIB), (4 * KIB, 60 * KIB)),
    ],
)
def test_reserves_go_where_they_fit(board, stack, firmware, model):
    placed = place(board)
    found = [(r.origin - 0x20000000, r.size_bytes) for r in (placed.stack, placed.firmware, placed.model)]
    assert found == [stack, firmware, model]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"mcu": "RP2350"}, "nucleo_f446re:mcu"),
        ({"core": "cortex-m33f"}, "nucleo_f446re:core"),
        ({"clock_hz": 181_000_000}, "nucleo_f446re:clock_hz"),
        ({"mcu": "STM32F411RET6", "clock_hz": 101_000_000}, "nucleo_f446re:clock_hz"),
        ({"mcu": "STM32F410RBT6", "clock_hz": 100_000_000}, "nucleo_f446re:mcu"),
        ({"mcu": "STM32F407VGT6", "clock_hz": 180_000_000}, "nucleo_f446re:clock_hz"),
        ({"uart": dataclasses.replace(F446.uart, base_address=0x40011800)}, "nucleo_f446re:uart.base_address"),
        ({"uart": dataclasses.replace(F446.uart, interrupt=37)}, "nucleo_f446re:uart.interrupt"),
        ({"trigger_pin": "P1.03"}, "nucleo_f446re:trigger_pin"),
        ({"clock_hz": 49_000_000}, "nucleo_f446re:clock_hz"),
        ({"clock_hz": 100_500_000}, "nucleo_f446re:clock_hz"),
        ({"uart": None}, "nucleo_f446re:uart"),
        ({"uart": dataclasses.replace(F446.uart, layout="stm32-v2")}, "nucleo_f446re:uart.layout"),
        ({"uart": dataclasses.replace(F446.uart, tx_pin="TX1")}, "nucleo_f446re:uart.tx_pin"),
        ({"uart": dataclasses.replace(F446.uart, rx_pin="PA16")}, "nucleo_f446re:uart.rx_pin"),
    ],
)
def test_what_the_firmware_cannot_do_is_said(change, where):
    with pytest.raises(ConfigError) as caught:
        board_header(dataclasses.replace(F446, **change))
    assert caught.value.where == where


def test_the_first_vector_is_sram_where_drives_look_for_it():
    f446, l476 = linker_script(F446), linker_script(load_board("nucleo_l476rg"))
    assert "__initial_stack = __stack_top;" in f446
    # The stack lies in SRAM2, at 0x10000000: the vector is the end of SRAM1, which has 96 KiB.
    assert "__initial_stack = 0x20018000;" in l476


def test_files_are_written(tmp_path):
    write_board_files(F446, tmp_path)
    assert sorted(path.name for path in (tmp_path / F446.name).iterdir()) == ["board.h", "memory.ld", "sources.cmake"]


# Images


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    compile_model(BUILDERS["dense_relu"](np.random.default_rng(1))).write(folder)
    return folder


@pytest.fixture(scope="module")
def image(model, tmp_path_factory):
    """Board -> address and size by section, addresses by symbol, of an image that CMake built."""
    for program in ("cmake", "arm-none-eabi-gcc"):
        require(program)

    def build(board, *options):
        folder = tmp_path_factory.mktemp(board.name)
        toolchain = f"-DCMAKE_TOOLCHAIN_FILE={FIRMWARE / 'arm-none-eabi.cmake'}"
        configure = ["cmake", "-S", FIRMWARE, "-B", folder, toolchain, f"-DBOARD={board.name}", f"-DMODEL_DIR={model}"]
        configure += options
        for command in (configure, ["cmake", "--build", folder]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "warning" not in done.stderr
        elf = folder / "image.elf"
        listed = [
            subprocess.run(command, capture_output=True, text=True, check=True).stdout
            for command in (["arm-none-eabi-size", "-A", elf], ["arm-none-eabi-nm", elf])
        ]
        sections = {m[1]: (int(m[3]), int(m[2])) for m in re.finditer(r"^(\.\w+) +(\d+) +(\d+)$", listed[0], re.M)}
        symbols = {m[2]: int(m[1], 16) for m in re.finditer(r"^(\w+) \w (\w+)$", listed[1], re.M)}
        return sections, symbols, (folder / "image.bin").read_bytes()

    return build


@pytest.mark.slow
def test_cmake_builds_mlperf_tiny_s_energy_mode(image):
    _, _, energy = image(F446, "-DENERGY_MODE=ON")
    assert b"m-timestamp-mode-energy" in energy
    assert b"m-lap-us-" not in energy
    _, _, performance = image(F446)
    assert b"m-timestamp-mode-performance" in performance


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_BOARD)
def test_cmake_builds_an_image_that_lies_where_it_should(name, image):
    board = load_board(name)
    sections, symbols, binary = image(board)
    placed = place(board)
    start = board.flash.origin + board.reserves.bootloader_flash_bytes
    assert sections[".text"][0] == start == symbols["__image_start"]
    assert len(binary) == symbols["__image_end"] - symbols["__image_start"]
    assert symbols["__stack_top"] == placed.stack.end
    # Drives refuse an image whose first vector is not in SRAM at 0x2...; the firmware sets its own stack.
    vectors = binary[check_firmware(board).boot_bytes :]  # behind what some parts' ROM starts first
    assert 0x20000000 < int.from_bytes(vectors[:4], "little") <= max(region.end for region in board.sram)
    assert int.from_bytes(vectors[4:8], "little") == symbols["Reset_Handler"] | 1
    for name, region in {".bss": placed.model, ".data": placed.model, ".firmware": placed.firmware}.items():
        address, size = sections[name]
        assert region.origin <= address <= address + size <= region.end
    assert sections[".bss"][1] > 0
    assert 0 < sections[".firmware"][1] <= board.reserves.firmware_sram_bytes
    assert len(binary) < board.reserves.firmware_flash_bytes


@pytest.mark.slow
def test_cmake_is_told_of_a_larger_stack(image):
    _, symbols, _ = image(F446, "-DSTACK_BYTES=8192")
    assert symbols["__stack_top"] - symbols["__stack_limit"] == 8192
    assert symbols["__data_start"] >= symbols["__stack_top"]


@pytest.mark.slow
def test_cmake_is_told_what_public_runners_call_the_model(image):
    pixels, others = image(F446, "-DMODEL_ID=vww01")[2], image(F446, "-DMODEL_ID=kws01")[2]
    assert b"vww01\0" in pixels
    assert pixels != others.replace(b"kws01", b"vww01")  # they are converted
