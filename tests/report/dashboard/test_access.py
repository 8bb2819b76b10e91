"""Who gets in: this computer by its own name, or whoever has the token; nobody may write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tinynas.report.dashboard import make_dashboard

TOKEN = "0123456789abcdef-secret"


def client(folder: Path, base: str = "http://127.0.0.1:8765", **options: Any) -> TestClient:
    return TestClient(make_dashboard([folder], **options), base_url=base, follow_redirects=False)


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:1", "http://localhost:8765", "http://LOCALHOST", "http://[::1]:8765"]
)
def test_this_computer_by_its_names(tmp_path: Path, base: str) -> None:
    assert client(tmp_path, base).get("/").status_code == 200


@pytest.mark.parametrize("base", ["http://evil.example", "http://127.0.0.1.evil.example:8765", "http://10.0.0.1:8765"])
def test_a_name_that_was_pointed_here_is_refused(tmp_path: Path, base: str) -> None:
    answer = client(tmp_path, base).get("/")
    assert (answer.status_code, "this computer's own name" in answer.text) == (421, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_it_only_reads(tmp_path: Path, method: str) -> None:
    answer = client(tmp_path).request(method, "/")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_what_a_browser_may_do(tmp_path: Path) -> None:
    for answer in (client(tmp_path).get("/"), client(tmp_path, "http://evil.example").get("/")):
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe-inline" not in policy["style-src-elem"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_the_token_opens_once_by_address_then_by_cookie(tmp_path: Path) -> None:
    browser = client(tmp_path, "http://10.0.0.7:8765", token=TOKEN)
    assert browser.get("/").status_code == 401
    for wrong in ("", "x", TOKEN[:-1], TOKEN + "x", "é"):
        assert browser.get("/", params={"token": wrong}).status_code == 401
    opened = browser.get("/studies", params={"study": "a b", "token": TOKEN})
    assert opened.status_code == 303
    assert opened.headers["location"] == "/studies?study=a+b", "the address that stays has no token"
    assert "HttpOnly" in opened.headers["set-cookie"]
    assert "SameSite=Strict" in opened.headers["set-cookie"]
    assert browser.get("/").status_code == 200
    assert client(tmp_path, token=TOKEN).get("/").status_code == 401, "this computer needs it, too"


def test_the_token_as_a_bearer(tmp_path: Path) -> None:
    script = client(tmp_path, token=TOKEN)
    assert script.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert script.get("/", headers={"authorization": "Bearer "}).status_code == 401
    assert script.get("/", headers={"cookie": 'tinynas=; =;;"x'}).status_code == 401


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "///evil.example"])
def test_the_way_back_leads_to_no_other_host(tmp_path: Path, path: str) -> None:
    import asyncio

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "headers": [],
        "query_string": f"token={TOKEN}".encode(),
    }  # fmt: skip
    asyncio.run(make_dashboard([tmp_path], token=TOKEN)(scope, None, send))  # type: ignore[arg-type]
    location = dict(sent[0]["headers"])[b"location"]
    assert location[:1] == b"/"
    assert location[1:2] not in (b"/", b"\\")
