"""What the Internet Archive's index and captures are asked, and what its answers mean; a function stands in for it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
import trio
import trio.testing

from crawler.core.settings import FetchSettings
from crawler.fetch.wayback import (
    ENDPOINT,
    INDEX_PAUSE,
    MAX_WAIT,
    CaptureKind,
    LookupOutcome,
    Send,
    WaybackAnswer,
    WaybackCapture,
    WaybackRequest,
    captures,
    open_sender,
    paced,
    read_capture,
    same_page,
)

WHEN = datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)
TAKEN = datetime(2020, 5, 1, tzinfo=UTC)
CAPTURE = WaybackCapture(f"{ENDPOINT}/web/20200501000000/http://a.example/page?x=1", TAKEN, "http://a.example/page?x=1")
MEMENTO = {"memento-datetime": "Fri, 01 May 2020 00:00:00 GMT", "content-type": "text/html"}
COLUMNS = ["timestamp", "original", "mimetype", "statuscode", "digest"]

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


async def test_the_index_is_asked_for_living_text_nearest_to_a_date() -> None:
    asked: list[WaybackRequest] = []
    rows = [
        COLUMNS,
        ["20190102030405", URL, "text/html", "200", "A"],
        ["20200501000000", URL, "text/html", "200", "B"],
    ]
    found = await captures(answering(saying(rows), asked), f"{URL}#part", near=WHEN, until=WHEN)
    assert [c.digest for c in found.captures] == ["B", "A"]
    assert found.captures[0].url == f"{ENDPOINT}/web/20200501000000/{URL}"
    query = parse_qs(urlsplit(asked[0].url).query)
    assert (query["url"], query["output"], query["closest"], query["to"]) == (
        [URL], ["json"], ["20200506070809"], ["20200506070809"],
    )  # fmt: skip
    assert query["filter"] == ["statuscode:200", "mimetype:(text/.*|application/xhtml.xml)"]


async def test_an_index_that_knows_no_filter_is_held_to_them_all_the_same() -> None:
    rows = [
        ["urlkey", *COLUMNS],
        ["k", "20190102030405", URL, "text/html", "404", "A"],
        ["k", "20190102030406", URL, "image/png", "200", "B"],
        ["k", "20190102030407", URL, "warc/revisit", "-", "C"],
        ["k", "20210102030408", URL, "text/html", "200", "D"],
        ["k", "20190102030409", URL, "text/html", "302", "E"],
        ["broken"], [1, 2], "x", ["k", "x", URL, "text/html", "200", "F"], ["k", "2019", "ftp://x", "text/html", "200"],
        ["k", "20190102030410", URL, "text/plain", "200", "G"],
    ]  # fmt: skip
    send = answering(saying(rows))
    assert [c.digest for c in (await captures(send, URL, until=WHEN)).captures] == ["G"]
    assert [c.digest for c in (await captures(send, URL, kind=CaptureKind.REDIRECTS)).captures] == ["E"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (saying([]), LookupOutcome.NONE),
        (WaybackAnswer(200), LookupOutcome.NONE),
        (WaybackAnswer(404), LookupOutcome.NONE),
        (WaybackAnswer(400), LookupOutcome.NONE),
        (WaybackAnswer(403), LookupOutcome.EXCLUDED),
        (WaybackAnswer(451), LookupOutcome.EXCLUDED),
        (WaybackAnswer(429), LookupOutcome.SILENT),
        (WaybackAnswer(503), LookupOutcome.SILENT),
        (WaybackAnswer(0), LookupOutcome.SILENT),
        (WaybackAnswer(302, {"location": "https://archive.org/account/login"}), LookupOutcome.SILENT),
        (WaybackAnswer(200, {}, b"<html>Temporarily Offline"), LookupOutcome.SILENT),
        (saying({}), LookupOutcome.SILENT),
    ],
)
async def test_no_capture_an_exclusion_and_silence_are_told_apart(
    answer: WaybackAnswer, outcome: LookupOutcome
) -> None:
    assert (await captures(answering(answer), URL)).outcome is outcome


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "https://mp.weixin.qq.com/s?__biz=x&key=secret", "https://me:pw@a.example/"]
)
async def test_nothing_is_told_of_urls_that_are_nobodys_business(url: str) -> None:
    asked: list[WaybackRequest] = []
    assert (await captures(answering(WaybackAnswer(200, {}), asked), url)).captures == ()
    assert asked == []


async def test_a_capture_is_read_as_it_was_captured() -> None:
    asked: list[WaybackRequest] = []
    headers = {**MEMENTO, "content-type": "text/html", "x-archive-orig-last-modified": "x", "set-cookie": "a=b"}
    found = await read_capture(answering(WaybackAnswer(200, headers, b"<p>hi"), asked), CAPTURE)
    assert [ask.url for ask in asked] == [f"{ENDPOINT}/web/20200501000000id_/{URL}"]
    assert (found.outcome, found.status, found.body, found.captured_at) == (LookupOutcome.FOUND, 200, b"<p>hi", TAKEN)
    assert dict(found.headers) == {"content-type": "text/html", "last-modified": "x"}


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [
        (WaybackAnswer(404, MEMENTO, b"gone"), LookupOutcome.FOUND, 404),  # the captured page's own status
        (WaybackAnswer(503, MEMENTO, b"gone"), LookupOutcome.FOUND, 503),
        (WaybackAnswer(404), LookupOutcome.NONE, 0),
        (WaybackAnswer(403), LookupOutcome.EXCLUDED, 0),
        (WaybackAnswer(451), LookupOutcome.EXCLUDED, 0),
        (WaybackAnswer(429), LookupOutcome.SILENT, 0),
        (WaybackAnswer(503), LookupOutcome.SILENT, 0),
        (WaybackAnswer(0), LookupOutcome.SILENT, 0),
        (WaybackAnswer(200, {}, b"<p>an article"), LookupOutcome.FOUND, 200),  # a mirror without mementos
        (WaybackAnswer(200, {}, b"<title>Internet Archive: Temporarily Offline"), LookupOutcome.SILENT, 0),
        (WaybackAnswer(200, {}, b"<h1>Log in</h1> to archive.org"), LookupOutcome.SILENT, 0),
        (WaybackAnswer(200, MEMENTO, b"<title>Internet Archive: Temporarily Offline"), LookupOutcome.FOUND, 200),
        (WaybackAnswer(200, MEMENTO, b"cut", whole=False), LookupOutcome.SILENT, 0),
        (WaybackAnswer(302, {"location": "https://archive.org/account/login"}), LookupOutcome.SILENT, 0),
        (WaybackAnswer(302, {"location": "/"}), LookupOutcome.SILENT, 0),
    ],
)
async def test_a_capture_and_what_the_archive_says_itself_are_told_apart(
    answer: WaybackAnswer, outcome: LookupOutcome, status: int
) -> None:
    found = await read_capture(answering(answer), CAPTURE)
    assert (found.outcome, found.status) == (outcome, status)


@pytest.mark.parametrize("location", ["/web/20200501000000id_/http://b.example/new", "http://b.example/new"])
async def test_a_captured_redirect_tells_where_it_led(location: str) -> None:
    found = await read_capture(answering(WaybackAnswer(301, {"location": location})), CAPTURE)
    assert (found.status, found.location) == (301, "http://b.example/new")


async def test_the_archive_may_name_the_exact_time_of_a_capture() -> None:
    def answer(ask: WaybackRequest) -> WaybackAnswer:
        if "20200501000000" in ask.url:
            return WaybackAnswer(302, {"location": f"/web/20200501000003id_/{URL}"})
        return WaybackAnswer(200, {}, b"<p>hi")

    found = await read_capture(answering(answer), CAPTURE)
    assert (found.body, found.captured_at) == (b"<p>hi", TAKEN.replace(second=3))
    always = await read_capture(answering(lambda a: WaybackAnswer(302, {"location": f"/web/2021id_/{URL}"})), CAPTURE)
    assert always.outcome is LookupOutcome.NONE


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("http://a.example/x", "https://www.a.example:443/x/", True),
        ("http://a.example/x?b=1&a=2", "http://A.example/X?a=2&b=1", True),
        ("http://a.example/%E6%96%87", "http://a.example/文", True),
        ("http://a.example", "http://a.example/", True),
        ("http://a.example/x", "http://b.example/x", False),
        ("http://a.example/x", "http://a.example/y", False),
        ("http://a.example/x?a=1", "http://a.example/x", False),
    ],
)
def test_one_page_has_several_addresses_there(first: str, second: str, same: bool) -> None:
    assert same_page(first, second) is same


async def test_questions_have_pauses_and_keep_those_that_are_asked_for(autojump_clock: trio.testing.MockClock) -> None:
    answers = iter(
        [WaybackAnswer(200), WaybackAnswer(429, {"retry-after": "7"}), WaybackAnswer(503, {"retry-after": "9999"})]
    )
    send = paced(answering(lambda _: next(answers, WaybackAnswer(200))))
    times = []
    for _ in range(4):
        await send(WaybackRequest(f"{ENDPOINT}/cdx/search/cdx?url=x"))
        times.append(trio.current_time())
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps == [pytest.approx(INDEX_PAUSE), pytest.approx(7), pytest.approx(MAX_WAIT)]


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
            WaybackRequest(f"{base}/save", (("Accept", "application/json"),), (("url", "http://a.example/?x=1&y"),))
        )
    assert (answer.status, answer.headers["location"], answer.body) == (302, "/elsewhere", b"hi")
    assert requests[0].startswith(b"POST /save")
    assert b"tester/1" in requests[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[broken/", "https://a..example/\x00"])
async def test_trouble_on_the_wire_is_a_status_of_zero(url: str) -> None:
    async with open_sender(FetchSettings(user_agent="tester/1"), url) as send:
        assert (await send(WaybackRequest(url))).status == 0
