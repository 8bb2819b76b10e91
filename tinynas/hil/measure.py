"""A model measured on a board: SRAM, flash, time of one inference, and proof that it computes what it should."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing, nullcontext
from math import ceil
from pathlib import Path
from statistics import median

import numpy as np

from tinynas.board import Board
from tinynas.deploy import Model
from tinynas.errors import UnsupportedOp
from tinynas.hil.boards import FlashMethod, RecordedRig, Rig, rig_for, started
from tinynas.hil.dut import Dut
from tinynas.hil.engines import EngineName, prepared, public_defines, used_arena_bytes
from tinynas.hil.figures import check_clock, check_info, check_memory
from tinynas.hil.image import Image, Toolchain, build_image
from tinynas.hil.parity import Int8, Reference, normal_window, random_window, reference_of
from tinynas.hil.power import PowerMeter, check_meter, check_trigger, energy_of, enough_inferences, open_meter
from tinynas.measurement import Measurement
from tinynas.scratch import scratch_folder

__all__ = ["measure", "measure_image"]

_LOG = logging.getLogger(__name__)
#: A lap lasts about this long: the clock counts microseconds.
_LAP_US = 5000.0
_MOST_A_LAP = 1000
#: Two hundred bytes on the line take so long at 115200 baud.
_INTERRUPTED_US = 17_400.0
#: What a reply may take beside the inferences of an energy measurement.
_REPLY_S = 60.0


def measure(
    board: Board,
    model: Model | bytes,
    *,
    engine: EngineName = "aot",
    tflm_root: str | Path | None = None,
    rig: Rig | None = None,
    link: str = "virtual",
    flasher: FlashMethod = "auto",
    probe_id: str | None = None,
    meter: str | None = None,
    transcript: Path | None = None,
    model_id: str | None = None,
    window: Int8 | None = None,
    laps: int | None = None,
    warmup: int = 1,
    toolchain: Toolchain | None = None,
    directory: Path | None = None,
    rng: np.random.Generator | None = None,
    where: str | None = None,
) -> Measurement:
    """Compile a model, build its image, run it on a board, and compare and measure.

    Args:
        board: The board.
        model: An int8 .tflite model. Of an untrained network every weight and bias has to be perturbed first
            (`network.forward.perturbed`): the converter drops what is zero, and the figures would be too good.
        engine: "aot" or "tflm"; see `hil.engines.prepared`.
        tflm_root: Of "tflm": the folder that holds the library.
        rig: Where it runs; None: where the next three say.
        link: "virtual", a serial port, or "auto".
        flasher: See `rig_for`.
        probe_id: See `rig_for`.
        meter: The power meter in the board's supply, as `hil.power.open_meter` has it; None: energy stays unknown.
        transcript: File that what goes over the serial line is appended to; None: it is not kept.
        model_id: What public runners know the model by, see `hil.engines.public_defines`; None: "tinynas".
        window: One input without its batch axis, as the model takes it; None: normal deviates.
        laps: How often the time is taken; None: 10 times on a real board; once on a virtual one, whose
            time repeats exactly.
        warmup: Inferences before the first lap.
        toolchain: The compiler; None: the first that is found.
        directory: Folder for sources and image, which stay there; None: one that is removed.
        rng: For the inputs; None: seeded with 0.
        where: What to call the model in an error.

    Raises:
        UnsupportedOp, ConversionError: The engine does not take the model.
        ToolchainMissing, BuildError: The image is not built.
        FlashOverflow, RamOverflow: It does not fit the board.
        BoardError: The board or its probe misbehaves; with a class for each way to.
        ParityError: The board computes something else than the reference.
        ConfigError: There is no such library; or no such meter, or the board is a virtual one, which takes no current,
            or it has no trigger pin.
    """
    if meter is not None:
        check_meter(meter, link)
        check_trigger(board, meter)
    rig = rig or rig_for(board, link, flasher=flasher, probe_id=probe_id)
    if transcript is not None:
        rig = RecordedRig(rig, transcript)
    model = Model.of(model, where)
    ready = prepared(model, board, engine, tflm_root=tflm_root)
    with scratch_folder() as scratch:
        folder = directory or scratch
        defines = () if model_id is None else public_defines(model_id, model)
        image = build_image(board, ready.sources, folder, runtime=ready.runtime, toolchain=toolchain, defines=defines)
        ready.check_room(image)
        _LOG.info(
            "built image %s for %s: flash %d B, static RAM %d B, by %s",
            *(image.image_hash, board.name, image.flash_bytes, image.static_ram_bytes, image.toolchain),
        )
        rng = rng or np.random.default_rng(0)
        inputs = np.stack([random_window(model, rng), normal_window(model, rng) if window is None else window])
        reference = reference_of(model, inputs)
        if engine == "tflm" and reference.referee == "litert_open_batch":
            raise UnsupportedOp(
                "TensorFlow Lite Micro miscomputes this model, whose batch is open",
                where=where,
                advice="convert it with a batch of 1, such as Keras' Input(..., batch_size=1), or take the engine aot",
            )
        # A meter may be the board's supply: it is on before the image is flashed, and until the last answer.
        with nullcontext() if meter is None else closing(open_meter(meter)) as opened:
            return measure_image(rig, image, inputs, reference, macs=ready.macs, laps=laps, warmup=warmup, meter=opened)


def measure_image(
    rig: Rig,
    image: Image,
    inputs: Int8,
    reference: Reference,
    *,
    macs: int,
    laps: int | None = None,
    warmup: int = 1,
    meter: PowerMeter | None = None,
) -> Measurement:
    """Like `measure`, for an image that is already built.

    Args:
        rig: Where it runs.
        image: The image.
        inputs: At least one; the last one's inferences are timed.
        reference: Outputs of all of them.
        macs: Of one inference.
        laps: See `measure`.
        warmup: See `measure`.
        meter: One that is open and sees the board, which is a real one; it stays open.
    """
    wanted = laps or (1 if rig.source == "virtual" else 10)
    with started(rig, image) as dut:
        info = dut.info()
        check_info(info, image)
        arena_bytes = used_arena_bytes(dut, image)
        for index, window in enumerate(inputs[:-1]):
            dut.load(window.tobytes())
            dut.infer(1)
            reference.check(index, dut.outputs(), image.board.name)
        dut.load(inputs[-1].tobytes())
        times = _laps(dut, image, wanted, warmup)
        instructions = rig.instructions
        reference.check(len(inputs) - 1, dut.outputs(), image.board.name)
        energy_uj, energy_inferences = _energy(meter, dut, median(times), warmup)
        dut.infer(max(1, min(_MOST_A_LAP, ceil(_INTERRUPTED_US / max(median(times), 1.0)))), interrupted=True)
        memory = dut.memory()
        check_memory(memory, image)
    latency = median(times)
    _LOG.info("measured on %s: %.0f us an inference, stack %d B", image.board.name, latency, memory.stack_bytes)
    static_ram_bytes = image.static_ram_bytes + (arena_bytes if image.arena_bytes is None else 0)
    return Measurement(
        board=image.board.name,
        engine=info.engine,
        source="virtual" if rig.source == "virtual" else "hil",
        toolchain=image.toolchain,
        clock_hz=info.clock_hz,
        static_ram_bytes=static_ram_bytes,
        arena_bytes=arena_bytes,
        stack_bytes=memory.stack_bytes,
        sram_bytes=static_ram_bytes + memory.stack_bytes,
        flash_bytes=image.flash_bytes,
        cycles=round(latency * info.clock_hz / 1e6),
        instructions=instructions,
        latency_us=latency,
        latency_spread_us=max(times) - min(times),
        laps=len(times),
        parity=True,
        referee=reference.referee,
        macs=macs,
        model_hash=info.model,
        image_hash=info.image,
        energy_uj=energy_uj,
        energy_inferences=energy_inferences,
    )


def _laps(dut: Dut, image: Image, count: int, warmup: int) -> Sequence[float]:
    """Microseconds of an inference, of each lap the mean; a lap is long enough for the clock to resolve it."""
    each, first = 1, dut.infer(1, warmup)
    while first.elapsed_us < _LAP_US / 2 and each < _MOST_A_LAP:
        each = min(ceil(_LAP_US * each / max(first.elapsed_us, 1)), _MOST_A_LAP)
        first = dut.infer(each)
    laps = [first, *(dut.infer(each) for _ in range(count - 1))]
    for lap in laps:
        check_clock(lap, image)
    return [lap.latency_us for lap in laps]


def _energy(
    meter: PowerMeter | None, dut: Dut, latency_us: float, warmup: int
) -> tuple[float, int] | tuple[None, None]:
    """Microjoules of an inference, and of how many they are the mean."""
    if meter is None:
        return None, None
    count = enough_inferences(meter, latency_us)
    longest_s = _REPLY_S + 2 * (count + warmup) * latency_us / 1e6
    return energy_of(meter, dut, count, warmup, longest_s), count
