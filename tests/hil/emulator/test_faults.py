"""Faults of the virtual core: what Armv7-M's registers say of each, and which handler runs."""

from __future__ import annotations

import pytest

from tests.hil.emulator._programs import FLASH, RAM, STACK, Run, emulated

pytestmark = emulated

# Addresses and bits of the Armv7-M Architecture Reference Manual, B3.2 and C1.8.
SHCSR, ALL_FAULTS = 0xE000ED24, 7 << 16
IBUSERR, PRECISERR, IMPRECISERR, UNSTKERR, STKERR, BFARVALID = (1 << bit for bit in (8, 9, 10, 11, 12, 15))
IACCVIOL, UNDEFINSTR, INVSTATE, INVPC, NOCP = (1 << bit for bit in (0, 16, 17, 18, 19))
FORCED = 1 << 30
HARD, BUS, USAGE = 3, 5, 6

OWN_HANDLERS = f"put {SHCSR:#x}, {ALL_FAULTS:#x}\n"
FPU_ON = "put 0xE000ED88, 0xF00000\ndsb\nisb\n"


class TestFaults:
    @pytest.mark.parametrize("handled", [True, False])
    @pytest.mark.parametrize(
        ("access", "address"),
        [
            ("ldr r0, [r1]", 0x6000_0000),  # nothing there
            ("str r0, [r1]", 0x6000_0000),
            ("ldr r0, [r1]", 0x2002_0000),  # one past the RAM's end
            ("str r0, [r1]", 0x1FFF_FFFC),  # one before its beginning
            ("strb r0, [r1]", FLASH + 0x100),
            ("ldr r0, [r1]", FLASH + 512 * 1024),
            ("ldr r0, [r1]", 0x4001_3000),  # a peripheral that is not modelled
            ("vldr s0, [r1]", 0x9000_0000),
        ],
    )
    def test_memory_that_is_not_there(self, access, address, handled):
        own = OWN_HANDLERS if handled else ""
        run = Run(f"""{FPU_ON} {own}
            ldr r1, ={address:#x}
            adr r2, 1f
            str r2, [r7]
            nop
            .balign 4
            1: {access}
            end""")
        pc, cfsr, hfsr, bfar = run.fault
        assert run.exception == (BUS if handled else HARD)
        assert (cfsr, bfar) == (PRECISERR | BFARVALID, address)
        assert hfsr == (0 if handled else FORCED)
        assert pc == run.words(1)[0], "the frame holds the instruction at fault"

    def test_what_an_stm32_boots_from_is_at_0_as_well(self):
        run = Run(f"{OWN_HANDLERS} movs r1, #0\n ldr r0, [r1]\n str r0, [r7]\n str r0, [r1]\n end")
        assert run.words(1) == [STACK]
        assert (run.exception, run.fault[1], run.fault[3]) == (BUS, PRECISERR | BFARVALID, 0), "but not to be written"

    def test_a_register_that_is_not_modelled(self):
        run = Run(f"{OWN_HANDLERS} ldr r1, =0x40004F00\n ldr r0, [r1]\n end")
        assert (run.exception, run.fault[1]) == (BUS, IMPRECISERR)

    @pytest.mark.parametrize(
        ("code", "bit"),
        [
            ("udf #0", UNDEFINSTR),
            (f"ldr r0, ={FLASH + 0x100:#x}\n bx r0", INVSTATE),
            (f"b 1f\n1: nop\n b 2f\n2: ldr r0, ={FLASH + 0x100:#x}\n bx r0", INVSTATE),
        ],
    )
    def test_what_cannot_be_executed(self, code, bit):
        run = Run(f"{OWN_HANDLERS} {code}\n end")
        assert (run.exception, run.fault[1:3]) == (USAGE, (bit, 0))

    def test_a_jump_to_nowhere(self):
        run = Run(f"{OWN_HANDLERS} ldr r0, =0x10000001\n bx r0\n end")
        assert (run.exception, run.fault[:2]) == (BUS, (0x1000_0000, IBUSERR))

    @pytest.mark.parametrize(
        ("handled", "kind", "hfsr"), [(True, 4, 0), (False, HARD, FORCED)], ids=["handled", "escalated"]
    )
    @pytest.mark.parametrize("address", [0x4000_4401, 0xE000_0001, 0xE000_ED01, 0xA000_0001, 0xFFFF_FFF9])
    def test_registers_are_no_code_nor_is_a_return_without_exception(self, address, handled, kind, hfsr):
        run = Run(f"{OWN_HANDLERS if handled else ''} ldr r0, ={address:#x}\n bx r0\n end")
        assert (run.exception, run.fault[:3]) == (kind, (address & ~1, IACCVIOL, hfsr))

    @pytest.mark.parametrize("token", [0xFFFF_FFF1, 0xFFFF_FFF5], ids=["to a handler there is none", "to no mode"])
    def test_a_return_that_cannot_be(self, token):
        run = Run(f"{OWN_HANDLERS} svc #0\n end\n.thumb_func\nsvc: ldr r0, ={token:#x}\n bx r0")
        assert (run.exception, run.fault[1]) == (USAGE, INVPC)

    @pytest.mark.parametrize("code", ["vadd.f32 s0, s1, s2", "vpush {s0}", "vmov r0, s0", "vldr s0, [r7]"])
    def test_floating_point_before_it_is_turned_on(self, code):
        run = Run(f"{OWN_HANDLERS} b 1f\n1: {code}\n end")
        assert (run.exception, run.fault[1]) == (USAGE, NOCP)
        assert Run(f"{OWN_HANDLERS} {FPU_ON} {code}\n end").exception == 0

    def test_masked_interrupts_make_it_a_hard_fault(self):
        run = Run(f"{OWN_HANDLERS} cpsid i\n udf #0\n end")
        assert (run.exception, run.fault[1:3]) == (HARD, (UNDEFINSTR, FORCED))

    def test_a_stack_that_leaves_the_ram(self):
        handler = f".thumb_func\nbus_fault: ldr r0, ={STACK:#x}\n msr msp, r0\n b unexpected"
        run = Run(f"{OWN_HANDLERS} ldr r0, ={RAM:#x}\n mov sp, r0\n push {{r1}}\n end\n{handler}")
        assert (run.exception, run.fault[1]) == (BUS, PRECISERR | BFARVALID | STKERR)
        assert run.fault[3] == RAM - 4

    def test_no_room_for_a_frame(self):
        handler = f".thumb_func\nbus_fault: ldr r0, ={STACK:#x}\n msr msp, r0\n b unexpected"
        run = Run(f"{OWN_HANDLERS} ldr r0, ={RAM + 16:#x}\n mov sp, r0\n svc #0\n end\n{handler}")
        assert (run.exception, run.fault[1]) == (BUS, STKERR)

    def test_a_fault_in_the_hard_faults_handler_locks_the_core(self):
        from tinynas.hil.emulator.exceptions import LockUp

        with pytest.raises(LockUp, match=r"0x0800[0-9a-f]{4}"):
            Run("udf #0\n end\n.thumb_func\nhard_fault: udf #1")

    def test_a_handler_may_return_behind_the_instruction(self):
        handler = ".thumb_func\nusage_fault: ldr r0, [sp, #24]\n adds r0, #2\n str r0, [sp, #24]\n bx lr"
        run = Run(f"{OWN_HANDLERS} movs r4, #7\n udf #0\n adds r4, #1\n str r4, [r7]\n end\n{handler}")
        assert run.words(1) == [8]
