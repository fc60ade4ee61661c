"""The WHATWG normal form, and what may be shown of a URL."""

import urllib.parse

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crawler.core.url import host_of, https_of, is_http, join, normalize, redact, registrable

LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8).filter(lambda s: not s.isdigit())
PATH = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
URLS = st.builds(lambda s, h, p: f"{s}://{h}.com/{p}", st.sampled_from(["http", "https", "HTTP"]), LABEL, PATH)


@given(URLS)
def test_the_normal_form_of_a_normal_form_is_itself(raw: str) -> None:
    once = normalize(raw)
    assert normalize(once) == once


@given(LABEL, st.from_regex(r"/[a-z0-9/_-]{0,20}(\?[a-z0-9=&]{0,20})?", fullmatch=True))
def test_on_plain_urls_the_standard_library_agrees(host: str, rest: str) -> None:
    assume("//" not in rest)
    ours, theirs = urllib.parse.urlsplit(normalize(f"HTTPS://{host.upper()}.COM{rest}")), rest
    assert ours.hostname == f"{host}.com"
    assert ours.geturl() == urllib.parse.urlsplit(f"https://{host}.com{theirs}").geturl()


@pytest.mark.parametrize(
    ("raw", "href"),
    [
        (" HTTP://Example.COM:80/a/../b ", "http://example.com/b"),
        ("https:\\\\a.com\\b", "https://a.com/b"),
        ("http://例え.jp/路", "http://xn--r8jz45g.jp/%E8%B7%AF"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("https://a.com/%zz", "https://a.com/%zz"),
    ],
)
def test_addresses_are_read_as_a_browser_reads_them(raw: str, href: str) -> None:
    assert normalize(raw) == href


@pytest.mark.parametrize("raw", ["http://", "//a.com/", "", "http://a b/", "http://[::1", "https://" + "a" * 70_000])
def test_what_no_browser_opens_is_an_error_and_has_no_host(raw: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid|characters"):
        normalize(raw)
    assert host_of(raw) == ""


def test_only_web_schemes_are_fetched() -> None:
    assert is_http("HTTPS://a.com")
    assert not is_http("mailto:a@b.c")
    assert not is_http("javascript:alert(1)")


def test_relative_targets_join_the_page_they_stand_on() -> None:
    assert join("https://a.com/b/c?d", "../e#f") == "https://a.com/e#f"
    assert join("https://a.com/b", "//c.org/") == "https://c.org/"


def test_secrets_of_the_sharer_are_never_shown() -> None:
    shown = redact(
        "https://me:pw@mp.weixin.qq.com/s?__biz=MzA==&mid=1&key=s3cret&uin=s3cret&pass_ticket=s3cret%2Bx&exportkey=s3cret#x"
    )
    assert "s3cret" not in shown
    assert "pw" not in shown
    assert "__biz=MzA==&mid=1&key=REDACTED&uin=REDACTED" in shown
    assert shown.endswith("#x")


def test_secrets_inside_an_encoded_target_are_never_shown() -> None:
    inner = urllib.parse.quote("https://mp.weixin.qq.com/s?mid=1&key=s3cret&idx=2", safe="")
    for target in (inner, urllib.parse.quote(inner, safe="")):
        shown = redact(f"https://link.zhihu.com/?target={target}")
        assert "s3cret" not in shown
        assert "idx" in shown


def test_a_parameter_named_key_elsewhere_is_shown() -> None:
    assert redact("https://search.example/?key=python") == "https://search.example/?key=python"


@given(URLS)
def test_redacting_twice_changes_nothing(raw: str) -> None:
    assert redact(redact(raw)) == redact(raw)


def test_domains_are_counted_as_they_are_registered() -> None:
    assert registrable("a.b.example.co.uk") == registrable("example.co.uk") == "example.co.uk"
    assert registrable("me.github.io") != registrable("you.github.io")
    assert registrable("a.me.github.io", of_registries=True) == "github.io"
    assert (registrable("203.0.113.7"), registrable("")) == ("203.0.113.7", "")


@pytest.mark.parametrize(
    ("url", "secure"),
    [
        ("http://a.example/x?y=1#z", "https://a.example/x?y=1#z"),
        ("http://a.example:80/", "https://a.example/"),
        ("http://a.example:8080/", None),
        ("http://u:p@a.example/", None),
        ("https://a.example/", None),
        ("ftp://a.example/", None),
        ("no address", None),
    ],
)
def test_only_a_plain_http_address_has_one_at_https(url: str, secure: str | None) -> None:
    assert https_of(url) == secure
