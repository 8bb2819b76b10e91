"""The firmware's small functions, called one by one: text of numbers, checksum, what it has of the C library."""

from __future__ import annotations

import ctypes
import struct
import subprocess
from math import isinf, isnan
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hil.firmware._host import FIRMWARE, compiler_or_skip

_SERIAL = """
#include <stddef.h>
static char text[64];
static size_t length;
void serial_put(char byte) { text[length++] = byte; }
const char *taken(void) { text[length] = '\\0'; length = 0; return text; }
"""
FLOATS = st.floats(width=32)
BYTES = st.binary(max_size=70)


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    folder = tmp_path_factory.mktemp("functions")
    (folder / "serial.c").write_text(_SERIAL)
    sources = [FIRMWARE / name for name in ("core/text.c", "core/crc.c", "core/string.c")] + [folder / "serial.c"]
    options = ["-std=gnu11", "-O2", "-ffreestanding", "-fPIC", "-shared", f"-I{FIRMWARE}", f"-I{FIRMWARE}/libc"]
    command = [compiler_or_skip(), *options, *sources, "-o", folder / "functions.so"]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "functions.so"))
    library.taken.restype = ctypes.c_char_p
    library.put_real.argtypes = [ctypes.c_float]
    library.put_unsigned.argtypes = [ctypes.c_uint64]
    library.crc32.restype = ctypes.c_uint32
    return library


@given(FLOATS)
def test_a_real_number_reads_back_to_seven_digits(firmware, value):
    firmware.put_real(value)
    read = float(firmware.taken())
    if isnan(value) or isinf(value):
        assert struct.pack("f", read)[3] & 0x7F == 0x7F
        assert isnan(read) == isnan(value)
        assert isnan(value) or read == value
    elif abs(value) >= 1e-37:
        assert read == pytest.approx(value, rel=3e-6, abs=1e-7 * abs(value))
    else:  # so small that the number has fewer bits
        assert read == pytest.approx(value, rel=1e-4, abs=1e-44)


@given(st.integers(-128, 127), st.floats(2**-12, 2, width=32))
def test_a_dequantised_output_reads_back_exactly_enough(firmware, steps, scale):
    value = float(np.float32(steps) * np.float32(scale))
    firmware.put_real(value)
    assert round(float(firmware.taken()) / scale) == steps


@given(st.integers(0, 2**64 - 1))
def test_whole_numbers_are_exact(firmware, value):
    firmware.put_unsigned(value)
    assert firmware.taken() == str(value).encode()


@given(BYTES, BYTES)
def test_the_checksum_is_that_of_zip(firmware, first, second):
    assert firmware.crc32(0, first, len(first)) == crc32(first)
    assert firmware.crc32(crc32(first), second, len(second)) == crc32(first + second)


@given(BYTES, st.integers(0, 7), st.integers(0, 7))
def test_copies_are_exact_at_any_alignment(firmware, data, at, start):
    target = ctypes.create_string_buffer(b"\xee" * 96, 96)
    source = ctypes.create_string_buffer(bytes(start) + data)
    address = ctypes.addressof(target) + at
    assert ctypes.c_void_p(address).value == address
    firmware.memcpy(ctypes.c_void_p(address), ctypes.c_void_p(ctypes.addressof(source) + start), len(data))
    assert target.raw == b"\xee" * at + data + b"\xee" * (96 - at - len(data))


@given(BYTES, st.integers(0, 40), st.integers(0, 40))
def test_moves_may_overlap(firmware, data, start, to):
    memory = ctypes.create_string_buffer(bytes(start) + data, 128)
    before, base = memory.raw, ctypes.addressof(memory)
    firmware.memmove(ctypes.c_void_p(base + to), ctypes.c_void_p(base + start), len(data))
    assert memory.raw == before[:to] + data + before[to + len(data) :]


@given(st.integers(0, 80), st.integers(0, 7), st.integers(-128, 255))
def test_memory_is_filled(firmware, n, at, value):
    memory = ctypes.create_string_buffer(b"\xee" * 96, 96)
    firmware.memset(ctypes.c_void_p(ctypes.addressof(memory) + at), value, n)
    assert memory.raw == b"\xee" * at + bytes([value & 255]) * n + b"\xee" * (96 - at - n)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_comparisons_order_as_bytes(firmware, a, b):
    def sign(x, y):
        return (x > y) - (x < y)

    n = min(len(a), len(b))
    assert np.sign(firmware.memcmp(a, b, n)) == sign(a[:n], b[:n])
    a, b = a.replace(b"\0", b"x"), b.replace(b"\0", b"x")
    assert np.sign(firmware.strcmp(a, b)) == sign(a, b)
    assert firmware.strlen(a) == len(a)
