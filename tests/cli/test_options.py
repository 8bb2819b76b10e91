"""The commands: one a file, with options that mean the same everywhere."""

from importlib import import_module
from pathlib import Path

import pytest
import typer

import tinynas.cli.commands
from tinynas.cli import options

FOLDER = Path(tinynas.cli.commands.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(FOLDER).with_suffix("").parts)
    for path in FOLDER.rglob("*.py")
    if path.name != "__init__.py"
)


def registered(module):
    """Names of the commands and groups of commands that a module adds."""
    app = typer.Typer()
    import_module(f"tinynas.cli.commands.{module}").register(app)
    return [entry.name for entry in (*app.registered_commands, *app.registered_groups)]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_holds_the_command_it_is_named_after(module):
    assert registered(module) == [module.rpartition(".")[2]]


def test_an_option_that_several_commands_have_says_the_same_in_each():
    helps = {}
    for module in MODULES:
        app = typer.Typer()
        import_module(f"tinynas.cli.commands.{module}").register(app)
        for parameter in typer.main.get_command(app).params:
            for name in getattr(parameter, "opts", ()):
                helps.setdefault(name, set()).add(parameter.help)
    assert {name for name in ("--json", "--flasher", "--probe") if len(helps[name]) != 1} == set()


def test_the_flashers_that_the_option_names_are_those_there_are():
    from tinynas.hil.flashers import FLASHERS

    help_text = options.FlasherOption.__metadata__[0].help
    assert sorted(FLASHERS) == ["auto", "drive", "pyocd", "rom", "uf2"]
    assert [name for name in FLASHERS if name not in help_text] == []
