"""The virtual core, on programs whose cost is known or that do what a board would stop at."""

import _image
import pytest
from _cortex import run

from tests._tools import needs
from tinynas.errors import BuildError, FlashOverflow, RamOverflow, TargetFault

emulated = [pytest.mark.emulator, needs("a cross compiler"), needs("unicorn")]
HEADER = """
#include <stdint.h>
#define MODEL_INPUT_BYTES 6
#define MODEL_OUTPUT_BYTES 3
void model_invoke(const int8_t *in, int8_t *out);
"""
INVOKE = "void model_invoke(const int8_t *in, int8_t *out)"
# Adds the halves of the input; the volatile sum keeps the compiler from doing anything clever.
SUM = INVOKE + "{ for (volatile int i = 0; i < 3; ++i) out[i] = (int8_t)(in[i] + in[i + 3]); }"
INPUT = bytes([1, 2, 3, 10, 20, 30])
BASELINE = "cortex-m0plus"  # has few 32-bit instructions, no floats, no DSP


@pytest.fixture
def emulate(tmp_path):
    """Run a program given as the text of a C file."""

    def emulate(source, inputs=(INPUT,), **options):
        tmp_path.joinpath("model.h").write_text(HEADER)
        tmp_path.joinpath("model.c").write_text('#include "model.h"\n' + source)
        return run([tmp_path / "model.c"], [tmp_path], inputs, 3, **options)

    return emulate


@pytest.mark.parametrize("cpu", _image.CPUS)
class TestReport:
    pytestmark = emulated

    def test_outputs_of_all_inputs(self, emulate, cpu):
        report = emulate(SUM, [INPUT, INPUT[::-1], bytes([255] * 6)], cpu=cpu)
        assert report.outputs == (bytes([11, 22, 33]), bytes([33, 22, 11]), bytes([254] * 3))
        assert report.output == report.outputs[0]

    def test_counts_are_exact(self, emulate, cpu):
        """Ten additions, an LDRB, a STRB and the return; 16-bit and 32-bit instructions mixed where there are both."""
        add = "adds r2, #1" if cpu == BASELINE else "add.w r2, r2, #1"
        body = f"ldrb r2, [r0] \\n .rept 10 \\n {add} \\n .endr \\n strb r2, [r1] \\n bx lr"
        report = emulate(f'__attribute__((naked)) {INVOKE} {{ __asm("{body}"); }}', cpu=cpu)
        assert (report.instructions, report.output[0], report.stack_bytes) == (13, 11, 0)
        assert report.profile == {"model_invoke": 13}

    def test_loops_are_counted_each_time_round(self, emulate, cpu):
        body = "movs r2, #100 \\n 0: subs r2, #1 \\n bne 0b \\n bx lr"
        report = emulate(f'__attribute__((naked)) {INVOKE} {{ __asm("{body}"); }}', [INPUT] * 3, cpu=cpu)
        assert report.instructions_each == (202, 202, 202)

    def test_floating_point_and_dsp_instructions(self, emulate, cpu):
        if cpu == BASELINE:
            pytest.skip("this core has neither")
        source = (
            INVOKE + "{ int32_t a = 3 << 16 | 2, b = 5 << 16 | 4, s; float f = in[0] * 0.5f;"
            '__asm volatile("smuad %0, %1, %2" : "=r"(s) : "r"(a), "r"(b));'
            "out[0] = (int8_t)s; out[1] = (int8_t)(f * 8); }"
        )
        assert emulate(source, cpu=cpu).output[:2] == bytes([23, 4])


class TestFigures:
    pytestmark = emulated

    def test_counts_repeat(self, emulate):
        first, second = emulate(SUM, [INPUT] * 2), emulate(SUM, [INPUT] * 2)
        assert first == second
        assert len(set(first.instructions_each)) == 1

    def test_profile_adds_up(self, emulate):
        source = f'__attribute__((noinline)) static int twice(int x) {{ __asm(""); return 2 * x; }} {INVOKE}'
        report = emulate(source + "{ for (int i = 0; i < 3; ++i) out[i] = (int8_t)twice(in[i]); }", [INPUT] * 2)
        assert set(report.profile) == {"model_invoke", "twice"}
        assert sum(report.profile.values()) == sum(report.instructions_each)

    @pytest.mark.parametrize("touched", [0, 3999])
    def test_stack_of_a_known_frame(self, emulate, touched):
        """Also where the far end of the frame is never written."""
        last = f"frame[{touched}]"
        seen = '__asm volatile("" :: "r"(frame) : "memory");'  # or a compiler keeps the one byte of it
        source = (
            f"{{ volatile int8_t frame[4000]; {seen} {last} = in[0]; out[0] = {last}; callee(out); out[1] = {last}; }}"
        )
        helper = '__attribute__((noinline)) static void callee(int8_t *out) { __asm volatile(""); *out += 1; }'
        report = emulate(helper + INVOKE + source)
        assert 4000 <= report.stack_bytes <= 4024

    def test_static_ram_and_flash(self, emulate):
        source = "volatile int8_t arena[1000]; volatile int32_t set[5] = {1, 2, 3, 4, 5};"
        weights = "const int8_t w[3000] = {7};"
        body = "{ arena[999] = (int8_t)set[4]; out[0] = (int8_t)(arena[999] + arena[0] + w[in[0] - 1]); }"
        small = emulate(INVOKE + "{ out[0] = in[0]; }")
        large = emulate(source + weights + INVOKE + body)
        assert small.static_ram_bytes == 0
        assert large.output[0] == 12
        assert large.static_ram_bytes == 1020
        assert large.strict_ram_bytes == 1020 + 6 + 3
        assert 3020 <= large.flash_bytes - small.flash_bytes <= 3100
        assert small.flash_bytes < 256

    def test_defines_and_the_level_reach_the_compiler(self, emulate):
        source = INVOKE + "{ out[0] = VALUE; }\n#ifndef __OPTIMIZE_SIZE__\n#error speed\n#endif"
        assert emulate(source, level="s", defines=["VALUE=42"]).output[0] == 42


