"""Code and stack of compiled models: terms against the generated C, and against what GCC makes of it."""

import re
import subprocess

import pytest
from hypothesis import given, settings

from tests.deploy.candidates import architectures, candidates, converted, filled
from tinynas.board import load_board
from tinynas.cost import lower
from tinynas.cost.aot import constants_bytes
from tinynas.cost.aot_code import (
    CODE_BYTES,
    STACK_BYTES,
    code_bytes,
    code_terms,
    stack_bytes,
    stack_terms,
    window_bytes,
)
from tinynas.deploy import compile_model, pack, read_graph
from tinynas.deploy.compiler.liveness import walk
from tinynas.deploy.compiler.lower import lowered
from tinynas.deploy.compiler.schedule import scheduled
from tinynas.errors import ToolchainMissing
from tinynas.tcn import Architecture

BOARD = load_board("nucleo_f446re")


def schedule_of(model):
    return scheduled(walk(lowered(read_graph(model))[0]))


@settings(max_examples=40, deadline=None)
@given(architectures())
def test_the_room_for_windows_is_that_of_the_generated_c(a):
    model = pack(filled(lower(a)))
    source = compile_model(model).files["model.c"]
    taps, columns = (int(re.search(pattern, source)[1]) for pattern in (r"\*taps\[(\d+)\];", r" columns\[(\d+)\]"))
    assert window_bytes(schedule_of(model)) == 4 * taps + 2 * columns


@settings(max_examples=40, deadline=None)
@given(architectures(max_filters=20))
def test_every_term_has_a_figure_and_code_a_length(a):
    schedule = schedule_of(pack(filled(lower(a))))
    operators = [code_terms(schedule, number) for number in range(len(schedule.walk.turns))]
    assert {term for terms in operators for term in terms} <= CODE_BYTES.keys()
    assert code_terms(schedule).keys() <= CODE_BYTES.keys()
    assert stack_terms(schedule).keys() == STACK_BYTES.keys()
    assert all(sum(CODE_BYTES[term] for term in terms) > 50 for terms in operators)
    assert code_bytes(schedule) > 50 * len(operators)
    assert stack_bytes(schedule) > window_bytes(schedule) + 300


def test_terms_of_a_network():
    a = Architecture(filters=16, kernel_size=3, dilations=(1, 2), window=64, channels=6)
    schedule = schedule_of(pack(filled(lower(a))))
    first, head = code_terms(schedule, 0), code_terms(schedule, len(schedule.walk.turns) - 1)
    assert "rows: one tap" in first or "rows" in first
    assert head == dict.fromkeys(("row", "row: whole groups", "row: whole rounds", "row: one pair"), 1)


def compiled(model, folder):
    """Sizes of the sections of a model's object."""
    from tinynas.hil.toolchain import Toolchain
    from tinynas.resources import resource

    try:
        toolchain = Toolchain.detect("gcc")
    except ToolchainMissing:
        pytest.skip("the figures are those of GCC")
    compile_model(model).write(folder)
    target, libc = folder / "model.o", resource("firmware", "libc")
    toolchain.compile(folder / "model.c", target, core=BOARD.core, include=[folder, libc])
    printed = subprocess.run(["arm-none-eabi-size", "-A", target], capture_output=True, text=True, check=True).stdout
    return {name: int(size) for name, size in re.findall(r"^(\.\S+)\s+(\d+)", printed, re.MULTILINE)}


def word_aligned(size):
    return -(-size // 4) * 4


@pytest.mark.emulator
@pytest.mark.parametrize("a", [a for a in candidates(5, seed=3) if a.filters < 40], ids=lambda a: a.key[:8])
def test_objects_are_as_foreseen(a, tmp_path):
    model = converted(a)
    schedule, sizes = schedule_of(model), compiled(model, tmp_path)
    assert (".text.step" not in sizes) == bool(stack_terms(schedule)["inlined"])
    kinds = r"\.rodata\.(weights|bias|multiplier|shift|rows|schedule)\d*"
    constants = sum(word_aligned(size) for name, size in sizes.items() if re.fullmatch(kinds, name))
    # GCC writes what belongs to the one pair of outputs into the code: 8 + 8 + 2 bytes.
    assert constants_bytes(schedule) - 20 <= constants <= constants_bytes(schedule)
    code = sum(size for name, size in sizes.items() if re.search(r"text\.(step|model_invoke_in)|rodata\.op\d", name))
    assert code_bytes(schedule) == pytest.approx(code, rel=0.05)
