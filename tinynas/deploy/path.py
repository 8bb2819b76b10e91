"""A compiled network with all that stands before and behind it on a board: filter, frame, window, path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from tinynas.deploy.compiler import CompiledModel, compile_model
from tinynas.deploy.model import Model
from tinynas.errors import ConversionError
from tinynas.resources import resource

__all__ = ["PathProgram", "PathSettings", "compile_path"]

# Force and angular rate, x y z each, in the frame; and with the device's three axes there.
_CHANNELS = (6, 15)

_SOURCES = ("attitude.c", "field.c", "magnetometer.c", "path.c")
_HEADERS = ("attitude.h", "field.h", "magnetometer.h", "path.h", "real.h")


@dataclass(frozen=True)
class PathSettings:
    """How samples become windows, and velocities a path.

    Attributes:
        rate_hz: Sample rate.
        stride: Samples from one inference to the next.
        mean: (6,) of the input channels, in m/s2 and rad/s in the frame, as the network was trained; (15,) of a network
            that sees the device's axes as well.
        std: Standard deviations of the same.
        gains: C definition of the filter's coefficients, of the name `gains` (`odometry.attitude.initialise`).
        learning: C definition of the online calibration's, of the name `learning`; None: no online calibration.
        north: Whether the frame is north; else it is level.
        turns: Directions in which the network looks: 1, 2 or 4.
    """

    rate_hz: float
    stride: int
    mean: Sequence[float]
    std: Sequence[float]
    gains: str
    learning: str | None = None
    north: bool = True
    turns: int = 1


@dataclass(frozen=True)
class PathProgram:
    """C sources of a network and its path.

    Attributes:
        network: The network alone.
        files: Text by file name: the network's, firmware/odometry's, and `path_settings.h`, which defines `settings`.
        sources: Names of those to be compiled.
    """

    network: CompiledModel
    files: Mapping[str, str]
    sources: tuple[str, ...]

    @property
    def arena_bytes(self) -> int:
        """SRAM of the network's activations."""
        return self.network.arena_bytes

    @property
    def input_bytes(self) -> int:
        """The window's."""
        return self.network.input_bytes

    @property
    def output_bytes(self) -> int:
        """The network's."""
        return self.network.output_bytes

    def write(self, directory: Path) -> list[Path]:
        """Write the files into a directory, and return those to be compiled.

        Raises:
            HostError: The directory cannot be written to.
        """
        (directory / "odometry").mkdir(parents=True, exist_ok=True)
        return CompiledModel.write(self, directory)  # type: ignore[arg-type]


def compile_path(
    model: Model | bytes,
    settings: PathSettings,
    *,
    name: str = "model",
    optimise: Literal["speed", "size"] = "speed",
) -> PathProgram:
    """Compile a network that reads windows (1, window, 6 or 15) of a level or north frame and gives velocities (1, 2).

    Args:
        model: An int8 .tflite model, of the target `velocity`.
        settings: How it is fed and summed.
        name: See `compile_model`.
        optimise: See `compile_model`.

    Raises:
        ConfigError: `name` cannot begin names in C.
        ConversionError: The model has other inputs or outputs, or the settings do not fit it: a stride beyond the
            window, or turns of a model whose x and y differ in scale or have an offset.
        UnsupportedOp: An operator is not compiled.
    """
    model = Model.of(model)
    source, target = model.input, model.output
    window = source.shape[-2] if len(source.shape) >= 2 else 0
    channels = source.shape[-1]
    if channels not in _CHANNELS or int(np.prod(source.shape)) != window * channels:
        message = f"an input of shape {source.shape}; force and rate in a frame are (1, window, {_CHANNELS[0]})"
        raise ConversionError(message, where=model.name, advice="train it with dataset.frame level or north")
    if int(np.prod(target.shape)) != 2:
        raise ConversionError(f"an output of shape {target.shape} is no velocity in the plane", where=model.name)
    if not 1 <= settings.stride <= window:
        raise ConversionError(f"a stride of {settings.stride} samples for a window of {window}", where=model.name)
    if len(settings.mean) != channels or len(settings.std) != channels:
        message = f"means and standard deviations of {len(settings.mean)} channels, where the model has {channels}"
        raise ConversionError(message, where=model.name)
    _check_turns(settings, model.name)
    network = compile_model(model, name=name, optimise=optimise, mean=settings.mean, std=settings.std)
    text = _write_settings(model, settings, window, name)
    files = dict(network.files) | _runtime() | {"path_settings.h": text}
    return PathProgram(network, files, (*network.sources, *(f"odometry/{name}" for name in _SOURCES)))


def _check_turns(settings: PathSettings, where: str | None) -> None:
    if settings.turns not in (1, 2, 4):
        raise ConversionError(f"{settings.turns} turns; 1, 2 or 4 are there", where=where)
    mean, std = np.reshape(settings.mean, (-1, 3)), np.reshape(settings.std, (-1, 3))
    alike = not mean[:, :2].any() and (std[:, 0] == std[:, 1]).all()
    if settings.turns > 1 and not alike:
        message = "x and y have to share a scale without offset for a turn to be exact"
        raise ConversionError(message, where=where, advice="train it with dataset.frame level or north")


@cache
def _runtime() -> dict[str, str]:
    names = (*_HEADERS, *_SOURCES)
    return {f"odometry/{name}": resource("firmware", "odometry", name).read_text(encoding="utf-8") for name in names}


def _write_settings(model: Model, settings: PathSettings, window: int, name: str) -> str:
    source, target = model.input.quantization, model.output.quantization
    assert source is not None
    assert target is not None
    gain = 1.0 / (np.asarray(settings.std, float) * source.scale[0])
    fields = {
        "gains": "&gains",
        "learning": "&learning" if settings.learning else "NULL",
        "invoke": f"{name}_invoke",
        "channels": str(len(settings.mean)),
        "mean": _row(settings.mean),
        "gain": _row(gain),
        "zero": str(source.zero_point[0]),
        "scale": _real(target.scale[0]),
        "zero_out": str(target.zero_point[0]),
        "stride_s": _real(settings.stride / settings.rate_hz),
        "window": str(window),
        "stride": str(settings.stride),
        "turns": str(settings.turns),
        "north": str(int(settings.north)),
    }
    lines = [f"    .{field} = {value}," for field, value in fields.items()]
    return "\n".join(
        [
            "/* Generated by tinynas: what firmware/odometry has to know of a network. */",
            *("#ifndef PATH_SETTINGS_H", "#define PATH_SETTINGS_H", "", "#include <stddef.h>", ""),
            *(f'#include "{name}.h"', '#include "odometry/path.h"', "", settings.gains),
            *([settings.learning] if settings.learning else []),
            *("static const path_settings settings = {", *lines, "};", "", "#endif", ""),
        ]
    )


def _row(values: Sequence[float] | np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    return "{" + ", ".join(_real(value) for value in values) + "}"


def _real(value: float) -> str:
    text = str(np.float32(value))
    return f"{text if '.' in text or 'e' in text else text + '.0'}f"
