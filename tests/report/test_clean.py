"""Strings from outside lose their teeth and keep their words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.display import clipped, plain, redacted, storable
from crawler.report.clean import escaped_json, file_link, web_link

OBEYED = [chr(c) for c in (*range(32), *range(0x7F, 0xA0), 0xAD, 0x61C, 0x200B, 0x200E, 0x2028, 0x202E, 0x2066, 0xFEFF)]
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@given(ANY_TEXT)
def test_plain_text_holds_nothing_that_a_terminal_obeys_and_is_one_line(text: str) -> None:
    made = plain(text)
    assert not set(made) & set(OBEYED)
    assert made.splitlines() in ([], [made])
    assert plain(made) == made
    made.encode()


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b2Jgone", "gone"),
        ("\x1b]0;owned\x07title", "title"),
        ("\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\u202etxt.exe\u202c", "txt.exe"),
        ("a\r\nb\u2028c\td", "a b c d"),
        ("半\ud800角", "半角"),
        ("👩‍💻 家", "👩‍💻 家"),
        ("全角\u3000空格", "全角 空格"),
        ("a \u200b b", "a b"),
    ],
)
def test_sequences_vanish_whole_and_words_stay(hostile: str, harmless: str) -> None:
    assert plain(hostile) == harmless


@pytest.mark.parametrize("unit", ["\x1b]", "\x1b[1;", "\x9b", "\x1b", "\u202e", " ", "\x9d;"])
def test_a_flood_of_sequences_is_read_in_linear_time(unit: str) -> None:
    assert not set(plain(unit * 300_000)) & set(OBEYED)


@pytest.mark.parametrize("unit", ["https://", "a://b", "https://x.example/?key=1&", "://", "a"])
def test_a_flood_of_addresses_is_read_in_linear_time(unit: str) -> None:
    redacted(unit * 30_000)


@given(ANY_TEXT)
def test_json_says_the_same_after_escaping_and_shows_no_control_character(text: str) -> None:
    written = escaped_json(json.dumps([storable(text)], ensure_ascii=False).encode())
    assert json.loads(written) == [storable(text)]
    assert not set(written) & set(OBEYED)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example/x?y=1", "https://a.example/x?y=1"),
        ('https://a.example/"<i>|', "https://a.example/%22%3Ci%3E%7C"),
        ("javascript:alert(1)", ""),
        ("JavaScript://a.example/%0Aalert(1)", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
        ("https:///nowhere", ""),
        ("http://[broken", ""),
        ("/images/x.png", ""),
    ],
)
def test_only_addresses_of_the_web_are_links(url: str, target: str) -> None:
    assert web_link(url) == target


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("posts/2016-1-17-x.md", "posts/2016-1-17-x.md"),
        ("a b/c#d?e%.md", "a%20b/c%23d%3Fe%25.md"),
        ("javascript:alert(1).md", "javascript%3Aalert(1).md"),
        ("//evil.example/x.md", "./evil.example/x.md"),
        ("笔记.md", "%E7%AC%94%E8%AE%B0.md"),
        ("bytes\udcff.md", "bytes%3F.md"),
    ],
)
def test_a_file_name_is_never_a_scheme_a_host_or_a_query(path: str, target: str) -> None:
    assert file_link(path) == target


def test_secrets_are_redacted_inside_running_text() -> None:
    text = "cannot reach https://me:pass@mp.weixin.qq.com/s?key=1a2b&uin=3：超时"
    assert redacted(text) == "cannot reach https://REDACTED@mp.weixin.qq.com/s?key=REDACTED&uin=REDACTED：超时"


def test_a_cut_is_shown() -> None:
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("abcd", 4) == "abcd"
