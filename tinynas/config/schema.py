"""The configuration as a JSON Schema: editors complete keys, show what they mean, and underline slips."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

from pydantic import TypeAdapter

from tinynas.config.config import Config

__all__ = ["config_schema"]

_ATTRIBUTES = re.compile(r"^Attributes:\n(?P<body>(?:[ \t]+.*\n?|\n)+)", re.MULTILINE)
# Sizes may be written with a unit (`checked.parse_bytes`).
_SIZE = {"type": "string", "pattern": r"^\s*\d{1,10}\s*(B|KiB|MiB)\s*$"}


def config_schema() -> dict[str, Any]:
    """The schema, draft 2020-12, with the meaning of each key.

    Example:
        >>> config_schema()["properties"]["seed"]["type"]
        'integer'
    """
    schema: dict[str, Any] = TypeAdapter(Config).json_schema()
    meanings = {cls.__name__: _meanings(cls) for cls in _classes(Config)}
    for name, part in {"Config": schema, **schema.get("$defs", {})}.items():
        _describe(part, meanings.get(name, {}))
    for rule in schema["properties"].values():  # a section means what its class means
        if "description" not in rule and "$ref" in rule:
            rule["description"] = schema["$defs"][rule["$ref"].rpartition("/")[2]]["description"]
    _tell_families_apart(schema)
    _allow_units(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "tinynas: a search"}


def _describe(part: dict[str, Any], meanings: dict[str, str]) -> None:
    """Put the meaning of each key in place of what the class says of itself."""
    text = str(part.pop("description", "")).partition("\n\n")[0]
    if text:
        part["description"] = " ".join(text.split())
    for key, rule in part.get("properties", {}).items():
        if key in meanings:
            rule["description"] = meanings[key]
            rule.pop("title", None)


def _tell_families_apart(schema: dict[str, Any]) -> None:
    """A space is that of one family, or of several: the key `family` says which; without it, of the first."""
    space = schema["properties"]["space"]
    space["description"] = "Networks among which the search chooses, and the bounds of their parameters."
    bounds: dict[str, Any] = {}
    for number, one in enumerate(space["oneOf"]):
        part = schema["$defs"][one["$ref"].rpartition("/")[2]]
        family = part["properties"]["family"]
        if "default" in family:
            family["const"] = family["default"]
            bounds = {**part["properties"], **bounds}
            if number:  # required here alone: in the section of a family, among several, it may be left out
                one["required"] = ["family"]
        else:  # several families: bounds beside the key are handed down to those that have them
            part["properties"] = {**bounds, **part["properties"]}


def _allow_units(rule: Any) -> None:
    """Let numbers of bytes be texts with a unit, wherever a key ends with `_bytes`."""
    if isinstance(rule, list):
        for part in rule:
            _allow_units(part)
    if not isinstance(rule, dict):
        return
    for key, value in rule.get("properties", {}).items():
        if key.endswith("_bytes"):
            plain = {
                name: value.pop(name) for name in ("type", "minimum", "maximum", "exclusiveMinimum") if name in value
            }
            value["anyOf"] = [*value.get("anyOf", []), *([plain] if plain else []), _SIZE]
    for value in rule.values():
        _allow_units(value)


def _classes(root: type) -> list[type]:
    """A class and all option classes that its fields and theirs name."""
    found: list[type] = []
    waiting: list[Any] = [root]
    while waiting:
        one = waiting.pop()
        if dataclasses.is_dataclass(one) and isinstance(one, type) and one not in found:
            found.append(one)
            waiting += inspect.get_annotations(one, eval_str=True).values()
            waiting += [
                kind for base in one.__mro__[1:-1] for kind in inspect.get_annotations(base, eval_str=True).values()
            ]
        else:
            waiting += getattr(one, "__args__", ())
    return found


def _meanings(cls: type) -> dict[str, str]:
    """What the docstring of a class, and of those it inherits from, says of its attributes."""
    meanings: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        match = _ATTRIBUTES.search(inspect.cleandoc(base.__doc__ or "") + "\n")
        for entry in re.split(r"\n(?=    \S)", match["body"]) if match else ():
            names, _, text = entry.strip().partition(":")
            for name in names.split(","):
                meanings[name.strip()] = " ".join(text.split())
    return meanings
