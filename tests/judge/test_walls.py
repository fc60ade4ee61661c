"""Walls under any status and of any size, and the living pages that look or sound like one."""

from typing import Any

import pytest
from answers import PAGES, PROSE, document_of, fetch_of, filled, judged, named, pages
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import State
from crawler.judge.walls import wall_kind, wall_of


@pytest.mark.parametrize("status", [200, 403, 503])
@pytest.mark.parametrize("html", pages("challenge"))
def test_a_challenge_is_a_wall_under_any_status_and_of_any_size(html: str, status: int) -> None:
    assert named(fetch_of(html, status=status)) == "blocked/captcha"


@pytest.mark.parametrize(
    ("header", "value"),
    [("cf-mitigated", "challenge"), ("x-amzn-waf-action", "challenge"), ("x-vercel-mitigated", "challenge")],
)
def test_a_firewall_that_says_so_in_a_header_is_believed(header: str, value: Any) -> None:
    assert named(fetch_of("", status=202, **{header: value})) == "blocked/captcha"
    assert named(fetch_of(f"<title>a</title>{PROSE}", **{"x-amzn-requestid": value})) == "alive/ok"


@pytest.mark.parametrize("reason", PAGES["refused"])
def test_a_refusal_that_is_served_with_200_is_a_refusal(reason: str) -> None:
    found = {name: named(fetch_of(filled(html))) for name, html in PAGES["refused"][reason].items()}
    assert found == dict.fromkeys(found, f"blocked/{reason}")


@pytest.mark.parametrize("html", pages("login"))
def test_a_login_form_in_the_place_of_the_page_is_a_wall(html: str) -> None:
    assert named(fetch_of(html)) == "blocked/login-required"


@pytest.mark.parametrize("html", pages("members-only"))
def test_a_forum_that_shows_its_thread_to_members_only_asks_for_a_login(html: str) -> None:
    assert named(fetch_of(html)) == "blocked/login-required"


@pytest.mark.parametrize("html", pages("age-gate"))
def test_a_question_for_the_readers_age_in_the_place_of_the_page_is_a_wall(html: str) -> None:
    assert named(fetch_of(html)) == "blocked/consent-required"


@pytest.mark.parametrize(
    "html",
    [
        "<title>400 Bad Request</title><center><h1>400 Bad Request</h1></center><hr><center>nginx</center>",
        "<title>Bad Request</title><h2>Bad Request - Invalid Hostname</h2>",
        "Bad Request",
    ],
)
def test_the_name_of_a_status_is_no_refusal(html: str) -> None:
    assert named(fetch_of(html, status=400)) == "suspect/client-error"
    refused = "<h1>Bad Request</h1><p>Bad bot access attempt. Access denied by the bot protection.</p>"
    assert named(fetch_of(refused, status=400)) == "blocked/forbidden"


def test_a_page_of_consent_in_the_place_of_the_page_is_a_wall() -> None:
    form = "<form action='https://consent.google.com/save'><button>I agree</button></form>"
    assert named(fetch_of(f"<title>Before you continue to Google</title>{form}")) == "blocked/consent-required"
    assert named(fetch_of(f"<title>The ferry</title>{PROSE}{form}")) == "alive/ok"


@pytest.mark.parametrize("html", pages("living", "wall"))
def test_pages_that_only_look_or_sound_like_walls_live(html: str) -> None:
    assert named(fetch_of(html)) == "alive/ok"


@pytest.mark.parametrize("status", [404, 410])
def test_words_of_a_refusal_do_not_outrank_the_sites_own_404(status: int) -> None:
    html = "<title>Not found</title><p>The page does not exist, or you do not have permission to view this page.</p>"
    assert judged(fetch_of(html, status=status)).state is State.DEAD


@pytest.mark.parametrize("status", [401, 429, 451])
def test_a_status_that_says_why_it_refuses_is_not_overruled_by_words(status: int) -> None:
    html = "<title>Sorry</title><p>Your request has been blocked.</p>"
    assert judged(fetch_of(html, status=status)).evidence.rule == f"generic/status-{status}"


def test_a_failing_status_with_nothing_but_a_firewalls_script_is_a_wall_and_a_broken_server_is_none() -> None:
    script = "<script src='/cdn-cgi/bm/cv/1/api.js'></script>"
    assert named(fetch_of(script, status=503)) == "blocked/captcha"
    assert named(fetch_of(f"<p>We are repairing the ferry.</p>{script}", status=503)) == "suspect/server-error"
    assert named(fetch_of("<h1>Service Unavailable</h1>", status=503)) == "suspect/server-error"
    big_ip = "<script src='/TSPD/08a?type=10'></script><noscript>Please enable JavaScript to view the page.</noscript>"
    assert named(fetch_of(big_ip, status=503)) == "blocked/captcha"
    aws = "<script src='https://x.token.awswaf.com/a/challenge.js'></script>"
    assert named(fetch_of(aws, status=202)) == "blocked/captcha"
    assert named(fetch_of(aws)) == "unknown/needs-javascript"
    assert named(fetch_of("<title>验证</title><div class=geetest_holder>点击按钮进行验证</div>")) == "blocked/captcha"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://www.google.com/sorry/index?continue=x", "captcha"),
        ("https://yandex.ru/showcaptcha?retpath=x", "captcha"),
        ("https://www.linkedin.com/authwall?trk=x", "login-required"),
        ("https://blog.example/sorry/for-the-delay", ""),
        ("https://id.example/auth/realms/x/protocol/openid-connect/auth?client_id=a", "login-required"),
        ("https://id.example/adfs/ls/?wa=wsignin1.0", "login-required"),
        ("https://id.example/idp/SSO?SAMLRequest=fZ", "login-required"),
        ("https://blog.example/docs/oauth/authorize", ""),
        ("https://shop.example/consent?next=%2Fa", "consent-required"),
        ("https://shop.example/agecheck/app/1/", "consent-required"),
        ("https://blog.example/consent", ""),
        ("https://shop.example/error/403.html", "forbidden"),
        ("https://shop.example/access-denied", "forbidden"),
        ("https://blog.example/403/how-it-came", ""),
        ("https://blog.example/403.html", "forbidden"),
        ("https://blog.example/story/403", ""),
        ("https://blog.example/docs/forbidden-fruit", ""),
        ("https://forum.example/index.php?action=login;u=1", "login-required"),
    ],
)
def test_addresses_of_walls_are_known(url: str, kind: str) -> None:
    assert wall_kind(url) == kind


@given(st.text(max_size=2_000))
def test_any_text_is_judged(text: str) -> None:
    fetch = fetch_of(f"<title>{text[:80]}</title><p>{text}</p>".encode("utf-8", "replace"))
    found = wall_of(fetch, document_of(fetch))
    assert found is None or found.state is State.BLOCKED


@pytest.mark.parametrize("seed", ["you ", "sorry ", "your request ", "404 - ", "请", "the page ", "log in to "])
def test_patterns_end_soon_on_text_that_nearly_matches(seed: str) -> None:
    # Nested repetition would take for ever here; a pattern that backtracks without end hangs this test.
    fetch = fetch_of(f"<title>{seed * 400}</title><h1>{seed * 400}</h1><p>{seed * 4_000}</p>")
    assert judged(fetch).state in State
