"""Parameters, tables and softmax of the integer operators against TFLM itself, for all inputs at once."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.deploy import Quantization, TflmInterpreter, fixed_point, read_graph, tables
from tinynas.deploy import arithmetic as arith
from tinynas.deploy.arithmetic import add_parameters
from tinynas.deploy.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier

from ._building import Model, quantized
from ._reference import run

EVERY = np.arange(-128, 128, dtype=np.int8)
PAIRS = np.stack(np.meshgrid(EVERY, EVERY, indexing="ij"), -1).reshape(1, -1, 2)
scales = st.floats(-9, 3).map(lambda e: float(np.float32(2**e)))
zeros = st.integers(-128, 127)
affines = st.tuples(scales, zeros)


def tflm(kind, x, affine, out, shape=None, table="", constants=(), **options):
    """Output of one operator for a batch of one."""
    m = Model(np.random.default_rng(0))
    source = m.tensor(x.shape, affine, 1.0)
    m.inputs.append(source)
    operands = [source, *map(m.constant, constants)]
    target = m.op(kind, operands, m.tensor(shape or x.shape, out, 1.0), table, **options)
    return TflmInterpreter(m.pack(target)).run(x).reshape(shape or x.shape)


@given(st.floats(-(2.0**30), 2.0**30, allow_subnormal=False))
def test_a_multiplier_is_within_half_a_unit(real):
    multiplier, shift = quantize_multiplier(real)
    if multiplier == 0:
        assert abs(real) < 2**-32
    else:
        assert 2**30 <= abs(multiplier) < 2**31
        assert -31 <= shift <= 31
        unit = Fraction(2) ** (shift - 31)
        assert abs(Fraction(real) - multiplier * unit) <= unit / 2


def test_a_multiplier_that_rounds_up_to_one_is_a_half_of_the_next_power():
    assert quantize_multiplier(np.nextafter(1.0, 0.0)) == (1 << 30, 1)
    assert quantize_multiplier(-np.nextafter(4.0, 0.0)) == (-(1 << 30), 3)
    assert quantize_multiplier(0.0) == quantize_multiplier(2.0**-33) == (0, 0)
    assert quantize_multiplier(2.0**-32) == (1 << 30, -31)


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1), st.integers(0, 31))
def test_roundings(x, y, bits):
    product = Fraction(x * y, 2**31)
    assert fixed_point.multiply_high(x, y) == min((product + Fraction(1, 2)).__floor__(), 2**31 - 1)
    quotient = Fraction(abs(x), 2**bits)
    magnitude = (quotient + Fraction(1, 2)).__floor__() if bits else abs(x)
    assert fixed_point.rounding_shift(x, bits) == (magnitude if x >= 0 else -magnitude)


def test_fixed_point_functions_are_the_functions():
    x = np.linspace(-15.9, 15.9, 5001)
    raw = np.round(x * 2**27).astype(np.int64)
    close = {"rtol": 0, "atol": 3e-7}
    np.testing.assert_allclose(fixed_point.logistic(raw, 4) / 2**31, 1 / (1 + np.exp(-x)), **close)
    np.testing.assert_allclose(fixed_point.tanh(raw, 4) / 2**31, np.tanh(x), **close)
    np.testing.assert_allclose(fixed_point.exp_of_negative(-abs(raw), 4) / 2**31, np.exp(-abs(x)), **close)
    values = np.geomspace(1, 2**31 - 1, 500).astype(np.int64)
    inverse, bits = fixed_point.reciprocal(values, 12)
    np.testing.assert_allclose(inverse * 2.0 ** (-31 - bits), 2.0**19 / values, rtol=1e-8)


def test_activations_that_are_no_clamps_are_refused():
    assert arith.activation_range(0, 0.1, 5) == (-128, 127)
    assert arith.activation_range(1, 0.1, 5) == (5, 127)
    assert arith.activation_range(2, 0.1, 5) == (-5, 15)
    assert arith.activation_range(3, 0.1, 5) == (5, 65)
    assert arith.activation_range(3, 0.001, 5) == (5, 127)
    for code in (4, 5, 6):
        with pytest.raises(ValueError, match=f"activation {code}"):
            arith.activation_range(code, 0.1, 5)


def test_absurd_scales_are_refused():
    with pytest.raises(ValueError, match="far apart"):
        arith.add_parameters((1.0, 0), (1.0, 0), (2.0**-20, 0))
    with pytest.raises(ValueError, match="absurdly large"):
        arith.channel_multipliers(1.0, [2.0**20], 2.0**-20, 1)
    with pytest.raises(ValueError, match="2 scales for 3 channels"):
        arith.channel_multipliers(1.0, [1.0, 1.0], 1.0, 3)
    with pytest.raises(ValueError, match="softmax"):
        tables.softmax_parameters(2.0**-26)
    with pytest.raises(ValueError, match="a mean of 0"):
        arith.mean_parameters((1.0, 0), (1.0, 0), 0)


def test_one_scale_serves_all_channels():
    multiplier, shift = arith.channel_multipliers(0.5, [0.25], 0.75, 3)
    assert [*zip(multiplier.tolist(), shift.tolist(), strict=True)] == [quantize_multiplier(1 / 6)] * 3


@pytest.mark.slow
@given(affines, affines)
@settings(max_examples=60, deadline=None)
def test_tables_are_tflms_functions(a, out):
    x = EVERY[None]
    cases = {
        "LOGISTIC": (tables.logistic_table(a), (1 / 256, -128), {}),
        "TANH": (tables.tanh_table(a), (1 / 128, 0), {}),
        "RELU": (tables.relu_table(a, out), out, {}),
        "RELU6": (tables.relu6_table(a), a, {}),
        "QUANTIZE": (tables.requantize_table(a, out), out, {"table": "QuantizeOptions"}),
        "LEAKY_RELU": (tables.leaky_relu_table(a, out, 0.3), out, {"table": "LeakyReluOptions", "alpha": 0.3}),
    }
    for kind, (table, affine, options) in cases.items():
        np.testing.assert_array_equal(table, tflm(kind, x, a, affine, **options)[0], kind)


@given(affines, st.integers(1, tables.SOFTMAX_MAX_DEPTH), st.sampled_from([0.1, 1.0, 3.0]), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_softmax_is_tflms(a, depth, beta, seed):
    rng = np.random.default_rng(seed)
    x = np.clip(rng.normal(0, rng.choice([3, 100]), (1, 4, depth)), -128, 127).astype(np.int8)
    found = tables.softmax_int8(x, tables.softmax_parameters(a[0], beta))
    np.testing.assert_array_equal(found, tflm("SOFTMAX", x, a, (1 / 256, -128), table="SoftmaxOptions", beta=beta))


def test_the_deepest_softmax_of_equal_values():
    x = np.full((1, tables.SOFTMAX_MAX_DEPTH), 3, np.int8)
    found = tables.softmax_int8(x, tables.softmax_parameters(0.1))
    np.testing.assert_array_equal(
        found, tflm("SOFTMAX", x, (0.1, 0), (1 / 256, -128), table="SoftmaxOptions", beta=1.0)
    )


@given(affines, affines, st.tuples(*[st.integers(1, 70)] * 2), st.sampled_from([(1,), (2,), (1, 2)]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_mean_is_tflms(a, out, size, axes, alike):
    out = a if alike else out
    x = np.random.default_rng(sum(size)).integers(-128, 128, (1, *size, 3)).astype(np.int8)
    total = x.astype(np.int64).sum(axes, keepdims=True)
    p = arith.mean_parameters(a, out, x.size // total.size)
    mean = multiply_by_quantized_multiplier(total - p.count * p.zero_in, p.multiplier, p.shift) + p.zero
    options = {"table": "ReducerOptions", "constants": [axes], "keepDims": True}
    np.testing.assert_array_equal(np.clip(mean, -128, 127), tflm("MEAN", x, a, out, total.shape, **options))


def pairwise(kind, a, b, out, activation=0):
    """A model that takes all pairs of int8 values as two inputs; what TFLM makes of them; what the reference does."""
    m = Model(np.random.default_rng(0))
    m.inputs += [m.tensor(PAIRS.shape[:2], affine, 1.0) for affine in (a, b)]
    target = m.arithmetic(kind, *m.inputs, activation)
    m.tensors[target] = replace(m.tensors[target], quantization=quantized(out))
    model = m.pack(target)
    interpreter = pytest.importorskip("tflite_micro").runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    inputs = [np.ascontiguousarray(PAIRS[..., i]) for i in (0, 1)]
    for i, x in enumerate(inputs):
        interpreter.set_input(x, i)
    interpreter.invoke()
    return interpreter.get_output(0), run(read_graph(model), *inputs)[0]


@given(st.sampled_from(["ADD", "SUB", "MUL"]), affines, affines, affines, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_sums_and_products_of_all_pairs_are_tflms(kind, a, b, out, activation):
    expected, found = pairwise(kind, a, b, out, activation)
    np.testing.assert_array_equal(found, expected)


def in_single_precision(a, b, out, activation=0):
    """Parameters of SUB as TFLM used to compute them."""
    f = np.float32
    twice_max = 2 * max(f(a[0]), f(b[0]))
    factors = f(a[0]) / twice_max, f(b[0]) / twice_max, twice_max / (f(1 << 20) * f(out[0]))
    (m_a, s_a), (m_b, s_b), (m, s) = (quantize_multiplier(float(x)) for x in factors)
    changes = {"multiplier_a": m_a, "shift_a": s_a, "multiplier_b": m_b, "shift_b": s_b, "multiplier": m, "shift": s}
    return replace(add_parameters(a, b, out, activation), **changes)


@pytest.mark.slow
def test_precision_of_the_factors_of_sums(monkeypatch):
    rng, told = np.random.default_rng(0), {"ADD": 0, "SUB": 0}
    for _ in range(110):
        a, b = ((float(2 ** rng.uniform(-7, -5)), 0) for _ in range(2))
        out = (2 * max(a[0], b[0]) * float(2 ** rng.uniform(-0.5, 0.5)), 0)
        for kind in told:
            expected, found = pairwise(kind, a, b, out)
            np.testing.assert_array_equal(found, expected)
            with monkeypatch.context() as patch:
                patch.setattr(arith, f"{kind.lower()}_parameters", in_single_precision)
                told[kind] += int((pairwise(kind, a, b, out)[1] != expected).any())
    assert min(told.values()) > 0  # single precision shows, if rarely


def test_precision_of_the_factor_of_leaky_relu():
    # 1.5 times the float32 next to 1/3 is a half in single precision.
    a, out, slope = (1.5 * 2**-6, 0), (2**-6, 0), 1 / 3
    expected = tflm("LEAKY_RELU", EVERY[None], a, out, table="LeakyReluOptions", alpha=slope)[0]
    np.testing.assert_array_equal(tables.leaky_relu_table(a, out, slope), expected)
    half = multiply_by_quantized_multiplier(np.arange(-128, 0), *quantize_multiplier(0.5))
    assert (half != expected[:128]).any()


@pytest.mark.parametrize("per_channel", [False, True])
def test_precision_of_the_factor_of_fully_connected(per_channel):
    """Accumulators next to where single and double precision of the product of the scales round apart."""
    rng = np.random.default_rng(1)
    units, a, out = 200, (0.0123, 7), (1.0, 0)
    scale = float(np.float32(2.0**-17 / 1.3))  # the accumulators of all outputs fit into 32 bits
    product = np.float32(a[0]) * np.float32(scale)
    (factor,) = zip(*arith.fully_connected_multipliers(a[0], [scale], out[0], 1), strict=True)
    halves = (np.arange(1, units + 1) % 120 + 0.5) / float(product)
    candidates = (halves[:, None] + np.arange(-100, 101)).astype(np.int64)
    single = multiply_by_quantized_multiplier(candidates, *quantize_multiplier(float(product)))
    apart = candidates[single != multiply_by_quantized_multiplier(candidates, *factor)]
    bias = rng.choice(apart, units, replace=False)
    m = Model(rng)
    x = m.input(1, 4)
    m.tensors[x] = replace(m.tensors[x], quantization=quantized(a))
    y = m.dense(x, units, per_channel=per_channel)
    weights, biases = m.ops[0].inputs[1:]
    count = units if per_channel else 1
    m.tensors[weights] = replace(m.tensors[weights], quantization=Quantization((scale,) * count, (0,) * count))
    affine = Quantization((float(product),) * count, (0,) * count)
    m.tensors[biases] = replace(m.tensors[biases], data=bias.astype(np.int32), quantization=affine)
    m.tensors[y] = replace(m.tensors[y], quantization=quantized(out))
    found = TflmInterpreter(m.pack(y)).run(np.full((1, 4), a[1], np.int8))[0]
    np.testing.assert_array_equal(found, multiply_by_quantized_multiplier(bias, *factor))


@pytest.mark.parametrize("exponent", [-34, -31, -27, 22, 24, 27])
def test_scales_worlds_apart(exponent):
    """Factors that vanish, and left shifts that overflow."""
    a, out = (float(np.float32(1.3 * 2.0 ** (exponent / 2))), 3), (2.0 ** -(exponent / 2), -7)
    found = tflm("QUANTIZE", EVERY[None], a, out, table="QuantizeOptions")[0]
    np.testing.assert_array_equal(tables.requantize_table(a, out), found)
    x = np.repeat(EVERY, 2000).reshape(1, 2000, 256)
    p = arith.mean_parameters(a, out, 2000)
    total = x.astype(np.int64).sum(1, keepdims=True)
    mean = multiply_by_quantized_multiplier(total - p.count * p.zero_in, p.multiplier, p.shift) + p.zero
    options = {"table": "ReducerOptions", "constants": [(1,)], "keepDims": True}
    np.testing.assert_array_equal(np.clip(mean, -128, 127), tflm("MEAN", x, a, out, total.shape, **options))
    assert p.shift >= -31
