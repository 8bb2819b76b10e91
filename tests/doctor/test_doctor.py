"""What the doctor finds, on computers that are made up: each fault with its remedy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tinynas.cli import main
from tinynas.doctor import Finding, desk, examine, programs, room
from tinynas.doctor import examine as package_function
from tinynas.errors import ToolchainMissing
from tinynas.hil.boards import AttachedBoard, BoardLock, Health, ProbeDrive, ProbePort, udev_rules, write_health

examination = sys.modules[package_function.__module__]


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNAS_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("TINYNAS_CACHE", str(tmp_path / "cache"))


def only(findings):
    (finding,) = findings
    return finding


class TestCommand:
    @pytest.fixture
    def questions(self, monkeypatch):
        def install(*states):
            found = [Finding("desk", f"thing {i}", state, "[red]detail[/red]", None if state == "ok" else "mend it")
                     for i, state in enumerate(states)]  # fmt: skip
            monkeypatch.setattr(examination, "_QUESTIONS", (("desk", "things", lambda: found),))

        return install

    @pytest.mark.parametrize(("states", "code"), [(["ok", "missing"], 0), (["ok", "failed", "missing"], 1)])
    def test_the_exit_code_is_that_of_what_fails(self, questions, states, code, capsys):
        questions(*states)
        assert main(["doctor"]) == code
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(states) + sum(state != "ok" for state in states)
        assert lines[0] == "desk    thing 0  ok       [red]detail[/red]"
        assert lines[-1].strip() == "do: mend it"
        assert main(["doctor", "--json"]) == code
        found = json.loads(capsys.readouterr().out)
        assert [one["state"] for one in found] == states
        assert set(found[0]) == {"area", "name", "state", "detail", "remedy"}

    def test_a_question_that_fails_hides_no_other(self, monkeypatch):
        def missing():
            yield Finding("images", "first", "ok", "")
            raise ToolchainMissing("no compiler", where="gcc", advice="install it")

        def unreadable():
            raise PermissionError(13, "Permission denied", "/etc/udev")

        last = Finding("room", "last", "ok", "")
        questions = (("images", "compilers", missing), ("desk", "rules", unreadable), ("room", "last", lambda: [last]))
        monkeypatch.setattr(examination, "_QUESTIONS", questions)
        assert examine() == [
            Finding("images", "compilers", "failed", "gcc: no compiler", "install it"),
            Finding("desk", "rules", "failed", "/etc/udev: Permission denied"),
            last,
        ]

    def test_this_computer_runs_the_tests(self):
        """All but TensorFlow, which the tests load anyway."""
        found = [*programs.find_python(), *programs.find_packages(), *room.find_disk(), *room.find_folders()]
        assert [finding for finding in found if finding.state != "ok"] == []


class TestPrograms:
    @pytest.mark.parametrize(("version", "state"), [((3, 9), "failed"), ((3, 10), "ok"), ((3, 14), "failed")])
    def test_python(self, monkeypatch, version, state):
        monkeypatch.setattr(programs.sys, "version_info", version)
        assert only(programs.find_python()).state == state

    def test_packages_that_were_removed_are_named(self, monkeypatch):
        found = {"tinynas": "1", "numpy": "2"}
        monkeypatch.setattr(programs, "_version", found.get)
        wanted = ["numpy>=2", "scipy>=1.13", "unicorn>=2.1; extra == 'virtual'", "tflite-micro; sys_platform == 'beos'"]
        monkeypatch.setattr(programs, "requires", lambda name: wanted)
        monkeypatch.setattr(programs.sys, "platform", "darwin")
        assert list(programs.find_packages())[1].detail == "not installed: scipy"
        found["scipy"] = "1.15"
        assert list(programs.find_packages())[1].detail == "all 2 are installed"

    @pytest.mark.parametrize(
        ("code", "state", "said"),
        [
            ("print('2.21.0')", "ok", "2.21.0 loads"),
            ("raise ImportError('no AVX')", "failed", "ImportError: no AVX"),
            ("import os; os.kill(os.getpid(), 4)", "failed", "the process ends with -4"),
        ],
    )
    @pytest.mark.skipif(sys.platform == "win32", reason="signals")
    def test_tensorflow_is_loaded_elsewhere(self, monkeypatch, code, state, said):
        monkeypatch.setattr(programs, "_version", lambda name: "2.21.0")
        monkeypatch.setattr(programs, "call_function", lambda *names: [sys.executable, "-c", code])
        finding = only(programs.find_tensorflow())
        assert finding.state == state
        assert said in finding.detail

    def test_tensorflow_that_hangs(self, monkeypatch):
        def run(command, timeout, **options):
            raise subprocess.TimeoutExpired(command, timeout)

        monkeypatch.setattr(programs.subprocess, "run", run)
        monkeypatch.setattr(programs, "_version", lambda name: "2.21.0")
        assert "does not load within" in only(programs.find_tensorflow()).detail

    def test_what_runs_there_prints_the_version(self, monkeypatch, capsys):
        monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(__version__="2.21.9"))
        programs.report_tensorflow()
        assert capsys.readouterr().out == "2.21.9\n"

    def test_compilers(self, monkeypatch):
        monkeypatch.setattr(programs.Toolchain, "installed", staticmethod(tuple))
        finding = only(programs.find_compilers())
        assert (finding.state, "tinynas[hil]" in finding.remedy) == ("missing", True)

    def test_flashers(self, monkeypatch):
        monkeypatch.setattr(programs, "_version", {"pyocd": "0.39"}.get)
        monkeypatch.setattr(programs.shutil, "which", {"st-flash": "/usr/bin/st-flash"}.get)
        pyocd, loader, others = programs.find_flashers()
        assert (pyocd.state, loader.state, loader.remedy) == ("ok", "missing", "`pip install 'tinynas[flash]'`")
        assert others.detail.startswith("st-flash;")


@pytest.fixture
def bus(tmp_path, monkeypatch):
    """A kernel's folder of USB devices with an ST-LINK, a keyboard and a hub's interface."""
    devices, nodes = tmp_path / "devices", tmp_path / "nodes"
    facts = {
        "1-2": {"idVendor": "0483", "idProduct": "374b", "product": "STM32 STLink", "serial": "066DFF", "busnum": "1",
                "devnum": "7"},
        "1-3": {"idVendor": "046d", "idProduct": "c31c", "product": "Keyboard", "busnum": "1", "devnum": "8"},
        "1-0:1.0": {},
    }  # fmt: skip
    for name, files in facts.items():
        (devices / name).mkdir(parents=True)
        for file, text in files.items():
            (devices / name / file).write_text(text + "\n")
    (nodes / "001").mkdir(parents=True)
    (nodes / "001" / "007").touch()
    found = desk.usb_probes
    monkeypatch.setattr(desk, "usb_probes", lambda: found(devices, nodes))
    monkeypatch.setattr(desk.sys, "platform", "linux")
    return nodes / "001" / "007"


def port(**changes):
    values = {"device": os.devnull, "kind": "stlink", "serial_number": "066DFF", "location": "1-2", "title": "STLink"}
    return ProbePort(**(values | changes))


class TestDesk:
    def test_a_probe_with_its_port(self, bus, monkeypatch):
        monkeypatch.setattr(desk, "probe_ports", lambda: [port()])
        assert only(desk.find_probes()) == Finding("desk", "probe", "ok", "STM32 STLink 066DFF at 1-2")
        assert only(desk.find_ports()).state == "ok"

    def test_a_probe_without_a_port(self, bus, monkeypatch):
        monkeypatch.setattr(desk, "probe_ports", list)
        finding = only(desk.find_probes())
        assert (finding.state, "no serial port" in finding.detail) == ("missing", True)

    def test_what_this_user_may_not_open(self, bus, monkeypatch):
        monkeypatch.setattr(desk, "probe_ports", lambda: [port()])
        monkeypatch.setattr(desk.os, "access", lambda path, mode: False)
        probe, serial = only(desk.find_probes()), only(desk.find_ports())
        assert (probe.state, serial.state) == ("failed", "failed")
        assert "001/007" in probe.detail
        assert "boards udev" in probe.remedy
        if os.name == "posix":
            assert "dialout" in serial.remedy

    def test_no_probe(self, tmp_path, monkeypatch):
        monkeypatch.setattr(desk.sys, "platform", "linux")
        monkeypatch.setattr(desk, "_USB", tmp_path / "none")
        monkeypatch.setattr(desk, "usb_probes", list)
        monkeypatch.setattr(desk, "probe_ports", list)
        assert only(desk.find_probes()).state == "missing"

    def test_rules(self, tmp_path, monkeypatch):
        monkeypatch.setattr(desk.sys, "platform", "linux")
        path = tmp_path / "60-tinynas.rules"
        assert only(desk.find_rules(path)).state == "missing"
        path.write_text(udev_rules())
        assert only(desk.find_rules(path)).state == "ok"
        path.write_text(udev_rules() + "# mine\n")
        assert "another version" in only(desk.find_rules(path)).detail
        monkeypatch.setattr(desk.sys, "platform", "darwin")
        assert list(desk.find_rules(path)) == []

    def test_drives(self, tmp_path, monkeypatch):
        monkeypatch.setattr(desk, "probe_drives", lambda: [ProbeDrive(tmp_path, "0777", "1-2")])
        assert only(desk.find_drives()) == Finding("desk", "drive", "ok", f"{tmp_path}, product code 0777")
        monkeypatch.setattr(desk.os, "access", lambda path, mode: False)
        assert only(desk.find_drives()).state == "failed"

    def test_boards(self, monkeypatch):
        boards = [AttachedBoard("nucleo_f446re", "Nucleo", key, "0777", None, None) for key in ("A", "B", "C")]
        monkeypatch.setattr(
            desk, "attached_boards", lambda: [*boards, AttachedBoard(None, "what", "D", None, None, None)]
        )
        write_health("B", Health(2, "silent", 1.0))
        with BoardLock("C").held(0):
            found = list(desk.find_boards())
        assert [finding.state for finding in found] == ["ok", "failed", "ok", "missing"]
        assert found[1].remedy == "`tinynas boards check nucleo_f446re --probe B` tests it"
        assert f"in use by process {os.getpid()}" in found[2].detail


class TestRoom:
    def test_a_full_disk(self, monkeypatch):
        monkeypatch.setattr(room.shutil, "disk_usage", lambda path: SimpleNamespace(free=5 << 20))
        found = list(room.find_disk())
        assert {finding.state for finding in found} == {"failed"}
        assert found[0].detail == f"5 MiB free at {Path.cwd()}"
        assert found[1].remedy == "free 200 MiB there; TMPDIR names another"

    def test_what_lies_in_the_folders(self, tmp_path):
        (tmp_path / "cache" / "firmware").mkdir(parents=True)
        (tmp_path / "cache" / "firmware" / "a.o").write_bytes(bytes(3 << 20))
        cache, state = room.find_folders()
        assert cache.detail == f"3.0 MiB in {tmp_path / 'cache'}"
        assert (state.state, state.detail) == ("ok", f"0.0 MiB in {tmp_path / 'state'}")
        assert not (tmp_path / "state").exists()

    def test_a_file_in_their_place(self, tmp_path):
        (tmp_path / "cache").touch()
        cache, _ = room.find_folders()
        assert (cache.state, cache.remedy) == ("failed", "set TINYNAS_CACHE to a folder that this user may write to")
