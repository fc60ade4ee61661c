"""`--html DIR`: a folder that opens from disk in any browser: a list with search, and a page for each article.

Nothing in it loads from the network: pictures that were not kept become a line that says so. Search texts lie in
scripts, because a page from disk may not read other files in any other way.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.archive.interchange.converting import HERE, Conversion, Workers, converted
from crawler.archive.interchange.folder import Folder, Version
from crawler.archive.interchange.source import CaptureReader, Done, ExportedPage, LinkFacts, write_file
from crawler.core.counts import Counted
from crawler.core.errors import UsageError
from crawler.core.url import is_http

TEXT_CHARS: Final = 20_000  # of one page that are searched; a long article has ten thousand
VERSIONS: Final = 5  # of one article that are searched
CHUNK_CHARS: Final = 4_000_000  # of one search script; what a browser reads in a blink
_NAV = "border-bottom:1px solid gray;margin-bottom:1.5rem;font:.9rem sans-serif;color:gray"
POLICY: Final = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'"


def write_html(
    folder: Path, reader: CaptureReader, now: datetime, title: str = "Kept pages", report: Path | None = None,
    workers: Workers = HERE,
) -> Done:  # fmt: skip
    """Write or renew index.html, pages/, images/, files/ and the search scripts; every capture has a page.

    Pages that say the same as before are not touched. `report`: a report to link to, where it exists. Raises UsageError
    where `folder` is a file, ArchiveError where it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --html needs the name of a folder")
    made = Folder(folder)
    rows: list[str] = []
    pages = 0
    texts = _Texts(folder)
    documents = converted(reader, local_document, _conversions(made, reader), workers)
    for _, members in groupby(documents, lambda found: found[0].page.capture.canonical_url):
        written, said = [], []
        for job, document in members:
            name = job.about.name
            made.write(f"pages/{name}.html", with_about(document, job.about.lines).encode("utf-8", "replace"))
            written.append((job.page.capture, name))
            said.append(job.page.text[:TEXT_CHARS])
        rows.append(_row(written, reader.facts(written[0][0].canonical_url)))
        texts.add(said)
        pages += len(written)
    if rows:
        scripts = texts.close()
        write_file(folder / "search.js", _asset("search.js").encode())
        link = _report_link(folder, report)
        made.write("index.html", _index(title, now, rows, scripts, link).encode("utf-8", "replace"))
    return Done(pages, tuple(made.files), tuple(reader.damaged), made.everything_left_out(reader))


@dataclass(frozen=True, slots=True)
class _About:
    name: str  # of the page's file, without its ending
    lines: str  # HTML of ours that stands above the page


def _conversions(made: Folder, reader: CaptureReader) -> Iterator[Conversion[_About]]:
    """Every page with what is remembered of its link; its pictures and files are written."""
    for captures in reader.articles():
        versions = made.named(captures)
        for capture, name in versions:
            if page := reader.load(capture):
                pictures = {url: f"../../{path}" for url, path in made.pictures(page).items()}
                original = made.original(page, name)
                about = _about(page, reader.facts(capture.canonical_url), original, versions)
                yield Conversion(page, pictures, _About(name, about))


def _about(page: ExportedPage, facts: LinkFacts, original: str, versions: list[Version]) -> str:
    """State, notes, the original file and other versions, as the lines above a page."""
    lines = ['<a href="../../index.html">All pages</a>', *_state(facts)]
    if facts.notes:
        lines.append(f"In your notes: {escape(', '.join(facts.notes[:20]))}")
    if original:
        lines.append(
            f'<a href="../../{escape(quote(original))}">The kept file</a> ({escape(page.capture.content_type)})'
        )
    others = [version for version in versions if version[0].id != page.capture.id]
    if others:
        lines.append(f"Other versions: {_version_links(others, '../../')}")
    return "".join(f"<p>{line}</p>" for line in lines)


def _state(facts: LinkFacts) -> list[str]:
    if not facts.state:
        return []
    lost = facts.state != "alive" and facts.last_alive  # of a living page it would be another day after each run
    seen = f", last seen alive {facts.last_alive:%Y-%m-%d}" if lost else ""
    return [escape(f"This link is {facts.state}{f' ({facts.reason})' if facts.reason else ''}{seen}")]


