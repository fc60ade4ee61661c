"""Where redirects lead, what goes along, and when to stop."""

import httpx
import pytest
import trio
from fetch_web import polite, web

from crawler.core.model import Failure, Redirect
from crawler.fetch import Request


class Site:
    """A web of fixed redirects: url -> (status, Location); everything else answers 200. Remembers requests."""

    def __init__(self, **redirects: tuple[int, str]) -> None:
        self.redirects = redirects
        self.asked: list[httpx.Request] = []
        self.times: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.times.append(trio.current_time())
        status, location = self.redirects.get(request.url.path.strip("/"), (200, ""))
        return httpx.Response(status, headers={"Location": location} if location else {}, content=b"page")

    @property
    def urls(self) -> list[str]:
        return [str(request.url) for request in self.asked]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_and_recorded(status: int) -> None:
    site = Site(old=(status, "https://two.example/new"))
    async with web(site) as fetcher:
        fetch = await fetcher("https://one.example/old")
    assert fetch.url == "https://one.example/old"
    assert fetch.final_url == "https://two.example/new"
    assert fetch.redirects == (Redirect(status, "https://one.example/old"),)
    assert (fetch.status, fetch.requests, fetch.body) == (200, 2, b"page")


async def test_the_choice_that_a_300_names_is_followed_and_recorded() -> None:
    async with web(Site(old=(300, "/mid"), mid=(302, "/new"))) as fetcher:
        fetch = await fetcher("https://one.example/old")
    assert (fetch.status, fetch.final_url, fetch.body) == (200, "https://one.example/new", b"page")
    assert [hop.status for hop in fetch.redirects] == [300, 302]


@pytest.mark.parametrize("end", [(404, ""), (500, ""), (302, "/old"), (302, "javascript:x"), (300, "")])
async def test_a_300_whose_choice_does_not_answer_is_the_answer_itself(end: tuple[int, str]) -> None:
    """Chromium shows the list of choices: that one of them is gone says nothing of the others."""
    async with web(Site(first=(301, "/old"), old=(300, "/choice"), choice=end)) as fetcher:
        fetch = await fetcher("https://one.example/first")
    assert (fetch.status, fetch.failure, fetch.final_url) == (300, None, "https://one.example/old")
    assert fetch.redirects == (Redirect(301, "https://one.example/first"),)
    assert fetch.requests >= 3


async def test_a_300_without_a_location_is_an_answer() -> None:
    async with web(Site(old=(300, ""))) as fetcher:
        fetch = await fetcher("https://one.example/old")
    assert (fetch.status, fetch.redirects, fetch.body) == (300, (), b"page")


@pytest.mark.parametrize("status", [304, 305, 306, 309])
async def test_other_statuses_are_answers_whatever_location_they_send(status: int) -> None:
    async with web(Site(old=(status, "/new"))) as fetcher:
        fetch = await fetcher("https://one.example/old")
    assert (fetch.status, fetch.redirects) == (status, ())


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/new", "https://one.example/new"),
        ("new", "https://one.example/a/new"),
        ("?q=1", "https://one.example/a/b?q=1"),
        ("//two.example", "https://two.example/"),
        ("https:\\\\two.example\\x", "https://two.example/x"),
        ("http://one.example/plain", "http://one.example/plain"),
        (" /spaced ", "https://one.example/spaced"),
        ("/中文", "https://one.example/%E4%B8%AD%E6%96%87"),
        ("https://例子.example/", "https://xn--fsqu00a.example/"),
        ("/a b", "https://one.example/a%20b"),
        ("/x|y{z}", "https://one.example/x|y%7Bz%7D"),
    ],
)
async def test_location_is_resolved_as_browsers_do(location: str, target: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/a/b" and not request.url.query:
            return httpx.Response(302, headers=[(b"Location", location.encode())])
        return httpx.Response(200)

    async with web(answer) as fetcher:
        fetch = await fetcher("https://one.example/a/b")
    assert fetch.final_url == target


async def test_a_fragment_is_inherited_unless_the_redirect_has_its_own() -> None:
    async with web(Site(old=(302, "/new"), older=(302, "/new#there"))) as fetcher:
        assert (await fetcher("https://one.example/old#here")).final_url == "https://one.example/new#here"
        assert (await fetcher("https://one.example/older#here")).final_url == "https://one.example/new#there"


async def test_a_redirect_without_location_is_an_answer() -> None:
    async with web(Site(old=(302, ""))) as fetcher:
        assert (await fetcher("https://one.example/old")).status == 302


async def test_a_circle_is_noticed() -> None:
    site = Site(a=(302, "/b"), b=(302, "/a"))
    async with web(site) as fetcher:
        fetch = await fetcher("https://one.example/a")
    assert fetch.failure is Failure.REDIRECT_LOOP
    assert len(site.asked) == 2
    assert [hop.url for hop in fetch.redirects] == ["https://one.example/a", "https://one.example/b"]


async def test_a_site_that_sets_a_cookie_and_redirects_to_itself_lets_us_in() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers.get("cookie") == "seen=1":
            return httpx.Response(200, content=b"in")
        return httpx.Response(302, headers={"Location": "/", "Set-Cookie": "seen=1"})

    async with web(answer) as fetcher:
        fetch = await fetcher("https://one.example/")
        again = await fetcher("https://one.example/")
    assert (fetch.body, fetch.requests) == (b"in", 2)
    assert again.requests == 1


async def test_a_site_that_sets_ever_new_cookies_ends_somewhere() -> None:
    count = iter(range(1000))

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "/", "Set-Cookie": f"n={next(count)}"})

    async with web(answer, max_redirects=5) as fetcher:
        fetch = await fetcher("https://one.example/")
    assert fetch.failure is Failure.TOO_MANY_REDIRECTS
    assert fetch.requests == 6


