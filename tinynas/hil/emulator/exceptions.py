"""Entry into exceptions and return from them, and what a fault becomes (Armv7-M, B1.5)."""

from __future__ import annotations

from typing import Any, NoReturn

from unicorn import arm_const as arm

from tinynas.hil.emulator.bus import BusError
from tinynas.hil.emulator.interrupts import InterruptController
from tinynas.hil.emulator.system import SystemControl
from tinynas.hil.emulator.uart import Memory

__all__ = [
    "BUS_FAULT",
    "FETCH",
    "IMPRECISE",
    "INVALID_STATE",
    "MEMORY_FAULT",
    "NO_CODE",
    "NO_COPROCESSOR",
    "PRECISE",
    "UNALIGNED",
    "UNDEFINED",
    "USAGE_FAULT",
    "Core",
    "LockUp",
]

HARD_FAULT, MEMORY_FAULT, BUS_FAULT, USAGE_FAULT = 3, 4, 5, 6
STACKING, PRECISE, IMPRECISE, FETCH = 1 << 12, 1 << 9, 1 << 10, 1 << 8
NO_CODE, UNDEFINED, INVALID_STATE, NO_COPROCESSOR, UNALIGNED = 1 << 0, 1 << 16, 1 << 17, 1 << 19, 1 << 24
_UNSTACKING, _INVALID_RETURN = 1 << 11, 1 << 18
_FRAME = (
    *(arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3),
    *(arm.UC_ARM_REG_R12, arm.UC_ARM_REG_LR, arm.UC_ARM_REG_PC, arm.UC_ARM_REG_XPSR),
)
_FLOATS = [arm.UC_ARM_REG_S0 + n for n in range(16)]
_FRAME_BYTES, _FLOAT_BYTES = 32, 72
_FLOATING, _PROCESS_STACK = 1 << 2, 1 << 1
_ALIGNED = 1 << 9


class LockUp(Exception):
    """The core stops: a fault while it handles a HardFault."""


