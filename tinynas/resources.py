"""Files that travel with tinynas: boards, configurations, data set notes and firmware sources.

An installed wheel carries them in `tinynas/_resources/`; a checkout (editable install) has them at the top of the
repository. Callers ask for `resource("boards", "nucleo_f446re.yaml")` and never learn which of the two it was.
"""

from __future__ import annotations

import importlib.resources
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path, user_state_path

from tinynas.errors import ConfigError

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable

__all__ = ["cache_folder", "resource", "state_folder"]


def cache_folder() -> Path:
    """The user's folder for what can be made again; `TINYNAS_CACHE` names another one."""
    if chosen := os.environ.get("TINYNAS_CACHE"):
        return Path(chosen)
    return user_cache_path("tinynas", appauthor=False)


def state_folder() -> Path:
    """The user's folder for what processes tell each other, such as who uses a board; `TINYNAS_STATE` names another."""
    if chosen := os.environ.get("TINYNAS_STATE"):
        return Path(chosen)
    return user_state_path("tinynas", appauthor=False)


def resource(*parts: str) -> Traversable:
    """Return a file or folder that is shipped with tinynas.

    Args:
        *parts: Names from the top folder down: `boards`, `configs`, `datasets` or `firmware`, then what is inside it.

    Returns:
        A `Traversable`: `read_text`, `read_bytes`, `iterdir`, `joinpath`. It need not be a path on disk; wrap it in
        `importlib.resources.as_file` where a real path is needed.

    Raises:
        ConfigError: Nothing of that name is shipped, or a part is not a plain file name.

    Example:
        >>> resource("boards", "nucleo_f446re.yaml").is_file()
        True
    """
    name = "/".join(parts)
    if not parts or any(part in ("", ".", "..") or set(part) & set("/\\:\0") for part in parts):
        raise ConfigError(f"{name!r} is not the name of a shipped file", advice="give one plain name for each level")
    found = _root()
    for part in parts:
        found = found.joinpath(part)
    if not (found.is_file() or found.is_dir()):
        raise ConfigError(
            "not part of this installation of tinynas", where=name, advice="check the name, or install tinynas again"
        )
    return found


def _root() -> Traversable:
    installed = importlib.resources.files("tinynas").joinpath("_resources")
    if installed.is_dir():
        return installed
    checkout = Path(__file__).resolve().parent.parent
    # Beside an installed package lie other people's folders, perhaps one called `boards`: only a checkout counts.
    if (checkout / "pyproject.toml").is_file():
        return checkout
    raise ConfigError(
        "this installation of tinynas lacks its boards, configurations and firmware",
        where=str(installed),
        advice="install tinynas again from a wheel, or with `pip install .` from a checkout",
    )
