"""The search space: points, which of them are allowed, and random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import ExhaustedError, SpaceError
from tinynas.tuner.config import ConfigTypeError, ConfigValueError, Params
from tinynas.tuner.space.holding import MAX_TRIES, HoldingEncoding
from tinynas.tuner.space.parameters import Multivariate, PointCode
from tinynas.tuner.space.promise import Ask, Known, Promise

__all__ = ["ExhaustedError", "PointCode", "Space"]

Array = NDArray[np.float64]

# Constraint verdicts remembered; the memory saves time only, so it may be emptied at any moment.
MAX_MEMORY = 200_000
# Random points that say on which scale promises lie.
SCALE_POINTS = 256


class Space(HoldingEncoding):
    """Points as dictionaries, codes and coordinates, and which of them are allowed.

    Args:
        param_dict: Name to `range`, list, or frozen scipy.stats distribution.
        constraint: `f(list of dicts) -> list of bool`, deterministic; None allows everything.
        sampler: `f(param_dict, size) -> list of dicts`: then points are its draws and nothing else. None draws each
            parameter on its own.
        conditions: Names of parameters that not every point has, each with the names of others and the values that
            these must have for it to exist; see `Conditions`.
        promise: `f(list of dicts) -> list of numbers`, larger where better values are expected; see `Promise`.
        price: `f(list of dicts) -> list of numbers` above 0: what an evaluation costs, in any unit.

    Attributes:
        names: Parameter names, sorted; the order of columns.
        parameters: What the names stand for, in the same order.
        dimension: Number of coordinate columns.
        blocks: Each parameter with the slice of columns it owns.
        groups: Length scale that each column of `features` has or shares, shape (features,).
        continuous: Which columns are floats, shape (dimension,).
        binary: Columns of categories with two values.
        steppable: The parameters that are neither floats nor among these, with their columns.
        size: Number of distinct points; None when infinite.

    Raises:
        ConfigTypeError: If `param_dict` is not a dictionary of such descriptions.
        ConfigValueError: If the conditions make no sense.
        SpaceError: If a parameter has no values.

    Example:
        >>> space = Space({"depth": range(3, 9), "norm": ["none", "batch"]})
        >>> space.size, space.code({"depth": 4, "norm": "batch"})
        (12, (4, 1))
        >>> parts = {"optimizer": ["adam", "sgd"], "momentum": [0.5, 0.9]}
        >>> space = Space(parts, conditions={"momentum": {"optimizer": ["sgd"]}})
        >>> [space.params(code) for code in space.codes(space.grid())]
        [{'optimizer': 'adam'}, {'optimizer': 'sgd', 'momentum': 0.5}, {'optimizer': 'sgd', 'momentum': 0.9}]
    """

    def __init__(
        self,
        param_dict: Mapping[str, Any],
        *,
        constraint: Callable[[list[Params]], Sequence[bool]] | None = None,
        sampler: Callable[[Mapping[str, Any], int], Sequence[Params]] | None = None,
        conditions: Mapping[str, Any] | None = None,
        promise: Ask | None = None,
        price: Ask | None = None,
    ) -> None:
        super().__init__(param_dict, conditions)
        self._constraint, self._sampler = constraint, sampler
        self._promised = None if promise is None else Known("promise", promise, self.params)
        self._price = None if price is None else Known("price", price, self.params)
        self._verdicts: dict[PointCode, bool] = {}

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

    @cached_property
    def _promise(self) -> Promise | None:
        if self._promised is None:
            return None
        sample = self.codes(self.sample(np.random.default_rng(0), SCALE_POINTS))
        return Promise(self._promised, sample)

    def promise(self, X: Array) -> Array:
        """How promising points are thought to be, shape (n, 1), mostly within [0, 1]; (n, 0) where nothing is thought.

        Raises:
            ConfigTypeError, ConfigValueError: As `Promise`.
        """
        if self._promise is None:
            return np.empty((len(X), 0))
        return self._promise(self.codes(X))[:, None]

    def log_price(self, X: Array) -> Array:
        """Logarithm of what an evaluation costs, shape (n,); that of 1 where nothing is known.

        Raises:
            ConfigTypeError: As `Known`.
            ConfigValueError: As `Known`; or a price is not above 0.
        """
        if self._price is None:
            return np.zeros(len(X))
        price = np.nan_to_num(self._price(self.codes(X)), nan=1.0)
        if (price <= 0.0).any():
            raise ConfigValueError(f"a price must be above 0, not {price.min():g}", where="conf_dict:price")
        return np.asarray(np.log(price))

    @property
    def priced(self) -> bool:
        """Whether evaluations differ in what they cost."""
        return self._price is not None

    @property
    def promises(self) -> bool:
        """Whether anything is thought of points beforehand."""
        return self._promised is not None

    @property
    def draws_by_sampler(self) -> bool:
        """Whether random points come from the user's sampler."""
        return self._sampler is not None

    @property
    def constrained(self) -> bool:
        """Whether there is a known constraint."""
        return self._constraint is not None

    def feasible(self, codes: Sequence[PointCode]) -> list[bool]:
        """Ask the constraint about points, in one call for those it was not asked about before.

        Raises:
            ConfigTypeError: If the constraint returns something else than truth values.
            ConfigValueError: If it returns another number of them.
        """
        if not self.held:
            return self._satisfied(codes)
        there = [self.holds(code) for code in codes]
        satisfied = iter(self._satisfied([code for code, held in zip(codes, there, strict=True) if held]))
        return [held and next(satisfied) for held in there]

    def forget_verdicts(self) -> None:
        """Ask the constraint again about points that it was asked about before."""
        self._verdicts.clear()

    def _satisfied(self, codes: Sequence[PointCode]) -> list[bool]:
        if self._constraint is None:
            return [True] * len(codes)
        unknown = list(dict.fromkeys(code for code in codes if code not in self._verdicts))
        if unknown:
            if len(self._verdicts) + len(unknown) > MAX_MEMORY:
                self._verdicts.clear()
                unknown = list(dict.fromkeys(codes))
            self._verdicts.update(zip(unknown, self._ask(unknown), strict=True))
        return [self._verdicts[code] for code in codes]

    def _ask(self, codes: Sequence[PointCode]) -> list[bool]:
        """Call the constraint; one by one where its answer is a single truth value, which holds for a single point."""
        assert self._constraint is not None
        answer: Any = self._constraint([self.params(code) for code in codes])
        if isinstance(answer, bool | np.bool_):
            return [bool(answer)] if len(codes) == 1 else [self._ask([code])[0] for code in codes]
        if not isinstance(answer, Iterable) or isinstance(answer, str | bytes | Mapping):
            raise ConfigTypeError(
                f"a constraint must return a truth value for each point, not {answer!r}", where="conf_dict:constraint"
            )
        answers = list(answer)
        if len(answers) != len(codes):
            raise ConfigValueError(
                f"the constraint gave {len(answers)} answers for {len(codes)} points", where="conf_dict:constraint"
            )
        try:
            return [bool(one) for one in answers]
        except ValueError as error:
            raise ConfigTypeError(
                f"a constraint must return a truth value for each point: {error}", where="conf_dict:constraint"
            ) from error

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
            if self.conditions:
                part = self.snap(part)
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
        taken = {code for code in taken if self.holds(code)}
        searched_whole = self._sampler is None and self.size is not None and self.size <= MAX_TRIES
        if taken and self.size is not None and (searched_whole or len(taken) >= self.size):
            raise ExhaustedError(f"every allowed point has been evaluated or is pending ({len(taken)} of {self.size})")
        tried = f"all {self.size} points" if searched_whole else f"{MAX_TRIES} random candidates"
        raise SpaceError(
            f"no {'further ' if taken else ''}point satisfies the constraint: {tried} were tried",
            where="conf_dict:constraint",
            advice="loosen the constraint or narrow the space to where it holds",
        )
