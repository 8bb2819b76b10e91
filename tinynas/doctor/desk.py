"""What lies on the desk: USB probes, serial ports, drives, boards, and who may use them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinynas.doctor.finding import Finding
from tinynas.hil.boards import (
    UDEV_FILE,
    BoardLock,
    ProbeKind,
    attached_boards,
    probe_drives,
    probe_kind,
    probe_ports,
    read_health,
    stable_port,
    udev_rules,
)
from tinynas.hil.dut import permission_advice

__all__ = ["find_boards", "find_drives", "find_ports", "find_probes", "find_rules", "usb_probes"]

_USB = Path("/sys/bus/usb/devices")
_NODES = Path("/dev/bus/usb")
_INSTALL = f"`tinynas boards udev | sudo tee {UDEV_FILE}`, then `sudo udevadm control --reload && sudo udevadm trigger`"


def find_rules(path: Path = Path(UDEV_FILE)) -> Iterator[Finding]:
    """The rules that `tinynas boards udev` prints (Linux).

    Args:
        path: Where they belong.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        yield Finding("desk", "udev rules", "missing", f"{path} is not there: pyOCD may need root", _INSTALL)
        return
    if text == udev_rules():
        yield Finding("desk", "udev rules", "ok", str(path))
    else:
        yield Finding("desk", "udev rules", "missing", f"{path} is of another version", _INSTALL)


@dataclass(frozen=True)
class UsbProbe:
    """A USB device that is a probe, or a board with USB of its own.

    Attributes:
        kind: Which.
        name: What it calls itself.
        serial_number: Its number; empty where it has none.
        location: Where it is plugged in, such as "1-2.3".
        node: The device file that pyOCD opens.
    """

    kind: ProbeKind
    name: str
    serial_number: str
    location: str
    node: Path


def usb_probes(devices: Path = _USB, nodes: Path = _NODES) -> list[UsbProbe]:
    """List the probes that the kernel knows (Linux); none where it lists no devices.

    Args:
        devices: The kernel's folder of USB devices.
        nodes: The folder of device files.
    """
    found = []
    for device in sorted(devices.glob("*")) if devices.is_dir() else []:
        facts = {name: _fact(device / name) for name in ("idVendor", "idProduct", "product", "serial")}
        if not facts["idVendor"] or not facts["idProduct"]:
            continue  # an interface, not a device
        kind = probe_kind(int(facts["idVendor"], 16), int(facts["idProduct"], 16))
        if kind is not None:
            bus, number = (int(_fact(device / name) or 0) for name in ("busnum", "devnum"))
            node = nodes / f"{bus:03d}" / f"{number:03d}"
            found.append(UsbProbe(kind, facts["product"] or kind, facts["serial"], device.name, node))
    return found


def _fact(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def find_probes() -> Iterator[Finding]:
    """Probes by their USB ids, and whether this user may open them."""
    if not sys.platform.startswith("linux"):
        return
    probes = usb_probes()
    if not probes:
        remedy = "plug a board in, with a cable that carries data; in a container, pass on /dev/bus/usb"
        yield Finding("desk", "probes", "missing", "none at any USB port", remedy)
    ports = {port.location for port in probe_ports()}
    for probe in probes:
        named = f"{probe.name} {probe.serial_number} at {probe.location}"
        if not os.access(probe.node, os.R_OK | os.W_OK):
            yield Finding("desk", "probe", "failed", f"{named}: this user may not open {probe.node}", _INSTALL)
        elif probe.location not in ports:
            remedy = (
                "an ST-LINK may be set up without a port: ST's STSW-LINK007 changes that; name another: --link PORT"
            )
            yield Finding("desk", "probe", "missing", f"{named}: it has no serial port", remedy)
        else:
            yield Finding("desk", "probe", "ok", named)


def find_ports() -> Iterator[Finding]:
    """Serial ports of probes, and whether this user may open them."""
    for port in probe_ports():
        named = f"{stable_port(port.device)} ({port.title})"
        if os.name == "posix" and not os.access(port.device, os.R_OK | os.W_OK):
            remedy = permission_advice(port.device)
            yield Finding("desk", "port", "failed", f"{named}: this user may not open it", remedy)
        else:
            yield Finding("desk", "port", "ok", named)


def find_drives() -> Iterator[Finding]:
    """Mounted drives of probes, and whether this user may copy to them."""
    for drive in probe_drives():
        code = f", product code {drive.product_code}" if drive.product_code else ""
        if os.access(drive.path, os.W_OK):
            yield Finding("desk", "drive", "ok", f"{drive.path}{code}")
        else:
            remedy = "mount it with this user's uid; or flash with pyOCD, which needs no drive"
            yield Finding("desk", "drive", "failed", f"{drive.path}{code}: this user may not write to it", remedy)


def find_boards() -> Iterator[Finding]:
    """Boards that are recognised, and what searches say of them."""
    for one in attached_boards():
        named = f"{one.name or 'unknown'}, probe {one.probe_id}"
        if (reason := read_health(one.probe_id).reason) is not None:
            remedy = f"`tinynas boards check {one.name or 'BOARD'} --probe {one.probe_id}` tests it"
            yield Finding("desk", "board", "failed", f"{named}: set aside, {reason}", remedy)
        elif (holder := BoardLock(one.probe_id).holder()) is not None:
            yield Finding("desk", "board", "ok", f"{named}: in use by {holder}")
        elif one.name is None:
            remedy = "name the board: commands take it by its probe where that fits; docs/boards.md has more"
            yield Finding("desk", "board", "missing", f"{named}: {one.title} is not told by drive or probe", remedy)
        else:
            yield Finding("desk", "board", "ok", named)