def _version_links(versions: list[Version], up: str) -> str:
    return ", ".join(
        f'<a href="{up}pages/{escape(quote(name))}.html">{capture.at:%Y-%m-%d}</a>' for capture, name in versions
    )


def _report_link(folder: Path, report: Path | None) -> str:
    if report is None or not report.is_file():
        return ""
    target = Path(os.path.relpath(report.resolve(), folder.resolve())).as_posix()
    return f' · <a href="{escape(quote(target))}">the report</a>'


def local_document(readable: str, pictures: Mapping[str, str]) -> str:
    """A readable copy whose pictures are files beside it; it loads nothing else."""
    tree = LexborHTMLParser(readable)
    for meta in tree.css('meta[http-equiv="Content-Security-Policy"]'):
        meta.attrs["content"] = POLICY
    for image in tree.css("img"):
        source = image.attributes.get("src") or ""
        if source in pictures:
            image.attrs["src"] = pictures[source]
        elif not source.startswith("data:"):
            image.replace_with(_link_to_missing(image.attributes.get("alt") or "picture", source))
    return tree.html or ""


def with_about(html: str, about: str) -> str:
    """A document with HTML of ours above it."""
    return html.replace("<body>", f'<body><nav style="{_NAV}">{about}</nav>', 1) if about else html


def _link_to_missing(what: str, source: str) -> LexborNode:
    """A line where a picture would be, with the address that it had."""
    href = escape(source) if is_http(source) else ""
    link = f'<a href="{href}" rel="noreferrer noopener">[{escape(what[:200])}: not kept]</a>'
    node = LexborHTMLParser(link).css_first("a")
    assert node is not None
    return node


def _row(versions: list[Version], facts: LinkFacts) -> str:
    capture, name = versions[0]
    state = f"{facts.state} ({facts.reason})" if facts.reason else facts.state
    about = " · ".join(part for part in (capture.author, capture.host, f"{capture.at:%Y-%m-%d}", state) if part)
    label = escape(capture.title or capture.url)
    notes = f"<span>In your notes: {escape(', '.join(facts.notes[:20]))}</span> " if facts.notes else ""
    earlier = f"<span>Other versions: {_version_links(versions[1:], '')}</span> " if versions[1:] else ""
    return (
        f'<li class="{escape(facts.state)}"><a href="pages/{escape(quote(name))}.html">{label}</a> '
        f"<span>{escape(about)}</span> {notes}{earlier}"
        f'<a class="web" href="{escape(capture.url)}" rel="noreferrer noopener">{escape(capture.url)}</a></li>'
    )


class _Texts:
    """The texts to search, in scripts of some megabytes, in the order of the list."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._texts: list[str] = []
        self._size = 0
        self._names: list[str] = []

    def add(self, versions: list[str]) -> None:
        text = " ".join(" ".join(versions[:VERSIONS]).split()).lower()
        self._texts.append(text)
        self._size += len(text)
        if self._size >= CHUNK_CHARS:
            self._write()

    def close(self) -> list[str]:
        """Write the rest; the names of all scripts."""
        self._write()
        return self._names

    def _write(self) -> None:
        if self._texts:
            name = f"search-{len(self._names) + 1:04d}.js"
            write_file(self._folder / name, f"searchTexts.push({json.dumps(self._texts)});\n".encode())
            self._names.append(name)
            self._texts, self._size = [], 0


def _index(title: str, now: datetime, rows: list[str], scripts: list[str], report: str) -> str:
    facts = {
        "title": escape(title),
        "count": f"{Counted(len(rows)):page}",
        "date": f"{now:%Y-%m-%d}",
        "report": report,
        "scripts": escape(json.dumps(scripts)),
        "rows": "\n".join(rows),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: facts[found[1]], _asset("index.html"))


def _asset(name: str) -> str:
    return files("crawler.archive.interchange").joinpath("templates", name).read_text(encoding="utf-8")
