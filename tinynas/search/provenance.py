"""Where a study's numbers come from: versions, machine and code revision."""

from __future__ import annotations

import contextlib
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["describe_changes", "provenance"]

_PACKAGES = ("tensorflow", "ai-edge-litert", "tflite-micro", "numpy", "scipy")


def provenance(
    *, source: str, dataset_fingerprint: str, board_fingerprint: str, seed: int, tflm_root: str | None = None
) -> dict[str, Any]:
    """Describe the software and data behind a study.

    Args:
        source: The dataset's specification.
        dataset_fingerprint: Of the recordings.
        board_fingerprint: Of the board's description.
        seed: Of the search.
        tflm_root: Folder of the interpreter's library, where it is measured.

    Returns:
        JSON values; None for what is not known, such as the revision of an installed package.
    """
    return {
        "tinynas": _version("tinynas"),
        "revision": _revision(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": _processor(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "dataset_folder": _absolute(source.partition(":")[2]),
        "tflm_root": _absolute(tflm_root),
        "dataset_fingerprint": dataset_fingerprint,
        "board_fingerprint": board_fingerprint,
        "seed": seed,
    }


def describe_changes(stored: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what differs here from where a study began, of all that can change a result's last digits.

    Args:
        stored: A study's provenance.

    Returns:
        One remark a difference; what the study does not know is left out.

    Example:
        >>> describe_changes({"python": "2.7.18"})[0].startswith("python is ")
        True
    """
    packages = stored.get("packages")
    before = {**stored, **(packages if isinstance(packages, Mapping) else {})}
    here: dict[str, str | None] = {
        "tinynas": _version("tinynas"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": _processor(),
        **{name: _version(name) for name in _PACKAGES},
    }
    return tuple(
        f"{name} is {now or 'not installed'}, the study began with {before[name]}"
        for name, now in here.items()
        if isinstance(before.get(name), str) and before[name] != now
    )


def _processor() -> str | None:
    """The processor's name: another one may have other vector instructions, which round sums otherwise."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip() or None
    return platform.processor() or None


def _absolute(folder: str | None) -> str | None:
    """Where it is, for a resume from another folder."""
    return str(Path(folder).expanduser().absolute()) if folder else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _revision() -> str | None:
    """The git revision of the checkout that runs, if it is one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
