"""SysTick against a counter that is moved cycle by cycle (Armv7-M Architecture Reference Manual, B3.3)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.hil.emulator.system import SysTick

CONTROL, RELOAD, VALUE = 0x0, 0x4, 0x8
COUNTED = 1 << 16


class Counter:
    """The timer as the reference manual words it."""

    def __init__(self) -> None:
        self.value = self.reload = 0
        self.on = self.flag = self.asked = False

    def cycle(self) -> None:
        if self.on:
            self.value = self.value - 1 if self.value else self.reload
            if not self.value:
                self.flag = self.asked = True


def pair(reload: int) -> tuple[list[int], SysTick, Counter]:
    now, counter = [0], Counter()
    timer = SysTick(lambda: now[0])
    timer.write(RELOAD, reload)
    timer.write(CONTROL, 7)
    counter.reload, counter.on = reload, True
    return now, timer, counter


@settings(max_examples=300)
@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["clear", "look", "reload", "switch", "ask"])), max_size=20),
    st.integers(1, 60),
)
def test_it_counts_as_the_reference_does(reload, script, another):
    now, timer, counter = pair(reload)
    for cycles, action in script:
        for _ in range(cycles):
            counter.cycle()
        now[0] += cycles
        assert timer.read(VALUE) == counter.value
        if action == "clear":
            timer.write(VALUE, 1)
            counter.value, counter.flag = 0, False
        elif action == "look":
            assert timer.read(CONTROL) == 6 | counter.on | (COUNTED if counter.flag else 0)
            counter.flag = False
        elif action == "reload":
            counter.reload = another
            timer.write(RELOAD, another)
        elif action == "switch":
            counter.on = not counter.on
            timer.write(CONTROL, 6 | counter.on)
        else:
            assert timer.elapse() == counter.asked
            counter.asked = False


@given(st.integers(1, 50), st.integers(0, 49), st.integers(1, 60))
def test_it_knows_when_its_interrupt_is_due(reload, cycles, another):
    now, timer, _ = pair(reload)
    now[0] = cycles
    timer.elapse()
    timer.write(RELOAD, another)
    due = timer.due
    assert due is not None
    now[0] = due - 1
    assert not timer.elapse()
    now[0] = due
    assert timer.elapse()
    assert timer.due == due + another + 1


def test_without_reload_it_stands():
    now, timer, _ = pair(0)
    now[0] = 1000
    assert (timer.due, timer.elapse(), timer.read(CONTROL), timer.read(VALUE)) == (None, False, 7, 0)
