"""Blocks of the pages: the command line understands the commands, Python runs or compiles, YAML is a configuration."""

import itertools
import json
import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from tinynas.cli import _app
from tinynas.cli.logs import stop_logging
from tinynas.config import config_from_mapping
from tinynas.errors import TinynasError

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
# Pages whose blocks are quick and need nothing but what the page made before. Those of compiler.md and tuner.md run in
# tests/test_compiler_docs.py and tests/test_tuner_docs.py.
RUN_HERE = {"docs/tutorial.md", "docs/ci.md", "docs/api/index.md", "docs/search.md"}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def name(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page):
    """Pairs of a language and a text: fenced, or set off by four spaces, whose language is not known."""
    text = page.read_text(encoding="utf-8")
    yield from FENCED.findall(text)
    rest = FENCED.sub("", text)
    for block in re.findall(r"(?:^ {4}\S.*\n(?:^ {4}.*\n|^\n(?= {4}))*)", rest, flags=re.MULTILINE):
        yield "", re.sub(r"^ {4}", "", block, flags=re.MULTILINE)


def commands(page):
    """What begins with `tinynas`, in blocks and in the `run` of a workflow, without comments, pipes and variables."""
    for language, text in blocks(page):
        if language in ("", "sh", "bash", "console", "yaml"):
            for line in text.replace("\\\n", " ").splitlines():
                found = re.match(r"\s*(?:\$ |- run: )?(?:\S+=\S+ )*(tinynas [a-z].*)", line)
                if found and not re.search(r"STUDY|\.\.\.|\|[A-Z]|\[--", found[1].partition(" # ")[0]):
                    yield re.split(r" # | \| | \d?>|(?<=\s)&$", found[1])[0].strip()


def pages_with(what):
    return [pytest.param(page, id=name(page)) for page in PAGES if any(True for _ in what(page))]


def python(page):
    for language, text in blocks(page):
        if language == "python" or (not language and re.match(r"(from|import) \w", text)):
            yield text


def yamls(page):
    return (text for language, text in blocks(page) if language == "yaml")


@pytest.fixture(scope="module")
def command_line():
    return typer.main.get_command(_app())


def parse(command, words):
    """Have each group and the command at the end parse its own words; nothing is run."""
    context = None
    while True:
        context = command.make_context(command.name or "tinynas", list(words), parent=context, resilient_parsing=False)
        if not hasattr(command, "resolve_command"):
            return context.command_path
        rest = [*getattr(context, "_protected_args", getattr(context, "protected_args", [])), *context.args]
        _, command, words = command.resolve_command(context, rest)


def complaint(command_line, text):
    """What the command line has against a command; None: nothing."""
    try:
        parse(command_line, shlex.split(text)[1:])
    except SystemExit:  # --help, --version
        return None
    except Exception as error:  # whatever the parser does not like
        return f"{text}: {getattr(error, 'message', error)}"
    return None


@pytest.mark.parametrize("page", pages_with(commands))
def test_commands_have_the_options_that_the_pages_give_them(page, command_line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = [found for text in commands(page) if (found := complaint(command_line, text))]
    stop_logging()
    assert wrong == []


def test_the_commands_are_really_found():
    found = set(itertools.chain.from_iterable(commands(page) for page in PAGES))
    assert len(found) > 40
    for start in ("tinynas search --board", "tinynas measure ", "tinynas boards check", "tinynas data check csv:"):
        assert [text for text in found if text.startswith(start)], start


def test_a_wrong_option_would_be_noticed(command_line):
    with pytest.raises(Exception, match="No such option"):
        parse(command_line, ["search", "--bord", "x"])
    with pytest.raises(Exception, match="No such command"):
        parse(command_line, ["boards", "chek", "x"])


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with(python))
def test_python_compiles_and_runs_where_that_is_quick(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["check.py"])
    names = {"__name__": "__main__"}
    for text in python(page):
        code = compile(text, name(page), "exec")
        if name(page) in RUN_HERE and "studies/" not in text and "basicConfig" not in text:
            exec(code, names)
    if page.name == "ci.md":
        good = {"best": {"error_int8": 0.2, "flash_bytes": 5}, "baselines": {"zero": 0.8}}
        assert names["complaints"](good) == []
        assert names["complaints"](good | {"best": {"error_int8": 0.7, "flash_bytes": 99999}}) != []
        assert names["complaints"](good | {"best": None}) == ["no network fits"]


@pytest.mark.parametrize("page", pages_with(yamls))
def test_yaml_is_a_configuration_where_it_looks_like_one(page):
    for text in yamls(page):
        for value in yaml.safe_load_all(text):
            if isinstance(value, dict) and {"trials", "dataset", "space", "objective", "training"} & set(value):
                try:
                    config_from_mapping(value, name(page))
                except TinynasError as error:
                    raise AssertionError(f"{error}\n{text}") from error


def test_json_in_the_pages_is_json():
    for page in PAGES:
        for language, text in blocks(page):
            if language == "json":
                json.loads(text)
