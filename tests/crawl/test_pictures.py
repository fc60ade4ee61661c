"""Which pictures are kept, and what is no picture."""

import struct
import zlib
from datetime import UTC, datetime

import pytest
import trio
import trio.testing

from crawler.core.model import Fetch, Page
from crawler.core.settings import ArchiveSettings, Size
from crawler.crawl.pictures import (
    REST,
    SECONDS,
    SILENCES,
    PictureKeeper,
    is_placeholder,
    kind_of,
    wanted_pictures,
)
from crawler.fetch import Request
from crawler.sites import load_sites

NOW = datetime(2026, 6, 1, tzinfo=UTC)
COVER, FIRST, SECOND = (f"https://mmbiz.qpic.cn/mmbiz_png/{name}/640?wx_fmt=png" for name in "abc")
PAGE = Page(images=(FIRST, SECOND, FIRST), lead_image=COVER)
WEIXIN = {"name": "weixin", "hosts": ["mp.weixin.qq.com"], "politeness": {"image_referer": "https://mp.weixin.qq.com/"}}


def png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def test_the_option_says_which_pictures_are_wanted() -> None:
    assert wanted_pictures(PAGE, "none") == ()
    assert wanted_pictures(PAGE, "cover") == (COVER,)
    assert wanted_pictures(PAGE, "all") == (COVER, FIRST, SECOND)
    assert wanted_pictures(Page(images=(FIRST,)), "cover") == (FIRST,)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (png(10, 10), "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x1cftypavif", "image/avif"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "image/svg+xml"),
        (b"<!doctype html><svg></svg>", ""),
        (b"<html>not a picture</html>", ""),
        (b"", ""),
    ],
)
def test_bytes_tell_what_a_picture_is_and_a_page_is_none(body: bytes, kind: str) -> None:
    assert kind_of(body) == kind


def test_the_picture_that_a_hotlink_guard_sends_is_known_by_host_and_size() -> None:
    assert is_placeholder("mmbiz.qpic.cn", png(140, 140))
    assert not is_placeholder("mmbiz.qpic.cn", png(640, 360))
    assert not is_placeholder("example.org", png(140, 140))
    assert not is_placeholder("mmbiz.qpic.cn", b"\x89PNG\r\n\x1a\n")


class Album:
    def __init__(self) -> None:
        self.kept: list[tuple[int, str, str]] = []

    def put_image(self, capture_id: int, url: str, content_type: str, body: bytes) -> None:
        self.kept.append((capture_id, url, content_type))


async def keep(answers: dict[str, bytes | int], options: ArchiveSettings) -> tuple[Album, list[Request]]:
    asked: list[Request] = []

    async def fetch(request: Request) -> Fetch:
        asked.append(request)
        answer = answers.get(request.url, 404)
        body, status = (answer, 200) if isinstance(answer, bytes) else (b"", answer)
        return Fetch(request.url, request.url, NOW, status=status, body=body, requests=1)

    async def write(function, *args):  # type: ignore[no-untyped-def]
        return function(*args)

    album = Album()
    keeper = PictureKeeper(fetch, load_sites([("weixin.toml", WEIXIN)]), options, album, write)
    keeper.offer(7, "https://mp.weixin.qq.com/s/x", PAGE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        await keeper.send.aclose()
    return album, asked


async def test_pictures_are_asked_with_the_sites_own_referer_and_kept_with_their_capture() -> None:
    album, asked = await keep({COVER: png(640, 360)}, ArchiveSettings())
    assert album.kept == [(7, COVER, "image/png")]
    assert asked == [Request(COVER, (("Referer", "https://mp.weixin.qq.com/"),))]


async def test_a_missing_a_false_and_a_huge_picture_are_left_out_and_the_others_kept() -> None:
    answers: dict[str, bytes | int] = {COVER: b"<html>", FIRST: png(9, 9) + b"x" * 2000, SECOND: png(9, 9)}
    album, asked = await keep(answers, ArchiveSettings(images="all", max_image=Size(1000)))
    assert [url for _, url, _ in album.kept] == [SECOND]
    assert len(asked) == 3


class Hanging:
    """A web in which some hosts never answer; tells when each picture was asked for."""

    def __init__(self, hosts: set[str]) -> None:
        self.hosts = hosts
        self.asked: list[tuple[float, str]] = []

    async def __call__(self, request: Request) -> Fetch:
        self.asked.append((trio.current_time(), request.url))
        if request.url.split("/")[2] in self.hosts:
            await trio.sleep_forever()
        return Fetch(request.url, request.url, NOW, status=200, body=png(9, 9), requests=1)


def keeper_of(web: Hanging, album: Album, walking: set[str]) -> PictureKeeper:
    async def write(function, *args):  # type: ignore[no-untyped-def]
        await trio.lowlevel.checkpoint()
        return function(*args)

    return PictureKeeper(
        web, load_sites([("weixin.toml", WEIXIN)]), ArchiveSettings(images="all"), album, write,
        slot_of=lambda url: url.split("/")[2], walking=walking,
    )  # fmt: skip


async def test_pictures_of_a_slot_wait_until_its_pages_are_through(autojump_clock: trio.testing.MockClock) -> None:
    web, album = Hanging(set()), Album()
    keeper = keeper_of(web, album, {"blog.example"})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        keeper.offer(
            1, "https://blog.example/p", Page(images=("https://blog.example/a.png", "https://cdn.example/b.png"))
        )
        await trio.sleep(100)
        keeper.pages_are_through("blog.example")
        await trio.sleep(1)
        await keeper.close()
    assert web.asked == [(0, "https://cdn.example/b.png"), (100, "https://blog.example/a.png")]
    assert len(album.kept) == 2


async def test_a_host_of_pictures_that_hangs_costs_a_bounded_time_and_nobody_else(
    autojump_clock: trio.testing.MockClock,
) -> None:
    web, album = Hanging({"slow.example"}), Album()
    keeper = keeper_of(web, album, set())
    images = (*(f"https://slow.example/{n}.png" for n in range(50)), "https://cdn.example/b.png")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        keeper.offer(1, "https://blog.example/p", Page(images=images))
        await keeper.close()
    assert [url for _, url, _ in album.kept] == ["https://cdn.example/b.png"]
    assert len(web.asked) == 1 + SILENCES
    assert trio.current_time() <= SILENCES * SECONDS
    assert keeper.left_out == 50 - SILENCES


async def test_after_the_last_page_pictures_have_a_bounded_time(autojump_clock: trio.testing.MockClock) -> None:
    class Slow(Hanging):
        async def __call__(self, request: Request) -> Fetch:
            await trio.sleep(SECONDS / 2)
            return await super().__call__(request)

    keeper = keeper_of(Slow(set()), Album(), set())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        for number in range(1000):
            keeper.offer(number, "https://blog.example/p", Page(images=(f"https://h{number}.example/a.png",)))
        await keeper.close()
    assert trio.current_time() == REST
    assert keeper.left_out > 900
