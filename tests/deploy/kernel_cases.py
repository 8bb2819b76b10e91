"""Random cases for the C kernels and what TensorFlow Lite's definitions give for them, in integers of any size."""

import struct
from dataclasses import dataclass

import numpy as np

from tinynas.deploy.packing import fold_bias, needs_general_requantization, pack_matrix, pad_channels

(EXPAND, MATMUL2, MATMUL1, DEPTHWISE, ADD, SUB, MUL, LOOKUP, MAX_POOL, AVERAGE_POOL, ACCUMULATE, MEAN, SOFTMAX) = range(
    13
)
LIMIT = np.iinfo(np.int32)


@dataclass(frozen=True)
class Case:
    """What the driver reads, and the bytes expected; both in whole words."""

    data: bytes
    expected: bytes


def case(kernel, expected, *fields):
    """Numbers become words, arrays become blocks."""
    data = struct.pack("<ii", kernel, expected.nbytes)
    for field in fields:
        if isinstance(field, np.ndarray):
            block = field.tobytes()
            data += struct.pack("<i", len(block)) + block + bytes(-len(block) % 4)
        else:
            data += struct.pack("<i", field)
    return Case(data, expected.tobytes() + bytes(-expected.nbytes % 4))


def wrapped(x):
    return (x - LIMIT.min) % (1 << 32) + LIMIT.min


def halves_away(x, divisor):
    """round(x / divisor), of integers, halves away from zero."""
    magnitude = (2 * abs(x) + divisor) // (2 * divisor)
    return magnitude if x >= 0 else -magnitude


def scale(x, multiplier, shift):
    """round(round(x 2^left multiplier / 2^31) / 2^right), the inner one with halves up."""
    high = (2 * wrapped(int(x) << max(shift, 0)) * int(multiplier) + (1 << 31)) >> 32
    return halves_away(min(high, LIMIT.max), 1 << max(-shift, 0))


def output(x, multiplier, shift, zero, low, high):
    return min(max(wrapped(scale(x, int(multiplier), int(shift)) + zero), low), high)


def int8(rng, *shape):
    return rng.integers(-128, 128, shape).astype(np.int8)


def clamps(rng):
    """Zero point and clamp of an output: mostly all of int8."""
    zero = int(rng.integers(-128, 128))
    low, high = sorted(int(x) for x in rng.integers(-128, 128, 2)) if rng.random() < 0.3 else (-128, 127)
    return zero, low, high


def taps(rng, n, depth, missing=0.25):
    """Places (-1: padding), mostly one after the other, bytes, and the rows: None for padding."""
    start, x = int(rng.integers(0, 4)), int8(rng, (n + 2) * depth + 4)
    places = start + depth * np.arange(n)
    if rng.random() < 0.4:
        places = rng.integers(0, len(x) - depth + 1, n)
    places[rng.random(n) < missing] = -1
    rows = [None if p < 0 else x[p : p + depth].astype(np.int64) for p in places]
    return places.astype(np.int32), x, rows


def layer(rng, channels, *shape):
    """Weights (channels, *shape), bias, multiplier, shift: of any or of usual size, or with many sums at a half."""
    flavour = rng.choice(["any", "fast", "usual", "halves"])
    weights, bias = int8(rng, channels, *shape), rng.integers(-(1 << 14), 1 << 14, channels)
    multiplier, shift = rng.integers(1 << 30, 1 << 31, channels), rng.integers(-9, -4, channels)
    if flavour == "any":
        shift = rng.integers(-31, 12, channels)
        bias = rng.integers(*rng.choice([(LIMIT.min + (1 << 22), LIMIT.max - (1 << 22)), (-1000, 1000)]), channels)
        multiplier[rng.random(channels) < 0.2] = LIMIT.max
    elif flavour == "fast":
        shift, bias = rng.integers(-22, 0, channels), rng.integers(-(1 << 29), 1 << 29, channels)
    elif flavour == "halves":
        weights = np.sign(weights)
        multiplier[:], shift, bias = 1 << 30, rng.integers(-4, 0, channels), bias >> 9
    return weights, bias.astype(np.int32), multiplier.astype(np.int32), shift.astype(np.int8)


def expand(rng):
    depth, n = int(rng.integers(1, 40)), int(rng.integers(1, 9))
    if rng.random() < 0.5:
        depth = 4 * int(rng.integers(1, 12))
    zero = int(rng.integers(-128, 128))
    places, x, rows = taps(rng, n, depth)
    column = np.concatenate([np.full(depth, zero) if row is None else row for row in rows])
    column = np.pad(column, (0, -len(column) % 4)).astype(np.int16)
    if depth % 4 == 0:
        column = column.reshape(-1, 4)[:, [0, 2, 1, 3]]
    return case(EXPAND, column, depth, zero, n, places, x)


