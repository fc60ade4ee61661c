"""A small archive with its notes, full of hostile strings, and a client that asks the viewer inside this process."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec

from crawler.archive import Archive
from crawler.core.model import Check, Confidence, Evidence, Fetch, History, Page, Snapshot, State, Verdict
from crawler.core.results import Run, SlotGivenUp
from crawler.core.settings import ArchiveSettings, NotesSettings, ReportSettings, Settings
from crawler.crawl.context import sites_of
from crawler.notes.links import link_of
from crawler.serve.access import Access
from crawler.serve.app import make_app
from crawler.serve.library import Library
from crawler.serve.tasks import Tasks

NOW = datetime(2026, 1, 20, 3, 4, 5, tzinfo=UTC)
EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"
WEIXIN = "https://mp.weixin.qq.com/s/AAAAAAAAAAAAAAAAAAAAAA"
GONE = "https://blog.example/2019/gone"
BACK = "https://blog.example/2019/back"
WALL = "https://forum.example/t/1"
ODD = "https://odd.example/?q=%22%3E%3Cscript%3Ealert(3)%3C/script%3E&x='onmouseover=alert(4)"
LOOSE = "https://loose.example/only-by-hand"
SPEECH = "语音识别的原理，从 GPT 说起。第一句。第二句是旧的。"
SPEECH_NEW = "语音识别的原理，从 GPT 说起。第一句。第二句是新的。"
SECRET = "https://mp.weixin.qq.com/s/BBBBBBBBBBBBBBBBBBBBBB?pass_ticket=SECRET-TICKET"

NOTES = {
    "2019/05-links.md": f"# 链接\n\n{GONE}\n\n一篇消失的文章\n\n[back again]({BACK})\n\n{WEIXIN}\n\n语音识别入门\n",
    "2024-01-02-odd.md": f"[{EVIL.replace(']', '').replace('[', '')}]({ODD})\n\n<{WALL}>\n\n{GONE}\n\n{SECRET}\n",
    "名字 with space & <b>.md": "[nowhere](missing.md)\n\nhttps://new.example/never-checked\n",
}


def check_of(
    url: str,
    text: str = "",
    *,
    state: State = State.ALIVE,
    reason: str = "ok",
    at: datetime = NOW,
    title: str = "标题",
    previous: State | None = None,
    changed: datetime | None = None,
    confidence: Confidence = Confidence.HIGH,
    readable: str = "",
    body: bytes = b"",
    run: str = "run-2",
    matched: str = "",
    moved_to: str | None = None,
    due: datetime | None = None,
    snapshot: int = 0,
) -> Check:
    """One check of a link, as a run would hand it to the archive."""
    link = link_of(url, SITES)
    evidence = Evidence(rule=f"{link.site}/{reason}", matched=matched, http_status=200, final_url=url)
    history = History(
        link.canonical_url, NOW - timedelta(days=900), link.url, state, reason, confidence, evidence, checked_at=at,
        page_title=title, previous_state=previous, changed_at=changed, moved_to=moved_to,
        next_due=due or at + timedelta(days=7), last_alive=at if state is State.ALIVE else None,
        first_failed=None if state is State.ALIVE else at, failures=int(state is State.DEAD),
        snapshot=Snapshot(snapshot, at, title, 20, "") if snapshot else None,
    )  # fmt: skip
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest() if text else ""
    fetch = Fetch(
        link.fetch_url, url, at, 0.2, 200, headers=(("Content-Type", "text/html"),), body=body or text.encode()
    )
    page = Page(title=title, text=text, digest=digest)
    return Check(link, at, fetch, page, Verdict(state, reason, confidence, evidence), history, run, readable)


SITES = sites_of(Settings())


def copy_with(content: str, title: str = "标题") -> str:
    """A readable copy as a hostile file could hold it."""
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><article>{content}</article></body></html>"


HOSTILE_COPY = copy_with(
    '<p onclick="alert(1)">text of the copy</p><script>alert(5)</script><iframe src="https://evil.example/"></iframe>'
    '<img src="https://evil.example/beacon.png" onerror="alert(6)" alt="beacon"><form action="/do/rearchive"><button>'
    '</button></form><meta http-equiv="refresh" content="0;url=https://evil.example/"><link rel="stylesheet" '
    'href="https://evil.example/a.css"><a href="javascript:alert(7)">js</a><a href="https://fine.example/">out</a>'
    '<img src="https://pics.example/kept.png"><svg onload="alert(8)"></svg><base href="https://evil.example/">'
)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def write_notes(folder: Path) -> None:
    for name, text in NOTES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def fill(archive: Archive) -> None:
    """Two runs: a month ago everything lived, this week an article died, one came back, one is walled."""
    month, week = NOW - timedelta(days=30), NOW - timedelta(days=2)
    first = Run("run-1", "run", month, month + timedelta(minutes=5), fetched=6, requests=7, kept_bytes=12_345)
    archive.begin_run(first)
    html = f"<html><title>{EVIL}</title>{SPEECH}</html>".encode()
    archive.record(
        [
            check_of(WEIXIN, SPEECH, at=month, run="run-1", title="语音识别入门", readable=HOSTILE_COPY, body=html),
            check_of(GONE, "The old article, whole.", at=month, run="run-1", title="Gone <b>page</b>", body=b"<p>old"),
            check_of(BACK, state=State.DEAD, reason="not-found", at=month, run="run-1"),
            check_of(ODD, f"text {EVIL} of the odd page", at=month, run="run-1", title=EVIL, body=b"odd"),
            check_of(LOOSE, "kept by hand", at=month, run="run-1", title="By hand"),
        ]
    )
    archive.put_images(1, [("https://pics.example/kept.png", "image/png", PNG)])
    archive.end_run(first)
    second = Run(
        "run-2", "run", week, week + timedelta(minutes=9), complete=False, fetched=5, requests=9, stopped_by="budget",
        slots_given_up=(SlotGivenUp("forum.example", "captcha", 12),),
    )  # fmt: skip
    archive.begin_run(second)
    archive.record(
        [
            check_of(
                GONE, state=State.DEAD, reason="gone", at=week, previous=State.ALIVE, changed=week,
                matched=f"410 {EVIL}", body=b"<p>410", snapshot=2,
            ),
            check_of(BACK, "It is back.", at=week, previous=State.DEAD, changed=week, moved_to="https://blog.example/b"),
            check_of(WALL, state=State.BLOCKED, reason="captcha", at=week, due=NOW - timedelta(days=30)),
            check_of(WEIXIN, SPEECH_NEW, at=week, title="语音识别入门", readable=HOSTILE_COPY, body=b"<p>new"),
            check_of(SECRET, "text with a ticket", at=week, title="Ticket"),
        ]
    )  # fmt: skip
    archive.end_run(second)


@dataclass(frozen=True, slots=True)
class Stage:
    """A viewer over a small archive."""

    folder: Path
    settings: Settings
    library: Library
    access: Access
    tasks: Tasks

    @property
    def notes(self) -> Path:
        return self.folder / "notes"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def client(self, *, acting: bool = False, **options: object) -> httpx.AsyncClient:
        app = make_app(self.library, self.access, self.tasks)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://127.0.0.1:8765",
            **options,  # type: ignore[arg-type]
        )
        if acting:
            client.cookies.set(self.access.cookie, self.access.token)
        return client


def settings_of(folder: Path, **serve: object) -> Settings:
    settings = Settings(
        notes=NotesSettings(paths=(str(folder / "notes"),)),
        archive=ArchiveSettings(path=str(folder / "archive")),
        report=ReportSettings(),
    )
    return msgspec.structs.replace(settings, serve=msgspec.structs.replace(settings.serve, **serve))


@contextmanager
def staged(folder: Path, *, public: str = "", host: str = "127.0.0.1") -> Iterator[Stage]:
    """A viewer that is ready to be asked; the archive and the notes are made where they are not there."""
    settings = settings_of(folder, public=public)
    if not (folder / "notes").exists():
        write_notes(folder / "notes")
    if not (folder / "archive").exists():
        with Archive.open(folder / "archive", settings.archive, now=lambda: NOW) as archive:
            fill(archive)
    library = Library(settings, SITES, (), lambda: NOW)
    tasks = Tasks(library.refresh)
    try:
        yield Stage(folder, settings, library, Access(host, 8765, public), tasks)
    finally:
        tasks.close()
        library.close()


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, "no form of ours stands on this page"
    return found[1]
