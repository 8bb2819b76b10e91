"""Distributions, built and looked at without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def build(project: Path, out: Path) -> Path:
    """Build a source distribution, and a wheel from it, into a folder; returns the folder."""
    done = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(project), folder=out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def complaints(dist: Path) -> list[str]:
    """What twine and check-wheel-contents find wrong with the distributions of a folder."""
    files = sorted(str(path) for path in dist.iterdir())
    wheels = [path for path in files if path.endswith(".whl")]
    config = str(Path(__file__).resolve().parent.parent / "pyproject.toml")
    checks = (
        run(sys.executable, "-m", "twine", "check", "--strict", *files, folder=dist),
        run(sys.executable, "-m", "check_wheel_contents", "--config", config, *wheels, folder=dist),
    )
    return [done.stdout + done.stderr for done in checks if done.returncode]
