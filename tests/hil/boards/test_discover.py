"""Boards are found by USB ids, with or without a drive, whatever else is plugged in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tinynas.board import load_board
from tinynas.errors import BoardNotFound
from tinynas.hil.boards import discover, udev_rules
from tinynas.hil.boards.drives import ProbeDrive, probe_drives
from tinynas.hil.boards.ports import ProbePort, probe_ports

F446, L476 = load_board("nucleo_f446re"), load_board("nucleo_l476rg")
PAGE = '<meta http-equiv="refresh" content="0; url=https://os.mbed.com/device/?code=07770221ABCD&caf\xe9">'


def port(device="/dev/ttyACM0", vid=0x0483, pid=0x374B, serial="0666FF", location="1-2:1.2", product="STM32 STLink"):
    return SimpleNamespace(
        device=device, vid=vid, pid=pid, serial_number=serial, location=location, product=product, manufacturer="ST"
    )


class TestPorts:
    @pytest.mark.parametrize("product", [0x374B, 0x374E, 0x374F, 0x3752, 0x3753, 0x3754])
    def test_every_st_link_with_a_serial_port_is_known(self, product):
        (found,) = probe_ports([port(pid=product)])
        assert found == ProbePort("/dev/ttyACM0", "stlink", "0666FF", "1-2", "STM32 STLink")

    def test_others_are_left_out(self):
        modem = port(vid=0x12D1, pid=0x1001)
        builtin = port(vid=None, pid=None)
        virtual_com = port(pid=0x5740)  # any STM32 with USB of its own, such as a power meter
        assert probe_ports([modem, builtin, virtual_com]) == []

    def test_a_device_without_serial_number_or_place(self):
        (found,) = probe_ports([port(serial=None, location=None, product=None)])
        assert (found.serial_number, found.location, found.title) == ("", None, "unknown board")


class TestDrives:
    @pytest.fixture
    def machine(self, tmp_path):
        """A table of mounts, and devices of sysfs behind links."""
        block = tmp_path / "block"
        block.mkdir()
        lines = []

        def mount(name, device, usb, page=PAGE, kind="vfat"):
            place = tmp_path / name
            place.mkdir()
            if page is not None:
                (place / "MBED.HTM").write_bytes(page.encode("latin-1"))
            real = tmp_path / f"devices/pci0000:00/usb1/{usb}/{usb}:1.1/host6/{device}"
            real.mkdir(parents=True)
            (block / device).symlink_to(real)
            lines.append(f"/dev/{device} {str(place).replace(' ', chr(92) + '040')} {kind} rw,nosuid 0 0")
            return place

        def drives():
            table = tmp_path / "mounts"
            table.write_text("\n".join(["proc /proc proc rw 0 0", *lines]))
            return probe_drives(table, block)

        return SimpleNamespace(mount=mount, drives=drives, lines=lines)

    def test_a_probe_s_drive_tells_board_and_place(self, machine):
        place = machine.mount("NODE F446RE", "sdb", "1-2.3")
        assert machine.drives() == [ProbeDrive(place, "0777", "1-2.3")]

    def test_sticks_and_volumes_that_cannot_be_read_hide_nothing(self, machine, caplog):
        machine.mount("stick", "sda", "1-1", page=None)
        machine.lines.append("/dev/sdz /nowhere/at/all vfat rw 0 0")
        machine.lines.append("/dev/broken")
        machine.mount("root", "sdc", "1-4", kind="ext4")
        place = machine.mount("NODE", "sdb", "1-2", page="a page without a code")
        assert machine.drives() == [ProbeDrive(place, None, "1-2")]
        assert "/nowhere/at/all is passed over" in caplog.text

    def test_systems_without_such_a_table(self, tmp_path):
        assert probe_drives(tmp_path / "mounts") == []


@pytest.fixture
def desk(monkeypatch):
    """Sets what the machine has; mbed-tools finds nothing, or stumbles."""
    import mbed_tools.devices

    def lay(*ports, drives=(), mbed=None):
        def connected():
            if isinstance(mbed, Exception):
                raise mbed
            return SimpleNamespace(identified_devices=list(mbed or ()), unidentified_devices=[])

        monkeypatch.setattr(mbed_tools.devices, "get_connected_devices", connected)
        monkeypatch.setattr(discover, "probe_ports", lambda: probe_ports(ports))
        monkeypatch.setattr(discover, "probe_drives", lambda: list(drives))
        monkeypatch.setattr(discover, "stable_port", lambda device: device)

    return lay


class TestBoards:
    def test_a_headless_machine_finds_the_port_without_a_drive(self, desk):
        desk(port())
        (found,) = discover.attached_boards()
        assert (found.name, found.serial_port, found.mount_point) == (None, "/dev/ttyACM0", None)
        assert discover.find_board(F446).probe_id == "0666FF"

    def test_two_probes_without_drives_have_to_be_told_apart(self, desk):
        desk(port(), port("/dev/ttyACM1", serial="0777AA", location="1-3:1.2"))
        with pytest.raises(BoardNotFound, match="2 boards fit"):
            discover.find_board(F446)
        assert discover.find_board(F446, probe_id="0777").serial_port == "/dev/ttyACM1"
        assert discover.find_board(F446, serial_port="/dev/ttyACM0").probe_id == "0666FF"

    def test_the_drive_at_the_same_usb_port_names_the_board(self, desk):
        drive = ProbeDrive(Path("/media/NODE"), "0777", "1-2")
        desk(port(), port("/dev/ttyACM1", serial="0777AA", location="1-3:1.2"), drives=[drive])
        found = discover.find_board(F446)
        assert (found.probe_id, found.title, found.mount_point) == ("0666FF", "NUCLEO-F446RE", drive.path)
        with pytest.raises(BoardNotFound, match="no such board"):  # what names itself is not taken for another board
            discover.find_board(L476, probe_id="0666FF")

    @pytest.mark.parametrize("error", [IndexError("list index out of range"), OSError(5, "EIO"), UnicodeDecodeError])
    def test_a_device_that_mbed_tools_stumbles_over_hides_nothing(self, desk, error, caplog):
        raised = error("utf-8", b"\xe9", 0, 1, "bad") if error is UnicodeDecodeError else error
        desk(port(), mbed=raised)
        assert [one.probe_id for one in discover.attached_boards()] == ["0666FF"]
        assert "mbed-tools stumbles" in caplog.text

    def test_both_sources_speak_of_one_board(self, desk):
        device = SimpleNamespace(
            mbed_board=SimpleNamespace(product_code="0777", board_name="NUCLEO-F446RE"),
            serial_number="0666ff",
            serial_port=None,
            mount_points=[Path("/media/NODE")],
        )
        desk(port(), mbed=[device])
        (found,) = discover.attached_boards()
        assert (found.name, found.serial_port, found.probe_kind) == ("nucleo_f446re", "/dev/ttyACM0", "stlink")

    def test_another_kind_of_probe_is_not_taken_for_a_nucleo(self, desk):
        desk(port(vid=0x2341, pid=0x805A))
        with pytest.raises(BoardNotFound, match="no such board"):
            discover.find_board(F446)


def test_the_rules_cover_usb_and_serial_port_of_each_probe():
    rules = [line for line in udev_rules().splitlines() if not line.startswith("#")]
    for system in ("usb", "tty"):
        (rule,) = [r for r in rules if f'SUBSYSTEM=="{system}"' in r and '"374e"' in r]
        assert 'ATTRS{idVendor}=="0483"' in rule
        assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in rule
        assert 'TAG+="uaccess"' in rule
