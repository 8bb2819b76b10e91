"""Makes the package `tinynas_tuner` of the sources of `tinynas.tuner` before it is built.

The name differs because two distributions must not own the same files: where both are installed, removing one would
damage the other. A source distribution holds what was made; there this hook has nothing to do.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "tinynas_tuner"
# The modules beside the package that it uses.
TOOLS = ("errors", "printable")


class TunerBuildHook(BuildHookInterface):
    """Called by hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Make the package, if this is a checkout of tinynas."""
        here = Path(self.root)
        checkout = here.parent.parent
        if (checkout / "tinynas" / "tuner").is_dir():
            write_package(checkout, here)


def write_package(checkout: Path, target: Path) -> None:
    """Write the package and the licence into a folder; what was there of them is replaced.

    Raises:
        ValueError: A source names a part of tinynas that is not taken along.
    """
    package = target / NAME
    shutil.rmtree(package, ignore_errors=True)
    sources = checkout / "tinynas" / "tuner"
    files = {path.relative_to(sources): path for path in sorted(sources.rglob("*.py"))}
    files |= {Path(f"{name}.py"): checkout / "tinynas" / f"{name}.py" for name in TOOLS}
    for place, path in files.items():
        (package / place).parent.mkdir(parents=True, exist_ok=True)
        (package / place).write_text(rename(path.read_text(encoding="utf-8"), str(path)), encoding="utf-8")
    (package / "py.typed").touch()
    shutil.copyfile(checkout / "LICENSE", target / "LICENSE")


def rename(source: str, where: str) -> str:
    """A source of tinynas as one of `tinynas_tuner`, in code, docstrings and advice alike."""
    source = re.sub(r"\btinynas\.tuner\b", NAME, source)
    source = re.sub(rf"\btinynas\.({'|'.join(TOOLS)})\b", rf"{NAME}.\1", source)
    source = source.replace("'tinynas[", "'tinynas-tuner[")
    if left := re.search(r"^\s*(?:from|import) tinynas\b(?!_).*", source, flags=re.MULTILINE):
        raise ValueError(f"{where}: '{left[0].strip()}' is not part of {NAME}")
    return source
