"""Where a person may look for a page that is gone: ready search addresses, which nothing here ever asks.

Pure: one function for all formats. What was found and tried is a suggestion, and stands beside these.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from crawler.core.display import plain
from crawler.core.model import LOCAL, History, Link, State
from crawler.core.url import host_of, is_http, redact, without_fragment
from crawler.page.titles import title_match
from crawler.report.parts import SearchPart

WEIXIN = "weixin"
MAX_QUERY = 100  # characters of a title in a query; search engines cut at 38 words or some 80 characters
OWN = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".invalid", ".test")


PLACES = {  # best first: what stands before and behind the words or the address that is looked for
    "sogou-weixin": ("https://weixin.sogou.com/weixin?type=2&query=", ""),
    "bing": ("https://www.bing.com/search?q=%22", "%22"),
    "baidu": ("https://www.baidu.com/s?wd=", ""),
    "wayback": ("https://web.archive.org/web/*/", ""),
    "archive-today": ("https://archive.today/", ""),
}
BY_ADDRESS = ("wayback", "archive-today")


def search_addresses(link: Link, history: History) -> tuple[SearchPart, ...]:
    """Where to look for a dead link, best first; none for other links, and none that would tell others of secrets.

    By title: Sogou's search in WeChat articles (with the account, where it is known), Bing, Baidu. By address: the
    Internet Archive, archive.today.
    """
    if history.state is not State.DEAD or link.site == LOCAL or not is_http(link.fetch_url):
        return ()
    title, url = _title(link, history), _sendable(link)
    account = plain(history.page_author) if history.page_author not in title else ""
    wanted = {
        "sogou-weixin": query(f"{title} {account}") if title and link.site == WEIXIN else "",
        "bing": query(title),
        "baidu": query(title),
        "wayback": url,
        "archive-today": url,
    }
    return tuple(
        SearchPart(name=name, url=f"{before}{wanted[name]}{behind}")
        for name, (before, behind) in PLACES.items()
        if wanted[name]
    )


def looked_for(search: SearchPart) -> str:
    """The words or the address in a search address, without the place that is asked."""
    before, behind = PLACES[search.name]
    found = search.url.removeprefix(before).removesuffix(behind)
    return found if search.name in BY_ADDRESS else unquote(found)


def query(words: str) -> str:
    """Words as they stand in an address."""
    return quote(words.strip(), safe="!'()*", errors="replace")  # as JavaScript's encodeURIComponent does


def _title(link: Link, history: History) -> str:
    """The page's own title, else the first of the notes' that says something; "" where none does."""
    titles = (history.page_title if history.last_alive else "", *(o.note_title for o in link.occurrences))
    telling = (" ".join(plain(title).split()) for title in titles if title and title_match(title, title) is not None)
    return next((title[:MAX_QUERY].replace('"', " ") for title in telling), "")


def _sendable(link: Link) -> str:
    """The address as others may see it, without secrets of a sharer; "" for what is nobody's business."""
    host = host_of(link.fetch_url)
    url = without_secrets(redact(link.fetch_url))
    if "REDACTED" in url or "." not in host or host.endswith(OWN) or _is_number(host):
        return ""
    return quote(url, safe="%/:=&?~+!$,;'@()*[]", errors="replace")


def without_secrets(shown: str) -> str:
    """A redacted address without its fragment and the parameters that were redacted; `report.js` does the same."""
    address, mark, asked = without_fragment(shown).partition("?")
    kept = "&".join(part for part in asked.split("&") if not part.endswith("=REDACTED"))
    return f"{address}{mark}{kept}".rstrip("?&")


def _is_number(host: str) -> bool:
    return host.startswith("[") or host.rpartition(".")[2].isdigit()
