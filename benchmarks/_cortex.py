"""C sources on a Cortex-M without a board: bytes of flash, RAM and stack, instructions, outputs.

`_image` links the sources with a start-up; `_emulator` runs the image in a process of its own. Memory is as strict as
it can be made: flash is read-only, RAM holds no code, the input is read-only, input and output end where mapped memory
ends, and a stack that overflows leaves the RAM. What breaks these rules raises, with the place and the address.

What is counted:

- `instructions`: from the first one of `model_invoke` to its return, exactly. One that an IT block skips counts: it
  takes its cycle.
- `flash_bytes`: what lies in flash (code, constants, initial values of .data), thus with the start-up, the vector table
  and the firmware's memory functions where they are called.
- `static_ram_bytes`: .data and .bss with their padding. The harness's buffers for input and output lie in memory of
  their own and are not counted. TFLM keeps both tensors in its arena, thus in its static RAM: `strict_ram_bytes` adds
  them to compare like with like.
- `stack_bytes`: below the stack pointer at the entry of `model_invoke`; the larger of what was overwritten (it is
  painted first) and of what the stack pointer claimed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from _image import FLASH, FLASH_BYTES, INPUT, OUTPUT, PAGE, RAM, RAM_BYTES, STACK_BYTES, Image, build, placed

from tinynas.errors import TargetFault
from tinynas.hil.image import Level

__all__ = ["Report", "run"]

_SYSTEM, _SYSTEM_BYTES = 0xE000_E000, 0x1000


@dataclass(frozen=True)
class Report:
    """What some inferences cost; the module's docstring says what is counted.

    Attributes:
        outputs: One per input.
        instructions_each: One per input.
        instructions: The largest of them.
        profile: Instructions of all inputs together by function, the most expensive one first.
        build_s: Time that compiling and linking took.
    """

    instructions: int
    flash_bytes: int
    static_ram_bytes: int
    strict_ram_bytes: int
    stack_bytes: int
    outputs: tuple[bytes, ...]
    instructions_each: tuple[int, ...]
    profile: Mapping[str, int]
    build_s: float = field(compare=False)

    @property
    def output(self) -> bytes:
        """The first input's output."""
        return self.outputs[0]


def run(
    sources: Sequence[Path],
    include: Sequence[Path],
    inputs: Sequence[bytes],
    output_bytes: int,
    *,
    cpu: str = "cortex-m4",
    level: Level = "2",
    defines: Sequence[str] = (),
    timeout_s: float = 300.0,
) -> Report:
    """Build an image and run one inference per input, without a reset between them.

    Args:
        sources: See `build`, as `include`, `cpu`, `level` and `defines`.
        include: Folders of the headers.
        inputs: At least one; all of MODEL_INPUT_BYTES bytes.
        output_bytes: MODEL_OUTPUT_BYTES.
        cpu: One of `CPUS`.
        level: The compiler's optimisation.
        defines: `NAME` or `NAME=VALUE`.
        timeout_s: For all inferences together.

    Raises:
        TargetFault: The core faulted (where, and at which address), an inference did not end, or the same input gave
            another output the second time.
        ToolchainMissing: Something is not installed.
        BuildError: The image cannot be built.
    """
    (input_bytes,) = {len(data) for data in inputs}
    sizes = {"input_bytes": input_bytes, "output_bytes": output_bytes}
    start = perf_counter()
    image = build(sources, include, **sizes, cpu=cpu, level=level, defines=defines)
    build_s = perf_counter() - start
    answer = _emulate(image, inputs, output_bytes, cpu, timeout_s)
    runs, profile = answer["runs"], Counter[str]()
    for address, instructions in answer["blocks"]:
        profile[(image.elf.function_at(address) or "?").partition("+")[0]] += instructions
    each = tuple(run["instructions"] for run in runs)
    return Report(
        instructions=max(each),
        flash_bytes=image.flash_bytes,
        static_ram_bytes=image.static_ram_bytes,
        strict_ram_bytes=image.static_ram_bytes + input_bytes + output_bytes,
        stack_bytes=max(run["stack_bytes"] for run in runs),
        outputs=tuple(b64decode(run["output"]) for run in runs),
        instructions_each=each,
        profile=dict(profile.most_common()),
        build_s=build_s,
    )


def _emulate(image: Image, inputs: Sequence[bytes], output_bytes: int, cpu: str, timeout_s: float) -> dict[str, Any]:
    input_bytes = len(inputs[0])
    regions = [
        (FLASH, FLASH_BYTES, "rx"),
        (RAM, RAM_BYTES, "rw"),
        (INPUT, input_bytes, "r"),
        (OUTPUT, output_bytes, "rw"),
        (_SYSTEM, _SYSTEM_BYTES, "rw"),
    ]
    request = {
        "cpu": cpu,
        "regions": [{"address": a, "bytes": size + -size % PAGE, "access": access} for a, size, access in regions],
        "load": [(image.elf.address, b64encode(image.elf.binary).decode())],
        "places": {
            "reset": image.symbols["Reset_Handler"],
            "ready": image.symbols["harness_ready"],
            "model": image.symbols["model_invoke"],
            "stack_low": RAM,
            "stack_top": RAM + STACK_BYTES,
            "input": placed(INPUT, input_bytes),
            "output": placed(OUTPUT, output_bytes),
        },
        "inputs": [b64encode(data).decode() for data in inputs],
        "output_bytes": output_bytes,
    }
    command = [sys.executable, str(Path(__file__).with_name("_emulator.py"))]
    try:
        done = subprocess.run(
            command, input=json.dumps(request), capture_output=True, text=True, check=False, timeout=timeout_s
        )
    except subprocess.TimeoutExpired as e:
        raise TargetFault(f"no end within {timeout_s:g} s", where=cpu) from e
    if done.returncode:
        raise TargetFault(f"the emulator ended with {done.returncode}: {done.stderr.strip()}", where=cpu)
    answer: dict[str, Any] = json.loads(done.stdout)
    if "fault" in answer:
        raise _fault(image, answer["fault"], cpu)
    if not answer["repeats"]:
        raise TargetFault("the same input gave another output the second time: the model keeps a state", where=cpu)
    return answer


def _fault(image: Image, fault: Mapping[str, Any], cpu: str) -> TargetFault:
    places = []
    for register in ("pc", "lr"):
        function = image.elf.function_at(fault[register])
        name = f" ({function})" if function else ""
        places.append(f"{register} {fault[register]:#010x}{name}")
    at = "" if fault["address"] is None else f" at {fault['address']:#010x}"
    return TargetFault(f"{fault['what']}{at}, {', '.join(places)}", where=cpu)
