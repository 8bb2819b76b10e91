"""The YAML edge: text a person wrote -> checked values, or an error that names the file, the key and the likely intent.

Used for board descriptions and for configuration files. Stricter than YAML itself: a key given twice is an error (YAML
readers silently keep the last), and so is a key nobody asked for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from tinynas.errors import ConfigError

__all__ = ["describe", "did_you_mean", "explain", "parse_mapping", "read_user_file", "validate"]

T = TypeVar("T")

_MOST_BYTES = 64 << 10
_MERGE_TAG = "tag:yaml.org,2002:merge"
# pydantic speaks of Python's types; a YAML file holds lists and mappings.
_WORDS = ((r"a valid (tuple|list)", "a list"), (r"a (valid )?dictionary( or an instance of \w+)?", "a mapping"))
_UNKNOWN_KEY = {"extra_forbidden", "unexpected_keyword_argument"}
_MISSING_KEY = {"missing", "missing_argument", "missing_keyword_only_argument"}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader that refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE_TAG:
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} is given twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # What PyYAML stumbles over in a scalar, such as `!!bool abc` or a number beyond every float.
            raise _BadValueError(node) from error


class _BadValueError(Exception):
    """A value that its tag or its form promises to be something else."""

    def __init__(self, node: yaml.Node) -> None:
        super().__init__()
        self.node = node


def _key_of(wanted: yaml.Node, node: yaml.Node, key: tuple[int | str, ...] = ()) -> tuple[int | str, ...] | None:
    """Return where a node stands in a document, as keys and indices; None where it is not in it."""
    if node is wanted:
        return key
    inside: Iterable[tuple[int | str, yaml.Node]] = ()
    if isinstance(node, yaml.MappingNode):
        inside = ((str(name.value), value) for name, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        inside = enumerate(node.value)
    found = (_key_of(wanted, value, (*key, part)) for part, value in inside)
    return next((place for place in found if place is not None), None)


def read_user_file(path: str | Path, advice: str = "give the path of a YAML file") -> str:
    """Return the text of a file a user named.

    Args:
        path: A file in UTF-8.
        advice: What to do where there is no such file.

    Raises:
        ConfigError: The file is missing, a folder or a device, too large, unreadable, or not text.
    """
    where = str(path)
    try:
        if not Path(path).is_file():
            special = "is not a regular file" if Path(path).exists() else "no such file"
            what = "is a folder, not a file" if Path(path).is_dir() else special
            raise ConfigError(what, where=where, advice=advice)
        with Path(path).open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigError(f"larger than {_MOST_BYTES >> 10} KiB", where=where, advice=advice)
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 text (byte {error.start})", where=where, advice="save it as UTF-8") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}", where=where) from error


def parse_mapping(text: str, where: str) -> dict[str, Any]:
    """Parse a YAML document whose top level is a mapping.

    Args:
        text: The document.
        where: What to call it in errors, usually the file's path.

    Raises:
        ConfigError: Not YAML, a key given twice, or the top level is not a mapping with text keys; `where` then holds
            the line.

    Example:
        >>> parse_mapping("clock_hz: 180_000_000", where="board.yaml")
        {'clock_hz': 180000000}
    """
    root = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        data = None if root is None else loader.construct_document(root)
    except _BadValueError as error:
        key = _dotted(_key_of(error.node, root) or ()) if root is not None else ""
        kind = str(error.node.tag).rpartition(":")[2]
        message = f"not a value that YAML's {kind} can hold, found {describe(error.node.value)}"
        raise ConfigError(message, where=f"{where}:{key}" if key else where) from error
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(str(error.problem or "not valid YAML"), where=f"{where}{line}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"not valid YAML: {str(error).splitlines()[0]}", where=where) from error
    except RecursionError as error:
        raise ConfigError("nested too deeply", where=where) from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        kind = "nothing" if data is None else "a mapping with other keys" if isinstance(data, dict) else describe(data)
        raise ConfigError(f"expected lines of `key: value`, found {kind}", where=where)
    return data


def validate(adapter: TypeAdapter[T], data: Mapping[str, object], where: str) -> T:
    """Turn a parsed mapping into the adapter's type.

    Args:
        adapter: Of a pydantic model or a dataclass that forbids extra keys.
        data: As `parse_mapping` returned it.
        where: What to call the document in errors.

    Raises:
        ConfigError: At `where:key`, with the closest known key if the key is unknown.
    """
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        raise explain(adapter, error, where) from error


def explain(adapter: TypeAdapter[Any], error: ValidationError, where: str = "", section: str = "") -> ConfigError:
    """Turn what pydantic found into one error that names the place, the value and the likely intent.

    Args:
        adapter: Of the type that was asked for.
        error: What pydantic raised.
        where: The document; empty for values that were given in Python.
        section: Dotted key of the type in a configuration; empty for the whole.
    """
    problems: list[dict[str, Any]] = [dict(item) for item in error.errors(include_url=False)]
    for item in problems:  # which of several types a mapping was taken for is not a key of it
        *above, last = item["loc"] or ("",)
        named = item["type"] in _UNKNOWN_KEY or not str(last).startswith("<")
        item["loc"] = (*(part for part in above if not str(part).startswith("<")), *([last] if named else []))
    # A mistyped key is reported twice, as unknown and as missing: the unknown one tells more.
    first = min(problems, key=lambda item: item["type"] not in _UNKNOWN_KEY)
    key = _dotted((*filter(None, section.split(".")), *(part for part in first["loc"] if part != "__root__")))
    place = ":".join(part for part in (where, key) if part)
    if first["type"] in _UNKNOWN_KEY:
        known = _known_keys(adapter.json_schema(), first["loc"][:-1])
        name = str(first["loc"][-1])
        if name in known:  # of another kind of what stands here
            return ConfigError(f"unknown key {name!r}", where=place, advice="it does not go with the other keys")
        return ConfigError(f"unknown key {name!r}", where=place, advice=did_you_mean(name, known))
    if first["type"] == "union_tag_invalid":
        choices = re.findall(r"<(\w+)>", first["ctx"]["expected_tags"])
        name = str(first["ctx"]["discriminator"]).removesuffix("()")
        found = describe(first["input"].get(name))
        return ConfigError(f"should be {' or '.join(map(repr, choices))}, found {found}", where=f"{place}.{name}")
    if first["type"] in _MISSING_KEY:
        return ConfigError("required, but missing", where=place)
    text = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    for pydantic, yaml_word in _WORDS:
        text = re.sub(pydantic, yaml_word, text)
    value = first["input"]
    shown = f", found {describe(value)}"
    advice = (
        "quote it: YAML reads it as a number"
        if first["type"] == "string_type" and isinstance(value, (int, float))
        else None
    )
    return ConfigError(text[:1].lower() + text[1:] + shown, where=place, advice=advice)


def describe(value: object) -> str:
    """Return a value as an error shows it: short, whatever the user wrote.

    Example:
        >>> describe(-5), describe([1, 2]), describe("x" * 100)
        ('-5', 'a list', "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxx...")
    """
    # A list is never spelled out: with YAML's aliases a few lines can stand for more items than memory holds.
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 256:  # Python itself refuses to print much longer ones
        return "a number with too many digits"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:30]}..."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return advice for an unknown name: the closest known one, or all of them.

    Example:
        >>> did_you_mean("filtres", ["filters", "dropout"])
        "did you mean 'filters'?"
        >>> did_you_mean("zzz", ["filters", "dropout"])
        'known: dropout, filters'
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


def _dotted(loc: Iterable[int | str]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _known_keys(schema: Mapping[str, Any], loc: Iterable[int | str]) -> set[str]:
    """Return the keys the JSON schema allows at `loc`, following references, alternatives and list items."""
    nodes = [schema]
    for part in loc:
        expanded = [branch for node in nodes for branch in _branches(schema, node)]
        step = "items" if isinstance(part, int) else "properties"
        nodes = [
            node["items"] if step == "items" else node["properties"][part]
            for node in expanded
            if step in node and (step == "items" or part in node["properties"])
        ]
    return {key for node in nodes for branch in _branches(schema, node) for key in branch.get("properties", {})}


def _branches(schema: Mapping[str, Any], node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        return _branches(schema, schema["$defs"][name])
    options = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    return [branch for option in options for branch in _branches(schema, option)] or [node]
