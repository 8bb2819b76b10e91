"""A Cortex-M in the Unicorn emulator: runs an image and counts. Started by `_cortex` as a process of its own.

    python benchmarks/_emulator.py < request.json

Nothing else imports Unicorn: it is under the GPL, and an image that goes astray must not take the caller along. The
request and the answer are JSON (bytes as base64); `_cortex` describes what they hold. The image stops at three places:
where it is ready for the next input, at the entry of the model, and where the model returns to.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from collections import Counter
from typing import Any

from unicorn import Uc, UcError
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc

ACCESS = {"r": uc.UC_PROT_READ, "w": uc.UC_PROT_WRITE, "x": uc.UC_PROT_EXEC}
FAULTS = {
    uc.UC_MEM_READ_UNMAPPED: "read of unmapped memory",
    uc.UC_MEM_WRITE_UNMAPPED: "write to unmapped memory",
    uc.UC_MEM_FETCH_UNMAPPED: "jump to unmapped memory",
    uc.UC_MEM_READ_PROT: "read of protected memory",
    uc.UC_MEM_WRITE_PROT: "write to read-only memory",
    uc.UC_MEM_FETCH_PROT: "jump to memory that holds no code",
}
PAINT = b"\xa5"


class Fault(Exception):
    """The image did what a board would stop at."""


class Machine:
    """A processor with memory; the image is at its reset handler.

    Attributes:
        blocks: How often each straight run of code was executed within the model: (address, bytes) -> times.
        deepest: The lowest stack pointer seen within the model.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.places = request["places"]
        self.blocks: Counter[tuple[int, int]] = Counter()
        self.deepest = self.places["stack_top"]
        self._invalid: dict[str, Any] | None = None
        baseline = request["cpu"] == "cortex-m0plus"
        # The mode MCLASS is a Cortex-M33, which executes all that an M4 or M7 does; without it Unicorn takes a model.
        self._engine = Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | (0 if baseline else uc.UC_MODE_MCLASS))
        if baseline:
            self._engine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M0)
        for region in request["regions"]:
            self._engine.mem_map(region["address"], region["bytes"], sum(ACCESS[right] for right in region["access"]))
        for address, data in request["load"]:
            self._engine.mem_write(address, b64decode(data))
        self._engine.hook_add(uc.UC_HOOK_MEM_INVALID, self._on_invalid)
        self._engine.reg_write(arm.UC_ARM_REG_SP, self.places["stack_top"])
        self._run(self.places["reset"], self.places["ready"])

    def invoke(self, data: bytes, output_bytes: int) -> tuple[bytes, int]:
        """One inference from the place where the image waits for an input: output, and bytes of stack it touched."""
        engine, places = self._engine, self.places
        engine.mem_write(places["input"], data)
        engine.mem_write(places["output"], bytes(output_bytes))
        self._run(places["ready"], places["model"])
        top, back = engine.reg_read(arm.UC_ARM_REG_SP), engine.reg_read(arm.UC_ARM_REG_LR) & ~1
        free = top - places["stack_low"]
        engine.mem_write(places["stack_low"], PAINT * free)
        hook = engine.hook_add(uc.UC_HOOK_BLOCK, self._on_block)
        self._run(places["model"], back)
        engine.hook_del(hook)
        output = bytes(engine.mem_read(places["output"], output_bytes))
        untouched = free - len(bytes(engine.mem_read(places["stack_low"], free)).lstrip(PAINT))
        self._run(back, places["ready"])
        return output, max(free - untouched, top - self.deepest)

    def check_alignment(self) -> None:
        """Have the loads and stores of several words in the code seen so far checked from now on.

        A Cortex-M faults where their address is no multiple of four; the emulator lets it pass.
        """
        for address, base in {pair for block in self.blocks for pair in _multiples(self._code(*block), block[0])}:
            self._engine.hook_add(uc.UC_HOOK_CODE, self._on_multiple, base, address, address)

    def instructions(self) -> dict[int, int]:
        """Instructions executed within the model by the address of their block."""
        found: Counter[int] = Counter()
        for (address, size), times in self.blocks.items():
            found[address] += times * sum(1 for _ in _halfwords(self._code(address, size)))
        return dict(found)

    def _code(self, address: int, size: int) -> bytes:
        return bytes(self._engine.mem_read(address, size))

    def _run(self, start: int, end: int) -> None:
        self._engine.ctl_flush_tb()  # hooks and the end are compiled into the translated code
        try:
            self._engine.emu_start(start | 1, end)
        except UcError as e:
            raise self._fault(str(e)) from None
        if self._invalid is not None or self._engine.reg_read(arm.UC_ARM_REG_PC) != end:
            raise self._fault("stopped where it should not")

    def _fault(self, otherwise: str) -> Fault:
        state = {"pc": self._engine.reg_read(arm.UC_ARM_REG_PC), "lr": self._engine.reg_read(arm.UC_ARM_REG_LR)}
        return Fault({"what": otherwise, "address": None, **state, **(self._invalid or {})})

    def _on_invalid(self, _engine: Uc, access: int, address: int, size: int, _value: int, _data: object) -> bool:
        self._invalid = {"what": FAULTS.get(access, f"access {access}"), "address": address, "bytes": size}
        return False

    def _on_block(self, engine: Uc, address: int, size: int, _data: object) -> None:
        if (address, size) not in self.blocks:
            # Painting does not see a frame whose far end is never written. The pointer stays the same within a block,
            # and reading it each time would double the time.
            self.deepest = min(self.deepest, engine.reg_read(arm.UC_ARM_REG_SP))
        self.blocks[address, size] += 1

    def _on_multiple(self, engine: Uc, address: int, _size: int, base: int) -> None:
        pointer = engine.reg_read(arm.UC_ARM_REG_R0 + base)
        if pointer % 4:
            self._invalid = {"what": "unaligned access to several words", "address": pointer, "pc": address}
            engine.emu_stop()


