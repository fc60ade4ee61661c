"""What is asked again, when, and how often."""

import socket
from datetime import UTC, datetime, timedelta

import httpcore
import httpx
import pytest
import trio
from fetch_web import EPOCH, polite, web
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Failure
from crawler.fetch.retry import FIRST_WAIT, LONGEST_WAIT, back_off
from crawler.fetch.retry_after import LONGEST, retry_after


class Faulty:
    """A web that fails as told, then answers 200; remembers when it was asked."""

    def __init__(self, *faults: Exception | int) -> None:
        self.faults = list(faults)
        self.times: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.times.append(round(trio.current_time(), 6))
        fault = self.faults.pop(0) if self.faults else 200
        if isinstance(fault, Exception):
            raise fault
        return httpx.Response(fault, content=b"body")


TRANSIENT = [
    429,
    500,
    502,
    503,
    504,
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    ConnectionResetError(104, "Connection reset by peer"),
    httpcore.ReadError("reset"),
    httpcore.RemoteProtocolError("Server disconnected without sending a response."),
    httpcore.RemoteProtocolError("peer closed connection without sending complete message body (incomplete read)"),
    socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
]


@pytest.mark.parametrize("fault", TRANSIENT, ids=str)
async def test_a_hiccup_is_healed_by_a_retry(fault: Exception | int, autojump_clock) -> None:
    flaky = Faulty(fault)
    async with web(flaky) as fetcher:
        fetch = await fetcher("https://one.example/")
    assert fetch.status == 200
    assert fetch.body == b"body"
    assert fetch.requests == (1 if isinstance(fault, socket.gaierror) else 2)  # without a name, nothing is sent
    assert flaky.times == [0, FIRST_WAIT]


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 401, 403, 404, 410, 451, 501, 521, 999])
async def test_other_answers_are_taken_at_once(status: int, autojump_clock) -> None:
    calm = Faulty(*[status] * 5)
    async with web(calm) as fetcher:
        fetch = await fetcher("https://one.example/")
    assert (fetch.status, fetch.requests) == (status, 1)


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (ConnectionRefusedError(111, "Connection refused"), Failure.REFUSED),
        (httpcore.RemoteProtocolError("illegal status line"), Failure.PROTOCOL),
        (OSError(101, "Network is unreachable"), Failure.UNREACHABLE),
    ],
)
async def test_failures_that_stay_are_not_asked_again(fault: Exception, failure: Failure, autojump_clock) -> None:
    broken = Faulty(*[fault] * 5)
    async with web(broken) as fetcher:
        fetch = await fetcher("https://one.example/")
    assert fetch.failure is failure
    assert broken.times == [0]


async def test_retries_count_after_the_first_and_waits_double(autojump_clock) -> None:
    broken = Faulty(*[503] * 9)
    async with web(broken, retries=4) as fetcher:
        fetch = await fetcher("https://one.example/")
    assert (fetch.status, fetch.requests) == (503, 5)
    assert fetch.wire_bytes == 5 * len(b"body")
    assert broken.times == [0, 1, 3, 7, 15]


async def test_no_retries_means_one_request(autojump_clock) -> None:
    broken = Faulty(503, 503)
    async with web(broken, retries=0) as fetcher:
        await fetcher("https://one.example/")
    assert broken.times == [0]


async def test_a_name_that_does_not_exist_is_asked_once_more_only(autojump_clock) -> None:
    broken = Faulty(*[socket.gaierror(socket.EAI_NONAME, "Name or service not known")] * 9)
    async with web(broken) as fetcher:
        fetch = await fetcher("https://gone.example/")
    assert fetch.failure is Failure.NO_SUCH_HOST
    assert fetch.failure.reason == "dns-failure"
    assert fetch.error == "no such host"
    assert len(broken.times) == 2


async def test_a_retry_waits_its_slots_interval_again(autojump_clock) -> None:
    flaky = Faulty(503)
    async with web(flaky, polite(interval=9.0)) as fetcher:
        await fetcher("https://one.example/")
    assert flaky.times == [0, 9]


