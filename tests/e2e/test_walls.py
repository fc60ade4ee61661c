"""Walls, soft 404s, redirects and refreshes as servers really send them, through the real command line and sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crawler.testing.answer import StandInAnswer, StandInPlan, redirect

if TYPE_CHECKING:
    from conftest import Report, Stage

pytestmark = pytest.mark.slow

PROSE = (
    "<p>" + "The ferry has crossed this river for forty years, and nobody remembers a day without it. " * 20 + "</p>"
)
PAGE = f"<title>The ferry over the river</title><article><h1>The ferry</h1>{PROSE}</article>"
MENU = "<li><a href=/c>Boots and shoes for the family</a></li>" * 70
PADDING = f"<script>{'var padding = 1;' * 30_000}</script>"


def page(html: str, status: int = 200) -> StandInAnswer:
    return StandInAnswer(html.encode(), status=status)


EXPECTED = {
    "https://amazon.example/dp/1": ("blocked", "captcha"),
    "https://google.example/search": ("blocked", "captcha"),
    "https://shielded.example/a": ("blocked", "captcha"),
    "https://shop.example/dp/2": ("blocked", "captcha"),
    "https://human.example/post": ("blocked", "captcha"),
    "https://members.example/thread": ("blocked", "login-required"),
    "https://refusing.example/a": ("blocked", "forbidden"),
    "https://catalogue.example/gone": ("suspect", "soft-404"),
    "https://nginx.example/gone": ("suspect", "soft-404"),
    "https://app.example/a": ("unknown", "needs-javascript"),
    "https://me.example/resume": ("alive", "ok"),
    "https://lib.example/docs/1.0/": ("alive", "ok"),
    "https://lib.example/docs/1.1/": ("alive", "ok"),
    "https://lib.example/docs/2.0/": ("alive", "ok"),
    "https://short.example/a": ("alive", "ok"),
    "https://parked.example/post": ("suspect", "parked-domain"),
    "https://guide.example/404": ("alive", "ok"),
}
STABLE = redirect("https://lib.example/docs/stable/", 301)
PLAN = StandInPlan(
    answers={
        "https://amazon.example/dp/1": page("<p>To discuss automated access to our data please write to us.</p>", 503),
        "https://google.example/search": page(
            "<p>Our systems have detected unusual traffic from your network.</p>", 503
        ),
        "https://shielded.example/a": page(f"<title>Checking your browser</title><p>Please wait</p>{PADDING}", 503),
        "https://shop.example/dp/2": page(
            "<title>Shop</title><form action='/errors/validateCaptcha'><button>Continue</button></form><p>"
            "Conditions of use and privacy policy of the shop, its owners and its affiliates.</p>"
        ),
        "https://human.example/post": page(
            '<title>A</title><article><p>Words</p><code>x</code></article><div id="px-captcha"></div>'
        ),
        "https://members.example/thread": page("<title>提示信息</title><div id=messagetext>您没有权限访问该版块</div>"),
        "https://refusing.example/a": page("<title>403 Forbidden</title><h1>Forbidden</h1>"),
        "https://catalogue.example/gone": page(f"<title>Page Not Found - Shop</title><ul>{MENU}</ul>"),
        "https://nginx.example/gone": page(f"<title>404 Not Found</title><ul>{MENU}</ul>"),
        "https://app.example/a": page(
            "<title>App</title><div id=root></div><noscript><img height=1 width=1 src=/p.gif></noscript>"
            "<script src=/a.js></script>"
        ),
        "https://me.example/resume": redirect("https://me.example/cv", 301),
        "https://me.example/cv": page(PAGE),
        "https://lib.example/docs/1.0/": STABLE,
        "https://lib.example/docs/1.1/": STABLE,
        "https://lib.example/docs/2.0/": STABLE,
        "https://lib.example/docs/stable/": page(PAGE),
        "https://short.example/a": page(
            '<title>Redirecting…</title><meta http-equiv=refresh content="0; url=https://long.example/ferry">Redirecting…'
        ),
        "https://long.example/ferry": page(PAGE),
        "https://parked.example/post": page("<title>parked.example is for sale</title><p>Make an offer</p>"),
        "https://guide.example/404": page(
            f"<title>404 Not Found - Guide</title><article><h1>404 Not Found</h1>{PROSE}</article>"
        ),
    }
)


@pytest.fixture(scope="module")
def ran(staged_once: Callable[..., Stage]) -> Report:
    stage = staged_once(PLAN)
    stage.note("links.md", "\n\n".join(EXPECTED))
    return stage.report("run")


def test_every_answer_is_judged_by_what_it_shows(ran: Report) -> None:
    assert {url: ran.verdicts[url] for url in EXPECTED} == EXPECTED


def test_a_version_and_a_renamed_page_moved(ran: Report) -> None:
    assert ran["https://lib.example/docs/1.0/"]["moved_to"] == "https://lib.example/docs/stable/"
    assert ran["https://me.example/resume"]["moved_to"] == "https://me.example/cv"


def test_a_refresh_is_followed_with_its_hop_in_the_evidence_and_its_text_kept(ran: Report) -> None:
    found = ran["https://short.example/a"]
    assert found["evidence"]["final_url"] == "https://long.example/ferry"
    assert found["evidence"]["redirects"] == [{"status": 200, "url": "https://short.example/a"}]
    assert found["page_title"] == "The ferry"
