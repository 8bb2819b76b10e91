import numpy as np
import pytest
import scipy.stats as st

from tinynas.errors import SpaceError
from tinynas.tuner import ExhaustedError, Space, TunerConfig
from tinynas.tuner.acquire.design import design_points, explores

CUBE = Space({"x": st.uniform(0, 1), "y": st.uniform(0, 1)})


def test_the_points_fill_space_better_than_random_ones():
    def emptiest(codes):
        grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 40)] * 2), -1)
        points = CUBE.coordinates(codes)
        return np.sqrt(((grid.reshape(-1, 1, 2) - points) ** 2).sum(axis=2)).min(axis=1).max()

    designed = [emptiest(design_points(CUBE, seed, 32, set())) for seed in range(8)]
    random = [emptiest(CUBE.codes(CUBE.sample(np.random.default_rng(seed), 32))) for seed in range(8)]
    assert np.mean(designed) < 0.85 * np.mean(random)


def test_the_sequence_goes_on_where_it_was_left():
    all_at_once = design_points(CUBE, 7, 6, set())
    one_by_one = []
    for _ in range(6):
        one_by_one += design_points(CUBE, 7, 1, set(one_by_one))
    assert one_by_one == all_at_once


def test_seeds_differ():
    assert design_points(CUBE, 1, 3, set()) != design_points(CUBE, 2, 3, set())


def test_each_single_point_is_uniform():
    first = np.array([design_points(CUBE, seed, 1, set())[0] for seed in range(300)])
    assert np.abs(first.mean(axis=0) - 0.5).max() < 0.07


def test_a_rare_constraint_is_met():
    space = Space({"x": st.uniform(0, 1), "y": st.uniform(0, 1)}, constraint=lambda ps: [p["x"] < 0.005 for p in ps])
    assert all(x < 0.005 for x, _ in design_points(space, 0, 5, set()))


def test_finite_spaces_are_used_up_and_then_refused():
    space = Space({"a": range(3), "b": [True, False]}, constraint=lambda ps: [p["a"] > 0 for p in ps])
    codes = design_points(space, 0, 10, set())
    assert len(set(codes)) == len(codes) == 4
    with pytest.raises(ExhaustedError):
        design_points(space, 0, 1, set(codes))
    nothing = Space({"a": range(3)}, constraint=lambda ps: [False] * len(ps))
    with pytest.raises(SpaceError, match="all 3 points"):
        design_points(nothing, 0, 1, set())


def test_exploration_decays_to_its_minimum():
    config = TunerConfig(exploration=1.0, exploration_decay=0.5, exploration_min=0.1)
    thrown = np.array([[explores(config, seed, asked) for asked in range(60)] for seed in range(200)])
    assert thrown[:, 0].all()
    assert thrown[:, 1].mean() == pytest.approx(0.5, abs=0.12)
    assert 0.03 < thrown[:, 30:].mean() < 0.12
    assert not any(explores(TunerConfig(), 0, asked) for asked in range(20))
