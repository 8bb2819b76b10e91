"""What instructions cost: the tables of the Cortex-M4's reference manual, instruction by instruction."""

from __future__ import annotations

import pytest

from tests._tools import needs
from tests.hil.emulator._programs import assemble
from tinynas.hil.emulator.cores import CORTEX_M4, CORTEX_M7
from tinynas.hil.emulator.cycles import block_cost, instructions

# Instruction, cycles on a Cortex-M4 (Arm 100166, table 3-1), on a Cortex-M7 by this project's estimate.
COSTS = [
    ("adds r0, r1, r2", 1, 1),
    ("add.w r0, r1, r2, lsl #3", 1, 1),
    ("muls r0, r1, r0", 1, 1),
    ("mul r8, r1, r2", 1, 1),
    ("mla r0, r1, r2, r3", 2, 1),
    ("mls r0, r1, r2, r3", 2, 1),
    ("smull r0, r1, r2, r3", 1, 1),
    ("smlad r0, r1, r2, r3", 1, 1),
    ("smmulr r0, r1, r2", 1, 1),
    ("sxtb16 r0, r1, ror #8", 1, 1),
    ("sdiv r0, r1, r2", 7, 7),
    ("udiv r8, r1, r2", 7, 7),
    ("ldr r0, [r1]", 2, 1),
    ("ldr r0, [r1, r2]", 2, 1),
    ("ldr.w r0, [r1, #400]", 2, 1),
    ("ldrsb.w r0, [r1, #-1]", 2, 1),
    ("ldrh r0, [r1, #2]", 2, 1),
    ("ldrsh r0, [r1, r2]", 2, 1),
    ("ldr r0, [sp, #4]", 2, 1),
    ("ldr r0, [pc, #4]", 2, 1),
    ("str r0, [r1]", 1, 1),
    ("strb r0, [r1, r2]", 1, 1),
    ("str r0, [r1], #4", 1, 1),
    ("ldrd r0, r1, [r2]", 3, 1),
    ("strd r0, r1, [r2, #8]!", 3, 1),
    ("ldm r0!, {r1, r2, r3}", 4, 3),
    ("stmia r0!, {r1-r4}", 5, 3),
    ("ldm.w r8, {r0-r7}", 9, 5),
    ("push {r4, lr}", 3, 2),
    ("pop {r4, r5, r6}", 4, 3),
    ("push.w {r4-r11, lr}", 10, 6),
    ("ldrex r0, [r1]", 2, 2),
    ("vldr s0, [r0, #4]", 2, 1),
    ("vstr s0, [r0]", 1, 1),
    ("vldmia r0!, {s0-s3}", 5, 3),
    ("vpush {s16-s19}", 5, 3),
    ("vmov r0, r1, s2, s3", 2, 2),
    ("vmov s0, r0", 1, 1),
    ("vadd.f32 s0, s1, s2", 1, 1),
    ("vmul.f32 s0, s1, s2", 1, 1),
    ("vmla.f32 s0, s1, s2", 3, 3),
    ("vfma.f32 s1, s1, s2", 3, 3),
    ("vfms.f32 s1, s1, s2", 3, 3),
    ("vfnms.f32 s0, s1, s2", 3, 3),
    ("vdiv.f32 s0, s1, s2", 14, 14),
    ("vsqrt.f32 s1, s2", 14, 14),
    ("vcvt.s32.f32 s0, s1", 1, 1),
    ("vabs.f32 s0, s1", 1, 1),
    ("cbz r0, 9f", 1, 1),
    ("bl 9f", 1, 1),
    ("nop", 1, 1),
]

pytestmark = needs("a cross compiler")


@pytest.fixture(scope="module")
def code():
    """Encodings by instruction; each has 8 bytes of room."""
    image = assemble("\n".join(f".balign 8, 0\n{text}" for text, *_ in COSTS) + "\n.balign 8, 0\n9: nop\n")
    return {text: image[8 * i : 8 * i + 8] for i, (text, *_) in enumerate(COSTS)}


def alone(code: bytes) -> bytes:
    _, second = next(instructions(code))
    return code[: 2 if second is None else 4]


@pytest.mark.parametrize(("text", "m4", "m7"), COSTS, ids=[text for text, *_ in COSTS])
def test_single_instructions(code, text, m4, m7):
    assert block_cost(alone(code[text]), CORTEX_M4) == (m4, 1)
    assert block_cost(alone(code[text]), CORTEX_M7) == (m7, 1)


def test_loads_in_a_row_are_pipelined():
    code = assemble("ldr r0, [r4]\nldr r1, [r4, #4]\nadds r0, r1\nldr r2, [r4]\nstr r0, [r4]\nldr r3, [r4]")
    assert block_cost(code, CORTEX_M4) == (2 + 1 + 1 + 2 + 1 + 1, 6)


def test_the_inner_loop_of_a_convolution():
    loop = "0: ldrd r4, r5, [r0], #8\nsxtb16 r6, r4\nsmlad r8, r6, r5, r8\nsmlad r9, r4, r5, r9\nsubs r1, #1\nbne 0b"
    assert block_cost(assemble(loop), CORTEX_M4) == (3 + 1 + 1 + 1 + 1 + 1, 6)


def test_a_cut_off_instruction_is_none():
    assert block_cost(b"\x00\xbf\x00\xbf\x00", CORTEX_M4) == (2, 2)
