"""Checks made by hand, and ways to read an archive from outside."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.archive import Archive, treemaking
from crawler.archive.deferred import DeferredTerms
from crawler.core.model import (
    Check,
    Evidence,
    Failure,
    Fetch,
    History,
    Kind,
    Link,
    Occurrence,
    Page,
    Redirect,
    State,
    Verdict,
)
from crawler.core.settings import ArchiveSettings

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
TEXT = "语音识别的原理，从 GPT 说起。Transformers are everywhere."

# From a version of the index to the one before.
DOWN_FROM_11 = """
DROP TABLE noted_notes;
DROP TABLE noted_in;
"""
DOWN_FROM_10 = (
    DOWN_FROM_11
    + """
DROP TABLE noted_stamp;
DROP TABLE noted_hosts;
DROP TABLE noted;
DROP INDEX links_late;
DROP INDEX links_walls;
DROP INDEX links_told;
ALTER TABLE links DROP COLUMN late;
ALTER TABLE links DROP COLUMN wall;
ALTER TABLE links DROP COLUMN told;
"""
)


def clock(at: datetime = NOW) -> Callable[[], datetime]:
    return lambda: at


def open_archive(path: Path, *, at: datetime = NOW, write: bool = True, **options: object) -> Archive:
    return Archive.open(path, ArchiveSettings(**options), write=write, now=clock(at))  # type: ignore[arg-type]  # test shorthand


def make_terms(terms: DeferredTerms, most: int = 1000) -> None:
    """What other processes do for a run and an import, in this one."""
    for texts in terms.take(1, most):
        terms.put(texts, treemaking.make_trees(terms.folder, texts))


def link_of(name: str, host: str = "mp.weixin.qq.com", site: str = "weixin", titles: tuple[str, ...] = ()) -> Link:
    canonical = f"https://{host}/s/{name}"
    places = tuple(Occurrence("a.md", n + 1, 1, canonical, canonical, Kind.BARE, t) for n, t in enumerate(titles))
    return Link(f"{canonical}?key=SECRET-KEY", canonical, f"{canonical}?key=SECRET-KEY", site, host, site, places)


def page_of(text: str, title: str = "标题", author: str = "") -> Page:
    return Page(title=title, author=author, text=text, digest=digest(text.encode()) if text else "")


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def fetch_of(
    link: Link, body: bytes, *, status: int = 200, at: datetime = NOW, headers: tuple[tuple[str, str], ...] = ()
) -> Fetch:
    return Fetch(
        url=link.fetch_url,
        final_url=link.fetch_url,
        started_at=at,
        seconds=0.25,
        status=status,
        redirects=(Redirect(302, f"https://{link.host}/first?key=SECRET-HOP"),),
        headers=(("Content-Type", "text/html; charset=utf-8"), *headers),
        request_headers=(("Host", link.host), ("Cookie", "wap_sid=SECRET-COOKIE"), ("User-Agent", "crawler")),
        body=body,
        requests=1,
        wire_bytes=len(body),
    )


def check_of(
    link: Link | str,
    text: str = TEXT,
    *,
    state: State = State.ALIVE,
    reason: str = "ok",
    body: bytes | None = None,
    at: datetime = NOW,
    status: int = 200,
    title: str = "标题",
    author: str = "",
    run: str = "run-1",
    readable: str = "",
    remembered: State | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Check:
    """One look; `remembered` is the state that memory makes of it, by default the verdict's."""
    link = link_of(link) if isinstance(link, str) else link
    body = f"<html><title>{title}</title>{text}</html>".encode() if body is None else body
    verdict = Verdict(state, reason, evidence=Evidence(rule=f"{link.site}/{reason}", final_url=link.fetch_url))
    history = History(
        canonical_url=link.canonical_url,
        first_seen=at,
        url=link.url,
        state=remembered or state,
        reason=reason,
        evidence=verdict.evidence,
        checked_at=at,
        page_title=title,
    )
    fetch = fetch_of(link, body, status=status, at=at, headers=headers)
    return Check(link, at, fetch, page_of(text, title, author), verdict, history, run, readable)


def failed_check(name: str, failure: Failure = Failure.TIMEOUT, at: datetime = NOW) -> Check:
    link = link_of(name)
    fetch = Fetch(link.fetch_url, link.fetch_url, at, failure=failure, error="timed out")
    verdict = Verdict(State.SUSPECT, failure.value, evidence=Evidence(rule="generic/timeout", error="timed out"))
    history = History(link.canonical_url, at, link.url, State.SUSPECT, failure.value, checked_at=at)
    return Check(link, at, fetch, Page(), verdict, history, "run-1")


def later(days: float) -> datetime:
    return NOW + timedelta(days=days)


def segments_of(path: Path) -> list[Path]:
    return sorted((path / "segments").glob("*.warc.*"))


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(path / "index.sqlite")
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Another project's program of the same environment."""
    command = [str(Path(sys.executable).parent / name), *map(str, arguments)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
