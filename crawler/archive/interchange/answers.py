"""What a web archive answered, gathered before pages are made of it: pages find their redirects and pictures here.

Bodies wait in a temporary file, so that an archive of any size passes through little memory. Nothing here knows how an
archive is packed or written.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from html import unescape
from types import TracebackType
from typing import Final, Self

from crawler.archive.interchange.saved import SavedImage, SavedPage
from crawler.core.counts import Counted
from crawler.core.model import Redirect
from crawler.core.url import is_http, join, normalize, without_fragment
from crawler.page.document import Document
from crawler.page.kinds import FileKind, kind_of

MAX_KEPT: Final = 4 * 1024**3  # bytes of pages and pictures of one file, in a temporary file
MAX_ANSWERS: Final = 1_000_000  # of one file
MAX_SHOWN: Final = 500  # pictures of one page
MAX_SHOWN_BYTES: Final = 256 * 1024 * 1024  # of one page's pictures, in memory together
MAX_HOPS: Final = 10
_DOCUMENTS: Final = (FileKind.TEXT, FileKind.FEED, FileKind.JSON)
_SCRIPTS: Final = ("text/css", "text/javascript", "application/javascript", "application/x-javascript")
_WELL_KNOWN = re.compile(r"^https?://[^/]+/(?:robots|ads|humans)\.txt$", re.IGNORECASE)  # asked for by crawlers
_ADDRESS = re.compile(rb"https?:(?:\\?/){2}[^\s\"'<>\\)]{1,4000}")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """One response or resource; `place` is where its body waits, `records` what its record is called and belongs to."""

    url: str
    at: datetime | None
    status: int
    content_type: str
    location: str = ""  # of a redirect, absolute
    place: tuple[int, int] = (0, 0)
    records: tuple[str, ...] = ()


class Answers:
    """All answers of one archive. Use as a context manager: the temporary file goes with it."""

    def __init__(self) -> None:
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._size = 0
        self._full = False
        self._pages: list[Answer] = []
        self._others: list[Answer] = []  # documents that are pages only where the archive lists them
        self._pictures: dict[str, Answer] = {}
        self._redirects: dict[str, Answer] = {}  # by address, the newest
        self._statuses: dict[str, int] = {}
        self._payloads: dict[str, Answer] = {}  # by payload digest, for revisits
        self._sent: set[str] = set()  # records of forms that were sent: what answers them is not the page there

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def add(self, answer: Answer, body: bytes, lost: Say, payload: str = "") -> None:
        """Take an answer in; what can be neither page, picture nor redirect is forgotten."""
        self._statuses[_key(answer.url)] = answer.status
        if 300 <= answer.status < 400 and answer.location:
            self._redirects[_key(answer.url)] = answer
            return
        kind = _kind(answer, body) if answer.status == 200 and body else ""
        if not kind:
            return
        if (
            self._size + len(body) > MAX_KEPT
            or len(self._pages) + len(self._others) + len(self._pictures) > MAX_ANSWERS
        ):
            if not self._full:
                lost(f"over {MAX_KEPT / 2**30:,.0f} GB of pages and pictures; the rest is left out")
            self._full = True
            return
        kept = replace(answer, location="", place=(self._size, len(body)))
        self._spool.seek(self._size)
        self._size += self._spool.write(body)
        if payload:
            self._payloads[payload] = kept
        self._place(kept, kind)

    def revisit(self, url: str, at: datetime | None, payload: str) -> bool:
        """A page seen again with a body that the archive holds already; False where it does not hold it."""
        known = self._payloads.get(payload)
        if known is None:
            return False
        again = Answer(url, at, known.status, known.content_type, place=known.place)
        self._place(again, _kind(again, self._body(known)))
        return True

    def sent(self, records: tuple[str, ...]) -> None:
        """What is called so, or belongs to what is, answers a form, not a person who opens its address."""
        self._sent.update(filter(None, records))

    def _place(self, answer: Answer, kind: str) -> None:
        if kind == "page":
            self._pages.append(answer)
        elif kind == "picture":
            self._pictures[_key(answer.url)] = answer
        else:
            self._others.append(answer)

    def pages(self, listed: Collection[str], lost: Say, note: Say) -> Iterator[SavedPage]:
        """The pages that an archive lists, else all; each with its pictures, and with the redirects that led to it.

        Texts, feeds and JSON are pages where they are listed, or where there is nothing else.
        """
        for answers in (self._pages, self._others):
            answers[:] = [answer for answer in answers if self._sent.isdisjoint(answer.records)]
        if not listed:
            yield from (self._saved(page, self._hops_to(page)) for page in self._pages or self._others)
            if self._pages and self._others:
                what = "answer that is text, a feed or JSON was|answers that are text, feeds or JSON were"
                note(f"{Counted(len(self._others)):{what}} left out")
            return
        by_key: dict[str, list[Answer]] = {}
        for page in (*self._pages, *self._others, *self._pictures.values()):
            by_key.setdefault(_loose(page.url), []).append(page)
        done: set[int] = set()
        found_any = False
        for url in listed:
            found, answers = self._listed(url, by_key)
            found_any = found_any or bool(answers)
            for page in answers:
                if id(page) not in done:
                    done.add(id(page))
                    yield self._saved(page, self._hops_to(page))
            if not answers:
                self._missing(url, found, lost, note)
        others = sum(id(page) not in done for page in self._pages)
        if not found_any:
            yield from (self._saved(page, self._hops_to(page)) for page in self._pages or self._others)
        elif others:
            left = Counted(others)
            note(f"{left:HTML answer} that its list of pages does not name {'was' if others == 1 else 'were'} left out")

    def _listed(self, url: str, by_key: dict[str, list[Answer]]) -> tuple[str, list[Answer]]:
        """Where a listed address ends, and the pages there."""
        for _ in range(MAX_HOPS):
            if found := by_key.get(_loose(url)):
                return url, found
            hop = self._redirects.get(_key(url))
            if hop is None:
                break
            url = hop.location
        return url, []

    def _missing(self, url: str, end: str, lost: Say, note: Say) -> None:
        status = self._statuses.get(_key(end))
        if status is None:
            lost(f"its list of pages names {url}, which it does not hold")
        else:
            note(
                f"its page {url} was answered with {status}"
                if status != 200
                else f"its page {url} is none that is kept"
            )

    def _hops_to(self, page: Answer) -> tuple[Redirect, ...]:
        """The redirects that end at a page, first one first."""
        hops: list[Redirect] = []
        wanted, seen = _key(page.url), {_key(page.url)}
        while len(hops) < MAX_HOPS and (before := self._leading_to().get(wanted)) is not None:
            key = _key(before.url)
            if key in seen:
                break
            seen.add(key)
            hops.insert(0, Redirect(before.status, before.url))
            wanted = key
        return tuple(hops)

    def _leading_to(self) -> dict[str, Answer]:
        """Redirects by where they lead; computed once all answers are in."""
        if not hasattr(self, "_leading"):
            self._leading = {_key(hop.location): hop for hop in self._redirects.values()}
        return self._leading

    def _saved(self, page: Answer, hops: tuple[Redirect, ...]) -> SavedPage:
        body = self._body(page)
        images = tuple(self._shown(page.url, body)) if self._pictures else ()
        return SavedPage(page.url, page.at, body, page.content_type, images, redirects=hops)

    def _shown(self, base: str, body: bytes) -> Iterator[SavedImage]:
        """The pictures whose address stands in the page, absolute or as its elements write it."""
        named = {
            _key(unescape(found.decode("utf-8", "replace")).replace("\\/", "/")) for found in _ADDRESS.findall(body)
        }
        named |= {_key(url) for url in _relative(base, body)}
        room = MAX_SHOWN_BYTES
        for key in sorted(named & self._pictures.keys())[:MAX_SHOWN]:
            answer = self._pictures[key]
            room -= answer.place[1]
            if room >= 0:
                yield SavedImage(answer.url, answer.content_type, self._body(answer))

    def _body(self, answer: Answer) -> bytes:
        self._spool.seek(answer.place[0])
        return self._spool.read(answer.place[1])


_SOURCE = re.compile(
    rb"""(?i)\b(?:src|data-[a-z-]{1,30}|srcset|poster|content|href)\s*=\s*(?:"([^"]{1,2000})"|'([^']{1,2000})'|([^\s"'>]{1,2000}))"""
)


