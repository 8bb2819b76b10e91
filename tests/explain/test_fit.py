"""Why one network does not fit: figures that the resource model, asked apart, agrees with."""

from __future__ import annotations

import pytest

from tests.deploy.candidates import filled
from tinynas.cost import Engine, costs, lower
from tinynas.deploy import Model, pack
from tinynas.deploy.compiler import operator_costs
from tinynas.explain import explain_trial
from tinynas.network import TCN, Architecture

SMALL = {"objective": {"limits": {"sram_bytes": 12_000, "flash_bytes": 110_000}}}


def explain(made, trial):
    return explain_trial(made.view, made.study.trial(trial), made.config, made.board)


@pytest.mark.parametrize("settings", [SMALL, {**SMALL, "cost": {"engine": "aot"}}], ids=["tflm", "aot"])
def test_each_remedy_is_the_smallest_change_of_its_parameter_that_fits(make, settings):
    made = make(**settings)
    engine = Engine.aot(made.board) if made.config.aot else Engine.tflm()
    network = TCN(filters=40, kernel_size=9, dilations=(1, 2, 4, 8, 16), window=64, channels=6)
    found = explain(made, made.add(filters=40, kernel_size=9, dilations=(1, 2, 4, 8, 16)))
    limits = (12_000, 110_000)

    def fits(fields):
        used = costs(Architecture.from_dict(fields), engine)
        return used.sram_bytes <= limits[0] and used.flash_bytes <= limits[1], used

    over = {one.cost: one.over for one in found.costs}
    used = costs(network, engine)
    assert over["flash"] * 1024 == pytest.approx(used.flash_bytes - 110_000)
    assert over["sram"] * 1024 == pytest.approx(max(0, used.sram_bytes - 12_000))
    assert found.remedies
    for remedy in found.remedies:
        [(name, (before, after))] = remedy.change.items()
        good, now = fits({**network.to_dict(), name: after})
        assert good
        assert (remedy.sram_bytes, remedy.flash_bytes) == (now.sram_bytes, now.flash_bytes)
        larger = [*before[: len(after) + 1]] if isinstance(after, list) else after + 1
        assert not fits({**network.to_dict(), name: larger})[0]


def test_filters_of_each_block_shrink_together_and_go_with_their_block(make):
    fields = {"filters": (24, 32, 40, 48), "kernel_size": 9, "dilations": (1, 2, 4, 8)}
    made = make(objective={"limits": {"flash_bytes": 110_000}})
    changes = [remedy.change for remedy in explain(made, made.add(**fields)).remedies]
    [(before, after)] = [change["filters"] for change in changes if "filters" in change]
    assert before == [24, 32, 40, 48]
    assert len(after) == 4
    assert all(b < a for a, b in zip(before, after, strict=True))
    [(_, fewer)] = [change["dilations"] for change in changes if "dilations" in change]
    rest = TCN(fields["filters"][: len(fewer)], 9, fewer, window=64, channels=6)
    assert costs(rest, Engine.tflm()).flash_bytes <= 110_000


def test_where_no_single_change_is_enough_all_parameters_shrink(make):
    deep = {"filters": 63, "kernel_size": 15, "dilations": (1, 2, 4, 8, 16, 32, 64, 128)}
    # Below what a single filter leaves of the deep network: its operators alone are too many.
    narrow = costs(TCN(**{**deep, "filters": 1}, window=64, channels=6), Engine.tflm()).flash_bytes
    made = make(objective={"limits": {"flash_bytes": narrow - 1}})
    [remedy] = explain(made, made.add(**deep)).remedies
    assert {"filters", "dilations"} <= set(remedy.change)
    shrunk = {name: after for name, (_, after) in remedy.change.items()}
    used = costs(TCN(**{**deep, **shrunk}, window=64, channels=6), Engine.tflm())
    assert used.flash_bytes == remedy.flash_bytes < narrow


def test_the_peak_is_the_arenas_by_hand(make):
    """One block on one channel: its three tensors are small enough to be counted on paper."""
    made = make(cost={"kernels": "reference"})
    trial = made.add(0.3, filters=4, kernel_size=2, dilations=(1,), window=8, channels=6, norm="none")
    found = explain(made, trial)
    # The input of 8 x 6 bytes is reshaped to (1, 1, 8, 6): both copies exist at once, and nothing later is larger.
    assert found.peak_bytes == 2 * 48
    assert dict(found.peak_holds) == {"input": 48, "output of 0 RESHAPE": 48}
    assert "0 RESHAPE" in found.peak_operator
    assert found.remedies == ()
    weights = dict(found.heaviest)
    assert weights["4 CONV_2D"] == 4 * (2 * 6 + 4)  # filters x (taps x channels, and a bias of four bytes)
    assert found.to_dict()["costs"][0]["over"] == 0.0


def test_what_a_training_tells_is_told(make):
    made = make()
    best = made.add(0.2)
    other = made.add(0.3, metrics={"epochs": 9, "best_epoch": 8, "error_float": 0.2})
    text = " ".join(explain(made, other).learned)
    assert "its best epoch is the last of 9" in text
    assert "50 % larger" in text
    assert f"the best, trial {best}, is 0.200" in text
    assert explain(made, best).learned == ()


@pytest.mark.parametrize("settings", [{}, {"cost": {"engine": "aot"}, "objective": {"limits": {"latency_us": 9}}}])
def test_every_operator_has_the_name_that_the_cost_tables_give_it(make, settings):
    """Those of the fullest moment, of the weights and of the time: a reader finds them in the report by number."""
    made = make(**settings)
    found = explain(made, made.add(0.3, filters=12, kernel_size=5, dilations=(1, 4)))
    network = TCN(filters=12, kernel_size=5, dilations=(1, 4), window=64, channels=6)
    names = {cost.title for cost in operator_costs(Model(pack(filled(lower(network)))), "tflm")}
    assert {name for name, _ in found.heaviest} <= names
    assert {name for name, _ in found.slowest} <= names
    held = {part for label, _ in found.peak_holds for part in label.split(", ")} | {*found.peak_operator.split(" and ")}
    assert {part.partition(" of ")[2] or part for part in held} - {"input"} <= names  # "output of 4 CONV_2D"
