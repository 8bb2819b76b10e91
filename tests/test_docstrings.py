"""The examples in the docstrings do what they show."""

import doctest
import importlib
import pkgutil

import pytest

import tinynas

MODULES = sorted(module.name for module in pkgutil.walk_packages(tinynas.__path__, "tinynas."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0, f"see the captured output: {result}"
