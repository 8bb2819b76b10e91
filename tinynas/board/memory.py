"""Memory of a microcontroller: regions of its address space, and the contiguous spans they form."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from tinynas.checked import parse_bytes
from tinynas.errors import InconsistencyError

__all__ = ["Address", "InconsistencyError", "MemoryRegion", "Name", "SizeBytes", "check_regions", "contiguous_spans"]

ADDRESS_SPACE_BYTES = 2**32

SizeBytes = Annotated[int, Field(strict=True, ge=0, le=ADDRESS_SPACE_BYTES), BeforeValidator(parse_bytes)]
Address = Annotated[int, Field(strict=True, ge=0, lt=ADDRESS_SPACE_BYTES)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=64)]


@dataclass(frozen=True)
class MemoryRegion:
    """A run of addresses with one kind of memory behind it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Name
    origin: Address
    size_bytes: SizeBytes

    @property
    def end(self) -> int:
        """First address after the region."""
        return self.origin + self.size_bytes


def contiguous_spans(regions: Iterable[MemoryRegion]) -> tuple[MemoryRegion, ...]:
    """Merge adjacent regions.

    Args:
        regions: Regions that do not overlap, in any order.

    Returns:
        Spans in order of address, each named after the regions in it, with a gap between any two.

    Example:
        >>> sram1, sram2 = MemoryRegion("sram1", 0x20000000, 0x1C000), MemoryRegion("sram2", 0x2001C000, 0x4000)
        >>> [(span.name, span.size_bytes) for span in contiguous_spans([sram2, sram1])]
        [('sram1+sram2', 131072)]
    """
    spans: list[MemoryRegion] = []
    for region in sorted(regions, key=lambda item: item.origin):
        if spans and spans[-1].end == region.origin:
            last = spans.pop()
            region = MemoryRegion(f"{last.name}+{region.name}", last.origin, last.size_bytes + region.size_bytes)
        spans.append(region)
    return tuple(spans)


def check_regions(keyed: Iterable[tuple[str, MemoryRegion]]) -> None:
    """Refuse regions that are empty, overlap, share a name or leave the 32-bit address space.

    Args:
        keyed: Pairs of the key that describes the region (`sram[1]`) and the region.

    Raises:
        InconsistencyError: At the offending key.
    """
    ordered = sorted(keyed, key=lambda item: item[1].origin)
    names: set[str] = set()
    for key, region in ordered:
        if region.name in names:
            raise InconsistencyError(f"two regions are called {region.name!r}", where=f"{key}.name")
        names.add(region.name)
        if region.size_bytes <= 0:
            raise InconsistencyError(f"region {region.name!r} is empty", where=f"{key}.size_bytes")
        if region.end > ADDRESS_SPACE_BYTES:
            raise InconsistencyError(
                f"region {region.name!r} leaves the 32-bit address space", where=f"{key}.size_bytes"
            )
    for (_, low), (key, high) in itertools.pairwise(ordered):
        if high.origin < low.end:
            raise InconsistencyError(
                f"region {high.name!r} starts at {high.origin:#010x}, inside {low.name!r} that ends at {low.end:#010x}",
                where=key,
                advice="compare both with the memory map of the data sheet",
            )
