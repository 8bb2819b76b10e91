"""Rules for udev: who sits at the machine may use probes and boards, and ModemManager leaves them alone (Linux)."""

from __future__ import annotations

from tinynas.hil.boards.ports import USB_IDS

__all__ = ["UDEV_FILE", "udev_rules"]

UDEV_FILE = "/etc/udev/rules.d/60-tinynas.rules"
"""Where the rules belong: before 73-seat-late.rules, which acts on the tag."""


def udev_rules() -> str:
    """The text of the file: USB devices for pyOCD, serial ports for the board's replies.

    Example:
        >>> 'ATTRS{idProduct}=="374b"' in udev_rules()
        True
    """
    lines = [
        "# Probes and boards for tinynas: `tinynas boards udev | sudo tee " + UDEV_FILE + "`,",
        "# then `sudo udevadm control --reload && sudo udevadm trigger`, and plug the board in again.",
    ]
    for (vendor, product), kind in USB_IDS.items():
        ids = f'ATTRS{{idVendor}}=="{vendor:04x}"'
        if product is not None:
            ids += f', ATTRS{{idProduct}}=="{product:04x}"'
        access = 'MODE="0660", GROUP="dialout", TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"'
        lines += [f"# {kind}", *(f'SUBSYSTEM=="{system}", {ids}, {access}' for system in ("usb", "tty"))]
    return "\n".join(lines) + "\n"
