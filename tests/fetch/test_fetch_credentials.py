"""Whose headers go where: credentials stay with the scheme, host and port that they were meant for."""

from itertools import pairwise

import httpx
import pytest
from fetch_web import polite, web

from crawler.core.settings import FetchSettings, Host, Seconds
from crawler.core.slots import Politeness
from crawler.core.url import host_of
from crawler.fetch import Request
from crawler.fetch.credentials import headers_for
from crawler.schedule.politeness import politeness_of

MINE = {"Authorization": "Bearer secret", "Cookie": "secret=1", "X-Api-Key": "secret", "Accept-Language": "de"}


class Chain:
    """Redirects along a list of URLs; remembers what each request carried."""

    def __init__(self, *urls: str) -> None:
        self.onward = dict(pairwise(urls))
        self.asked: list[tuple[str, httpx.Headers]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((str(request.url), request.headers))
        target = self.onward.get(str(request.url))
        return httpx.Response(302, headers={"Location": target}) if target else httpx.Response(200)


def secrets_of(headers: httpx.Headers) -> set[str]:
    return {name for name in ("authorization", "cookie", "x-api-key") if "secret" in headers.get(name, "")}


ALL = {"authorization", "cookie", "x-api-key"}


@pytest.mark.parametrize(
    ("second", "carried"),
    [
        ("https://one.example/b", ALL),
        ("https://one.example:443/b", ALL),
        ("http://one.example/b", set()),
        ("https://one.example:8443/b", set()),
        ("https://sub.one.example/b", set()),
        ("https://two.example/b", set()),
    ],
)
async def test_configured_headers_stay_with_scheme_host_and_port(second: str, carried: set[str]) -> None:
    chain = Chain("https://one.example/a", second.replace(":443", ""))
    async with web(chain, headers=MINE) as fetcher:
        await fetcher("https://one.example/a")
    assert secrets_of(chain.asked[0][1]) == ALL
    assert secrets_of(chain.asked[1][1]) == carried
    assert chain.asked[1][1]["accept-language"] == "de"


async def test_an_upgrade_to_https_leaves_them_behind_too_and_so_does_the_way_back() -> None:
    chain = Chain("http://one.example/", "https://one.example/", "https://two.example/", "http://one.example/c")
    async with web(chain, headers=MINE) as fetcher:
        await fetcher("http://one.example/")
    assert [secrets_of(headers) for _, headers in chain.asked] == [ALL, set(), set(), set()]


async def test_a_runs_own_politeness_does_not_bring_them_back() -> None:
    """The layers of [fetch], [host] and site files are resolved once; a redirect must not find [fetch] in there."""
    settings = FetchSettings(headers=MINE, interval=Seconds(0))
    hosts = {"two.example": Host(headers={"X-Two": "2"})}

    def rules(url: str) -> Politeness:
        return politeness_of(host_of(url), host_of(url), settings, hosts)

    chain = Chain("https://one.example/", "https://two.example/")
    async with web(chain, rules, headers=MINE, interval=0.0) as fetcher:
        await fetcher("https://one.example/")
    assert secrets_of(chain.asked[0][1]) == ALL
    assert secrets_of(chain.asked[1][1]) == set()
    assert chain.asked[1][1]["x-two"] == "2"


@pytest.mark.parametrize(
    ("first", "second", "carried"),
    [
        ("https://two.example/", None, True),
        ("http://two.example:8080/", None, True),
        ("https://one.example/", "https://two.example/", True),
        ("https://one.example/", "http://two.example/", False),
        ("https://one.example/", "https://two.example:8443/", False),
        ("https://two.example/", "http://two.example/x", False),
    ],
)
async def test_secrets_of_a_host_table_go_to_the_address_of_the_note_or_to_the_hosts_own_https(
    first: str, second: str | None, carried: bool
) -> None:
    def rules(url: str) -> Politeness:
        mine = (("Cookie", "secret=1"), ("X-Plain", "1")) if host_of(url) == "two.example" else ()
        return polite(headers=mine)(url)

    chain = Chain(*filter(None, (first, second)))
    async with web(chain, rules) as fetcher:
        await fetcher(first)
    assert ("cookie" in chain.asked[-1][1]) is carried
    assert "x-plain" in chain.asked[-1][1]


async def test_a_user_in_the_url_is_for_that_url_alone() -> None:
    chain = Chain("https://me:pw@one.example/", "https://two.example/")
    chain.onward["https://one.example/"] = "https://two.example/"
    async with web(chain) as fetcher:
        fetch = await fetcher("https://me:pw@one.example/")
    assert ["authorization" in headers for _, headers in chain.asked] == [True, False]
    assert "bWU6cHc=" not in repr(fetch)


async def test_validators_go_along_to_https_and_to_no_other_host() -> None:
    chain = Chain("http://one.example/", "https://one.example/", "https://two.example/")
    async with web(chain) as fetcher:
        await fetcher(Request("http://one.example/", (("If-None-Match", '"x"'),)))
    assert ["if-none-match" in headers for _, headers in chain.asked] == [True, True, False]


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "X Y", "", "a:b", "Proxy-Authorization"])
def test_headers_that_would_break_the_request_are_never_sent(name: str) -> None:
    assert list(headers_for(Request("https://one.example/"), [(name, "1")], [(name, "1")])) == []


async def test_a_value_of_two_lines_is_sent_as_one() -> None:
    chain = Chain("https://one.example/")
    async with web(chain, headers={"X-Name": "a\r\nX-Evil: b\0"}) as fetcher:
        fetch = await fetcher("https://one.example/")
    assert fetch.status == 200
    assert chain.asked[0][1]["x-name"] == "a X-Evil: b"
