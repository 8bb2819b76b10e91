"""The filter's C sources as a library of this machine: compiled once, where a C compiler is at hand."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.children import run_module
from tinynas.odometry.attitude.gains import AttitudeGains, MagnetometerGains
from tinynas.resources import cache_folder, resource

__all__ = ["SOURCES", "Replay", "load_replay"]

Single = NDArray[np.float32]
Replay = Callable[
    [AttitudeGains, MagnetometerGains | None, Single, Single, Single, Single | None], tuple[Single, Single]
]
"""(gains, learning, known hard iron, accel, gyro, mag) -> (N, 9) rotations, (6,) learned biases; all single floats."""

SOURCES = ("attitude.c", "field.c", "magnetometer.c", "replay.c")
"""C files of the filter, below `firmware/odometry/`."""

_HEADERS = ("attitude.h", "field.h", "magnetometer.h", "real.h", "replay.h")
# Contraction to fused operations would change bits; nothing sets errno.
_OPTIONS = ("-std=c11", "-O2", "-ffp-contract=off", "-fno-math-errno", "-fno-fast-math", "-shared")
_TIMEOUT_S = 120.0


@cache
def load_replay() -> Replay | None:
    """The filter as machine code; None where there is no compiler or it fails: the twin gives the same bits.

    `TINYNAS_NATIVE=0` asks for the twin.
    """
    if os.environ.get("TINYNAS_NATIVE") == "0":
        return None
    for compiler in _compilers():
        with suppress(OSError, subprocess.SubprocessError):
            return _bind(ctypes.CDLL(str(_build(compiler))))
    return None


def _compilers() -> list[tuple[str, ...]]:
    found = [(path,) for name in ("cc", "gcc", "clang") if (path := shutil.which(name))]
    zig = [tuple(run_module("ziglang", "cc"))] if find_spec("ziglang") else []
    return [*found[:1], *zig]


def _build(compiler: tuple[str, ...]) -> Path:
    """The library in the cache folder, made where it is not there."""
    files = {name: resource("firmware", "odometry", name).read_bytes() for name in (*_HEADERS, *SOURCES)}
    options = (*_OPTIONS, *(() if sys.platform == "win32" else ("-fPIC",)))
    digest = hashlib.sha256(repr((compiler, options, sys.platform, sorted(files.items()))).encode()).hexdigest()
    target = cache_folder() / "native" / f"odometry-{digest[:16]}.{'dll' if sys.platform == 'win32' else 'so'}"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        home = Path(folder) / "odometry"
        home.mkdir()
        for name, text in files.items():
            (home / name).write_bytes(text)
        made = Path(folder) / target.name
        sources = [str(home / name) for name in SOURCES]
        command = [*compiler, *options, f"-I{folder}", *sources, "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
        made.replace(target)  # whole or not at all, whoever else builds
    return target


def _bind(library: ctypes.CDLL) -> Replay:
    function = library.attitude_replay
    pointer = ctypes.c_void_p
    function.argtypes = [pointer, pointer, pointer, ctypes.c_int32, *[pointer] * 5]
    function.restype = None

    def replay(
        gains: AttitudeGains,
        learning: MagnetometerGains | None,
        known: Single,
        accel: Single,
        gyro: Single,
        mag: Single | None,
    ) -> tuple[Single, Single]:
        rows = (accel, gyro) if mag is None else (accel, gyro, mag)
        known, *inputs = (np.ascontiguousarray(array, np.float32) for array in (known, *rows))
        rotations, learned = np.empty((len(accel), 9), np.float32), np.empty(6, np.float32)
        function(
            *(ctypes.byref(_structure(gains)), None if learning is None else ctypes.byref(_structure(learning))),
            *(known.ctypes.data, len(accel), inputs[0].ctypes.data, inputs[1].ctypes.data),
            *(None if mag is None else inputs[2].ctypes.data, rotations.ctypes.data, learned.ctypes.data),
        )
        return rotations, learned

    return replay


def _structure(gains: AttitudeGains | MagnetometerGains) -> ctypes.Structure:
    kinds: list[tuple[str, Any]] = [
        (name, ctypes.c_int32 if isinstance(value, int) else ctypes.c_float) for name, value in vars(gains).items()
    ]
    kind = type(type(gains).__name__, (ctypes.Structure,), {"_fields_": kinds})
    made: ctypes.Structure = kind(*vars(gains).values())
    return made
