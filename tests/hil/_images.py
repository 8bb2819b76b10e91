"""Models that the tests of images share."""

from __future__ import annotations

import numpy as np

from tests.deploy._models import BUILDERS


def small_model() -> bytes:
    """A convolution along time, of a few kilobytes."""
    return BUILDERS["conv_1d_valid_strided"](np.random.default_rng(3))
