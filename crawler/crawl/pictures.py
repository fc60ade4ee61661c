"""Keeping the pictures of new captures: which ones, whether what came is a picture, and fetching them politely.

Composition of the fetcher with the archive for images; which checks are new captures is the recorder's to say. A
picture that cannot be had is no verdict on its page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Literal, Protocol

import trio

from crawler.core.model import Fetch, Page
from crawler.fetch import Request

if TYPE_CHECKING:
    from crawler.core.settings import ArchiveSettings
    from crawler.sites import Sites

WORKERS = 8  # pictures fetched side by side; they mostly come from other hosts than the pages
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
    """Fetches pictures in the background of a run and hands them to the archive's one writing thread."""

    fetch: Callable[[Request], Awaitable[Fetch]]
    sites: Sites
    options: ArchiveSettings
    album: Album
    write: Callable[..., Awaitable[object]]  # runs a function in the writing thread
    kept_bytes: int = 0
    requests: int = 0
    send: trio.MemorySendChannel[WantedPicture] = field(init=False)
    receive: trio.MemoryReceiveChannel[WantedPicture] = field(init=False)

    def __post_init__(self) -> None:
        # A list of addresses per new capture is small, and the walk must never wait for pictures.
        self.send, self.receive = trio.open_memory_channel[WantedPicture](float("inf"))

    def offer(self, capture_id: int, page_url: str, page: Page) -> None:
        """Queue the pictures of a new capture."""
        if urls := wanted_pictures(page, self.options.images):
            self.send.send_nowait(WantedPicture(capture_id, page_url, urls))

    async def run(self) -> None:
        """Work until the queue is closed and empty."""
        async with trio.open_nursery() as nursery:
            for _ in range(WORKERS):
                nursery.start_soon(self._work, self.receive.clone())
            await self.receive.aclose()

    async def _work(self, receive: trio.MemoryReceiveChannel[WantedPicture]) -> None:
        async with receive:
            async for wanted in receive:
                await self._keep(wanted)

    async def _keep(self, wanted: WantedPicture) -> None:
        """Fetch the pictures of one page, one after another."""
        site = self.sites.for_url(wanted.page_url)
        referer = (("Referer", site.image_referer),) if site and site.image_referer else ()
        left = MOST_BYTES
        for url in wanted.urls:
            fetched = await self.fetch(Request(url, referer))
            self.requests += fetched.requests
            body = fetched.body
            kind = kind_of(body) if fetched.status == 200 else ""
            if not kind or len(body) > min(self.options.max_image, left):
                continue
            if is_placeholder(url.split("/")[2] if url.count("/") > 2 else "", body):
                continue
            left -= len(body)
            with trio.CancelScope(shield=True):
                await self.write(self.album.put_image, wanted.capture_id, url, kind, body)
            self.kept_bytes += len(body)
