"""The library as a CMSIS pack: a zip file with a description that IDEs and the CMSIS-Toolbox read.

Source:
    Open-CMSIS-Pack specification, package description (.pdsc) format, schema version 1.7.36.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.etree import ElementTree

from tinynas.deploy.export.contents import LICENCE, Contents, below

__all__ = ["cmsis_pack", "pack_stem"]

_SCHEMA = "1.7.36"
_VENDOR = "tinynas"
_COMPONENT = {"Cclass": "Machine Learning", "Cgroup": "Inertial Odometry"}
# Zip files have no time of their own here: the same library is the same bytes.
_STAMP = (1980, 1, 1, 0, 0, 0)


def cmsis_pack(contents: Contents, date: str) -> dict[str, bytes]:
    """The pack and its description, by file name.

    Args:
        contents: The library.
        date: Of the release, as 2026-01-31.
    """
    sources = " ".join(f"src/{path}" for path in contents.compiled)
    files = {
        **{path: text.encode() for path, text in below("src", contents.sources).items()},
        **{path: text.encode() for path, text in contents.base().items()},
        "example/replay.c": contents.fill("replay.c").encode(),
        "README.md": contents.fill("README.md", sources=sources).encode(),
    }
    description = _describe(contents, files, date)
    stem = f"{_VENDOR}.{contents.name}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted({**files, f"{stem}.pdsc": description}.items()):
            archive.writestr(zipfile.ZipInfo(path, _STAMP), content, zipfile.ZIP_DEFLATED)
    return {f"{pack_stem(contents)}.pack": packed.getvalue(), f"{stem}.pdsc": description}


def pack_stem(contents: Contents) -> str:
    """The pack's name without its ending: vendor, name and version."""
    return f"{_VENDOR}.{contents.name}.{contents.version}"


def _describe(contents: Contents, files: Mapping[str, bytes], date: str) -> bytes:
    package = ElementTree.Element("package", {"schemaVersion": _SCHEMA})

    def add(parent: ElementTree.Element, tag: str, text: str | None = None, **attributes: str) -> ElementTree.Element:
        child = ElementTree.SubElement(parent, tag, attributes)
        child.text = text
        return child

    add(package, "vendor", _VENDOR)
    add(package, "name", contents.name)
    add(package, "description", "Velocity and path of a walker from raw inertial samples")
    add(package, "url")  # it is not published anywhere
    add(package, "license", LICENCE)
    releases = add(package, "releases")
    add(releases, "release", f"For {contents.title}", version=contents.version, date=date)
    keywords = add(package, "keywords")
    for word in ("odometry", "IMU", "neural network"):
        add(keywords, "keyword", word)
    component = add(add(package, "components"), "component", **_COMPONENT, Cversion=contents.version)
    add(component, "description", f"int8 network, attitude filter and path, for {contents.title}")
    listed = add(component, "files")
    add(listed, "file", category="doc", name="README.md")
    add(listed, "file", category="include", name="src/")
    add(listed, "file", category="header", name=f"src/{contents.name}.h")
    for path in contents.compiled:
        add(listed, "file", category="sourceC", name=f"src/{path}")
    example = {"attr": "template", "select": "Replay of a recorded walk", "version": contents.version}
    add(listed, "file", category="sourceC", name="example/replay.c", **example)
    for path in sorted(files):
        if path.endswith((".md", ".json", ".csv")) and path != "README.md":
            add(listed, "file", category="other", name=path)
    ElementTree.indent(package)
    text: str = ElementTree.tostring(package, "unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()
