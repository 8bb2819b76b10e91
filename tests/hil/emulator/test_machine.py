"""Time on the virtual board: what code takes, SysTick, sleep, bytes on the line."""

from __future__ import annotations

import pytest

from tests.hil.emulator._programs import RAM, Run, emulated
from tinynas.board import load_board

pytestmark = emulated

# Addresses and bits of the Armv7-M Architecture Reference Manual, B3.2 to B3.4 and C1.8.
FPU_ON = "put 0xE000ED88, 0xF00000\ndsb\nisb\n"
COUNTER_ON = "put 0xE000EDFC, 0x1000000\nput 0xE0001000, 1\nldr r4, =0xE0001004\n"


COMPUTATION = """
    ldr r0, =12345
    movs r1, #0
    ldr r8, =3000
    1: ldr r3, =1103515245
    mul r0, r3
    adds r0, #57
    lsrs r3, r0, #13
    itee cs
    addcs r1, r3
    eorcc r1, r0
    addcc r1, #3
    vmov s0, r1
    vcvt.f32.u32 s0, s0
    vadd.f32 s1, s0
    subs r8, #1
    bne 1b
    vmov r2, s1
    stm r7, {r0-r2}
    end
"""


@pytest.mark.parametrize(("value", "read"), [(3, 0x1111), (-3, 0x2222)])
def test_what_follows_conditional_reads_of_flash_is_not_conditional(value, read):
    """Unicorn 2.1.4 takes the call for a part of the IT block whose reads it reports."""
    run = Run(f"""
        b 1f
        .align 2
        greater: .word 0x1111
        less: .word 0x2222
        1: ldr r4, ={value}
        cmp r4, #0
        ite ge
        ldrge r0, greater
        ldrlt r0, less
        bl called
        stm r7, {{r0-r3}}
        end
        .thumb_func
        called: mov r1, r0
        mov r2, r0
        mov r3, r0
        bx lr
    """)
    assert run.words(4) == [read] * 4


def test_what_follows_a_conditional_read_at_the_end_of_a_page_is_not_conditional():
    """Unicorn ends its block at the page; that of the read holds no IT, and made the next one conditional for ever."""
    run = Run("""
        b 2f
        .align 2
        found: .word 0x1111
        2: movs r8, #4
        movs r0, #0
        b 1f
        .ltorg
        .balign 4096
        .space 4082
        1: ldr r3, =found
        movs r6, #0
        cmp r8, #2
        itt gt
        movgt r2, r8
        ldrhgt.w r6, [r3]
        adds r0, #1
        add r1, r6
        subs r8, #1
        bne 1b
        stm r7, {r0, r1}
        end
    """)
    assert run.words(2) == [4, 2 * 0x1111]


