"""The exception tree: what went wrong, where, and what to do about it.

Every error a user can meet derives from `TinynasError`. The command line maps each class to an exit code. The search
loop reads `disposition` to decide whether the candidate, the rig or the request is at fault. What a program needs of a
message is a field of the exception. Fields are optional keywords, so that errors can be pickled: they cross process
borders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from tinynas.printable import printable

__all__ = [
    "BoardError",
    "BoardNotFound",
    "BuildError",
    "ConfigError",
    "ConversionError",
    "CrcError",
    "DatasetError",
    "Disposition",
    "ExhaustedError",
    "FlashError",
    "FlashOverflow",
    "HostError",
    "InconsistencyError",
    "LinkTimeout",
    "NoFeasibleCandidate",
    "ParityError",
    "ProtocolError",
    "RamOverflow",
    "Refusal",
    "SpaceError",
    "StudyError",
    "TargetFault",
    "TinynasError",
    "ToolchainMissing",
    "TrainingDiverged",
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

    @property
    def headline(self) -> str:
        """Place and message, without the advice: for whoever shows the advice apart."""
        # Names of files, fields of data and answers of boards are in it: none of them may move a terminal's cursor.
        text = f"{printable(self.where)}: {self.message}" if self.where else self.message
        return printable(text, lines=True)

    def __str__(self) -> str:
        return f"{self.headline} ({printable(self.advice, lines=True)})" if self.advice else self.headline


class HostError(TinynasError):
    """The computer that runs tinynas failed: a full disk, too little memory, a file that cannot be written.

    It is never scored as a property of a network. A resume measures the candidate again.
    """


class ConfigError(TinynasError):
    """A configuration file, option or board description is wrong."""


class InconsistencyError(ConfigError):
    """Two facts of one description contradict each other.

    `where` is the key alone: the reader of the file puts the file's name before it.
    """


class DatasetError(TinynasError):
    """A dataset is missing, malformed or too small for what was asked of it."""


class SpaceError(TinynasError):
    """A search space is empty, contradictory, or holds nothing that satisfies the constraints."""


class NoFeasibleCandidate(SpaceError):
    """Nothing in the search space fits the board."""


class ExhaustedError(SpaceError):
    """Every point of a finite space has been evaluated or is being evaluated."""


class ConversionError(TinynasError):
    """A network could not be turned into a .tflite, or a .tflite could not be read."""

    disposition: ClassVar[Disposition] = "infeasible"


class UnsupportedOp(ConversionError):
    """A .tflite holds an operator outside the supported set."""


class TrainingDiverged(TinynasError):
    """A candidate's loss became infinite or NaN."""

    disposition: ClassVar[Disposition] = "infeasible"


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


class CrcError(ProtocolError):
    """Bytes changed on the way. The request can be sent again."""


class Refusal(ProtocolError):
    """The board understands a command and refuses it.

    Args:
        message: What is wrong, in one sentence.
        where: The link.
        advice: What the user can do about it.
        reason: Why, in the board's words; empty when it gave no reason.
    """

    def __init__(self, message: str, *, where: str | None = None, advice: str | None = None, reason: str = "") -> None:
        super().__init__(message, where=where, advice=advice)
        self.reason = reason


class TargetFault(BoardError):
    """The core took a fault while running the image.

    Args:
        message: What is wrong, in one sentence.
        where: The link.
        advice: What the user can do about it.
        kind: Name of the exception, such as "HardFault"; empty when unknown.
        registers: Registers at the time of the fault, by lower-case name.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        advice: str | None = None,
        kind: str = "",
        registers: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(message, where=where, advice=advice)
        self.kind = kind
        self.registers = dict(registers or {})


class ParityError(TinynasError):
    """The board's outputs differ from the host's int8 reference: a defect of the rig, never a score."""


class StudyError(TinynasError):
    """A study could not be created, read or written."""
