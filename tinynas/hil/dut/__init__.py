"""The device under test, seen from the host: links to it, the client of its protocol, what it replies."""

from tinynas.hil.dut.answers import DutInfo, DutInput, DutMemory, Inference, PathStep
from tinynas.hil.dut.client import CHUNK_BYTES, Dut
from tinynas.hil.dut.faults import fault_in
from tinynas.hil.dut.link import Link, PipeLink, SerialLink, deadline_in, permission_advice
from tinynas.hil.dut.transcript import RecordedLink

__all__ = [
    "CHUNK_BYTES",
    "Dut",
    "DutInfo",
    "DutInput",
    "DutMemory",
    "Inference",
    "Link",
    "PathStep",
    "PipeLink",
    "RecordedLink",
    "SerialLink",
    "deadline_in",
    "fault_in",
    "permission_advice",
]
