"""Shipped files are found in a checkout and in an installed wheel alike."""

import pytest

from tinynas import resources
from tinynas.errors import ConfigError
from tinynas.resources import resource


def test_a_shipped_file_can_be_read():
    assert "STM32F446RE" in resource("boards", "nucleo_f446re.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["boards", "configs", "datasets", "firmware"])
def test_every_kind_of_resource_is_there(kind):
    assert resource(kind).is_dir()


@pytest.mark.parametrize(
    "parts",
    [
        (),
        ("",),
        ("..",),
        ("boards", "..", "pyproject.toml"),
        ("boards/x.yaml",),
        ("/etc",),
        ("boards", "a\\b"),
        ("a\0",),
    ],
)
def test_only_plain_names_are_looked_up(parts):
    with pytest.raises(ConfigError, match="not the name of a shipped file"):
        resource(*parts)


def test_a_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"boards/none\.yaml: not part of this installation"):
        resource("boards", "none.yaml")


def test_an_installed_copy_is_preferred_to_a_checkout(tmp_path, monkeypatch):
    (tmp_path / "_resources" / "boards").mkdir(parents=True)
    (tmp_path / "_resources" / "boards" / "mine.yaml").write_text("name: mine")
    monkeypatch.setattr(resources.importlib.resources, "files", lambda _: tmp_path)
    assert resource("boards", "mine.yaml").read_text() == "name: mine"


def test_folders_beside_an_installed_package_are_not_taken_for_ours(tmp_path, monkeypatch):
    site = tmp_path / "site-packages"
    (site / "tinynas").mkdir(parents=True)
    (site / "boards").mkdir()
    monkeypatch.setattr(resources.importlib.resources, "files", lambda _: site / "tinynas")
    monkeypatch.setattr(resources, "__file__", str(site / "tinynas" / "resources.py"))
    with pytest.raises(ConfigError, match="install tinynas again"):
        resource("boards")
