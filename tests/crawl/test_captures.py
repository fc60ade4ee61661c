"""Which capture of the Internet Archive is offered: one that shows the page, and never one of the bad kinds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import trio
import trio.testing

from crawler.core.config import site_documents
from crawler.core.model import Elsewhere, History, Kind, Link, Occurrence, State
from crawler.core.settings import Settings
from crawler.crawl.captures import TRIES, CaptureFinder, CaptureSearch, question_about
from crawler.crawl.readers import InlineReader
from crawler.fetch.wayback import ENDPOINT, WaybackAnswer, WaybackRequest
from crawler.sites import load_sites
from crawler.testing import pages
from crawler.testing.answer import StandInRequest
from crawler.testing.wayback import BUSY, EXCLUDED, LOGIN, OFFLINE, StandInCapture, StandInWayback

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WHEN = datetime(2020, 5, 6, tzinfo=UTC)
ALIVE = datetime(2021, 1, 1, tzinfo=UTC)
SITES = load_sites(site_documents(Settings()))
URL = "https://blog.example/posts/tea"
TITLE = "How green tea is made"
PARTS = tuple(f"Paragraph {n} tells how the leaves are steamed, rolled and dried in the mountains." for n in range(8))
GOOD = pages.blog_article(pages.Article(URL, TITLE, "Ann", PARTS))
OTHER = pages.blog_article(
    pages.Article(URL, "Best casino bonus", "Bob", ("Win at slots and poker tonight. " * 9,) * 4)
)
CAPTCHA = (
    b'<html><title>Verify</title><form action="/errors/validateCaptcha"><input name=c></form><p>Enter the characters'
)
HOME = pages.blog_home("blog.example")
WEIXIN = "https://mp.weixin.qq.com/s/Captures00000000000_01"


def link(url: str = URL, title: str = TITLE) -> Link:
    who = SITES.identify(url)
    written = Occurrence("a.md", 1, 1, url, url, Kind.INLINE, title)
    return Link(url, who.canonical_url, who.fetch_url, who.site, who.host, who.slot, (written,))


def capture(stamp: str, body: bytes = GOOD, url: str = URL, **more: object) -> StandInCapture:
    return StandInCapture(url, stamp, body, **more)  # type: ignore[arg-type]  # test shorthand


async def search(
    archive: StandInWayback, of: Link | None = None, history: History | None = None, when: datetime = WHEN
) -> CaptureSearch:
    async def send(ask: WaybackRequest) -> WaybackAnswer:
        await trio.lowlevel.checkpoint()
        target = ask.url.removeprefix(ENDPOINT)
        answer = archive(StandInRequest(0, "https", "web.archive.org", target, "GET", (), 1))
        headers = {name.lower(): value for name, value in (*answer.headers, ("content-type", answer.content_type))}
        headers |= {"location": answer.location} if answer.location else {}
        assert isinstance(answer.body, bytes)
        status = 302 if answer.location and answer.status == 200 else answer.status
        return WaybackAnswer(status, headers, answer.body)

    of = of or link()
    known = history or History(of.canonical_url, ALIVE, url=of.url, state=State.DEAD, last_alive=ALIVE)
    return await CaptureFinder(send, InlineReader(SITES).read, ENDPOINT)(question_about(of, known, when))


def stamp_of(found: CaptureSearch) -> str:
    assert found.found is not None, found
    return f"{found.found.capture.captured_at:%Y%m%d}"


async def test_the_capture_nearest_to_the_date_is_offered_with_its_evidence() -> None:
    found = await search(
        StandInWayback([capture("20150101000000"), capture("20200501000000"), capture("20201201000000")])
    )
    assert stamp_of(found) == "20200501"
    assert found.found is not None
    assert (found.found.page.title, found.found.title_match) == (TITLE, 1.0)
    assert found.found.capture.url == f"{ENDPOINT}/web/20200501000000/{URL}"


BAD = {
    "a 404": capture("20200506000000", b"<title>404 Not Found</title>", status=404),
    "a 404 that the index calls 200": capture("20200506000000", instead=replace(OFFLINE, status=404)),
    "a page that says 404": capture("20200506000000", b"<title>404 Not Found</title><h1>Not Found</h1>"),
    "a captcha": capture("20200506000000", CAPTCHA),
    "a redirect home": capture("20200506000000", b"", status=302, location="https://blog.example/"),
    "a redirect to another site": capture("20200506000000", b"", status=301, location="https://casino.example/win"),
    "another site": capture("20200506000000", OTHER),
    "one that is too young": capture("20210201000000"),
    "a page of the Archive's own": capture("20200506000000", instead=OFFLINE),
    "a login": capture("20200506000000", instead=LOGIN),
    "too many questions": capture("20200506000000", instead=BUSY),
    "a picture": capture("20200506000000", b"GIF89a", media_type="image/gif"),
    "nothing": capture("20200506000000", b""),
}  # fmt: skip
AROUND = (
    capture("20200506000000", HOME, "https://blog.example/"),
    capture("20200506000000", OTHER, "https://casino.example/win"),
)


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_capture_is_passed_over_for_the_next_good_one(kind: str) -> None:
    archive = StandInWayback([BAD[kind], capture("20190101000000"), *AROUND])
    assert stamp_of(await search(archive)) == "20190101"


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_capture_alone_is_never_offered(kind: str) -> None:
    assert (await search(StandInWayback([BAD[kind], *AROUND]))).found is None


async def test_a_notice_of_deletion_is_passed_over() -> None:
    article = pages.weixin_article(pages.Article(WEIXIN, "茶是怎样做成的", "作者", ("第一段。" * 30, "第二段。" * 30)))
    notice = pages.weixin_notice("该内容已被发布者删除")
    archive = StandInWayback([capture("20200506000000", notice, WEIXIN), capture("20200101000000", article, WEIXIN)])
    assert stamp_of(await search(archive, link(WEIXIN, "茶是怎样做成的"))) == "20200101"
    alone = StandInWayback([capture("20200506000000", notice, WEIXIN)])
    assert (await search(alone, link(WEIXIN))).outcome == "unfit"


async def test_what_the_page_redirected_to_is_offered() -> None:
    moved = "https://blog.example/2020/tea-is-made"
    archive = StandInWayback(
        [capture("20200506000000", b"", status=301, location=moved), capture("20200507000000", GOOD, moved)]
    )
    found = await search(archive)
    assert found.found is not None
    assert found.found.capture.original == moved
    assert [hop.url for hop in found.found.fetched.redirects] == [URL]


async def test_behind_a_redirect_to_another_site_the_title_has_to_fit() -> None:
    short, target = "https://short.example/x1", "https://blog.example/posts/tea"
    archive = StandInWayback(
        [capture("20200506000000", b"", short, status=302, location=target), capture("20200507000000")]
    )
    assert (await search(archive, link(short))).outcome == "found"
    assert (await search(archive, link(short, ""))).outcome == "unfit"
    assert (await search(archive, link(short, "Deep learning in a day"))).outcome == "unfit"


async def test_another_persons_page_at_the_same_company_is_another_site() -> None:
    before, now = "https://me.github.io/tea", "https://you.github.io/tea"
    archive = StandInWayback(
        [capture("20200506000000", b"", before, status=302, location=now), capture("20200507000000", GOOD, now)]
    )
    assert (await search(archive, link(before))).outcome == "found"
    assert (await search(archive, link(before, ""))).outcome == "unfit"


async def test_authors_words_need_not_be_the_pages_title() -> None:
    archive = StandInWayback([capture("20200506000000")])
    assert (await search(archive, link(title="leaves rolled and dried, a fine read"))).outcome == "found"
    assert (await search(archive, link(title="here"))).outcome == "found"
    assert (await search(archive, link(title="Kubernetes operators"))).outcome == "unfit"


async def test_a_page_whose_title_was_known_alive_must_fit_it() -> None:
    alive = History(URL, ALIVE, url=URL, state=State.DEAD, last_alive=ALIVE, page_title=TITLE)
    assert (await search(StandInWayback([capture("20200506000000", OTHER)]), link(title=""), alive)).found is None


async def test_an_exclusion_is_an_answer_and_silence_is_none() -> None:
    assert (await search(StandInWayback(refusals={URL: EXCLUDED}))).outcome == "excluded"
    assert (await search(StandInWayback())).outcome == "none"
    for silence in (OFFLINE, LOGIN, BUSY):
        assert (await search(StandInWayback(refusals={URL: silence}))).outcome == "silent"


async def test_the_number_of_tries_is_bounded_and_equal_bytes_are_read_once() -> None:
    alike = StandInWayback([capture(f"2020050600{n:02d}00", CAPTCHA) for n in range(50)])
    assert (await search(alike)).outcome == "unfit"
    assert len([target for target in alike.asked if target.startswith("/web/")]) == 1
    unlike = StandInWayback([capture(f"2020050600{n:02d}00", CAPTCHA + b"%d" % n) for n in range(50)])
    assert (await search(unlike)).outcome == "unfit"
    assert len([target for target in unlike.asked if target.startswith("/web/")]) == TRIES


async def test_a_capture_that_we_asked_for_while_the_page_lived_counts_though_it_is_a_little_younger() -> None:
    saved = Elsewhere(ALIVE, f"{ENDPOINT}/web/20210101001000/{URL}", ALIVE + timedelta(minutes=10), "saved")
    history = History(URL, ALIVE, url=URL, state=State.DEAD, last_alive=ALIVE, elsewhere=saved)
    assert stamp_of(await search(StandInWayback([capture("20210101001000")]), history=history)) == "20210101"


async def test_without_a_life_that_we_saw_the_first_failure_is_the_bound() -> None:
    history = History(URL, NOW, url=URL, state=State.DEAD, first_failed=datetime(2022, 1, 1, tzinfo=UTC))
    archive = StandInWayback([capture("20220201000000"), capture("20210601000000")])
    assert stamp_of(await search(archive, history=history, when=datetime(2022, 3, 1, tzinfo=UTC))) == "20210601"


async def test_an_archive_that_hangs_is_left(autojump_clock: trio.testing.MockClock) -> None:
    async def send(ask: WaybackRequest) -> WaybackAnswer:
        await trio.sleep_forever()
        raise AssertionError

    of = link()
    question = question_about(of, History(of.canonical_url, ALIVE, url=of.url), WHEN)
    assert (await CaptureFinder(send, InlineReader(SITES).read, ENDPOINT)(question)).outcome == "silent"
