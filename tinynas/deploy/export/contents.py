"""What every form of the library is made of: sources, an example walk with its path, documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from tinynas.deploy.compiler import check_name
from tinynas.deploy.path import PathProgram, PathSettings
from tinynas.errors import ConfigError
from tinynas.resources import resource

__all__ = ["LICENCE", "Contents", "Walk", "below", "fill"]

LICENCE = "LICENSE"
# Prefixes and files of firmware/odometry.
_TAKEN = {
    "attitude",
    "field",
    "magnetometer",
    "odometry",
    "path",
    "path_settings",
    "real",
    "replay",
    "settings",
    "window",
}
_FORCE, _RATE, _FIELD = ("ax_m_s2,ay_m_s2,az_m_s2", "gx_rad_s,gy_rad_s,gz_rad_s", "mx_ut,my_ut,mz_ut")


@dataclass(frozen=True, eq=False)
class Walk:
    """A recording, and the path that the host computes of it.

    Attributes:
        name: Of the recording.
        samples: (n, 9) specific force in m/s2, angular rate in rad/s, field in uT; (n, 6) without a magnetometer.
        path: (m, 5) time in s of a velocity's newest sample, velocity x and y in m/s, position x and y in m.
    """

    name: str
    samples: npt.NDArray[np.float32]
    path: npt.NDArray[np.float64]

    def write_samples(self) -> str:
        """The samples as CSV, every one exact."""
        header = ",".join((_FORCE, _RATE, _FIELD)[: self.samples.shape[1] // 3])
        return _csv(header, ([str(value) for value in row] for row in self.samples))

    def write_path(self) -> str:
        """The path as CSV."""
        header = "time_s,vx_m_s,vy_m_s,x_m,y_m"
        return _csv(header, ([f"{value:.6f}" for value in row] for row in self.path))


def _csv(header: str, rows: Iterable[list[str]]) -> str:
    return "\n".join([header, *(",".join(row) for row in rows), ""])


@dataclass(frozen=True, eq=False)
class Contents:
    """A network with all that its library needs.

    Attributes:
        name: Prefix of the functions, and name of the library: a name in C, in lower case.
        version: Of the library, such as 1.0.0.
        title: What it was made for, for people: a board.
        program: The compiled network with filter and path; its own name is `network_name(name)`.
        settings: How it is fed.
        walk: The example.
        documents: Further files by name: model card, memory map, provenance.

    Raises:
        ConfigError: `name` cannot begin names in C, or is one of the filter's. `where` is `name`.
    """

    name: str
    version: str
    title: str
    program: PathProgram
    settings: PathSettings
    walk: Walk
    documents: Mapping[str, str]

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.name in _TAKEN:
            raise ConfigError(
                f"the library's own sources have taken {self.name!r}", where="name", advice="choose another"
            )

    @property
    def network_name(self) -> str:
        """Name of the compiled network within the library."""
        return self.program.sources[0].removesuffix(".c")

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """Text of all C files by path: the network's, the filter's, and the interface on top."""
        ours = {f"{self.name}{end}": self.fill(f"library{end}") for end in (".h", ".c")}
        return {**self.program.files, **ours}

    @property
    def compiled(self) -> tuple[str, ...]:
        """Paths of the sources to be compiled."""
        return (f"{self.name}.c", *self.program.sources)

    def fill(self, template: str, **more: str) -> str:
        """A file of firmware/export with this library's names and figures in it."""
        chosen = self.settings
        window = self.program.input_bytes // len(chosen.mean)
        values = {
            "name": self.name,
            "NAME": self.name.upper(),
            "NETWORK": self.network_name.upper(),
            "title": self.title,
            "version": self.version,
            "rate_hz": _real(chosen.rate_hz),
            "rate_text": f"{chosen.rate_hz:.6g}",
            "stride_s": _real(chosen.stride / chosen.rate_hz),
            "stride_text": f"{chosen.stride / chosen.rate_hz:.4g}",
            "window_text": f"{window / chosen.rate_hz:.4g}",
            "window_samples": str(window),
            "north": str(int(chosen.north)),
            "frame": "x along magnetic north, z up"
            if chosen.north
            else "z up, x where the device's own x pointed first",
        }
        return fill(resource("firmware", "export", template).read_text(encoding="utf-8"), values | more)

    def base(self) -> dict[str, str]:
        """Files that every form has, beside its sources: documents, licence, the example's walk."""
        return {
            **self.documents,
            LICENCE: resource("firmware", "LICENSE").read_text(encoding="utf-8"),
            "walk/samples.csv": self.walk.write_samples(),
            "walk/path.csv": self.walk.write_path(),
        }


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values in the place of `@name@`.

    Raises:
        KeyError: The template asks for a value that is not there.

    Example:
        >>> fill("@a@ + @b@ = c", {"a": "1", "b": "2"})
        '1 + 2 = c'
    """
    parts = template.split("@")
    return "".join(part if index % 2 == 0 else values[part] for index, part in enumerate(parts))


def below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    """Files moved into a folder."""
    return {str(PurePosixPath(folder) / path): text for path, text in files.items()}


def _real(value: float) -> str:
    text = str(np.float32(value))
    return f"{text if '.' in text or 'e' in text else text + '.0'}f"
