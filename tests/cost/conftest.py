from __future__ import annotations

from tests.deploy.conftest import anchors

__all__ = ["anchors"]
