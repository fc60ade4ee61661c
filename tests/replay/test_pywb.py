"""pywb replays what we write: every body byte for byte, and readable copies with their pictures."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from replay_stage import Kept, pywb, pywb_python, run

from crawler.archive.interchange.keys import keys
from crawler.archive.interchange.records import readable_url, start_url
from crawler.archive.interchange.source import ExportedPage
from crawler.testing import scene

pytestmark = [pytest.mark.replay, pytest.mark.slow]
FORMS = ("warc", "wacz", "store")  # what `--warc` and `--wacz` wrote, and the archive's own segments

ODD = (
    "https://www.Example.com/A/?b=2&a=1#part",
    "http://www2.example.com:8080/",
    "https://wwww.example.com./a//b/",
    "https://a.example/p?",
    "https://a.example/p/?x=%3D%2f%20a+b&A=%E4%BD%A0&&c",
    "https://a.example/?a=1&a=0&b",
    "https://a.example/%2525/a%23b?q=a%26b&p=%C3%28",
    "https://a.example/x;jsessionid=0123456789abcdef0123456789abcdef?sid=0123456789abcdef0123456789ABCDEF&b=1",
    "https://a.example/x?cfid=12&cftoken=33&z=1",
    'https://a.example/A|B^`{}"<>?utm=\\x;y',
    "https://mp.weixin.qq.com/s?__biz=Mz==&mid=1&idx=1&chksm=AB#rd",
    "urn:readable:https://mp.weixin.qq.com/s?__biz=Mz==&mid=1&Idx=1",
    "urn:readable:https://Example.com/A%20b/",
)
CANONICALIZE = """
import json, sys
from pywb.utils.canonicalize import canonicalize
print(json.dumps([canonicalize(url) for url in sys.argv[1:]]))
"""

Get = Callable[[str], tuple[int, bytes, str]]


class _Staying(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """No redirect is followed: what came is raised as an HTTPError, which has its headers."""


@pytest.fixture(scope="module")
def replayed(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    collections = {
        "warc": list(map(str, kept.warcs)),
        "wacz": ["--unpack-wacz", str(kept.wacz)],
        "store": list(map(str, kept.segments)),
    }
    with pywb(tmp_path_factory.mktemp("pywb"), collections) as where:
        yield where


@pytest.fixture(scope="module")
def get(replayed: str) -> Get:
    """Ask pywb: status, body, and where a redirect leads."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Staying)

    def asked(path: str) -> tuple[int, bytes, str]:
        try:
            with opener.open(urljoin(replayed, path), timeout=30) as answer:
                return answer.status, answer.read(), answer.headers.get("Location", "")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers.get("Location", "")

    return asked


def stamp(page: ExportedPage) -> str:
    return f"{page.capture.at:%Y%m%d%H%M%S}"


def ascii_url(url: str) -> str:
    return urllib.parse.quote(url, safe="/:?&=%#~+@,;!$'()*")


@pytest.mark.parametrize("form", FORMS)
def test_every_body_comes_back_byte_for_byte(kept: Kept, get: Get, form: str) -> None:
    replayed = 0
    for page in kept.pages:
        if page.raw is None:
            continue
        url = page.capture.final_url or page.capture.url
        status, body, _ = get(f"/{form}/{stamp(page)}id_/{ascii_url(url)}")
        assert (status, body) == (page.raw.status, page.raw.body), url
        replayed += 1
    assert replayed == len(kept.pages) > 10


@pytest.mark.parametrize("form", FORMS)
def test_a_readable_copy_is_shown_with_its_pictures(kept: Kept, get: Get, form: str) -> None:
    pictures = 0
    for page in kept.pages:
        if not page.readable:
            continue
        status, body, _ = get(f"/{form}/{stamp(page)}mp_/{ascii_url(readable_url(page))}")
        shown = body.decode()
        assert status == 200, page.capture.url
        assert page.capture.title in unescape(shown)
        for source in re.findall(r'<img[^>]* src="([^"]+)"', shown):
            status, picture, _ = get(unescape(source))
            assert status == 200, source
            assert picture in {kept.body for kept in page.pictures}
            pictures += 1
    assert pictures == 4


@pytest.mark.parametrize("form", ["warc", "wacz"])
def test_a_redirect_leads_on(kept: Kept, get: Get, form: str) -> None:
    page = kept.page(f"{scene.BLOG}/posts/attention-from-scratch")
    status, _, location = get(f"/{form}/{stamp(page)}id_/{page.capture.url}")
    assert (status, location) == (301, page.capture.final_url)


@pytest.mark.parametrize("form", FORMS)
def test_what_was_not_kept_is_not_found(get: Get, form: str) -> None:
    assert get(f"/{form}/id_/https://never-kept.example/")[0] == 404


def test_the_keys_of_our_index_are_those_that_pywb_looks_up(kept: Kept, tmp_path: Path) -> None:
    urls = [*ODD, *(url for page in kept.pages for url in (start_url(page), readable_url(page)))]
    looked_up = json.loads(run(tmp_path, str(pywb_python()), "-c", CANONICALIZE, *urls))
    assert [(url, key in keys(url)) for url, key in zip(urls, looked_up, strict=True)] == [(url, True) for url in urls]
