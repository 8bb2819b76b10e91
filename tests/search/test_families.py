"""Searches of other families than the first, and searches that choose the family."""

import dataclasses

import numpy as np
import pytest

from tinynas.config import Config, config_from_mapping
from tinynas.errors import ConfigError, SpaceError
from tinynas.network import Architecture, describe, describe_short
from tinynas.report import write_report
from tinynas.search.family_tuner import make_tuner
from tinynas.search.neighbours import neighbours, untried_neighbour
from tinynas.study import Study, TrialState

SPACE = {
    "family": ["tcn", "cnn", "gru"],
    "filters": [2, 6],
    "kernel_size": [2, 4],
    "dilations": [1, 2, 4, 8],
    "blocks": [1, 2],
    "gru": {"units": [2, 6], "steps": [4, 8]},
}


def of_families(configure, **changes):
    config = configure(trials=7, final={"candidates": 1, "seeds": 1}, **changes)
    return dataclasses.replace(config, space=config_from_mapping({"space": SPACE}, "families").space)


@pytest.fixture(scope="module")
def config(configure):
    return of_families(configure)


@pytest.fixture(scope="module")
def searched(tmp_path_factory, config, search):
    folder = tmp_path_factory.mktemp("families") / "study"
    return folder, search(folder, config)


@pytest.mark.slow
def test_every_family_is_tried_and_each_network_is_of_its_own(searched):
    trials = [trial for trial in searched[1] if trial.final_of is None]
    assert [trial.state for trial in trials] == [TrialState.DONE] * 7
    tried = [trial.params["family"] for trial in trials]
    assert set(tried[:6]) == {"tcn", "cnn", "gru"}
    for trial in trials:
        assert trial.architecture["family"] == trial.params["family"]
        assert ("dilation_1" in trial.params) == (trial.params["family"] == "tcn")
        strides = {name for name in trial.params if name.startswith("stride_")}
        assert len(strides) == (0 if trial.params["family"] == "tcn" else trial.params["blocks"])
        assert trial.measurement["sram_bytes"] > 0


@pytest.mark.slow
def test_it_goes_on_with_the_same_suggestions_after_an_interruption(tmp_path, config, search, searched, watcher):
    class Interrupting(watcher):
        def state(self, trial):
            super().state(trial)
            if trial.id == 4 and trial.state is TrialState.TRAINED:
                raise KeyboardInterrupt

    folder = tmp_path / "study"
    with pytest.raises(KeyboardInterrupt):
        search(folder, config, Interrupting())
    again = search(folder, config)
    assert [(t.params, t.objective) for t in again] == [(t.params, t.objective) for t in searched[1]]


def test_reports_and_words_know_every_family(searched, tmp_path):
    page = tmp_path / "report.html"
    with Study.open(searched[0], readonly=True) as study:
        best = study.best()
        assert study.artefact(best.artefacts["tflite"])[4:8] == b"TFL3"
        write_report(study, page)
    for trial in searched[1]:
        network = Architecture.from_dict(trial.architecture)
        words = describe(network)
        assert ("dilation" in words) == (network.family == "tcn")
        assert ("gated steps" in words) == (network.family == "gru")
    text = page.read_text(encoding="utf-8")
    assert all(describe_short(Architecture.from_dict(trial.architecture)) in text for trial in searched[1])


@pytest.fixture
def problem(config, board, tasks):
    from tinynas.search import Problem

    return Problem(board, tasks(config), config)


def test_the_rule_leaves_families_that_are_worse(problem):
    """The objective is a formula here: networks of one family are better by far."""
    tuner = make_tuner(problem)
    tried = []
    for _ in range(24):
        [params] = tuner.ask()
        tried.append(params["family"])
        tuner.tell(params, -1.0 - 0.01 * params["filters"] if params["family"] == "cnn" else 5.0 + params["dropout"])
    assert tried.count("cnn") >= 16
    assert min(tried.count(name) for name in ("tcn", "gru")) >= 2
    means, deviations = tuner.predict([params])
    assert means.shape == deviations.shape == (1,)


def test_candidates_of_the_users_own_are_tried_first(config, board, tasks):
    from tinynas.search import Problem
    from tinynas.search.known import own_candidates

    named = [
        {"family": "gru", "filters": 3, "kernel_size": 2, "strides": [3, 2], "units": 4, "steps": 8},
        {"family": "tcn", "filters": 5, "kernel_size": 3, "dilations": [1, 8]},
        {"family": "gru", "filters": 4, "kernel_size": 2, "strides": [4], "units": 2, "steps": 4},
    ]
    space = dataclasses.replace(config.space, candidates=named)
    problem = Problem(board, tasks(config), dataclasses.replace(config, space=space))
    firsts = own_candidates(problem)
    assert [problem.architecture(one).family for one in firsts] == ["gru", "tcn", "gru"]
    assert problem.architecture(firsts[0]).strides == (3, 2)
    assert "stride_1" not in firsts[2]
    tuner = make_tuner(problem, firsts)
    asked = []
    for number in range(5):
        asked += tuner.ask()
        assert asked[-1] in tuner.pending
        tuner.tell(asked[-1], float(number))
    assert asked[:3] == firsts
    assert tuner.asked == 5
    lost = dataclasses.replace(space, candidates=[{"filters": 3}])
    with pytest.raises(SpaceError, match="family None is outside the space"):
        own_candidates(Problem(board, tasks(config), dataclasses.replace(config, space=lost)))


