"""What remembered identities are stamped with: it changes with all that they depend on, and with nothing else."""

from dataclasses import astuple
from typing import Any

import pytest

from crawler.sites import IDENTITY_VERSION, load_sites

SITE: dict[str, Any] = {
    "hosts": ["a.example", "*.b.example"],
    "fetch": [{"https": True, "unescape": True}, {"host": "go.b.example", "unwrap": "to"}],
    "canonical": [{"path": "/old/(\\d+)(x)?", "set_path": "/new/\\1\\2", "set_host": "a.example", "drop": ["from"]}],
}
URLS = (
    "http://a.example/old/1?from=x&b=2&amp;c=3#top",
    "https://go.b.example/?to=https%3A%2F%2Fother.example%2F%3Futm_source%3Dx",
    "https://go.b.example/?to=//other.example/b",
    "https://www.b.example/old/2x?",
    "https://other.example/a?b?#!/page",
    "HTTP://User@Other.example:80/%7e/./x y?utm_a=1&&q#part",
    "mailto:a@b.example",
    "http://[",
)
# For version 2. Another result for any URL means another version, or archives would go on with the old identities.
IDENTITIES = [
    ("https://a.example/new/1?b=2&c=3", "https://a.example/old/1?from=x&b=2&c=3", "site", "a.example", "site"),
    ("https://other.example/", "https://other.example/?utm_source=x", "other", "other.example", "other.example"),
    ("https://other.example/b", "https://other.example/b", "other", "other.example", "other.example"),
    ("https://a.example/new/2x", "https://www.b.example/old/2x", "site", "www.b.example", "site"),
    ("https://other.example/a?b?#!/page", "https://other.example/a?b?", "other", "other.example", "other.example"),
    (
        "http://User@other.example/%7e/x%20y?q",
        "http://User@other.example/%7e/x%20y?utm_a=1&&q",
        "other",
        "other.example",
        "other.example",
    ),
    ("mailto:a@b.example", "mailto:a@b.example", "other", "", ""),
    ("http://[", "http://[", "other", "", ""),
]


def test_remembered_identities_are_those_that_are_worked_out() -> None:
    sites = load_sites([("site.toml", SITE)])
    assert ([astuple(sites.identify(url))[1:] for url in URLS], IDENTITY_VERSION) == (IDENTITIES, 2)


@pytest.mark.parametrize(
    "change",
    [{"hosts": ["a.example"]}, {"fetch": []}, {"canonical": SITE["canonical"] * 2}],
    ids=["hosts", "fetch", "canonical"],
)
def test_the_stamp_changes_with_what_identities_depend_on(change: dict[str, Any]) -> None:
    assert load_sites([("site.toml", SITE | change)]).stamp != load_sites([("site.toml", SITE)]).stamp


def test_the_stamp_stays_when_only_rules_and_politeness_change() -> None:
    other = SITE | {
        "politeness": {"interval": 9.0},
        "row": [{"id": "gone", "state": "dead", "reason": "x", "status": 404}],
    }
    assert load_sites([("site.toml", other)]).stamp == load_sites([("site.toml", SITE)]).stamp
