"""Libraries that only some uses of the tuner need."""

import sys

import pytest

from tinynas.errors import ConfigError
from tinynas.tuner.optional import load_optional


def test_a_library_that_is_missing_is_said_with_what_to_install():
    with pytest.raises(ConfigError, match=r"scikit-other is not installed \(pip install scikit-other\)"):
        load_optional("skother.cluster", "scikit-other")


def test_what_a_library_lacks_itself_is_not_taken_for_its_absence(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        load_optional("half_there", "half-there")
    assert "half_there" not in sys.modules
