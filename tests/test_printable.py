"""What came from elsewhere is printed harmlessly, wherever it is printed."""

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tinynas.cli.console import Cleaned, harmless, stderr
from tinynas.errors import BoardError
from tinynas.printable import printable

ESCAPES = "\x1b]0;pwned\x07\x1b[31mRED\x9b2J\u202e"
SHOWN = r"\x1b]0;pwned\x07\x1b[31mRED\x9b2J\u202e"


def test_control_characters_are_spelled_out():
    assert printable(ESCAPES) == SHOWN
    assert printable("a\tb\nc\rd\u2028e") == r"a\x09b\x0ac\x0dd\u2028e"
    assert printable("a\tb\nc\rd", lines=True) == "a\tb\nc\\x0dd"
    assert printable("Fu\udcdfg\ud800") == r"Fu\xdfg\ud800"
    assert printable("Straße, 速度 µT \u00a0") == "Straße, 速度 µT \u00a0"


@given(st.text())
def test_nothing_harmful_remains_and_the_rest_is_as_it_was(text):
    made = printable(text)
    made.encode()  # whatever the file names held
    assert printable(made) == made
    assert all(character.isprintable() or character in "\u00a0\xad" or ord(character) > 0xFF for character in made)
    if text.isprintable() and text.isascii():
        assert made == text


def test_an_error_s_text_moves_no_cursor():
    error = BoardError(f"the board says {ESCAPES}\nand more", where=f"/dev/tty{ESCAPES}\n", advice=ESCAPES)
    assert str(error) == rf"/dev/tty{SHOWN}\x0a: the board says {SHOWN}" + f"\nand more ({SHOWN})"


@pytest.mark.parametrize("terminal", [False, True])
def test_consoles_print_none_in_text_markup_and_tables(terminal):
    stream = io.StringIO()
    console = harmless(Console(file=stream, force_terminal=terminal, width=200, color_system=None))
    table = Table(ESCAPES)
    table.add_row(Text(ESCAPES))
    console.print(f"[bold]{ESCAPES.replace('[', chr(92) + '[')}[/bold]")
    console.print(ESCAPES, markup=False, soft_wrap=True)
    console.print(table)
    told = stream.getvalue()
    assert not {"\x07", "\x9b", "\u202e"} & set(told)
    assert "\x1b]" not in told
    assert "\x1b[31m" not in told
    assert told.count("pwned") == 4


def test_a_live_display_is_drawn_and_harmless():
    stream = io.StringIO()
    console = harmless(Console(file=stream, force_terminal=True, width=100))
    with Live(console=console, get_renderable=lambda: Cleaned(Text(f"walk {ESCAPES}", style="red"))):
        console.print("beside it")
    told = stream.getvalue()
    assert "beside it" in told
    assert "walk " in told
    assert "\x1b[?25l" in told  # the cursor is hidden, and shown again: rich's own control
    assert "\x1b]0;" not in told


def test_the_command_s_error_stream_is_harmless(capsys):
    stderr().print(ESCAPES, markup=False)
    assert "\x1b" not in capsys.readouterr().err
    assert sys.stderr is not None