async def test_a_link_that_backs_off_does_not_hold_its_slots_place(autojump_clock) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((trio.current_time(), request.url.path))
        return httpx.Response(503 if request.url.path == "/flaky" and len(asked) == 1 else 200)

    async with web(answer) as fetcher, trio.open_nursery() as nursery:
        nursery.start_soon(fetcher, "https://one.example/flaky")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(fetcher, "https://one.example/other")
    assert asked == [(0, "/flaky"), (0, "/other"), (1, "/flaky")]


async def test_a_date_is_as_good_as_seconds(autojump_clock) -> None:
    times = []

    def answer(request: httpx.Request) -> httpx.Response:
        times.append(trio.current_time())
        date = "Thu, 01 Jan 2026 12:01:30 GMT"
        return httpx.Response(503, headers={"Retry-After": date}) if len(times) == 1 else httpx.Response(200)

    async with web(answer) as fetcher:
        assert (await fetcher("https://one.example/")).status == 200
    assert times == [0, 90]


async def test_all_attempts_together_have_a_budget_of_time(autojump_clock) -> None:
    times = []

    async def tar_pit(request: httpx.Request) -> httpx.Response:
        times.append(trio.current_time())
        await trio.sleep(1e6)
        raise AssertionError

    async with web(tar_pit, polite(timeout=30.0)) as fetcher:
        fetch = await fetcher("https://one.example/")
    assert fetch.failure is Failure.TIMEOUT
    assert fetch.error == "not through after 30 s"
    assert times == [0, 31, 63, 97]
    assert trio.current_time() == 127


async def test_cancelling_passes_through_every_layer(autojump_clock) -> None:
    broken = Faulty(*[503] * 9)
    async with web(broken) as fetcher:
        with trio.move_on_after(0.5) as scope:
            await fetcher("https://one.example/")
    assert scope.cancelled_caught


async def test_a_bug_of_ours_is_raised_not_hidden(autojump_clock) -> None:
    async with web(Faulty(ZeroDivisionError("bug"))) as fetcher:
        with pytest.raises(ZeroDivisionError):
            await fetcher("https://one.example/")


async def test_running_out_of_file_descriptors_is_our_failure_not_the_webs(autojump_clock) -> None:
    async with web(Faulty(OSError(24, "Too many open files"))) as fetcher:
        with pytest.raises(OSError, match="Too many open files"):
            await fetcher("https://one.example/")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("99999999999999999999", LONGEST.total_seconds()),
        ("Thu, 01 Jan 2026 12:00:10 GMT", 10),
        ("Thu, 01 Jan 2026 20:00:10 +0800", 10),
        ("Thursday, 01-Jan-26 12:00:10 GMT", 10),
        ("Thu, 01 Jan 2026 11:00:00 GMT", -3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST.total_seconds()),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str, seconds: float) -> None:
    assert retry_after(text, EPOCH) == EPOCH + timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "٣", "Thu, 99 Jan 2026 99:00:00 GMT", "Thu"])
def test_retry_after_that_says_nothing_is_none(text: str) -> None:
    assert retry_after(text, EPOCH) is None


@given(st.text(max_size=80) | st.from_regex(r"[0-9]{1,30}|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} \S{1,5}"))
def test_retry_after_takes_anything(text: str) -> None:
    when = retry_after(text, EPOCH)
    assert when is None or (when.tzinfo is not None and when <= EPOCH + LONGEST)


@given(st.integers(0, 10**9))
def test_a_pause_in_seconds_ends_so_many_seconds_later_or_after_the_longest(seconds: int) -> None:
    assert retry_after(str(seconds), EPOCH) == EPOCH + min(timedelta(seconds=seconds), LONGEST)


@given(st.integers(946684800, 1893456000))  # 2000 to 2030
def test_a_pause_until_a_date_ends_then_or_after_the_longest(seconds: int) -> None:
    when = datetime.fromtimestamp(seconds, UTC)
    assert retry_after(f"{when:%a, %d %b %Y %H:%M:%S} GMT", EPOCH) == min(when, EPOCH + LONGEST)


@given(st.integers(1, 100), st.floats(0, 1, exclude_max=True))
def test_back_off_is_bounded_and_jittered(attempt: int, random: float) -> None:
    assert FIRST_WAIT / 2 <= back_off(attempt, random) <= LONGEST_WAIT
