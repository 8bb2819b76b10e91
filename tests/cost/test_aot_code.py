"""Code and stack of compiled models: terms against the generated C, and against what a compiler makes of it."""

import re

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings

from tests._tools import COMPILERS
from tests.deploy.candidates import architectures, candidates, converted, filled
from tinynas.board import load_board
from tinynas.cost import Engine, lower
from tinynas.cost.aot import constants_bytes
from tinynas.cost.aot_code import (
    code_bytes,
    dispatch_terms,
    inlines_operators,
    operator_terms,
    stack_bytes,
    stack_terms,
    window_bytes,
)
from tinynas.cost.code_figures import CODE_BYTES, STACK_BYTES
from tinynas.deploy import compile_model, pack, read_graph
from tinynas.deploy.compiler.passes.liveness import keep_live
from tinynas.deploy.compiler.passes.lower import lower as translate
from tinynas.deploy.compiler.plan.schedule import make_schedule
from tinynas.network import TCN

BOARD = load_board("nucleo_f446re")


def schedule_of(model):
    return make_schedule(keep_live(translate(read_graph(model))[0]))


@settings(max_examples=40, deadline=None)
@given(architectures())
def test_the_room_for_windows_is_that_of_the_generated_c(a):
    model = pack(filled(lower(a)))
    source = compile_model(model).files["model.c"]
    taps, columns = (int(re.search(pattern, source)[1]) for pattern in (r"\*taps\[(\d+)\];", r" columns\[(\d+)\]"))
    assert window_bytes(schedule_of(model)) == 4 * taps + 2 * columns


@pytest.mark.parametrize("code", CODE_BYTES)
@settings(max_examples=20, deadline=None)
@given(a=architectures(max_filters=20))
def test_operators_have_a_length(code, a):
    schedule = schedule_of(pack(filled(lower(a))))
    figures = CODE_BYTES[code]
    operators = [operator_terms(schedule, number) for number in range(len(schedule.live.turns))]
    assert all(sum(figures.get(term, 0) for term in terms) > 0 for terms in operators)
    assert code_bytes(schedule, code) > 50 * len(operators)
    assert stack_bytes(schedule, code) > window_bytes(schedule) + 250


@settings(max_examples=40, deadline=None)
@given(architectures(max_filters=20))
def test_every_term_has_a_figure(a):
    schedule = schedule_of(pack(filled(lower(a))))
    terms = {term for number in range(len(schedule.live.turns)) for term in operator_terms(schedule, number)}
    for inlined in (False, True):
        terms |= dispatch_terms(schedule, inlined=inlined).keys()
        for figures in STACK_BYTES.values():
            assert stack_terms(schedule, inlined=inlined).keys() == figures.keys()
    assert terms <= CODE_BYTES["gcc"].keys() | CODE_BYTES["zig"].keys()


def test_terms_of_a_network():
    a = TCN(filters=16, kernel_size=3, dilations=(1, 2), window=64, channels=6)
    schedule = schedule_of(pack(filled(lower(a))))
    count = len(schedule.live.turns)
    found = [operator_terms(schedule, number) for number in range(count)]
    # The residual path's 1x1 convolution comes first. Its 6 channels are not whole groups of four, 16 are. Two
    # outputs are one pair.
    assert found[0] == {"rows": 1, "rows: one tap": 1}
    assert found[count - 1] == dict.fromkeys(("row", "row: whole groups", "row: whole rounds", "row: one pair"), 1)
    assert dispatch_terms(schedule, inlined=True)["dispatch: operator, inlined"] == count


def object_sizes(model, compiler, core, folder):
    """Sizes of the sections of a model's object."""
    from tinynas.hil.image import Toolchain
    from tinynas.resources import resource

    compile_model(model).write(folder)
    target, libc = folder / "model.o", resource("firmware", "libc")
    Toolchain.detect(compiler).compile(folder / "model.c", target, core=core, include=[folder, libc])
    with target.open("rb") as file:
        return {s.name: s["sh_size"] for s in ELFFile(file).iter_sections() if s["sh_type"] == "SHT_PROGBITS"}


def word_aligned(size):
    return -(-size // 4) * 4


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", ["nucleo_f446re", "nucleo_g071rb", "nucleo_u575zi_q"])
@pytest.mark.parametrize("a", [a for a in candidates(5, seed=3) if a.filters < 40], ids=lambda a: a.key[:8])
def test_objects_are_as_predicted(a, name, compiler, tmp_path):
    model, board = converted(a), load_board(name)
    code = Engine.aot(board, compiler).code
    schedule, sizes = schedule_of(model), object_sizes(model, compiler, board.core, tmp_path)
    assert (".text.step" not in sizes) == inlines_operators(schedule, code)
    kinds = r"\.rodata\.(weights|bias|multiplier|shift|rows|schedule)\d*"
    constants = sum(word_aligned(size) for name, size in sizes.items() if re.fullmatch(kinds, name))
    # What belongs to the one pair of outputs is written into the code: 8 + 8 + 2 bytes; Clang does so with more.
    assert constants_bytes(schedule) - {"gcc": 20, "zig": 60}[compiler] <= constants <= constants_bytes(schedule)
    found = sum(size for name, size in sizes.items() if re.search(r"text\.(step|model_invoke_in)|rodata\.op\d", name))
    assert code_bytes(schedule, code) == pytest.approx(found, rel=0.05)
