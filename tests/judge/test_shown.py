"""Failing answers under which the page stands all the same, and the many under which it does not."""

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


def judged(html: str, note_title: str = "", status: int = 404, asked: str = ASKED) -> Verdict:
    written = Occurrence("a.md", 1, 1, asked, asked, Kind.INLINE, note_title=note_title)
    link = Link(asked, asked, asked, "other", "blog.example", "blog.example", (written,))
    fetch = fetch_of(html, asked, status=status)
    return judge_generic(link, fetch, document_of(fetch))


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "not-found"), (500, "server-error"), (501, "server-error"), (505, "server-error")]
)
def test_an_article_under_the_title_that_the_note_gives_it_is_not_gone(status: int, reason: str) -> None:
    verdict = judged(ARTICLE, TITLE, status)
    assert (f"{verdict.state}/{verdict.reason}", verdict.evidence.proof) == (f"suspect/{reason}", Proof.CLIENT)


@pytest.mark.parametrize("note_title", ["", TITLE])
@pytest.mark.parametrize("end", ["a-long-walk-along-the-river", "a_long_walk_along_the_river.html", "A+long+walk/"])
def test_an_address_may_say_what_should_stand_there(end: str, note_title: str) -> None:
    verdict = judged(ARTICLE, note_title, asked=f"https://blog.example/2020/03/{end}")
    assert (f"{verdict.state}/{verdict.reason}", verdict.evidence.proof) == ("suspect/not-found", Proof.CLIENT)


@pytest.mark.parametrize("html", [f"<title>{TITLE}</title><h1>Not found</h1>", f"<title>Page not found</title>{PROSE}"])
def test_an_address_whose_words_stand_over_no_article_is_gone(html: str) -> None:
    assert judged(html, asked="https://blog.example/a-long-walk-along-the-river").state == "dead"


def test_a_broken_server_shows_next_to_nothing_so_that_other_markup_than_paragraphs_will_do() -> None:
    html = f"<title>{TITLE}</title>" + PROSE.replace("<p>", "<section><span>").replace("</p>", "</span></section>")
    assert judged(html, TITLE, 500).evidence.proof is Proof.CLIENT
    assert judged(html, TITLE, 404).state == "dead"


def test_a_broken_server_without_the_page_is_broken() -> None:
    verdict = judged("<title>Server Error (500)</title><h1>Server Error (500)</h1>", TITLE, 500)
    assert (verdict.state, verdict.evidence.proof) == ("suspect", Proof.HOST)


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


MOVED = "<title>Redirecting</title><script>location.replace('https://new.example' + location.pathname)</script>"
MOVED_HREF = "<script>window.location.href = 'https://new.example/' + window.location.pathname.slice(1)</script>"
MOVED_HOST = "<script>location = window.location.href.replace('old.example', 'new.example')</script>"


@pytest.mark.parametrize("html", [KEEPS_PATH, KEEPS_HREF, MOVED, MOVED_HREF, MOVED_HOST])
def test_an_app_that_keeps_the_address_may_draw_the_page(html: str) -> None:
    verdict = judged(html)
    assert f"{verdict.state}/{verdict.reason}" == "unknown/needs-javascript"


@pytest.mark.parametrize(
    "html",
    [
        "<script>setTimeout(function () { location.href = '/'; }, 3000)</script>",
        "<script>location.replace('/404.html')</script>",
        "<script>location.href = 'https://new.example/'; count(location.pathname)</script>",
        "<script>if (location.href == 'https://new.example' + location.pathname) count()</script>",
        f"<p>{'There is no such page. ' * 10}</p>{KEEPS_PATH}",
        "<div id=root></div><script src=app.js></script>",
    ],
)
def test_a_404_that_only_sends_its_reader_home_is_a_404(html: str) -> None:
    assert judged(html).state == "dead"
