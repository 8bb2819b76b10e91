"""The JSON Schema says of a configuration what the package says of it."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from tinynas.config import Config, config_from_mapping, config_schema
from tinynas.errors import TinynasError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.DOTALL)
FILES = [path.read_text() for path in sorted((ROOT / "configs").glob("*.yaml"))]


@pytest.fixture(scope="module")
def validator():
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("text", [*FILES, *EXAMPLES])
def test_what_is_shipped_and_documented_is_valid(text, validator):
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []


def test_every_default_written_out_is_valid(validator):
    assert [error.message for error in validator.iter_errors(Config().to_dict())] == []


@pytest.mark.parametrize(
    ("values", "right"),
    [
        ({"trials": 0}, False),
        ({"trails": 3}, False),
        ({"trials": "3"}, False),
        ({"dataset": {"frame": "north", "attitude": {"heading_time_s": 5}}}, True),
        ({"dataset": {"frame": "east"}}, False),
        ({"dataset": {"attitude": {"heading_s": 5}}}, False),
        ({"objective": {"limits": {"sram_bytes": "64 KiB"}}}, True),
        ({"objective": {"limits": {"sram_bytes": "64 KB"}}}, False),
        ({"objective": {"limits": {"sram_bytes": 0}}}, False),
        ({"space": {"filters": [4, 8]}}, True),
        ({"space": {"family": "ds_tcn", "filters": [4, 8]}}, True),
        ({"space": {"family": "dstcn"}}, False),
        ({"space": {"filters": [4]}}, False),
    ],
)
def test_schema_and_package_judge_alike(values, right, validator):
    try:
        config_from_mapping(values, "x.yaml")
        accepted = True
    except TinynasError:
        accepted = False
    assert (validator.is_valid(values), accepted) == (right, right)


def test_every_key_says_what_it_means():
    schema = config_schema()
    missing = [
        f"{name}.{key}"
        for name, part in {"Config": schema, **schema["$defs"]}.items()
        for key, rule in part.get("properties", {}).items()
        if not rule.get("description")
    ]
    assert missing == []
