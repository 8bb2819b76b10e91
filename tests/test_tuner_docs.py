"""docs/tuner.md says what the tuner does."""

import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from tinynas.tuner import TunerConfig
from tinynas.tuner.acquire.search import DEFAULT_CANDIDATES, GRID_LIMIT
from tinynas.tuner.acquire.suggest import MAX_DESIGN

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "tuner.md").read_text(encoding="utf-8")


def section(title):
    return TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def snippets(text):
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.slow
def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    examples = snippets(TEXT)
    assert len(examples) >= 8
    for number, example in enumerate(examples):
        exec(compile(example, f"docs/tuner.md, example {number + 1}", "exec"), names)
    assert "evaluations" in capsys.readouterr().out
    assert (tmp_path / "tuner.json").exists()


def test_the_examples_find_what_they_look_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    start, asked = snippets(TEXT)[0], snippets(section("Ask and tell"))[0]
    exec(start, names)
    assert names["results"]["best_objective"] < 0.2  # the activation and the depth, or its neighbour
    exec(asked, names)
    assert names["value"] < 0.01


def test_the_example_of_the_readme_runs():
    [example] = [text for text in snippets_indented() if "tinynas.tuner" in text]
    names = {}
    exec(example, names)
    assert names["tuner"].best[1] < 0.01


def snippets_indented():
    """Blocks of the README that are set off by four spaces."""
    blocks = re.findall(r"(?:^ {4}.*\n|^\n)+", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in blocks]


def test_every_key_is_listed_with_its_default():
    listed = {}
    for row in re.findall(r"^\| (`.*?) \| (.*?) \|", section("Configuration"), flags=re.MULTILINE):
        keys = re.findall(r"`(\w+)`", row[0])
        defaults = row[1].split(", ") if len(keys) > 1 else [row[1]]
        listed.update(zip(keys, defaults, strict=True))
    known = {field.name: field.default for field in fields(TunerConfig)}
    assert set(listed) == set(known)
    for key, default in known.items():
        said = listed[key].strip("`")
        if default is not None:
            assert said == (
                str(default).lower()
                if isinstance(default, bool)
                else f'"{default}"'
                if isinstance(default, str)
                else str(default)
            )
        elif key not in ("design_size", "seed"):
            assert said.startswith("none")


def test_numbers_of_the_text():
    assert f"none: {DEFAULT_CANDIDATES:,}" in TEXT
    assert f"at most {MAX_DESIGN} |" in TEXT
    assert f"at most {GRID_LIMIT:,} points" in TEXT.replace("\n", " ")


@pytest.mark.parametrize("row", re.findall(r"^\| `from mango.*$", TEXT, flags=re.MULTILINE))
def test_imports(row):
    mango, here = re.findall(r"`(from .*?)`", row)
    names = {}
    exec(here, names)
    module, imported = re.fullmatch(r"from mango(.*?) import (.*)", mango).groups()
    for name in imported.split(", "):
        assert getattr(import_module(f"tinynas.tuner.mango{module}"), name) is names[name]
