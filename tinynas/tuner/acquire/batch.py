"""Several points at once: strategies that keep the points of a batch apart."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from tinynas.tuner.acquire.scorer import weigh
from tinynas.tuner.acquire.search import STARTS, enumerable, maximise, pool
from tinynas.tuner.config import TunerConfig
from tinynas.tuner.optional import load_optional
from tinynas.tuner.space import ExhaustedError, PointCode
from tinynas.tuner.surrogate import Model

__all__ = ["PROMISING", "clustered", "divided", "penalised"]

Array = NDArray[np.float64]

# Share of the candidates, the best ones, that are clustered.
PROMISING = 0.25
# Candidates that are scored again for the later points of a batch.
KEPT = 400
KEPT_LATER = 150
# After so many points of a batch one climb a point is enough: the batch is spread already, and 64 points take long.
FEW = 8


def penalised(
    model: Model, pending: Array, taken: set[PointCode], rngs: list[np.random.Generator], config: TunerConfig
) -> list[PointCode]:
    """One point after another, each given the earlier ones with their predicted values for outcomes.

    The mean stays, the uncertainty about a chosen point goes, and with it the interest in its surroundings (GP-BUCB:
    Desautels, Krause & Burdick 2014, "Parallelizing exploration-exploitation tradeoffs in Gaussian process bandit
    optimization"). The first point is the one that is asked for alone.

    Args:
        model: What is known.
        pending: Coordinates of points under evaluation, shape (k, dimension).
        taken: Codes of evaluated and pending points.
        rngs: One generator per point wanted.
        config: The tuner's configuration.

    Returns:
        At least one code; fewer than wanted when the space runs out.

    Raises:
        ExhaustedError: If no point is left.
        SpaceError: If no point was found that satisfies the constraint.
    """
    chosen: list[PointCode] = []
    candidates = pool(model.space, rngs[0], model.anchors, config.domain_size)
    count = len(candidates)
    for rng in rngs:
        acquisition = weigh(model, pending, config, count)
        known = np.vstack([model.known, pending])
        values = acquisition(candidates)
        try:
            climbs = STARTS if len(chosen) < FEW else 1
            row = maximise(acquisition, candidates, known, taken | set(chosen), rng, values, climbs)
        except ExhaustedError:
            if not chosen:
                raise
            break
        chosen += model.space.codes(row[None, :])
        pending = np.vstack([pending, row])
        kept = {1: KEPT, FEW: KEPT_LATER}.get(len(chosen))
        if kept is not None and not enumerable(model.space):
            # A chosen point lowers the acquisition around it and nowhere raises it: the rest need not be scored again.
            candidates = candidates[np.argsort(-values, kind="stable")[:kept]]
    return chosen


def clustered(
    model: Model, pending: Array, taken: set[PointCode], rngs: list[np.random.Generator], config: TunerConfig
) -> list[PointCode]:
    """The best point of each cluster of the most promising candidates, and the best of all refined.

    Clusters are those of k-means in the surrogate's own distance (Groves & Pyzer-Knapp 2018, "Efficient and scalable
    batch Bayesian optimization using k-means"). Arguments, result and errors are those of `penalised`, which supplies
    what the clusters cannot.
    """
    space = model.space
    promising, labels = divided(model, pending, taken, len(rngs), rngs[0], config)
    codes = space.codes(promising[:1])
    for label in np.setdiff1d(labels, labels[:1]):
        members = promising[labels == label]
        blocks = iter(np.array_split(members, -(-len(members) // 16)))
        row = next(space.allowed(blocks, taken | set(codes), tries=128), None)
        if row is not None:
            codes += space.codes(row[None, :])
    missing = rngs[len(codes) :]
    if missing:
        more = np.vstack([pending, space.coordinates(codes)])
        with suppress(ExhaustedError):
            codes += penalised(model, more, taken | set(codes), missing, config)
    return codes


def divided(
    model: Model, pending: Array, taken: set[PointCode], clusters: int, rng: np.random.Generator, config: TunerConfig
) -> tuple[Array, NDArray[np.int64]]:
    """The most promising candidates, and which cluster each belongs to.

    Args:
        model: What is known.
        pending: Coordinates of points under evaluation, shape (k, dimension).
        taken: Codes of evaluated and pending points.
        clusters: How many, at least 1.
        rng: Source of randomness.
        config: The tuner's configuration.

    Returns:
        Coordinates, shape (m, dimension), the best of all candidates refined and first, and labels, shape (m,).

    Raises:
        ExhaustedError, SpaceError: As `penalised`.
    """
    space = model.space
    candidates = pool(space, rng, model.anchors, config.domain_size)
    acquisition = weigh(model, pending, config, len(candidates))
    known = np.vstack([model.known, pending])
    values = acquisition(candidates)
    first = maximise(acquisition, candidates, known, taken, rng, values)
    ranked = candidates[np.argsort(-values, kind="stable")]
    promising = np.vstack([first, ranked[: max(int(PROMISING * len(ranked)), 4 * clusters)]])
    scaled = space.features(promising) / model.surrogate.kernel.length_scales[space.groups]
    return promising, _cluster(scaled, clusters, rng)


def _cluster(points: Array, clusters: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Cluster of each point, shape (n,), by k-means; fewer clusters where there are fewer distinct points."""
    clustering = load_optional("sklearn.cluster", "scikit-learn")  # slow to import, and only needed here

    distinct = min(clusters, len(np.unique(points, axis=0)))
    means = clustering.KMeans(n_clusters=distinct, n_init=1, random_state=int(rng.integers(2**31)))
    return np.asarray(means.fit(points).labels_, dtype=np.int64)
