"""What is told: constraint values, fidelities, several objectives; and what follows from it."""

import json
import math
from types import MappingProxyType

import numpy as np
import pytest
import scipy.stats as st

from tinynas.tuner import ConfigTypeError, ConfigValueError, ExhaustedError, Tuner
from tinynas.tuner.history.history import undominated
from tinynas.tuner.history.outcome import read_constraints, read_values

SPACE = {"n": range(20), "x": st.uniform(0, 1)}


def tuner_of(**conf):
    return Tuner(SPACE, conf_dict={"seed": 0, "sense": "minimize", **conf})


def point(n, x=0.5):
    return {"n": n, "x": x}


class TestValues:
    @pytest.mark.parametrize("value", [None, math.nan, [1, None], [math.inf, 2], [math.nan] * 2])
    def test_any_bad_value_fails_the_evaluation(self, value):
        assert read_values(value, 2) is None

    @pytest.mark.parametrize("value", [3.0, "ab", {"a": 1, "b": 2}, [1], [1, 2, 3], [1, "b"]])
    def test_what_is_not_a_pair_of_numbers(self, value):
        with pytest.raises(ConfigTypeError):
            read_values(value, 2)

    def test_arrays_will_do(self):
        assert read_values(np.array([1, 2]), 2) == (1.0, 2.0)
        assert read_values(np.float32(0.5), 1) == (0.5,)


class TestConstraintValues:
    def test_forms(self):
        assert read_constraints(None) == ((), None)
        assert read_constraints([]) == ((), None)
        assert read_constraints(np.array([1, -2])) == ((1.0, -2.0), None)
        assert read_constraints([True, np.False_, 0]) == ((-1.0, 1.0, 0.0), None)
        assert read_constraints({"b": 1, "a": True}) == ((-1.0, 1.0), ("a", "b"))
        assert read_constraints({"b": math.nan, "a": 1}) == (None, ("a", "b"))

    @pytest.mark.parametrize("bad", [3, "ab", ["x"], {"a": []}])
    def test_what_they_are_not(self, bad):
        with pytest.raises(ConfigTypeError) as caught:
            tuner_of().tell(point(1), 1.0, constraints=bad)
        assert caught.value.where == "constraints"

    def test_only_feasible_points_are_best(self):
        tuner = tuner_of()
        tuner.tell(point(1), 0.0, constraints=[0.1, -5])
        assert tuner.best is None
        tuner.tell(point(2), 7.0, constraints=[0.0, -5])
        tuner.tell(point(3), 5.0, constraints=[False, -5])
        tuner.tell(point(4), 6.0, constraints=(True, -0.0))
        tuner.tell(point(5), failed=True, constraints=[-1, -1])
        assert tuner.best == (point(4), 6.0)
        assert tuner.front == [(point(4), (6.0,))]

    @pytest.mark.parametrize(
        ("first", "second", "message"),
        [
            ([1], [1, 2], "2 constraint values, where earlier evaluations have 1"),
            ([1], None, "0 constraint values, where earlier evaluations have 1"),
            (None, [1], "1 constraint values, where earlier evaluations have 0"),
            ({"a": 1}, {"b": 1}, "the names 'b', where earlier evaluations have 'a'"),
            ({"a": 1}, [1], r"the names \(none\)"),
            ([1], {"a": 1}, r"have \(none\)"),
        ],
    )
    def test_they_stay_the_same(self, first, second, message):
        tuner = tuner_of()
        tuner.tell(point(1), 1.0, constraints=first)
        before = tuner.state_dict()
        with pytest.raises(ConfigValueError, match=message):
            tuner.tell(point(2), 1.0, constraints=second)
        assert tuner.state_dict() == before
        tuner.tell(point(2), failed=True)
        tuner.tell(point(3), 2.0, constraints=first)
        assert (tuner.best is None) == (first is not None)

    def test_a_failure_may_say_what_they_are(self):
        tuner = tuner_of()
        tuner.tell(point(1), failed=True)
        tuner.tell(point(2), failed=True, constraints={"flash": 3})
        with pytest.raises(ConfigValueError):
            tuner.tell(point(3), 1.0)
        tuner.tell(point(3), 1.0, constraints={"flash": -1})
        assert tuner.best == (point(3), 1.0)

    @pytest.mark.parametrize("unknown", [None, math.nan, math.inf])
    def test_an_unknown_one_fails_the_evaluation(self, unknown):
        tuner = tuner_of()
        tuner.tell(point(1), 1.0, constraints=[-1.0, unknown])
        assert tuner.observations == [(point(1), None)]
        tuner.tell(point(2), 1.0, constraints=[-1.0, -1.0])
        assert tuner.best[0] == point(2)


class TestFidelity:
    @pytest.mark.parametrize("fidelity", [0, -0.1, 1.1, math.nan])
    def test_outside_its_range(self, fidelity):
        with pytest.raises(ConfigValueError):
            tuner_of().tell(point(1), 1.0, fidelity=fidelity)

    @pytest.mark.parametrize("fidelity", [None, "high", True])
    def test_not_a_number(self, fidelity):
        with pytest.raises(ConfigTypeError):
            tuner_of().tell(point(1), 1.0, fidelity=fidelity)

    def test_a_cheap_evaluation_is_neither_best_nor_final(self):
        tuner = Tuner({"n": range(4)}, conf_dict={"seed": 0, "design_size": 4})
        for n in range(4):
            tuner.tell({"n": n}, float(n), fidelity=0.5)
        assert tuner.best is None
        assert tuner.front == []
        again = []
        for _ in range(4):
            [p] = tuner.ask()
            again.append(p["n"])
            tuner.tell(p, float(p["n"]))
        assert sorted(again) == [0, 1, 2, 3]
        assert tuner.best == ({"n": 3}, 3.0)
        with pytest.raises(ExhaustedError):
            tuner.ask()

    def test_the_design_moves_on_when_told_at_low_fidelity(self):
        tuner = tuner_of(design_size=8)
        seen = []
        for _ in range(8):
            [p] = tuner.ask()
            seen.append(tuple(p.values()))
            tuner.tell(p, 1.0 * p["n"], fidelity=0.25)
        assert len(set(seen)) == 8

    def test_a_failure_is_final_at_any_fidelity(self):
        tuner = Tuner({"n": range(3)}, conf_dict={"seed": 0})
        tuner.tell({"n": 0}, failed=True, fidelity=0.1)
        assert sorted(p["n"] for p in tuner.ask(3)) == [1, 2]