class TestTime:
    def tick(self, period):
        return f"put 0xE000E014, {period - 1}\nput 0xE000E018, 0\nput 0xE000E010, 7\n"

    TICK = f"""
        .thumb_func
        tick: ldr r0, ={RAM + 0x400:#x}
        ldr r1, [r0]
        adds r1, #1
        str r1, [r0]
        vmov s1, r1
        vmov s15, r1
        movs r2, #0
        movs r3, #0
        mov r12, r3
        adds r2, r2
        bx lr
    """

    def test_an_interrupted_computation_computes_the_same(self):
        alone = Run(f"{FPU_ON} {COMPUTATION} {self.TICK}")
        for period in (97, 1009):
            disturbed = Run(f"{FPU_ON} {self.tick(period)} {COMPUTATION} {self.TICK}")
            assert disturbed.words(3) == alone.words(3)
            assert disturbed.words(1, 0x400)[0] > 30

    def test_an_interrupt_amid_conditional_instructions_changes_nothing(self):
        # The block begins a new page, where the emulator stops to look around, between IT and what depends on it.
        loop = """
            ldr r8, =500
            movs r0, #0
            movs r1, #0
            b 1f
            .ltorg
            .balign 4096
            .space 4086
            1: subs r8, #1
            lsrs r2, r8, #1
            ittee cs
            addcs r0, #1
            addcs r0, #2
            addcc r1, #3
            addcc r1, #4
            cmp r8, #0
            bne 1b
            mov r2, r8
            stm r7, {r0-r2}
            end
        """
        for period in (23, 31, 101):
            run = Run(f"{FPU_ON} {self.tick(period)} {loop} {self.TICK}")
            assert run.words(3) == [250 * 3, 250 * 7, 0]
            assert run.words(1, 0x400)[0] > 50

    def test_systick_interrupts_once_a_period(self):
        run = Run(f"{FPU_ON} {self.tick(1000)} {COMPUTATION} {self.TICK}")
        assert run.words(1, 0x400)[0] == pytest.approx(run.machine.tally.cycles / 1000, abs=2)

    def test_a_loop_takes_what_its_instructions_do(self):
        run = Run(f"""{COUNTER_ON}
            mov r8, #100
            b 2f
            .balign 16
            2: ldr r0, [r4]
            b 1f
            1: ldr r2, [r7]
            mul r2, r2
            subs r8, #1
            bne 1b
            b 3f
            3: ldr r1, [r4]
            stm r7, {{r0, r1}}
            end""")
        first, last = run.words(2)
        # Load 2, multiplication 1, subtraction 1, branch 1 and 2 where it is taken; then a branch; then the whole
        # run of code in which the counter is read last: load 2, two words stored 3, WFI 1.
        assert last - first == pytest.approx(1.06 * (100 * 5 + 99 * 2 + 1 + (2 + 3 + 1)), abs=1)

    def test_instructions_are_counted(self):
        loop = "b 1f\n1: nop\n subs r0, #1\n bne 1b\n b 2f\n2: end"
        counts = [Run(f"ldr r0, ={rounds}\n {loop}").machine.tally.instructions for rounds in (10, 1010)]
        assert counts[1] - counts[0] == 3 * 1000

    @pytest.mark.parametrize(("trace", "control", "counts"), [(1, 1, True), (0, 1, False), (1, 0, False)])
    def test_the_counter_has_to_be_turned_on(self, trace, control, counts):
        on = f"put 0xE000EDFC, {trace << 24:#x}\nput 0xE0001000, {control}\nldr r4, =0xE0001004\n"
        run = Run(f"{on} ldr r0, [r4]\n b 1f\n1: nop\n b 2f\n2: ldr r1, [r4]\n stm r7, {{r0, r1}}\n end")
        first, last = run.words(2)
        assert (last > first) is counts

    def test_the_counter_can_be_set(self):
        run = Run(f"""{COUNTER_ON}
            movs r0, #0
            subs r0, #4
            str r0, [r4]
            b 1f
            1: nop
            nop
            b 2f
            2: ldr r1, [r4]
            str r1, [r7]
            end""")
        assert 0 < run.words(1)[0] < 30, "and runs over"

    def test_wait_states_cost_and_the_instruction_cache_hides_them(self):
        loop = "mov r0, #200\n b 1f\n.balign 16\n1: nop\n subs r0, #1\n bne 1b\n b 2f\n2: end"
        cycles = {
            a: Run(f"put 0x40023C00, {a:#x}\n b 3f\n3: {loop}").machine.tally.cycles for a in (0x000, 0x005, 0x205)
        }
        assert cycles[0x000] + 200 * 5 <= cycles[0x005]
        assert cycles[0x000] < cycles[0x205] < cycles[0x000] + 100

    def test_runs_repeat_exactly(self):
        runs = [Run(f"{FPU_ON} {self.tick(500)} {COMPUTATION} {self.TICK}") for _ in range(2)]
        assert len({(run.machine.tally.cycles, run.machine.tally.instructions) for run in runs}) == 1


class TestSleep:
    SERIAL = "put 0x4000440C, 0x202C\n"  # USART2 on, with its interrupt
    ECHO = ".thumb_func\ninterrupt_38: ldr r0, =0x40004400\n ldr r1, [r0]\n ldr r1, [r0, #4]\n str r1, [r0, #4]\n bx lr"
    ON = "put 0xE000E104, 0x40\n"

    def test_bytes_wake_the_core(self):
        run = Run(f"{self.SERIAL} {self.ON} end\n{self.ECHO}", host=[b"one", b"two"])
        assert run.sent == b"onetwo"

    def test_a_masked_interrupt_wakes_it_too(self):
        body = "cpsid i\n wfi\n movs r2, #1\n str r2, [r7]\n cpsie i\n end"
        run = Run(f"{self.SERIAL} {self.ON} {body}\n{self.ECHO}", host=[b"x"])
        assert (run.words(1), run.sent) == ([1], b"x")

    def test_bytes_come_at_the_speed_of_the_line(self):
        before = Run(f"{self.SERIAL} {self.ON} end\n{self.ECHO}", host=[b"x"]).machine.tally.cycles
        after = Run(f"{self.SERIAL} {self.ON} end\n{self.ECHO}", host=[b"x" * 101]).machine.tally.cycles
        board = load_board("nucleo_f446re")
        assert after - before == pytest.approx(100 * 10 * board.clock_hz / board.uart.baud, rel=1e-3)

    def test_bytes_arrive_during_a_computation(self):
        loop = "ldr r8, =60000\n 1: subs r8, #1\n bne 1b\n movs r2, #33\n ldr r0, =0x40004404\n str r2, [r0]"
        run = Run(f"{self.SERIAL} {self.ON} wfi\n {loop}\n end\n{self.ECHO}", host=[b"abc"])
        assert run.sent == b"abc!"
