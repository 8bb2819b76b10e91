"""Text that came from elsewhere (files, boards, other people's studies), made harmless before anybody prints it."""

from __future__ import annotations

import re

__all__ = ["printable"]

# What moves a terminal's cursor, changes its title or hides text: C0 and C1 controls, separators of lines, marks that
# turn the direction of writing; and halves of characters, as in file names that are not UTF-8, which UTF-8 cannot hold.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_HARMFUL_IN_LINES = re.compile(_HARMFUL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return the text with control characters and undecodable bytes spelled out.

    Args:
        text: Any text.
        lines: Whether line ends and tabs may stay.

    Example:
        >>> printable("\x1b[31mred")
        '\\x1b[31mred'
        >>> printable("Fu\udcdfg")  # a file name in Latin-1
        'Fu\\xdfg'
    """
    return (_HARMFUL_IN_LINES if lines else _HARMFUL).sub(_spell, text)


def _spell(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte of a file name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
