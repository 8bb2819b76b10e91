"""The search for the maximum of an acquisition, in spaces of any mixture and under a constraint."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquire.scorer import Scorer
from tinynas.tuner.space import Categorical, Float, Integer, Multivariate, PointCode, Space

__all__ = ["STARTS", "enumerable", "maximise", "pool"]

Array = NDArray[np.float64]

# A finite space of at most this many points is searched whole.
GRID_LIMIT = 2_000
DEFAULT_CANDIDATES = 1_000
# Perturbed copies of the best known points among the candidates, as a share of the random ones.
PERTURBED_SHARE = 0.5
STARTS = 6
# Points the constraint is asked about, at most, to find starting points among the candidates.
START_TRIES = 512
LOCAL_STEPS = 20
GRADIENT_STEPS = 30
# Two continuous points closer than this in every column are the same point to the surrogate.
SAME = 1e-6
# New vectors tried per step of the local search, for a parameter that is a vector.
VECTOR_MOVES = 12


def pool(space: Space, rng: np.random.Generator, anchors: Array, candidates: int | None) -> Array:
    """Candidates to start from: random points, and perturbed copies of the best known ones.

    Args:
        space: Where to look.
        rng: Source of randomness.
        anchors: The best known points, shape (k, dimension).
        candidates: Number of random points; None for the default.

    Returns:
        Points, shape (n, dimension), constraint or not; the whole grid when the space is small and finite.
    """
    if enumerable(space):
        return space.grid()
    count = candidates or DEFAULT_CANDIDATES
    random = space.sample(rng, count)
    if len(anchors) == 0 or space.draws_by_sampler:
        return random
    copies = np.repeat(anchors, max(1, int(PERTURBED_SHARE * count) // len(anchors)), axis=0)
    return np.vstack([_perturb(space, copies, rng), random])


def maximise(
    acquisition: Scorer,
    X: Array,
    known: Array,
    taken: set[PointCode],
    rng: np.random.Generator,
    values: Array | None = None,
    climbs: int = STARTS,
) -> Array:
    """Find the allowed point with the highest acquisition that is neither evaluated nor pending.

    Args:
        acquisition: What to maximise.
        X: Candidates, shape (n, dimension), from `pool`.
        known: Coordinates of evaluated and pending points, shape (k, dimension).
        taken: Their codes.
        rng: Source of randomness.
        values: Acquisition of the candidates, shape (n,), where it is known already.
        climbs: Number of candidates to climb from, at least 1.

    Returns:
        The point, shape (dimension,).

    Raises:
        ExhaustedError: If no point is left.
        SpaceError: If no point was found that satisfies the constraint.
    """
    space = acquisition.space
    values = acquisition(X) if values is None else values
    ranked = X[np.argsort(-values, kind="stable")]
    if enumerable(space):
        row = next(space.allowed(_chunks(ranked), taken), None)
        if row is None:
            space.refuse(taken)
        return np.asarray(row)
    starts = list(islice(space.allowed(_chunks(ranked), taken, tries=START_TRIES), climbs))
    rows = np.array(starts) if starts else space.random_allowed(rng, climbs, taken)
    if not space.draws_by_sampler:
        # The user's sampler may leave parts of the space out for a reason; climbing would lead there.
        rows = np.vstack([_refine(acquisition, rows, taken, rng), rows])
    rows = rows[np.argsort(-acquisition(rows), kind="stable")]
    for row in rows:
        if not _repeats(space, row, known):
            return np.asarray(row)
    return np.asarray(space.random_allowed(rng, 1, taken)[0])


def enumerable(space: Space) -> bool:
    """Whether a space is so small that all its points are candidates."""
    return space.size is not None and space.size <= GRID_LIMIT and not space.draws_by_sampler


def _chunks(X: Array, size: int = 16) -> Iterator[Array]:
    for start in range(0, len(X), size):
        yield X[start : start + size]


def _repeats(space: Space, row: Array, known: Array) -> bool:
    # Without a continuous column the codes have already settled it.
    return bool(space.continuous.any() and len(known) and np.abs(known - row).max(axis=1).min() < SAME)


def _perturb(space: Space, X: Array, rng: np.random.Generator) -> Array:
    """Copies with a few parameters changed, a little or a lot."""
    Y = np.array(X)
    n, width = len(X), len(space.parameters)
    changed = rng.random((n, width)) < max(0.2, min(1.0, 2.0 / width))
    changed[np.arange(n), rng.integers(width, size=n)] = True
    spread = 10.0 ** rng.uniform(-3.0, -0.5, size=n)
    for i, (parameter, columns) in enumerate(space.blocks):
        rows = np.flatnonzero(changed[:, i])
        first = columns.start
        if isinstance(parameter, Categorical):
            Y[rows, first] = rng.random(len(rows))
        elif isinstance(parameter, Integer):
            shift = np.maximum(spread[rows], 1.0 / parameter.size) * rng.standard_normal(len(rows))
            Y[rows, first] = np.clip(Y[rows, first] + shift, 0.0, 1.0)
        elif isinstance(parameter, Float):
            Y[rows, first] = np.clip(Y[rows, first] + spread[rows] * rng.standard_normal(len(rows)), 0.0, 1.0)
        else:
            Y[rows, columns] = _towards_draws(parameter, Y[rows, columns], rng)
    return space.snap(Y)


def _towards_draws(parameter: Multivariate, block: Array, rng: np.random.Generator) -> Array:
    draws = parameter.sample(rng, len(block))
    if not parameter.convex:
        return draws
    share = 10.0 ** rng.uniform(-2.5, 0.0, size=(len(block), 1))
    return np.asarray(block + share * (draws - block))


def _refine(acquisition: Scorer, X: Array, taken: set[PointCode], rng: np.random.Generator) -> Array:
    """Climb from every row: gradient steps in continuous columns, one-parameter moves in the others."""
    space = acquisition.space
    some_discrete = not bool(space.continuous.all())
    for _ in range(2 if some_discrete and space.continuous.any() else 1):
        if some_discrete:
            X = _climb_by_moves(acquisition, X, taken, rng)
        if space.continuous.any():
            X = _climb_by_gradient(acquisition, X, taken)
        # Rows that have met at one maximum need not climb on together.
        X = X[np.unique(np.round(X, 3), axis=0, return_index=True)[1]]
    return X


def _climb_by_gradient(acquisition: Scorer, X: Array, taken: set[PointCode]) -> Array:
    from scipy.optimize import minimize  # slow to import; see surrogate.fit

    space = acquisition.space
    free = np.flatnonzero(space.continuous)
    bounds = space.bounds * len(X)
    trial = np.array(X)

    # The sum over rows has the same stationary points as the rows one by one, and one call serves them all.
    def negative(flat: Array) -> tuple[float, Array]:
        trial[:, free] = flat.reshape(len(X), len(free))
        value, slope = acquisition.with_gradient(trial)
        return -float(value.sum()), -slope[:, free].ravel()

    start = X[:, free].ravel()
    result = minimize(
        negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": GRADIENT_STEPS, "maxcor": 20}
    )
    end = np.array(X)
    end[:, free] = result.x.reshape(len(X), len(free))
    return _keep_allowed(acquisition, X, end, taken)


def _keep_allowed(acquisition: Scorer, X: Array, end: Array, taken: set[PointCode]) -> Array:
    """Accept each row's end, or a point on the way there, where that is better than its start and allowed."""
    space = acquisition.space
    kept, start_values = np.array(X), acquisition(X)
    waiting = np.arange(len(X))
    for share in (1.0, 0.5, 0.25, 0.1):
        trial = space.snap(X[waiting] + share * (end[waiting] - X[waiting]))
        codes = space.codes(trial)
        good = np.array(space.feasible(codes)) & (acquisition(trial) > start_values[waiting])
        good &= np.array([code not in taken for code in codes])
        kept[waiting[good]] = trial[good]
        waiting = waiting[~good]
        if len(waiting) == 0:
            break
    return kept


