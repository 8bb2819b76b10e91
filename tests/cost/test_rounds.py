"""How often kernels' loops run, and the cycles that follow: against counts by hand and virtual boards' own."""

import dataclasses

import numpy as np
import pytest

from tinynas.board import OperatingPoint, load_board
from tinynas.cost import Engine, costs, estimate, repeat
from tinynas.cost.aot_program import predict_program
from tinynas.cost.rounds import _padding, count_rounds, lines_read
from tinynas.deploy.compiler import Access, keep_live, make_schedule
from tinynas.errors import ConfigError
from tinynas.network import CNN, MinGRU, SeparableTCN, plan
from tinynas.network.builder import GraphBuilder


def schedule(*convolutions, window=20, channels=8, read=1):
    """Of convolutions on top of each other, each (channels, taps, dilation), of whose output some rows are read."""
    net = GraphBuilder(window, channels)
    x = net.window
    for number, (width, taps, dilation) in enumerate(convolutions):
        x = net.convolution(x, f"l{number}", width, taps, dilation)
    graph = net.finish(net.newest(x, read) if read > 1 else net.dense(net.newest(x), "output", 2))
    return make_schedule(keep_live(predict_program(plan(graph))))


def counted(made, number, dsp=True):
    return {name: count for name, count in count_rounds(made, number, dsp=dsp).items() if count}


def test_a_convolution_of_one_row_is_a_matrix_times_a_column():
    # 3 rows of 8 values, which lie next to each other, are 24 inputs: 6 groups, a round of 4 and 2 more.
    made = schedule((5, 3, 1))
    expected = {"gather: tap": 3, "gather: run": 1, "spread": 1, "spread: group": 2}
    assert counted(made, 0) == expected | {"row": 1, "row: pair": 3, "row: round": 3, "row: group": 6}
    plain = expected | {"column": 1, "column: pair": 3, "column: group": 18}
    assert counted(made, 0, dsp=False) == plain


def test_rows_are_made_two_at_a_time_and_the_last_one_twice():
    # The second convolution reads 3 rows of the first, which takes two calls of two columns for them.
    made = schedule((5, 1, 1), (4, 3, 1))
    first = counted(made, 0)
    assert (first["rows"], first["rows: pair"], first["rows: odd pair"]) == (2, 6, 2)
    assert first["gather: tap"] == 4
    assert first["rows: group"] == 2 * 3 * 2


def test_taps_before_the_window_are_padding():
    # Three rows of the first are read, of which the earliest reaches 4 samples before the window's start.
    made = schedule((4, 19, 1), (4, 3, 2))
    assert counted(made, 0)["gather: padding"] == pytest.approx((1 + 3) * 4 / 3 * 8)


def test_constants_are_read_once_where_a_cache_holds_them_all():
    made = schedule((5, 1, 1), (4, 3, 1))
    assert lines_read(made, [32, 64, 32], 4096, 32) == 0
    assert lines_read(made, [32, 64, 32], 16, 32) == (made.order.count(0) * 32 + 64 + 32) / 32


HELD_OUT = SeparableTCN(42, 11, (2, 16, 32, 64, 256), skip_connections=True, window=50, channels=9)


@pytest.mark.parametrize(
    ("name", "clock_hz", "cycles"),
    [
        ("nucleo_f446re", 164_000_000, 239_522),
        ("nucleo_g071rb", 64_000_000, 1_381_184),
        ("nucleo_u575zi_q", 148_000_000, 190_883),
        ("nucleo_f746zg", 195_000_000, 117_953),
    ],
)
def test_cycles_are_within_five_percent_of_virtual_boards(name, clock_hz, cycles):
    # One inference as virtual boards took it, of a network that no figure was fitted to.
    engine = Engine.aot(load_board(name).at(clock_hz))
    found = estimate(HELD_OUT, engine)
    assert found.cycles == pytest.approx(cycles, rel=0.05)
    assert found.latency_us == pytest.approx(1e6 * found.cycles / clock_hz, abs=1e-3)
    assert (found.clock_hz, found.energy_uj) == (clock_hz, None)
    assert costs(HELD_OUT, engine).cycles == found.cycles


def test_a_slower_clock_waits_less_for_the_flash():
    engine = Engine.aot(load_board("nucleo_f446re"))
    fast, slow = (estimate(HELD_OUT, engine.at(clock)) for clock in (180_000_000, 60_000_000))
    assert slow.cycles < fast.cycles
    assert fast.latency_us < slow.latency_us < 3 * fast.latency_us
    with pytest.raises(ConfigError, match="cannot be set to 20 MHz"):
        engine.at(20_000_000)


def test_energy_is_time_by_the_power_at_the_clock():
    points = (OperatingPoint(180_000_000, 200.0, 5.0), OperatingPoint(60_000_000, 90.0, 4.0))
    board = dataclasses.replace(load_board("nucleo_f446re"), operating_points=points)
    fast, slow = (estimate(HELD_OUT, Engine.aot(board.at(clock))) for clock in (180_000_000, 60_000_000))
    assert fast.energy_uj == pytest.approx(fast.latency_us * 0.2, abs=1e-3)
    assert slow.energy_uj == pytest.approx(slow.latency_us * 0.09, abs=1e-3)
    assert repeat(fast, 4).energy_uj == 4 * fast.energy_uj
    assert repeat(fast, 4).sram_bytes == fast.sram_bytes


def test_time_is_unknown_where_there_are_no_figures():
    board = load_board("nucleo_f446re")
    assert estimate(HELD_OUT, Engine.aot(board, "zig")).latency_us is None
    assert estimate(HELD_OUT, Engine.tflm()).latency_us is None


def test_a_kernel_without_figures_leaves_the_time_unknown():
    engine = Engine.aot(load_board("nucleo_f446re"))
    unknown = dataclasses.replace(engine.timing, kernels=engine.timing.kernels - {"depthwise"})
    assert costs(HELD_OUT, dataclasses.replace(engine, timing=unknown)).latency_us is None


@pytest.mark.parametrize(
    ("network", "name", "clock_hz", "cycles"),
    [  # by operator, with the calls that count: a few dozen cycles a turn
        (CNN(57, 10, (2, 4, 3), window=50, channels=9, pool="mean"), "nucleo_f446re", 164_000_000, 914_781),
        (CNN(57, 10, (2, 4, 3), window=50, channels=9, pool="mean"), "nucleo_g071rb", 64_000_000, 5_815_885),
        (MinGRU(57, 10, (3,), units=57, steps=16, window=50, channels=9), "nucleo_f446re", 164_000_000, 564_297),
        (MinGRU(57, 10, (3,), units=57, steps=16, window=50, channels=9), "nucleo_g071rb", 64_000_000, 3_442_648),
    ],
)
def test_other_families_too(network, name, clock_hz, cycles):
    assert costs(network, Engine.aot(load_board(name).at(clock_hz))).cycles == pytest.approx(cycles, rel=0.05)


def test_padding_is_counted_tap_by_tap():
    rng = np.random.default_rng(8)
    for _ in range(500):
        base, low = (int(n) for n in rng.integers(-12, 6, 2))
        stride, dilation, taps, length = (int(n) for n in rng.integers(1, 6, 4))
        access = Access(0, base, int(rng.integers(0, 4)) and stride, dilation, taps, low, low + 3 * length)
        rows = tuple(sorted({int(row) for row in rng.integers(0, 25, 9)}))
        places = [access.base + row * access.stride + tap * dilation for row in rows for tap in range(taps)]
        assert _padding(access, rows) == sum(not access.low <= place < access.high for place in places)
