"""What a core reports of a fault."""

from __future__ import annotations

import re

from tinynas.errors import TargetFault
from tinynas.hil.dut.replies import checked, shown

__all__ = ["fault_in"]

_FAULT = re.compile(r"x-fault (?P<kind>\S+)(?P<registers>( [a-z]+=[0-9a-fA-F]{1,8})*)")
#: Bits of the Configurable Fault Status Register (Armv7-M ARM, B3.2.15).
_CFSR = {
    0: "instruction fetch from memory that holds no code",
    1: "access to forbidden memory",
    3: "forbidden access on return from an exception",
    4: "forbidden access while entering an exception: a stack overflow?",
    8: "bus error on an instruction fetch",
    9: "bus error",
    10: "bus error, imprecise",
    11: "bus error on return from an exception",
    12: "bus error while entering an exception: a stack overflow?",
    16: "undefined instruction",
    17: "jump to an address that is no Thumb code",
    18: "damaged exception return",
    19: "use of a disabled coprocessor",
    24: "unaligned access",
    25: "division by zero",
}


def fault_in(line: str, where: str, following: str = "") -> TargetFault | None:
    """The fault that a line reports, if it does; it may begin in the middle of a line that the fault cut short.

    Args:
        line: The line.
        where: The link.
        following: The line after it. Unless it holds the report's checksum the fault has no registers: what happened is
            judged by them.
    """
    match = _FAULT.search(line)
    if not match:
        return None
    if checked("", [match[0], following]) is None:
        what = f"the core took a fault, and its report arrives damaged: {shown([match[0]])}"
        return TargetFault(what, where=where, kind=match["kind"])
    texts = dict(pair.split("=") for pair in match["registers"].split())
    registers = {name: int(digits, 16) for name, digits in texts.items()}
    status = registers.get("cfsr", 0)
    reasons = [reason for bit, reason in _CFSR.items() if status >> bit & 1]
    if status >> 7 & 1:
        reasons.append(f"at address 0x{texts.get('mmfar', texts.get('hfar', '?'))}")
    if status >> 15 & 1:
        reasons.append(f"at address 0x{texts.get('bfar', '?')}")
    words = f" ({', '.join(reasons)})" if reasons else ""
    places = " ".join(f"{name}=0x{value}" for name, value in texts.items())
    message = f"the core took a {match['kind']}{words}: {places}"
    return TargetFault(message, where=where, kind=match["kind"], registers=registers)
