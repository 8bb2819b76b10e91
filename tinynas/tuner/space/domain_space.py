"""A search space with random points as dictionaries, and as rows of one array."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.config import ConfigTypeError, Params
from tinynas.tuner.space.describe import classify
from tinynas.tuner.space.encoding import NEUTRAL
from tinynas.tuner.space.parameter_sampler import draw, parameter_sampler
from tinynas.tuner.space.parameters import Categorical, Integer, Multivariate, Parameter, PointCode
from tinynas.tuner.space.space import Space

__all__ = ["DomainSpace"]

Array = NDArray[np.float64]

MIN_DOMAIN = 50_000
MAX_DOMAIN = 500_000
# How many points a continuous parameter, per unit of its width, or a vector counts for in the size of a domain.
PER_UNIT = 50
PER_VECTOR = 10
# Points on which the scale of the columns is measured.
SCALE_SAMPLES = 2_000


class DomainSpace:
    """Random points of a search space, and their translation to the columns of an array and back.

    Columns come in the order of the sorted names: a number is one column, its value as it is; a category is one column
    for each of its values, of which one is 1 and the others 0; a vector is one column for each component.

    Args:
        param_dist: Name to `range`, list, or frozen scipy.stats distribution.
        param_sampler: `f(param_dist, size) -> list of dicts`: the source of all points.
        constraint: `f(list of dicts) -> list of bool`, deterministic; None allows everything.
        constraint_max_retries: Rounds of drawing in the search for points that satisfy the constraint.
        scale_params: Scale the columns to about [0, 1], by the range of some random points.
        random_state: A numpy Generator or a seed; None for fresh randomness.
        conditions: Parameters that not every point has; see `TunerConfig`. A column of a missing number or vector has
            a value from the middle, the columns of a missing category are all 0.

    Attributes:
        space: The space in the tuner's own terms.
        domain_size: Number of points that `get_domain` draws; may be assigned.
        categorical_params, integer_params, multivariate_params, univariate_params: Names by kind; see
            `classify_parameters`.

    Raises:
        ConfigTypeError: If `param_dist` is not a dictionary of such descriptions (a `TypeError` as well).
        SpaceError: If a parameter has no values.

    Example:
        >>> ds = DomainSpace({"depth": range(3, 9), "norm": ["none", "batch"]})
        >>> ds.convert_GP_space([{"depth": 4, "norm": "batch"}])
        array([[4., 0., 1.]])
    """

    def __init__(
        self,
        param_dist: Mapping[str, Any],
        *,
        param_sampler: Callable[..., Sequence[Params]] = parameter_sampler,
        constraint: Callable[[list[Params]], Sequence[bool]] | None = None,
        constraint_max_retries: int = 10,
        scale_params: bool = False,
        random_state: Any = None,
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        sampler = None if param_sampler is parameter_sampler else param_sampler
        self.space = Space(param_dist, constraint=constraint, sampler=sampler, conditions=conditions)
        self.constraint_max_retries = constraint_max_retries
        self.scale_params = scale_params
        self._rng = np.random.default_rng(random_state)
        kinds = self.classify_parameters(self.space.param_dict)
        self.categorical_params, self.integer_params, self.multivariate_params, self.univariate_params = kinds
        self.domain_size = self.calc_domain_size()

    @staticmethod
    def classify_parameters(param_dist: Mapping[str, Any]) -> tuple[set[str], set[str], set[str], set[str]]:
        """Names of the categorical, integer, multivariate and univariate parameters.

        Integers are ranges and lists of integers; univariate are the scipy distributions of one number, multivariate
        those of a vector; all other lists are categorical.
        """
        kinds: tuple[set[str], set[str], set[str], set[str]] = (set(), set(), set(), set())
        for name, description in param_dist.items():
            parameter = classify(name, description)
            if isinstance(parameter, Categorical):
                kinds[0].add(name)
            elif isinstance(parameter, Multivariate):
                kinds[2].add(name)
            else:
                kinds[3 if hasattr(description, "rvs") else 1].add(name)
        return kinds

    def calc_domain_size(self) -> int:
        """Number of points that represent the space: the product over parameters, between 50,000 and 500,000.

        An integer or category counts with the number of its values, a vector with 10, and a continuous parameter with
        50 per unit of its width, at least 50. The width is the second argument of a distribution that has two, the
        length of the support of any other, or of the middle 98 % where that is infinite.
        """
        count = 1
        for parameter in self.space.parameters:
            description = self.space.param_dict[parameter.name]
            if isinstance(parameter, Multivariate):
                count *= PER_VECTOR
            elif hasattr(description, "rvs"):
                count *= PER_UNIT * max(1, int(min(_width(description), MAX_DOMAIN)))
            else:
                count *= parameter.size or 1
        return min(max(count, MIN_DOMAIN), MAX_DOMAIN)

    def get_domain(self) -> list[Params]:
        """`domain_size` random points; see `get_random_sample`."""
        return self.get_random_sample(self.domain_size)

    def get_random_sample(self, size: int) -> list[Params]:
        """Random points that satisfy the constraint; in a finite space no point twice.

        Returns:
            `size` points; fewer, with a warning, where the space or the patience (`constraint_max_retries`) is smaller.
        """
        if not self.space.constrained:
            return [self.space.params(code) for code in draw(self.space, self._rng, size)]
        found: list[PointCode] = []
        factor = 2.0
        for _ in range(self.constraint_max_retries):
            missing = size - len(found)
            if missing <= 0:
                break
            wanted = math.ceil(missing * factor)
            codes = draw(self.space, self._rng, wanted if self.space.size is None else min(wanted, self.space.size))
            good = [code for code, ok in zip(codes, self.space.feasible(codes), strict=True) if ok]
            factor = len(codes) / len(good) if good else 10.0 * factor
            found += good
            if self.space.size is not None:
                found = list(dict.fromkeys(found))
        if len(found) < size:
            warnings.warn(
                f"only {len(found)} of {size} points were found that satisfy the constraint", UserWarning, stacklevel=2
            )
        return [self.space.params(code) for code in found[:size]]

    def convert_GP_space(self, domain_list: Sequence[Mapping[str, Any]]) -> Array:  # noqa: N802 (Mango's name)
        """Points to rows, shape (n, columns).

        Raises:
            SpaceError: If one of them is not a point of the space.
        """
        X = self._rows([self.space.code(point) for point in domain_list])
        if self.scale_params:
            low, span = self._scale
            X = (X - low) / span
        return X

    def convert_PS_space(self, X_gp: Array) -> list[Params]:  # noqa: N802 (Mango's name)
        """Rows, shape (n, columns), to points: integers are rounded, a category is the largest of its columns."""
        X = np.asarray(X_gp, dtype=float)
        width = sum(_columns(parameter) for parameter in self.space.parameters)
        if X.ndim != 2 or X.shape[1] != width:
            raise ConfigTypeError(f"an array of {width} columns is needed, not one of shape {X.shape}", where="X_gp")
        if self.scale_params:
            low, span = self._scale
            X = X * span + low
        parts: list[list[Any]] = []
        start = 0
        for parameter in self.space.parameters:
            block = X[:, start : start + _columns(parameter)]
            start += _columns(parameter)
            if isinstance(parameter, Categorical):
                parts.append([int(index) for index in block.argmax(axis=1)])
            elif isinstance(parameter, Multivariate):
                parts.append([tuple(row) for row in block.tolist()])
            else:
                kind = round if isinstance(parameter, Integer) else float
                parts.append([kind(value) for value in block[:, 0].tolist()])
        return [self.space.params(self.space.canonical(code)) for code in zip(*parts, strict=True)]

    def _rows(self, codes: Sequence[PointCode]) -> Array:
        if not codes:
            return np.empty((0, sum(_columns(parameter) for parameter in self.space.parameters)))
        blocks = []
        for parameter, column in zip(self.space.parameters, zip(*codes, strict=True), strict=True):
            if isinstance(parameter, Categorical):
                # A last row of zeros, for points without this parameter.
                known = np.vstack([np.eye(parameter.size), np.zeros(parameter.size)])
                blocks.append(known[[parameter.size if code is None else code for code in column]])
            else:
                full: Any = column
                if None in column:
                    middle = parameter.codes(np.full((1, parameter.columns), NEUTRAL))[0]
                    full = [middle if code is None else code for code in column]
                blocks.append(np.array(full, dtype=float).reshape(len(codes), -1))
        return np.hstack(blocks)

    @cached_property
    def _scale(self) -> tuple[Array, Array]:
        # Its own generator: scaling must not change which points are drawn.
        X = self._rows(self.space.codes(self.space.sample(np.random.default_rng(0), SCALE_SAMPLES)))
        span = np.ptp(X, axis=0)
        return X.min(axis=0), np.where(span > 0, span, 1.0)


def _columns(parameter: Parameter) -> int:
    return parameter.size if isinstance(parameter, Categorical) else parameter.columns


def _width(distribution: Any) -> float:
    arguments = tuple(getattr(distribution, "args", ()))
    if len(arguments) == 2:
        return float(arguments[1])
    low, high = (float(end) for end in distribution.support())
    if not math.isfinite(high - low):
        low, high = (float(end) for end in distribution.ppf([0.01, 0.99]))
    return high - low if math.isfinite(high - low) else 1.0
