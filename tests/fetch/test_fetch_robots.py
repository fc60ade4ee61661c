"""`robots = true`: what is asked for, and what is left alone."""

import httpx
import pytest
from fetch_web import web

from crawler.core.model import Failure


class Host:
    """A web with one robots.txt for all hosts; remembers what it was asked for."""

    def __init__(self, robots: str = "", status: int = 200) -> None:
        self.robots, self.status = robots, status
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if request.url.path == "/robots.txt":
            return httpx.Response(self.status, content=self.robots.encode())
        if request.url.path == "/away":
            return httpx.Response(302, headers={"Location": "https://two.example/private/x"})
        return httpx.Response(200)


RULES = "\ufeffUser-agent: *\nDisallow: /private/\nAllow: /private/but\nDisallow: /*.pdf$\n"


async def test_robots_txt_is_not_asked_for_unless_wanted() -> None:
    host = Host(RULES)
    async with web(host) as fetcher:
        assert (await fetcher("https://one.example/private/x")).status == 200
    assert host.asked == ["https://one.example/private/x"]


async def test_what_is_disallowed_is_not_asked_for() -> None:
    host = Host(RULES)
    async with web(host, robots=True) as fetcher:
        fetches = [
            await fetcher(f"https://one.example/{p}") for p in ("x", "private/x", "private/but", "a.pdf", "a.pdf?b")
        ]
    assert [f.failure for f in fetches] == [None, Failure.ROBOTS, None, Failure.ROBOTS, None]
    assert fetches[1].requests == 0
    assert host.asked.count("https://one.example/robots.txt") == 1


async def test_a_group_of_robots_txt_that_names_us_goes_before_the_one_for_all() -> None:
    host = Host("User-agent: linkhealth-crawler\nDisallow: /\n\nUser-agent: *\nAllow: /\n")
    async with web(host, robots=True) as fetcher:
        assert (await fetcher("https://one.example/")).failure is Failure.ROBOTS
    async with web(host, robots=True, user_agent="other/1.0") as fetcher:
        assert (await fetcher("https://one.example/")).status == 200


async def test_hops_are_held_to_their_own_hosts_rules() -> None:
    host = Host(RULES)
    async with web(host, robots=True) as fetcher:
        fetch = await fetcher("https://one.example/away")
    assert fetch.failure is Failure.ROBOTS
    assert [hop.url for hop in fetch.redirects] == ["https://one.example/away"]
    assert "https://two.example/robots.txt" in host.asked
    assert "https://two.example/private/x" not in host.asked


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (500, False), (503, False)])
async def test_no_rules_allow_all_and_a_failing_server_disallows_all(
    status: int, allowed: bool, autojump_clock
) -> None:
    async with web(Host(RULES, status), robots=True) as fetcher:
        fetch = await fetcher("https://one.example/private/x")
    assert (fetch.failure is None) is allowed


async def test_a_host_that_is_not_there_says_so_itself(autojump_clock) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise ConnectionRefusedError(111, "Connection refused")

    async with web(nobody, robots=True) as fetcher:
        assert (await fetcher("https://one.example/")).failure is Failure.REFUSED


@pytest.mark.parametrize(
    "robots", ["\0\xff" * 1000, "Disallow: /" * 100_000, "User-agent: *\nDisallow: /" + "*a" * 9000]
)
async def test_rules_made_to_hurt_do_not(robots: str) -> None:
    async with web(Host(robots), robots=True) as fetcher:
        assert (await fetcher("https://one.example/" + "a" * 5000)).status == 200
