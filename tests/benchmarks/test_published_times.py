"""Published images on a virtual board: how their logs are read, and registers that the board does not model."""

import pytest

from tests._tools import needs
from tests.hil.emulator._programs import FLASH, assemble

#: USART1's ISR; a timer's register; PWR_SVMSR.
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
1:  wfi
    b 1b
"""


@needs("unicorn")
def test_the_time_is_that_of_the_throughput_in_the_logs(tmp_path):
    import published_times

    log = tmp_path / "performance" / "log.txt"
    log.parent.mkdir()
    log.write_text("".join(f"00071.641 ulp-mlperf:   Throughput   :  {x:10.3f} inf./sec.\n" for x in (99, 100, 250)))
    assert published_times.published_us(tmp_path) == 10_000


@pytest.mark.emulator
@needs("a cross compiler")
@needs("unicorn")
def test_registers_that_a_board_does_not_model_hold_what_is_written():
    import published_times

    machine = published_times.Lenient(published_times.load_board(published_times.BOARD), lambda byte: None, lambda: b"")
    machine.program([(FLASH, assemble(PROGRAM))])
    machine.run()
    words = [int.from_bytes(machine.load(0x20000000 + 4 * i, 4), "little") for i in range(4)]
    assert words[0] & published_times.ADDED[0x4001381C] == 3 << 21
    assert words[1:] == [0x11225544, 0x1122, 0x38002]