class TestPending:
    def test_told_in_any_order(self):
        tuner = tuner_of()
        points = tuner.ask(5)
        for p in [points[3], points[0], points[4]]:
            tuner.tell(p, 1.0 * p["n"])
        assert tuner.pending == [points[1], points[2]]
        tuner.tell(points[2], failed=True)
        assert tuner.pending == [points[1]]

    def test_a_point_given_up_may_come_again(self):
        tuner = Tuner({"n": range(3)}, conf_dict={"seed": 0})
        points = tuner.ask(3)
        tuner.tell(points[0], 1.0)
        tuner.forget(points[1])
        assert tuner.pending == [points[2]]
        assert tuner.asked == 3
        assert tuner.ask() == [points[1]]
        with pytest.raises(ExhaustedError):
            tuner.ask()

    def test_only_what_is_pending_can_be_given_up(self):
        tuner = tuner_of()
        [p] = tuner.ask()
        tuner.forget(p)
        with pytest.raises(ConfigValueError, match="not pending"):
            tuner.forget(p)
        # Its outcome may come after all.
        tuner.tell(p, 2.0)
        assert tuner.best == (p, 2.0)


class TestSeveralObjectives:
    CONF = MappingProxyType({"sense": ["minimize", "maximize"], "seed": 0, "log_progress": False})

    def test_the_front(self):
        tuner = tuner_of(sense=("minimize", "maximize"))
        for n, values in enumerate([(3, 3), (1, 1), (2, 3), (2, 2), (1, 1), (0, 5)]):
            tuner.tell(point(n), values, constraints=[n - 4.5])
        tuner.tell(point(7), (0, 9), fidelity=0.5, constraints=[-1])
        tuner.tell(point(8), (None, 9))
        assert tuner.front == [(point(1), (1.0, 1.0)), (point(2), (2.0, 3.0)), (point(4), (1.0, 1.0))]
        assert tuner.observations[0] == (point(0), (3.0, 3.0))
        assert tuner.observations[-1] == (point(8), None)
        with pytest.raises(ConfigValueError, match="front"):
            _ = tuner.best

    def test_nothing_told(self):
        tuner = tuner_of(sense=("minimize", "maximize"))
        assert tuner.front == []
        assert tuner.predict([point(1)])[0].shape == (1, 2)

    @pytest.mark.parametrize("value", [1.0, [1.0], "ab"])
    def test_as_many_values_as_senses(self, value):
        with pytest.raises(ConfigTypeError):
            Tuner(SPACE, conf_dict=self.CONF).tell(point(1), value)

    @pytest.mark.parametrize("sense", [[], ["minimize"], ["minimize", "up"], 3, None])
    def test_senses_that_make_no_sense(self, sense):
        with pytest.raises(ConfigValueError):
            Tuner(SPACE, conf_dict={"sense": sense})

    def test_a_run(self):
        def objective(batch):
            good = [p for p in batch if p["n"] != 3]
            return good, [[abs(p["n"] - 5), p["n"] + p["x"]] for p in good]

        conf = self.CONF | {"optimizer": "Random", "num_iteration": 12, "batch_size": 2}
        results = Tuner(SPACE, objective, conf).run()
        values, front = results["objective_values"], results["front_values"]
        assert values.shape == (len(results["params_tried"]), 2)
        assert "best_params" not in results
        assert len(front) == len(results["front_params"]) >= 3
        losses = values * [1, -1]
        for loss in front * [1, -1]:
            assert not np.any((losses <= loss).all(axis=1) & (losses < loss).any(axis=1))
        for p, value in zip(results["front_params"], front.tolist(), strict=True):
            assert value == [abs(p["n"] - 5), p["n"] + p["x"]]

    def test_runs_in_one_sense_are_refused(self):
        tuner = Tuner(SPACE, lambda batch: [[0.0, 0.0]] * len(batch), self.CONF)
        for method in (tuner.maximize, tuner.minimize):
            with pytest.raises(ConfigValueError, match=r"run\(\)"):
                method()

    def test_the_state(self):
        tuner = Tuner(SPACE, conf_dict=self.CONF)
        tuner.tell(point(1), [1.0, 2.0])
        tuner.tell(point(2), None)
        state = json.loads(json.dumps(tuner.state_dict()))
        other = Tuner(SPACE, conf_dict=self.CONF)
        other.load_state_dict(state)
        assert other.observations == tuner.observations
        assert other.ask(2) == tuner.ask(2)
        with pytest.raises(ConfigValueError, match="does not"):
            tuner_of().load_state_dict(state)
        state["observations"][0]["values"] = [1.0]
        with pytest.raises(ConfigValueError, match="damaged"):
            other.load_state_dict(state)


def test_undominated_rows():
    losses = np.array([[0.0, 2.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
    assert undominated(losses).tolist() == [True, True, False, True, True]
    assert undominated(np.empty((0, 2))).tolist() == []
