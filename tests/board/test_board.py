"""Boards: the facts of the shipped ones, the limits a search obeys, and what a user's own file may get wrong."""

import dataclasses
import itertools
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynas.board import Board, MemoryRegion, Probe, Reserves, contiguous_spans, list_boards, load_board
from tinynas.errors import ConfigError

KIB = 1024
MINIMAL = """\
name: mine
mcu: STM32F405RG
core: cortex-m4f
clock_hz: 168_000_000
flash: {name: flash, origin: 0x08000000, size_bytes: 1 MiB}
sram:
  - {name: sram, origin: 0x20000000, size_bytes: 128 KiB}
"""


@pytest.fixture
def board_file(tmp_path):
    def write(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def board_of(*sizes, gap=0, stack=4 * KIB, firmware=2 * KIB):
    """A board whose SRAM regions of `sizes` bytes follow each other with `gap` bytes between."""
    regions, address = [], 0x20000000
    for index, size in enumerate(sizes):
        regions.append(MemoryRegion(f"sram{index}", address, size))
        address += size + gap
    return Board(
        name="test",
        mcu="test",
        core="cortex-m4f",
        clock_hz=1,
        flash=MemoryRegion("flash", 0x08000000, 512 * KIB),
        sram=tuple(regions),
        reserves=Reserves(stack_bytes=stack, firmware_sram_bytes=firmware),
    )


# The shipped boards


@pytest.mark.parametrize(
    ("name", "mcu", "core", "clock_mhz", "sram_kib", "sram_limit_kib", "flash_kib", "flash_limit_kib"),
    [
        ("nucleo_f446re", "STM32F446RE", "cortex-m4f", 180, 128, 122, 512, 496),
        ("nucleo_l476rg", "STM32L476RG", "cortex-m4f", 80, 128, 96, 1024, 1008),
        ("nucleo_f746zg", "STM32F746ZG", "cortex-m7f", 216, 320, 314, 1024, 1008),
        ("arduino_nano_33_ble", "nRF52840", "cortex-m4f", 64, 256, 250, 1024, 944),
        ("b_l475e_iot01a", "STM32L475VG", "cortex-m4f", 80, 128, 96, 1024, 1008),
        ("nucleo_f303re", "STM32F303RE", "cortex-m4f", 72, 80, 64, 512, 496),
        ("nucleo_f401re", "STM32F401RE", "cortex-m4f", 84, 96, 90, 512, 496),
        ("nucleo_f411re", "STM32F411RE", "cortex-m4f", 100, 128, 122, 512, 496),
        ("nucleo_g071rb", "STM32G071RB", "cortex-m0plus", 64, 36, 30, 128, 112),
        ("nucleo_g474re", "STM32G474RE", "cortex-m4f", 170, 128, 122, 512, 496),
        ("nucleo_h743zi2", "STM32H743ZI", "cortex-m7f", 400, 640, 512, 2048, 2032),
        ("nucleo_l073rz", "STM32L073RZ", "cortex-m0plus", 32, 20, 14, 192, 176),
        ("nucleo_l4r5zi", "STM32L4R5ZI", "cortex-m4f", 120, 640, 634, 2048, 2032),
        ("nucleo_u575zi_q", "STM32U575ZI", "cortex-m33f", 160, 768, 762, 2048, 2032),
        ("raspberry_pi_pico", "RP2040", "cortex-m0plus", 125, 264, 258, 2048, 2032),
    ],
)
def test_facts_of_the_shipped_boards(name, mcu, core, clock_mhz, sram_kib, sram_limit_kib, flash_kib, flash_limit_kib):
    board = load_board(name)
    assert (board.mcu, board.core, board.clock_hz) == (mcu, core, clock_mhz * 1_000_000)
    assert (board.sram_bytes, board.sram_limit_bytes) == (sram_kib * KIB, sram_limit_kib * KIB)
    assert (board.flash_bytes, board.flash_limit_bytes) == (flash_kib * KIB, flash_limit_kib * KIB)


@pytest.mark.parametrize("name", list_boards())
def test_every_shipped_board_is_complete_and_cites_its_sources(name):
    board = load_board(name)
    assert board.name == name
    assert board.uart is not None
    assert board.probe is not None
    assert {"core, clock", "uart", "uart wiring", "probe"} <= set(board.sources)


@pytest.mark.parametrize(
    ("name", "base_address", "layout"),
    [
        ("nucleo_f446re", 0x40004400, "stm32-v1"),
        ("nucleo_l476rg", 0x40004400, "stm32-v2"),
        ("nucleo_f746zg", 0x40004800, "stm32-v2"),
        ("arduino_nano_33_ble", 0x40002000, "nrf-uarte"),
        ("b_l475e_iot01a", 0x40013800, "stm32-v2"),
        ("nucleo_g474re", 0x40008000, "stm32-v2"),
        ("nucleo_l4r5zi", 0x40008000, "stm32-v2"),
        ("nucleo_u575zi_q", 0x40013800, "stm32-v2"),
        ("raspberry_pi_pico", 0x40034000, "pl011"),
    ],
)
def test_serial_ports_of_the_shipped_boards(name, base_address, layout):
    uart = load_board(name).uart
    assert (uart.base_address, uart.layout) == (base_address, layout)


@pytest.mark.parametrize("name", [name for name in list_boards() if load_board(name).probe.mbed_product_code])
def test_product_codes_agree_with_the_board_database_of_mbed_tools(name, monkeypatch):
    monkeypatch.setenv("MBED_DATABASE_MODE", "OFFLINE")
    targets = pytest.importorskip("mbed_tools.targets")
    probe = load_board(name).probe
    assert targets.get_board_by_product_code(probe.mbed_product_code).board_type == probe.mbed_type


def test_the_arena_of_the_l476_lies_in_sram1_alone():
    assert load_board("nucleo_l476rg").model_span == MemoryRegion("sram1", 0x20000000, 96 * KIB)


def test_code_ram_does_not_count_as_sram():
    board = load_board("nucleo_f746zg")
    assert [region.name for region in board.instruction_ram] == ["itcm"]
    assert sum(region.size_bytes for region in board.sram) == board.sram_bytes == 320 * KIB


# Limits


def test_adjacent_regions_count_as_one_span():
    assert board_of(112 * KIB, 16 * KIB).sram_limit_bytes == 122 * KIB


def test_reserves_go_to_another_region_that_holds_them():
    assert board_of(96 * KIB, 8 * KIB, gap=64).sram_limit_bytes == 96 * KIB


def test_a_region_that_holds_only_the_stack_takes_only_the_stack():
    assert board_of(96 * KIB, 4 * KIB, gap=64).sram_limit_bytes == 94 * KIB


def test_a_region_too_small_for_any_reserve_takes_none():
    assert board_of(96 * KIB, 1 * KIB, gap=64).sram_limit_bytes == 90 * KIB


@given(
    sizes=st.lists(st.integers(1, 64), min_size=1, max_size=5),
    gap=st.sampled_from([0, 64]),
    stack=st.integers(0, 32),
    firmware=st.integers(0, 32),
)
def test_the_limit_is_the_largest_span_less_what_cannot_go_elsewhere(sizes, gap, stack, firmware):
    spans = [sum(sizes)] if gap == 0 else sorted(sizes)
    *others, largest = spans
    # The definition, by trying every placement of the two reserves.
    best = max(
        largest - stack * (a == -1) - firmware * (b == -1)
        for a in range(-1, len(others))
        for b in range(-1, len(others))
        if all(stack * (a == i) + firmware * (b == i) <= room for i, room in enumerate(others))
    )
    if best <= 0:
        with pytest.raises(ConfigError, match="fill the SRAM"):
            board_of(*sizes, gap=gap, stack=stack, firmware=firmware)
    else:
        assert board_of(*sizes, gap=gap, stack=stack, firmware=firmware).sram_limit_bytes == best


@pytest.mark.parametrize("name", list_boards())
def test_limits_lie_within_the_memory(name):
    board = load_board(name)
    assert 0 < board.sram_limit_bytes <= max(span.size_bytes for span in contiguous_spans(board.sram))
    assert 0 < board.flash_limit_bytes < board.flash_bytes


# Names and paths


@pytest.mark.parametrize("alias", ["NUCLEO_F446RE", "nucleo-f446re", "Nucleo-F446RE"])
def test_case_and_dashes_do_not_matter(alias):
    assert load_board(alias).name == "nucleo_f446re"


def test_an_unknown_board_is_answered_with_the_closest_and_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        load_board("nucleo_f446r")
    assert "did you mean 'nucleo_f446re'?" in caught.value.advice
    assert all(name in caught.value.advice for name in list_boards())
    assert "path" in caught.value.advice


def test_a_missing_board_file_is_named():
    with pytest.raises(ConfigError, match=r"my/board\.yaml: no such file"):
        load_board("my/board.yaml")


@pytest.mark.parametrize("name", ["../boards/nucleo_f446re", "", ".", "boards\\nucleo_f446re", "a" * 5000, "\0"])
def test_odd_names_end_in_a_clear_error(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError):
        load_board(name)


def test_a_users_board_works_by_path_and_by_string(board_file):
    path = board_file(MINIMAL)
    assert load_board(path) == load_board(str(path))
    board = load_board(path)
    assert (board.title, board.sram_limit_bytes, board.flash_limit_bytes) == ("mine", 122 * KIB, 1008 * KIB)
    assert board.uart is None
    assert board.probe is None


def test_a_path_object_is_a_file_even_if_it_is_called_like_a_board(tmp_path):
    path = tmp_path / "nucleo_f446re"
    path.write_text(MINIMAL)
    assert load_board(path).name == "mine"


def test_sizes_may_be_plain_bytes(board_file):
    assert load_board(board_file(MINIMAL.replace("128 KiB", "131072"))) == load_board(board_file(MINIMAL))


# Mistakes in a user's file


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("clock_hz", "clok_hz", "clok_hz", "did you mean 'clock_hz'?"),
        ("cortex-m4f", "cortex-m4x", "core", "cortex-m4f"),
        ("168_000_000", "0", "clock_hz", "greater than 0"),
        ("168_000_000", "true", "clock_hz", "valid integer"),
        ("168_000_000", "168e6", "clock_hz", "valid integer"),
        ("128 KiB", "128 kB", "sram[0].size_bytes", "96 KiB"),
        ("128 KiB", "-1", "sram[0].size_bytes", "greater than or equal to 0"),
        ("128 KiB", "0", "sram[0].size_bytes", "empty"),
        ("128 KiB", "4 KiB", "reserves", "fill the SRAM"),
        ("1 MiB", "16 KiB", "reserves", "fill the flash"),
        ("0x20000000", "0x08000000", "sram[0]", "inside 'flash'"),
        ("0x20000000", "0xFFFFF000", "sram[0].size_bytes", "address space"),
        ("0x20000000", "0x100000000", "sram[0].origin", "less than"),
        ("{name: sram,", "{nam: sram,", "sram[0].nam", "did you mean 'name'?"),
        ("sram:\n  - {name: sram, origin: 0x20000000, size_bytes: 128 KiB}", "sram: []", "sram", "at least one"),
        ("name: mine\n", "", "name", "required"),
        ("name: mine\n", "name: mine\nname: yours\n", "2", "given twice"),
        (
            "name: mine\n",
            "name: mine\nprobe: {kind: stlink, mbed_product_code: 0777}\n",
            "probe.mbed_product_code",
            "quote",
        ),
        ("name: mine\n", "name: mine\nsram_bytes: 1\n", "sram_bytes", "contradicts"),
        ("name: mine\n", "name: mine\nsram_limit_bytes: 1\n", "sram_limit_bytes", "leave it out"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(board_file, old, new, key, message):
    assert old in MINIMAL
    path = board_file(MINIMAL.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_board(path)
    assert caught.value.where == f"{path}:{key}"
    assert message in str(caught.value)


@pytest.mark.parametrize("key", ["sram_bytes", "title", "extra", "probe", "instruction_ram"])
def test_a_value_that_unfolds_to_millions_of_items_is_not_spelled_out(board_file, key):
    pairs = itertools.pairwise("abcdefgh")
    levels = ["&a [x, x, x]", *(f"&{name} [{', '.join([f'*{inner}'] * 9)}]" for inner, name in pairs)]
    path = board_file(f"{MINIMAL}{key}: [{', '.join(levels)}]\n")
    with pytest.raises(ConfigError) as caught:
        load_board(path)
    assert len(str(caught.value)) < 400


def test_overlapping_sram_regions_are_refused(board_file):
    path = board_file(MINIMAL + "  - {name: sram2, origin: 0x2001FFFF, size_bytes: 16 KiB}\n")
    with pytest.raises(ConfigError, match=r"'sram2' starts at 0x2001ffff, inside 'sram'") as caught:
        load_board(path)
    assert caught.value.where == f"{path}:sram[1]"


def test_a_board_built_in_code_is_checked_too():
    with pytest.raises(ConfigError, match="inside"):
        board_of(8 * KIB, 8 * KIB, gap=-1)


# Records


@pytest.mark.parametrize("name", list_boards())
def test_a_board_survives_json_and_pickle(name):
    board = load_board(name)
    assert Board.from_dict(json.loads(json.dumps(board.to_dict()))) == board
    assert pickle.loads(pickle.dumps(board)) == board
    assert len({board, load_board(name)}) == 1


def test_the_record_holds_the_derived_sizes():
    board = load_board("nucleo_l476rg")
    record = board.to_dict()
    for key in ("sram_bytes", "flash_bytes", "sram_limit_bytes", "flash_limit_bytes"):
        assert record[key] == getattr(board, key)


def test_the_fingerprint_follows_the_facts_and_not_the_prose():
    board = load_board("nucleo_f446re")
    renamed = dataclasses.replace(board, title="other", sources={})
    faster = dataclasses.replace(board, clock_hz=1)
    moved = dataclasses.replace(board, probe=Probe(kind="none"))
    assert renamed.fingerprint == board.fingerprint
    assert len({board.fingerprint, faster.fingerprint, moved.fingerprint}) == 3


def test_fingerprints_of_the_shipped_boards_differ():
    assert len({load_board(name).fingerprint for name in list_boards()}) == len(list_boards())


def test_a_board_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_board("nucleo_f446re").clock_hz = 1
