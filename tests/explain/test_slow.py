"""Why a network is too slow, or takes too much energy: figures that the resource model, asked apart, agrees with."""

import dataclasses

import pytest

from tinynas.board import OperatingPoint, load_board
from tinynas.cost import Engine, costs, estimate
from tinynas.explain import explain_study, explain_trial
from tinynas.network import CNN, TCN, Architecture

BOARD = load_board("nucleo_f446re")
DEEP = {"filters": 24, "kernel_size": 7, "dilations": (1, 2, 4, 8)}
NETWORK = TCN(**DEEP, window=64, channels=6)


def explain(made, trial):
    return explain_trial(made.view, made.study.trial(trial), made.config, made.board)


def limited(latency_us=None, energy_uj=None, **more):
    limits = {"latency_us": latency_us, "energy_uj": energy_uj}
    return {"cost": {"engine": "aot"}, "objective": {"limits": {k: v for k, v in limits.items() if v}}, **more}


def latency_us(network, board=BOARD):
    return costs(network, Engine.aot(board)).latency_us


def test_each_remedy_is_the_nearest_value_that_is_fast_enough(make):
    most = 0.6 * latency_us(NETWORK)
    made = make(**limited(most))
    found = explain(made, made.add(**DEEP))
    [over] = [one.over for one in found.costs if one.cost == "latency"]
    assert over == pytest.approx(0.4 * latency_us(NETWORK) / 1000, rel=1e-3)
    changed = {name: change for remedy in found.remedies for name, change in remedy.change.items()}
    assert {"filters", "kernel_size", "dilations"} <= set(changed)
    for remedy in found.remedies:
        [(name, (before, after))] = remedy.change.items()
        fields = NETWORK.to_dict()
        assert before == fields[name]
        assert remedy.latency_us == pytest.approx(latency_us(Architecture.from_dict({**fields, name: after})))
        assert remedy.latency_us <= most
        larger = [*before[: len(after) + 1]] if isinstance(after, list) else after + 1
        assert latency_us(Architecture.from_dict({**fields, name: larger})) > most


def test_the_slowest_operators_are_the_convolutions_with_most_to_do(make):
    made = make(**limited(1.0))
    found = explain(made, made.add(filters=24, kernel_size=7, dilations=(1, 2)))
    assert found.slowest_by == "cycles"
    assert all("CONV_2D" in title for title, _ in found.slowest)
    shares = [share for _, share in found.slowest]
    assert shares == sorted(shares, reverse=True)
    assert 0.5 < sum(shares) <= 1


def test_predictions_are_moved_by_what_the_board_has_measured(make):
    predicted = latency_us(NETWORK)
    measured = {"source": "hil", "latency_us": 1.5 * predicted, "flash_bytes": 90_000, "sram_bytes": 9_000}
    # By the prediction alone the network would fit.
    made = make(**limited(1.2 * predicted, mode="hil"))
    found = explain(made, made.add(**DEEP, measured=measured))
    [remedy] = [one for one in found.remedies if "filters" in one.change]
    then = costs(
        Architecture.from_dict({**NETWORK.to_dict(), "filters": remedy.change["filters"][1]}), Engine.aot(BOARD)
    )
    now = costs(NETWORK, Engine.aot(BOARD))
    assert remedy.latency_us == pytest.approx(1.5 * then.latency_us)
    assert remedy.flash_bytes == 90_000 + then.flash_bytes - now.flash_bytes
    assert remedy.sram_bytes == 9_000 + then.sram_bytes - now.sram_bytes


@pytest.mark.parametrize(("share", "turns"), [(0.6, 2), (0.3, 1)])
def test_fewer_turns_are_a_remedy(make, share, turns):
    made = make(**limited(share * 4 * latency_us(NETWORK), deploy={"turns": 4}))
    found = explain(made, made.add(**DEEP))
    [remedy] = [one for one in found.remedies if "turns" in one.change]
    assert remedy.change == {"turns": (4, turns)}
    assert remedy.latency_us == pytest.approx(turns * latency_us(NETWORK))


def test_another_clock_is_a_remedy_for_time_and_for_energy(make):
    # Twice the clock takes three times the power: slower is cheaper.
    points = (OperatingPoint(90_000_000, 50.0, 1.0), OperatingPoint(180_000_000, 150.0, 1.0))
    board = dataclasses.replace(BOARD, operating_points=points)
    slow = latency_us(NETWORK, board.at(90_000_000))
    made = make(board, **limited(0.8 * slow))
    found = explain(made, made.add(**DEEP, chosen={"clock_hz": 90_000_000}))
    [remedy] = [one for one in found.remedies if "clock_hz" in one.change]
    assert remedy.change == {"clock_hz": (90_000_000, 180_000_000)}
    assert remedy.latency_us == pytest.approx(latency_us(NETWORK, board))

    fast = latency_us(NETWORK, board) * 150 / 1000
    made = make(board, **limited(energy_uj=0.9 * fast))
    found = explain(made, made.add(**DEEP))
    [remedy] = [one for one in found.remedies if "clock_hz" in one.change]
    assert remedy.change == {"clock_hz": (180_000_000, 90_000_000)}
    assert remedy.energy_uj == pytest.approx(slow * 50 / 1000, rel=1e-4)
    assert any("clocks" in step.what for step in explain_study(made.view, made.config).steps)


def test_larger_strides_are_a_remedy(make):
    network = CNN(filters=16, kernel_size=5, strides=(1, 2), window=64, channels=6, pool="mean")
    made = make(**limited(0.6 * latency_us(network)))
    found = explain(made, made.add(network=network))
    wider = [
        change["strides"]
        for one in found.remedies
        if "strides" in (change := one.change) and len(change["strides"][1]) == 2
    ]
    [(before, after)] = wider
    assert before == [1, 2]
    assert after[0] > 1


def test_an_interpreters_time_grows_with_the_multiplications(make):
    settings = limited(900.0, mode="hil", hil={"tflm_root": "lib"}) | {"cost": {"engine": "tflm"}}
    made = make(**settings)
    found = explain(made, made.add(**DEEP, measured={"source": "hil", "latency_us": 1000.0}))
    assert found.slowest_by == "macs"
    [remedy] = [one for one in found.remedies if "filters" in one.change]
    then = Architecture.from_dict({**NETWORK.to_dict(), "filters": remedy.change["filters"][1]})
    ratio = estimate(then, Engine.tflm()).macs / estimate(NETWORK, Engine.tflm()).macs
    assert remedy.latency_us == pytest.approx(1000 * ratio)


def test_a_time_that_nothing_meets_has_no_remedy(make):
    made = make(**limited(0.001))
    assert explain(made, made.add(**DEEP)).remedies == ()


def test_what_helps_a_search_that_time_limits(make):
    made = make(**limited(0.5 * latency_us(NETWORK), deploy={"turns": 2}))
    made.add(**DEEP)
    told = {step.why: step.what for step in explain_study(made.view, made.config).steps}
    what = told["latency limits the networks"]
    assert "deploy.turns" in what
    assert "space.filters" in what
    assert "a faster board" in what
    assert "clocks" not in what  # the board lists one
