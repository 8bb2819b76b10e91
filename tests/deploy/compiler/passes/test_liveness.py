"""Dead time steps: what is left is exactly what the output depends on, in numbers that fit together."""

import numpy as np
import pytest

from tests.deploy._building import RELU, Model
from tests.deploy._models import BUILDERS
from tests.deploy.compiler._networks import architecture, dilated, pyramid
from tinynas.deploy import read_graph
from tinynas.deploy.compiler.passes.liveness import keep_live, needed_rows
from tinynas.deploy.compiler.passes.lower import lower

PROGRAMS = {name: lower(read_graph(build(np.random.default_rng(1))))[0] for name, build in BUILDERS.items()}
for _seed in range(30):
    for _form in (dilated, pyramid):
        _rng = np.random.default_rng([_seed, 11])
        PROGRAMS[f"{_form.__name__}{_seed}"] = lower(read_graph(_form(architecture(_rng), _rng)))[0]


def dilated_chain(dilations, kernel=3, window=64, last_step=True):
    m = Model(np.random.default_rng(0))
    x = m.input(1, 1, window, 2)
    for d in dilations:
        x = m.pad(x, [(0, 0), (0, 0), ((kernel - 1) * d, 0), (0, 0)])
        x = m.conv(x, 2, (1, kernel), dilation=(1, d), same=False, activation=RELU)
    if last_step:
        x = m.strided_slice(x, (0, 0, -1, 0), (0, 0, 0, 0), None, 0b110, 0b1001, 0b1001)
    return lower(read_graph(m.pack(x)))[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_rows_in_their_new_numbers_are_the_same_rows(name):
    """Whatever an operator reads for a turn, it read for that turn before rows were numbered anew."""
    program = PROGRAMS[name]
    found = keep_live(program)
    before = {op.output: op for op in program.operators}
    for turns in found.turns:
        old, own = before[turns.operator.output], found.lattices[turns.operator.output]
        assert len(turns.operator.inputs) == len(old.inputs)
        for new_access, access in zip(turns.operator.inputs, old.inputs, strict=True):
            lattice = found.lattices[access.value]
            if access.whole:
                assert lattice is None or (lattice.start, lattice.step) == (0, 1)
                continue
            for row in turns.rows:
                original = row if turns.whole else own.start + row * own.step
                wanted = [lattice.place(r) for r in access.existing(original)] if lattice is not None else []
                assert list(new_access.existing(row)) == wanted
                assert all(0 <= r < lattice.count for r in wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_row_that_is_made_is_read_or_given_out(name):
    program = PROGRAMS[name]
    needed = needed_rows(program)
    found = keep_live(program)
    assert len(needed[program.output]) == program.values[program.output].rows.count
    for turns in found.turns:
        if not turns.whole:
            lattice = found.lattices[turns.operator.output]
            assert {lattice.start + row * lattice.step for row in turns.rows} == needed[turns.operator.output]
    assert found.macs <= program.macs


def test_of_a_dilated_network_a_pyramid_is_left():
    found = keep_live(dilated_chain((1, 2, 4, 8)))
    assert [len(turns.rows) for turns in found.turns if turns.operator.kind == "CONV_2D"] == [15, 7, 3, 1]
    # Evenly apart, so numbered anew: the dilated convolutions have become dense ones.
    assert [turns.operator.inputs[0].dilation for turns in found.turns][1:4] == [1, 1, 1]
    assert [found.lattices[turns.operator.output].count for turns in found.turns][:4] == [15, 7, 3, 1]


def test_a_network_that_gives_every_step_keeps_all():
    program = dilated_chain((1, 2, 4), last_step=False)
    found = keep_live(program)
    assert found.macs == program.macs
    assert all(lattice.count == 64 for lattice in found.lattices)


def test_padding_that_meets_no_sample_is_not_a_row():
    found = keep_live(dilated_chain((16, 32), window=20))
    # Of three taps the first two of the second convolution reach before the window.
    convs = [turns for turns in found.turns if turns.operator.kind == "CONV_2D"]
    assert [len(turns.rows) for turns in convs] == [1, 1]
    assert [len(turns.operator.inputs[0].existing(turns.rows[0])) for turns in convs] == [2, 1]


def test_an_operator_that_reads_nothing_but_padding():
    m = Model(np.random.default_rng(0))
    x = m.pad(m.input(1, 1, 6, 2), [(0, 0), (0, 0), (9, 0), (0, 0)])
    x = m.strided_slice(m.conv(x, 3, (1, 2), same=False), (0, 0, 0, 0), (1, 1, 4, 3))
    program = lower(read_graph(m.pack(x)))[0]
    found = keep_live(program)
    assert needed_rows(program)[0] == set()
    assert found.lattices[0].count == 6  # the caller's memory is what it is
    conv = next(turns for turns in found.turns if turns.operator.kind == "CONV_2D")
    assert all(not conv.operator.inputs[0].existing(row) for row in conv.rows)
