"""Which cookies go where."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fetch_web import web

from crawler.core.errors import ConfigError
from crawler.core.slots import Politeness
from crawler.fetch import Fetcher
from crawler.fetch.cookies import MAX_COOKIES
from crawler.fetch.request import Ask


class Echo:
    """Answers 200, sets the cookies it is told to, remembers what it was sent."""

    def __init__(self, *cookies: str) -> None:
        self.cookies = cookies
        self.got: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request.headers.get("cookie"))
        return httpx.Response(200, headers=[("Set-Cookie", cookie) for cookie in self.cookies])


def cookie_file(folder: Path, *lines: str) -> str:
    file = folder / "cookies.txt"
    file.write_text("\n".join(["# Netscape HTTP Cookie File", *lines]) + "\n")
    return str(file)


async def test_cookies_come_back_to_their_host_only() -> None:
    echo = Echo("a=1; Path=/", "b=2; Path=/x")
    async with web(echo) as fetcher:
        for url in ("https://one.example/", "https://one.example/", "https://two.example/"):
            await fetcher(url)
    assert echo.got == [None, "a=1", None]


@pytest.mark.parametrize(
    "attributes",
    ["Max-Age=soon", 'Port="80"', "Version=1; Comment=x", "Domain=", "Expires=", "Priority=High"],
)
async def test_a_cookie_with_an_attribute_that_nobody_can_read_is_kept_without_it(attributes: str) -> None:
    echo = Echo(f"a=1; {attributes}; Path=/")
    async with web(echo) as fetcher:
        for _ in range(2):
            await fetcher("https://one.example/x/")
    assert echo.got == [None, "a=1"]


async def test_hosts_of_one_site_share_what_the_site_shares() -> None:
    echo = Echo("all=1; Domain=site.example", "own=2")
    async with web(echo, lambda url: Politeness(slot="site", interval=0)) as fetcher:
        await fetcher("https://a.site.example/")
        await fetcher("https://b.site.example/")
    assert echo.got == [None, "all=1"]


async def test_a_page_that_sends_readers_to_another_host_of_its_domain_for_a_cookie_is_reached() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.site.example":
            cookie = "pass=1; Domain=.site.example; Path=/"
            return httpx.Response(302, headers={"Location": "https://www.site.example/a", "Set-Cookie": cookie})
        if "pass=1" in request.headers.get("cookie", ""):
            return httpx.Response(200, text="The article")
        return httpx.Response(303, headers={"Location": "https://login.site.example/"})

    async with web(answer) as fetcher, web(answer) as owner, web(answer, elsewhere=of_login(owner)) as worker:
        for one in (fetcher, worker):
            fetch = await one("https://www.site.example/a")
            assert (fetch.status, fetch.body, len(fetch.redirects)) == (200, b"The article", 2)
    assert "pass=1" not in repr(fetch.request_headers)


def of_login(owner: Fetcher) -> Callable[[str], Ask | None]:
    """Another process asks the host that gives the cookie."""
    return lambda url: owner.hop if "//login." in url else None


async def test_a_cookie_without_a_domain_goes_to_its_own_host_and_to_none_below() -> None:
    echo = Echo("own=1")
    async with web(echo) as fetcher:
        for host in ("site.example", "www.site.example", "site.example"):
            await fetcher(f"https://{host}/")
    assert echo.got == [None, None, "own=1"]


@pytest.mark.parametrize("suffix", ["co.uk", "github.io"])
async def test_hosts_that_share_no_more_than_a_public_suffix_share_no_cookies(suffix: str) -> None:
    echo = Echo(f"all=1; Domain=.{suffix}")
    async with web(echo) as fetcher:
        await fetcher(f"https://one.{suffix}/")
        await fetcher(f"https://two.{suffix}/")
    assert echo.got == [None, None]


async def test_a_cookie_for_somebody_elses_host_is_not_kept() -> None:
    echo = Echo("evil=1; Domain=two.example")
    async with web(echo, lambda url: Politeness(slot="site", interval=0)) as fetcher:
        await fetcher("https://one.example/")
        await fetcher("https://two.example/")
    assert echo.got == [None, None]


async def test_a_jar_does_not_grow_without_bound() -> None:
    count = iter(range(10**6))

    def answer(request: httpx.Request) -> httpx.Response:
        assert len(request.headers.get("cookie", "")) < 20 * MAX_COOKIES
        return httpx.Response(200, headers=[("Set-Cookie", f"n{next(count)}=1") for _ in range(40)])

    async with web(answer) as fetcher:
        for _ in range(10):
            await fetcher("https://one.example/")


async def test_the_users_cookies_go_to_their_own_hosts_and_are_not_shown(tmp_path: Path) -> None:
    cookies = cookie_file(
        tmp_path,
        ".site.example\tTRUE\t/\tTRUE\t0\tsession\tsecret",
        "#HttpOnly_own.example\tFALSE\t/\tFALSE\t4102444800\tid\thidden",
        "old.example\tFALSE\t/\tFALSE\t1\told\texpired",
    )
    echo = Echo()
    urls = [
        "https://www.site.example/",
        "http://www.site.example/",
        "https://notsite.example/",
        "https://own.example/",
        "https://sub.own.example/",
        "https://old.example/",
    ]
    async with web(echo, cookies=cookies) as fetcher:
        fetches = [await fetcher(url) for url in urls]
    assert echo.got == ["session=secret", None, None, "id=hidden", None, None]
    assert ("Cookie", "REDACTED") in fetches[0].request_headers
    assert "secret" not in repr(fetches)


@pytest.mark.parametrize("content", [b"not a cookie file", b"\xff\xfe\x00", None])
async def test_a_cookie_file_that_cannot_be_read_is_a_wrong_configuration(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "cookies.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"cookies: cannot read .*cookies\.txt"):
        async with web(Echo(), cookies=str(file)):
            pass
