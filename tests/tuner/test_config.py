import math

import pytest

from tinynas.errors import ConfigError
from tinynas.tuner import ConfigTypeError, ConfigValueError, TunerConfig
from tinynas.tuner.config import finite_or_none


def test_defaults_that_mango_users_rely_on():
    config = TunerConfig.from_dict(None)
    assert (config.initial_random, config.num_iteration, config.batch_size) == (2, 20, 1)
    assert (config.optimizer, config.alpha, config.sense) == ("Bayesian", 2.0, "maximize")


def test_an_unknown_key_is_named_and_the_nearest_one_offered():
    with pytest.raises(TypeError, match=r"num_iterations.*did you mean 'num_iteration'") as caught:
        TunerConfig.from_dict({"num_iterations": 3})
    assert isinstance(caught.value, ConfigError)
    assert caught.value.where == "conf_dict:num_iterations"


@pytest.mark.parametrize(
    ("conf", "kind"),
    [
        ({"optimizer": "bayesian"}, ValueError),
        ({"parallel_strategy": "magic"}, ValueError),
        ({"sense": "max"}, ValueError),
        ({"num_iteration": -1}, ValueError),
        ({"num_iteration": 2.5}, TypeError),
        ({"num_iteration": True}, TypeError),
        ({"initial_random": 0}, ValueError),
        ({"batch_size": 0}, ValueError),
        ({"seed": -1}, ValueError),
        ({"seed": "1"}, TypeError),
        ({"alpha": -0.1}, ValueError),
        ({"alpha": math.nan}, ValueError),
        ({"exploration": 1.5}, ValueError),
        ({"exploration_decay": None}, TypeError),
        ({"constraint": [True]}, TypeError),
        ({"early_stopping": 5}, TypeError),
        ({"initial_custom": {"a": 1}}, TypeError),
        ({"initial_custom": [{"a": 1}, ({"a": 2}, 3.0)]}, TypeError),
        ({"initial_custom": "ab"}, TypeError),
        ({"initial_custom": [({"a": 1}, 2.0, 3.0)]}, TypeError),
        ([("seed", 1)], TypeError),
    ],
)
def test_bad_values_are_refused_with_both_exception_types(conf, kind):
    with pytest.raises(kind) as caught:
        TunerConfig.from_dict(conf)
    assert isinstance(caught.value, ConfigError)


def test_initial_custom_keeps_mangos_message():
    with pytest.raises(ConfigTypeError, match=r"^Elements of initial_custom param should be either a dict"):
        TunerConfig.from_dict({"initial_custom": [1]})


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_values_that_mean_failure(value):
    assert finite_or_none(value) is None


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(ConfigTypeError, match=r"'good'"):
        finite_or_none("good")


def test_the_two_argument_errors_differ():
    assert not issubclass(ConfigTypeError, ValueError)
    assert not issubclass(ConfigValueError, TypeError)
