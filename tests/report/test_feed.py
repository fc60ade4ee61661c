"""Whose feed it is, where it is, and what its entries lead to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID
from xml.etree.ElementTree import Element, fromstring

from samples import full_report

from crawler.cli.reporting import feed_id
from crawler.report import FORMATS, ReportOptions

ATOM = "{http://www.w3.org/2005/Atom}"
MINE, OTHER = (str(UUID(int=number, version=4)) for number in (1, 2))


def feed(**options: str) -> Element:
    return fromstring(FORMATS["atom"].render(full_report(), replace(ReportOptions(), **options)))  # type: ignore[arg-type]  # test shorthand


def ids(of: Element) -> set[str]:
    return {found.text or "" for found in of.iter(f"{ATOM}id")}


def test_ids_belong_to_the_archive() -> None:
    assert ids(feed(feed_id=MINE)) == ids(feed(feed_id=MINE))
    assert not ids(feed(feed_id=MINE)) & ids(feed(feed_id=OTHER))
    assert UUID(MINE).urn in ids(feed(feed_id=MINE))


def test_it_says_where_it_is_and_where_copies_are() -> None:
    made = feed(feed_id=MINE, feed_url="file:///home/me/feed.xml")
    links = {(found.get("rel"), found.get("href")) for found in made.iter(f"{ATOM}link")}
    assert ("self", "file:///home/me/feed.xml") in links
    assert any(rel == "related" and (href or "").startswith("https://web.archive.org/web/") for rel, href in links)
    assert "self" not in {found.get("rel") for found in feed().iter(f"{ATOM}link")}


def test_the_archive_keeps_the_id_that_it_was_given_once(tmp_path: Path) -> None:
    assert feed_id(tmp_path, make=True) == "", "no archive, no id"
    (tmp_path / "index.sqlite").touch()
    assert feed_id(tmp_path) == ""
    made = feed_id(tmp_path, make=True)
    assert UUID(made).version == 4
    assert feed_id(tmp_path) == feed_id(tmp_path, make=True) == made
    (tmp_path / "feed-id").write_text("nonsense")
    assert feed_id(tmp_path) == ""
