from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import tinynas.odometry

MODULES = [module.name for module in pkgutil.iter_modules(tinynas.odometry.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    assert doctest.testmod(importlib.import_module(f"tinynas.odometry.{name}")).failed == 0


def test_public_names_exist_and_are_sorted():
    names = tinynas.odometry.__all__
    assert all(hasattr(tinynas.odometry, name) for name in names)
    # As ruff sorts them: constants, classes, functions.
    kinds = [0 if name.isupper() else 1 if name[0].isupper() else 2 for name in names]
    assert names == [name for _, name in sorted(zip(kinds, names, strict=True))]


def test_no_public_name_of_the_task_is_missing():
    """What README and docs/data.md use."""
    assert {"Recording", "Dataset", "Windows", "load_dataset", "make_windows", "evaluate"} <= set(
        tinynas.odometry.__all__
    )


@pytest.mark.slow
def test_importing_loads_no_tensorflow_and_no_hdf5():
    code = "import sys, tinynas.odometry; print({'tensorflow', 'h5py', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
