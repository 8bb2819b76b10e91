"""News: the present state at once, then whatever changes, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from tinynas.report.dashboard.library import Library
from tinynas.report.dashboard.stream import news
from tinynas.study import LiveNotes, Study, clear_live, write_live

Make = Callable[..., Study]


async def heard(stamps: Callable[[], dict[str, str]], count: int) -> list[str]:
    lines = []
    async for line in news(stamps, poll_s=0.005):
        lines.append(line)
        if len(lines) == count:
            return lines
    raise AssertionError("it has ended")


def test_only_changes_are_told() -> None:
    states = [{"a": "1"}, {"a": "1"}, {"a": "1"}, {"a": "2"}, {"a": "2", "b": "1"}]
    lines = asyncio.run(asyncio.wait_for(heard(lambda: states.pop(0), 4), 30))
    assert lines[0].startswith("retry:")
    told = [json.loads(line.removeprefix("data: ").removesuffix("\n\n")) for line in lines[1:]]
    assert told == [{"a": "1"}, {"a": "2"}, {"a": "2", "b": "1"}]
    assert states == []


def test_every_step_of_a_study_and_its_search_is_a_change(make_study: Make) -> None:
    study = make_study(1)
    library = Library([study.folder])
    seen = [library.stamps()["study0"]]

    def changed() -> bool:
        seen.append(library.stamps()["study0"])
        return seen[-1] != seen[-2]

    assert not changed()
    study.propose(params=None, architecture={}, key="k", seed=0)
    assert changed()
    study.advance(1, "costed")
    assert changed()
    write_live(study.folder, LiveNotes(planned=1))
    assert changed()
    clear_live(study.folder)
    assert changed()
    assert not changed()