async def test_more_redirects_than_allowed_are_too_many_and_as_many_are_not() -> None:
    site = Site(**{str(n): (302, f"/{n + 1}") for n in range(4)})
    async with web(site, max_redirects=3) as fetcher:
        assert (await fetcher("https://one.example/1")).status == 200
        fetch = await fetcher("https://one.example/0")
    assert fetch.failure is Failure.TOO_MANY_REDIRECTS
    assert len(fetch.redirects) == 4


async def test_a_redirect_out_of_the_web_stops() -> None:
    async with web(Site(old=(302, "weixin://dl/business?t=x"))) as fetcher:
        fetch = await fetcher("https://one.example/old")
    assert fetch.failure is Failure.UNSUPPORTED_SCHEME
    assert fetch.final_url == "weixin://dl/business?t=x"


@pytest.mark.parametrize("location", ["http://[::1", "https://a b/", "http://x:99999/"])
async def test_a_redirect_to_nonsense_is_the_servers_fault_not_a_malformed_link(location: str) -> None:
    async with web(Site(old=(302, location))) as fetcher:
        fetch = await fetcher("https://one.example/old")
    assert fetch.failure is Failure.PROTOCOL


async def test_every_hop_waits_in_its_own_hosts_slot(autojump_clock) -> None:
    site = Site(a=(302, "https://two.example/b"), b=(302, "https://one.example/c"))
    async with web(site, polite(interval=10.0)) as fetcher:
        await fetcher("https://one.example/a")
        await fetcher("https://two.example/d")
    assert site.times == [0, 0, 10, 10]


async def test_headers_for_one_host_stay_there() -> None:
    site = Site(a=(302, "/b"), b=(302, "https://two.example/c"), c=(302, "https://one.example/d"))
    mine = {
        "Authorization": "Basic secret",
        "Cookie": "secret=1",
        "X-Contact": "me@example.org",
        "Accept-Language": "en",
    }
    async with web(site, headers=mine) as fetcher:
        await fetcher(Request("https://one.example/a", (("If-None-Match", '"tag"'), ("Referer", "https://r.example/"))))
    first, second, third, fourth = [request.headers for request in site.asked]
    for own in (first, second):
        assert (own["authorization"], own["cookie"], own["if-none-match"]) == ("Basic secret", "secret=1", '"tag"')
    for foreign in (third, fourth):
        assert not {"authorization", "cookie", "if-none-match", "referer"} & foreign.keys()
        assert "x-contact" not in foreign
        assert foreign["accept-language"] == "en"


async def test_a_retry_of_a_chain_counts_all_it_cost(autojump_clock) -> None:
    answers = iter([302, 503, 302, 200])

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers), headers={"Location": "/b"}, content=b"x")

    async with web(answer) as fetcher:
        fetch = await fetcher("https://one.example/a")
    assert (fetch.status, fetch.requests, len(fetch.redirects)) == (200, 4, 1)
