"""Rigs without a board: the device in Python claims to run whatever image it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tests.hil._device import Device, connected
from tinynas.hil.dut import Link
from tinynas.hil.image import Image
from tinynas.hil.parity import input_shape, reference_of

INFERENCE_US = 700


class ImageDevice(Device):
    """Answers as the image would; an inference takes `INFERENCE_US`.

    Attributes:
        lies: Replaces what `x-info` and `x-mem` say.
    """

    def __init__(self, image: Image, tflite: bytes, /, **lies: object) -> None:
        shape = input_shape(tflite)

        def model(data: bytes) -> bytes:
            return reference_of(tflite, np.frombuffer(data, np.int8).reshape(1, *shape)).outputs.tobytes()

        super().__init__(model, input_bytes=image.input_bytes)
        self.image, self.lies = image, lies

    def _infer(self, words):
        lines = super()._infer(words)
        start = self.clock
        self.clock += INFERENCE_US * int(words[0])
        laps = [i for i, line in enumerate(lines) if line.startswith("m-lap-us-")]
        lines[laps[0]], lines[laps[1]] = f"m-lap-us-{start}", f"m-lap-us-{self.clock}"
        return lines

    def _x_info(self, words):
        board, image = self.image.board, self.image
        said = {"board": board.name, "clock_hz": board.clock_hz, "icache": 0, "dcache": 0, "engine": "aot"}
        said |= {"model": image.model_hash, "image": image.image_hash}
        said |= {"input": image.input_bytes, "output": image.output_bytes}
        return [f"m-info-[{self._pairs(said)}]"]

    def _x_mem(self, words):
        said = {"static": self.image.static_ram_bytes, "arena": self.image.arena_bytes, "stack": 420}
        said |= {"stack_limit": self.image.stack_limit_bytes, "inferences": self.inferences}
        return [f"m-mem-[{self._pairs(said)}]"]

    def _pairs(self, said):
        return ",".join(f"{key}={self.lies.get(key, value)}" for key, value in said.items())


class FakeRig:
    """Counts how often an image was started."""

    instructions = None
    write_memory = None

    def __init__(self, device: Callable[[Image], Device], source: str = "serial") -> None:
        self.device, self.source, self.starts = device, source, 0

    @contextmanager
    def running(self, image: Image) -> Iterator[Link]:
        self.starts += 1
        with connected(self.device(image), banner=True) as link:
            yield link
