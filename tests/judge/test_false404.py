"""Answers of 404 under which the page stands all the same, and the many under which it does not."""

import pytest
from answers import ASKED, PROSE, document_of, fetch_of

from crawler.core.model import Kind, Link, Occurrence, Proof, Verdict
from crawler.judge.generic import judge_generic

TITLE = "A long walk along the river"
ARTICLE = f"<title>{TITLE} - Ferry</title><article><h1>{TITLE}</h1>{PROSE}</article>"
KEEPS_PATH = """<title>App</title><script>var l = window.location;
l.replace(l.protocol + '//' + l.hostname + l.pathname.split('/')[0] + '/?/' + l.pathname);</script>"""
KEEPS_HREF = (
    """<script>sessionStorage.redirect = location.href;</script><meta http-equiv=refresh content="0;URL='/'">"""
)


def judged(html: str, note_title: str = "", status: int = 404) -> Verdict:
    written = Occurrence("a.md", 1, 1, ASKED, ASKED, Kind.INLINE, note_title=note_title)
    link = Link(ASKED, ASKED, ASKED, "other", "blog.example", "blog.example", (written,))
    fetch = fetch_of(html, status=status)
    return judge_generic(link, fetch, document_of(fetch))


def test_an_article_under_the_title_that_the_note_gives_it_is_not_gone() -> None:
    verdict = judged(ARTICLE, TITLE)
    assert (f"{verdict.state}/{verdict.reason}", verdict.evidence.proof) == ("suspect/not-found", Proof.CLIENT)


@pytest.mark.parametrize(
    ("html", "note_title", "status"),
    [
        (ARTICLE, "", 404),  # nobody says what should stand there
        (ARTICLE, "The price of copper", 404),
        (ARTICLE, TITLE, 410),
        (f"<title>{TITLE}</title><h1>Page not found</h1>", TITLE, 404),
        (f"<title>Blog</title>{PROSE}", "Blog", 404),  # the site's own name, over its newest article
        (f"<title>Page not found</title>{PROSE}", "Page not found", 410),
    ],
)
def test_every_other_404_is_the_site_word(html: str, note_title: str, status: int) -> None:
    assert judged(html, note_title, status).state == "dead"


@pytest.mark.parametrize("html", [KEEPS_PATH, KEEPS_HREF])
def test_an_app_that_keeps_the_address_may_draw_the_page(html: str) -> None:
    verdict = judged(html)
    assert f"{verdict.state}/{verdict.reason}" == "unknown/needs-javascript"


@pytest.mark.parametrize(
    "html",
    [
        "<script>setTimeout(function () { location.href = '/'; }, 3000)</script>",
        "<script>location.replace('/404.html')</script>",
        f"<p>{'There is no such page. ' * 10}</p>{KEEPS_PATH}",
        "<div id=root></div><script src=app.js></script>",
    ],
)
def test_a_404_that_only_sends_its_reader_home_is_a_404(html: str) -> None:
    assert judged(html).state == "dead"
