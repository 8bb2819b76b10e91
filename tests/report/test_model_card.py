from __future__ import annotations

import re
from collections.abc import Callable

from tinynas.report import model_card
from tinynas.study import Study

Make = Callable[..., Study]


def test_card_says_what_a_user_must_know(make_study: Make) -> None:
    study = make_study(30, recordings=["walk 1"])
    best = study.best()
    assert best is not None
    card = model_card(study)
    sections = re.findall(r"^## (.+)$", card, re.MULTILINE)
    assert sections == [
        "Intended use",
        "Data",
        "Architecture",
        "Input, output, quantisation",
        "Costs",
        "Metrics",
        "Limits",
        "Provenance",
    ]
    assert card.startswith("# Inertial odometry network for NUCLEO-F446RE\n")
    assert "200 time steps by 6 channels" in card
    assert "| accel\\_x (m/s2) | 0.1 | 1.5 |" in card
    assert "Output scale: 0.0123" in card
    assert "| always the training mean | 0.710 m/s | 0.740 m/s |" in card
    assert "| walk 1 |" in card
    assert f"`{best.artefacts['tflite']}`" in card
    assert "| latency | not measured |" in card
    assert "| git | \N{EN DASH} |" in card


def test_every_table_has_one_width(make_study: Make) -> None:
    card = model_card(make_study(30, recordings=["a|b", "c\nd", "`e`"], provenance={"x|y": "1|2", "f": True}))
    width = 0
    for line in card.splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line))
            assert width in {0, cells}, line
            assert line.endswith("|")
            width = cells
        else:
            width = 0


def test_card_without_evaluation(make_study: Make) -> None:
    card = model_card(make_study(10))
    assert "has not been evaluated on test recordings yet" in card
    assert "subtract the mean" not in card
