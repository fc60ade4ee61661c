"""What the Internet Archive is asked, and what its answers mean; a plain function stands in for it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio.testing

from crawler.core.errors import ConfigError
from crawler.core.settings import FetchSettings
from crawler.fetch.wayback import (
    ENDPOINT,
    Ask,
    SaveOutcome,
    Send,
    Service,
    Submission,
    WaybackAnswer,
    WaybackCapture,
    captures,
    nearest,
    open_sender,
    read_keys,
    submit,
)

URL = "http://a.example/page?x=1"
WHEN = datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)


def answering(answer: WaybackAnswer | Callable[[Ask], WaybackAnswer], asked: list[Ask] | None = None) -> Send:
    async def send(ask: Ask) -> WaybackAnswer:
        await trio.lowlevel.checkpoint()
        if asked is not None:
            asked.append(ask)
        return answer(ask) if callable(answer) else answer

    return send


def redirect(location: str) -> WaybackAnswer:
    return WaybackAnswer(302, {"location": location})


def saying(told: object, status: int = 200) -> WaybackAnswer:
    return WaybackAnswer(status, {}, json.dumps(told).encode())


@pytest.mark.parametrize(
    "location",
    [f"{ENDPOINT}/web/20200501000000/{URL}", f"/web/20200501000000/{URL}", f"{ENDPOINT}/web/20200501000000id_/{URL}"],
)
async def test_the_nearest_capture_is_where_the_archive_redirects_to(location: str) -> None:
    asked: list[Ask] = []
    found = await nearest(answering(redirect(location), asked), f"{URL}#part", WHEN)
    taken = datetime(2020, 5, 1, tzinfo=UTC)
    assert found.captures == (WaybackCapture(f"{ENDPOINT}/web/20200501000000/{URL}", taken),)
    assert [ask.url for ask in asked] == [f"{ENDPOINT}/web/20200506070809/{URL}"]


async def test_a_capture_of_exactly_that_second_is_answered_at_once() -> None:
    answer = WaybackAnswer(200, {"memento-datetime": "Wed, 06 May 2020 07:08:10 GMT"})
    found = await nearest(answering(answer), URL, WHEN)
    assert found.captures[0].captured_at == datetime(2020, 5, 6, 7, 8, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "answered"),
    [
        (WaybackAnswer(404, {}), True),
        (redirect("https://elsewhere.example/web/2020/x"), True),
        (redirect(f"{ENDPOINT}/web/20201399000000/{URL}"), True),
        (redirect(""), True),
        (WaybackAnswer(429, {}), False),
        (WaybackAnswer(503, {}), False),
        (WaybackAnswer(0, {}), False),
    ],
)
async def test_no_capture_and_no_answer_are_told_apart(answer: WaybackAnswer, answered: bool) -> None:
    found = await nearest(answering(answer), URL, WHEN)
    assert (found.captures, found.answered) == ((), answered)


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "https://mp.weixin.qq.com/s?__biz=x&key=secret", "https://me:pw@a.example/"]
)
async def test_nothing_is_told_of_urls_that_are_nobodys_business(url: str) -> None:
    asked: list[Ask] = []
    send = answering(WaybackAnswer(200, {}), asked)
    assert (await nearest(send, url, WHEN)).captures == (await captures(send, url)).captures == ()
    heard: list[Submission] = []
    await submit(Service(send), [url], heard.append)
    assert [(s.outcome, s.reason) for s in heard] == [(SaveOutcome.REFUSED, "not-public")]
    assert asked == []


async def test_a_list_of_captures_comes_oldest_first_from_the_index() -> None:
    asked: list[Ask] = []
    rows = [["timestamp", "original"], ["20190102030405", URL], ["broken"], ["2020", URL], [1, 2], ["x", URL]]
    found = await captures(answering(saying(rows), asked), URL, limit=9)
    assert [c.captured_at.year for c in found.captures] == [2019, 2020]
    query = parse_qs(urlsplit(asked[0].url).query)
    assert (query["url"], query["output"], query["limit"]) == ([URL], ["json"], ["9"])


@pytest.mark.parametrize(
    "answer", [WaybackAnswer(0, {}), saying({}), saying([], 503), WaybackAnswer(200, {}, b"<html>")]
)
async def test_a_list_that_cannot_be_read_is_no_answer(answer: WaybackAnswer) -> None:
    assert (await captures(answering(answer), URL)).answered is False


class FakeArchive:
    """Save Page Now: a job ends after some questions."""

    def __init__(self, pending: int = 2, final: dict[str, object] | None = None) -> None:
        self.pending = pending
        self.final = final or {"status": "success", "timestamp": "20260102030405"}
        self.starts: list[tuple[float, str]] = []
        self.asked: list[Ask] = []
        self.checks: dict[str, int] = {}

    def __call__(self, ask: Ask) -> WaybackAnswer:
        self.asked.append(ask)
        path = urlsplit(ask.url).path
        if path == "/save":
            url = dict(ask.form)["url"]
            self.starts.append((trio.current_time(), url))
            return saying({"url": url, "job_id": f"spn2-{len(self.starts)}"})
        self.checks[path] = self.checks.get(path, 0) + 1
        return saying({"status": "pending"} if self.checks[path] <= self.pending else self.final)


async def offered(archive: Callable[[Ask], WaybackAnswer], *urls: str, keys: str = "") -> list[Submission]:
    heard: list[Submission] = []
    await submit(Service(answering(archive), keys=keys), urls or [URL], heard.append)
    return heard


async def test_a_page_is_offered_and_its_job_followed_to_the_end(autojump_clock: trio.testing.MockClock) -> None:
    archive = FakeArchive()
    (told,) = await offered(archive, keys="a:b")
    assert told.outcome is SaveOutcome.SAVED
    assert told.capture == WaybackCapture(
        f"{ENDPOINT}/web/20260102030405/{URL}", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
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

    def busy_at_first(ask: Ask) -> WaybackAnswer:
        return next(refusals, None) or archive(ask)

    (told,) = await offered(busy_at_first)
    assert told.outcome is SaveOutcome.SAVED
    assert trio.current_time() >= 160


async def test_an_archive_that_stays_busy_is_left_for_another_run(autojump_clock: trio.testing.MockClock) -> None:
    asked: list[Ask] = []
    heard: list[Submission] = []
    await submit(Service(answering(WaybackAnswer(429, {"retry-after": "soon"}), asked)), [URL], heard.append)
    assert (heard[0].outcome, heard[0].reason, len(asked)) == (SaveOutcome.LATER, "rate-limited", 3)


@pytest.mark.parametrize(
    "answer", [saying({"status_ext": "error:max-daily-bandwidth-from-ip"}), WaybackAnswer(401, {})]
)
async def test_when_the_days_share_is_used_up_the_rest_is_not_asked(
    autojump_clock: trio.testing.MockClock, answer: WaybackAnswer
) -> None:
    asked: list[Ask] = []
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


FORM = b"url=http%3A%2F%2Fa.example%2F%3Fx%3D1%26y"


async def serve(nursery: trio.Nursery, respond: bytes, requests: list[bytes]) -> str:
    async def handle(stream: trio.SocketStream) -> None:
        received = b""
        while not received.endswith(FORM):
            received += await stream.receive_some(65536)
        requests.append(received)
        await stream.send_all(respond)
        await stream.aclose()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handle, listeners)
    return f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"


async def test_the_sender_posts_forms_and_follows_no_redirect(nursery: trio.Nursery) -> None:
    requests: list[bytes] = []
    head = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    base = await serve(nursery, head, requests)
    async with open_sender(FetchSettings(user_agent="tester/1"), base) as send:
        answer = await send(
            Ask(f"{base}/save", (("Accept", "application/json"),), (("url", "http://a.example/?x=1&y"),))
        )
    assert (answer.status, answer.headers["location"], answer.body) == (302, "/elsewhere", b"hi")
    assert requests[0].startswith(b"POST /save")
    assert b"tester/1" in requests[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[broken/", "https://a..example/\x00"])
async def test_trouble_on_the_wire_is_a_status_of_zero(url: str) -> None:
    async with open_sender(FetchSettings(user_agent="tester/1"), url) as send:
        assert (await send(Ask(url))).status == 0
