"""What pages of docs/ link to beside docs/ becomes part of the site: notes on datasets, the meter's program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
# In the repository pages reach them by `../`; on the site they lie among the pages.
BESIDE = ("datasets/*.md", "datasets/*.yaml", "harness/ina228/*.ino", "CHANGELOG.md", "CONTRIBUTING.md")


def on_files(files: Files, config: Any) -> Files:
    """Add the files; called by mkdocs."""
    for pattern in BESIDE:
        for path in sorted(ROOT.glob(pattern)):
            place = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, place, abs_src_path=str(path)))
    return files


def title_of(name: str) -> str:
    """What a page calls itself, in place of its file's name, which readers of the site do not see."""
    path = next((path for path in (ROOT / "docs" / name, ROOT / name) if path.is_file()), None)
    return name if path is None else path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links reach them; called by mkdocs with each page."""
    if page.file.src_uri in ("CHANGELOG.md", "CONTRIBUTING.md"):
        return markdown.replace("](docs/", "](")
    markdown = re.sub(r"\[([\w/-]+\.md)\]\(", lambda link: f"[{title_of(link[1])}](", markdown)
    depth = "../" * page.file.src_uri.count("/")
    if page.file.src_uri.startswith("datasets/"):
        return re.sub(r"\]\(\.\./docs/", f"]({depth}", markdown)
    return re.sub(r"\]\(\.\./(datasets|harness|CHANGELOG|CONTRIBUTING)", rf"]({depth}\1", markdown)
