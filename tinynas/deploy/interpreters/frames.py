"""Messages on a pipe between two processes: a JSON object, and blocks of bytes beside it.

Nothing that comes out of the pipe is executed, as a pickle would be: the other end has read a file of unknown origin.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import IO, Any

__all__ = ["receive", "send"]

_LENGTH = struct.Struct("<Q")


def send(stream: IO[bytes], message: Mapping[str, Any], blocks: Sequence[bytes] = ()) -> None:
    """Write a message.

    Args:
        stream: A pipe's writing end.
        message: Of JSON values.
        blocks: Bytes beside it.

    Raises:
        OSError: The other end is closed.
    """
    head = json.dumps({"message": message, "blocks": [len(block) for block in blocks]}).encode()
    stream.write(_LENGTH.pack(len(head)) + head)
    for block in blocks:
        stream.write(block)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """Read a message.

    Args:
        stream: A pipe's reading end.

    Returns:
        The message and the blocks beside it.

    Raises:
        EOFError: The other end is closed.

    Example:
        >>> from io import BytesIO
        >>> pipe = BytesIO()
        >>> send(pipe, {"do": "run"}, [b"model", b""])
        >>> _ = pipe.seek(0)
        >>> receive(pipe)
        ({'do': 'run'}, [b'model', b''])
    """
    (size,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    head = json.loads(_read(stream, size))
    return head["message"], [_read(stream, count) for count in head["blocks"]]


def _read(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) != count:
        raise EOFError
    return found
