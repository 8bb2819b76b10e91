"""What a user of Mango may rely on: runs written for it work unchanged, and find what they are after."""

import math
import random

import numpy as np
import pytest
import scipy.stats as st

from tinynas.tuner import Tuner, TunerConfig, loguniform, scheduler

GRID = {"x": range(-10, 10), "y": range(-10, 10)}
HUNDRED = {"a": range(1, 100), "b": range(1, 100)}
EASY = {"a": st.uniform(0, 1), "b": range(1, 5), "c": [1, 2, 3], "d": ["-1", "1"]}
SEEDS = [0, 1, 2]


def quiet(seed=0, **more):
    return {"log_progress": False, "seed": seed, **more}


def add(batch):
    return [p["a"] + p["b"] for p in batch]


def bowl(batch):
    return [(p["x"] ** 2 + p["y"] ** 2) / 1e4 for p in batch]


def easy(batch):
    return [p["a"] + p["b"] + p["c"] + int(p["d"]) for p in batch]


class TestInitialPoints:
    POINTS = ({"a": 1, "b": 1}, {"a": 2, "b": 2})

    def test_points_come_first(self):
        results = Tuner(HUNDRED, add, quiet(initial_custom=list(self.POINTS), num_iteration=2)).run()
        # Object arrays compare with lists of dictionaries element by element.
        assert (results["params_tried"][:2] == list(self.POINTS)).all()
        assert results["random_params"][1] == self.POINTS[1]

    def test_known_values_are_taken_as_they_are(self):
        pairs = [(self.POINTS[0], 12), (self.POINTS[1], -4)]
        results = Tuner(HUNDRED, add, quiet(initial_custom=pairs, num_iteration=2)).run()
        assert (results["params_tried"][:2] == list(self.POINTS)).all()
        assert (results["objective_values"][:2] == [12, -4]).all()

    @pytest.mark.parametrize("custom", [{"a": 1, "b": 1}, [1], [{"a": 1, "b": 1}, ({"a": 1, "b": 1}, 2)]])
    def test_anything_else_is_refused_in_mangos_words(self, custom):
        with pytest.raises(TypeError, match=r"Elements of initial_custom param should be either a dict of params or"):
            Tuner(HUNDRED, add, quiet(initial_custom=custom))

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_bad_start_is_overcome(self, seed):
        space = {"x": range(-100, 10), "y": range(-10, 20)}
        custom = [{"x": -100, "y": 20}, {"x": 10, "y": 20}]
        best = Tuner(space, bowl, quiet(seed, initial_custom=custom)).minimize()["best_params"]
        assert abs(best["x"]) <= 3
        assert abs(best["y"]) <= 3

    def test_a_whole_earlier_run_as_initial_points(self):
        first = Tuner(HUNDRED, add, quiet(num_iteration=6)).run()
        pairs = list(zip(first["params_tried"], first["objective_values"], strict=True))
        second = Tuner(HUNDRED, add, quiet(1, num_iteration=3, initial_custom=pairs)).run()
        assert all(point in second["params_tried"] for point in first["params_tried"])
        assert len(second["params_tried"]) == 8 + 3

    def test_arrays_of_points_will_do(self):
        first = Tuner(HUNDRED, add, quiet(num_iteration=1)).run()
        second = Tuner(HUNDRED, add, quiet(initial_custom=first["params_tried"], num_iteration=0)).run()
        assert second["objective_values"].tolist() == first["objective_values"].tolist()


