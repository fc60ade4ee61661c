"""Keeping the pictures of new captures: which ones, whether what came is a picture, and fetching them politely.

Composition of the fetcher with the archive for images; which checks are new captures is the recorder's to say. A
picture that cannot be had is no verdict on its page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Literal, Protocol

import trio

from crawler.core.model import Failure, Fetch, Page
from crawler.fetch import Request

if TYPE_CHECKING:
    from crawler.core.settings import ArchiveSettings
    from crawler.sites import Sites

WORKERS = 8  # pictures fetched side by side; they mostly come from other hosts than the pages
ROOMY = 4  # times as many requests as workers must be allowed at once, else pictures wait for the last page
SECONDS = 20.0  # for one picture in all, its turn and tries included
SILENCES = 3  # pictures of a slot in a row without an answer, after which the others of it are left out
REST = 60.0  # seconds for what is left when the last page is through, ...
REST_SHARE = 0.1  # ... or this share of the time that the pages took, if that is more
SILENT = (Failure.TIMEOUT, Failure.UNREACHABLE, Failure.DNS, Failure.NO_SUCH_HOST, Failure.REFUSED, Failure.RESET)
MOST = 100  # pictures of one page; the most seen in an article is 51
MOST_BYTES = 64 * 1024 * 1024  # of one page's pictures together; a guess
PLACEHOLDER = (140, 140)  # pixels of the picture that WeChat's hotlink guard sends instead (one report)
GUARDED = (".qpic.cn", ".qlogo.cn")  # hosts that send it

KINDS = {  # first bytes -> content type; what a server declares is not believed
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
}


class Album(Protocol):
    """Where pictures are kept."""

    def put_image(self, capture_id: int, url: str, content_type: str, body: bytes) -> None:
        """Keep one picture of a capture."""


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """The pictures of one new capture."""

    capture_id: int
    page_url: str
    urls: tuple[str, ...]


def wanted_pictures(page: Page, which: Literal["none", "cover", "all"]) -> tuple[str, ...]:
    """The addresses to fetch: none, the lead picture (else the first), or all in reading order."""
    found = tuple(dict.fromkeys(url for url in (page.lead_image, *page.images) if url))
    match which:
        case "none":
            return ()
        case "cover":
            return found[:1]
        case "all":
            return found[:MOST]


def kind_of(body: bytes) -> str:
    """The content type that the bytes tell; "" for what is no picture (an HTML page that says it is one)."""
    for start, kind in KINDS.items():
        if body.startswith(start):
            return kind
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    if body[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "image/svg+xml" if head.startswith((b"<svg", b"<?xml")) and b"<svg" in head else ""


def is_placeholder(host: str, body: bytes) -> bool:
    """Is this the picture that says "this picture may not be shown here"?"""
    import imagesize

    if not host.endswith(GUARDED):
        return False
    try:
        return tuple(imagesize.get(BytesIO(body))) == PLACEHOLDER
    except (ValueError, OSError):
        return False


@dataclass(slots=True)
class PictureKeeper:
    """Fetches pictures in a queue of their own and hands them to the archive's one writing thread.

    Pictures of a slot whose pages are still being asked for wait until those are through, and all of them have limits
    of their own: no picture costs a page its turn or its time.
    """

    fetch: Callable[[Request], Awaitable[Fetch]]
    sites: Sites
    options: ArchiveSettings
    album: Album
    write: Callable[..., Awaitable[object]]  # runs a function in the writing thread
    slot_of: Callable[[str], str] = lambda url: url  # the politeness queue of a URL
    walking: set[str] = field(default_factory=set)  # slots with pages left
    workers: int = WORKERS
    kept_bytes: int = 0
    offered: int = 0
    asked: int = 0
    waiting: dict[str, list[WantedPicture]] = field(default_factory=dict)  # by slot with pages left
    silences: Counter[str] = field(default_factory=Counter)  # by slot: pictures in a row that did not come in time
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    started: float = field(default_factory=trio.current_time)
    send: trio.MemorySendChannel[WantedPicture] = field(init=False)
    receive: trio.MemoryReceiveChannel[WantedPicture] = field(init=False)

    def __post_init__(self) -> None:
        # A list of addresses per new capture is small, and the walk must never wait for pictures.
        self.send, self.receive = trio.open_memory_channel[WantedPicture](float("inf"))

    def offer(self, capture_id: int, page_url: str, page: Page) -> None:
        """Queue the pictures of a new capture."""
        by_slot: dict[str, list[str]] = {}
        for url in wanted_pictures(page, self.options.images):
            by_slot.setdefault(self.slot_of(url), []).append(url)
        for slot, urls in by_slot.items():
            wanted = WantedPicture(capture_id, page_url, tuple(urls))
            self.offered += len(urls)
            if slot in self.walking:
                self.waiting.setdefault(slot, []).append(wanted)
            else:
                self.send.send_nowait(wanted)

    def pages_are_through(self, slot: str) -> None:
        """No page of a slot is asked for any more: its pictures have their turn."""
        self.walking.discard(slot)
        for wanted in self.waiting.pop(slot, ()):
            self.send.send_nowait(wanted)

    @property
    def left_out(self) -> int:
        """Pictures that were not asked for, for want of time or of an answer of their host."""
        return self.offered - self.asked

    async def close(self) -> None:
        """No page is asked for any more: what waits has a bounded time, since the run was foretold without it."""
        for slot in list(self.walking):
            self.pages_are_through(slot)
        now = trio.current_time()
        self.scope.deadline = min(self.scope.deadline, now + max(REST, REST_SHARE * (now - self.started)))
        await self.send.aclose()

    async def run(self) -> None:
        """Work until the queue is closed and empty, or its time is over."""
        with self.scope:
            async with trio.open_nursery() as nursery:
                for _ in range(self.workers):
                    nursery.start_soon(self._work, self.receive.clone())
        await self.receive.aclose()

    async def _work(self, receive: trio.MemoryReceiveChannel[WantedPicture]) -> None:
        async with receive:
            async for wanted in receive:
                await self._keep(wanted)

    async def _keep(self, wanted: WantedPicture) -> None:
        """Fetch the pictures of one page that lie in one slot, one after another."""
        site = self.sites.for_url(wanted.page_url)
        referer = (("Referer", site.image_referer),) if site and site.image_referer else ()
        left = MOST_BYTES
        for url in wanted.urls:
            slot = self.slot_of(url)
            if self.silences[slot] >= SILENCES:
                return
            body = await self._body(Request(url, referer), slot)
            kind = kind_of(body)
            if not kind or len(body) > min(self.options.max_image, left):
                continue
            if is_placeholder(url.split("/")[2] if url.count("/") > 2 else "", body):
                continue
            left -= len(body)
            with trio.CancelScope(shield=True):
                await self.write(self.album.put_image, wanted.capture_id, url, kind, body)
            self.kept_bytes += len(body)

    async def _body(self, request: Request, slot: str) -> bytes:
        """The whole body of a picture that came in its time, b"" of any other."""
        self.asked += 1
        with trio.move_on_after(SECONDS):
            fetched = await self.fetch(request)
            self.silences[slot] = self.silences[slot] + 1 if fetched.failure in SILENT else 0
            return fetched.body if fetched.status == 200 and not fetched.cut else b""
        self.silences[slot] += 1
        return b""