def matmul(rng):
    """Both kernels on the same matrix; the columns as `expand` leaves them."""
    channels, n, depth = (int(x) for x in rng.integers(1, [8, 5, 22]))
    zero_in = int(rng.integers(-128, 128))
    weights, bias, multiplier, shift = layer(rng, channels, n, depth)
    folded = fold_bias(bias, weights, zero_in)
    zero, low, high = clamps(rng)
    left = needs_general_requantization(folded, weights, shift)
    x = int8(rng, 2, n * depth)
    columns = np.pad(x, ((0, 0), (0, -n * depth % 4))).astype(np.int16)
    if depth % 4 == 0:
        columns = columns.reshape(2, -1, 4)[..., [0, 2, 1, 3]].reshape(2, -1)
    sums = (x.astype(np.int64) - zero_in) @ weights.reshape(channels, -1).T.astype(np.int64) + bias
    outs = [
        [output(wrapped(int(s)), m, k, zero, low, high) for s, m, k in zip(row, multiplier, shift, strict=True)]
        for row in sums
    ]
    a, b = np.array(outs, np.int8)
    fields = (columns.shape[1] // 4, channels, zero, low, high, int(left), pack_matrix(weights), folded)
    fields += (pad_channels(multiplier, 1 << 30), pad_channels(shift, -1), columns[0], columns[1])
    return [case(MATMUL2, np.concatenate([a, b, a]), *fields), case(MATMUL1, a, *fields)]


def depthwise(rng):
    channels, n = (int(x) for x in rng.integers(1, [19, 10]))
    zero_in = int(rng.integers(-128, 128))
    weights, bias, multiplier, shift = layer(rng, channels, n)
    folded = fold_bias(bias, weights, zero_in)
    zero, low, high = clamps(rng)
    left = needs_general_requantization(folded, weights, shift)
    weights = np.ascontiguousarray(weights.T)
    places, x, rows = taps(rng, n, channels)
    sums = bias.astype(np.int64)
    for row, w in zip(rows, weights.astype(np.int64), strict=True):
        sums = sums if row is None else sums + (row - zero_in) * w
    out = [output(wrapped(int(s)), m, k, zero, low, high) for s, m, k in zip(sums, multiplier, shift, strict=True)]
    fields = (channels, zero_in, zero, low, high, int(left), weights, folded[:channels], multiplier, shift)
    return case(DEPTHWISE, np.array(out, np.int8), *fields, n, places, x)


def sum_of(rng):
    """ADD or SUB: usually one input counts exactly half, as TFLite's scales make it."""
    (m_a, m_b), (s_a, s_b), n = rng.integers(1 << 30, 1 << 31, 2), rng.integers(-10, 0, 2), int(rng.integers(1, 30))
    m, s = rng.integers(1 << 30, 1 << 31), int(rng.choice([-25, -22, -20, -19, -18, -17, -12, -2]))
    (zero_a, zero_b), (zero, low, high) = rng.integers(-128, 128, 2), clamps(rng)
    a, b = int8(rng, n), int8(rng, n)
    flavour = rng.choice(["any", "halves of sums", "halves of inputs"], p=[0.6, 0.2, 0.2])
    if flavour == "halves of sums":
        m_a = m_b = m = 1 << 30
        s_a, s_b, s = -1, -1, int(rng.choice([-20, -21, -22]))
    elif flavour == "halves of inputs":  # only the input that is multiplied, and small: nothing hides how it is rounded
        m_a = m_b = m = 1 << 30
        s_a, s_b, s = -21, -21, -1
    half = int(rng.choice([0, 1, 2, 3], p=[0.1, 0.4, 0.4, 0.1]))  # neither, a, b, both
    m_a, s_a = (1 << 30, 0) if half & 1 else (m_a, s_a)
    m_b, s_b = (1 << 30, 0) if half & 2 else (m_b, s_b)
    if flavour == "halves of inputs":
        a, b = (np.full(n, zero_a, np.int8) if half & 1 else a), (np.full(n, zero_b, np.int8) if half & 2 else b)
    kernel, alias = int(rng.choice([ADD, ADD, SUB])), int(rng.integers(0, 3))
    out = []
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        scaled = scale((x - int(zero_a)) << 20, m_a, int(s_a)), scale((y - int(zero_b)) << 20, m_b, int(s_b))
        total = scaled[0] + scaled[1] if kernel == ADD else scaled[0] - scaled[1]
        out.append(output(total, m, s, zero, low, high))
    p = np.array([zero_a, zero_b, 20, m_a, s_a, m_b, s_b, m, s, zero, low, high], np.int32)
    return case(kernel, np.array(out, np.int8), p, alias, n, a, b)


def product(rng):
    n, (zero_a, zero_b), (zero, low, high) = int(rng.integers(1, 20)), rng.integers(-128, 128, 2), clamps(rng)
    m, s, alias = int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-12, 3)), int(rng.integers(0, 3))
    a, b = int8(rng, n), int8(rng, n)
    products = (a.astype(np.int64) - zero_a) * (b.astype(np.int64) - zero_b)
    out = np.array([output(x, m, s, zero, low, high) for x in products], np.int8)
    return case(MUL, out, np.array([zero_a, zero_b, m, s, zero, low, high], np.int32), alias, n, a, b)