class TestFaults:
    pytestmark = emulated

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("body", "what"),
        [
            ("*(volatile int8_t *)0x00000010 = 1;", "write to unmapped memory at 0x00000010"),
            ("out[0] = *(volatile int8_t *)0x30000000;", "read of unmapped memory at 0x30000000"),
            ("*(volatile int8_t *)0x08000100 = 1;", "write to read-only memory at 0x08000100"),
            ("((void (*)(void))0x10000001)(); out[0] = 1;", "jump to unmapped memory at 0x10000000"),
            ("((void (*)(void))0x20010001)(); out[0] = 1;", "jump to memory that holds no code at 0x20010000"),
            ("((volatile int8_t *)in)[0] = 1;", "write to read-only memory at 0x60000ff8"),
            ("out[4] = in[8];", "read of unmapped memory at 0x60001000"),
            ("((volatile int8_t *)out)[4] = 1;", "write to unmapped memory at 0x70001000"),
            ('__asm volatile("udf #1");', "pc 0x"),
            ('__asm volatile("ldrd r2, r3, [%0]" :: "r"(in - 6) : "r2", "r3");', "several words at 0x60000ff2"),
            ('__asm volatile("ldmia %0, {r2, r3}" :: "r"(in - 7) : "r2", "r3");', "several words at 0x60000ff1"),
            ('__asm volatile("vldr s0, [%0]" :: "r"(in + 2) : "s0");', "several words at 0x60000ffa"),
        ],
    )
    def test_they_are_told_with_place_and_address(self, emulate, body, what):
        with pytest.raises(TargetFault) as caught:
            emulate(f"{INVOKE} {{ {body} }}")
        assert what in str(caught.value)
        assert "model_invoke+0x" in str(caught.value)

    def test_a_stack_that_overflows(self, emulate):
        source = "int deep(volatile int8_t *x) { volatile int8_t y[256]; y[0] = *x; return deep(y) + y[0]; }"
        with pytest.raises(TargetFault, match=r"write to unmapped memory at 0x1fff.*deep\+"):
            emulate(source + INVOKE + "{ out[0] = (int8_t)deep((int8_t *)out); }", level="1")

    def test_a_loop_without_end(self, emulate):
        with pytest.raises(TargetFault, match="no end within 1 s"):
            emulate(INVOKE + '{ for (;;) __asm volatile(""); }', timeout_s=1.0)

    def test_a_state_that_survives(self, emulate):
        with pytest.raises(TargetFault, match="keeps a state"):
            emulate("static int8_t calls;" + INVOKE + "{ out[0] = ++calls; }")


class TestBuild:
    pytestmark = emulated

    @pytest.mark.parametrize(
        ("source", "error", "words"),
        [
            ("int x = ;", BuildError, "expected expression"),
            ("int unused;", BuildError, "undefined (reference to|symbol:) .?model_invoke"),
            ("volatile int8_t a[600000];" + INVOKE + "{ a[5] = 1; }", RamOverflow, "overflowed"),
            ("const volatile int8_t a[3000000] = {1};" + INVOKE + "{ out[0] = a[5]; }", FlashOverflow, "overflowed"),
        ],
    )
    def test_what_the_compiler_says_is_passed_on(self, emulate, source, error, words):
        with pytest.raises(error, match=words) as caught:
            emulate(source)
        assert type(caught.value) is error

    def test_a_size_that_contradicts_the_header(self, tmp_path, emulate):
        with pytest.raises(BuildError, match="the input is not of the size"):
            emulate(SUM, [INPUT + b"x"])
