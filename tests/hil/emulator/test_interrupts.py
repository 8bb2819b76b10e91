"""The interrupt controller against its definition: of what is pending and enabled, the most urgent one goes first."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.hil.emulator.interrupts import InterruptController

ENABLE, PEND, PRIORITY = 0x000, 0x100, 0x300


def controller() -> InterruptController:
    return InterruptController(lambda exception: 0)


def test_icsr_shows_the_most_urgent_one_and_whether_interrupts_wait():
    nvic = controller()
    nvic.write(PRIORITY, 0x10_20_30)
    nvic.write(ENABLE, 0b111)
    nvic.write(PEND, 0b111)
    assert nvic.state() >> 12 & 0x1FF == 16 + 2
    assert nvic.state() & 1 << 22
    assert nvic.state() & 1 << 11, "a return would end the only exception"
    nvic.active.extend((16 + 2, 15))
    assert nvic.state() & 0x9FF == 15, "the innermost, and another one below it"


def test_system_exceptions_have_priorities_of_their_own():
    nvic = InterruptController({14: 0xF0, 15: 0x20}.__getitem__)
    for exception in (14, 15, 16):
        nvic.pend(exception)
    nvic.write(ENABLE, 1)
    nvic.write(PRIORITY, 0x80)
    order = []
    while (due := nvic.due(256)) is not None:
        order.append(due)
        nvic.pending &= ~(1 << due)
    assert order == [15, 16, 14]


def test_resets_non_maskable_ones_and_hard_faults_precede_everything():
    nvic = controller()
    assert [nvic.priority(exception) for exception in (1, 2, 3)] == [-3, -2, -1]
    nvic.pend(2)
    nvic.active.append(3)
    assert nvic.due(0) == 2


interrupts = st.lists(
    st.tuples(st.integers(0, 239), st.integers(0, 255), st.booleans(), st.booleans()),
    max_size=12,
    unique_by=lambda i: i[0],
)


@settings(max_examples=200)
@given(interrupts, st.lists(st.integers(0, 239), max_size=3), st.integers(-1, 256))
def test_what_is_due_is_the_most_urgent_of_all(interrupts, active, masked_at):
    nvic, priorities = controller(), dict.fromkeys(range(240), 0)
    for number, priority, enabled, pending in interrupts:
        row = PRIORITY + number // 4 * 4
        nvic.write(row, nvic.read(row) | priority << 8 * (number % 4))
        priorities[number] = priority
        nvic.write(ENABLE + number // 32 * 4, enabled << number % 32)
        nvic.write(PEND + number // 32 * 4, pending << number % 32)
    nvic.active.extend(16 + number for number in active)
    limit = min([masked_at, *(priorities[number] for number in active)])
    due = [(priority, number) for number, priority, *both in interrupts if all(both) and priority < limit]
    assert nvic.due(masked_at) == (16 + min(due)[1] if due else None)
    assert nvic.waiting == any(enabled and pending for *_, enabled, pending in interrupts)
