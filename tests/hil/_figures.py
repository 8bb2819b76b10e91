"""A measurement for tests in which nothing is measured."""

from __future__ import annotations

from tinynas.measurement import Measurement

__all__ = ["FIGURES"]

FIGURES = Measurement(
    board="nucleo_f446re",
    engine="aot",
    source="virtual",
    toolchain="gcc",
    clock_hz=180_000_000,
    static_ram_bytes=3000,
    arena_bytes=500,
    stack_bytes=700,
    sram_bytes=3700,
    flash_bytes=20_000,
    cycles=18_000,
    instructions=12_000,
    latency_us=100.0,
    latency_spread_us=0.0,
    laps=1,
    parity=True,
    referee="tflm",
    macs=9_000,
    model_hash="0",
    image_hash="0",
)
