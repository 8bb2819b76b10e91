"""The figures of `tinynas.cost.aot_code` from what a compiler makes of random networks.

    python benchmarks/aot_code.py [--compiler gcc|zig] [--family FAMILY] [--count N] [--small N] [--seed N]
                                  [--board NAME] [--json] [--out FILE]

Needs Arm's binutils (arm-none-eabi-addr2line) with either compiler.

Networks of the default space, and small ones, whose image is mostly code, are compiled with debug information, linked
with the firmware and run on a virtual board. Each instruction of a model belongs to the operator in whose case of the
generated source it was inlined. Least squares over the operators give bytes by term, over the networks those of the
dispatch, the stack and the firmware. `benchmarks/proxy.py` verifies the result on networks of other seeds.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _candidates import drawn, int8_model
from _common import add_output_options, environment, limit_threads, report
from rich.table import Table

from tinynas.board import Board, load_board
from tinynas.cost.aot import constants_bytes, packed_bytes
from tinynas.cost.aot_code import dispatch_terms, operator_terms, stack_terms, window_bytes
from tinynas.deploy import read_graph
from tinynas.deploy.compiler.passes.liveness import keep_live
from tinynas.deploy.compiler.passes.lower import lower
from tinynas.deploy.compiler.plan.layout import ALIGNMENT
from tinynas.deploy.compiler.plan.schedule import Schedule, make_schedule
from tinynas.deploy.compiler.program.work import Depthwise, Lookup, Matrix
from tinynas.errors import FlashOverflow, RamOverflow
from tinynas.hil.image import Toolchain
from tinynas.hil.measure import measure
from tinynas.measurement import Measurement
from tinynas.network import ConvolutionalSearchSpace, RecurrentSearchSpace, SearchSpace, SeparableSearchSpace

SPACES = {
    "tcn": SearchSpace,
    "ds_tcn": SeparableSearchSpace,
    "cnn": ConvolutionalSearchSpace,
    "gru": RecurrentSearchSpace,
}
SECTIONS = (".text.step", ".text.model_invoke_in")
_INSTRUCTION_BYTES = 2
_DISPATCH = -1


@dataclass(frozen=True)
class Sample:
    """One network: its schedule, what was measured, and bytes by operator without what is exactly known.

    Attributes:
        inlined: Whether the compiler made the function with all operators part of the one that calls it.
    """

    schedule: Schedule
    found: Measurement
    code: Mapping[int, int]
    inlined: bool


class _Debugging(Toolchain):
    """A compiler that says which line each instruction comes from."""

    def options(self, core: str, suffix: str = ".c") -> tuple[str, ...]:
        return (*super().options(core, suffix), "-gdwarf-4")


def main() -> None:
    limit_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--board", default="nucleo_f446re", metavar="NAME", help="virtual board (default nucleo_f446re)"
    )
    parser.add_argument("--compiler", choices=("gcc", "zig"), default="gcc", help="whose code (default gcc)")
    parser.add_argument("--family", choices=SPACES, default="tcn", help="family of the networks (default tcn)")
    parser.add_argument("--count", type=int, default=80, help="networks of the default space (default 80)")
    parser.add_argument("--small", type=int, default=40, help="networks of up to 9 filters (default 40)")
    parser.add_argument("--seed", type=int, default=0, help="of networks and weights (default 0)")
    add_output_options(parser)
    options = parser.parse_args()
    toolchain = Toolchain.detect(options.compiler)
    debugging = _Debugging(toolchain.kind, toolchain.command, toolchain.version)
    samples = list(_samples(load_board(options.board), debugging, options))
    fits = _fits(samples)
    result = {
        "benchmark": "aot_code",
        "environment": environment("numpy", "unicorn"),
        "board": options.board,
        "family": options.family,
        "toolchain": toolchain.version,
        "networks": len(samples),
        "firmware_bytes": _firmware_bytes(samples),
        "fits": fits,
    }
    report(options, result, _table(fits))


def _samples(board: Board, toolchain: Toolchain, options: argparse.Namespace) -> Iterator[Sample]:
    kind = SPACES[options.family]
    for count, space in ((options.count, kind()), (options.small, kind(filters=(2, 9)))):
        rng = np.random.default_rng(options.seed)
        for index in range(count):
            model = int8_model(drawn(rng, space), np.random.default_rng([options.seed, index]))
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch)
                try:
                    found = measure(board, model, toolchain=toolchain, directory=folder)
                except (FlashOverflow, RamOverflow):
                    continue  # too large for this board
                yield _sample(model, found, folder)


def _sample(model: bytes, found: Measurement, folder: Path) -> Sample:
    schedule = make_schedule(keep_live(lower(read_graph(model))[0]))
    code = _attributed(folder)
    for number, turns in enumerate(schedule.live.turns):
        if isinstance(turns.operator.work, Matrix | Depthwise):
            code[number] -= packed_bytes(turns.operator.work)
        elif isinstance(turns.operator.work, Lookup):
            code[number] -= turns.operator.work.table.size
    return Sample(schedule, found, code, SECTIONS[0] not in _section_sizes(folder / "model.o"))


def _attributed(folder: Path) -> Counter[int]:
    """Bytes of code by operator, parameter structures included; those of the dispatch under -1."""
    source = (folder / "model.c").read_text(encoding="utf-8").splitlines()
    cases = [
        (line, int(case[1])) for line, text in enumerate(source, 1) if (case := re.match(r"    case (\d+): {", text))
    ]
    cases.append((source.index("    default:") + 1, _DISPATCH))
    sizes = _section_sizes(folder / "model.o")
    section = next(name for name in SECTIONS if name in sizes)
    found: Counter[int] = Counter()
    for lines in _origins(folder / "model.o", section, sizes[section]):
        numbers = (cases[at - 1][1] for line in lines if (at := bisect_right(cases, (line, len(source)))))
        found[next((number for number in numbers if number != _DISPATCH), _DISPATCH)] += _INSTRUCTION_BYTES
    for name, size in sizes.items():
        if operator := re.fullmatch(r"\.rodata\.(?:op|weights|bias|multiplier|shift|table)(\d+)", name):
            found[int(operator[1])] += -(-size // ALIGNMENT) * ALIGNMENT
    return found


def _section_sizes(path: Path) -> dict[str, int]:
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        return {section.name: section["sh_size"] for section in ELFFile(file).iter_sections()}


def _origins(path: Path, section: str, size: int) -> Iterator[list[int]]:
    """Of each half word of a section the lines of model.c that it was inlined from."""
    addresses = "\n".join(hex(at) for at in range(0, size, _INSTRUCTION_BYTES))
    command = ["arm-none-eabi-addr2line", "-i", "-a", "-j", section, "-e", str(path)]
    printed = subprocess.run(command, input=addresses, capture_output=True, text=True, check=True).stdout
    for block in re.split(r"^0x[0-9a-f]+\n", printed, flags=re.MULTILINE)[1:]:
        yield [int(line) for line in re.findall(r"model\.c:(\d+)", block)]


def _fits(samples: list[Sample]) -> list[dict[str, Any]]:
    """Bytes by term, for each family of terms, with the spread of what they leave unexplained."""
    families: dict[str, list[tuple[Mapping[str, int], float]]] = defaultdict(list)
    for sample in samples:
        for number in range(len(sample.schedule.live.turns)):
            terms = operator_terms(sample.schedule, number)
            families[next(iter(terms))].append((terms, sample.code[number]))
        schedule, inlined = sample.schedule, sample.inlined
        families["dispatch"].append((dispatch_terms(schedule, inlined=inlined), sample.code[_DISPATCH]))
        beside = sample.found.stack_bytes - window_bytes(schedule)
        families["stack"].append((stack_terms(schedule, inlined=inlined), beside))
    return [{"family": family, **_least_squares(rows)} for family, rows in families.items()]


def _least_squares(rows: list[tuple[Mapping[str, int], float]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for terms, _ in rows for name in terms))
    counts = np.array([[terms.get(name, 0) for name in names] for terms, _ in rows], float)
    sizes = np.array([size for _, size in rows], float)
    figures = np.linalg.lstsq(counts, sizes, rcond=None)[0]
    spread = float(np.std(sizes - counts @ figures))
    return {
        "count": len(rows),
        "spread_bytes": spread,
        "bytes": dict(zip(names, figures.round(1).tolist(), strict=True)),
    }


def _firmware_bytes(samples: list[Sample]) -> float:
    """What an image holds beside operators, dispatch and constants."""
    rest = [s.found.flash_bytes - sum(s.code.values()) - constants_bytes(s.schedule) for s in samples]
    return median(rest)


def _table(fits: list[dict[str, Any]]) -> Table:
    shown = Table(title="code and stack by term")
    for heading in ("term", "bytes", "of", "spread"):
        shown.add_column(heading, justify="left" if heading == "term" else "right")
    for fit in fits:
        for place, (term, size) in enumerate(fit["bytes"].items()):
            more = (str(fit["count"]), f"{fit['spread_bytes']:.0f}") if place == 0 else ("", "")
            shown.add_row(term, f"{size:.1f}", *more)
    return shown


if __name__ == "__main__":
    main()
