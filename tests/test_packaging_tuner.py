"""tinynas-tuner: the tuner as a distribution of its own."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests._dists import build, complaints

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = None

REPOSITORY = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow

SEARCH = """
from scipy.stats import uniform
from {package} import Tuner, loguniform
space = {{"x": uniform(-5, 10), "n": range(1, 9), "rate": loguniform(-3, 3), "kind": ["a", "b"]}}
tuner = Tuner(space, conf_dict={{"sense": "minimize", "seed": 0}})
for _ in range(14):
    [point] = tuner.ask()
    tuner.tell(point, (point["x"] - 2) ** 2 + (point["n"] - 3) ** 2 + (point["kind"] == "b"))
print(sorted(tuner.best[0].items()), tuner.best[1])
"""
# Nothing can be imported but the standard library, what the wheel depends on, and what that depends on.
ALONE = """
import sys
allowed = {"numpy", "scipy", "rich", "markdown_it", "mdurl", "pygments", "loky", "cloudpickle", "tinynas_tuner"}
class Refuse:
    def find_spec(self, name, path=None, target=None):
        known = name in allowed or name in sys.stdlib_module_names or name.startswith("_sysconfigdata")
        if path is None and not known:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
"""
CLUSTERED = """
from scipy.stats import uniform
from tinynas_tuner import Tuner
from tinynas_tuner.errors import ConfigError
tuner = Tuner({"x": uniform(0, 1)}, conf_dict={"parallel_strategy": "clustering", "seed": 0, "design_size": 2})
try:
    for _ in range(3):
        for point in tuner.ask(4):
            tuner.tell(point, point["x"])
except ConfigError as error:
    print(error)
"""
DOCTESTS = """
import doctest, importlib, pkgutil, tinynas_tuner
found = {}
for module in pkgutil.walk_packages(tinynas_tuner.__path__, "tinynas_tuner."):
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found[module.name] = doctest.testmod(importlib.import_module(module.name), optionflags=flags)
print(sum(one.failed for one in found.values()), sum(one.attempted for one in found.values()) > 50)
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The source distribution, and the wheel that is built from it, made from a copy of the sources."""
    copy = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", "tinynas_tuner")
    shutil.copytree(REPOSITORY / "packaging", copy / "packaging", ignore=ignored)
    shutil.copytree(REPOSITORY / "tinynas" / "tuner", copy / "tinynas" / "tuner", ignore=ignored)
    for name in ("tinynas/errors.py", "tinynas/printable.py", "LICENSE"):
        shutil.copyfile(REPOSITORY / name, copy / name)
    return build(copy / "packaging" / "tuner", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(dist):
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Run a program that sees the wheel, and the checkout not at all."""
    empty = tmp_path_factory.mktemp("empty")

    def program(text):
        environment = {**os.environ, "PYTHONPATH": str(wheel), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", text]
        done = subprocess.run(
            command, cwd=empty, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return program


def test_the_tools_of_the_trade_have_no_complaint(dist):
    assert complaints(dist) == []


def test_it_owns_no_file_of_tinynas(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"tinynas_tuner"}
    assert "tinynas_tuner/py.typed" in names
    assert sum(name.endswith(".py") for name in names) > 50


def test_it_needs_four_small_libraries(metadata):
    needed = [name for name in metadata.get_all("Requires-Dist") if "extra ==" not in name]
    assert sorted(name.split(">")[0].split("<")[0] for name in needed) == ["loky", "numpy", "rich", "scipy"]


@pytest.mark.skipif(tomllib is None, reason="Python 3.10 cannot read TOML")
def test_version_and_pythons_are_those_of_tinynas(metadata):
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["Version"] == project["version"]
    assert set(metadata["Requires-Python"].split(",")) == set(project["requires-python"].split(","))


def test_it_makes_the_same_suggestions_where_nothing_else_is_installed(run):
    alone = run(ALONE + SEARCH.format(package="tinynas_tuner"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(SEARCH.format(package="tinynas.tuner"), {})
    assert alone == printed.getvalue()
    assert "('n', 3)" in alone


def test_what_is_missing_for_an_extra_is_said(run):
    assert "scikit-learn is not installed (pip install scikit-learn)" in run(ALONE + CLUSTERED)


def test_a_part_of_tinynas_that_is_not_taken_along_is_an_error(tmp_path, dist):
    copy = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "packaging", copy / "packaging", ignore=shutil.ignore_patterns("tinynas_tuner"))
    (copy / "tinynas" / "tuner").mkdir(parents=True)
    (copy / "tinynas" / "tuner" / "__init__.py").write_text("from tinynas.board import load_board\n")
    for name in ("tinynas/errors.py", "tinynas/printable.py", "LICENSE"):
        shutil.copyfile(REPOSITORY / name, copy / name)
    with pytest.raises(AssertionError, match=r"'from tinynas.board import load_board' is not part of tinynas_tuner"):
        build(copy / "packaging" / "tuner", tmp_path)


@pytest.mark.exhaustive
def test_the_examples_in_its_docstrings_run(run):
    assert run(DOCTESTS) == "0 True\n"


@pytest.mark.exhaustive
def test_in_a_clean_environment_beside_tinynas_and_without_it(wheel, tmp_path):
    """Installed by pip; tinynas, without what it depends on, comes and goes."""
    (tmp_path / "dist").mkdir()
    (other,) = build(REPOSITORY, tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")

    def pip(*arguments):
        command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)

    installed = pip("install", "--quiet", str(wheel))
    if installed.returncode and "No matching distribution" in installed.stderr:
        pytest.skip("NumPy and SciPy cannot be fetched here")
    assert installed.returncode == 0, installed.stderr
    listed = pip("list", "--format=freeze").stdout.lower()
    assert "tensorflow" not in listed
    assert "tinynas-tuner==" in listed.replace("_", "-")

    def search(package):
        command = [python, "-c", SEARCH.format(package=package)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    alone = search("tinynas_tuner")
    assert pip("install", "--quiet", "--no-deps", str(other)).returncode == 0
    assert search("tinynas.tuner") == search("tinynas_tuner") == alone
    assert pip("uninstall", "--yes", "tinynas").returncode == 0
    assert search("tinynas_tuner") == alone
