"""The search space: a dictionary of parameters, the unit cube behind it, and the known constraint."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise, product
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import SpaceError
from tinynas.tuner.config import ConfigTypeError, ConfigValueError, Params
from tinynas.tuner.describe import classify
from tinynas.tuner.observation import PointCode
from tinynas.tuner.parameters import Categorical, Float, Integer, Multivariate, Parameter

__all__ = ["ExhaustedError", "PointCode", "Space"]

Array = NDArray[np.float64]

# Random points tried, at most, in the search for one that satisfies the constraint.
MAX_TRIES = 16_384
# Coordinates end here: told values may be absurd, and the surrogate squares distances.
FAR = 100.0
# Constraint verdicts remembered; the memory saves time only, so it may be emptied at any moment.
MAX_MEMORY = 200_000


class ExhaustedError(SpaceError):
    """Every point of a finite space has been evaluated or is being evaluated."""


class Space:
    """Points as dictionaries, codes and coordinates, and which of them are allowed.

    Args:
        param_dict: Name to `range`, list, or frozen scipy.stats distribution.
        constraint: `f(list of dicts) -> list of bool`, deterministic; None allows everything.
        sampler: `f(param_dict, size) -> list of dicts`: then points are its draws and nothing else. None draws each
            parameter on its own.

    Attributes:
        names: Parameter names, sorted; the order of columns.
        parameters: What the names stand for, in the same order.
        dimension: Number of coordinate columns.
        blocks: Each parameter with the slice of columns it owns.
        groups: Length scale that each column of `features` has or shares, shape (features,).
        continuous: Which columns are floats, shape (dimension,).
        binary: Columns of categories with two values.
        steppable: The parameters that are neither floats nor among these, with their columns.
        size: Number of points; None when infinite.

    Raises:
        ConfigTypeError: If `param_dict` is not a dictionary of such descriptions.
        SpaceError: If a parameter has no values.

    Example:
        >>> space = Space({"depth": range(3, 9), "norm": ["none", "batch"]})
        >>> space.size, space.code({"depth": 4, "norm": "batch"})
        (12, (4, 1))
    """

    def __init__(
        self,
        param_dict: Mapping[str, Any],
        *,
        constraint: Callable[[list[Params]], Sequence[bool]] | None = None,
        sampler: Callable[[Mapping[str, Any], int], Sequence[Params]] | None = None,
    ) -> None:
        if not isinstance(param_dict, Mapping):
            raise ConfigTypeError(
                f"param_dict must be a dictionary, not {type(param_dict).__name__}", where="param_dict"
            )
        if not param_dict:
            raise SpaceError("there is no parameter to search", where="param_dict")
        if not all(isinstance(name, str) for name in param_dict):
            raise ConfigTypeError("parameter names must be strings", where="param_dict")
        self.param_dict = dict(param_dict)
        self.names = sorted(param_dict)
        self.parameters: list[Parameter] = [classify(name, param_dict[name]) for name in self.names]
        self._constraint, self._sampler = constraint, sampler
        self._verdicts: dict[PointCode, bool] = {}
        offsets = np.cumsum([0] + [parameter.columns for parameter in self.parameters])
        slices = [slice(int(a), int(b)) for a, b in pairwise(offsets)]
        self.blocks = list(zip(self.parameters, slices, strict=True))
        self.dimension = int(offsets[-1])
        self.continuous = np.concatenate(
            [[isinstance(parameter, Float)] * parameter.columns for parameter in self.parameters]
        )
        sizes = [parameter.size for parameter in self.parameters]
        self.size = None if None in sizes else math.prod(size for size in sizes if size is not None)
        self._lay_out_features()

    def _lay_out_features(self) -> None:
        self._scale = np.ones(self.dimension)
        self._wide: list[tuple[int, Categorical]] = []
        binary = []
        groups = list(range(self.dimension))
        for parameter, columns in self.blocks:
            if not isinstance(parameter, Categorical):
                continue
            # The coordinates 0.25 and 0.75 of two values become features at distance 1; more values need indicators.
            self._scale[columns] = 2.0 if parameter.size == 2 else 0.0
            if parameter.size == 2:
                binary.append(columns.start)
            else:
                self._wide.append((columns.start, parameter))
                groups += [columns.start] * parameter.size
        self.groups = np.array(groups, dtype=np.int64)
        self.binary = np.array(binary, dtype=np.int64)
        self.steppable = [
            (parameter, columns)
            for parameter, columns in self.blocks
            if not isinstance(parameter, Float) and columns.start not in binary
        ]

    # -- points --------------------------------------------------------------------------------------------------------

    def code(self, params: Mapping[str, Any]) -> PointCode:
        """Exact identity of a point.

        Raises:
            SpaceError: If names are missing or unknown, or a value is not of its parameter's kind.
        """
        if not isinstance(params, Mapping):
            raise SpaceError(f"a point must be a dictionary, not {type(params).__name__}")
        if set(params) != set(self.names):
            missing = [name for name in self.names if name not in params]
            unknown = [str(name) for name in params if name not in self.names]
            parts = [
                f"{what} {', '.join(names)}" for what, names in (("missing", missing), ("unknown", unknown)) if names
            ]
            raise SpaceError(f"the point does not have the parameters of the space: {'; '.join(parts)}")
        return tuple(parameter.code(params[name]) for name, parameter in zip(self.names, self.parameters, strict=True))

    def params(self, code: PointCode) -> Params:
        """Dictionary of a point, in the order of `param_dict`."""
        values = {
            name: parameter.value(part) for name, parameter, part in zip(self.names, self.parameters, code, strict=True)
        }
        return {name: values[name] for name in self.param_dict}

    def coordinates(self, codes: Sequence[PointCode]) -> Array:
        """Codes to coordinates, shape (n, dimension); told numbers far outside their range come back a bit nearer."""
        if not codes:
            return np.empty((0, self.dimension))
        columns = zip(*codes, strict=True)
        X = np.hstack([p.coordinates(column) for p, column in zip(self.parameters, columns, strict=True)])
        return np.clip(X, -FAR, FAR)

    def codes(self, X: Array) -> list[PointCode]:
        """Coordinates, shape (n, dimension), to codes; discrete parameters take the value at the coordinate."""
        parts = [p.codes(X[:, columns]) for p, columns in self.blocks]
        return list(zip(*parts, strict=True))

    def snap(self, X: Array) -> Array:
        """Move discrete columns to the coordinates of their values.

        The surrogate sees snapped points only: this is the rounding inside the kernel of Garrido-Merchan &
        Hernandez-Lobato 2020, under which the acquisition is constant between neighbouring integers.
        """
        snapped = np.array(X, dtype=float)
        for parameter, columns in self.blocks:
            if isinstance(parameter, Integer | Categorical):
                column = snapped[:, columns.start]
                snapped[:, columns.start] = parameter.position(parameter.index(column))
            elif isinstance(parameter, Float):
                np.clip(snapped[:, columns], parameter.low, parameter.high, out=snapped[:, columns])
        return snapped

    def features(self, X: Array) -> Array:
        """Snapped coordinates to the Euclidean features of the kernel, shape (n, features).

        The first columns are the coordinates. Two different categories are at squared distance 1, whichever they are
        (overlap or Hamming distance): two values by scaling their column, more by an indicator column for each.
        """
        blocks = [X * self._scale]
        for column, parameter in self._wide:
            index = parameter.index(X[:, column])
            blocks.append(np.where(index[:, None] == np.arange(parameter.size), math.sqrt(0.5), 0.0))
        return np.hstack(blocks)

    # -- random points and the constraint ------------------------------------------------------------------------------

    def place(self, U: Array, rng: np.random.Generator) -> Array:
        """Uniform numbers of the unit cube, shape (n, dimension), to points; vectors are drawn with `rng`."""
        X = np.array(U, dtype=float)
        for parameter, columns in self.blocks:
            if isinstance(parameter, Multivariate):
                X[:, columns] = parameter.sample(rng, len(X))
        return self.snap(X)

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Random points, constraint or not, shape (n, dimension).

        Raises:
            SpaceError: If the user's sampler returns something else than points of the space.
        """
        if self._sampler is None:
            return self.place(rng.random((n, self.dimension)), rng)
        points = self._sampler(self.param_dict, n)
        return self.coordinates([self.code(point) for point in points])

    @property
    def draws_by_sampler(self) -> bool:
        """Whether random points come from the user's sampler."""
        return self._sampler is not None

    @property
    def constrained(self) -> bool:
        """Whether there is a known constraint."""
        return self._constraint is not None

    def grid(self) -> Array:
        """All points of a finite space, constraint or not, shape (size, dimension)."""
        levels = [p.position(np.arange(p.size)) for p in self.parameters if isinstance(p, Integer | Categorical)]
        return np.array(list(product(*levels)), dtype=float)

    def feasible(self, codes: Sequence[PointCode]) -> list[bool]:
        """Ask the constraint about points, in one call for those it was not asked about before.

        Raises:
            ConfigValueError: If the constraint returns another number of answers.
        """
        if self._constraint is None:
            return [True] * len(codes)
        unknown = list(dict.fromkeys(code for code in codes if code not in self._verdicts))
        if unknown:
            if len(self._verdicts) + len(unknown) > MAX_MEMORY:
                self._verdicts.clear()
                unknown = list(dict.fromkeys(codes))
            answers = list(self._constraint([self.params(code) for code in unknown]))
            if len(answers) != len(unknown):
                raise ConfigValueError(
                    f"the constraint gave {len(answers)} answers for {len(unknown)} points",
                    where="conf_dict:constraint",
                )
            self._verdicts.update(zip(unknown, map(bool, answers), strict=True))
        return [self._verdicts[code] for code in codes]

    def allowed(self, blocks: Iterator[Array], taken: set[PointCode], *, tries: int | None = None) -> Iterator[Array]:
        """Go through blocks of points and yield those that satisfy the constraint and are not taken.

        Args:
            blocks: Arrays of points, shape (n, dimension); asked about block by block.
            taken: Codes to skip; points yielded are skipped from then on.
            tries: Stop after so many points; None goes on to the end of the blocks.

        Yields:
            One point, shape (dimension,).
        """
        seen = set(taken)
        for block in blocks:
            part = block if tries is None else block[:tries]
            codes = self.codes(part)
            for row, code, ok in zip(part, codes, self.feasible(codes), strict=True):
                if ok and code not in seen:
                    seen.add(code)
                    yield row
            if tries is not None:
                tries -= len(part)
                if tries <= 0:
                    return

    def random_allowed(self, rng: np.random.Generator, n: int, taken: set[PointCode]) -> Array:
        """Random points that satisfy the constraint and are not taken, shape (at most n, dimension).

        Raises:
            ExhaustedError: If the space is finite and has no such point left.
            SpaceError: If no such point was found in `MAX_TRIES` random ones.
        """

        def blocks() -> Iterator[Array]:
            yield self.sample(rng, max(2 * n, 16))
            while True:
                yield self.sample(rng, 256)

        found = list(islice(self.allowed(blocks(), taken, tries=MAX_TRIES), n))
        if not found and self._sampler is None and self.size is not None and self.size <= MAX_TRIES:
            grid = self.grid()
            grid = grid[rng.permutation(len(grid))]
            found = list(islice(self.allowed(iter(np.array_split(grid, -(-len(grid) // 256))), taken), n))
        if not found:
            self.refuse(taken)
        return np.array(found)

    def refuse(self, taken: set[PointCode]) -> NoReturn:
        """Say why there is no point to suggest.

        Raises:
            ExhaustedError: If all that is allowed has been taken.
            SpaceError: If no point satisfies the constraint, as far as was tried.
        """
        searched_whole = self._sampler is None and self.size is not None and self.size <= MAX_TRIES
        if taken and self.size is not None and (searched_whole or len(taken) >= self.size):
            raise ExhaustedError(f"every allowed point has been evaluated or is pending ({len(taken)} of {self.size})")
        tried = f"all {self.size} points" if searched_whole else f"{MAX_TRIES} random candidates"
        raise SpaceError(
            f"no {'further ' if taken else ''}point satisfies the constraint: {tried} were tried",
            where="conf_dict:constraint",
            advice="loosen the constraint or narrow the space to where it holds",
        )
