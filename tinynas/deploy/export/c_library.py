"""The library for any C compiler."""

from __future__ import annotations

from tinynas.deploy.export.contents import Contents, below

__all__ = ["c_library"]


def c_library(contents: Contents) -> dict[str, bytes]:
    """Files of the library by path: `src`, `example`, documents."""
    sources = " ".join(f"src/{path}" for path in contents.compiled)
    files = {
        **contents.base(),
        **below("src", contents.sources),
        "example/replay.c": contents.fill("replay.c"),
        "README.md": contents.fill("README.md", sources=sources),
    }
    return {path: text.encode() for path, text in files.items()}
