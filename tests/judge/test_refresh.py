"""A refresh of a few seconds is a redirect; everything else that looks like one is none."""

from typing import Any

import pytest
from answers import ASKED, document_of, fetch_of, named

from crawler.judge.refresh import refresh_target

NEW = "https://new.example/ferry"


def target_of(html: str, **headers: Any) -> str | None:
    fetch = fetch_of(html, **headers)
    return refresh_target(fetch, document_of(fetch))


@pytest.mark.parametrize(
    "content",
    [
        f"0; url={NEW}",
        f"0;URL='{NEW}'",
        f"5;url={NEW}",
        f"0 {NEW}",
        f"0,{NEW}",
        f' 1.5 ; url = "{NEW}" and more',
        f"0;{NEW}",
    ],
)
def test_a_refresh_within_five_seconds_is_a_redirect(content: str) -> None:
    quote = "'" if '"' in content else '"'
    assert target_of(f"<meta http-equiv=refresh content={quote}{content}{quote}><p>Redirecting</p>") == NEW


def test_an_address_is_taken_as_a_browser_would() -> None:
    meta = '<meta http-equiv="Refresh" content="0; url=../b.html">'
    assert target_of(meta) == "https://blog.example/2020/b.html"
    assert target_of(f'<base href="https://new.example/x/y/">{meta}') == "https://new.example/x/b.html"
    assert target_of("<p>x</p>", refresh=f"0; url={NEW}") == NEW


@pytest.mark.parametrize(
    "html",
    [
        f'<meta http-equiv=refresh content="6; url={NEW}">',
        f'<meta http-equiv=refresh content="600; url={NEW}">',
        '<meta http-equiv=refresh content="0">',
        '<meta http-equiv=refresh content="5">',
        f'<meta http-equiv=refresh content="0; url={ASKED}">',
        f'<meta http-equiv=refresh content="0; url={ASKED}#top">',
        '<meta http-equiv=refresh content="0; url=javascript:alert(1)">',
        '<meta http-equiv=refresh content="0; url=https://[">',
        '<meta http-equiv=refresh content="soon; url=x">',
        f'<noscript><meta http-equiv=refresh content="0; url={NEW}"></noscript>',
        f'<!-- <meta http-equiv=refresh content="0; url={NEW}"> -->',
        f'<p>&lt;meta http-equiv=refresh content="0; url={NEW}"&gt;</p>',
        '<meta http-equiv=refresh content="' + ";" * 5_000 + '">',
    ],
)
def test_what_is_no_redirect_is_none(html: str) -> None:
    assert target_of(html) is None


def test_a_failing_page_is_not_followed() -> None:
    fetch = fetch_of(f'<meta http-equiv=refresh content="0; url={NEW}">', status=404)
    assert refresh_target(fetch, document_of(fetch)) is None


def test_a_page_that_only_sends_on_and_was_not_followed_is_unknown() -> None:
    assert named(fetch_of(f'<title>R</title><meta http-equiv=refresh content="0; url={NEW}">Redirecting you now')) == (
        "unknown/empty-page"
    )
