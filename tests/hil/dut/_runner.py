"""The host's side of MLPerf Tiny, after its protocol: what its runner does in direct mode, step by step.

The port is opened twice; replies are not matched to commands, and nothing is flushed; a reply ends with a line that
holds `m-ready`; the gap between two lines may last 5 s, during `infer` 30 s. Scripts are looked up by the model's id.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import serial

__all__ = ["CHUNK_BYTES", "Runner", "Script"]

CHUNK_BYTES = 31
_GAP_S, _INFER_GAP_S = 5.0, 30.0
_TRIES = 3


@dataclass(frozen=True)
class Script:
    """What is done with a model.

    Attributes:
        input_bytes: Of a file, or of a window of ad01.
        values: Results of an inference.
        inferences: Timed ones of a window.
        warmups: Untimed ones before them.
    """

    input_bytes: int
    values: int
    inferences: int = 2
    warmups: int = 1


class Runner:
    """One session with a device.

    Args:
        port: Where it is.
        scripts: By the id of the model.
    """

    def __init__(self, port: str, scripts: Mapping[str, Script]) -> None:
        self._name, self._scripts = port, scripts
        self._port: serial.Serial = self._open()
        self.vendor = self._asked("name", r"m-name-dut-\[([^\]]+)\]")
        self.profile = self._asked("profile", r"m-profile-\[([^\]]+)\]")
        self.model = self._asked("profile", r"m-model-\[([^\]]+)\]")
        self._port.close()
        self._port = self._open()

    @property
    def script(self) -> Script:
        """Of the device's model; a `KeyError` where the test files know no such id."""
        return self._scripts[self.model]

    def measure_throughput(self, files: Sequence[bytes]) -> float:
        """Inferences a second: the median of five windows, each on a file of its own."""
        found = []
        for content in files[:5]:
            laps, _ = self._infer(content, self.script.inferences, self.script.warmups)
            found.append(self.script.inferences / ((laps[1] - laps[0]) / 1e6))
        assert len(found) == 5
        return statistics.median(found)

    def results(self, files: Sequence[bytes]) -> list[list[float]]:
        """What the device makes of each file."""
        return [self._infer(content, 1, 0)[1] for content in files]

    def close(self) -> None:
        self._port.close()

    def _open(self) -> serial.Serial:
        return serial.Serial(self._name, 115_200, timeout=0.1)

    def _asked(self, command: str, pattern: str) -> str:
        for _ in range(_TRIES):
            for line in self._command(command):
                if match := re.match(f"^{pattern}$", line):
                    return match[1]
        raise AssertionError(f"{command}: no answer like {pattern}")

    def _infer(self, content: bytes, inferences: int, warmups: int) -> tuple[list[int], list[float]]:
        assert len(content) == self.script.input_bytes
        self._command(f"db load {len(content)}")
        for at in range(0, len(content), CHUNK_BYTES):
            self._command(f"db {content[at : at + CHUNK_BYTES].hex()}")
        lines = self._command(f"infer {inferences} {warmups}", _INFER_GAP_S)
        laps = [int(match[1]) for line in lines if (match := re.match(r"^m-lap-us-([0-9]+)$", line))]
        results = [
            [float(value) for value in match[1].split(",") if value.strip()]
            for line in lines
            if (match := re.match(r"^m-results-\[([^]]+)\]$", line))
        ]
        assert len(laps) == 2
        assert [len(values) for values in results] == [self.script.values]
        return laps, results[0]

    def _command(self, text: str, gap_s: float = _GAP_S) -> list[str]:
        self._port.write(f"{text}%".encode())
        lines, pending, deadline = [], b"", time.monotonic() + gap_s
        while not any("m-ready" in line for line in lines):
            assert time.monotonic() < deadline, f"No response to command {text}"
            pending += self._port.read(self._port.in_waiting or 1).replace(b"\r", b"").replace(b"\0", b"")
            if b"\n" in pending:
                *whole, pending = pending.split(b"\n")
                lines += [line.decode("ascii") for line in whole]
                deadline = time.monotonic() + gap_s
        return lines
