"""Who a URL is: every example of every shipped site file, and what holds for all URLs."""

import tomllib
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.sites import Sites, load_sites
from crawler.sites.schema import Example

FOLDER = Path(__file__).parent.parent.parent / "config" / "sites"
SITES = load_sites((p.name, tomllib.loads(p.read_text("utf-8"))) for p in sorted(FOLDER.glob("*.toml")))
EXAMPLES = [(site.name, example) for site in SITES for example in site.examples]


@pytest.mark.parametrize(("site", "example"), EXAMPLES, ids=lambda e: e.url[:60] if isinstance(e, Example) else e)
def test_an_example_of_a_site_file_is_what_it_says(site: str, example: Example) -> None:
    identity = SITES.identify(example.url)
    assert identity.canonical_url == example.canonical
    if example.fetch is not None:
        assert identity.fetch_url == example.fetch
    if example.kind is not None:
        owner = SITES.named(site)
        assert owner is not None
        assert owner.kind_of(identity.canonical_url)[0] == example.kind


@pytest.mark.parametrize(("site", "example"), EXAMPLES, ids=lambda e: e.url[:60] if isinstance(e, Example) else e)
def test_the_canonical_form_of_an_example_is_its_own(site: str, example: Example) -> None:
    once = SITES.identify(example.url).canonical_url
    assert SITES.identify(once).canonical_url == once


def test_every_site_file_has_examples() -> None:
    assert [site.name for site in SITES if not site.examples] == []


HOSTS = sorted({h.removeprefix("*.") for site in SITES for h in site.file.hosts} | {"example.org", "a.example.org"})
WORDS = [
    "s",
    "p",
    "edit",
    "question",
    "answer",
    "123456789",
    "answers",
    "tardis",
    "zm",
    "art",
    "mp",
    "show",
    "AbCd" * 5,
]
SEGMENT = st.one_of(st.sampled_from(WORDS), st.text(max_size=8))
NAME = st.one_of(
    st.sampled_from(["__biz", "mid", "idx", "sn", "appmsgid", "target", "utm_source", "chksm", "id", "amp;mid"]),
    st.text(max_size=6),
)
VALUE = st.one_of(
    st.sampled_from(["MzI2NDk5NzA0Mw==", "MzI2NDk5NzA0Mw", "MzI2NDk5NzA0Mw%3D%3D", "1", "", "https%3A//a.com/%3Fx"]),
    st.text(max_size=8),
)
URLS = st.builds(
    lambda scheme, host, path, query, fragment: (
        f"{scheme}://{host}/{'/'.join(path)}?{'&'.join(f'{n}={v}' for n, v in query)}#{fragment}"
    ),
    st.sampled_from(["http", "https"]),
    st.sampled_from(HOSTS),
    st.lists(SEGMENT, max_size=5),
    st.lists(st.tuples(NAME, VALUE), max_size=5),
    st.text(max_size=5),
)


@settings(max_examples=400)
@given(URLS)
def test_the_canonical_form_of_a_canonical_form_is_itself(url: str) -> None:
    once = SITES.identify(url).canonical_url
    assert SITES.identify(once).canonical_url == once


@settings(max_examples=200)
@given(URLS)
def test_what_is_fetched_is_fetched_again_in_the_same_form_and_has_the_same_identity(url: str) -> None:
    identity = SITES.identify(url)
    again = SITES.identify(identity.fetch_url)
    assert again.fetch_url == identity.fetch_url
    assert again.canonical_url == identity.canonical_url or "#" in identity.canonical_url


@given(st.text(max_size=60))
def test_any_text_at_all_has_an_identity(text: str) -> None:
    identity = SITES.identify(text)
    assert identity.canonical_url == text or identity.host


def test_a_malformed_url_is_its_own_identity_without_host_or_slot() -> None:
    identity = SITES.identify("http://[broken/x")
    assert (identity.canonical_url, identity.host, identity.slot, identity.site) == (
        "http://[broken/x",
        "",
        "",
        "other",
    )


def test_schemes_that_are_not_fetched_have_no_slot() -> None:
    assert SITES.identify("mailto:a@b.c").slot == ""


def test_a_host_of_nobody_is_its_own_slot() -> None:
    identity = SITES.identify("http://Blog.Example.org:8080/x")
    assert (identity.site, identity.slot, identity.host) == ("other", "blog.example.org", "blog.example.org")


def test_all_hosts_of_a_site_share_one_slot() -> None:
    slots = {SITES.slot_of(u) for u in ("https://www.zhihu.com/x", "https://zhuanlan.zhihu.com/p/1")}
    assert slots == {"zhihu"}


def test_fragments_name_pages_only_where_they_look_like_paths() -> None:
    assert SITES.identify("https://example.org/#top").canonical_url == "https://example.org/"
    assert SITES.identify("https://example.org/#!/a").canonical_url == "https://example.org/#!/a"
    assert SITES.identify("https://example.org/#/a").canonical_url == "https://example.org/#/a"


def test_tracking_of_campaigns_is_no_identity_but_is_fetched() -> None:
    identity = SITES.identify("https://example.org/a?utm_source=x&id=%zz&UTM=1")
    assert identity.canonical_url == "https://example.org/a?id=%zz&UTM=1"
    assert identity.fetch_url == "https://example.org/a?utm_source=x&id=%zz&UTM=1"


def test_secure_and_plain_addresses_of_unknown_hosts_stay_two() -> None:
    assert SITES.identify("http://example.org/").canonical_url != SITES.identify("https://example.org/").canonical_url


def test_a_wrapper_within_wrappers_without_end_is_left_alone() -> None:
    url = "https://example.org/"
    for _ in range(12):
        url = "https://link.zhihu.com/?target=" + quote(url, safe="")
    assert SITES.identify(url).canonical_url.startswith("https://link.zhihu.com/")


def test_the_longest_wildcard_owns_a_host() -> None:
    sites = load_sites([("a.toml", {"hosts": ["*.x.org"]}), ("b.toml", {"hosts": ["*.y.x.org", "z.x.org"]})])
    assert isinstance(sites, Sites)
    owners = [site.name if (site := sites.for_host(h)) else "" for h in ("q.x.org", "q.y.x.org", "z.x.org", "x.org")]
    assert owners == ["a", "b", "b", ""]
