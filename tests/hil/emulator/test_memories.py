"""Reads of flash wait as the caches in between have it; expected figures are counted by hand."""

from __future__ import annotations

import pytest

from tests.hil.emulator._programs import Run
from tinynas.hil.emulator.memories import DataCache, LineCache, NoCache, SetCache


def test_the_line_used_longest_ago_makes_room():
    cache = LineCache(2, 16)
    assert [cache.misses([line]) for line in (1, 2, 1, 3, 1, 2)] == [1, 1, 0, 1, 0, 1]
    assert cache.lines_of(0x1E, 4) == (1, 2)
    assert cache.lines_of(0x20, 16) == (2,)


def test_constants_wait_once_a_line_where_the_cache_is_on():
    state = [(5, True)]
    cache = DataCache(8, 16, lambda: state[0])
    assert [cache.wait(address) for address in range(0, 64, 4)] == [5, 0, 0, 0] * 4
    state[0] = (5, False)
    assert cache.wait(0) == 5
    assert NoCache(lambda: 2).wait(0) == 2


def test_a_set_of_an_m7_holds_four_lines():
    cache = SetCache(4096, 8, lambda: True)
    together = [1024 * way for way in range(5)]  # 32 sets of 32 bytes: the same set
    assert [cache.wait(address) for address in together] == [8] * 5
    assert [cache.wait(address) for address in together[1:]] == [0] * 4
    assert cache.wait(0) == 8
    assert [cache.wait(32 + address) for address in range(0, 32, 4)] == [8] + [0] * 7
    assert SetCache(4096, 8, lambda: False).wait(32) == 8


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (64, 10 * 16),  # 16 lines do not fit 8: all of them are read in each of 10 turns
        (16, 4),
    ],
)
@pytest.mark.emulator
def test_constants_that_do_not_fit_the_cache_wait_in_every_turn(words, lines):
    def cycles(latency):
        return Run(f"""put 0x40023C00, {0x600 | latency:#x}
            mov r8, #10
            1: ldr r0, =0x08000000
            mov r1, #{words}
            2: ldr r2, [r0], #4
            subs r1, #1
            bne 2b
            subs r8, #1
            bne 1b
            end""").machine.tally.cycles

    extra = cycles(5) - cycles(0)
    assert 5 * lines <= extra <= 5 * (lines + 12), "beside them, a few lines of code and of other constants"
