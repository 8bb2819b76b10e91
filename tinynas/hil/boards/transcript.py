"""A rig whose serial line is written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tinynas.errors import HostError
from tinynas.hil.boards.rig import Rig
from tinynas.hil.dut import Link, RecordedLink
from tinynas.hil.image import Image

__all__ = ["RecordedRig"]


class RecordedRig:
    """Runs images on another rig, and appends what goes over its line to a file, also where a measurement fails.

    Args:
        rig: The rig.
        path: The file.
    """

    def __init__(self, rig: Rig, path: Path) -> None:
        self._rig, self._path = rig, path

    @property
    def source(self) -> Literal["virtual", "serial"]:
        """See `Rig`."""
        return self._rig.source

    @property
    def instructions(self) -> int | None:
        """See `Rig`."""
        return self._rig.instructions

    @property
    def write_memory(self) -> Callable[[int, bytes], None] | None:
        """See `Rig`."""
        return self._rig.write_memory

    @contextmanager
    def running(self, image: Image) -> Iterator[Link]:
        """See `Rig`.

        Raises:
            HostError: The file cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("a", encoding="ascii", buffering=1)
        except OSError as error:
            raise HostError(f"the transcript cannot be written: {error.strerror}", where=str(self._path)) from error
        with file, self._rig.running(image) as link:
            recorded = RecordedLink(link, file)
            now = time.strftime("%Y-%m-%d %H:%M:%S")
            file.write(f"# {now} image {image.image_hash} on {image.board.name} at {link.name}\n")
            try:
                yield recorded
            finally:
                recorded.close()
