"""The map of the package: who may import whom, drawn from the sources."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import tinynas

ROOT = Path(tinynas.__file__).parent
TOOLS = {"errors", "resources", "yamlfile", "checked", "printable", "hostfaults", "children"}
TOOLS |= {"measurement", "pareto", "scratch"}
#: Whom each part may import, beside the tools that belong to nobody. docs/architecture.md draws it.
ARROWS = {
    "board": set(),
    "tuner": set(),
    "network": set(),
    "odometry": set(),
    "deploy": set(),
    "study": set(),
    "objective": set(),
    "cost": {"board", "network", "deploy"},
    "hil": {"board", "deploy"},
    "doctor": {"hil"},
    "config": {"board", "network", "odometry", "deploy", "cost", "hil", "objective"},
    "report": {"study", "odometry", "objective", "cost", "deploy", "network"},
    "explain": {"board", "config", "cost", "deploy", "network", "report", "study"},
    "search": {
        *("config", "tuner", "network", "odometry", "deploy", "cost", "hil", "objective", "study", "board"),
    },
    "cli": {"doctor", "explain", "search", "report", "hil", "deploy", "board", "study", "config", "odometry"},
    "__main__": {"cli"},
}
#: Imports past an `__init__` that are still there: a module, and the packages whose insides it uses. It only shrinks.
DEEP = {
    "tinynas.deploy.model": {"tinynas.deploy.compiler"},
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> dict[str, ast.Module]:
    return {module_name(path): ast.parse(path.read_text("utf-8")) for path in ROOT.rglob("*.py")}


@cache
def packages() -> dict[str, set[str]]:
    """Packages with the names they export. A folder that exports none belongs to the package above it."""
    found = {}
    for path in ROOT.rglob("__init__.py"):
        for statement in sources()[module_name(path)].body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
                found[module_name(path)] = set(ast.literal_eval(statement.value))
    return found


@cache
def imports() -> list[tuple[str, str]]:
    """Pairs of a module and what it imports: a package, or a module where none of its package's names is meant."""
    pairs = []
    for name, tree in sources().items():
        for statement in ast.walk(tree):
            if isinstance(statement, ast.Import):
                pairs += [(name, alias.name) for alias in statement.names if alias.name.split(".")[0] == "tinynas"]
            elif isinstance(statement, ast.ImportFrom) and (statement.module or "").split(".")[0] == "tinynas":
                assert statement.module
                for alias in statement.names:
                    inner = f"{statement.module}.{alias.name}"
                    exported = alias.name in packages().get(statement.module, ())
                    pairs.append((name, inner if inner in sources() and not exported else statement.module))
    return pairs


def part(name: str) -> str:
    return [*name.split("."), ""][1]


def home(name: str) -> str:
    """The package that a module belongs to: the nearest one above it that exports names."""
    while name not in packages():
        name = name.rpartition(".")[0]
    return name


def test_the_graph_is_really_drawn():
    assert len(imports()) > 1000
    assert ("tinynas.cli.session", "tinynas.report") in imports()
    assert home("tinynas.tuner.space.encoding") == "tinynas.tuner.space"
    assert home("tinynas.hil.measure") == "tinynas"  # hil is a corridor: its folders are the packages


@pytest.mark.parametrize("name", sorted({part(name) for name in sources()} - TOOLS - {""}))
def test_arrows_run_downwards_only(name):
    upward = {
        (importer, imported)
        for importer, imported in imports()
        if part(importer) == name and part(imported) not in {name, *TOOLS, *ARROWS[name]}
    }
    assert upward == set()


def test_tools_use_nothing_but_tools():
    assert {pair for pair in imports() if part(pair[0]) in TOOLS and part(pair[1]) not in TOOLS} == set()


def test_no_arrow_of_the_map_closes_a_circle():
    def below(name, path=()):
        assert name not in path, f"{' -> '.join([*path, name])}"
        for other in ARROWS[name]:
            below(other, (*path, name))

    for name in ARROWS:
        below(name)


def test_no_modules_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for importer, imported in imports():
        # A package hands out what its modules define: what imports it waits for those, and not they for it.
        if imported != importer:
            graph.setdefault(importer, set()).add(imported)
    done: set[str] = set()

    def walk(name, path):
        if name in path:
            raise AssertionError(" -> ".join([*path[path.index(name) :], name]))
        if name not in done:
            for other in sorted(graph.get(name, ())):
                walk(other, [*path, name])
            done.add(name)

    for name in sorted(graph):
        walk(name, [])


def test_names_come_from_a_package_and_not_from_its_inside():
    found: dict[str, set[str]] = {}
    for importer, imported in imports():
        owner = imported if imported in packages() else home(imported)
        inside = f"{home(importer)}.".startswith(f"{owner}.") or f"{importer}.".startswith(f"{owner}.")
        if imported not in packages() and not inside:
            found.setdefault(importer, set()).add(owner)
    assert found == DEEP, "take what is mended off the list; add nothing to it"
