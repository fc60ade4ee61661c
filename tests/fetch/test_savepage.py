"""How pages are offered to Save Page Now, and what becomes of each; a plain function stands in for it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
import trio
import trio.testing

from crawler.core.errors import ConfigError
from crawler.fetch.savepage import SaveOutcome, Service, Submission, read_keys, submit
from crawler.fetch.wayback import ENDPOINT, Send, WaybackAnswer, WaybackCapture, WaybackRequest

URL = "http://a.example/page?x=1"


def answering(
    answer: WaybackAnswer | Callable[[WaybackRequest], WaybackAnswer], asked: list[WaybackRequest] | None = None
) -> Send:
    async def send(ask: WaybackRequest) -> WaybackAnswer:
        await trio.lowlevel.checkpoint()
        if asked is not None:
            asked.append(ask)
        return answer(ask) if callable(answer) else answer

    return send


def saying(told: object, status: int = 200) -> WaybackAnswer:
    return WaybackAnswer(status, {}, json.dumps(told).encode())


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "https://mp.weixin.qq.com/s?__biz=x&key=secret", "https://me:pw@a.example/"]
)
async def test_nothing_is_offered_that_is_nobodys_business(url: str) -> None:
    asked: list[WaybackRequest] = []
    heard: list[Submission] = []
    await submit(Service(answering(WaybackAnswer(200, {}), asked)), [url], heard.append)
    assert [(s.outcome, s.reason) for s in heard] == [(SaveOutcome.REFUSED, "not-public")]
    assert asked == []


class FakeArchive:
    """Save Page Now: a job ends after some looks at it."""

    def __init__(self, pending: int = 2, final: dict[str, object] | None = None) -> None:
        self.pending = pending
        self.final = final or {"status": "success", "timestamp": "20260102030405"}
        self.starts: list[tuple[float, str]] = []
        self.asked: list[WaybackRequest] = []
        self.checks: dict[str, int] = {}

    def __call__(self, ask: WaybackRequest) -> WaybackAnswer:
        self.asked.append(ask)
        path = urlsplit(ask.url).path
        if path == "/save":
            url = dict(ask.form)["url"]
            self.starts.append((trio.current_time(), url))
            return saying({"url": url, "job_id": f"spn2-{len(self.starts)}"})
        self.checks[path] = self.checks.get(path, 0) + 1
        return saying({"status": "pending"} if self.checks[path] <= self.pending else self.final)


async def offered(archive: Callable[[WaybackRequest], WaybackAnswer], *urls: str, keys: str = "") -> list[Submission]:
    heard: list[Submission] = []
    await submit(Service(answering(archive), keys=keys), urls or [URL], heard.append)
    return heard


async def test_a_page_is_offered_and_its_job_followed_to_the_end(autojump_clock: trio.testing.MockClock) -> None:
    archive = FakeArchive()
    (told,) = await offered(archive, keys="a:b")
    assert told.outcome is SaveOutcome.SAVED
    assert told.capture == WaybackCapture(
        f"{ENDPOINT}/web/20260102030405/{URL}", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), URL
    )
    form = dict(archive.asked[0].form)
    assert (form["url"], form["if_not_archived_within"]) == (URL, "30d")
    assert all(dict(a.headers) == {"Accept": "application/json", "Authorization": "LOW a:b"} for a in archive.asked)
    assert len(archive.asked) == 4


@pytest.mark.parametrize(("keys", "gap"), [("", 15.0), ("a:b", 5.0)])
async def test_pages_are_offered_at_the_archives_pace(
    autojump_clock: trio.testing.MockClock, keys: str, gap: float
) -> None:
    archive = FakeArchive(pending=9)
    await offered(archive, *(f"http://a.example/{n}" for n in range(20)), keys=keys)
    times = [at for at, _ in archive.starts]
    assert [url for _, url in archive.starts] == [f"http://a.example/{n}" for n in range(20)]
    assert min(b - a for a, b in pairwise(times)) >= gap


async def test_a_page_offered_twice_is_asked_once(autojump_clock: trio.testing.MockClock) -> None:
    archive = FakeArchive()
    assert len(await offered(archive, URL, URL)) == 1


@pytest.mark.parametrize(
    "reason", ["not-found", "no-access", "invalid-host-resolution", "proxy-error", "something-new"]
)
async def test_what_the_archive_could_not_do_today_is_for_another_run(
    autojump_clock: trio.testing.MockClock, reason: str
) -> None:
    archive = FakeArchive(final={"status": "error", "status_ext": f"error:{reason}", "message": "a\nb"})
    (told,) = await offered(archive)
    assert (told.outcome, told.reason, told.message) == (SaveOutcome.LATER, reason, "a b")


async def test_an_error_may_come_at_once_with_status_200(autojump_clock: trio.testing.MockClock) -> None:
    told = await offered(lambda _: saying({"status": "error", "status_ext": "error:too-many-daily-captures"}))
    assert (told[0].outcome, told[0].reason) == (SaveOutcome.LATER, "too-many-daily-captures")


async def test_a_url_that_the_archive_will_not_have_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    told = await offered(lambda _: saying({"status_ext": "error:blocked-url"}, 400))
    assert told[0].outcome is SaveOutcome.REFUSED


async def test_a_busy_archive_is_asked_again_later_and_everyone_waits(autojump_clock: trio.testing.MockClock) -> None:
    archive = FakeArchive()
    refusals = iter([WaybackAnswer(429, {"retry-after": "100"}), saying({"status_ext": "error:user-session-limit"})])

    def busy_at_first(ask: WaybackRequest) -> WaybackAnswer:
        return next(refusals, None) or archive(ask)

    (told,) = await offered(busy_at_first)
    assert told.outcome is SaveOutcome.SAVED
    assert trio.current_time() >= 160


async def test_an_archive_that_stays_busy_is_left_for_another_run(autojump_clock: trio.testing.MockClock) -> None:
    asked: list[WaybackRequest] = []
    heard: list[Submission] = []
    await submit(Service(answering(WaybackAnswer(429, {"retry-after": "soon"}), asked)), [URL], heard.append)
    assert (heard[0].outcome, heard[0].reason, len(asked)) == (SaveOutcome.LATER, "rate-limited", 3)


@pytest.mark.parametrize(
    "answer", [saying({"status_ext": "error:max-daily-bandwidth-from-ip"}), WaybackAnswer(401, {})]
)
async def test_when_the_days_share_is_used_up_the_rest_is_not_asked(
    autojump_clock: trio.testing.MockClock, answer: WaybackAnswer
) -> None:
    asked: list[WaybackRequest] = []
    heard: list[Submission] = []
    urls = [f"http://a.example/{n}" for n in range(30)]
    await submit(Service(answering(answer, asked)), urls, heard.append)
    assert len(asked) <= 6  # those that were under way
    assert {s.outcome for s in heard} == {SaveOutcome.STOPPED}
    assert sorted(s.url for s in heard) == sorted(urls)


async def test_a_job_that_never_ends_is_left(autojump_clock: trio.testing.MockClock) -> None:
    (told,) = await offered(FakeArchive(pending=10_000))
    assert (told.outcome, told.reason) == (SaveOutcome.LATER, "still-running")


@pytest.mark.parametrize(
    "answer",
    [
        WaybackAnswer(0, {}),
        WaybackAnswer(200, {}, b"<html>"),
        WaybackAnswer(500, {}, b"["),
        saying([1]),
        saying({"job_id": "../../etc"}),
    ],
)
async def test_an_answer_that_makes_no_sense_is_for_another_run(
    autojump_clock: trio.testing.MockClock, answer: WaybackAnswer
) -> None:
    (told,) = await offered(lambda _: answer)
    assert told.outcome is SaveOutcome.LATER


async def test_a_success_without_a_time_is_not_believed(autojump_clock: trio.testing.MockClock) -> None:
    (told,) = await offered(FakeArchive(final={"status": "success", "timestamp": "now"}))
    assert (told.outcome, told.capture) == (SaveOutcome.LATER, None)


def test_keys_come_from_the_setting_or_a_variable() -> None:
    assert read_keys("", {}) == ""
    assert read_keys("a:b", {}) == "a:b"
    assert read_keys("env:KEYS", {"KEYS": "c:d"}) == "c:d"


@pytest.mark.parametrize("setting", ["env:NOWHERE", "justone", "a:b\r\nX: y", "a: b"])
def test_keys_that_cannot_be_are_refused_without_being_shown(setting: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_keys(setting, {})
    assert "justone" not in str(caught.value)
