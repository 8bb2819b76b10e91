"""The distributions of tinynas: what is in them, and that the wheel works away from the checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests._dists import build, complaints

REPOSITORY = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The source distribution, and the wheel that is built from it."""
    return build(REPOSITORY, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(dist):
    (path,) = dist.glob("tinynas-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Run a program against the installed wheel, in an empty folder and with no sight of the checkout."""
    site, empty = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("empty")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)

    def run(program, *args):
        environment = {**os.environ, "PYTHONPATH": str(site)}
        command = [sys.executable, "-c", program, *args]
        return subprocess.run(
            command, cwd=empty, env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def test_the_wheel_carries_the_resources_and_nothing_of_the_workshop(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "tinynas/_resources/boards/nucleo_f446re.yaml" in names
    for kind in ("boards", "configs", "datasets", "firmware"):
        for path in REPOSITORY.joinpath(kind).rglob("*"):
            shipped = f"tinynas/_resources/{path.relative_to(REPOSITORY).as_posix()}"
            assert path.is_dir() or "__pycache__" in path.parts or shipped in names
    assert not [name for name in names if not name.startswith(("tinynas/", "tinynas-"))]
    assert not [name for name in names if "__pycache__" in name]


def test_the_tools_of_the_trade_have_no_complaint(dist):
    assert complaints(dist) == []


def test_the_source_distribution_holds_the_tests_and_the_documentation(dist):
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ("tests/test_packaging.py", "docs/search.md", "firmware/CMakePresets.json", "CHANGELOG.md", "CITATION.cff")
    assert {*wanted, "packaging/tuner/hatch_build.py", "mkdocs.yml", "LICENSE"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", "studies"))]


def test_it_says_that_it_is_typed(wheel):
    assert "tinynas/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_every_module_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {path.relative_to(REPOSITORY).as_posix() for path in REPOSITORY.joinpath("tinynas").rglob("*.py")}
    assert modules <= names


def test_the_command_is_called_tinynas(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "tinynas = tinynas.cli:main" in archive.read(name).decode()


def test_the_metadata_state_licence_and_python_versions(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: <3.14,>=3.10" in metadata


def test_an_installed_wheel_works_from_an_empty_folder(installed):
    place = installed("import tinynas; print(tinynas.__file__)")
    assert str(REPOSITORY) not in place.stdout
    listed = installed("import sys; from tinynas.cli import main; sys.exit(main(sys.argv[1:]))", "boards", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "nucleo_f446re" in listed.stdout