class TestWhatIsFound:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_the_users_sampler_by_keyword(self, seed):
        dice = random.Random(seed)

        def sampler(param_dist, size):
            return [{name: dice.choice(values) for name, values in param_dist.items()} for _ in range(size)]

        best = Tuner(HUNDRED, add, quiet(seed, param_sampler=sampler)).run()["best_params"]
        assert min(best["a"], best["b"]) >= 98

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", SEEDS)
    def test_rosenbrocks_valley_on_a_grid(self, seed):
        def valley(batch):
            return [-(100 * (p["y"] - p["x"] ** 2) ** 2 + (1 - p["x"]) ** 2) for p in batch]

        best = Tuner(GRID, valley, quiet(seed, domain_size=100_000, num_iteration=40)).run()["best_params"]
        assert abs(best["x"] - 1) <= 2

    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_convex_function(self, seed):
        best = Tuner({"x": range(-100, 10), "y": range(-10, 20)}, bowl, quiet(seed)).minimize()["best_params"]
        assert abs(best["x"]) <= 3
        assert abs(best["y"]) <= 3

    @pytest.mark.parametrize(("y_scale", "scale_params"), [(1.0, False), (1.0, True), (1e3, False), (1e3, True)])
    def test_the_six_hump_camel_whatever_the_units(self, y_scale, scale_params):
        def camel(batch):
            points = [(p["x"], p["y"] / y_scale) for p in batch]
            return [-((4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2) for x, y in points]

        space = {"x": st.uniform(-3, 6), "y": st.uniform(-2 * y_scale, 4 * y_scale)}
        results = Tuner(space, camel, quiet(scale_params=scale_params)).run()
        assert results["best_objective"] > 1.0  # 1.0316 at two points
        assert abs(results["best_params"]["x"]) < 0.1898
        assert abs(results["best_params"]["y"]) / y_scale == pytest.approx(0.7126, abs=0.2)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_mixed_space_under_a_constraint(self, seed):
        def split(points):
            return np.array([p["b"] >= 3 if p["a"] < 0.5 else p["b"] < 3 for p in points])

        results = Tuner(EASY, easy, quiet(seed, constraint=split)).maximize()
        assert all(split(results["params_tried"]))
        assert results["best_objective"] > 8.4
        assert results["best_params"]["b"] == 4

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", SEEDS)
    def test_a_vector_beside_an_integer_in_batches(self, seed):
        def objective(batch):
            return [sum(x**2 for x in p["multi"]) - p["least"] for p in batch]

        space = {"multi": st.dirichlet([1, 1, 1]), "least": range(10, 100)}
        best = Tuner(space, objective, quiet(seed, batch_size=2)).run()["best_params"]
        assert best["least"] == 10
        assert isinstance(best["multi"], list)
        assert max(best["multi"]) >= 0.5
        assert min(best["multi"]) <= 0.5

    def test_the_random_optimiser(self):
        results = Tuner(GRID, bowl, quiet(optimizer="Random", num_iteration=8, batch_size=5)).minimize()
        assert len(results["params_tried"]) == 40
        assert max(map(abs, results["best_params"].values())) <= 6

    @pytest.mark.slow
    def test_mangos_own_procedure(self):
        conf = quiet(acquisition="ucb", parallel_strategy="clustering", batch_size=3)
        results = Tuner({"x": range(-100, 10), "y": range(-10, 20)}, bowl, conf).minimize()
        assert results["best_objective"] < 20 / 1e4


class TestSchedulers:
    @pytest.mark.parametrize(
        "decorate", [scheduler.serial, scheduler.parallel(n_jobs=-1), scheduler.parallel(n_jobs=2)]
    )
    def test_local_ones(self, decorate):
        @decorate
        def slope(x, y):
            return x - y

        best = Tuner(GRID, slope, quiet(num_iteration=12)).maximize()["best_params"]
        assert best["x"] >= 7
        assert best["y"] <= -7

    def test_a_custom_one_gets_batches_of_its_size_only(self):
        sizes = []

        @scheduler.custom(n_jobs=2)
        def square(batch):
            sizes.append(len(batch))
            return [p["x"] ** 2 for p in batch]

        tuner = Tuner({"x": range(-10, 10)}, square, quiet(initial_random=2))
        assert tuner.config.batch_size == 2
        assert tuner.minimize()["best_params"] == {"x": 0}
        assert set(sizes) == {2}


class TestEarlyStopping:
    @pytest.mark.parametrize("optimizer", ["Bayesian", "Random"])
    def test_at_a_number_of_evaluations(self, optimizer):
        def enough(results):
            return True if len(results["params_tried"]) >= 5 else None

        conf = quiet(initial_random=1, early_stopping=enough, optimizer=optimizer)
        assert len(Tuner(GRID, bowl, conf).minimize()["params_tried"]) == 5

    def test_without_improvement(self):
        bests = []

        def stale(results):
            bests.append(float(results["best_objective"]))
            return len(bests) > 1 and bests[-1] >= bests[-2]

        conf = quiet(initial_random=1, early_stopping=stale)
        results = Tuner(GRID, lambda batch: [1.0] * len(batch), conf).minimize()
        assert len(results["params_tried"]) == 3
        assert bests == [1.0, 1.0]

    def test_the_configuration_can_be_asked(self):
        spoilt = TunerConfig(early_stopping=lambda results: results.clear() or "yes")
        results = {"params_tried": [1]}
        assert spoilt.early_stop(results) is True
        assert results == {"params_tried": [1]}
        assert TunerConfig().early_stop(results) is False


class TestFailures:
    def test_values_belong_to_their_points(self):
        dice = random.Random(3)

        def objective(batch):
            good = [p for p in batch if dice.random() > 0.3]
            return good, np.array([-(p["x"] ** 2) - p["y"] ** 2 for p in good])

        results = Tuner({"x": st.uniform(-5, 10), "y": st.uniform(-5, 10)}, objective, quiet()).maximize()
        assert 2 < len(results["params_tried"]) < 22
        for p, value in zip(results["params_tried"], results["objective_values"], strict=True):
            assert value == -(p["x"] ** 2) - p["y"] ** 2

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", SEEDS)
    def test_half_of_all_evaluations_lost(self, seed):
        dice = random.Random(seed)

        @scheduler.custom(n_jobs=3)
        def objective(batch):
            good = [p for p in batch if dice.random() < 0.5]
            return good, [p["a"] + p["b"] + sum(p["c"]) for p in good]

        space = {**HUNDRED, "c": st.dirichlet([1.0] * 3)}
        best = Tuner(space, objective, quiet(seed, initial_random=4)).run()["best_params"]
        assert (best["a"], best["b"]) == (99, 99)

    def test_initial_points_are_topped_up_twice_at_most(self):
        sizes = []

        def objective(batch):
            sizes.append(len(batch))
            return ([], []) if len(sizes) < 3 else bowl(batch)

        Tuner(GRID, objective, quiet(initial_random=3, num_iteration=0)).minimize()
        assert sizes == [3, 3, 3]
        sizes.clear()
        with pytest.raises(ValueError, match="No valid configuration found to initiate the Bayesian Optimizer"):
            Tuner(GRID, lambda batch: sizes.append(len(batch)) or ([], []), quiet(initial_random=3)).minimize()
        assert sizes == [3, 3, 3]

    def test_iterations_without_success_count_but_do_not_show(self):
        calls, seen = [], []

        def objective(batch):
            calls.append(len(batch))
            return bowl(batch) if len(calls) % 2 else ([], [])

        conf = quiet(num_iteration=6, early_stopping=lambda results: seen.append(len(results["params_tried"])))
        results = Tuner(GRID, objective, conf).minimize()
        assert len(calls) == 7
        assert len(results["params_tried"]) == 2 + 3
        assert seen == [3, 4, 5]


class TestWhatMangoGetsWrong:
    def test_minimised_results_are_in_the_users_sign(self):
        results = Tuner(GRID, bowl, quiet(num_iteration=12)).minimize()
        assert (results["random_params_objective"] >= 0).all()
        assert results["surrogate_values"][:2].tolist() == results["random_params_objective"].tolist()
        known = results["surrogate_values"][np.isfinite(results["surrogate_values"])]
        assert len(known) > 8
        assert known.mean() > 0

    def test_maximise_after_minimise_and_the_exploration_with_it(self):
        tuner = Tuner(GRID, bowl, quiet(exploration=0.5, num_iteration=8))
        low, high, again = tuner.minimize(), tuner.maximize(), tuner.minimize()
        assert low["best_objective"] < 1e-2 < high["best_objective"]
        assert low["params_tried"].tolist() == again["params_tried"].tolist()
        assert tuner.maximize_objective is False
        assert tuner.config.exploration == 0.5

    def test_best_is_there_when_no_iteration_was(self):
        results = Tuner(GRID, bowl, quiet(num_iteration=0)).maximize()
        assert results["best_objective"] == results["random_params_objective"].max()
        assert results["best_params"] in results["random_params"]

    @pytest.mark.parametrize("strategy", TunerConfig.valid_parallel_strategies)
    def test_a_batch_larger_than_the_grid(self, strategy):
        conf = quiet(batch_size=7, parallel_strategy=strategy)
        results = Tuner({"x": range(3), "y": ["a", "b"]}, lambda b: [p["x"] for p in b], conf).run()
        assert len(results["params_tried"]) == 6

    @pytest.mark.parametrize(
        "distribution",
        [
            st.uniform(loc=0, scale=1),
            st.norm(),
            st.expon(),
            st.gamma(2),
            st.truncnorm(-1, 2, 0.5, 3),
            st.beta(2, 5, scale=4),
            st.loguniform(1e-4, 1e-1),
            st.t(df=2),
            st.poisson(3),
            st.binom(n=8, p=0.5),
            loguniform(-3, 6),
        ],
        ids=lambda d: d.dist.name,
    )
    def test_any_distribution_with_any_arguments(self, distribution):
        results = Tuner({"x": distribution}, lambda b: [-p["x"] for p in b], quiet(num_iteration=5)).run()
        assert results["best_params"]["x"] <= distribution.median()
        assert len(results["params_tried"]) == 7


class TestConfiguration:
    @pytest.mark.parametrize(
        ("conf", "kind"),
        [({"optimizer": "Gp"}, ValueError), ({"parallel_strategy": "x"}, ValueError), ({"seeds": 1}, TypeError)],
    )
    def test_bad_keys_and_values_at_construction(self, conf, kind):
        with pytest.raises(kind):
            Tuner(GRID, bowl, conf)

    @pytest.mark.parametrize("space", [[("x", range(3))], {"x": 3}, {"x": None}])
    def test_bad_spaces_at_construction(self, space):
        with pytest.raises(TypeError):
            Tuner(space, bowl)

    def test_what_a_configuration_says_of_itself(self):
        config = TunerConfig()
        assert config.valid_optimizers == ["Bayesian", "Random"]
        assert sorted(config.valid_parallel_strategies) == ["clustering", "penalty"]
        assert (config.is_bayesian, config.is_random) == (True, False)
        assert config.strategy_is_penalty is not config.strategy_is_clustering
        assert TunerConfig(optimizer="Random").is_random
        assert TunerConfig(parallel_strategy="clustering").strategy_is_clustering

    def test_exploration_comes_with_mangos_acquisition_only(self):
        assert TunerConfig().exploration == 0.0
        assert TunerConfig(acquisition="ucb").exploration == 1.0
        assert TunerConfig(acquisition="ucb", exploration=0.2).exploration == 0.2
        conf = {"sense": "minimize", "seed": 0, "acquisition": "ucb", "exploration_decay": 1.0}
        tuner = Tuner({"x": st.uniform(0, 1)}, conf_dict=conf)
        for _ in range(25):
            [p] = tuner.ask()
            tuner.tell(p, (p["x"] - 0.3) ** 2)
        assert np.ptp([p["x"] for p, _ in tuner.observations[10:]]) > 0.7  # all of them are random

    def test_attributes_of_a_tuner(self):
        tuner = Tuner(GRID, bowl, quiet(num_iteration=12, domain_size=77))
        assert tuner.results is None
        assert tuner.objective_function is bowl
        assert tuner.maximize_objective
        assert tuner.ds.domain_size == 77
        results = tuner.minimize()
        assert tuner.results is results
        X = tuner.ds.convert_GP_space([{"x": 0, "y": 0}, {"x": -10, "y": 9}])
        mean, deviation = tuner.Optimizer.surrogate.predict(X, return_std=True)
        assert mean.shape == deviation.shape == (2,)
        assert mean[0] < mean[1]
        assert tuner.Optimizer.surrogate.predict(X).tolist() == mean.tolist()
        assert tuner.predict([{"x": 0, "y": 0}])[0][0] == pytest.approx(mean[0])

    def test_value_types_handed_to_the_objective(self):
        space = {"r": range(3), "l": [5, 50], "c": [0.5, "x", None], "f": st.norm(), "v": st.dirichlet([1, 2])}

        def objective(batch):
            for p in batch:
                assert type(p["r"]) is type(p["l"]) is int
                assert p["c"] in space["c"]
                assert isinstance(p["f"], float)
                assert [type(x) for x in p["v"]] == [float, float]
                assert list(p) == list(space)
            return [1.0] * len(batch)

        results = Tuner(space, objective, quiet(num_iteration=6)).run()
        assert len(results["params_tried"]) == 8

    @pytest.mark.parametrize("form", [list, np.array, lambda v: np.array(v)[:, None], lambda v: list(np.array(v))])
    def test_values_in_any_form(self, form):
        results = Tuner(GRID, lambda batch: form(bowl(batch)), quiet(num_iteration=4, batch_size=2)).minimize()
        assert results["objective_values"].tolist() == bowl(results["params_tried"])
        assert isinstance(results["best_objective"], np.floating)
        assert not math.isnan(results["best_objective"])
