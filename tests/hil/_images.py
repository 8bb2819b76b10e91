"""Models and toolchains that the tests of images share."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import numpy as np
import pytest

from tests.deploy._models import BUILDERS

TOOLCHAINS = [
    pytest.param("gcc", marks=pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="no arm-none-eabi-gcc")),
    pytest.param("zig", marks=pytest.mark.skipif(not find_spec("ziglang"), reason="no ziglang")),
]


def small_model() -> bytes:
    """A convolution along time, of a few kilobytes."""
    return BUILDERS["conv_1d_valid_strided"](np.random.default_rng(3))