class Core:
    """The processor's exception model on top of Unicorn's registers.

    Args:
        unicorn: The processor.
        memory: What frames are put into.
        interrupts: The interrupt controller.
        system: Fault registers and vectors.
    """

    def __init__(self, unicorn: Any, memory: Memory, interrupts: InterruptController, system: SystemControl) -> None:
        self._unicorn, self._memory, self._interrupts, self._system = unicorn, memory, interrupts, system

    def reset(self) -> None:
        """Stack pointer and program counter from the vector table; interrupts are on."""
        table = self._memory.load(self._system.vectors, 8)
        for register in (arm.UC_ARM_REG_PRIMASK, arm.UC_ARM_REG_FAULTMASK, arm.UC_ARM_REG_BASEPRI):
            self._unicorn.reg_write(register, 0)
        self._unicorn.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24)
        self._unicorn.reg_write(arm.UC_ARM_REG_CONTROL, 0)
        self._unicorn.reg_write(arm.UC_ARM_REG_LR, 0xFFFFFFFF)
        self._unicorn.reg_write(arm.UC_ARM_REG_MSP, int.from_bytes(table[:4], "little"))
        self._unicorn.reg_write(arm.UC_ARM_REG_PC, int.from_bytes(table[4:], "little"))

    def interrupt(self) -> bool:
        """Enter the most urgent exception that is due; whether there was one."""
        exception = self._interrupts.due(self._masked_at())
        if exception is None:
            return False
        self._interrupts.pending &= ~(1 << exception)
        self._enter(exception, self._read(arm.UC_ARM_REG_PC))
        return True

    def wakes(self) -> bool:
        """Whether the core's sleep ends: something is due, or would be but for PRIMASK."""
        return self._interrupts.due(self._masked_at(primask=False)) is not None

    def fault(self, kind: int, cfsr: int, pc: int, address: int | None = None) -> None:
        """Enter the handler of a fault, or HardFault's where that one may not run.

        Args:
            kind: MEMORY_FAULT, BUS_FAULT or USAGE_FAULT.
            cfsr: What CFSR says of it.
            pc: The instruction at fault.
            address: What it could not access.

        Raises:
            LockUp: Not even HardFault may run.
        """
        urgency = min(self._interrupts.urgency(), self._masked_at())
        forced = not self._system.handles(kind) or self._interrupts.priority(kind) >= urgency
        self._system.note_fault(cfsr, address, forced=forced)
        if forced and urgency < 0:
            self._lock_up(pc)
        self._enter(HARD_FAULT if forced else kind, pc)

    def call(self, exception: int, pc: int) -> None:
        """Enter an exception that an instruction asks for (SVC); a fault where it may not run."""
        if self._interrupts.priority(exception) >= min(self._interrupts.urgency(), self._masked_at()):
            self.fault(USAGE_FAULT, 0, pc)
        else:
            self._enter(exception, pc)

    def leave(self, token: int) -> None:
        """Return from an exception: the frame goes back into the registers.

        Args:
            token: What was loaded into the program counter, which has no bit 0: 0xFFFFFFE0 and above.
        """
        nested = len(self._interrupts.active) > 1
        if token & 0xE not in ((0x0,) if nested else (0x8, 0xC)):
            self._interrupts.active.pop()
            self.fault(USAGE_FAULT, _INVALID_RETURN, token)
            return
        extended = not token & 1 << 4
        process = bool(token & 4)
        register = arm.UC_ARM_REG_PSP if process else arm.UC_ARM_REG_MSP
        pointer = self._read(register)
        try:
            frame = self._memory.load(pointer, _FRAME_BYTES)
            floats = self._memory.load(pointer + _FRAME_BYTES, _FLOAT_BYTES) if extended else b""
        except BusError:
            self._interrupts.active.pop()
            self.fault(BUS_FAULT, _UNSTACKING, self._read(arm.UC_ARM_REG_PC))
            return
        ended = self._interrupts.active.pop()
        if ended != 2 and self._interrupts.urgency() >= 0:
            self._unicorn.reg_write(arm.UC_ARM_REG_FAULTMASK, 0)
        words = [int.from_bytes(frame[i : i + 4], "little") for i in range(0, _FRAME_BYTES, 4)]
        self._unicorn.reg_write(arm.UC_ARM_REG_XPSR, words[7] & ~_ALIGNED)
        control = self._read(arm.UC_ARM_REG_CONTROL) & ~(_PROCESS_STACK | _FLOATING)
        self._unicorn.reg_write(
            arm.UC_ARM_REG_CONTROL, control | (_PROCESS_STACK if process else 0) | (_FLOATING if extended else 0)
        )
        for index, name in enumerate(_FLOATS if extended else ()):
            self._unicorn.reg_write(name, int.from_bytes(floats[4 * index : 4 * index + 4], "little"))
        if extended:
            self._unicorn.reg_write(arm.UC_ARM_REG_FPSCR, int.from_bytes(floats[64:68], "little"))
        pointer += _FRAME_BYTES + len(floats) + (4 if words[7] & _ALIGNED else 0)
        self._unicorn.reg_write(register, pointer)
        for name, word in zip(_FRAME[:6], words[:6], strict=True):
            self._unicorn.reg_write(name, word)
        self._unicorn.reg_write(arm.UC_ARM_REG_PC, words[6] | 1)

    def _enter(self, exception: int, pc: int) -> None:
        control, state = self._read(arm.UC_ARM_REG_CONTROL), self._read(arm.UC_ARM_REG_XPSR)
        handler = bool(self._interrupts.active)
        process, extended = bool(control & _PROCESS_STACK) and not handler, bool(control & _FLOATING)
        register = arm.UC_ARM_REG_PSP if process else arm.UC_ARM_REG_MSP
        before = self._read(register)
        pointer = before - _FRAME_BYTES - (_FLOAT_BYTES if extended else 0) & ~7
        words = [self._read(name) for name in _FRAME[:6]] + [pc & ~1, state | (_ALIGNED if before & 4 else 0)]
        frame = b"".join(word.to_bytes(4, "little") for word in words)
        if extended:
            frame += b"".join(self._read(name).to_bytes(4, "little") for name in _FLOATS)
            frame += self._read(arm.UC_ARM_REG_FPSCR).to_bytes(4, "little") + bytes(4)
        self._unicorn.reg_write(register, pointer)
        try:
            self._memory.store(pointer, frame)
        except BusError:
            if exception in (HARD_FAULT, BUS_FAULT):
                self._system.note_fault(STACKING, None, forced=False)
            else:
                self._interrupts.pend(exception)
                exception = BUS_FAULT if self._system.handles(BUS_FAULT) else HARD_FAULT
                self._system.note_fault(STACKING, None, forced=exception == HARD_FAULT)
        token = 0xFFFFFFE1 | (0 if extended else 1 << 4) | (0 if handler else 8) | (4 if process else 0)
        self._interrupts.active.append(exception)
        self._unicorn.reg_write(arm.UC_ARM_REG_CONTROL, control & ~(_PROCESS_STACK | _FLOATING))
        self._unicorn.reg_write(arm.UC_ARM_REG_XPSR, 1 << 24 | exception)
        self._unicorn.reg_write(arm.UC_ARM_REG_LR, token)
        try:
            vector = int.from_bytes(self._memory.load(self._system.vectors + 4 * exception, 4), "little")
        except BusError:
            self._lock_up(pc)
        self._unicorn.reg_write(arm.UC_ARM_REG_PC, vector)

    def _masked_at(self, *, primask: bool = True) -> int:
        if self._read(arm.UC_ARM_REG_FAULTMASK) & 1:
            return -1
        if primask and self._read(arm.UC_ARM_REG_PRIMASK) & 1:
            return 0
        return self._read(arm.UC_ARM_REG_BASEPRI) & 0xFF or 256

    def _lock_up(self, pc: int) -> NoReturn:
        raise LockUp(f"the core is locked up: a fault at {pc:#010x} while it handled another one")

    def _read(self, register: int) -> int:
        return int(self._unicorn.reg_read(register))
