"""Who may use the dashboard, and what a browser may do with its pages."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from tinynas.report.html.render import policy_hash

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOCAL_HOSTS", "Guard"]

#: What a browser on this computer calls a server there. Another name is another site's that was pointed here.
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})

_COOKIE = "tinynas"
_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; script-src 'self'; style-src-elem 'self' {policy_hash('')}; "
        "style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """Lets requests pass that only read, name this computer or carry the token; adds headers to what is answered.

    Args:
        app: What is guarded.
        token: What a request must carry once in its address (`?token=`), then as a cookie, or as a bearer; None: none,
            but the request must name this computer.
    """

    def __init__(self, app: ASGIApp, token: str | None = None) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no other protocol is spoken here
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        status, more = self._refuse(scope, headers)
        if not status:
            await self._app(scope, receive, _with_headers(send))
            return
        body = b"" if status == 303 else _REASONS[status].encode()
        start = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body))), *more]
        answer = _with_headers(send)
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in start]
        await answer({"type": "http.response.start", "status": status, "headers": encoded})
        await answer({"type": "http.response.body", "body": body})

    def _refuse(self, scope: Scope, headers: Mapping[str, str]) -> tuple[int, list[tuple[str, str]]]:
        """The status of a refusal and its headers; 0 where the request may pass."""
        if scope["method"] not in ("GET", "HEAD"):
            return 405, [("allow", "GET, HEAD")]
        if self._token is None:
            host = headers.get("host", "")
            name = host[: host.rindex(":")] if host.rpartition(":")[2].isdecimal() and ":" in host else host
            return (0, []) if name.lower() in LOCAL_HOSTS else (421, [])
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(name == "token" and self._is_token(value) for name, value in query):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            # Relative, and never another host: a path that begins with two slashes would name one.
            place = "/" + scope["raw_path"].decode("latin-1").lstrip("/\\") + (f"?{rest}" if rest else "")
            cookie = f"{_COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            return 303, [("location", place), ("set-cookie", cookie)]
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token(bearer) or self._is_token(_cookie(headers)):
            return 0, []
        return 401, [("www-authenticate", "Bearer")]

    def _is_token(self, value: str) -> bool:
        return hmac.compare_digest(value.encode("utf-8", "replace"), (self._token or "").encode())


_REASONS = {
    401: "The dashboard needs its token: open the address that `tinynas dashboard` has printed.\n",
    405: "The dashboard only reads.\n",
    421: "The dashboard answers to this computer's own name only.\n",
}


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            known = {name for name, _ in message["headers"]}
            if b"cache-control" not in known:
                added.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sent
