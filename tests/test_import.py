"""What importing tinynas costs, and what it must not touch."""

import ast
import importlib.util
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tinynas

ROOT = Path(tinynas.__file__).parent

# The parts that promise to answer without TensorFlow.
WITHOUT_TENSORFLOW = (
    "tinynas.board",
    "tinynas.config",
    "tinynas.cost",
    "tinynas.cost.proxy",
    "tinynas.deploy.planner",
    "tinynas.objective",
    "tinynas.odometry",
    "tinynas.report",
    "tinynas.search",
    "tinynas.study",
    "tinynas.network.families.tcn",
    "tinynas.network.needed",
    "tinynas.network.families.tcn_space",
    "tinynas.tuner",
)
FRAMEWORKS = "{'tensorflow', 'keras', 'ai_edge_litert', 'tflite_micro'}"
DEVICES = "{'serial', 'mbed_tools', 'pyocd', 'unicorn'}"


def python(program, **environment):
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_no_module_loads_tensorflow_or_a_device_library_when_imported():
    """All of them in one process: whoever is guilty, the test fails; the next test says who."""
    modules = [module.name for module in pkgutil.walk_packages(tinynas.__path__, "tinynas.")]
    # The virtual board is a process of its own, which nothing else imports (tests/hil/emulator/test_virtual.py).
    modules = [name for name in modules if not name.startswith("tinynas.hil.emulator.")]
    program = (
        f"import importlib, sys; [importlib.import_module(name) for name in {modules!r}]; "
        f"print(sorted(({FRAMEWORKS} | {DEVICES}) & set(sys.modules)))"
    )
    assert python(program) == "[]\n"


@pytest.mark.parametrize("name", WITHOUT_TENSORFLOW)
def test_a_part_that_promises_it_works_where_tensorflow_is_not_installed(name):
    program = (
        "import importlib, sys\n"
        f"for framework in {FRAMEWORKS}: sys.modules[framework] = None\n"
        f"importlib.import_module({name!r})"
    )
    assert python(program) == ""


def test_the_resource_model_answers_without_tensorflow():
    program = (
        "import sys\n"
        f"for framework in {FRAMEWORKS}: sys.modules[framework] = None\n"
        "from tinynas.cost import Engine, estimate\n"
        "from tinynas.network import TCN\n"
        "a = TCN(filters=8, kernel_size=3, dilations=(1, 2), window=50, channels=6)\n"
        "print(estimate(a, Engine.tflm()).sram_bytes > 0)"
    )
    assert python(program) == "True\n"


def cpu_s():
    """What the child processes took so far: on a busy machine the clock on the wall says nothing."""
    times = os.times()
    return times.children_user + times.children_system


def test_importing_tinynas_is_fast_and_loads_nothing():
    times = []
    for _ in range(3):
        start = cpu_s()
        loaded = python("import sys, tinynas; print(sorted({'numpy', 'scipy', 'rich', 'typer'} & set(sys.modules)))")
        times.append(cpu_s() - start)
        assert loaded == "[]\n"
    assert min(times) < 0.5


def imports_of(path):
    """The tinynas modules a file imports at its top level or inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_nothing_imports_the_command_line():
    for path in ROOT.rglob("*.py"):
        if "cli" not in path.relative_to(ROOT).parts and path != ROOT / "__main__.py":
            assert not [name for name in imports_of(path) if name.startswith("tinynas.cli")], path


@pytest.mark.parametrize("package", ["tuner", "network", "odometry", "deploy", "study", "board"])
def test_the_lower_parts_know_nobody_but_errors(package):
    spec = importlib.util.find_spec(f"tinynas.{package}")
    paths = list(Path(spec.origin).parent.rglob("*.py")) if spec.submodule_search_locations else [Path(spec.origin)]
    # Helpers without nouns of their own: how YAML is read, where shipped files lie, whose fault an error is.
    helpers = ("yamlfile", "resources", "checked", "hostfaults", "printable", "children", "scratch")
    allowed = (f"tinynas.{package}", "tinynas.errors", *(f"tinynas.{name}" for name in helpers))
    for path in paths:
        for name in imports_of(path):
            if name.startswith("tinynas"):
                assert name.startswith(allowed) or name == "tinynas", f"{path} imports {name}"


def test_every_public_name_is_where_it_is_looked_for():
    assert sorted(tinynas._HOMES) == sorted(tinynas.__all__)
    for name in tinynas.__all__:
        assert getattr(tinynas, name).__name__ == name
