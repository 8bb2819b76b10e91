"""The configuration: what a user may write, what is refused and where, and the page that documents it."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynas.board import load_board
from tinynas.config import Config, Conversion, Cost, HilOptions, TunerOptions, config_from_mapping, load_config
from tinynas.errors import ConfigError, DatasetError, SpaceError
from tinynas.network.training import TrainingOptions
from tinynas.objective import Objective
from tinynas.odometry import DatasetOptions, SyntheticOptions
from tinynas.resources import resource

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
SHIPPED = sorted(entry.name.removesuffix(".yaml") for entry in resource("configs").iterdir() if entry.is_file())


def refused(values):
    with pytest.raises(ConfigError) as caught:
        config_from_mapping(values, "my.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("values", "where", "advice"),
    [
        ({"trails": 5}, "my.yaml:trails", "did you mean 'trials'?"),
        ({"dataset": {"sorce": "synthetic"}}, "my.yaml:dataset.sorce", "did you mean 'source'?"),
        ({"dataset": {"synthetic": {"n_tran": 1}}}, "my.yaml:dataset.synthetic.n_tran", "did you mean 'n_train'?"),
        ({"space": {"filtres": [2, 8]}}, "my.yaml:space.filtres", "did you mean 'filters'?"),
        ({"space": {"family": "ds_tcn", "nrom": ["batch"]}}, "my.yaml:space.nrom", "did you mean 'norm'?"),
        ({"tuner": {"initial": 3}}, "my.yaml:tuner.initial", "did you mean 'initial_random'?"),
        ({"training": {"epoch": 3}}, "my.yaml:training.epoch", "did you mean 'epochs'?"),
        ({"conversion": {"precison": "int8"}}, "my.yaml:conversion.precison", "did you mean 'precision'?"),
        ({"cost": {"kernel": "reference"}}, "my.yaml:cost.kernel", "did you mean 'kernels'?"),
        (
            {"objective": {"limits": {"sram_byte": 5}}},
            "my.yaml:objective.limits.sram_byte",
            "did you mean 'sram_bytes'?",
        ),
    ],
)
def test_an_unknown_key_is_named_with_its_place_and_the_likely_one(values, where, advice):
    error = refused(values)
    assert error.message == f"unknown key {where.rsplit('.', 1)[-1].removeprefix('yaml:')!r}"
    assert (error.where, error.advice) == (where, advice)


def test_a_key_that_looks_like_a_tag_of_pydantic_is_named_too():
    assert refused({"<tcn>": 5}).where == "my.yaml:<tcn>"


def test_a_key_like_no_other_is_answered_with_all_there_are():
    assert "epochs" in refused({"training": {"zzz": 1}}).advice


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"trials": 0}, "trials"),
        ({"trials": "many"}, "trials"),
        ({"trials": 3.5}, "trials"),
        ({"trials": True}, "trials"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"mode": "cloud"}, "mode"),
        ({"board": 446}, "board"),
        ({"dataset": None}, "dataset"),
        ({"dataset": []}, "dataset"),
        ({"dataset": {"window": 1}}, "dataset.window"),
        ({"dataset": {"window": 100_001}}, "dataset.window"),
        ({"dataset": {"stride": 0}}, "dataset.stride"),
        ({"dataset": {"evaluation_stride": 0}}, "dataset.evaluation_stride"),
        ({"dataset": {"target": "position"}}, "dataset.target"),
        ({"dataset": {"use_mag": "yes"}}, "dataset.use_mag"),
        ({"dataset": {"modes": "pocket"}}, "dataset.modes"),
        ({"dataset": {"synthetic": {"n_train": 0}}}, "dataset.synthetic.n_train"),
        ({"dataset": {"synthetic": {"n_test": True}}}, "dataset.synthetic.n_test"),
        ({"dataset": {"synthetic": {"duration_s": 0.5}}}, "dataset.synthetic.duration_s"),
        ({"dataset": {"synthetic": {"rate_hz": 1e6}}}, "dataset.synthetic.rate_hz"),
        ({"dataset": {"synthetic": {"modes": ["flying"]}}}, "dataset.synthetic.modes"),
        ({"space": {"filters": 8}}, "space.filters"),
        ({"space": {"filters": [8]}}, "space.filters[1]"),
        ({"space": {"filters": [8, 2]}}, "space.filters"),
        ({"space": {"filters": [2, 10**6]}}, "space.filters[1]"),
        ({"space": {"kernel_size": [0, 2]}}, "space.kernel_size"),
        ({"space": {"dilations": [4, 2]}}, "space.dilations"),
        ({"space": {"dilations": []}}, "space.dilations"),
        ({"space": {"dilations": [1, 2]}}, "space.blocks"),
        ({"space": {"dilations": list(range(1, 14))}}, "space.dilations"),
        ({"space": {"blocks": [5, 10]}}, "space.blocks"),
        ({"space": {"dropout": [0.0, 1.0]}}, "space.dropout"),
        ({"space": {"skip_connections": ["yes"]}}, "space.skip_connections[0]"),
        ({"space": {"skip_connections": []}}, "space.skip_connections"),
        ({"space": {"norm": ["layer"]}}, "space.norm"),
        ({"space": {"family": "lstm"}}, "space.family"),
        ({"space": {"family": "ds_tcn", "filters": [8]}}, "space.filters[1]"),
        ({"space": {"family": "ds_tcn", "kernel_size": [0, 2]}}, "space.kernel_size"),
        ({"tuner": {"initial_random": 0}}, "tuner.initial_random"),
        ({"tuner": {"only_feasible": 1}}, "tuner.only_feasible"),
        ({"training": {"epochs": 0}}, "training.epochs"),
        ({"training": {"batch_size": 0}}, "training.batch_size"),
        ({"training": {"learning_rate": 0}}, "training.learning_rate"),
        ({"training": {"learning_rate": float("inf")}}, "training.learning_rate"),
        ({"training": {"patience": 0}}, "training.patience"),
        ({"conversion": {"precision": "int4"}}, "conversion.precision"),
        ({"conversion": {"calibration_windows": 0}}, "conversion.calibration_windows"),
        ({"cost": {"engine": "onnx"}}, "cost.engine"),
        ({"cost": {"kernels": "fast"}}, "cost.kernels"),
        ({"objective": {"l1": -1}}, "objective.l1"),
        ({"objective": {"l2": float("nan")}}, "objective.l2"),
        ({"objective": {"penalty": 0}}, "objective.penalty"),
        ({"objective": {"limits": {"sram_bytes": 0}}}, "objective.limits.sram_bytes"),
        ({"objective": {"limits": {"flash_bytes": "64 kB"}}}, "objective.limits.flash_bytes"),
    ],
)
def test_a_wrong_value_is_refused_at_its_key(values, place):
    assert refused(values).where == f"my.yaml:{place}"


def test_what_yaml_takes_for_text_is_still_a_number():
    # YAML 1.1 reads 3e-3 as text, for want of a dot.
    text = yaml.safe_load("training: {learning_rate: 3e-3}")
    assert config_from_mapping(text, "my.yaml").training.learning_rate == 0.003


def test_what_is_not_given_has_its_default():
    config = config_from_mapping({"training": {"epochs": 2}}, "my.yaml")
    assert config == dataclasses.replace(Config(), training=dataclasses.replace(Config().training, epochs=2))


def test_defaults_are_valid_and_weigh_as_tinyodom_does():
    config = Config()
    assert config_from_mapping({}, "x") == load_config(None) == config
    assert (config.objective.l1, config.objective.l2, config.objective.l3) == (1.0, 0.01, 0.01)
    assert (config.space.filters, config.space.kernel_size, config.space.blocks) == ((2, 63), (2, 15), (3, 8))


def test_a_configuration_survives_json():
    config = config_from_mapping(
        {"board": "b", "dataset": {"modes": ["pocket"], "synthetic": {"n_train": 2}}, "space": {"filters": [4, 9]}}, "x"
    )
    assert config_from_mapping(json.loads(json.dumps(config.to_dict())), "x") == config


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_configuration_loads_by_name_and_by_path(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load_config(name)
    copy = tmp_path / "copy.yaml"
    copy.write_text(resource("configs", f"{name}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert load_config(copy) == config
    if config.board is not None:
        load_board(config.board)


def test_the_quickstart_is_shipped():
    assert "quickstart" in SHIPPED
    assert load_config("quickstart").dataset.source == "synthetic"


def test_a_file_of_the_user_s_with_a_shipped_name_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quickstart").write_text("trials: 77\n")
    assert load_config("quickstart").trials == 77


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "nothing"), ("- 1\n", "a list"), ("trials: [\n", "expected"), ("trials: 1\ntrials: 2\n", "twice")],
)
def test_a_file_that_is_no_mapping(tmp_path, text, message):
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(tmp_path / "my.yaml")
    assert caught.value.where.startswith(str(tmp_path / "my.yaml"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "my.yaml")


def test_a_shipped_name_that_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"neither a file nor .* \(did you mean 'quickstart'\?\)"):
        load_config("quickstrat")


def test_options_of_the_command_line_win_and_none_leaves_a_field_alone():
    config = load_config("quickstart").with_options(board="b", trials=3, seed=None, mode="tflm", dataset=None)
    assert (config.board, config.trials, config.seed, config.mode) == ("b", 3, 0, "tflm")
    assert config.dataset == load_config("quickstart").dataset


def test_another_dataset_puts_the_size_of_the_built_in_one_aside():
    config = config_from_mapping({"dataset": {"window": 50, "synthetic": {"n_train": 2}}}, "x")
    assert config.with_options(dataset="synthetic").dataset == config.dataset
    other = config.with_options(dataset="csv:walks").dataset
    assert (other.source, other.window, other.synthetic) == ("csv:walks", 50, None)


def test_made_in_python_the_same_mistakes_are_found():
    with pytest.raises(DatasetError):
        dataclasses.replace(Config().dataset, window=2, target="speed_heading")
    with pytest.raises(SpaceError):
        dataclasses.replace(Config().space, filters=(5, 2))
    with pytest.raises(DatasetError):
        SyntheticOptions(n_train=0)


@pytest.mark.parametrize(
    ("make", "wrong", "where"),
    [
        (Config, {"mode": "hli"}, "mode"),
        (Config, {"trials": 0}, "trials"),
        (Config, {"trails": 3}, "trails"),
        (Config, {"dataset": {"window": 1}}, "dataset.window"),
        (Objective, {"penalty": -1}, "objective.penalty"),
        (Objective, {"l2": float("nan")}, "objective.l2"),
        (TrainingOptions, {"epochs": 2.5}, "training.epochs"),
        (DatasetOptions, {"target": "position"}, "dataset.target"),
        (SyntheticOptions, {"n_test": True}, "dataset.synthetic.n_test"),
        (TunerOptions, {"only_feasible": 1}, "tuner.only_feasible"),
        (Conversion, {"precision": "int4"}, "conversion.precision"),
        (Cost, {"engine": "onnx"}, "cost.engine"),
        (HilOptions, {"flasher": "magic"}, "hil.flasher"),
    ],
)
def test_made_in_python_a_wrong_value_is_a_configuration_error_at_its_key(make, wrong, where):
    with pytest.raises(ConfigError) as caught:
        make(**wrong)
    assert caught.value.where == where


def test_a_copy_is_checked_too():
    with pytest.raises(ConfigError, match="mode"):
        dataclasses.replace(Config(), mode="hli")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("trials: !!bool abc\n", "trials"),
        ("training: {learning_rate: 1" + ":59" * 200 + ".5}\n", "training.learning_rate"),
        ("trials: 0x" + "f" * 5000 + "\n", "trials"),
        ("space: {filters: [2, !!int many]}\n", "space.filters[1]"),
        ("board: !!timestamp noon\n", "board"),
    ],
)
def test_a_value_that_yaml_itself_cannot_hold_is_refused_at_its_key(tmp_path, text, key):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.where == f"{path}:{key}"


KEYS = st.sampled_from(
    ["board", "trials", "seed", "mode", "dataset", "space", "tuner", "training", "conversion", "cost", "objective"]
)
OPTIONS = st.sampled_from(
    ["source", "window", "target", "modes", "synthetic", "filters", "blocks", "dropout", "epochs", "l1", "n_train"]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.binary(max_size=3), st.dates()
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(OPTIONS | st.text(max_size=5), inner, max_size=5),
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS | st.text(max_size=5), JUNK, max_size=6))
def test_junk_is_a_configuration_or_a_configuration_error(values):
    try:
        config = config_from_mapping(values, "my.yaml")
    except ConfigError as error:
        place = error.where
    else:
        place = "my.yaml"
        assert config_from_mapping(config.to_dict(), "x") == config
    assert place.startswith("my.yaml")


def documented():
    """The tables of the page: key to (type, default)."""
    rows = re.findall(
        r"^\| `([a-z0-9_.]+)` \| (.+?) \| `(.+?)` \| (.+) \|$", DOCUMENT.read_text(encoding="utf-8"), re.M
    )
    assert len({row[0] for row in rows}) == len(rows)
    return {key: (kind, default, meaning) for key, kind, default, meaning in rows}


def flat(values, prefix=""):
    """Every key with its default; the sections themselves are no keys."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def test_the_page_names_exactly_the_keys_there_are_with_their_defaults():
    defaults = Config().to_dict()
    for family in ("ds_tcn", "cnn", "gru"):  # of keys that several have the first family's default
        defaults["space"] = {**Config(space={"family": family}).to_dict()["space"], **defaults["space"]}
    defaults["dataset"]["synthetic"] = json.loads(json.dumps(dataclasses.asdict(SyntheticOptions())))
    assert {key: json.loads(default) for key, (_, default, _) in documented().items()} == dict(flat(defaults))


def test_every_key_has_a_type_and_a_meaning():
    for key, (kind, _, meaning) in documented().items():
        assert len(kind) >= 4, key
        assert len(meaning) >= 10, key


def test_the_page_s_example_is_a_configuration():
    examples = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    assert examples
    for example in examples:
        config_from_mapping(yaml.safe_load(example), "docs/configuration.md")
