"""Libraries that only some uses of the tuner need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tinynas.tuner.checks import ConfigValueError

__all__ = ["load_optional"]


def load_optional(module: str, package: str) -> Any:
    """Import a module that need not be installed.

    Args:
        module: Its full name.
        package: What to install to have it.

    Raises:
        ConfigValueError: It is not installed.

    Example:
        >>> load_optional("json.decoder", "json").__name__
        'json.decoder'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != module.split(".")[0]:  # it is there, and lacks something itself
            raise
        raise ConfigValueError(f"{package} is not installed", advice=f"pip install {package}") from error
