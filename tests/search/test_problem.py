"""Whether anything fits: right for every limit, and told at once where the limit is far away."""

from itertools import combinations, product
from types import SimpleNamespace

import numpy as np
import pytest

from tinynas.board import load_board
from tinynas.config import Config
from tinynas.cost import costs, estimate
from tinynas.errors import NoFeasibleCandidate, SpaceError
from tinynas.network.families.strided_space import StridedSpace
from tinynas.search import problem as module
from tinynas.search.problem import Problem

SHAPE = {"window": 40, "channels": 3}
SIZES = {"filters": [2, 4], "kernel_size": [2, 4], "norm": ["none"]}
DILATED = {**SIZES, "dilations": [1, 4, 16], "blocks": [2, 3]}
SMALL = {
    "tcn": DILATED,
    "ds_tcn": DILATED,
    "cnn": {**SIZES, "strides": [1, 4], "blocks": [2, 3]},
    "gru": {**SIZES, "strides": [1, 3], "blocks": [1, 2], "units": [3, 5], "steps": [4, 8]},
}
# Flash that the cheapest of all networks takes beside the firmware, by costing every one that may be it.
CHEAPEST_BYTES = 11_987 - 8_057
COSTS = ({"engine": "aot", "compiler": "gcc"}, {"engine": "tflm"})


def problem(shape=SHAPE, **config):
    spec = SimpleNamespace(window=shape["window"])
    body = SimpleNamespace(turns=False, target_turns=False, frame="body", spec=spec)
    task = SimpleNamespace(shape=shape, channels=shape["channels"], train=body, others=())
    task.of = lambda params: task
    return Problem(load_board("nucleo_f446re"), task, Config(**config))


def every_network(space):
    if isinstance(space, StridedSpace):
        yield from every_strided_network(space)
        return
    sets = [d for n in range(space.blocks[0], space.blocks[1] + 1) for d in combinations(space.dilations, n)]
    sizes = [range(low, high + 1) for low, high in (space.filters, space.kernel_size)]
    for filters, kernel, dilations, skip in product(*sizes, sets, (False, True)):
        yield space.network(filters, kernel, dilations, skip_connections=skip, **SHAPE)


def every_strided_network(space):
    names = [name for name, values in space.parameters().items() if name not in ("dropout", "norm")]
    for values in product(*(space.parameters()[name] for name in names)):
        params = {**dict(zip(names, values, strict=True)), "dropout": 0.0, "norm": "none"}
        surplus = [f"stride_{block}" for block in range(params["blocks"], space.blocks[1])]
        if all(params[name] == space.strides[0] for name in surplus):  # else the same network once more
            network = space.architecture(params, **SHAPE)
            if network is not None:
                yield network


@pytest.mark.slow
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("family", ["tcn", "ds_tcn", "cnn", "gru"])
@pytest.mark.parametrize("resource", ["sram", "flash"])
def test_it_is_refused_if_and_only_if_no_network_fits(cost, family, resource):
    loose = problem(space={"family": family, **SMALL[family]}, cost=cost)
    needs = [getattr(estimate(n, loose.engine), f"{resource}_bytes") for n in every_network(loose.space)]
    for limit, fits in ((min(needs), True), (min(needs) - 1, False), (min(needs) // 2, False), (max(needs), True)):
        limits = {f"{resource}_bytes": limit}
        tight = problem(space={"family": family, **SMALL[family]}, cost=cost, objective={"limits": limits})
        if fits:
            assert tight.admits(tight.require_feasible())
        else:
            with pytest.raises(NoFeasibleCandidate):
                tight.require_feasible()


@pytest.mark.slow
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize(
    "space", [*({"family": family} for family in SMALL), {"kernel_size": [2, 300], "blocks": [6, 9]}]
)
def test_a_limit_far_away_is_told_by_a_few_networks(cost, space, monkeypatch):
    asked = []

    def counted(*arguments):
        asked.append(arguments[0])
        return costs(*arguments)

    monkeypatch.setattr(module, "costs", counted)
    shape = {"window": 200, "channels": 6}
    with pytest.raises(NoFeasibleCandidate, match=r"the smallest candidate needs \d{4,} bytes of SRAM"):
        problem(shape, space=space, cost=cost, objective={"limits": {"sram_bytes": 10}}).require_feasible()
    assert len(asked) <= 21
    asked.clear()
    problem(shape, space={}, cost=cost).require_feasible()
    assert len(asked) == 1


def test_a_limit_one_byte_too_low_is_told_by_a_few_networks(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "costs", lambda *arguments: asked.append(0) or costs(*arguments))
    shape, cost = {"window": 200, "channels": 6}, COSTS[0]
    cheapest = problem(shape, cost=cost).engine.code_bytes + CHEAPEST_BYTES
    at, below = (problem(shape, cost=cost, objective={"limits": {"flash_bytes": cheapest - n}}) for n in (0, 1))
    found = at.require_feasible()
    assert at.cost(at.architecture(found)).flash_bytes == cheapest
    asked.clear()
    with pytest.raises(NoFeasibleCandidate):
        below.require_feasible()
    assert len(asked) <= 100


def test_windows_without_a_network_are_told():
    alone = problem({"window": 30, "channels": 6}, space={"family": "gru", "steps": [32]})
    with pytest.raises(SpaceError, match="no network of the space reads windows of 30 samples"):
        alone.require_feasible()
    with pytest.raises(SpaceError, match=r"space\.steps"):
        alone.space.sample(np.random.default_rng(0), window=30, channels=6)
    longer = problem({"window": 70, "channels": 6}, space={"family": "gru", "steps": [32]})
    assert longer.require_feasible()["steps"] == 32
