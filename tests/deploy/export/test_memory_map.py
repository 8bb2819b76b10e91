"""The memory map's figures, held against a compiler's."""

from __future__ import annotations

import re

import pytest

from tests._tools import COMPILERS
from tinynas.deploy.export import path_state_bytes
from tinynas.errors import BuildError, ConversionError
from tinynas.hil.image import Toolchain


@pytest.mark.parametrize("kind", COMPILERS[:1])
def test_the_path_is_as_large_as_a_compiler_makes_it(kind, contents, tmp_path):
    for path, text in contents.sources.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    size, toolchain = path_state_bytes(contents.sources), Toolchain.detect(kind)

    def check(expected):
        source = tmp_path / "check.c"
        source.write_text(f'#include "odometry/path.h"\n_Static_assert(sizeof(path) == {expected}, "size");\n')
        toolchain.compile(source, tmp_path / "check.o", core="cortex-m4f", include=[tmp_path])

    check(size)
    with pytest.raises(BuildError):
        check(size + 4)


def test_a_header_that_is_not_understood_is_no_figure(contents):
    files = dict(contents.sources)
    files["odometry/path.h"] = files["odometry/path.h"].replace("int32_t filled;", "int64_t filled;")
    with pytest.raises(ConversionError, match="unknown type 'int64_t' in 'path'"):
        path_state_bytes(files)
    files["odometry/path.h"] = "no structure"
    with pytest.raises(ConversionError, match="no structure 'path'"):
        path_state_bytes(files)


def test_the_map_adds_up(contents):
    text = contents.documents["memory_map.md"]
    ram = [
        int(size.replace(",", "")) for size in re.findall(r"\| ([\d,]+) \|$", text.split("## Flash")[0], re.MULTILINE)
    ]
    assert sum(ram[:-1]) == ram[-1]
    assert ram[:2] == [contents.program.arena_bytes, 60 * 6]
    alive = [int(size.replace(",", "")) for size in re.findall(r"\| ([\d,]+) \| yes \|", text)]
    assert f"{sum(alive):,} bytes." in text
    # Buffers are aligned to 4 bytes in the bound, and as they are in the table.
    assert 0 <= contents.program.network.arena_lower_bound - sum(alive) < 4 * len(alive)