def _climb_by_moves(acquisition: Scorer, X: Array, taken: set[PointCode], rng: np.random.Generator) -> Array:
    """Best-improvement ascent over changes of one parameter (and random pairs of them), all rows side by side."""
    space = acquisition.space
    X, values = np.array(X), acquisition(X)
    active = list(range(len(X)))
    for _ in range(LOCAL_STEPS):
        around = [_neighbours(space, X[i], rng) for i in active]
        scores = np.split(acquisition(np.vstack(around)), np.cumsum([len(rows) for rows in around])[:-1])
        still = []
        for i, rows, score in zip(active, around, scores, strict=True):
            better = np.flatnonzero(score > values[i] + 1e-9 * abs(values[i]))
            better = better[np.argsort(-score[better], kind="stable")]
            step = next(space.allowed(_chunks(rows[better], 8), taken, tries=64), None)
            if step is not None:
                X[i] = step
                still.append(i)
        active = still
        if not active:
            break
        values[active] = acquisition(X[active])
    return X


def _neighbours(space: Space, row: Array, rng: np.random.Generator) -> Array:
    """Points that differ from a row in one parameter that is not continuous, and some that differ in two."""
    flips = np.repeat(row[None, :], len(space.binary), axis=0)
    flips[np.arange(len(flips)), space.binary] = 1.0 - row[space.binary]
    rows = [flips]
    for parameter, columns in space.steppable:
        if isinstance(parameter, Multivariate):
            block = np.repeat(row[None, :], VECTOR_MOVES, axis=0)
            block[:, columns] = _towards_draws(parameter, block[:, columns], rng)
        else:
            targets = parameter.moves(float(row[columns.start]), rng)
            block = np.repeat(row[None, :], len(targets), axis=0)
            block[:, columns.start] = targets
        rows.append(block)
    singles = np.vstack(rows)
    return np.vstack([singles, _pairs(space, row, singles, rng)])


def _pairs(space: Space, row: Array, singles: Array, rng: np.random.Generator) -> Array:
    # Two moves at once get past a constraint on a total: one membership bit off, another one on.
    if len(singles) < 2 or len(space.parameters) < 2:
        return np.empty((0, space.dimension))
    count = min(2 * len(singles), 40)
    first, second = singles[rng.integers(len(singles), size=count)], singles[rng.integers(len(singles), size=count)]
    return np.where(second != row, second, first)
