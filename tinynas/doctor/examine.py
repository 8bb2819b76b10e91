"""All questions, one after the other. None of them changes anything, and none hides the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tinynas.doctor import desk, programs, room
from tinynas.doctor.finding import Finding
from tinynas.errors import TinynasError

__all__ = ["examine"]

_QUESTIONS: tuple[tuple[str, str, Callable[[], Iterable[Finding]]], ...] = (
    ("python", "python", programs.find_python),
    ("python", "packages", programs.find_packages),
    ("python", "tensorflow", programs.find_tensorflow),
    ("images", "compilers", programs.find_compilers),
    ("images", "virtual boards", programs.find_emulator),
    ("desk", "flashers", programs.find_flashers),
    ("desk", "udev rules", desk.find_rules),
    ("desk", "probes", desk.find_probes),
    ("desk", "ports", desk.find_ports),
    ("desk", "drives", desk.find_drives),
    ("desk", "boards", desk.find_boards),
    ("room", "disk", room.find_disk),
    ("room", "folders", room.find_folders),
)


def examine() -> list[Finding]:
    """Look at this computer. TensorFlow is loaded in a process of its own, which takes some seconds."""
    return [finding for area, name, question in _QUESTIONS for finding in _answer(area, name, question)]


def _answer(area: str, name: str, question: Callable[[], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(question())
    except TinynasError as error:
        return [Finding(area, name, "failed", error.headline, error.advice)]
    except OSError as error:
        return [Finding(area, name, "failed", f"{error.filename or name}: {error.strerror or error}")]
