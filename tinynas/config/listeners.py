"""Who else is told of a search: names of listeners, and where they write."""

from __future__ import annotations

from tinynas.errors import ConfigError

__all__ = ["LISTENERS", "split_listener"]

#: Kinds of listeners, each with the module that it needs.
LISTENERS = {"tensorboard": "tensorboard", "mlflow": "mlflow"}


def split_listener(text: str) -> tuple[str, str | None]:
    """Take the name of a listener apart.

    Args:
        text: A kind, or a kind and its place, such as "tensorboard:runs".

    Returns:
        The kind, and the place or None.

    Raises:
        ConfigError: There is no such kind, or the place is empty.

    Example:
        >>> split_listener("mlflow:http://localhost:5000")
        ('mlflow', 'http://localhost:5000')
    """
    kind, colon, place = text.partition(":")
    if kind not in LISTENERS:
        advice = f"one of {', '.join(LISTENERS)}, or one of them with a place, such as tensorboard:runs"
        raise ConfigError(f"there is no listener {kind!r}", where="listeners", advice=advice)
    if colon and not place.strip():
        raise ConfigError(
            f"{text!r} names no place", where="listeners", advice=f"leave the colon out, or add: {kind}:PLACE"
        )
    return kind, place or None