def lookup(rng):
    table, x = int8(rng, 256), int8(rng, int(rng.integers(1, 40)))
    return case(LOOKUP, table[x.astype(int) + 128], len(x), table, x)


def pool(rng):
    channels, n = (int(x) for x in rng.integers(1, [14, 10]))
    (_, low, high), kernel = clamps(rng), int(rng.choice([MAX_POOL, AVERAGE_POOL]))
    places, x, rows = taps(rng, n, channels)
    present = [row for row in rows if row is not None]
    if not present:  # no window of a pooling lies in the padding alone
        places[0], present = 0, [x[:channels].astype(np.int64)]
    if kernel == MAX_POOL:
        out = np.max(present, axis=0)
    else:
        out = np.array([halves_away(int(s), len(present)) for s in np.sum(present, axis=0)])
    return case(kernel, np.clip(out, low, high).astype(np.int8), channels, low, high, n, places, x)


def accumulate(rng):
    n = int(rng.integers(1, 23))
    total, x = rng.integers(-(1 << 28), 1 << 28, n).astype(np.int32), int8(rng, n)
    return case(ACCUMULATE, total + x, n, total, x)


def mean(rng):
    n, count, (zero_in, zero) = int(rng.integers(1, 12)), int(rng.integers(1, 200)), rng.integers(-128, 128, 2)
    m, s = int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-9, 2))
    total = rng.integers(-128 * count, 127 * count + 1, n).astype(np.int32)
    out = [output(int(x) - int(zero_in) * count, m, s, int(zero), -128, 127) for x in total]
    return case(MEAN, np.array(out, np.int8), np.array([zero_in, count, m, s, zero], np.int32), n, total)


def softmax(rng):
    scale_in, n = float(rng.choice([0.02, 0.1, 0.5])), int(rng.integers(1, 40))
    table = np.minimum(np.round(np.exp(-scale_in * np.arange(256)) * 2.0**31), LIMIT.max).astype(np.int32)
    table[int(16 / scale_in) :] = 0
    x = (int8(rng, n) // int(rng.choice([1, 2, 8]))).astype(np.int8)
    terms = [int(table[x.max().astype(int) - int(v)]) for v in x]
    total = sum(halves_away(t, 1 << 12) for t in terms)
    bits = 32 - total.bit_length()
    share = reciprocal((total << bits) - (1 << 31))
    out = [min(halves_away((2 * share * t + (1 << 31)) >> 32, 1 << (35 - bits)) - 128, 127) for t in terms]
    return case(SOFTMAX, np.array(out, np.int8), n, table, x)


def reciprocal(x):
    """1 / (1 + x), x and the result in Q31, as gemmlowp's Newton-Raphson gives it."""
    half = halves_away(x + LIMIT.max, 2)
    y = round(48 / 17 * 2**29) + ((2 * half * round(-32 / 17 * 2**29) + (1 << 31)) >> 32)
    for _ in range(3):
        rest = (1 << 29) - ((2 * half * y + (1 << 31)) >> 32)
        y += 4 * ((2 * y * rest + (1 << 31)) >> 32)
    return min(2 * y, LIMIT.max)


KINDS = (expand, matmul, depthwise, sum_of, product, lookup, pool, accumulate, mean, softmax)


def cases(kind, count, seed):
    """`count` draws of one of `KINDS`."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    drawn = [kind(rng) for _ in range(count)]
    return [one for item in drawn for one in (item if isinstance(item, list) else [item])]


def stream(drawn):
    """Input of the driver: all cases, their number first."""
    return struct.pack("<i", len(drawn)) + b"".join(one.data for one in drawn)
