"""Classifiers and data sets to tune on: the spaces, the cross-validated accuracy, and a memory of what was evaluated.

The objective is the mean accuracy over five stratified folds, the same for everybody; distances, margins and networks
see standardised inputs. What is searched in its logarithm is a uniform parameter named `log10_...`, which every
optimiser is given alike. Numbers are rounded to two decimals before they reach a learner, so that a memory of
accuracies serves all optimisers: an accuracy follows from data set, learner
and rounded parameters alone, whoever asks.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

from _problems import Choice, Integers, Params, Problem, Space, Uniform

__all__ = ["DATASETS", "LEARNERS", "Accuracies", "Learner", "available", "shared"]

DATASETS = ("iris", "wine", "breast_cancer")
FOLDS = 5
DECIMALS = 2


@dataclass(frozen=True)
class Learner:
    """A classifier with something to tune.

    Attributes:
        space: What there is to choose.
        make: Makes an estimator of a choice.
        standardise: Whether inputs are standardised first.
        package: What must be installed.
    """

    space: Space
    make: Callable[..., Any]
    standardise: bool
    package: str = "sklearn"


def _network(**params: Any) -> Any:
    from sklearn.neural_network import MLPClassifier

    units = (params.pop("units"),)
    return MLPClassifier(hidden_layer_sizes=units, max_iter=100, random_state=0, **params)


def _neighbours(**params: Any) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(**params)


def _boosting(**params: Any) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_jobs=1, random_state=0, verbosity=0, **params)


def _tree(**params: Any) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(random_state=0, **params)


def _vectors(**params: Any) -> Any:
    from sklearn.svm import SVC

    return SVC(max_iter=20_000, **params)


LEARNERS = {
    "nn": Learner(
        {
            "units": Integers(4, 128),
            "activation": Choice(("relu", "tanh", "logistic")),
            "log10_alpha": Uniform(-6.0, -1.0),
            "log10_learning_rate_init": Uniform(-4.0, -1.0),
        },
        _network,
        standardise=True,
    ),
    "knn": Learner(
        {
            "n_neighbors": Integers(1, 50),
            "weights": Choice(("uniform", "distance")),
            "metric": Choice(("euclidean", "manhattan", "chebyshev")),
        },
        _neighbours,
        standardise=True,
    ),
    "xgboost": Learner(
        {
            "n_estimators": Integers(5, 100),
            "max_depth": Integers(1, 10),
            "log10_learning_rate": Uniform(-2.0, 0.0),
            "subsample": Uniform(0.3, 1.0),
            "colsample_bytree": Uniform(0.3, 1.0),
            "log10_reg_lambda": Uniform(-3.0, 1.0),
        },
        _boosting,
        standardise=False,
        package="xgboost",
    ),
    "tree": Learner(
        {
            "max_depth": Integers(1, 20),
            "min_samples_split": Integers(2, 20),
            "min_samples_leaf": Integers(1, 20),
            "criterion": Choice(("gini", "entropy")),
            "max_features": Uniform(0.1, 1.0),
        },
        _tree,
        standardise=False,
    ),
    "svm": Learner({"log10_C": Uniform(-3.0, 3.0), "log10_gamma": Uniform(-4.0, 1.0)}, _vectors, standardise=True),
}


def available(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the learners whose package is installed."""
    return tuple(name for name in names if find_spec(LEARNERS[name].package))


class Accuracies:
    """Cross-validated accuracies, each worked out once.

    Attributes:
        known: Those worked out, by data set, learner and parameters.
    """

    def __init__(self) -> None:
        self.known: dict[str, float] = {}

    def __call__(self, dataset: str, learner: str, params: Params) -> float:
        """Mean accuracy over the folds."""
        rounded = {name: _rounded(what, params[name]) for name, what in LEARNERS[learner].space.items()}
        key = json.dumps([dataset, learner, *rounded.values()])
        if key not in self.known:
            self.known[key] = _cross_validated(dataset, learner, rounded)
        return self.known[key]

    def problem(self, dataset: str, learner: str) -> Problem:
        """To minimise the share of samples that are classified wrongly."""
        space = LEARNERS[learner].space
        return Problem(f"{learner} {dataset}", space, lambda params: 1.0 - self(dataset, learner, params), 0.0)


@cache
def shared() -> Accuracies:
    """The memory that all runs of this process share."""
    return Accuracies()


def _rounded(what: Uniform | Integers | Choice, value: Any) -> float | int | str:
    if isinstance(what, Uniform):
        return round(float(value), DECIMALS)
    return int(value) if isinstance(what, Integers) else str(value)


def _natural(params: Params) -> Params:
    """Logarithms to what they are the logarithms of."""
    prefix = "log10_"
    return {
        name.removeprefix(prefix): 10.0**value if name.startswith(prefix) else value for name, value in params.items()
    }


@cache
def _data(dataset: str) -> tuple[Any, Any]:
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{dataset}")(return_X_y=True)
    return X, y


def _cross_validated(dataset: str, learner: str, params: Params) -> float:
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    description = LEARNERS[learner]
    estimator = description.make(**_natural(params))
    if description.standardise:
        estimator = make_pipeline(StandardScaler(), estimator)
    X, y = _data(dataset)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        # A network that is not done after 100 epochs, or a support vector machine after 20,000 steps, counts as it is.
        warnings.simplefilter("ignore")
        return float(cross_val_score(estimator, X, y, cv=folds).mean())