@pytest.mark.parametrize("family", ["tcn", "ds_tcn", "cnn", "gru"])
def test_time_can_be_limited_whatever_the_family(configure, board, tasks, family):
    from tinynas.search import Problem

    config = configure(cost={"engine": "aot"}, objective={"limits": {"latency_us": 1e6}})
    config = dataclasses.replace(config, space=config_from_mapping({"space": {"family": family}}, "s").space)
    problem = Problem(board, tasks(config), config)
    assert problem.cost(problem.architecture(problem.require_feasible())).latency_us > 1


def test_a_family_that_does_not_fit_is_left_out(config, board, tasks):
    from tinynas.search import Problem

    gru = {"units": [60, 63], "steps": [16]}
    space = config_from_mapping({"space": {**SPACE, "gru": gru}}, "families").space
    loose = Problem(board, tasks(config), dataclasses.replace(config, space=space))
    rng = np.random.default_rng(0)
    needs = {
        name: [loose.cost(space.sample(rng, **loose.task.shape)).flash_bytes for _ in range(20)]
        for name, space in loose.families.items()
    }
    limit = max(*needs["tcn"], *needs["cnn"])
    assert limit < min(needs["gru"])
    limits = dataclasses.replace(config.objective.limits, flash_bytes=limit)
    tight = dataclasses.replace(loose.config, objective=dataclasses.replace(config.objective, limits=limits))
    problem = Problem(board, tasks(config), tight)
    problem.require_feasible()
    assert problem.infeasible_share() > 0.2
    tuner = make_tuner(problem)
    for number in range(6):
        [params] = tuner.ask()
        assert params["family"] != "gru"
        assert problem.cost(problem.architecture(params)).flash_bytes <= limit
        tuner.tell(params, float(number))


def test_neighbours_keep_the_conditions(problem):
    cnn = {"family": "cnn", "filters": 3, "kernel_size": 2, "blocks": 1, "stride_0": 2}
    cnn |= {"dropout": 0.0, "norm": "none", "pool": "mean"}
    found = untried_neighbour(problem, [cnn], {problem.key(cnn)})
    assert found["family"] == "cnn"
    deeper = [one for one in neighbours(problem, cnn) if one["blocks"] == 2]
    assert [one["stride_1"] for one in deeper] == [1]
    assert all("stride_1" not in one for one in neighbours(problem, {**deeper[0]}) if one["blocks"] == 1)


def test_bounds_are_handed_down_and_survive_json():
    config = config_from_mapping({"space": SPACE}, "f.yaml")
    spaces = config.space.spaces
    assert spaces["tcn"].dilations == (1, 2, 4, 8)
    assert [space.filters for space in spaces.values()] == [(2, 6)] * 3
    assert spaces["gru"].steps == (4, 8)
    assert spaces["cnn"].strides == (1, 2, 3, 4)
    assert config_from_mapping(config.to_dict(), "again") == config
    own = config_from_mapping({"space": {**SPACE, "cnn": {"filters": [3, 3]}}}, "f.yaml").space.spaces
    assert (own["cnn"].filters, own["gru"].filters) == ((3, 3), (2, 6))


@pytest.mark.parametrize(
    ("space", "where", "what"),
    [
        ({"family": ["tcn", "cnn"], "filtres": [1, 2]}, "space.filtres", "did you mean 'filters'"),
        ({"family": ["tcn", "lstm"]}, r"space.family\[1\]", "'tcn', 'ds_tcn', 'cnn' or 'gru'"),
        ({"family": []}, "space.family", "at least 1"),
        ({"family": ["tcn", "tcn"]}, "space.family", "twice"),
        ({"family": ["tcn"], "gru": {}}, "space.gru", "not among the families tcn"),
        ({"family": ["tcn", "cnn"], "cnn": {"frame": ["north"]}}, "space.cnn.frame", "the same for all"),
        ({"family": ["cnn"], "cnn": {"kernel": 3}}, "space.cnn.kernel", "did you mean 'kernel_size'"),
        ({"family": ["cnn"], "cnn": 3}, "space.cnn", "should be a mapping"),
        ({"family": ["cnn", "gru"], "dilations": [1]}, "space.dilations", "does not go with the other keys"),
        ({"family": "cnn", "units": [1, 2]}, "space.units", "does not go with the other keys"),
        ({"family": ["gru"], "steps": [4, 6]}, "space.steps", "powers of two"),
        ({"family": "cnn", "pool": []}, "space.pool", "no value"),
        ({"family": "cnn", "blocks": [1, 9]}, "space.blocks", "more than 8"),
        ({"family": ["tcn", "cnn"], "filters": [5, 6], "symmetry": "c4"}, "space.filters", "multiple of 4"),
    ],
)
def test_impossible_choices_are_refused_with_their_key(space, where, what):
    with pytest.raises(ConfigError, match=f"^f.yaml:{where}: .*{what}"):
        config_from_mapping({"space": space}, "f.yaml")


def test_the_default_space_is_what_it_was():
    assert Config().space.parameters().keys() == Config(space={"family": "tcn"}).space.parameters().keys()
    assert Config().space.family == "tcn"
