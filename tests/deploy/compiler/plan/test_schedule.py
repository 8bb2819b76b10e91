"""Turns and ring buffers: every row is there when it is read, and buffers are no larger than that asks for."""

import gc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deploy._building import RELU, Model
from tests.deploy._models import BUILDERS
from tests.deploy.compiler._networks import architecture, dilated, pyramid
from tinynas.deploy import read_graph
from tinynas.deploy.compiler.passes.liveness import keep_live
from tinynas.deploy.compiler.passes.lower import lower
from tinynas.deploy.compiler.plan.layout import lay_out
from tinynas.deploy.compiler.plan.schedule import make_schedule, segments

MODELS = {name: build(np.random.default_rng(1)) for name, build in BUILDERS.items()}
for _seed in range(30):
    for _form in (dilated, pyramid):
        _rng = np.random.default_rng([_seed, 12])
        MODELS[f"{_form.__name__}{_seed}"] = _form(architecture(_rng), _rng)


def schedule_of(model):
    return make_schedule(keep_live(lower(read_graph(model))[0]))


def replayed(schedule):
    """Reads that find something else in the buffers than the row that they want, when the schedule is played."""
    found = schedule.live
    memory = {}  # (buffer, place) -> (value, row)
    done = [0] * len(found.turns)
    wrong = []
    makers = {t.operator.output: i for i, t in enumerate(found.turns)}
    for at, number in enumerate(schedule.order):
        t = found.turns[number]
        rows = t.rows[done[number] : done[number] + schedule.lanes[number]]
        for access in t.operator.inputs:
            value = access.value
            if value not in schedule.place:  # the caller's memory, constants
                continue
            buffer = schedule.buffers[schedule.place[value]]
            assert buffer.first <= at <= buffer.last
            maker = found.turns[makers[value]]
            wanted = (
                range(found.lattices[value].count) if access.whole else [r for j in rows for r in access.existing(j)]
            )
            if maker.whole:
                if done[makers[value]] != len(maker.rows):
                    wrong.append((number, value))
                continue
            wrong += [
                (number, value, r) for r in wanted if memory.get((schedule.place[value], r % buffer.rows)) != (value, r)
            ]
        done[number] += len(rows)
        out = t.operator.output
        if out in schedule.place:
            buffer = schedule.buffers[schedule.place[out]]
            assert buffer.first <= at <= buffer.last
            for row in rows if not t.whole else range(t.kept):
                memory[schedule.place[out], row % buffer.rows] = (out, row)
    assert done == [len(t.rows) for t in found.turns]
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_row_is_in_its_place_when_it_is_read(name):
    assert replayed(schedule_of(MODELS[name])) == []


@pytest.mark.parametrize("name", ["tcn_last_step", "keyword_spotting", "dilated3", "tcn_mean"])
def test_a_buffer_with_one_row_less_would_not_do(name):
    """The replay above can fail, and rings of these are as small as the order allows."""
    schedule = schedule_of(MODELS[name])
    shrunk = [n for n, buffer in enumerate(schedule.buffers) if buffer.rows > 1 and n not in schedule.sums.values()]
    assert shrunk
    for n in shrunk:
        buffers = list(schedule.buffers)
        buffers[n] = replace(buffers[n], rows=buffers[n].rows - 1)
        assert replayed(replace(schedule, buffers=tuple(buffers)))


def chain(kernel, count=3):
    m = Model(np.random.default_rng(0))
    x = m.input(1, 1, 60, 4)
    for _ in range(count):
        x = m.conv(x, 4, (1, kernel), same=False, activation=RELU)
    return m.pack(x)


@pytest.mark.parametrize("kernel", [2, 3, 5])
def test_a_convolution_keeps_no_more_than_the_reach_of_two_turns(kernel):
    schedule = schedule_of(chain(kernel))
    # Two turns at once need kernel + 1 rows; made in twos, one more may be there.
    assert all(kernel <= buffer.rows <= kernel + 2 for buffer in schedule.buffers)


def test_the_arena_does_not_grow_with_the_window():
    m = Model(np.random.default_rng(0))
    sizes = set()
    for window in (60, 600):
        m = Model(np.random.default_rng(0))
        x = m.conv(m.input(1, 1, window, 4), 4, (1, 3), same=False)
        sizes.add(lay_out(schedule_of(m.pack(m.conv(x, 4, (1, 3), same=False))).buffers).bytes)
    assert len(sizes) == 1


def test_elementwise_operators_work_in_place():
    m = Model(np.random.default_rng(0))
    x = m.conv(m.input(1, 6, 6, 3), 4, (3, 3))
    y = m.arithmetic("ADD", x, m.conv(x, 4, (1, 1)))
    y = m.unary("TANH", m.arithmetic("MUL", y, m.values(4)), (1 / 128, 0))
    schedule = schedule_of(m.pack(m.conv(y, 2, (3, 3))))
    place = {schedule.live.turns[i].operator.kind: schedule.place.get(t.operator.output) for i, t in
             enumerate(schedule.live.turns)}  # fmt: skip
    assert place["ADD"] == place["MUL"] == place["TANH"]


@given(st.lists(st.integers(0, 3), max_size=120))
def test_segments_say_the_same_as_the_order(order):
    said = [op for s in segments(order) for _ in range(s.repeats) for op in s.body]
    assert said == order
    assert all(1 <= s.repeats <= 255 and 1 <= len(s.body) <= 255 for s in segments(order))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(2, 400))
def test_repetitions_are_found(body, times):
    order = body * times
    size = sum(2 + len(s.body) for s in segments(order))
    assert size <= max(len(body) + 2, 8) * (times // 255 + 2) + 2 * len(body)


def test_a_schedule_leaves_nothing_to_the_garbage_collector():
    live = keep_live(lower(read_graph(next(iter(MODELS.values()))))[0])
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        make_schedule(live)
        gc.collect()
        # Threads of other tests may leave something of theirs.
        modules = [str(getattr(left, "__module__", None) or type(left).__module__) for left in gc.garbage]
        assert not [module for module in modules if module.startswith("tinynas.deploy")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