def _relative(base: str, body: bytes) -> Iterator[str]:
    """What attributes of a page name without scheme or host, absolute."""
    for found in _SOURCE.finditer(body):
        value = (found[1] or found[2] or found[3]).decode("utf-8", "replace")
        for part in unescape(value).split(","):
            target = part.strip().partition(" ")[0]
            if target and not is_http(target) and ":" not in target[:12]:
                try:
                    yield join(base, target)
                except ValueError:
                    continue


def _kind(answer: Answer, body: bytes) -> str:
    """What an answer may be: "page", "picture", "document" (a page where it is listed), or "" for none of them."""
    kind = answer.content_type.partition(";")[0].strip().lower()
    if kind.startswith("image/"):
        return "picture"
    if kind.startswith(("text/html", "application/xhtml", "application/pdf")):
        return "page"
    if not kind and Document(body[:2048], "", answer.url).is_html:
        return "page"
    if kind in _SCRIPTS or _WELL_KNOWN.search(answer.url):
        return ""
    return "document" if kind_of(Document(body[:4096], answer.content_type)) in _DOCUMENTS else ""


def _key(url: str) -> str:
    """One address, however it is written: normal form, without fragment."""
    try:
        return without_fragment(normalize(url))
    except ValueError:
        return without_fragment(url)


def _loose(url: str) -> str:
    """An address as lists of pages name it: with or without the last slash, `http` or `https`."""
    return _key(url).partition("://")[2].removesuffix("/")
