"""What is known of networks before their training, and who is told of it."""

import math
from dataclasses import replace

import pytest

from tinynas.config import config_from_mapping
from tinynas.network import seen_samples
from tinynas.search.family_tuner import make_tuner
from tinynas.search.problem import Problem
from tinynas.search.promise import price, promise

WIDE = {"filters": [4, 32], "kernel_size": [2, 8], "dilations": [1, 2, 4, 8, 16, 32], "blocks": [1, 4]}


@pytest.fixture
def problem(board, configure, tasks):
    def make(*, space=WIDE, **changes):
        config = replace(configure(**changes), space=config_from_mapping({"space": space}, "space.yaml").space)
        return Problem(board, tasks(config), config)

    return make


def params(**changes):
    given = {"filters": 8, "kernel_size": 3, "dropout": 0.0, "skip_connections": False, "norm": "none"}
    dilations = changes.pop("dilations", (1, 4))
    chosen = {f"dilation_{d}": d in dilations for d in WIDE["dilations"]}
    return {**given, **chosen, **changes}


def test_it_is_the_product_of_parameters_and_samples_seen(problem):
    one = problem()
    network = one.architecture(params())
    expected = network.parameters * int(seen_samples(network).sum())
    assert promise(one, params()) == pytest.approx(math.log(expected))


def test_more_filters_and_fewer_holes_promise_more(problem):
    one = problem()
    plain = promise(one, params())
    assert promise(one, params(filters=16)) > plain
    assert promise(one, params(kernel_size=5)) > plain
    assert promise(one, params(dilations=(1, 32))) < plain  # three taps, 32 apart
    assert promise(one, params(dropout=0.1)) == plain


def test_nothing_is_known_of_what_is_no_network(problem):
    one = problem()
    assert promise(one, params(dilations=())) is None
    assert price(one, params(dilations=())) is None


def test_larger_networks_and_batch_norm_cost_more_time(problem):
    one = problem()
    plain = price(one, params())
    assert 1.0 < plain < price(one, params(filters=32))
    assert plain < price(one, params(norm="batch"))


@pytest.mark.parametrize("family", ["tcn", "ds_tcn", "cnn", "gru"])
def test_every_family_has_both(problem, family):
    one = problem(space={"family": family}, dataset={"window": 100})
    tuner = make_tuner(one)
    for _ in range(3):
        [found] = tuner.ask()
        assert promise(one, found) > 0
        assert price(one, found) > 1


def test_the_price_counts_where_time_is_limited_only(problem):
    unlimited, limited = make_tuner(problem()), make_tuner(problem(minutes=1.0, trials=None))
    assert (unlimited.config.promise is None, unlimited.config.price is None) == (False, True)
    assert (limited.config.promise is None, limited.config.price is None) == (False, False)


def test_what_is_known_can_be_left_out(problem):
    off = make_tuner(problem(minutes=1.0, trials=None, tuner={"initial_random": 2, "promise": False}))
    assert off.config.promise is None
    assert off.config.price is None


def test_a_front_is_not_led_by_the_promise_of_low_errors(problem):
    tuner = make_tuner(problem(objective={"pareto": ["error", "flash_bytes"]}))
    assert tuner.config.promise is None


@pytest.mark.parametrize(
    ("options", "count"), [({}, 3), ({"promise": False}, 10), ({"initial_random": 5}, 5), ({"initial_random": 1}, 1)]
)
def test_fewer_first_candidates_where_something_is_known(problem, options, count):
    tuner = make_tuner(problem(tuner={"initial_random": None, **options}))
    assert tuner.config.design_size == count


def test_families_that_are_chosen_from_have_their_own(problem):
    space = {"family": ["tcn", "cnn"], "filters": [4, 32]}
    one = problem(minutes=1.0, trials=None, space=space, dataset={"window": 100})
    tuner = make_tuner(one)
    seen = set()
    for _ in range(4):
        [found] = tuner.ask()
        seen.add(found["family"])
        tuner.tell(found, -promise(one, found))
    assert seen == {"tcn", "cnn"}
