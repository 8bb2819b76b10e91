"""Published images on virtual boards: their times, how their logs are read, and registers that no board models."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import pytest

pytest.importorskip("unicorn")

import published_times
from _published import TARGETS, Lenient, Profile, profile
from published_times import core_of, estimated_us, fit, fitted_us, published_us, read_rows

from tests._tools import needs
from tests.hil.emulator._programs import FLASH, assemble

ROWS = read_rows()
RESULTS = os.environ.get("TINYNAS_PUBLISHED_RESULTS")
#: USART1's ISR; a timer's register; PWR_SVMSR; a flag that never comes.
PROGRAM = """
    .word 0x20002000, reset + 1
reset:
    ldr r7, =0x20000000
    ldr r0, =0x4001381C
    ldr r1, [r0]
    ldr r0, =0x40000C24
    ldr r2, =0x11223344
    str r2, [r0]
    movs r3, #0x55
    strb r3, [r0, #1]
    ldr r2, [r0]
    ldrh r3, [r0, #2]
    ldr r0, =0x4602083C
    ldr r4, [r0]
    stm r7, {r1-r4}
    ldr r0, =0x40000C28
2:  ldr r1, [r0]
    tst r1, #8
    beq 2b
    str r1, [r7, #16]
1:  wfi
    b 1b
"""


def name_of(row):
    return f"{row['target']} {row['engine']} {row['model']}".replace(" ", "_")


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_the_estimate_is_within_ten_percent_of_the_published_time(row):
    assert estimated_us(row) == pytest.approx(row["published_us"], rel=0.1)


@pytest.mark.parametrize("core", ["cortex-m4f", "cortex-m7f"])
def test_figures_that_are_fitted_to_the_others_foretell_those_that_were_held_out(core):
    rows = [row for row in ROWS if core_of(row) == core]
    factor, line = fit(rows)
    for row in rows:
        assert fitted_us(row, factor, line) == pytest.approx(row["published_us"], rel=0.1), name_of(row)
    from tinynas.hil.emulator.cores import CORES

    assert CORES[core].timing.percent / 100 == pytest.approx(factor, abs=0.06), "what virtual boards use is near"


@pytest.mark.slow
def test_a_third_of_the_figures_of_m4_was_held_out_and_all_of_m0plus():
    held = {core: [r["held_out"] for r in ROWS if core_of(r) == core] for core in map(core_of, ROWS)}
    assert sum(held["cortex-m4f"]) * 3 >= len(held["cortex-m4f"])
    assert all(held["cortex-m0plus"])


def test_cycles_are_made_of_the_table_and_of_what_is_waited_for():
    part = Profile(table=1000, code_lines=10, constant_lines=20, waits=5)
    assert part.cycles("cortex-m4f") == 1060 + 50 + 100
    assert part.cycles("cortex-m7f") == 750 + 50 + 160, "a line of constants is one of the core's own cache"
    assert part.cycles("cortex-m0plus") == 1000 + 50 + 100


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.skipif(not RESULTS, reason="TINYNAS_PUBLISHED_RESULTS names no checkout of mlcommons/tiny_results_v1.2")
@pytest.mark.parametrize("row", [row for row in ROWS if row["model"] == "ad"], ids=name_of)
def test_images_run_again_as_the_file_says(row):
    folder = Path(str(RESULTS))
    assert published_us(folder / row["result"]) == pytest.approx(row["published_us"], abs=0.1)
    found = asdict(profile(TARGETS[row["target"]], (folder / row["image"]).read_bytes()))
    assert found["table"] == pytest.approx(row["profile"]["table"], abs=2)  # of whole cycles, by the core's factor
    assert found | {"table": 0} == row["profile"] | {"table": 0}


def test_the_time_is_that_of_the_throughput_in_the_logs(tmp_path):
    log = tmp_path / "performance" / "log.txt"
    log.parent.mkdir()
    log.write_text("".join(f"00071.641 ulp-mlperf:   Throughput   :  {x:10.3f} inf./sec.\n" for x in (99, 100, 250)))
    assert published_us(tmp_path) == 10_000


@pytest.mark.slow
def test_without_a_folder_what_the_file_holds_is_shown():
    assert published_times.table(ROWS).row_count == len(ROWS)


@pytest.mark.emulator
@needs("a cross compiler")
def test_registers_that_a_board_does_not_model_hold_what_is_written():
    machine = Lenient(TARGETS["u575"], lambda byte: None)
    machine.program([(FLASH, assemble(PROGRAM))])
    machine.run()
    words = [int.from_bytes(machine.load(0x20000000 + 4 * i, 4), "little") for i in range(5)]
    assert words[0] & 3 << 21 == 3 << 21
    assert words[1:] == [0x11225544, 0x1122, 0x38002, 0xFFFFFFFF]


@pytest.mark.emulator
@needs("a cross compiler")
def test_a_flash_that_is_read_by_more_has_fewer_and_longer_lines():
    code = ".word 0x20002000, reset + 1; reset: .rept 124; nop; .endr; 1: wfi; b 1b"  # 8 + 252 bytes
    lines = {}
    for name in ("l4r5", "l4r5-single-bank"):
        machine = Lenient(TARGETS[name], print)
        machine.program([(FLASH, assemble(code.replace("; ", "\n")))])
        machine.run()
        lines[name] = machine.tally.code_lines
        assert machine.tally.constant_waits == 0
    assert lines == {"l4r5": 32, "l4r5-single-bank": 17}
