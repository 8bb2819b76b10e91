"""Random networks, and weights in which every entry matters."""

from __future__ import annotations

import numpy as np
from hypothesis import example
from hypothesis import strategies as st

from tinynas.network import TCN, initial_weights


@st.composite
def architectures(draw, *, max_blocks=4, max_window=90):
    """Any dilations, in any order; windows shorter and longer than the receptive field."""
    return TCN(
        filters=draw(st.integers(1, 6)),
        kernel_size=draw(st.integers(1, 6)),
        dilations=tuple(draw(st.lists(st.integers(1, 24), min_size=1, max_size=max_blocks))),
        window=draw(st.integers(1, max_window)),
        channels=draw(st.integers(1, 6)),
        dropout=draw(st.sampled_from((0.0, 0.3))),
        skip_connections=draw(st.booleans()),
        norm=draw(st.sampled_from(("none", "batch"))),
        outputs=draw(st.integers(1, 3)),
    )


def used_weights(architecture: TCN, seed: int = 0) -> dict[str, np.ndarray]:
    """As after a training: no bias is zero, no batch norm is the identity."""
    rng = np.random.default_rng(seed)
    weights = initial_weights(architecture, rng)
    low_high = {
        "bias": (-0.5, 0.5),
        "gamma": (0.5, 1.5),
        "beta": (-0.5, 0.5),
        "mean": (-0.5, 0.5),
        "variance": (0.5, 2),
    }
    for name, value in weights.items():
        field = name.rsplit("/", 1)[1]
        if field in low_high:
            weights[name] = rng.uniform(*low_high[field], value.shape).astype(np.float32)
    return weights


def random_windows(architecture: TCN, count: int, seed: int = 0) -> np.ndarray:
    shape = (count, architecture.window, architecture.channels)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


#: The corners of the family that random draws rarely meet.
CORNERS = [
    TCN(filters=4, kernel_size=3, dilations=(1, 2, 4, 8), window=64, channels=4),
    TCN(filters=3, kernel_size=4, dilations=(8, 4, 2, 1), window=64, channels=6, norm="batch", dropout=0.2),
    TCN(filters=3, kernel_size=3, dilations=(6, 4, 9), window=40, channels=3, skip_connections=True),
    TCN(filters=2, kernel_size=2, dilations=(7,), window=5, channels=3, skip_connections=True, norm="batch"),
    TCN(filters=2, kernel_size=2, dilations=(7,), window=30, channels=3),
    TCN(filters=5, kernel_size=5, dilations=(3, 2), window=9, channels=5, norm="batch"),
    TCN(filters=2, kernel_size=3, dilations=(256, 1), window=20, channels=1),
    TCN(filters=3, kernel_size=1, dilations=(2, 3), window=7, channels=2),
    TCN(filters=1, kernel_size=2, dilations=(1,), window=1, channels=1, outputs=1),
    TCN(filters=3, kernel_size=2, dilations=(4, 4, 4), window=50, channels=3, skip_connections=True),
]


def with_corners(test):
    """Try the corners as well as random draws."""
    for corner in CORNERS:
        test = example(corner)(test)
    return test


def projects(a: TCN) -> bool:
    """Whether the first block's residual path, if there is one, has other channels than its sum."""
    return a.channels != a.filters and not (a.skip_connections and a.blocks == 1)
