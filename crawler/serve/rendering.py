"""Templates: the names that every page has, and how values of the web become safe text.

How pages look is in `templates/`, what they show in `pages`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import jinja2
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from crawler.core.counts import Counted
from crawler.core.display import clipped, plain
from crawler.core.model import State
from crawler.core.url import redact
from crawler.report.clean import web_link
from crawler.report.code_spans import in_html
from crawler.report.figures import day, duration, minute, number, size
from crawler.report.reasons import reason_help, reason_name
from crawler.report.words import Language, words
from crawler.serve.phrases import phrase

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from crawler.serve.access import Access

STATIC: Final = {"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8"}
THEMES: Final = ("light", "dark")
MAX_TITLE: Final = 200  # characters of a title or an address in a list
_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")


def render(request: Request, template: str, access: Access, *, status: int = 200, **values: object) -> Response:
    """A page in the reader's language and theme."""
    language = language_of(request)
    html = _environment().get_template(template).render(
        say=partial(phrase, language),
        language=language,
        html_language={"en": "en", "zh": "zh-Hans"}[language],
        theme=theme_of(request),
        here=request.url.path,
        back=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        may_act=bool(getattr(request.state, "authorised", False)),
        csrf=access.csrf if getattr(request.state, "authorised", False) else "",
        state_name=words(language).states.__getitem__,
        reason=lambda slug: reason_name(slug, language),
        lasted=lambda seconds: duration(seconds, language),
        **values,
    )  # fmt: skip
    return HTMLResponse(html, status)


def language_of(request: Request) -> Language:
    """The reader's choice, else what the configuration says, else what the browser prefers."""
    chosen = request.query_params.get("lang") or request.cookies.get("lang")
    if chosen in ("en", "zh"):
        return "zh" if chosen == "zh" else "en"
    if request.app.state.language == "zh":
        return "zh"
    preferred = request.headers.get("accept-language", "")[:200].lower().lstrip()
    return "zh" if preferred.startswith("zh") else "en"


def theme_of(request: Request) -> str:
    """The reader's choice; "": as the system has it."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def link_address(key: str) -> str:
    """The address of a link's page."""
    return f"/link?url={quote(key, safe='')}"


def note_address(path: str) -> str:
    """The address of a note's page; one whose name a browser would rewrite is shown as a list."""
    if _DOTS.search(path) or path.startswith("/"):
        return f"/links?{urlencode({'note': path})}"
    return f"/notes/{quote(path)}"


def address_with(path: str, current: Mapping[str, Sequence[str]], **changes: str | int | None) -> str:
    """An address with some parameters changed; None and "" leave one out."""
    merged: dict[str, list[str]] = {name: list(values) for name, values in current.items()}
    for name, value in changes.items():
        merged[name] = [str(value)] if value not in (None, "") else []
    pairs = [(name, value) for name, values in merged.items() for value in values]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def marked(text: str, spans: Sequence[tuple[int, int]]) -> Markup:
    """A text with some parts in `<mark>`, everything escaped."""
    parts, at = [], 0
    for start, end in spans:
        if start >= at:
            parts += [escape(text[at:start]), Markup("<mark>"), escape(text[start:end]), Markup("</mark>")]
            at = end
    return Markup("").join([*parts, escape(text[at:])])


@cache
def asset(name: str) -> bytes:
    """A file of ours, by one of the names in `STATIC`."""
    return files("crawler.serve").joinpath("static", name).read_bytes()


@cache
def asset_address(name: str) -> str:
    """Its address, which changes with its content."""
    return f"/static/{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"


def _shown(url: str) -> str:
    """An address for people: without scheme, secrets of sharers replaced, on one line."""
    return clipped(re.sub(r"^https?://(www\.)?", "", redact(plain(url))), MAX_TITLE)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("crawler.serve"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        states=list(State),
        asset_address=asset_address,
        link_address=link_address,
        note_address=note_address,
        address_with=address_with,
        web_link=web_link,
        reason_help=reason_help,
        marked=marked,
    )
    environment.filters.update(
        day=day,
        minute=minute,
        number=number,
        counted=Counted,
        size=size,
        shown=_shown,
        code=in_html,
        plain=lambda text: clipped(plain(str(text)), MAX_TITLE),
    )
    return environment
