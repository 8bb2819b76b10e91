"""The YAML edge: errors name file, line or key, and the likely intent."""

import contextlib
import itertools
import os
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tinynas.errors import ConfigError
from tinynas.yamlfile import did_you_mean, parse_mapping, read_user_file, validate


@dataclass(frozen=True)
class Inner:
    __pydantic_config__ = ConfigDict(extra="forbid")
    depth: int


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    inner: Inner | None = None
    many: list[Inner] = []


ADAPTER = TypeAdapter(Outer)


def test_a_valid_document_becomes_the_type():
    data = parse_mapping("title: t\ninner: {depth: 3}\nmany: [{depth: 1}]", "f.yaml")
    assert validate(ADAPTER, data, "f.yaml") == Outer(title="t", inner=Inner(3), many=[Inner(1)])


@pytest.mark.parametrize(
    ("text", "where", "part"),
    [
        ("titel: t", "f.yaml:titel", "did you mean 'title'?"),
        ("title: t\ninner: {dept: 3}", "f.yaml:inner.dept", "did you mean 'depth'?"),
        ("title: t\nmany: [{depth: 1}, {dpth: 3}]", "f.yaml:many[1].dpth", "did you mean 'depth'?"),
        ("title: t\nxyz: 1", "f.yaml:xyz", "known: inner, many, title"),
        ("inner: {depth: 1}", "f.yaml:title", "required, but missing"),
        ("title: 0777", "f.yaml:title", "quote it"),
        ("title: t\ninner: {depth: deep}", "f.yaml:inner.depth", "found 'deep'"),
        ("title: t\ninner: 5", "f.yaml:inner", "found 5"),
    ],
)
def test_a_wrong_value_is_named_by_file_and_key(text, where, part):
    with pytest.raises(ConfigError) as caught:
        validate(ADAPTER, parse_mapping(text, "f.yaml"), "f.yaml")
    assert caught.value.where == where
    assert part in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "where", "part"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3", "'a' is given twice"),
        ("a: 1\n  b: [", "f.yaml:2", "mapping values"),
        ("a: [1, 2", "f.yaml:1", ""),
        ("", "f.yaml", "found nothing"),
        ("- 1", "f.yaml", "found a list"),
        ("1: a", "f.yaml", "other keys"),
        ("a: !!python/object/apply:os.system ['true']", "f.yaml:1", "could not determine a constructor"),
        ("a: *b", "f.yaml:1", "undefined alias"),
        ("a: \x07", "f.yaml", "not valid YAML"),
        ("a: 2026-99-99", "f.yaml:a", "not a value that YAML's timestamp can hold, found '2026-99-99'"),
        ("[" * 20_000, "f.yaml", "nested too deeply"),
    ],
)
def test_what_is_not_a_yaml_mapping_is_refused_with_its_place(text, where, part):
    with pytest.raises(ConfigError) as caught:
        parse_mapping(text, "f.yaml")
    assert caught.value.where == where
    assert part in caught.value.message


@pytest.mark.slow
@given(st.text())
def test_any_text_is_a_mapping_or_a_clear_error(text):
    with contextlib.suppress(ConfigError):  # any other exception fails the test
        assert isinstance(parse_mapping(text, "f.yaml"), dict)


def test_merge_keys_may_override():
    text = "base: &b {x: 1, y: 2}\nmine: {<<: *b, x: 5}"
    assert parse_mapping(text, "f.yaml")["mine"] == {"x": 5, "y": 2}


def test_a_list_that_unfolds_without_end_is_not_spelled_out():
    levels = [f"- &{name} [{', '.join([f'*{inner}'] * 9)}]\n" for inner, name in itertools.pairwise("abcdefghi")]
    with pytest.raises(ConfigError) as caught:
        parse_mapping("- &a [x, x, x]\n" + "".join(levels), "f.yaml")
    assert len(str(caught.value)) < 100


def test_unreadable_files_are_refused(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"title: caf\xe9")
    for name, message in [("none.yaml", "no such file"), (".", "is a folder"), ("latin.yaml", "not UTF-8")]:
        with pytest.raises(ConfigError, match=message):
            read_user_file(tmp_path / name)
    with pytest.raises(ConfigError):
        read_user_file("a\0b")


def test_a_special_file_is_not_called_missing(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")  # reading it would wait for ever
    for path in (tmp_path / "pipe.yaml", os.devnull):
        with pytest.raises(ConfigError, match="is not a regular file"):
            read_user_file(path)


def test_no_known_names_is_still_a_sentence():
    assert did_you_mean("x", ["b", "a"]) == "known: a, b"
