"""Report and dashboard in headless Chromium: no error, nothing sideways, all by keyboard, both themes, accessible.

The dashboard is the real program in a process of its own; the tests write the study that it follows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.deploy.candidates import filled
from tinynas.cost import lower
from tinynas.deploy import pack
from tinynas.network import Architecture
from tinynas.report import write_report
from tinynas.study import BoardNote, CrewNotes, LiveNotes, Study, WorkerNote, clear_crew, write_crew, write_live

from .conftest import BOARD, CONFIG, PROVENANCE, evaluate, run_trial

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_DRIVER = shutil.which("chromedriver")
_DEADLINE_S = 60.0
# In which themes each page is checked for all to use: a check takes seconds.
_CHECKED = {"study": ("light", "dark"), "trial": ("dark",), "studies": ("light",), "report": ("dark",)}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.exhaustive,
    pytest.mark.skipif(not (_CHROMIUM and _DRIVER), reason="chromium and chromedriver are not installed"),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """A study with a real model, curves, and paths."""
    folder = tmp_path_factory.mktemp("studies") / "walks"
    reserves = {"stack_bytes": 4096, "firmware_sram_bytes": 2048, "firmware_flash_bytes": 16_384}
    board = BOARD | {"reserves": reserves}
    problem = {"kind": "time_offset", "where": "walk 1", "message": "50 ms later", "advice": "set dataset.align.time"}
    row = {
        "name": "walk 1",
        "split": "test",
        "problems": [problem],
        "curves": {"offset": [[-1.0, 0.0, 1.0], [0, 1, 0]]},
    }
    provenance = PROVENANCE | {"data_check": {"recordings": [row]}}
    made = Study.create(folder, config=CONFIG, board=board, provenance=provenance)
    made._database.execute("PRAGMA synchronous = OFF")
    random = np.random.default_rng(5)
    for number in range(14):
        run_trial(made, random, (number, -number))
    evaluate(made, random, ["walk 1", "pocket 2"], 200)
    best = made.best()
    assert best is not None
    model = pack(filled(lower(Architecture.from_dict(best.architecture).graph)))
    made.attach(best.id, {"tflite": model})
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(study: Study) -> Iterator[str]:
    """Where the dashboard of the study's folder is."""
    command = [sys.executable, "-m", "tinynas", "dashboard", str(study.folder.parent), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as server:
        assert server.stdout is not None
        line = server.stdout.readline().strip()
        assert line.startswith("http://127.0.0.1:"), line
        yield line
        server.terminate()
        server.wait(_DEADLINE_S)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Chromium, with a folder for downloads."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(_CHROMIUM)
    for flag in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"),
        *("disable-component-update", "disable-sync", "disable-dev-shm-usage"),
        f"user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(_DRIVER))
    try:
        driver.set_page_load_timeout(_DEADLINE_S)
        driver.set_script_timeout(_DEADLINE_S)
        downloads = tmp_path_factory.mktemp("downloads")
        allow = {"behavior": "allow", "downloadPath": str(downloads)}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", allow)
        driver.downloads = downloads
        yield driver
    finally:
        driver.quit()


def wait(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + _DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


def look(browser: Any, width: int = 1280, theme: str = "light") -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def open_page(browser: Any, url: str) -> None:
    browser.get(url)
    drawn = "return [...document.querySelectorAll('.plot')].every((one) => one.querySelector('.main-svg'))"
    wait(lambda: browser.execute_script(drawn), "figures are not drawn")


def errors(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def pages(study: Study, address: str) -> dict[str, str]:
    best = study.best()
    assert best is not None
    report = write_report(study, study.folder.parent / "report.html")
    return {
        "study": f"{address}study/walks",
        "trial": f"{address}study/walks/trial/{best.id}",
        "studies": f"{address}studies",
        "report": report.as_uri(),
    }


@pytest.mark.parametrize("which", ["study", "trial", "studies", "report"])
def test_pages(browser: Any, study: Study, address: str, which: str) -> None:
    """No error on the console, nothing to scroll sideways at 400 and 1600 pixels, no violation in either theme."""
    from axe_core_python.selenium import Axe

    look(browser)
    errors(browser)
    open_page(browser, pages(study, address)[which])
    assert browser.execute_script("return document.querySelectorAll('.plot .main-svg').length") > 0
    colours = set()
    for width, theme in ((1600, "light"), (400, "light"), (400, "dark"), (1600, "dark")):
        look(browser, width, theme)
        root = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        wait(lambda root=root: browser.execute_script(root) <= 0, f"{width} px: the page scrolls sideways")
        ink = "return getComputedStyle(document.querySelector('.plot text')).fill"
        paper = "return getComputedStyle(document.body).backgroundColor"
        colours.add((theme, browser.execute_script(paper)))
        if width == 1600:
            wait(lambda ink=ink, theme=theme: _is_light(browser.execute_script(ink)) == (theme == "dark"), "unreadable")
        if width == 1600 and theme in _CHECKED[which]:
            found = Axe().run(browser)["violations"]
            assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == []
    assert len(colours) == 2
    assert errors(browser) == []


def _is_light(colour: str) -> bool:
    numbers = [float(part) for part in colour.strip("rgba()").split(",")[:3]]
    return sum(numbers) > 3 * 128


def test_a_new_trial_shows_by_itself_and_what_a_reader_did_stays(browser: Any, study: Study, address: str) -> None:
    look(browser)
    errors(browser)
    open_page(browser, f"{address}study/walks")
    wait(lambda: browser.find_element("id", "following").text == "following", "does not follow")
    browser.find_element("css selector", "#configuration-and-provenance summary").click()
    browser.execute_script("document.querySelector('#all-trials th button').click()")
    browser.execute_script("document.querySelector('#all-trials th button').click()")
    trial = study.propose(params=None, architecture={}, key=f"new {time.time()}", seed=0).id
    write_live(
        study.folder, LiveNotes(planned=40, workers=1, epochs=9, started=time.time(), curves={trial: (0.5, 0.4)})
    )
    begun = time.monotonic()
    # Highest trial first, as the reader had sorted.
    first = "return document.querySelector('#all-trials tbody tr th').textContent"
    wait(lambda: browser.execute_script(first) == str(trial), "the new trial does not show")
    print(f"a new trial showed after {time.monotonic() - begun:.2f} s")
    assert "2 of 9" in browser.find_element("id", "the-search").text
    assert browser.execute_script("return document.querySelector('#configuration-and-provenance details').open")
    # Who works, and on which board, is followed as well.
    boards = (BoardNote("066AFF", "set aside", "its self-test fails: clock"), BoardNote("066B00", "free"))
    write_crew(study.folder, CrewNotes((WorkerNote("process 7", (trial,), time.time()),), boards))
    told = ("process 7", f"trial {trial}", "set aside", "its self-test fails: clock", "066B00")
    wait(
        lambda: all(text in browser.find_element("id", "the-search").text for text in told),
        "workers and boards do not show",
    )
    clear_crew(study.folder)
    wait(lambda: "process 7" not in browser.find_element("id", "the-search").text, "a worker that has gone is shown")
    assert errors(browser) == []
    (study.folder / "live.json").unlink()


def test_the_keyboard_reaches_everything(browser: Any, address: str) -> None:
    from selenium.webdriver.common.keys import Keys

    look(browser)
    open_page(browser, f"{address}study/walks")
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait(lambda: browser.execute_script("return document.activeElement.id") == "content", "the link does not skip")
    reached = set()
    for _ in range(60):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        script = "const e = document.activeElement; return e.dataset.save || e.className || e.tagName.toLowerCase()"
        reached.add(browser.execute_script(script))
    assert {"png", "csv", "scroll", "a"} <= reached
    browser.execute_script("document.querySelectorAll('#all-trials th button')[2].focus()")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    column = "return [...document.querySelectorAll('#all-trials tbody tr')].map(r => r.cells[2].dataset.sort)"
    values = [float(value) for value in browser.execute_script(column) if value]
    assert values == sorted(values)
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(outline) != "none", "the focus must be seen"


@pytest.mark.parametrize("which", ["study", "report"])
def test_figures_are_saved(browser: Any, study: Study, address: str, which: str) -> None:
    look(browser)
    open_page(browser, pages(study, address)[which])
    for path in browser.downloads.iterdir():
        path.unlink()
    for kind in ("csv", "png"):
        browser.execute_script(f"document.querySelector('#search-history [data-save={kind}]').click()")
        wait(lambda kind=kind: list(browser.downloads.glob(f"*.{kind}")), f"no {kind}")
    [table] = browser.downloads.glob("*.csv")
    [picture] = browser.downloads.glob("*.png")
    wait(lambda: picture.stat().st_size > 10_000, "an empty picture")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    rows = wait(lambda: table.read_text("utf-8").splitlines(), "an empty table")
    assert rows[0].startswith("series,trial,")
    done = [trial for trial in study.trials() if trial.state == "done" and trial.feasible]
    feasible = [row.split(",") for row in rows if row.startswith("feasible,")]
    assert [(int(row[1]), float(row[2])) for row in feasible] == [(trial.id, trial.objective) for trial in done]
    assert errors(browser) == []


def test_the_recording_is_chosen(browser: Any, study: Study, address: str) -> None:
    from selenium.webdriver.support.select import Select

    look(browser)
    open_page(browser, f"{address}study/walks")
    drawn = "return document.getElementById('trajectory').data[0].x.slice(0, 5)"
    before = browser.execute_script(drawn)
    Select(browser.find_element("id", "recording")).select_by_visible_text("pocket 2")
    wait(lambda: browser.execute_script(drawn) != before, "the path is the same")
    label = browser.find_element("id", "trajectory").get_attribute("aria-label")
    assert label == "True and predicted path of pocket 2"
