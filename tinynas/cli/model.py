"""Model files as the commands take them."""

from __future__ import annotations

from pathlib import Path

from tinynas.errors import ConfigError

__all__ = ["read_model"]


def read_model(path: Path) -> bytes:
    """Read a .tflite file.

    Raises:
        ConfigError: It cannot be read.
    """
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is no file" if path.exists() else "no such file"
        raise ConfigError(what, where=str(path), advice="name a .tflite model, such as the best.tflite of a study")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
