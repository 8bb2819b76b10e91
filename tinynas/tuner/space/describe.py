"""From the user's description of a parameter to its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError
from tinynas.tuner.config import ConfigTypeError
from tinynas.tuner.space.parameters import TAIL, Categorical, Float, Integer, Multivariate, Parameter, equal

__all__ = ["classify", "loguniform"]

# A discrete distribution with more values than this counts as uniform: its probabilities differ too little to matter.
MAX_WEIGHTED_VALUES = 10_000
# A coordinate is a float: larger integers, or more of them, share coordinates.
MAX_INTEGER = 2**52


def classify(name: str, description: Any) -> Parameter:
    """Find out what kind of parameter a description means.

    Args:
        name: Name of the parameter.
        description: A `range` or a list of integers (integer), any other list (categorical, floats too), or a frozen
            scipy.stats distribution (continuous: float; discrete: integer; multivariate: list of floats).

    Raises:
        ConfigTypeError: If it is none of these.
        SpaceError: If it holds no values, integers too large for coordinates, a distribution of several numbers at
            once, or a discrete distribution that is not over integers.

    Example:
        >>> classify("filters", range(2, 64)).size
        62
        >>> classify("norm", ["none", "batch"]).code("batch")
        1
    """
    if hasattr(description, "rvs"):
        if not hasattr(description, "ppf"):
            return Multivariate.of(name, description)
        _check_one_number(name, description)
        return _discrete(name, description) if hasattr(description, "pmf") else Float.of(name, description)
    single = isinstance(description, str | bytes | Mapping) or getattr(description, "ndim", 1) == 0
    if single or not isinstance(description, Iterable):
        raise ConfigTypeError(
            f"{description!r} is neither a list, a range nor a scipy distribution", where=f"param_dict:{name}"
        )
    values = description if isinstance(description, range) else list(description)
    if isinstance(description, Set):
        # The order of a set of words changes from one process to the next.
        values = sorted(values, key=lambda value: (type(value).__name__, repr(value)))
    if not values:  # the length of a huge range is no length to Python
        raise SpaceError("no values to choose from", where=name)
    if isinstance(values, range):
        return _integer(name, values if values.step > 0 else values[::-1])
    if all(_is_integer(value) for value in values):
        return _integer(name, tuple(sorted({int(value) for value in values})))
    distinct: list[Any] = []
    for value in values:
        if not any(type(value) is type(known) and equal(known, value) for known in distinct):
            distinct.append(value)
    return Categorical(name, tuple(distinct))


def loguniform(a: float, b: float) -> Any:
    """A log-uniform distribution on [10**a, 10**(a + b)], as Mango spells it.

    Args:
        a: Decimal exponent of the lower end.
        b: Width in decades, above 0.

    Example:
        >>> [float(round(end, 6)) for end in loguniform(-3, 6).support()]
        [0.001, 1000.0]
    """
    import scipy.stats  # slow to import, and only spaces with distributions need it

    return scipy.stats.loguniform(10.0**a, 10.0 ** (a + b))


def _check_one_number(name: str, distribution: Any) -> None:
    """Refuse a distribution whose arguments are lists: scipy makes several distributions of it."""
    try:
        count = np.size(distribution.ppf(0.5))
    except (TypeError, ValueError) as error:
        raise SpaceError(f"the distribution has no median: {error}", where=name) from error
    if count != 1:
        raise SpaceError(
            f"the arguments of the distribution are lists: it stands for {count} numbers",
            where=name,
            advice="give each number a parameter with a distribution of its own",
        )


def _is_integer(value: Any) -> bool:
    # Floats stay floats, also where they are whole numbers.
    return isinstance(value, Integral) and not isinstance(value, bool)


def _integer(name: str, values: Sequence[int], edges: NDArray[np.float64] | None = None) -> Integer:
    if max(abs(values[0]), abs(values[-1])) > MAX_INTEGER or values[-1] - values[0] >= MAX_INTEGER:
        raise SpaceError(
            "integers this large cannot be told apart as coordinates",
            where=name,
            advice=f"stay within {MAX_INTEGER} of 0 and of each other, or search over an exponent",
        )
    return Integer(name, values, edges)


def _discrete(name: str, distribution: Any) -> Integer:
    first, last = (float(end) for end in distribution.support())
    first = first if np.isfinite(first) else float(distribution.ppf(TAIL))
    last = last if np.isfinite(last) else float(distribution.ppf(1 - TAIL))
    if not (np.isfinite(first) and np.isfinite(last) and first <= last):
        raise SpaceError("the distribution has no finite values to choose from", where=name)
    listed = getattr(distribution, "xk", getattr(getattr(distribution, "dist", None), "xk", ()))
    if not all(float(value).is_integer() for value in (first, last, *np.ravel(listed))):
        raise SpaceError(
            "a discrete distribution must be over integers",
            where=name,
            advice="give the values as a list, or choose an integer and compute the value from it",
        )
    values = range(int(first), int(last) + 1)
    if values[-1] - values[0] >= MAX_WEIGHTED_VALUES:
        return _integer(name, values)
    cumulative = np.cumsum(np.asarray(distribution.pmf(np.arange(first, last + 1)), dtype=float))
    return _integer(name, values, np.concatenate([[0.0], cumulative / cumulative[-1]]))
