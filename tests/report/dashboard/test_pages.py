"""The dashboard's pages, asked for as a browser, a script and an attacker would."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.report._page import Page
from tinynas.errors import ConfigError
from tinynas.report.dashboard import make_dashboard
from tinynas.study import LiveNotes, Study, write_live

Make = Callable[..., Study]
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def client(*folders: Path, **options: Any) -> TestClient:
    return TestClient(make_dashboard(folders, **options), base_url="http://127.0.0.1:8765", follow_redirects=False)


def test_one_study_is_shown_at_once(make_study: Make) -> None:
    study = make_study(10, recordings=["walk 1"])
    browser = client(study.folder)
    moved = browser.get("/")
    assert (moved.status_code, moved.headers["location"]) == (307, "/study/study0")
    page = Page(browser.get("/study/study0").text)
    assert "Best network for NUCLEO-F446RE" in page.text
    assert "The search has ended." in page.text
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert {f"/study/study0/trial/{number}" for number in range(10)} <= links
    assert "studies" not in page.text.split("Best network")[0], "there is no list of one"


def test_parts_are_the_same_page(make_study: Make) -> None:
    study = make_study(10)
    browser = client(study.folder)
    page = Page(browser.get("/study/study0").text)
    parts = browser.get("/study/study0?parts").json()
    sections = [attributes["id"] for tag, attributes in page.elements if tag == "section"]
    assert [section["id"] for section in parts["sections"]] == sections
    assert len(set(sections)) == len(sections)
    assert parts["data"] == json.loads(next(script for script in page.scripts if script.startswith("{")))
    assert "innerHTML" not in parts["header"]


def test_a_new_trial_is_there_at_the_next_request(make_study: Make) -> None:
    study = make_study(3)
    browser = client(study.folder)
    before = browser.get("/study/study0").text
    assert browser.get("/study/study0").text == before
    trial = study.propose(params=None, architecture={"filters": 5}, key="new", seed=0).id
    assert f"/study/study0/trial/{trial}" in browser.get("/study/study0").text
    write_live(study.folder, LiveNotes(planned=9, workers=2, epochs=20, started=1.0, curves={trial: (0.5, 0.25)}))
    study.advance(trial, "costed")
    page = Page(browser.get("/study/study0").text)
    assert "A search is at work with 2 workers" in page.text
    assert "training" in page.text
    assert "2 of 20" in page.text
    assert "3 of 9" in page.text


def test_a_trial_has_a_page_in_every_state(make_study: Make) -> None:
    study = make_study(12)
    study.propose(params={"filters": 3}, architecture={"filters": EVIL}, key="k", seed=0)
    browser = client(study.folder)
    for trial in study.trials():
        answer = browser.get(f"/study/study0/trial/{trial.id}")
        assert answer.status_code == 200
        page = Page(answer.text)
        assert f"Trial {trial.id}" in page.text
        assert "Everything that is stored" in page.text
        assert ("This trial is under way" in page.text) == (not trial.state.is_finished)
    best = study.best()
    assert best is not None
    assert "It is the best of the study." in browser.get(f"/study/study0/trial/{best.id}").text
    assert browser.get("/study/study0/trial/99").status_code == 404
    assert browser.get("/study/study0/trial/-1").status_code == 404
    assert browser.get("/study/study0/trial/x").status_code == 404


def test_a_folder_of_studies_and_what_appears_in_it(make_study: Make, tmp_path: Path) -> None:
    make_study(4)
    browser = client(tmp_path)
    assert Page(browser.get("/").text).text.count("study0") >= 1
    make_study(6, recordings=["w"])
    page = Page(browser.get("/studies").text)
    assert "Studies side by side" in page.text
    assert {"/study/study0", "/study/study1"} <= {a.get("href") for tag, a in page.elements if tag == "a"}
    only = Page(browser.get("/studies?study=study1&study=nothing").text)
    assert "tinynas · 1 studies" in only.text or "1 stud" in only.text
    assert "study0" not in only.text


def test_names_that_are_hostile_stay_text(make_study: Make) -> None:
    board = {"name": EVIL, "title": EVIL}
    config = {"dataset": {"source": EVIL, "target": EVIL, EVIL: [EVIL]}, "objective": {"l1": 1}}
    study = make_study(9, recordings=[EVIL], board=board, config=config, norm=EVIL, kernel_size=3)
    study.propose(params={EVIL: EVIL}, architecture={"filters": EVIL}, key="k", seed=0)
    study.advance(9, "failed", reason=EVIL)
    browser = client(study.folder)
    for address in ("/study/study0", "/study/study0/trial/9", "/studies"):
        page = Page(browser.get(address).text)
        assert not [tag for tag, _ in page.elements if tag == "img"], address
        sources = [
            attributes.get("src") or attributes.get("type") for tag, attributes in page.elements if tag == "script"
        ]
        assert set(sources) == {
            "/static/plotly-basic.min.js", "/static/page.js", "/static/live.js", "application/json",
        }, address  # fmt: skip
        parts = browser.get(f"{address}?parts").json()
        for html in [parts["header"], *(section["html"] for section in parts["sections"])]:
            assert "<img" not in html
            assert "<script" not in html


def test_a_folder_with_a_hostile_name(make_study: Make, tmp_path: Path) -> None:
    study = make_study(2)
    study.close()
    evil = tmp_path / "in" / "<img src=x>&?#%2e%2e"
    evil.parent.mkdir()
    study.folder.rename(evil)
    browser = client(tmp_path / "in")
    page = Page(browser.get("/").text)
    [address] = {a["href"] for tag, a in page.elements if tag == "a" and (a.get("href") or "").startswith("/study/")}
    assert address is not None
    assert address.removeprefix("/study/").replace("-", "").isalnum()
    assert browser.get(address).status_code == 200
    assert "<img" not in browser.get(address).text


@pytest.mark.parametrize(
    "address",
    [
        "/study/%2e%2e", "/study/..%2f..%2fetc", "/study/%00", "/static/../page.py",
        "/static/%2e%2e%2fpage.py",
        "/static/report.html", "/static/plotly-LICENSE.txt", "/nothing", "/study/", "/study/study0/trial/1e3",
    ],
)  # fmt: skip
def test_nothing_else_is_served(make_study: Make, address: str) -> None:
    assert client(make_study(1).folder).get(address).status_code == 404


def test_a_link_out_of_the_folder_is_not_followed(make_study: Make, tmp_path: Path) -> None:
    study = make_study(1)
    shown = tmp_path / "shown"
    shown.mkdir()
    (shown / "link").symlink_to(study.folder)
    assert "study0" not in client(shown).get("/").text
    fake = shown / "fake"
    fake.mkdir()
    (fake / "study.db").symlink_to(study.folder / "study.db")
    assert "Not read: fake" in client(shown).get("/").text


def test_a_damaged_study_is_said_and_spoils_no_other(make_study: Make, tmp_path: Path) -> None:
    make_study(3)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "study.db").write_bytes(b"no database at all" * 100)
    browser = client(tmp_path)
    page = Page(browser.get("/studies").text)
    assert "Not read: broken" in page.text
    assert "study0" in page.text
    assert "This study cannot be read" in browser.get("/study/broken").text


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        make_dashboard([tmp_path / "missing"])
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is not a folder"):
        make_dashboard([tmp_path / "file"])
    assert "No study has a network that fits its board yet" in client(tmp_path).get("/").text
