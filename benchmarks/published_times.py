"""Published images of others on a virtual board: the estimate of time beside what was measured on the real one.

    python benchmarks/published_times.py FOLDER [--json] [--out FILE]

FOLDER is a checkout of github.com/mlcommons/tiny_results_v1.2: MLPerf Tiny's closed division, in which
STMicroelectronics publishes images for the NUCLEO-U575ZI-Q (Cortex-M33, 160 MHz) with the throughput of each. None of
them was used to choose a figure of the estimate. They are not part of this project.

These images have drivers of their own, so registers that the virtual board does not model hold what is written, with
the flags set that their drivers wait for. An inference's cycles are half the difference between three and one.
"""

from __future__ import annotations

import argparse
import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from _common import add_output_options, environment, report
from rich.table import Table

from tinynas.board import Board, load_board
from tinynas.hil.emulator.bus import PAGE_BYTES, BusError
from tinynas.hil.emulator.machine import Machine

BOARD, VENDOR = "nucleo_u575zi_q", "closed/STMicroelectronics"
MODELS = {
    "ad": "anomaly_detection",
    "ic": "image_classification",
    "kws": "keyword_spotting",
    "vww": "visual_wake_words",
}
#: Flags: PWR_SVMSR says that supply and voltage are ready, ISR of LPUART1 and USART1 that both directions are.
HELD = {0x4602083C: 0x38002, 0x4600241C: 0x6000C0}
ADDED = {0x4001381C: 3 << 21}
PERIPHERALS = ((0x40000000, 0x100000), (0x42000000, 0x100000), (0x46000000, 0x100000))
INFERENCES = (1, 3)
GAP_CYCLES = 3000  # between a reply and the next command
_SYSTEM_MEMORY = 0x0BF90000
_LAP = re.compile(rb"m-lap-us-\d+\r\n\Z")


class Lenient(Machine):
    """A virtual board where every register exists.

    Attributes:
        done: It is to stop.
    """

    done = False

    def _connect(self, board: Board, send: Callable[[int], None]) -> None:
        super()._connect(board, send)
        self._others = dict(HELD)
        there = set(self._bus.pages())
        for base, size in PERIPHERALS:
            for page in range(base, base + size, PAGE_BYTES):
                if page not in there:
                    self._unicorn.mmio_map(page, PAGE_BYTES, self._read, page, self._write, page)
        self._unicorn.mem_map(_SYSTEM_MEMORY, 0x10000)  # serial numbers and trimming

    def _read(self, _unicorn: Any, offset: int, size: int, page: int) -> int:
        word, shift = page + offset & ~3, 8 * (offset & 3)
        try:
            value = self._bus.read(word, 4)
        except BusError:
            value = self._others.get(word, 0)
        return (value | ADDED.get(word, 0)) >> shift & (1 << 8 * size) - 1

    def _write(self, _unicorn: Any, offset: int, size: int, value: int, page: int) -> None:
        try:
            self._bus.write(page + offset, size, value)
        except BusError:
            word, shift = page + offset & ~3, 8 * (offset & 3)
            mask = (1 << 8 * size) - 1 << shift
            self._others[word] = self._others.get(word, 0) & ~mask | value << shift & mask
        self._alarm = 0

    def _step(self) -> bool:
        return not self.done and super()._step()


def inference_cycles(image: bytes) -> int:
    """Cycles of an inference by the estimate, from when an image tells its laps."""
    sent, commands = bytearray(), deque(f"infer {count} 0%".encode() for count in INFERENCES)
    laps: list[int] = []

    def send(byte: int) -> None:
        sent.append(byte)
        if _LAP.search(sent[-32:]):
            laps.append(machine.tally.cycles)
        elif sent.endswith(b"m-ready\r\n"):
            machine.done = not commands
            if commands:  # these images wait for a byte in a loop: they never sleep
                machine._arrivals.extend(commands.popleft())
                machine._arrival, machine._alarm = machine.tally.cycles + GAP_CYCLES, 0

    board = load_board(BOARD)
    machine = Lenient(board, send, lambda: b"")
    machine.program([(board.flash.origin, image)])
    machine.run()
    first, second = laps[-3] - laps[-4], laps[-1] - laps[-2]
    return (second - first) // (INFERENCES[1] - INFERENCES[0])


def published_us(folder: Path) -> float:
    """An inference's time by the throughput in the logs of a result."""
    logs = "".join(path.read_text(errors="replace") for path in sorted(folder.glob("performance/**/*.txt")))
    return 1e6 / median(float(found) for found in re.findall(r"Throughput\s*:\s*([\d.]+) inf", logs))


def row(root: Path, model: str) -> dict[str, Any]:
    name = "NUCLEO_U575ZI_Q"
    (image,) = (root / VENDOR / "code" / name / MODELS[model] / "Binaries").glob("*-Performance.bin")
    cycles = inference_cycles(image.read_bytes())
    estimated, measured = (
        1e6 * cycles / load_board(BOARD).clock_hz,
        published_us(root / VENDOR / "results" / name / model),
    )
    return {"model": model, "cycles": cycles, "estimated_us": estimated, "published_us": measured}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="checkout of github.com/mlcommons/tiny_results_v1.2")
    add_output_options(parser)
    options = parser.parse_args()
    rows = [row(options.folder, model) for model in MODELS]
    shown = Table(title=f"published images on a virtual {BOARD}")
    for heading in ("model", "estimate", "published", "ratio"):
        shown.add_column(heading, justify="left" if heading == "model" else "right")
    for r in rows:
        times = (r["estimated_us"], r["published_us"])
        shown.add_row(r["model"], *(f"{us / 1000:.2f} ms" for us in times), f"{times[0] / times[1]:.3f}")
    result = {"benchmark": "published_times", "environment": environment("unicorn"), "board": BOARD, "rows": rows}
    report(options, result, shown)


if __name__ == "__main__":
    main()
