"""Searches that know beforehand where good points may lie."""

import numpy as np
import pytest

from tinynas.tuner import Tuner
from tinynas.tuner.config import ConfigValueError

# A wide space in which one hidden combination of all parameters decides.
SPACE = {"filters": range(2, 64), "kernel": range(2, 16)} | {f"dilation_{i}": [False, True] for i in range(6)}


def _size(point):
    return np.log(point["filters"] * point["kernel"] * (1 + sum(point[f"dilation_{i}"] for i in range(6))))


def _error(point):
    """Falls with the size, and has ripples of its own; sizes above a limit are not allowed."""
    return float(1.0 - 0.1 * _size(point) + 0.03 * np.sin(point["filters"]) + 0.02 * point["dilation_3"])


def _fits(points):
    return [_size(point) < 7.5 for point in points]


def _search(count, seed, **options):
    tuner = Tuner(
        SPACE, conf_dict={"sense": "minimize", "seed": seed, "constraint": _fits, "design_size": 4, **options}
    )
    for _ in range(count):
        [point] = tuner.ask()
        tuner.tell(point, _error(point))
    return tuner


def test_a_promise_finds_better_points_sooner():
    plain = [_search(8, seed).best[1] for seed in range(5)]
    led = [_search(8, seed, promise=lambda points: [_size(p) for p in points]).best[1] for seed in range(5)]
    assert np.mean(led) < np.mean(plain)
    assert all(one <= other + 0.02 for one, other in zip(led, plain, strict=True))


def test_a_promise_of_the_contrary_is_unlearned():
    """The slope is learned: its sign too."""
    wrong = [_search(14, seed, promise=lambda points: [-_size(p) for p in points]).best[1] for seed in range(5)]
    plain = [_search(14, seed).best[1] for seed in range(5)]
    assert np.mean(wrong) < np.mean(plain) + 0.01


def test_three_of_four_first_points_are_the_most_promising_of_many():
    tuner = Tuner(SPACE, conf_dict={"seed": 0, "design_size": 8, "promise": lambda points: [_size(p) for p in points]})
    sizes = [_size(point) for point in tuner.ask(8)]
    assert min(sizes[:3]) > sizes[3]
    assert min(sizes[4:7]) > sizes[7]
    assert len({tuple(sorted(point.items())) for point in tuner.pending}) == 8


def test_where_prices_differ_the_first_point_is_of_the_cheaper_half():
    options = {
        "promise": lambda points: [_size(p) for p in points],
        "price": lambda points: [p["filters"] for p in points],
    }
    for seed in range(5):
        tuner = Tuner(SPACE, conf_dict={"seed": seed, "design_size": 4, **options})
        filters = [point["filters"] for point in tuner.ask(4)]
        assert filters[0] < 34
        assert filters[1:] == sorted(filters[1:])


def test_suggestions_improve_most_by_price():
    """The error hardly differs, the price does."""

    def mean_filters(**options):
        tuner = Tuner(SPACE, conf_dict={"sense": "minimize", "seed": 0, "design_size": 6, **options})
        found = []
        for _ in range(16):
            [point] = tuner.ask()
            tuner.tell(point, 0.01 * np.sin(point["filters"]) + 0.1 * point["dilation_0"])
            found.append(point["filters"])
        return np.mean(found[6:])

    assert mean_filters(price=lambda points: [p["filters"] ** 2 for p in points]) < mean_filters()


@pytest.mark.parametrize("price", [0.0, -1.0])
def test_a_price_that_is_none_is_refused(price):
    tuner = Tuner(SPACE, conf_dict={"seed": 0, "design_size": 1, "price": lambda points: [price] * len(points)})
    for _ in range(1):
        [point] = tuner.ask()
        tuner.tell(point, 1.0)
    with pytest.raises(ConfigValueError, match="above 0"):
        tuner.ask()


def test_a_confidence_bound_has_no_price():
    with pytest.raises(ConfigValueError, match="divided by a price"):
        Tuner(SPACE, conf_dict={"acquisition": "ucb", "price": lambda points: [1.0] * len(points)})


@pytest.mark.parametrize("count", [1, 3, 6])
def test_first_points_do_not_depend_on_how_many_are_asked_for_at_a_time(count):
    options = {"seed": 3, "design_size": 6, "promise": lambda points: [_size(p) for p in points]}
    whole, parts = Tuner(SPACE, conf_dict=options), Tuner(SPACE, conf_dict=options)
    expected = whole.ask(6)
    found = []
    while len(found) < 6:
        found += parts.ask(count)
    assert found == expected


def test_a_restored_search_goes_on_alike():
    options = {"promise": lambda points: [_size(p) for p in points]}
    first = _search(9, 1, **options)
    second = _search(0, 1, **options)
    second.restore(first.observations, [], first.asked)
    assert first.ask() == second.ask()


def test_a_finite_space_is_exhausted_all_the_same():
    space = {"a": range(5), "b": [False, True]}
    tuner = Tuner(space, conf_dict={"seed": 0, "design_size": 20, "promise": lambda points: [p["a"] for p in points]})
    assert len(tuner.ask(20)) == 10


def test_low_fidelities_and_a_promise_go_together():
    tuner = _search(0, 0, promise=lambda points: [_size(p) for p in points])
    for _ in range(6):
        [point] = tuner.ask()
        tuner.tell(point, _error(point) + 0.1, fidelity=0.2)
    [point] = tuner.ask()
    tuner.tell(point, _error(point))
    mean, deviation = tuner.predict([point])
    assert np.isfinite(mean).all()
    assert np.isfinite(deviation).all()


def test_several_objectives_and_constraints_go_with_a_promise():
    tuner = Tuner(
        SPACE,
        conf_dict={"sense": ["minimize", "minimize"], "seed": 0, "design_size": 3,
                   "promise": lambda points: [_size(p) for p in points]},
    )  # fmt: skip
    for _ in range(6):
        [point] = tuner.ask()
        tuner.tell(point, (_error(point), _size(point)), constraints=[_size(point) - 7.0])
    assert tuner.front
