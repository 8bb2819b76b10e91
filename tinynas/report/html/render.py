"""Pages as HTML: the templates, the files that go with them, and what a browser may do with them."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tinynas.report.figures import PALETTES, path_over_recording
from tinynas.report.html.sections import Content

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["SCRIPTS", "asset", "environment", "file_page", "page_data", "policy_hash"]

#: The scripts of every page, in order: Plotly's basic bundle, and what is done with it.
SCRIPTS = ("plotly-basic.min.js", "page.js")

# Plotly makes an empty style element and fills it by rules, which a policy lets pass; and it sets style attributes.
_EMPTY_STYLE = ""


@cache
def environment() -> Environment:
    """What turns templates into HTML: it escapes everything that a study says, also inside scripts."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("tinynas.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return made


@cache
def asset(name: str) -> str:
    """A file that comes with the program.

    Args:
        name: Of a style sheet or a script.
    """
    return (files("tinynas.report.html") / "static" / name).read_text("utf-8")


@cache
def policy_hash(text: str) -> str:
    """How a content security policy names a script or a style by what it says.

    Example:
        >>> policy_hash("")
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page_data(content: Content) -> dict[str, Any]:
    """What the scripts of a page draw: its figures, its paths, and the colours of both themes."""
    return {
        "figures": {plot.name: plot.figure.to_plotly_json() for section in content.sections for plot in section.plots},
        "trajectories": [path_over_recording(recording).to_plotly_json() for recording in content.recordings],
        "palettes": PALETTES,
    }


def file_page(content: Content) -> str:
    """A page as one file that needs no network: scripts and styles are inside, and only these may run.

    Args:
        content: The page.

    Returns:
        HTML.
    """
    from markupsafe import Markup

    scripts, css = [asset(name) for name in (*SCRIPTS, "report.js")], asset("page.css")
    policy = (
        f"default-src 'none'; script-src {' '.join(map(policy_hash, scripts))}; "
        f"style-src-elem {policy_hash(css)} {policy_hash(_EMPTY_STYLE)}; style-src-attr 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    # These files come with the program: what they say is meant as it is.
    return (
        environment()
        .get_template("report.html")
        .render(
            content=content,
            policy=policy,
            css=Markup(css),
            scripts=[Markup(script) for script in scripts],
            data=page_data(content),
        )
    )