def _halfwords(code: bytes) -> Any:
    """(offset, first halfword, second halfword or None) of each Thumb-2 instruction."""
    at = 0
    while at < len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        wide = first >> 11 in (0b11101, 0b11110, 0b11111)
        yield at, first, int.from_bytes(code[at + 2 : at + 4], "little") if wide else None
        at += 4 if wide else 2


def _multiples(code: bytes, address: int) -> Any:
    """(address, base register) of the instructions that need an address divisible by four.

    Their offsets are multiples of four: the base register decides. The stack pointer and the program counter always are
    aligned.
    """
    for at, first, second in _halfwords(code):
        if second is None:
            found, base = first >> 12 == 0xC, first >> 8 & 7  # LDM, STM
        else:
            table_branch = first & 0xFFF0 == 0xE8D0 and second & 0xFFE0 == 0xF000
            words = first & 0xFE00 == 0xE800 and not table_branch  # LDM, STM, LDRD, STRD, LDREX, STREX
            moves = first & 0xFFE0 == 0xEC40  # VMOV between two core registers and the floating-point unit
            floats = first & 0xFE00 == 0xEC00 and second & 0x0E00 == 0x0A00 and not moves  # VLDR, VSTR, VLDM, VSTM
            found, base = words or floats, first & 15
        if found and base < 13:
            yield address + at, base


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run every input; then the first once more, with alignment checked and nothing counted."""
    inputs, size, runs, before = [b64decode(data) for data in request["inputs"]], request["output_bytes"], [], 0
    try:
        machine = Machine(request)
        for data in inputs:
            output, stack = machine.invoke(data, size)
            blocks = machine.instructions()
            instructions, before = sum(blocks.values()) - before, sum(blocks.values())
            runs.append({"output": b64encode(output).decode(), "stack_bytes": stack, "instructions": instructions})
        machine.check_alignment()
        repeated, _ = machine.invoke(inputs[0], size)
    except Fault as e:
        return {"fault": e.args[0]}
    same = b64encode(repeated).decode() == runs[0]["output"]
    return {"runs": runs, "repeats": same, "blocks": sorted(blocks.items())}


if __name__ == "__main__":
    json.dump(answer(json.load(sys.stdin)), sys.stdout)
