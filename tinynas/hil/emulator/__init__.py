"""A virtual board: a Cortex-M in Unicorn with the memories and peripherals that the firmware uses.

It runs the very image that is flashed to the real board, in a process of its own (`python -m tinynas.hil.emulator`): an
image that goes astray must not take the caller along, and Unicorn is under the GPL. `virtual` starts it.

    machine      memory, processor, the loop that runs it
    exceptions   interrupts and faults: what is pending, frames, entry and return
    system       registers of the core: SysTick, interrupt controller, system control, cycle counter
    bus, chips   peripherals by address; those of each family
    uart         the three register layouts of serial ports
    cycles       the estimate of time
    serving      bytes from and to the host: pipes, or a pseudo-terminal
    bootloader   the boot loader in an STM32's ROM

Time is the estimate of `cycles` and passes only while the core executes: asleep, it stands still until the host sends,
and then until its byte is on the line. So a run depends on nothing but the bytes it is sent, and repeats exactly.
Simplifications, all of them: sending takes no time; SysTick always counts the core's cycles; priorities have eight bits
and no groups; CCR traps nothing; BKPT is undefined; a register that is not modelled raises an imprecise bus fault, at
the end of the block of code; unaligned LDM, LDRD and the like pass; floating point that is not turned on faults at the
beginning of the block of code.
"""

from tinynas.hil.emulator.virtual import VirtualBoard, VirtualTerminal, require_unicorn

__all__ = ["VirtualBoard", "VirtualTerminal", "require_unicorn"]
