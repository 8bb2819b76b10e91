"""The benchmarks are scripts: they import each other as such."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


@pytest.fixture(autouse=True)
def _threads_as_they_are(monkeypatch):
    """A benchmark sets its threads before TensorFlow is loaded; in a test session that may have happened already."""
    import _comparison
    import runtime

    for module in (_comparison, runtime):
        monkeypatch.setattr(module, "limit_threads", lambda _count: None)
