"""`tinynas boards`, as a user runs it."""

import json

import pytest

from tinynas.board import list_boards, load_board
from tinynas.cli import main


def test_list_names_every_board_with_its_limits(capsys):
    assert main(["boards", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list_boards()
    l476 = next(line for line in lines if line.startswith("nucleo_l476rg"))
    assert "128 KiB" in l476
    assert "96 KiB" in l476


def test_names_are_whole_on_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["boards", "list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out and load_board(name).mcu in out for name in list_boards())
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_list_as_json_is_what_the_boards_say(capsys):
    assert main(["boards", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        json.loads(json.dumps(load_board(name).to_dict())) for name in list_boards()
    ]


def test_show_prints_regions_limits_port_probe_and_sources(capsys):
    assert main(["boards", "show", "nucleo_f746zg"]) == 0
    out = capsys.readouterr().out
    for part in ("0x20010000", "240 KiB", "314 KiB", "itcm", "USART3 at 0x40004800", "0816", "RM0385", "DS10916"):
        assert part in out


@pytest.mark.parametrize("name", list_boards())
def test_piped_tables_are_plain_text(name, capsys):
    assert main(["boards", "show", name]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_show_as_json(capsys):
    assert main(["boards", "show", "nucleo_f446re", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sram_limit_bytes"] == 122 * 1024


@pytest.fixture
def own_board(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(
        "name: own\ntitle: '[red]my[/red] board [/]'\nmcu: LPC55S69\ncore: cortex-m33f\nclock_hz: 150_000_000\n"
        "flash: {name: flash, origin: 0, size_bytes: 630 KiB}\n"
        "sram: [{name: ram, origin: 0x20000000, size_bytes: 262145}]\n"
    )
    return path


def test_show_takes_the_path_of_a_users_board_and_prints_its_text_as_it_is(own_board, capsys):
    assert main(["boards", "show", str(own_board)]) == 0
    out = capsys.readouterr().out
    assert "[red]my[/red] board [/]" in out
    assert "262145 B" in out
    assert out.count("unknown") == 2


@pytest.mark.parametrize("name", list_boards())
def test_show_names_the_trigger_pin(name, capsys):
    pin = load_board(name).trigger_pin
    assert main(["boards", "show", name]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("trigger pin")]
    assert row.split()[2] == f"{pin},"
    assert main(["boards", "show", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trigger_pin"] == pin


def test_a_board_without_a_trigger_pin_has_no_row_for_it(own_board, capsys):
    assert main(["boards", "show", str(own_board)]) == 0
    assert "trigger" not in capsys.readouterr().out
    assert main(["boards", "show", str(own_board), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trigger_pin"] is None


def test_a_mistake_in_a_users_board_names_file_and_key(own_board, capsys):
    own_board.write_text(own_board.read_text().replace("clock_hz", "clockhz"))
    assert main(["boards", "show", str(own_board)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"error: {own_board}:clockhz: unknown key 'clockhz'\nhint: did you mean 'clock_hz'?\n"


def test_an_unknown_board_is_a_usage_error_with_the_known_ones(capsys):
    assert main(["boards", "show", "nucleo_f446r"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: unknown board 'nucleo_f446r'\nhint: did you mean 'nucleo_f446re'?")
    assert "Traceback" not in err
