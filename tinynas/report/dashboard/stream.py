"""News for browsers: which studies have changed, as server-sent events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable

__all__ = ["news"]

# A new trial is seen within two seconds: half a second to notice, the rest to read the study and draw.
_POLL_S = 0.5
# A line now and then, so that neither end takes the silence for the other's death.
_WORD_S = 15.0


async def news(stamps: Callable[[], dict[str, str]], *, poll_s: float = _POLL_S) -> AsyncIterator[str]:
    """Tell of every change, at once of the present state, until nobody listens.

    Args:
        stamps: Returns what changes whenever a study does (`Library.stamps`); runs in a thread.
        poll_s: Seconds from one look to the next.
    """
    known: dict[str, str] | None = None
    spoken = time.monotonic()
    yield "retry: 1000\n\n"
    while True:
        now = await asyncio.to_thread(stamps)
        if now != known:
            known, spoken = now, time.monotonic()
            yield f"data: {json.dumps(now)}\n\n"
        elif time.monotonic() - spoken > _WORD_S:
            spoken = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(poll_s)
