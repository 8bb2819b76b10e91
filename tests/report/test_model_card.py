from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinynas.deploy import Graph, Op, Quantization, Tensor, pack
from tinynas.report import model_card, write_report
from tinynas.study import Study

Make = Callable[..., Study]


def model(precision: str) -> bytes:
    """The smallest .tflite of six channels times 200 steps in, two values out."""

    def steps(scale: float, zero_point: int) -> Quantization | None:
        return Quantization((scale,), (zero_point,)) if precision == "int8" else None

    weights = np.ones((2, 1200), precision)
    tensors = (
        Tensor((1, 1200), precision, quantization=steps(0.0371, -3)),
        Tensor((2, 1200), precision, constant=True, data=weights, quantization=steps(0.01, 0)),
        Tensor((1, 2), precision, quantization=steps(0.0123, 7)),
    )
    return pack(Graph(tensors, (Op("FULLY_CONNECTED", (0, 1, -1), (2,), {}, "FullyConnectedOptions"),), (0,), (2,)))


def card_of(study: Study, precision: str) -> str:
    best = study.best()
    assert best is not None
    study.attach(best.id, {"tflite": model(precision)})
    return model_card(study)


def configured(precision: str, **dataset: Any) -> dict[str, Any]:
    return {"conversion": {"precision": precision}, "dataset": {"source": "csv:walks", **dataset}}


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
    assert "| the training mean | 0.710 m/s | 0.740 m/s |" in card
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
    assert "Subtract the mean" not in card
    assert "sampled at the rate of the training data" in card


def test_card_has_the_scales_of_the_stored_model(make_study: Make) -> None:
    card = card_of(make_study(10, recordings=["walk"], config=configured("int8")), "int8")
    rows = [line for line in card.splitlines() if re.match(r"\| (in|out)put \| 1 x", line)]
    found = [[cell.strip() for cell in row.split("|")[2:-1]] for row in rows]
    assert [row[:2] for row in found] == [["1 x 1200", "int8"], ["1 x 2", "int8"]]
    assert [(np.float32(row[2]), int(row[3])) for row in found] == [(np.float32(0.0371), -3), (np.float32(0.0123), 7)]
    assert "full-integer int8" in card
    assert "| this network, int8 (as deployed) |" in card


def test_a_float32_model_is_called_one(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"], config=configured("float32"))
    card = card_of(study, "float32")
    assert "| output | 1 x 2 | float32 | \N{EN DASH} | \N{EN DASH} |" in card
    assert "| this network, float32 (as deployed) |" in card
    page = write_report(study, study.folder / "report.html").read_text("utf-8")
    page = page[: page.index("<script>")]
    assert "As float32 it reaches" in page
    assert "best network, float32 (as deployed)" in page
    for text in (card, page):
        assert "int8" not in text


@pytest.mark.parametrize(
    ("target", "rows"),
    [
        ("velocity", [("velocity x", "m/s"), ("velocity y", "m/s")]),
        ("speed_heading", [("speed", "m/s"), ("heading change", "rad")]),
        ("a_new|one", []),
    ],
)
def test_card_defines_the_outputs_with_their_units(make_study: Make, target: str, rows: list[tuple[str, str]]) -> None:
    card = card_of(make_study(10, recordings=["walk"], config=configured("int8", target=target)), "int8")
    section = card[card.index("**Output:** 2 values") : card.index("**Quantisation:**")]
    assert re.findall(r"^\| ([a-z ]+) \| (m/s|rad) \| .{20,} \|$", section, re.MULTILINE) == rows
    assert ("a\\_new\\|one" in section) == (not rows)
    assert ("along and across the first heading" in card) == (target == "speed_heading")


def test_card_says_the_rate(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    card = model_card(study)
    assert "oldest first, sampled at 100 Hz (2 s)." in card
    assert "must be sampled at 100 Hz and normalised" in card
    study.set_summary({**study.summary, "rate_hz": 52.5})
    assert "sampled at 52.5 Hz (3.81 s)" in model_card(study)


def test_a_model_that_cannot_be_read_costs_only_its_scales(make_study: Make) -> None:
    study = make_study(10, recordings=["walk"])
    best = study.best()
    assert best is not None
    assert "could not be read" in model_card(study), "the made-up study's models are none"
    sha256 = best.artefacts["tflite"]
    (study.folder / "artefacts" / sha256[:2] / sha256).unlink()
    card = model_card(study)
    assert "could not be read" in card
    assert "## Provenance" in card


def test_paths_of_the_machine_stay_out_and_packages_are_pairs(make_study: Make) -> None:
    provenance = {
        "dataset_folder": "/home/ada/secret/walks",
        "packages": {"numpy": "2.4.6", "tflite-micro": None, "b|d": "<1>"},
    }
    study = make_study(5, recordings=["walk"], provenance=provenance)
    card = model_card(study)
    page = write_report(study, study.folder / "report.html").read_text("utf-8")
    for text in (card, page):
        assert "secret" not in text
        assert "dataset_folder" not in text.replace("\\", "")
    assert "| packages | numpy 2.4.6, tflite-micro \N{EN DASH}, b\\|d \\<1\\> |" in card


def test_nested_settings_have_dotted_keys(make_study: Make) -> None:
    card = model_card(make_study(5, config=configured("int8", synthetic={"n_train": 4, "modes": ["pocket"]})))
    assert "| synthetic.n\\_train | 4 |" in card
    assert '| synthetic.modes | \\["pocket"\\] |' in card
