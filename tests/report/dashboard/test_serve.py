"""Where the server listens, and whom it lets in by default."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tinynas.errors import ConfigError
from tinynas.report.dashboard import serve_dashboard


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Serve a folder without staying: the address that was told, and where the socket was bound."""

    def serve(**options: Any) -> tuple[str, str]:
        bound: list[str] = []

        def run(self: uvicorn.Server, sockets: list[socket.socket]) -> None:
            bound.append(sockets[0].getsockname()[0])

        monkeypatch.setattr(uvicorn.Server, "run", run)
        told: list[str] = []
        serve_dashboard([tmp_path], on_address=told.append, **{"port": 0} | options)
        return told[0], bound[0]

    return serve


def test_this_computer_alone_by_default(served: Any) -> None:
    address, bound = served()
    assert address.startswith("http://127.0.0.1:")
    assert "token" not in address
    assert bound == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_elsewhere_needs_the_flag(served: Any, host: str) -> None:
    with pytest.raises(ConfigError, match="lets other computers read"):
        served(host=host)


def test_elsewhere_needs_a_token_that_is_made(served: Any) -> None:
    (first, bound), (second, _) = (served(host="0.0.0.0", exposed=True) for _ in range(2))
    assert bound == "0.0.0.0"
    tokens = {address.partition("?token=")[2] for address in (first, second)}
    assert len(tokens) == 2
    assert all(len(token) >= 24 for token in tokens)
    with pytest.raises(ConfigError, match="can be guessed"):
        served(host="0.0.0.0", exposed=True, token="short")


def test_a_port_that_is_taken(served: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1, port {port}"):
            served(port=port)


def test_the_usual_port_gives_way(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("tinynas.report.dashboard.serve.DEFAULT_PORT", port)
        address, _ = served(port=None)
        assert not address.endswith(f":{port}/")
