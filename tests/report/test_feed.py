"""Whose feed it is, where it is, and what its entries lead to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID
from xml.etree.ElementTree import Element, fromstring

from samples import full_report

from crawler.archive import Archive, verify
from crawler.report import FORMATS, ReportOptions

ATOM = "{http://www.w3.org/2005/Atom}"
MINE, OTHER = (UUID(int=number, version=4).hex for number in (1, 2))


def feed(archive_id: str = "", feed_url: str = "") -> Element:
    report = replace(full_report(), archive_id=archive_id)
    return fromstring(FORMATS["atom"].render(report, replace(ReportOptions(), feed_url=feed_url)))


def ids(of: Element) -> set[str]:
    return {found.text or "" for found in of.iter(f"{ATOM}id")}


def test_ids_belong_to_the_archive() -> None:
    assert ids(feed(archive_id=MINE)) == ids(feed(archive_id=MINE))
    assert not ids(feed(archive_id=MINE)) & ids(feed(archive_id=OTHER))
    assert UUID(MINE).urn in ids(feed(archive_id=MINE))


def test_it_says_where_it_is_and_where_copies_are() -> None:
    made = feed(archive_id=MINE, feed_url="file:///home/me/feed.xml")
    links = {(found.get("rel"), found.get("href")) for found in made.iter(f"{ATOM}link")}
    assert ("self", "file:///home/me/feed.xml") in links
    assert any(rel == "related" and (href or "").startswith("https://web.archive.org/web/") for rel, href in links)
    assert "self" not in {found.get("rel") for found in feed().iter(f"{ATOM}link")}


def test_the_archive_keeps_the_id_that_it_was_given_once(tmp_path: Path) -> None:
    def known(folder: str, *, write: bool) -> str:
        with Archive.open(tmp_path / folder, write=write) as archive:
            return archive.archive_id

    assert known("mine", write=False) == "", "no archive, no id"
    made = known("mine", write=True)
    assert UUID(made).version == 4
    assert known("mine", write=False) == known("mine", write=True) == made
    verify(tmp_path / "mine", rebuild=True)
    assert known("mine", write=False) == made
    assert known("other", write=True) != made
