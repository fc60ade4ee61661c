"""Answers of a host without a site file, for the tests of the general rules."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.core.model import Fetch, Link, Redirect, Verdict
from crawler.judge.generic import judge_generic
from crawler.page.document import Document

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ASKED = "https://blog.example/2020/03/ferry.html"
PROSE = (
    "<p>" + "The ferry has crossed this river for forty years, and nobody remembers a day without it. " * 30 + "</p>"
)
MENU = "<ul>" + "<li><a href=/c>Boots and shoes for the whole family</a></li>" * 60 + "</ul>"


def fetch_of(html: str | bytes, url: str = ASKED, final: str = "", status: int = 200, **headers: Any) -> Fetch:
    body = html if isinstance(html, bytes) else html.encode()
    named = {"content-type": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
    redirects = (Redirect(301, url),) if final else ()
    return Fetch(url, final or url, NOW, status=status, redirects=redirects, headers=tuple(named.items()), body=body)


def document_of(fetch: Fetch) -> Document:
    return Document(fetch.body, fetch.header("content-type"), fetch.final_url)


def judged(fetch: Fetch) -> Verdict:
    link = Link(fetch.url, fetch.url, fetch.url, "other", "blog.example", "blog.example")
    return judge_generic(link, fetch, document_of(fetch))


def named(fetch: Fetch) -> str:
    verdict = judged(fetch)
    return f"{verdict.state}/{verdict.reason}"


PADDING = f"<script>{'var x = 1;' * 45_000}</script>"
PAGES: dict[str, Any] = tomllib.loads((Path(__file__).parent / "pages.toml").read_text("utf-8"))


def pages(*path: str) -> list[Any]:
    """The pages of a table of pages.toml, each as a test's parameter with its name."""
    table = PAGES
    for key in path:
        table = table[key]
    return [pytest.param(filled(html), id=name) for name, html in table.items()]


def filled(html: str) -> str:
    """A page with its placeholders filled in."""
    return html.replace("{PROSE}", PROSE).replace("{MENU}", MENU).replace("{PADDING}", PADDING)
