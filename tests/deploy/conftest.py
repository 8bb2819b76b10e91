from __future__ import annotations

import json
from pathlib import Path

import pytest

ANCHORS = Path(__file__).parents[2].parent / "shared" / "anchors"


@pytest.fixture(scope="session")
def anchors():
    """Name -> (figures of a Cortex-M4, .tflite bytes): models whose costs were measured."""
    if not ANCHORS.is_dir():
        pytest.skip("the anchor models are not beside the repository (shared/anchors)")
    figures = json.loads((ANCHORS / "tflm.json").read_text())
    return {name: (values, (ANCHORS / f"{name}.tflite").read_bytes()) for name, values in figures.items()}
