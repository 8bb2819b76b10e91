"""What a library takes of a board, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tinynas.deploy.compiler import map_arena
from tinynas.deploy.model import Model
from tinynas.deploy.path import PathProgram
from tinynas.errors import ConversionError

__all__ = ["memory_map", "path_state_bytes"]

_WORD = 4


def memory_map(model: Model, program: PathProgram) -> str:
    """Describe the memory of a network with filter and path, as Markdown.

    Args:
        model: The network.
        program: The same, compiled.
    """
    network, state = program.network, path_state_bytes(program.files)
    ram = [
        ("arena: the network's activations", network.arena_bytes),
        ("window: the network's input", network.input_bytes),
        ("filter, calibration and path", state),
    ]
    rows = [*ram, ("together", sum(size for _, size in ram))]
    flash = [("weights, biases, multipliers, tables of the network", network.weights_bytes)]
    return "\n".join(
        [
            "# Memory",
            "",
            "## RAM, static",
            "",
            *_table(("what", "bytes"), [(what, f"{size:,}") for what, size in rows]),
            "",
            "The stack comes on top; most of it holds two columns of the largest convolution. Sizes are those of a",
            "32-bit core.",
            "",
            "## Flash",
            "",
            *_table(("what", "bytes"), [(what, f"{size:,}") for what, size in flash]),
            "",
            "Code comes on top; its size is the compiler's. `model_card.md` has what the whole image took, where one",
            "was built.",
            "",
            "## The arena",
            "",
            *_arena(model),
            "",
        ]
    )


def _arena(model: Model) -> Iterator[str]:
    arena = map_arena(model, "aot")
    if not arena.slots:
        yield "The network keeps nothing between its operators."
        return
    fullest = arena.fullest
    yield f"Operators take turns. It is fullest in turn {fullest} of {arena.steps}: {arena.held_at(fullest):,} bytes."
    yield ""
    rows = [
        (slot.label, f"{slot.offset:,}", f"{slot.bytes:,}", "yes" if slot.first <= fullest <= slot.last else "")
        for slot in sorted(arena.slots, key=lambda slot: (slot.first, slot.offset))
    ]
    yield from _table(("output of operator", "offset", "bytes", "in use then"), rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def path_state_bytes(files: Mapping[str, str]) -> int:
    """Bytes of a path's state on a 32-bit core, from the headers' own declarations.

    Args:
        files: With the headers of firmware/odometry.

    Raises:
        ConversionError: A header declares what is not understood.
    """
    sizes: dict[str, int] = {"float": 1, "int32_t": 1}
    for header, name in (("attitude.h", "attitude"), ("magnetometer.h", "magnetometer"), ("path.h", "path")):
        sizes[name] = _words(files[f"odometry/{header}"], name, sizes)
    return _WORD * sizes["path"]


def _words(text: str, name: str, sizes: Mapping[str, int]) -> int:
    """Words of a structure; a pointer is one."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    end = re.search(rf"\}}\s*{name}\s*;", text)
    if end is None:
        raise ConversionError(f"no structure {name!r} in the header")
    total = 0
    for declaration in filter(
        None, map(str.strip, text[text.rindex("{", 0, end.start()) + 1 : end.start()].split(";"))
    ):
        kind, _, members = declaration.partition(" ")
        for member in members.split(","):
            lengths = [int(length) for length in re.findall(r"\[(\d+)\]", member)]
            count = 1
            for length in lengths:
                count *= length
            if "*" in member:
                total += 1
            elif kind in sizes:
                total += count * sizes[kind]
            else:
                raise ConversionError(f"a member of the unknown type {kind!r} in {name!r}")
    return total
