"""What every writer takes: captures with all that was kept of them, and what it gives back.

One damaged record costs its own page and is reported; it never ends an export.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from crawler.archive import Capture, StoredImage
from crawler.core.counts import Counted
from crawler.core.errors import ArchiveDamaged, ArchiveError
from crawler.core.files import replacing
from crawler.core.model import Fetch, State


class CaptureSource(Protocol):
    """The part of `archive.Archive` that exports read."""

    def captures(self, canonical_url: str | None = None) -> Iterator[Capture]:
        """All captures, oldest first within a link."""
        ...

    def fetched(self, ident: int) -> Fetch | None:
        """The raw response; None where no bytes were kept."""
        ...

    def text(self, ident: int) -> str:
        """The text, "" for none."""
        ...

    def readable(self, ident: int) -> str | None:
        """The readable copy, self-contained HTML."""
        ...

    def images(self, ident: int) -> list[StoredImage]:
        """The pictures kept with a capture."""
        ...

    def image(self, digest: str) -> bytes | None:
        """The bytes of one picture."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A kept picture with its bytes."""

    url: str
    content_type: str
    digest: str  # "sha256:<hex>"
    body: bytes


@dataclass(frozen=True, slots=True)
class ExportedPage:
    """A capture with everything that was kept of it."""

    capture: Capture
    raw: Fetch | None
    text: str
    readable: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What is remembered of a link beside its captures, as an export shows it."""

    state: str = ""
    reason: str = ""
    last_alive: datetime | None = None
    notes: tuple[str, ...] = ()  # "path:line" of every place where it is written


@dataclass(frozen=True, slots=True)
class Done:
    """What an export wrote.

    `damaged`: one line for each page that could not be read; `left_out`: what a form does not hold, and why.
    """

    pages: int
    files: tuple[Path, ...]
    damaged: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class CaptureReader:
    """Loads pages one by one, and remembers which were damaged."""

    def __init__(
        self, source: CaptureSource, wanted: Collection[str] | None = None,
        facts: Callable[[str], LinkFacts] = lambda _: LinkFacts(),
    ) -> None:  # fmt: skip
        """`wanted`: canonical URLs; None: all. `facts`: what is remembered of a canonical URL."""
        self._source = source
        self._wanted = wanted
        self.facts = facts
        self.damaged: list[str] = []
        self.notices = 0  # kept error pages that `articles` passed over

    def captures(self) -> Iterator[ExportedPage]:
        """Every capture that brought something new: of one seen again with the same text, bytes that are others."""
        link, bodies = "", set[bytes]()
        for capture in self._chosen():
            if capture.canonical_url != link:
                link, bodies = capture.canonical_url, set()
            page = self.load(capture) if capture.raw or not capture.revisit else None
            body = hashlib.sha256(page.raw.body).digest() if page and page.raw else b""
            if page is None or (capture.revisit and body in bodies):
                continue
            bodies.add(body)
            yield replace(page, text="", readable="", pictures=()) if capture.revisit else page

    def latest(self) -> Iterator[ExportedPage]:
        """The newest capture of each article, in the order in which articles came: notices of a death are none."""
        for captures in self.articles():
            if page := self.load(captures[0]):
                yield page

    def articles(self) -> Iterator[list[Capture]]:
        """Each article's captures: the one that stands for it first, then the others from the newest to the oldest."""
        captures: dict[str, list[Capture]] = {}
        self.notices = 0
        for capture in self._chosen():
            if capture.notice:
                self.notices += 1
            elif not capture.revisit:
                captures.setdefault(capture.canonical_url, []).append(capture)
        yield from map(_ordered, captures.values())

    def notices_left_out(self) -> tuple[str, ...]:
        """A line about the kept error pages that `articles` passed over, for forms that hold articles alone."""
        if not self.notices:
            return ()
        notices = f"{Counted(self.notices):kept notice of a dead page|kept notices of dead pages}"
        return (f"{notices}: --wacz and --warc hold them",)

    def _chosen(self) -> Iterator[Capture]:
        everything = self._source.captures()
        return (c for c in everything if self._wanted is None or c.canonical_url in self._wanted)

    def load(self, capture: Capture) -> ExportedPage | None:
        """A capture with everything that was kept of it; None, and a line in `damaged`, where it cannot be read."""
        try:
            return ExportedPage(
                capture,
                self._source.fetched(capture.id) if capture.raw else None,
                self._source.text(capture.id),
                self._source.readable(capture.id) or "",
                tuple(self._pictures(capture)),
            )
        except ArchiveDamaged as error:
            self.damaged.append(f"{capture.url} of {capture.at:%Y-%m-%d}: {error}")
            return None

    def _pictures(self, capture: Capture) -> Iterator[Picture]:
        for image in self._source.images(capture.id):
            body = self._source.image(image.digest)
            if body is not None:
                yield Picture(image.url, image.content_type, image.digest, body)


def _ordered(versions: list[Capture]) -> list[Capture]:
    """Newest first; a page seen alive is not displaced by a later check that nobody is sure of."""
    newest_first = sorted(versions, key=lambda capture: (capture.at, capture.id), reverse=True)
    return sorted(newest_first, key=lambda capture: capture.state is not State.ALIVE)


@contextmanager
def new_file(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file that appears whole under its name, or not at all. Raises ArchiveError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, durable=durable) as file:
            yield file
    except OSError as error:
        raise ArchiveError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_file(path: Path, data: bytes) -> Path:
    """A small file, left untouched where it already says the same, so that its time says when it changed.

    Not synced: an export writes thousands of them, and after a power cut is made again.
    """
    try:
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            return path
    except OSError:
        pass  # writing it will say what is wrong
    with new_file(path, durable=False) as file:
        file.write(data)
    return path
