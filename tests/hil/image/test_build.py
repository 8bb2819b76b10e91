"""Images of a model: what they hold, what they cost, what does not fit, and what is compiled only once."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from pathlib import Path
from zlib import crc32

import pytest

from tests._boards import EVERY_BOARD
from tests._tools import COMPILERS
from tests.hil._images import small_model
from tinynas.board import MemoryRegion, Reserves, contiguous_spans, load_board
from tinynas.deploy import compile_model
from tinynas.errors import BuildError, ConfigError, FlashOverflow, RamOverflow
from tinynas.hil.image import Toolchain, build_image, cache, read_elf
from tinynas.resources import cache_folder


@pytest.fixture(scope="module")
def model():
    return compile_model(small_model())


@pytest.fixture(params=COMPILERS)
def toolchain(request):
    return Toolchain.detect(request.param)


@pytest.fixture
def board():
    return load_board("nucleo_f446re")


@pytest.fixture
def compiled(monkeypatch):
    """Names of the sources that are compiled."""
    names, real = [], Toolchain.compile

    def spy(self, source, target, **options):
        names.append(source.name)
        real(self, source, target, **options)

    monkeypatch.setattr(Toolchain, "compile", spy)
    return names


def small(board, **changes):
    return dataclasses.replace(board, reserves=Reserves(firmware_flash_bytes=1024), **changes)


@pytest.mark.slow
def test_an_image_begins_with_stack_and_reset(board, model, toolchain, tmp_path):
    image = build_image(board, model, tmp_path, toolchain=toolchain)
    stack, reset = (int.from_bytes(image.binary[at : at + 4], "little") for at in (0, 4))
    assert image.address == board.flash.origin
    assert stack == board.sram[0].origin + image.stack_limit_bytes
    assert reset & 1
    assert image.address <= reset < image.address + image.flash_bytes
    assert image.binary_path.read_bytes() == image.binary
    assert image.flash_bytes == len(image.binary)
    assert image.image_hash == f"{crc32(image.binary):08x}"
    assert image.model_hash.encode() in image.binary
    assert image.toolchain == toolchain.version
    assert model.arena_bytes + model.input_bytes + model.output_bytes <= image.static_ram_bytes
    assert image.static_ram_bytes < board.sram_bytes


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_BOARD)
def test_the_stack_has_all_that_is_left(name, model, toolchain, tmp_path):
    board = load_board(name)
    image = build_image(board, model, tmp_path, toolchain=toolchain)
    symbols = read_elf(image.elf).symbols
    stack = range(symbols["__stack_limit"], symbols["__stack_top"])
    assert len(stack) == image.stack_limit_bytes > board.reserves.stack_bytes
    assert any(span.origin == stack.start for span in contiguous_spans(board.sram)), "an overflow leaves the memory"
    home = next(span for span in contiguous_spans(board.sram) if span.origin == stack.start)
    others = [symbols[f"__{part}_{end}"] for part in ("data", "bss", "firmware") for end in ("start", "end")]
    behind = [address for address in others if home.origin <= address <= home.end]
    assert all(address >= stack.stop for address in behind)
    assert home.end - max(behind) < 64 + 16, "next to nothing is left"


def test_the_same_sources_give_the_same_bytes_anywhere(board, model, toolchain, tmp_path):
    first = build_image(board, model, tmp_path / "one", toolchain=toolchain)
    second = build_image(board, model, tmp_path / "another one", toolchain=toolchain)
    assert first.binary == second.binary


@pytest.mark.slow
def test_the_firmware_is_compiled_once(board, model, toolchain, tmp_path, compiled, monkeypatch):
    monkeypatch.setenv("TINYNAS_CACHE", str(tmp_path / "cache"))
    build_image(board, model, tmp_path / "one", toolchain=toolchain)
    assert "startup.c" in compiled
    compiled.clear()
    build_image(board, model, tmp_path / "two", toolchain=toolchain)
    assert compiled == ["model.c", "engine_aot.c"]
    other = dataclasses.replace(board, clock_hz=board.clock_hz // 2)
    build_image(other, model, tmp_path / "three", toolchain=toolchain)
    assert "startup.c" in compiled
    assert not list((tmp_path / "cache" / "firmware").glob("part-*"))


def test_hooks_make_another_image(board, model, tmp_path):
    plain = build_image(board, model, tmp_path / "plain")
    hooked = build_image(board, model, tmp_path / "hooked", hooks=True)
    assert plain.flash_bytes < hooked.flash_bytes


@pytest.mark.slow
def test_a_flash_that_is_too_small(board, model, toolchain, tmp_path):
    fits = build_image(board, model, tmp_path, toolchain=toolchain)
    tight = small(board, flash=MemoryRegion("flash", board.flash.origin, fits.flash_bytes - 100))
    with pytest.raises(FlashOverflow, match=rf"{fits.flash_bytes} bytes of flash .*, {fits.flash_bytes - 100} are"):
        build_image(tight, model, tmp_path, toolchain=toolchain)


@pytest.mark.slow
def test_an_sram_that_is_too_small(board, model, toolchain, tmp_path):
    fits = build_image(board, model, tmp_path, toolchain=toolchain)
    room = fits.static_ram_bytes - 64
    region = MemoryRegion("ram", board.sram[0].origin, room + 256)
    reserves = Reserves(stack_bytes=256, firmware_sram_bytes=16)
    tight = dataclasses.replace(board, sram=(region,), reserves=reserves)
    with pytest.raises(RamOverflow, match=rf"{fits.static_ram_bytes} bytes of SRAM .*, {room} are there"):
        build_image(tight, model, tmp_path, toolchain=toolchain)


@pytest.mark.slow
def test_what_exactly_fits(board, model, toolchain, tmp_path):
    fits = build_image(board, model, tmp_path, toolchain=toolchain)
    flash = MemoryRegion("flash", board.flash.origin, fits.flash_bytes)
    ram = MemoryRegion("ram", board.sram[0].origin, fits.static_ram_bytes + 256)
    reserves = Reserves(stack_bytes=256, firmware_sram_bytes=16, firmware_flash_bytes=1024)
    exact = dataclasses.replace(board, flash=flash, sram=(ram,), reserves=reserves)
    assert build_image(exact, model, tmp_path, toolchain=toolchain).flash_bytes == fits.flash_bytes


def test_a_model_of_another_name(board, tmp_path):
    with pytest.raises(BuildError, match="of the name 'model'"):
        build_image(board, compile_model(small_model(), name="tcn"), tmp_path)


def test_a_board_without_firmware(board, model, tmp_path):
    with pytest.raises(ConfigError, match="does not run on 'ATSAMD51J20'"):
        build_image(dataclasses.replace(board, mcu="ATSAMD51J20"), model, tmp_path)


def test_a_cache_that_cannot_be_written_to(board, model, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TINYNAS_CACHE", str(tmp_path / "file"))
    with pytest.raises(BuildError, match="set TINYNAS_CACHE"):
        build_image(board, model, tmp_path)


def test_a_build_that_fails_leaves_no_half(board, model, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNAS_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "board_header", lambda board: "#error none\n")
    with pytest.raises(BuildError, match="#error none"):
        build_image(board, model, tmp_path)
    assert not list((tmp_path / "firmware").iterdir())


@pytest.mark.slow
def test_objects_that_nobody_uses_any_more_are_removed(board, model, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNAS_CACHE", str(tmp_path / "cache"))
    build_image(board, model, tmp_path / "one")
    home = tmp_path / "cache" / "firmware"
    (used,) = home.iterdir()
    stale = home / "part-killed"
    stale.mkdir()
    for folder in (used, stale):
        os.utime(folder, (0, 0))
    build_image(board, model, tmp_path / "two")  # in use again
    build_image(dataclasses.replace(board, clock_hz=board.clock_hz // 2), model, tmp_path / "three")
    assert used.is_dir()
    assert not stale.exists()
    assert len(list(home.iterdir())) == 2


@pytest.mark.slow
def test_two_builds_at_once_end_in_one_folder(board, model, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNAS_CACHE", str(tmp_path / "cache"))
    real = cache._compile_firmware

    def overtaken(*arguments):
        monkeypatch.setattr(cache, "_compile_firmware", real)
        build_image(board, model, tmp_path / "other")
        real(*arguments)

    monkeypatch.setattr(cache, "_compile_firmware", overtaken)
    build_image(board, model, tmp_path / "own")
    assert len(list((tmp_path / "cache" / "firmware").iterdir())) == 1


@pytest.fixture(scope="module")
def whole_cache(model, tmp_path_factory):
    """A cache with one firmware in it, and the image that was linked with that."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYNAS_CACHE", str(folder / "cache"))
        image = build_image(load_board("nucleo_f446re"), model, folder / "image")
    return folder / "cache", image.binary


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["empty", "altered", "missing", "added", "no manifest", "absurd manifest"])
def test_a_damaged_cache_is_made_anew(board, model, whole_cache, tmp_path, monkeypatch, compiled, damage):
    cache_before, right = whole_cache
    shutil.copytree(cache_before, tmp_path / "cache")
    monkeypatch.setenv("TINYNAS_CACHE", str(tmp_path / "cache"))
    (folder,) = (tmp_path / "cache" / "firmware").iterdir()
    victim = folder / "core-memory.c.o"
    if damage == "empty":
        victim.write_bytes(b"")
    elif damage == "altered":
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
    elif damage == "missing":
        victim.unlink()
    elif damage == "added":
        (folder / "core-another.c.o").write_bytes(victim.read_bytes())
    elif damage == "no manifest":
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text("[" * 100_000)
    assert build_image(board, model, tmp_path / "two").binary == right
    assert "memory.c" in compiled
    assert list((tmp_path / "cache" / "firmware").iterdir()) == [folder]
    compiled.clear()
    build_image(board, model, tmp_path / "three")
    assert "memory.c" not in compiled


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="folders of the XDG standard")
def test_where_the_cache_lies(monkeypatch):
    monkeypatch.delenv("TINYNAS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", os.sep + "somewhere")
    assert cache_folder() == Path("/somewhere/tinynas")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "tinynas"
