"""What is known of points before any is evaluated: how promising they are, and what an evaluation costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.config import ConfigTypeError, ConfigValueError
from tinynas.tuner.space.parameters import PointCode

__all__ = ["Ask", "Known", "Promise"]

Array = NDArray[np.float64]
Ask: TypeAlias = Callable[[list[dict[str, Any]]], Sequence[float | None]]

# Numbers remembered; the memory saves time only.
_MAX_MEMORY = 200_000
_SHARES = (0.05, 0.95)


class Known:
    """A function of points that is asked about each of them once.

    Args:
        name: Its key in the configuration.
        ask: `f(list of dicts) -> list of numbers`; None, NaN or an infinity where nothing is known of a point.
        params: Turns a code into what `ask` takes.
    """

    def __init__(self, name: str, ask: Ask, params: Callable[[PointCode], dict[str, Any]]) -> None:
        self._name, self._ask, self._params = name, ask, params
        self._known: dict[PointCode, float] = {}

    def __call__(self, codes: Sequence[PointCode]) -> Array:
        """Numbers of points, shape (n,); NaN where nothing is known.

        Raises:
            ConfigTypeError: The function does not return numbers.
            ConfigValueError: It returns another number of them.
        """
        unknown = list(dict.fromkeys(code for code in codes if code not in self._known))
        if unknown:
            if len(self._known) + len(unknown) > _MAX_MEMORY:
                self._known.clear()
                unknown = list(dict.fromkeys(codes))
            self._known.update(zip(unknown, self._answers(unknown), strict=True))
        found = np.array([self._known[code] for code in codes], float)
        return np.where(np.isfinite(found), found, np.nan)

    def _answers(self, codes: Sequence[PointCode]) -> list[float]:
        where = f"conf_dict:{self._name}"
        answer: Any = self._ask([self._params(code) for code in codes])
        if not isinstance(answer, Iterable) or isinstance(answer, str | bytes | Mapping):
            raise ConfigTypeError(f"{self._name} must return a number for each point, not {answer!r}", where=where)
        answers = list(answer)
        if len(answers) != len(codes):
            raise ConfigValueError(f"{self._name} gave {len(answers)} numbers for {len(codes)} points", where=where)
        try:
            return [float("nan") if one is None else float(one) for one in answers]
        except (TypeError, ValueError) as error:
            raise ConfigTypeError(f"{self._name} must return a number for each point: {error}", where=where) from error


class Promise:
    """How promising points are thought to be, scaled so that most of a space lies between 0 and 1.

    Args:
        known: What is asked; larger where better values are expected. A point of which nothing is known counts as the
            middle.
        sample: Codes of random points, which the scale is taken from.
    """

    def __init__(self, known: Known, sample: Sequence[PointCode]) -> None:
        self._known = known
        found = known(sample)
        found = found[np.isfinite(found)]
        low, high = (float(np.quantile(found, share)) if len(found) else 0.0 for share in _SHARES)
        self._low, self._span = low, high - low if high > low else 1.0

    def __call__(self, codes: Sequence[PointCode]) -> Array:
        """Scaled numbers of points, shape (n,); raises what `Known` raises."""
        scaled = (self._known(codes) - self._low) / self._span
        return np.where(np.isfinite(scaled), scaled, 0.5)
