"""What stands beside the sources: versions, citation, workflows."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))
# What a checkout has and a source distribution does not.
pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="not a checkout")


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def version(name):
    (found,) = re.findall(r'^version(?: =|:) "?([\d.]+)"?$', text(name), flags=re.MULTILINE)
    return found


def test_one_version_everywhere():
    names = ("pyproject.toml", "packaging/tuner/pyproject.toml", "CITATION.cff")
    assert len({version(name) for name in names}) == 1
    assert f"\n## {version('pyproject.toml')}\n" in text("CHANGELOG.md")
    assert text("CHANGELOG.md").index("\n## Unreleased\n") < text("CHANGELOG.md").index("\n## 0.1.0\n")


def test_the_citation_has_what_the_format_demands():
    found = yaml.safe_load(text("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(found)
    assert found["license"] == "Apache-2.0"
    for reference in found["references"]:
        assert {"type", "title", "authors"} <= set(reference)
        assert re.fullmatch(r"10\.\d{4,}/\S+", reference["doi"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_there_is(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), flags=re.MULTILINE))
    for job in workflow["jobs"].values():
        assert job["runs-on"].startswith("ubuntu-")
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert set(re.findall(r"^make ([a-z-]+)", step.get("run", ""), flags=re.MULTILINE)) <= targets


def test_the_matrix_has_the_pythons_of_the_metadata():
    classifiers = re.findall(r"Python :: (3\.\d+)", text("pyproject.toml"))
    matrix = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]["test"]["strategy"]["matrix"]["python-version"]
    assert matrix == classifiers == ["3.10", "3.11", "3.12", "3.13"]


def test_the_check_of_the_tuner_alone_passes():
    (script,) = re.findall(r"<<'END'\n(.*?)^ *END$", text(".github/workflows/ci.yml"), flags=re.DOTALL | re.MULTILINE)
    program = re.sub(r"^ {10}", "", script, flags=re.MULTILINE).replace("tinynas_tuner", "tinynas.tuner")
    exec(program.partition("assert importlib")[0], {})
