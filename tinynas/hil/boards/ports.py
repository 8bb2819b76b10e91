"""Serial ports of probes and boards, by their USB ids: on any system, whether the probe's drive is mounted or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["USB_IDS", "ProbeKind", "ProbePort", "probe_kind", "probe_ports"]

ProbeKind = Literal["stlink", "daplink", "jlink", "arduino"]

# Vendor and product; None: every product of the vendor. ST: ST-Link V2-1 and V3, as OpenOCD's and ST's udev rules
# have them; Arm's DAPLink; Segger; Arduino and Adafruit.
USB_IDS: Mapping[tuple[int, int | None], ProbeKind] = {
    **{(0x0483, product): "stlink" for product in (0x374B, 0x374E, 0x374F, 0x3752, 0x3753, 0x3754)},
    (0x0D28, 0x0204): "daplink",
    (0x1366, None): "jlink",
    (0x2341, None): "arduino",
    (0x239A, None): "arduino",
}


@dataclass(frozen=True)
class ProbePort:
    """A serial port of a probe.

    Attributes:
        device: The port.
        kind: Which probe.
        serial_number: Of the USB device; empty where it has none.
        location: Where it is plugged in, such as "1-2.3"; None: unknown.
        title: What the device calls itself.
    """

    device: str
    kind: ProbeKind
    serial_number: str
    location: str | None
    title: str


def probe_kind(vendor: int, product: int) -> ProbeKind | None:
    """Which probe has these USB ids; None: none that is known.

    Example:
        >>> probe_kind(0x0483, 0x374B), probe_kind(0x0483, 0x5740)
        ('stlink', None)
    """
    return USB_IDS.get((vendor, product)) or USB_IDS.get((vendor, None))


def probe_ports(ports: Iterable[Any] | None = None) -> list[ProbePort]:
    """List the serial ports of probes, and of boards with USB of their own.

    Args:
        ports: As pyserial lists them; None: those of this machine.
    """
    if ports is None:
        from serial.tools.list_ports import comports

        ports = comports()
    found = []
    for port in ports:
        kind = None if port.vid is None else probe_kind(port.vid, port.pid)
        if kind is not None:
            place = (port.location or "").split(":")[0] or None  # without the interface
            found.append(ProbePort(port.device, kind, port.serial_number or "", place, port.product or "unknown board"))
    return found
