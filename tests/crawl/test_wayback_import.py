"""Captures of the Internet Archive that are kept: what is made of one that was found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.archive import Archive
from crawler.core.config import load_settings
from crawler.core.model import Fetch
from crawler.crawl import examine
from crawler.crawl.captures import FoundCapture
from crawler.crawl.context import Context, sites_of
from crawler.crawl.imported import UNHEARD, Imported
from crawler.crawl.tasks import PageReading, ReadTask
from crawler.crawl.wayback_import import keep
from crawler.fetch.wayback import WaybackCapture
from crawler.notes.links import link_of
from crawler.testing import pages
from crawler.testing.pages import Article

URL = "https://blog.example/lighthouse"
THEN = datetime(2020, 5, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
PAGE = pages.blog_article(Article(URL, "The lighthouse", "Ann", ("It shines once a night, and never twice.",) * 3))


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None)
    with Archive.open(tmp_path / "archive", settings.archive) as archive:
        yield Context(settings, sites_of(settings), archive, lambda: NOW)


def test_a_capture_that_was_read_when_it_was_found_is_not_read_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_of(URL, context.sites)
    fetched = Fetch(URL, URL, THEN, status=200, headers=(("Content-Type", "text/html"),), body=PAGE)
    reading = examine.read(ReadTask(link, fetched, THEN), context.sites)

    def read_again(*_: object) -> PageReading:
        raise AssertionError("read twice")

    monkeypatch.setattr(examine, "read", read_again)
    capture = WaybackCapture(f"https://archive.example/web/20200501000000/{URL}", THEN, URL)
    done = Imported()
    keep(context, link, FoundCapture(capture, fetched, reading.page, 1.0, reading), done, UNHEARD)
    (kept,) = done.kept
    assert done.lost == []
    assert kept.snapshot is not None
    assert (kept.title, kept.snapshot.captured_at) == ("The lighthouse", THEN)
    assert "never twice" in (context.archive.text(kept.snapshot.id) or "")
    assert [hit.capture_id for hit in context.archive.search("lighthouse")] == [kept.snapshot.id]
