"""The statistics, on runs whose answer is known; the two comparisons end to end, on cheap optimisers."""

import json

import functions
import mixed
import numpy as np
import pytest
from _networks import NETWORKS
from _ranking import FLOOR, beaten, best_seen, borda, compare, evaluations_to, geometric_mean, summary

RNG = np.random.default_rng(0)


def curves(final, speed=0.0, runs=6, evaluations=20):
    """Best-seen regrets that fall from 1 to about `final`, the sooner the larger the speed (0 to 1)."""
    end = final * RNG.uniform(1.0, 1.2, runs)
    step = np.arange(evaluations) >= evaluations * (1 - speed) - 1
    return np.where(step, end[:, None], 1.0)


def test_best_seen():
    curve = best_seen([5.0, 9.0, 3.0, 1.0 - 1e-13], minimum=1.0, unit=2.0, evaluations=6)
    assert curve == pytest.approx([2.0, 2.0, 1.0, FLOOR, FLOOR, FLOOR])
    assert np.all(np.isinf(best_seen([], 1.0, 2.0, 3)))
    assert best_seen([4.0, 3.0], 1.0, 1.0, 1) == pytest.approx([3.0])


def test_geometric_mean_weighs_scales_alike():
    assert geometric_mean([1e-4, 1.0]) == pytest.approx(1e-2)


def test_evaluations_to():
    assert evaluations_to(np.array([[1.0, 0.5, 0.5], [2.0, 1.5, 0.1]]), 0.5).tolist() == [2.0, 3.0]
    assert evaluations_to(np.array([[1.0, 0.9]]), 0.5).tolist() == [np.inf]


def test_compare_by_the_final_regret():
    good, bad = curves(0.01), curves(0.1)
    assert compare(good, bad) == "final"
    assert compare(bad, good) is None


def test_compare_by_the_area_where_the_final_regrets_are_alike():
    fast, slow = curves(FLOOR, 0.9), curves(FLOOR, 0.1)
    fast[:, -1] = slow[:, -1] = FLOOR
    assert compare(fast, slow) == "area"
    assert compare(slow, fast) is None
    # A fast start does not help one that ends worse.
    assert compare(curves(0.1, 0.9), curves(0.01, 0.1)) is None


def test_compare_equals():
    same = curves(0.01)
    assert compare(same, same) is None
    flat = np.full((5, 4), FLOOR)
    assert compare(flat, flat) is None


def test_two_runs_prove_nothing():
    assert compare(curves(0.01, runs=2), curves(0.5, runs=2)) is None


def test_equals_seldom_differ():
    draws = [RNG.uniform(size=(2, 8, 1)) for _ in range(400)]
    share = np.mean([compare(a, b) is not None for a, b in draws])
    assert share < 0.05  # 2.5 % in the one direction, final and area being the same here


def test_borda_and_summary():
    found = {
        "best": {"f": curves(0.001), "g": curves(0.001)},
        "middle": {"f": curves(0.1), "g": curves(0.5)},
        "worst": {"f": curves(0.5)},
    }
    pairs = beaten(found)
    assert borda(list(found), pairs) == {"best": 3, "middle": 1, "worst": 0}
    result = summary(found, (10, 20))
    figures = result["optimisers"]
    assert figures["best"]["worse_than"] == {}
    assert figures["worst"]["worse_than"] == {
        "best": {"final": ["f"], "area": []},
        "middle": {"final": ["f"], "area": []},
    }
    assert figures["best"]["better_than"]["middle"]["final"] == ["f", "g"]
    assert figures["best"]["share_to_1_percent"] == 1.0
    assert figures["best"]["evaluations_to_1_percent"] == 20
    assert figures["worst"]["evaluations_to_1_percent"] is None
    assert figures["middle"]["regret"]["10"] == 1.0
    medians = [np.median(found["middle"][name][:, -1]) for name in ("f", "g")]
    assert figures["middle"]["regret"]["20"] == pytest.approx(np.sqrt(np.prod(medians)))
    assert set(result["final_regret"]["g"]) == {"best", "middle"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "problems", "switch"),
    [(functions, ["--functions", "Sphere7", "Easom"], "--per-function"), (mixed, [], "--per-problem")],
    ids=["functions", "mixed"],
)
def test_comparison(script, problems, switch, tmp_path, monkeypatch, capsys):
    out, cache = tmp_path / "result.json", tmp_path / "runs.jsonl"
    ours = "tinynas:optimizer=Random"
    wishes = ["--optimisers", "random", ours, "--repetitions", "3", "--evaluations", "25", "--seed", "7"]
    files = ["--out", str(out), "--cache", str(cache)]
    monkeypatch.setattr("sys.argv", ["script", *problems, *wishes, *files, switch])
    script.main()
    printed, result = capsys.readouterr().out, json.loads(out.read_text())
    names = problems[1:] or list(NETWORKS)
    assert all(name in printed for name in (*names, "random", ours))
    assert result["seeds"] == [7, 8, 9]
    assert list(result["final_regret"]) == names
    for figures in result["optimisers"].values():
        assert list(figures["regret"]) == ["20", "25"]
        assert 0.2 < figures["regret"]["25"] <= figures["regret"]["20"] < 1.2  # two or two and a half times ten points
        assert figures["runs"] == 3 * len(names)
        assert figures["runs_cut_short"] == 0
        assert figures["proposals_per_evaluation"] == 1
    # Nothing is left to do: the second time it reports what it has.
    monkeypatch.setattr("sys.argv", ["script", *problems, *wishes, *files, "--jobs", "0", "--json"])
    script.main()
    assert json.loads(capsys.readouterr().out)["optimisers"] == result["optimisers"]


def test_absent_peers_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("_peers.Optimiser.installed", property(lambda self: self.package != "smac"))
    options = ["--optimisers", "random", "smac", "--repetitions", "1", "--functions", "Easom", "--evaluations", "3"]
    monkeypatch.setattr("sys.argv", ["script", *options, "--json"])
    functions.main()
    said = capsys.readouterr()
    assert "smac is left out" in said.err
    assert list(json.loads(said.out)["optimisers"]) == ["random"]
