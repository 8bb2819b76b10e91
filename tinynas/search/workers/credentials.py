"""What a worker on another computer is, and whether its results would be those of the driver."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from tinynas.cost import Compiler
from tinynas.errors import ToolchainMissing

__all__ = ["credentials", "toolchain_version", "why_refused"]

# Packages that decide what a trial learns. Python is among them because trials cross the border as pickles.
_PACKAGES = ("tensorflow", "ai-edge-litert", "numpy")


def credentials() -> dict[str, str | None]:
    """The versions of this process; None for what is not installed.

    Example:
        >>> why_refused(credentials(), credentials()) is None
        True
    """
    return {
        "tinynas": f"{metadata.version('tinynas')} (sources {_sources()})",
        "Python": ".".join(platform.python_version_tuple()[:2]),
        **{name: _version(name) for name in _PACKAGES},
    }


def toolchain_version(compiler: Compiler | None) -> str | None:
    """Name and version of the compiler of boards' images; None where it is not installed.

    Args:
        compiler: Which one; None: the first that is found.
    """
    from tinynas.hil.image import Toolchain

    try:
        return Toolchain.detect(compiler).version
    except ToolchainMissing:
        return None


def why_refused(theirs: Mapping[str, str | None], ours: Mapping[str, str | None]) -> str | None:
    """Why a worker's results would not be comparable; None where they are.

    Args:
        theirs: The worker's `credentials`.
        ours: The driver's.

    Example:
        >>> why_refused({"tensorflow": "2.19.0"}, {"tensorflow": "2.21.0"})
        'tensorflow is 2.19.0 there and 2.21.0 here'
    """
    apart = [
        f"{name} is {theirs.get(name) or 'missing'} there and {version} here"
        for name, version in ours.items()
        if theirs.get(name) != version
    ]
    return "; ".join(apart) or None


@cache
def _sources() -> str:
    """A fingerprint of the package's own modules: a checkout keeps its version while it changes."""
    folder, digest = Path(__file__).parents[2], hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
