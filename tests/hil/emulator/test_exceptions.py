"""Exceptions of the virtual core: frames, order, masks."""

from __future__ import annotations

import pytest

from tests.hil.emulator._programs import RAM, STACK, Run, emulated

pytestmark = emulated

# Addresses and bits of the Armv7-M Architecture Reference Manual, B3.2 to B3.4 and C1.8.
PEND_0_AND_1 = "put 0xE000E200, 3\n"
ENABLE_0_AND_1 = "put 0xE000E100, 3\n"
FPU_ON = "put 0xE000ED88, 0xF00000\ndsb\nisb\n"


class TestExceptions:
    def test_registers_and_flags_survive(self):
        handler = """
            .thumb_func
            svc: mov r12, #0
            vmov s3, r12
            vmsr fpscr, r12
            movs r0, #0
            movs r1, #0
            movs r2, #0
            movs r3, #0
            cmp r0, #0
            bx lr
        """
        run = Run(f"""{FPU_ON}
            movw r0, #0x1111
            movw r1, #0x2222
            movw r2, #0x3333
            movw r3, #0x4444
            movw r12, #0x5555
            vmov s3, r3
            ldr r5, =0x80C00000
            vmsr fpscr, r5
            movs r6, #0
            subs r6, #1
            svc #3
            mrs r6, apsr
            vmov r4, s3
            vmrs r5, fpscr
            stm r7, {{r0-r6, r12}}
            mov r0, sp
            str r0, [r7, #32]
            end\n{handler}""")
        assert run.words(9) == [0x1111, 0x2222, 0x3333, 0x4444, 0x4444, 0x80C0_0000, 0x8000_0000, 0x5555, STACK]

    def test_the_frame_is_aligned_and_lr_tells_where_to_return(self):
        handler = """
            .thumb_func
            svc: mov r0, sp
            mrs r1, ipsr
            ldr r2, [sp, #28]
            mov r3, lr
            stm r7, {r0-r3}
            bx lr
        """
        run = Run(f"sub sp, #4\n svc #0\n mov r0, sp\n str r0, [r7, #16]\n end\n{handler}")
        frame, exception, state, token, after = run.words(5)
        assert (frame, exception, after) == (STACK - 8 - 32, 11, STACK - 4)
        assert state & 1 << 9, "the frame's padding is noted in it"
        assert token == 0xFFFF_FFF9

    def test_a_thread_on_its_own_stack(self):
        handler = ".thumb_func\nsvc: mrs r0, psp\n mov r1, sp\n mov r2, lr\n stm r7, {r0-r2}\n bx lr"
        run = Run(f"""ldr r0, ={RAM + 0x1000:#x}
            msr psp, r0
            movs r0, #2
            msr control, r0
            isb
            svc #0
            mov r0, sp
            mrs r1, control
            strd r0, r1, [r7, #12]
            end\n{handler}""")
        assert run.words(5) == [RAM + 0x1000 - 32, STACK, 0xFFFF_FFFD, RAM + 0x1000, 2]

    def test_interrupts_come_in_order_of_urgency_and_nest(self):
        handlers = """
            .thumb_func
            interrupt_0: movs r0, #10
            strb r0, [r7], #1
            put 0xE000E200, 2
            dsb
            nop
            b 1f
            1: movs r0, #11
            strb r0, [r7], #1
            bx lr
            .thumb_func
            interrupt_1: movs r0, #20
            strb r0, [r7], #1
            bx lr
        """
        urgent = Run(f"put 0xE000E400, 0x0010\n{ENABLE_0_AND_1} put 0xE000E200, 1\n b 1f\n1: end\n{handlers}")
        assert urgent.machine.load(RAM, 3) == bytes((10, 20, 11)), "interrupt 1 is more urgent than 0's handler"
        later = Run(f"put 0xE000E400, 0x1010\n{ENABLE_0_AND_1} put 0xE000E200, 1\n b 1f\n1: end\n{handlers}")
        assert later.machine.load(RAM, 3) == bytes((10, 11, 20)), "interrupt 1 has to wait"

    @pytest.mark.parametrize(
        ("mask", "unmask"),
        [
            ("cpsid i", "cpsie i"),
            ("cpsid f", "cpsie f"),
            ("movs r0, #16\n msr basepri, r0", "movs r0, #0\n msr basepri, r0"),
        ],
    )
    def test_masks_hold_interrupts_back(self, mask, unmask):
        handler = ".thumb_func\ninterrupt_0: movs r0, #1\n str r0, [r7]\n bx lr"
        held = Run(f"""put 0xE000E400, 0x10
            {mask}
            {ENABLE_0_AND_1}
            put 0xE000E200, 1
            b 1f
            1: ldr r2, [r7]
            str r2, [r7, #4]
            {unmask}
            b 1f
            1: end\n{handler}""")
        assert held.words(2) == [1, 0]

    def test_interrupts_can_be_taken_back(self):
        run = Run(f"{PEND_0_AND_1} put 0xE000E280, 1\n {ENABLE_0_AND_1} b 1f\n1: end")
        assert run.exception == 16 + 1

    def test_vectors_can_be_moved_to_ram(self):
        handler = ".thumb_func\nown: movs r0, #5\n str r0, [r7]\n bx lr"
        run = Run(f"""ldr r0, ={RAM + 0x200:#x}
            ldr r1, =own
            str r1, [r0, #44]
            ldr r2, =0xE000ED08
            str r0, [r2]
            svc #0
            end
            .balign 4\n{handler}""")
        assert run.words(1) == [5]

    @pytest.mark.parametrize(("key", "again"), [(0x05FA, True), (0x1234, False)])
    def test_software_resets_with_the_key_only(self, key, again):
        assert Run(f"put 0xE000ED0C, {key << 16 | 4:#x}\n dsb\n b 1f\n1: end").again is again
