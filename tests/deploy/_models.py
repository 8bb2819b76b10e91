"""Models for the compiler's tests: every operator in its variants, and networks in small. Name -> builder.

Each takes a random generator, which decides about shapes, weights and quantisation, and returns a .tflite file of one
input and one output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ._building import NONE, RELU, RELU6, RELU_N1_TO_1, Model, quantized

Builder = Callable[[np.random.Generator], bytes]

BUILDERS: dict[str, Builder] = {}
#: Models whose outputs TFLM does not define.
UNREFEREED: dict[str, Builder] = {}


def _add(name: str, build: Callable[[Model], int], where: dict[str, Builder] = BUILDERS) -> None:
    def builder(rng: np.random.Generator) -> bytes:
        model = Model(rng)
        return model.pack(build(model))

    assert name not in where
    where[name] = builder


def _few(m: Model, low: int = 2, high: int = 9) -> int:
    return int(m.rng.integers(low, high + 1))


def _image(m: Model, channels: int | None = None) -> int:
    return m.input(1, _few(m, 6, 10), _few(m, 6, 10), channels or _few(m))


def _series(m: Model) -> int:
    """A time series as the width of an image of one row."""
    return m.input(1, 1, _few(m, 20, 30), _few(m))


# Convolutions.

_CONVOLUTIONS = {
    "same": ((3, 3), {}),
    "same_strided": ((3, 2), {"stride": (2, 3)}),
    "valid": ((2, 3), {"same": False}),
    "valid_strided": ((3, 3), {"same": False, "stride": (2, 1)}),
    "valid_dilated": ((2, 3), {"same": False, "dilation": (3, 2)}),
    "same_dilated": ((3, 3), {"dilation": (2, 2)}),
    "pointwise": ((1, 1), {}),
    "whole": ((6, 6), {"same": False}),
    "relu": ((3, 3), {"activation": RELU}),
    "relu6": ((3, 3), {"activation": RELU6}),
    "relu_n1_to_1": ((3, 3), {"activation": RELU_N1_TO_1}),
    "per_tensor": ((3, 3), {"per_channel": False}),
}
for _name, (_kernel, _options) in _CONVOLUTIONS.items():
    _add(f"conv_{_name}", lambda m, k=_kernel, o=_options: m.conv(_image(m), _few(m), k, **o))
    _add(f"depthwise_{_name}", lambda m, k=_kernel, o=_options: m.conv(_image(m), 1, k, depthwise=True, **o))
_add("depthwise_no_bias", lambda m: m.conv(_image(m), 1, (3, 3), depthwise=True, bias=False))
_add("depthwise_multiplier", lambda m: m.conv(_image(m), _few(m, 2, 4), (3, 3), depthwise=True))
_add("depthwise_one_channel", lambda m: m.conv(_image(m, 1), _few(m), (3, 3), depthwise=True, stride=(2, 2)))

_CONVOLUTIONS_1D = {
    "same": ((1, 3), {}),
    "same_dilated": ((1, 3), {"dilation": (1, 4)}),
    "valid_strided": ((1, 5), {"same": False, "stride": (1, 3), "activation": RELU}),
    "valid_dilated": ((1, 3), {"same": False, "dilation": (1, 4), "activation": RELU}),
}
for _name, (_kernel, _options) in _CONVOLUTIONS_1D.items():
    _add(f"conv_1d_{_name}", lambda m, k=_kernel, o=_options: m.conv(_series(m), _few(m), k, **o))
    _add(f"depthwise_1d_{_name}", lambda m, k=_kernel, o=_options: m.conv(_series(m), 1, k, depthwise=True, **o))


def _left_shift(m: Model) -> int:
    """Weights so small that accumulators are multiplied, not divided."""
    y = m.conv(_image(m, 2), 6, (1, 1), largest=1)
    m.tensors[y] = replace(m.tensors[y], quantization=quantized((m.affine(y)[0] / 2, 5)))
    return y


_add("conv_left_shift", _left_shift)

# Fully connected.

_add("dense", lambda m: m.dense(m.input(1, _few(m, 5, 40)), _few(m)))
_add("dense_relu", lambda m: m.dense(m.input(1, _few(m, 5, 40)), _few(m), RELU))
_add("dense_per_tensor", lambda m: m.dense(m.input(1, _few(m, 5, 40)), _few(m), per_channel=False))
_add("dense_no_bias", lambda m: m.dense(m.input(1, _few(m, 5, 40)), _few(m), bias=False))
_add("dense_of_image", lambda m: m.dense(_image(m), _few(m)))

# Sums and products, of a tensor and what is computed from it.


def _pair(m: Model) -> tuple[int, int]:
    x = _image(m)
    return x, m.conv(x, m.shape(x)[-1], (1, 1))


def _pooled(m: Model) -> tuple[int, int]:
    """An image and (1, 1, 1, channels), as squeeze-and-excite blocks multiply them."""
    x = _image(m)
    return x, m.mean(x, (1, 2), keep=True)


def _channelwise(m: Model) -> tuple[int, int]:
    x = _image(m)
    return x, m.values(m.shape(x)[-1])


def _scalar(m: Model) -> tuple[int, int]:
    return _image(m), m.values(1)


def _whole_constant(m: Model) -> tuple[int, int]:
    x = _image(m)
    return m.values(*m.shape(x)), x


def _row_constant(m: Model) -> tuple[int, int]:
    x = _image(m)
    return x, m.values(1, *m.shape(x)[2:])


_OPERANDS = {
    **{"": _pair, "_pooled": _pooled, "_channelwise": _channelwise, "_scalar": _scalar},
    **{"_whole_constant": _whole_constant, "_row_constant": _row_constant},
}
for _kind in ("ADD", "SUB", "MUL"):
    for _name, _operands in _OPERANDS.items():
        _add(f"{_kind.lower()}{_name}", lambda m, k=_kind, f=_operands: m.arithmetic(k, *f(m)))
    for _name, _code in {"relu": RELU, "relu6": RELU6}.items():
        _add(f"{_kind.lower()}_{_name}", lambda m, k=_kind, c=_code: m.arithmetic(k, *_pair(m), c))
    _add(f"{_kind.lower()}_reversed", lambda m, k=_kind: m.arithmetic(k, *reversed(_pooled(m))))
_add("add_itself", lambda m: (lambda x: m.arithmetic("ADD", x, x))(_image(m)))
_add("add_series", lambda m: (lambda x: m.arithmetic("ADD", x, m.unary("TANH", x, (1 / 128, 0))))(m.input(1, 12, 5)))

# Data movement.

_add("pad_time", lambda m: m.pad(_series(m), [(0, 0), (0, 0), (_few(m), 0), (0, 0)]))
_add("pad_image", lambda m: m.pad(_image(m), [(0, 0), (1, 2), (3, 1), (0, 0)]))
_add("pad_value", lambda m: m.pad(_image(m), [(0, 0), (1, 2), (3, 1), (0, 0)], 17))
_add("pad_value_time", lambda m: m.conv(m.pad(_series(m), [(0, 0), (0, 0), (4, 0), (0, 0)], 90), 5, (1, 3), same=False))
_add("pad_channels", lambda m: m.pad(_image(m), [(0, 0), (0, 0), (0, 0), (1, 3)]))
_add("pad_then_conv", lambda m: m.conv(m.pad(_image(m), [(0, 0), (1, 2), (3, 1), (0, 0)]), 4, (3, 3), same=False))
_add("slice_time", lambda m: m.strided_slice(m.input(1, 20, 5), (0, 4, 0), (1, 17, 5), (1, 3, 1)))
_add("slice_masks", lambda m: m.strided_slice(_image(m), (9, 2, 1, 1), (0, 0, 5, 2), begin_mask=1, end_mask=0b1011))
_add("slice_last", lambda m: m.strided_slice(m.input(1, 20, 5), (0, -1, 0), (0, 0, 0), None, 0b10, 0b101, 0b101))
_add("slice_channels", lambda m: m.strided_slice(_image(m, 7), (0, 0, 0, 1), (1, 6, 6, 7), (1, 2, 3, 2)))
_add("slice_from_end", lambda m: m.strided_slice(m.input(1, 20, 5), (0, -9, -3), (1, -2, -1), (1, 2, 1)))
_add("reshape", lambda m: m.reshape(m.input(1, 6, 4, 5), 1, 12, 10))
_add("flatten", lambda m: m.dense(m.reshape(m.conv(m.input(1, 6, 4, 5), 3, (3, 3)), 1, 72), 4))
_add("expand_dims", lambda m: m.conv(m.expand_dims(m.input(1, 15, 3), 1), 4, (1, 3)))
_add("squeeze", lambda m: m.squeeze(m.conv(m.input(1, 1, 15, 3), 4, (1, 3)), 1))


def _concatenated(m: Model, axis: int) -> int:
    x = _image(m)
    channels = _few(m) if axis in (3, -1) else m.shape(x)[-1]
    other = m.conv(x, channels, (3, 3), affine=m.affine(x))
    return m.concatenation([x, other, x], axis)


for _name, _axis in {"height": 1, "width": 2, "channels": 3, "last": -1}.items():
    _add(f"concat_{_name}", lambda m, a=_axis: _concatenated(m, a))

# Pools and means.

for _kind in ("MAX", "AVERAGE"):
    _add(f"{_kind.lower()}_pool", lambda m, k=_kind: m.pool(k, _image(m), (2, 3), (2, 3)))
    _add(f"{_kind.lower()}_pool_same", lambda m, k=_kind: m.pool(k, _image(m), (3, 3), (2, 1), same=True))
    _add(f"{_kind.lower()}_pool_relu", lambda m, k=_kind: m.pool(k, _image(m), (2, 2), (1, 1), activation=RELU))
    _add(f"{_kind.lower()}_pool_1d", lambda m, k=_kind: m.pool(k, _series(m), (1, 4), (1, 2), same=True))
for _name, _axes in {"height": (1,), "width": (2,), "image": (1, 2), "image_reversed": (2, 1)}.items():
    _add(f"mean_{_name}", lambda m, a=_axes: m.mean(_image(m), a))
    _add(f"mean_{_name}_kept", lambda m, a=_axes: m.mean(_image(m), a, keep=True))
_add("mean_time", lambda m: m.mean(m.input(1, _few(m, 10, 40), _few(m)), (1,)))

# Functions of one value.


def _alike(m: Model) -> int:
    x = _image(m)
    return m.unary("RELU", x, m.affine(x))


_add("relu", lambda m: m.unary("RELU", _image(m)))
_add("relu_alike", _alike)
_add("relu6", lambda m: (lambda x: m.unary("RELU6", x, m.affine(x)))(m.input(1, 7, 6, 5, scale=0.08)))
_add("leaky_relu", lambda m: m.unary("LEAKY_RELU", _image(m), table="LeakyReluOptions", alpha=0.2))
_add("requantize", lambda m: m.unary("QUANTIZE", _image(m), table="QuantizeOptions"))
_add("logistic", lambda m: m.unary("LOGISTIC", _image(m), (1 / 256, -128)))
_add("tanh", lambda m: m.unary("TANH", m.input(1, 7, 6, 5, scale=0.02), (1 / 128, 0)))
_SOFTMAX = {"affine": (1 / 256, -128), "table": "SoftmaxOptions"}
_add("softmax", lambda m: m.unary("SOFTMAX", m.input(1, _few(m, 3, 30)), beta=1.0, **_SOFTMAX))
_add("softmax_beta", lambda m: m.unary("SOFTMAX", _image(m), beta=0.3, **_SOFTMAX))


def _float_edges(m: Model) -> int:
    x = m.unary("QUANTIZE", m.input(1, 8, 6, 3, dtype="float32", scale=0.03), (0.03, 4), "QuantizeOptions")
    y = m.dense(m.conv(x, 4, (3, 3), activation=RELU), 5)
    return m.op("DEQUANTIZE", [y], m.tensor(m.shape(y), None, m.rms[y], "float32"), "DequantizeOptions")


_add("float_edges", _float_edges)

# Dilation as some converters write it.


def _space_to_batch(m: Model, rank: int, padded: bool, causal: bool) -> int:
    """A dilated convolution; causal by an operator PAD, or by the padding of SPACE_TO_BATCH_ND itself."""
    length, dilation, kernel = _few(m, 20, 30), _few(m, 2, 4), 3
    x = m.input(*([1] * (rank - 2)), length, _few(m))
    before = (kernel - 1) * dilation if causal else 0
    if padded:
        x, before = m.pad(x, [*[(0, 0)] * (rank - 2), (before, 0), (0, 0)]), 0
    after = -(before + m.shape(x)[-2]) % dilation
    if rank == 3:
        x = m.expand_dims(m.space_to_batch(x, (dilation,), [(before, after)]), 1)
        y = m.squeeze(m.conv(x, 5, (1, kernel), same=False, activation=RELU), 1)
        return m.batch_to_space(y, (dilation,), [(0, after)])
    x = m.space_to_batch(x, (1, dilation), [(0, 0), (before, after)])
    return m.batch_to_space(m.conv(x, 5, (1, kernel), same=False), (1, dilation), [(0, 0), (0, after)])


for _rank in (3, 4):
    _add(f"space_to_batch_{_rank}d", lambda m, r=_rank: _space_to_batch(m, r, False, False))
    _add(f"space_to_batch_{_rank}d_causal", lambda m, r=_rank: _space_to_batch(m, r, True, True))
#: TFLM fills the padding of SPACE_TO_BATCH_ND with a number that it never sets: here it is no referee. The format
#: means the zero point.
for _rank in (3, 4):
    _add(f"padding_{_rank}d", lambda m, r=_rank: _space_to_batch(m, r, False, True), UNREFEREED)

# Networks.


def _tcn(m: Model) -> int:
    """Causal dilated blocks of two convolutions, some with a skip."""
    x = m.expand_dims(m.input(1, _few(m, 24, 60), _few(m, 3, 9)), 1)
    filters, kernel = _few(m, 2, 12), _few(m, 2, 5)
    for level in range(_few(m, 1, 4)):
        dilation, block = 2**level, x
        for _ in range(2):
            block = m.pad(block, [(0, 0), (0, 0), ((kernel - 1) * dilation, 0), (0, 0)])
            block = m.conv(block, filters, (1, kernel), dilation=(1, dilation), same=False, activation=RELU)
        if m.rng.random() < 0.7:
            skip = x if m.shape(x)[-1] == filters else m.conv(x, filters, (1, 1))
            block = m.arithmetic("ADD", skip, block, int(m.rng.choice([NONE, RELU])))
        x = block
    return x


def _tcn_last_step(m: Model) -> int:
    x = _tcn(m)
    x = m.strided_slice(x, (0, 0, -1, 0), (0, 0, 0, 0), None, 0b110, 0b1001, 0b1001)
    return m.dense(x, 2)


_add("tcn_last_step", _tcn_last_step)
_add("tcn_mean", lambda m: m.dense(m.mean(_tcn(m), (1, 2)), 8))


def _keyword_spotting(m: Model) -> int:
    """The shape of MLPerf Tiny's depthwise separable network for keywords, with fewer channels."""
    x = m.conv(m.input(1, 49, 10, 1), 16, (10, 4), stride=(2, 2), activation=RELU)
    for _ in range(2):
        x = m.conv(x, 1, (3, 3), depthwise=True, activation=RELU)
        x = m.conv(x, 16, (1, 1), activation=RELU)
    x = m.pool("AVERAGE", x, m.shape(x)[1:3], m.shape(x)[1:3])
    return m.unary("SOFTMAX", m.dense(m.reshape(x, 1, 16), 12), beta=1.0, **_SOFTMAX)


def _anomaly_detection(m: Model) -> int:
    """MLPerf Tiny's autoencoder, with fewer layers."""
    x = m.input(1, 640)
    for units in (128, 128, 8, 128):
        x = m.dense(x, units, RELU)
    return m.dense(x, 640)


def _branches(m: Model) -> int:
    """Two branches of an image joined, squeezed and excited."""
    x = m.conv(m.input(1, 16, 12, 3), 6, (3, 3), stride=(2, 2), activation=RELU6)
    wide = m.conv(x, 4, (3, 3), affine=m.affine(x), dilation=(2, 2), activation=RELU)
    x = m.concatenation([x, wide, m.pool("MAX", x, (3, 3), (1, 1), same=True)], 3)
    gate = m.unary("LOGISTIC", m.conv(m.mean(x, (1, 2), keep=True), m.shape(x)[-1], (1, 1)), (1 / 256, -128))
    x = m.arithmetic("MUL", x, gate)
    return m.dense(m.pool("AVERAGE", x, (4, 3), (4, 3)), 5)


_add("keyword_spotting", _keyword_spotting)
_add("anomaly_detection", _anomaly_detection)
_add("branches", _branches)
