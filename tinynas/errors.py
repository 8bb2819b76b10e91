"""The exception tree: what went wrong, where, and what to do about it.

Every error a user can meet derives from `TinynasError`. The command line maps each class to an exit code, and the
search loop reads `disposition` to decide whether a failure is a property of the candidate, of the rig, or of the
request.
"""

from __future__ import annotations

from typing import ClassVar, Literal

__all__ = [
    "BoardError",
    "BoardNotFound",
    "BuildError",
    "ConfigError",
    "ConversionError",
    "DatasetError",
    "Disposition",
    "FlashError",
    "FlashOverflow",
    "LinkTimeout",
    "NoFeasibleCandidate",
    "ParityError",
    "ProtocolError",
    "RamOverflow",
    "SpaceError",
    "StudyError",
    "TargetFault",
    "TinynasError",
    "ToolchainMissing",
    "UnsupportedOp",
]

Disposition = Literal["infeasible", "retry", "stop"]


class TinynasError(Exception):
    """Base of every error tinynas raises on purpose.

    Args:
        message: What is wrong, in one sentence.
        where: The place of the mistake: `file:key`, `file:row`, a path, a port. None when there is no place.
        advice: What the user can do about it. None when the message says it all.

    Attributes:
        disposition: `infeasible` (score the penalty), `retry` (bounded, then the board is set aside) or `stop`.

    Example:
        >>> str(ConfigError("unknown key 'filtres'", where="my.yaml:space.filtres", advice="did you mean 'filters'?"))
        "my.yaml:space.filtres: unknown key 'filtres' (did you mean 'filters'?)"
    """

    disposition: ClassVar[Disposition] = "stop"

    def __init__(self, message: str, *, where: str | None = None, advice: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.advice = advice

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.advice})" if self.advice else text

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders (workers, the virtual board): keyword-only fields need help to be pickled.
        return (_rebuild, (type(self), self.message, self.where, self.advice))


def _rebuild(cls: type[TinynasError], message: str, where: str | None, advice: str | None) -> TinynasError:
    return cls(message, where=where, advice=advice)


class ConfigError(TinynasError):
    """A configuration file, option or board description is wrong."""


class DatasetError(TinynasError):
    """A dataset is missing, malformed or too small for what was asked of it."""


class SpaceError(TinynasError):
    """A search space is empty, contradictory, or holds nothing that satisfies the constraints."""


class ConversionError(TinynasError):
    """A network could not be turned into a .tflite, or a .tflite could not be read."""

    disposition: ClassVar[Disposition] = "infeasible"


class UnsupportedOp(ConversionError):
    """A .tflite holds an operator outside the supported set."""


class BuildError(TinynasError):
    """A firmware image could not be built."""


class FlashOverflow(BuildError):
    """The image is larger than the board's flash."""

    disposition: ClassVar[Disposition] = "infeasible"


class RamOverflow(BuildError):
    """The image needs more RAM than the board has."""

    disposition: ClassVar[Disposition] = "infeasible"


class ToolchainMissing(BuildError):
    """No compiler for the board's core was found."""


class BoardError(TinynasError):
    """A board or its probe misbehaves."""

    disposition: ClassVar[Disposition] = "retry"


class BoardNotFound(BoardError):
    """No attached board answers to the description."""

    disposition: ClassVar[Disposition] = "stop"


class FlashError(BoardError):
    """Programming the board failed."""


class LinkTimeout(BoardError):
    """The board did not answer before the deadline."""


class ProtocolError(BoardError):
    """The board answered, but not in the protocol."""


class TargetFault(BoardError):
    """The core took a fault while running the image."""


class ParityError(TinynasError):
    """The board's outputs differ from the host's int8 reference: a defect of the rig, never a score."""


class NoFeasibleCandidate(SpaceError):
    """Nothing in the search space fits the board."""


class StudyError(TinynasError):
    """A study could not be created, read or written."""
