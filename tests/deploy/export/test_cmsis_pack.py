"""The CMSIS pack: its description by the format's rules, and every file that it names."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests._tools import needs
from tinynas.deploy.export import cmsis_pack

CATEGORIES = {"doc", "include", "header", "sourceC", "other"}  # those of the schema that are used here


@pytest.fixture(scope="module")
def files(contents):
    return cmsis_pack(contents, "2026-01-31")


def test_pack_and_description_bear_the_names_that_tools_look_for(files):
    assert sorted(files) == ["tinynas.walker.2.0.1.pack", "tinynas.walker.pdsc"]
    with zipfile.ZipFile(io.BytesIO(files["tinynas.walker.2.0.1.pack"])) as pack:
        assert pack.testzip() is None
        assert pack.read("tinynas.walker.pdsc") == files["tinynas.walker.pdsc"]
        assert all(not name.startswith("/") and ".." not in name and "\\" not in name for name in pack.namelist())


def test_the_description_follows_the_format(files):
    package = ElementTree.fromstring(files["tinynas.walker.pdsc"])
    assert package.tag == "package"
    assert package.attrib == {"schemaVersion": "1.7.36"}
    found = {child.tag: child for child in package}
    assert {"vendor", "name", "description", "url", "license", "releases", "components"} <= set(found)
    assert (found["vendor"].text, found["name"].text) == ("tinynas", "walker")
    [release] = found["releases"]
    assert release.attrib == {"version": "2.0.1", "date": "2026-01-31"}
    assert release.text
    [component] = found["components"]
    assert component.attrib == {"Cclass": "Machine Learning", "Cgroup": "Inertial Odometry", "Cversion": "2.0.1"}


def test_every_file_that_is_named_is_there_and_every_source_is_named(files):
    package = ElementTree.fromstring(files["tinynas.walker.pdsc"])
    with zipfile.ZipFile(io.BytesIO(files["tinynas.walker.2.0.1.pack"])) as pack:
        names = set(pack.namelist())
    listed = {file.get("name"): file.get("category") for file in package.iter("file")}
    assert set(listed.values()) <= CATEGORIES
    for name, category in listed.items():
        assert any(one.startswith(name) for one in names) if category == "include" else name in names
    assert package.findtext("license") in names
    assert {name for name in names if name.endswith(".c")} == {n for n, kind in listed.items() if kind == "sourceC"}


@pytest.mark.skipif("CMSIS_PACK_SCHEMA" not in os.environ, reason="CMSIS_PACK_SCHEMA names no PACK.xsd")
def test_the_description_is_valid_by_the_official_schema(files):
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema(os.environ["CMSIS_PACK_SCHEMA"])
    assert [error.reason for error in schema.iter_errors(files["tinynas.walker.pdsc"].decode())] == []


@pytest.mark.exhaustive
@needs("gcc")
def test_the_pack_builds_from_what_its_description_names(files, tmp_path):
    with zipfile.ZipFile(io.BytesIO(files["tinynas.walker.2.0.1.pack"])) as pack:
        pack.extractall(tmp_path)
    package = ElementTree.fromstring(files["tinynas.walker.pdsc"])
    of = lambda kind: [file.get("name") for file in package.iter("file") if file.get("category") == kind]  # noqa: E731
    command = [
        "gcc",
        "-std=c11",
        "-O2",
        *(f"-I{folder}" for folder in of("include")),
        *of("sourceC"),
        "-lm",
        "-o",
        "replay",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    with Path(tmp_path / "walk/samples.csv").open() as samples:
        done = subprocess.run(["./replay", "walk/path.csv"], cwd=tmp_path, stdin=samples, check=False, timeout=60)
    assert done.returncode == 0


def test_the_same_library_is_the_same_bytes(files, contents):
    assert cmsis_pack(contents, "2026-01-31") == files
