"""What a search knows before its first trial: candidates of the user's own, and what an earlier study has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynas.errors import SpaceError
from tinynas.search.neighbours import completed
from tinynas.search.problem import Problem
from tinynas.search.schedule import rank_best
from tinynas.study import Study

__all__ = ["check_candidates", "describe_earlier", "first_candidates", "own_candidates", "rescale"]

Params = dict[str, Any]

# The best networks of an earlier study are tried first.
_TRIED_FIRST = 3
# Own scores from which on the earlier ones are put on their scale.
_ENOUGH = 4
# Parameters that a candidate gives together, as the list that its network has.
_PLAIN_GROWTH = 1.0
_LISTS = {"dilation_": "dilations", "stride_": "strides"}


def own_candidates(problem: Problem, *, fitting: bool = False) -> list[Params]:
    """The networks that the configuration names (`space.candidates`), as suggestions of the tuner.

    Args:
        problem: What is searched.
        fitting: Leave out what does not fit the board, since it may be meant for another one.

    Raises:
        SpaceError: One of them has an unknown key or a value outside the space; or does not fit the board, unless
            `fitting`.
    """
    found: list[Params] = []
    for number, given in enumerate(problem.config.space.candidates):
        where = f"space.candidates[{number}]"
        suggested = _suggestion(problem, given, where)
        if _fits(problem, suggested):
            found.append(suggested)
        elif not fitting:
            raise SpaceError("the network does not fit the board", where=where, advice="leave it out")
    return found


def check_candidates(problems: Sequence[Problem]) -> None:
    """Check the networks that the configuration names.

    Args:
        problems: What is searched, board by board.

    Raises:
        SpaceError: One of them has an unknown key or a value outside the space, or fits none of the boards.
    """
    first = problems[0]
    for number, given in enumerate(first.config.space.candidates):
        where = f"space.candidates[{number}]"
        suggested = _suggestion(first, given, where)
        if not any(_fits(problem, suggested) for problem in problems):
            boards = "the board" if len(problems) == 1 else "any of the boards"
            raise SpaceError(f"the network does not fit {boards}", where=where, advice="leave it out")


def describe_earlier(study: Study, problem: Problem) -> list[dict[str, Any]]:
    """What an earlier study found, for a new one to keep: best first.

    Args:
        study: The earlier one, of another board, other data or other training.
        problem: What is searched now.

    Returns:
        `params` and `objective` of every network that was trained to the end there and is in this space.
    """
    return [
        {"params": dict(trial.params or {}), "objective": trial.objective}
        for trial in rank_best(study.trials())
        if trial.params is not None and _belongs(problem, trial.params)
    ]


def first_candidates(problem: Problem, earlier: Sequence[Mapping[str, Any]], *, fitting: bool = False) -> list[Params]:
    """What is tried before the tuner suggests anything: the user's candidates, then the best of an earlier study.

    Args:
        problem: What is searched.
        earlier: What the earlier study found, best first.
        fitting: See `own_candidates`.
    """
    known = [dict(one["params"]) for one in earlier if _fits(problem, one["params"])]
    return [*own_candidates(problem, fitting=fitting), *known[:_TRIED_FIRST]]


def rescale(earlier: Sequence[float], own: Sequence[float]) -> list[float]:
    """Put the scores of an earlier study on the scale of this one, by rank.

    Scores of two boards or two sets of data do not compare, their order does: the best of the earlier study counts as
    much as the best of this one, its median as this one's median.

    Args:
        earlier: Scores of the earlier study.
        own: Scores of this one so far. Below four the earlier ones stay as they are.

    Example:
        >>> [round(value, 3) for value in rescale([5.0, 9.0, 7.0], [0.1, 0.2, 0.3, 0.4])]
        [0.15, 0.35, 0.25]
    """
    if len(own) < _ENOUGH:
        return list(earlier)
    ranks = np.argsort(np.argsort(np.asarray(earlier, np.float64), kind="stable"), kind="stable")
    return [float(value) for value in np.quantile(np.asarray(own, np.float64), (ranks + 0.5) / max(1, len(earlier)))]


def _suggestion(problem: Problem, given: Mapping[str, Any], where: str) -> Params:
    left, found, family = dict(given), dict[str, Any](), ""
    if "" not in problem.families:
        family = found["family"] = left.pop("family", None)
        if family not in problem.families:
            advice = f"say which of {', '.join(problem.families)}"
            raise SpaceError(f"family {family!r} is outside the space", where=where, advice=advice)
    known = problem.parameters(family)
    lists = {plural for prefix, plural in _LISTS.items() if any(name.startswith(prefix) for name in known)}
    for name, domain in known.items():
        found[name] = left.pop(name) if name in left else _from_list(name, given, domain)
        if not _within(domain, found[name]):
            raise SpaceError(f"{name} {found[name]!r} is outside the space", where=where)
    unknown = [name for name in left if name not in lists]
    if unknown:
        names = ", ".join(sorted({name for name in known if not name.startswith(tuple(_LISTS))} | lists))
        raise SpaceError(f"unknown: {', '.join(unknown)}", where=where, advice=f"a candidate has {names}")
    for prefix, plural in _LISTS.items():
        offered = {name.removeprefix(prefix) for name in known if name.startswith(prefix)}
        if plural == "dilations" and (outside := [d for d in left.get(plural, ()) if str(d) not in offered]):
            raise SpaceError(f"dilations {outside} are not among space.dilations", where=where)
    found = completed(problem, found)
    try:
        problem.architecture(found)
    except SpaceError as error:
        raise SpaceError(f"not a network of the space: {error.message}", where=where) from error
    return found


def _from_list(name: str, given: Mapping[str, Any], domain: Any) -> Any:
    """A parameter that the candidate gives in a list, or leaves out: the least value, of growths that next to 1."""
    for prefix, plural in _LISTS.items():
        if name.startswith(prefix) and plural in given:
            number = int(name.removeprefix(prefix))
            if plural == "dilations":
                return number in given[plural]
            return given[plural][number] if number < len(given[plural]) else domain[0]
    if name == "blocks" and "strides" in given:
        return len(given["strides"])
    if name == "growth":
        return float(np.clip(_PLAIN_GROWTH, *domain.support()))
    return domain[0] if isinstance(domain, list | range) else float(domain.ppf(0.0))


def _within(domain: Any, value: Any) -> bool:
    if isinstance(domain, list | range):
        return value in domain
    low, high = domain.support()
    return isinstance(value, int | float) and low <= value <= high


def _fits(problem: Problem, params: Mapping[str, Any]) -> bool:
    return problem.fits(problem.architecture(params), params)


def _belongs(problem: Problem, params: Mapping[str, Any]) -> bool:
    """Whether a suggestion of another search is one of this one."""
    family = params.get("family", "")
    if family not in problem.families or completed(problem, params) != dict(params):
        return False
    known = problem.parameters(family)
    own = {name: value for name, value in params.items() if name != "family"}
    if not set(own) <= set(known) or not set(known) - set(problem.families[family].conditions) <= set(own):
        return False
    if not all(_within(known[name], value) for name, value in own.items()):
        return False
    try:
        problem.architecture(params)
    except SpaceError:
        return False
    return True
