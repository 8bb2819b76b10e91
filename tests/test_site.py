"""The documentation's site."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
PLACES = re.findall(r"^ +- [^:]+: (\S+\.md)$", SETTINGS, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert built.returncode == 0, built.stderr
    return folder


def test_the_pages_of_the_menu_are_there():
    assert len(PLACES) > 30
    assert [name for name in PLACES if not ((ROOT / "docs" / name).is_file() or (ROOT / name).is_file())] == []


@pytest.mark.exhaustive
def test_it_builds_without_a_warning_and_needs_nobody_elses_server(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|link|img|iframe)[^>]* (?:src|href)=\"(https?:[^\"]+)", text)
        assert fetched == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?https?:", style.read_text(encoding="utf-8")), style


@pytest.mark.exhaustive
def test_pages_of_the_interface_have_their_examples_as_code(site):
    text = (site / "api" / "tuner.html").read_text(encoding="utf-8")
    assert "MetaTuner" in text
    assert "<code>&gt;&gt;&gt;" in text or '<span class="gp">&gt;&gt;&gt; ' in text
    # Links of the repository by a file's name are titles here.
    assert ">search.md<" not in (site / "configuration.html").read_text(encoding="utf-8")
