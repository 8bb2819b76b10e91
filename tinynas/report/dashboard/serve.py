"""The dashboard's server: where it listens, and how it ends."""

from __future__ import annotations

import errno
import ipaddress
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tinynas.errors import ConfigError
from tinynas.report.dashboard.access import Guard
from tinynas.report.dashboard.library import Library

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["DEFAULT_PORT", "make_dashboard", "serve_dashboard"]

DEFAULT_PORT = 8765

_EXTRA = 'pip install "tinynas[dashboard]"'


def make_dashboard(folders: Sequence[Path], *, token: str | None = None) -> ASGIApp:
    """Make the dashboard as an ASGI application, for a server of one's own.

    Args:
        folders: Studies, or folders that hold studies.
        token: What requests must carry; None: they must name this computer instead.

    Raises:
        ConfigError: A folder is missing, or the packages of the extra are.
    """
    library = Library(folders)
    try:
        from starlette.applications import Starlette
    except ImportError as error:
        raise ConfigError("the dashboard needs the package starlette", advice=_EXTRA) from error
    from tinynas.report.dashboard.pages import Pages

    return Guard(Starlette(routes=Pages(library).routes()), token)


def serve_dashboard(
    folders: Sequence[Path],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    exposed: bool = False,
    token: str | None = None,
    on_address: Callable[[str], None] = print,
) -> None:
    """Serve the dashboard until the process is interrupted.

    Args:
        folders: Studies, or folders that hold studies.
        host: Address to listen at. Any but this computer's own needs `exposed`.
        port: TCP port; 0 chooses a free one; None: 8765, or a free one where that is taken.
        exposed: Whether other computers may reach the dashboard. They need the token.
        token: The token; None: a new one where it is exposed, else none.
        on_address: Told the address to open, once the server listens.

    Raises:
        ConfigError: A folder or a package is missing, the address is another computer's or not to be had, or `host`
            would expose the dashboard without `exposed`.
    """
    local = _is_local(host)
    if not local and not exposed:
        what = f"--host {host} lets other computers read the studies"
        raise ConfigError(what, where="--host", advice="add --expose if that is meant; they then need a token")
    if exposed and token is None:
        token = secrets.token_urlsafe(24)
    if token is not None and len(token) < 16:
        raise ConfigError("a token of fewer than 16 characters can be guessed", where="token", advice="leave it out")
    app = make_dashboard(folders, token=token)
    try:
        import uvicorn
    except ImportError as error:
        raise ConfigError("the dashboard needs the package uvicorn", advice=_EXTRA) from error
    with _listen(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listening.getsockname()[1]}/"
        on_address(address if token is None else f"{address}?token={token}")
        options = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, ws="none")
        with suppress(KeyboardInterrupt):  # how a server is told to end
            uvicorn.Server(options).run(sockets=[listening])


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports = (DEFAULT_PORT, 0) if port is None else (port,)
    for number in ports:
        made = socket.socket(family)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, number))
        except OSError as error:
            made.close()
            if error.errno == errno.EADDRINUSE and number != ports[-1]:
                continue
            advice = "name another --port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "name another --host"
            what = f"cannot listen at {host}, port {number}: {error.strerror or error}"
            raise ConfigError(what, where="--port", advice=advice) from error
        return made
    raise AssertionError("unreachable")
