"""The device under test, seen from the host: links to it, the client of its protocol, what it replies."""

from tinynas.hil.dut.client import CHUNK_BYTES, Dut
from tinynas.hil.dut.link import Link, PipeLink, SerialLink, deadline_in, permission_advice
from tinynas.hil.dut.replies import DutInfo, DutMemory, Inference, fault_in

__all__ = [
    "CHUNK_BYTES",
    "Dut",
    "DutInfo",
    "DutMemory",
    "Inference",
    "Link",
    "PipeLink",
    "SerialLink",
    "deadline_in",
    "fault_in",
    "permission_advice",
]
