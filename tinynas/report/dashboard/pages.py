"""The pages of the dashboard, and how they are kept up to date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tinynas.errors import StudyError
from tinynas.report.dashboard.at_work import at_work
from tinynas.report.dashboard.library import Library
from tinynas.report.dashboard.reading import Reader
from tinynas.report.dashboard.stream import news
from tinynas.report.html.overview import overview
from tinynas.report.html.render import SCRIPTS, asset, environment, page_data
from tinynas.report.html.sections import Content, Lead, Section
from tinynas.report.html.side_by_side import side_by_side
from tinynas.report.html.trial_page import trial_page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

__all__ = ["Pages"]

_SCRIPTS = dict.fromkeys((*SCRIPTS, "live.js"), "text/javascript; charset=utf-8")
_STATIC = {**_SCRIPTS, "page.css": "text/css; charset=utf-8", "dashboard.css": "text/css; charset=utf-8"}
# More lines than these in one figure hide each other.
_MOST_COMPARED = 12


class Pages:
    """Answers requests.

    Args:
        library: The studies.
    """

    def __init__(self, library: Library) -> None:
        self._library, self._reader = library, Reader()

    def routes(self) -> list[Route]:
        """What is answered, by path."""
        from starlette.routing import Route

        return [
            Route("/", self._index),
            Route("/studies", self._studies),
            Route("/study/{study}", self._study),
            Route("/study/{study}/trial/{trial:int}", self._trial),
            Route("/events", self._events),
            Route("/static/{file}", self._static),
        ]

    def _index(self, request: Request) -> Response:
        """The only study, or the list."""
        from starlette.responses import RedirectResponse

        known = self._library.studies()
        if self._library.is_one and len(known) == 1:
            return RedirectResponse(_study_address(next(iter(known))), 307)
        return self._studies(request)

    def _studies(self, request: Request) -> Response:
        """All studies side by side, or those that the address names."""
        known = self._library.studies()
        asked = [name for name in request.query_params.getlist("study") if name in known]
        names = asked[:_MOST_COMPARED] or list(known)
        return self._answer(request, names, lambda: self._compared({name: known[name] for name in names}))

    def _study(self, request: Request) -> Response:
        """One study."""
        name = request.path_params["study"]
        folder = self._library.studies().get(name)
        if folder is None:
            return self._missing("There is no such study here.")
        return self._answer(request, [name], lambda: self._overview(name, folder))

    def _trial(self, request: Request) -> Response:
        """One trial of a study."""
        name, number = request.path_params["study"], request.path_params["trial"]
        folder = self._library.studies().get(name)
        if folder is None:
            return self._missing("There is no such study here.")
        try:
            one = self._reader.trial(folder, number)
        except StudyError as error:
            return self._missing(f"{error.message}.")
        return self._answer(request, [name], lambda: trial_page(one))

    async def _events(self, _request: Request) -> Response:
        from starlette.responses import StreamingResponse

        return StreamingResponse(news(self._library.stamps), media_type="text/event-stream")

    def _static(self, request: Request) -> Response:
        """A script or a style sheet."""
        from starlette.responses import Response

        name = request.path_params["file"]
        if name not in _STATIC:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        kept = {"cache-control": "max-age=3600"} if name.startswith("plotly") else {}
        return Response(asset(name), media_type=_STATIC[name], headers=kept)

    def _overview(self, name: str, folder: Path) -> Content:
        def make() -> Content:
            found = self._reader.study(folder)
            link = _trial_link(name)
            return overview(found.view, found.best, first=(at_work(found.view, link),), link=link)

        return self._reader.made(folder, "page", make)

    def _compared(self, studies: dict[str, Path]) -> Content:
        views, names, broken = [], [], []
        for name, folder in studies.items():
            found = self._reader.tried(folder)
            if isinstance(found, StudyError):
                broken.append(f"{name}: {found.message}")
            else:
                views.append(found.view)
                names.append(name)
        content = side_by_side(views, link=lambda index: _study_address(names[index]))
        if not broken:
            return content
        return replace(content, banner=f"Not read: {'; '.join(broken)}")

    def _answer(self, request: Request, names: list[str], make: Callable[[], Content]) -> Response:
        """A page, or with `?parts` only what may have changed of it."""
        from starlette.responses import HTMLResponse, JSONResponse

        # Before the study is read: what changes meanwhile is news.
        now = self._library.stamps()
        stamps = {name: now.get(name, "") for name in names}
        try:
            content = make()
        except StudyError as error:
            content = _trouble(error)
        data = page_data(content)
        if "parts" in request.query_params:
            return JSONResponse({**_parts(content), "data": data, "stamps": stamps})
        page = (
            environment()
            .get_template("dashboard.html")
            .render(content=content, data=data, stamps=stamps, scripts=list(_SCRIPTS), crumbs=self._crumbs(request))
        )
        return HTMLResponse(page)

    def _crumbs(self, request: Request) -> list[tuple[str, str]]:
        """The way from the list of studies to a page: addresses and words."""
        crumbs = [] if self._library.is_one else [("/studies", "studies")]
        name = request.path_params.get("study")
        if name is not None:
            crumbs.append((_study_address(name), name))
            if "trial" in request.path_params:
                number = request.path_params["trial"]
                crumbs.append((_trial_link(name)(number), f"trial {number}"))
        return crumbs

    def _missing(self, text: str) -> Response:
        from starlette.responses import HTMLResponse

        content = Content("tinynas: not found", "tinynas", "Not found", Lead(text), ())
        page = (
            environment()
            .get_template("dashboard.html")
            .render(
                content=content, data=page_data(content), stamps={}, scripts=list(_SCRIPTS), crumbs=[("/", "studies")]
            )
        )
        return HTMLResponse(page, 404)


def _parts(content: Content) -> dict[str, Any]:
    macros = environment().get_template("macros.html").module
    return {
        "title": content.name,
        "header": str(macros.header(content)),  # type: ignore[attr-defined]
        "sections": [
            {"id": section.id, "html": str(macros.section(section))}  # type: ignore[attr-defined]
            for section in content.sections
        ],
    }


def _trouble(error: StudyError) -> Content:
    """A study that cannot be read now; the page follows it all the same."""
    sections = (Section("What to do", text=error.advice),) if error.advice else ()
    return Content("tinynas: not read", "tinynas", "This study cannot be read", Lead(f"{error.message}."), sections)


def _study_address(name: str) -> str:
    return f"/study/{quote(name, safe='')}"


def _trial_link(name: str) -> Callable[[int], str]:
    return lambda number: f"{_study_address(name)}/trial/{number}"
