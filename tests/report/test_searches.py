"""Ready search addresses for dead links: by title and account, by address, and nothing that is nobody's business."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import History, Kind, Link, Occurrence, State
from crawler.report.elsewhere import search_addresses

NOW = datetime(2026, 3, 4, tzinfo=UTC)
WEIXIN = "https://mp.weixin.qq.com/s/Elsewhere00000000_01"


def link(url: str = WEIXIN, title: str = "", site: str = "weixin") -> Link:
    written = Occurrence("a.md", 1, 1, url, url, Kind.INLINE, title)
    host = urlsplit(url).hostname or ""
    return Link(url, url, url, site, host, host, (written,))


def history(of: Link, **more: object) -> History:
    return replace(History(of.canonical_url, NOW, url=of.url, state=State.DEAD), **more)  # type: ignore[arg-type]  # test shorthand


def found(of: Link, **more: object) -> dict[str, str]:
    return {search.name: search.url for search in search_addresses(of, history(of, **more))}


def test_a_dead_article_is_searched_by_title_and_account_and_by_address() -> None:
    searches = found(link(), last_alive=NOW, page_title="茶 是怎样做成的", page_author="茶馆")
    assert list(searches) == ["sogou-weixin", "bing", "baidu", "wayback", "archive-today"]
    assert parse_qs(urlsplit(searches["sogou-weixin"]).query) == {"type": ["2"], "query": ["茶 是怎样做成的 茶馆"]}
    assert parse_qs(urlsplit(searches["bing"]).query) == {"q": ['"茶 是怎样做成的"']}
    assert parse_qs(urlsplit(searches["baidu"]).query) == {"wd": ["茶 是怎样做成的"]}
    assert searches["wayback"] == f"https://web.archive.org/web/*/{WEIXIN}"
    assert searches["archive-today"] == f"https://archive.today/{WEIXIN}"


def test_the_notes_title_serves_where_the_page_was_never_read_and_only_if_it_says_something() -> None:
    assert "Tea" in found(link("https://a.example/x", "Tea", "other"), page_title="404")["bing"]
    assert list(found(link("https://a.example/x", "here", "other"))) == ["wayback", "archive-today"]
    assert "sogou-weixin" not in found(link("https://a.example/x", "Tea", "other"))


@pytest.mark.parametrize("state", [state for state in State if state is not State.DEAD])
def test_only_the_dead_are_searched_for(state: State) -> None:
    assert found(link(title="Tea"), state=state) == {}


@pytest.mark.parametrize(
    "url",
    ["http://intranet/x", "http://10.0.0.1/x", "http://[::1]/x", "http://wiki.internal/x", "https://me:pw@a.example/x"],
)
def test_addresses_that_are_somebodys_own_are_not_handed_on(url: str) -> None:
    assert list(found(link(url, "Tea", "other"))) == ["bing", "baidu"]


def test_secrets_of_a_sharer_are_left_out() -> None:
    written = f"{WEIXIN}?a=1&key=secret&uin=secret&pass_ticket=secret#rd"
    shared = replace(link(WEIXIN), url=written, fetch_url=written)
    assert "secret" not in "".join(found(shared).values())
    assert found(shared)["archive-today"] == f"https://archive.today/{WEIXIN}?a=1"


@given(st.text(max_size=30), st.text(max_size=300))
def test_whatever_a_note_says_gives_addresses_of_the_web(path: str, title: str) -> None:
    for url in found(link(f"https://a.example/{path}", title)).values():
        assert url.isascii()
        assert not any(letter.isspace() for letter in url)
