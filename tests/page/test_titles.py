"""Titles of notes and of pages, as authors and sites write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.page.titles import DIFFERS, title_match

SAME = [
    ("河上最后的渡船", "河上最后的渡船"),
    ("河上最后的渡船", "河上最后的渡船 - 知乎"),
    ("河上最后的渡船", "(99+ 封私信 / 81 条消息) 河上最后的渡船 - 知乎"),
    ("河上最后的渡船", "河上最后的渡船_地方频道_澎湃新闻-The Paper"),
    ("河上最后的渡船：四十年", "河上最后的渡船"),
    ("河上最后的渡船", "【转】河上最后的渡船（附照片）"),
    ("用 Python 写一个 RSS 阅读器", "用Python写一个RSS阅读器"),
    ("什么是“渡口”？", '什么是"渡口"?'),
    ("渡口周刊（第 372 期）", "渡口周刊#372：桥的界面"),
    ("渡口周刊第三期", "渡口周刊 第3期"),
    ("关联规则（三）", "关联规则(3)"),
    ("第十二章 桥", "第12章：桥"),
    ("Ferries &amp; Bridges", "Ferries & Bridges | River Museum"),
    ("YOLO", "YOLO: Real-Time Object Detection"),
    ("河上最后的渡船，以及坐船的…", "河上最后的渡船，以及坐船的人们"),
    ("俄国河运（9月2…", "俄国河运（9月20日）"),
    ("Crossing 1,000 rivers", "Crossing 1000 Rivers"),
]

DIFFERENT = [
    ("河上最后的渡船", "此域名出售"),
    ("红外解码原来如此简单", "Buy cheap tickets online"),
    ("深入理解 GBDT", "冬天里的一把火"),
    ("关联规则（一）：概念", "关联规则（二）：概念"),
    ("渡口（上）", "渡口（下）"),
    ("渡口 上", "渡口 下"),
    ("渡口（上篇）", "渡口（下篇）"),
    ("渡口周刊#371", "渡口周刊#372"),
    ("第三章 桥", "第四章 桥"),
    ("Python 3.8 的新特性", "Python 3.9 的新特性"),
    ("2015年总结", "2016年总结"),
    ("A History of Bridges, Part II", "A History of Bridges, Part III"),
    ("World War II", "World War I"),
    ("二、搭桥", "三、搭桥"),
    ("设计模式之二", "设计模式之三"),
    ("渡船系列（一）打破常规 v1", "渡船系列（二）打破常规 v1"),
]


@pytest.mark.parametrize(("note", "page"), SAME)
def test_what_authors_change_is_forgiven(note: str, page: str) -> None:
    score = title_match(note, page)
    assert score is not None
    assert score >= DIFFERS


@pytest.mark.parametrize(("note", "page"), DIFFERENT)
def test_other_titles_and_other_numbers_differ(note: str, page: str) -> None:
    score = title_match(note, page)
    assert score is not None
    assert score < DIFFERS


@pytest.mark.parametrize(
    ("note", "page"),
    [
        ("", "渡口"),
        ("渡口", ""),
        ("？", "渡口"),
        ("渡口", "微信公众平台"),
        ("here", "渡口"),
        ("https://a.example/", "渡口"),
        ("1、", "渡口"),
    ],
)
def test_nothing_is_said_where_a_title_says_nothing(note: str, page: str) -> None:
    assert title_match(note, page) is None


def test_a_short_word_inside_another_word_is_no_match() -> None:
    score = title_match("AI", "Fairness")
    assert score is not None
    assert score < DIFFERS


def test_the_same_title_is_a_perfect_match() -> None:
    assert title_match("渡口（一）", "渡口（一）") == 1.0


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_match_is_none_or_a_share_and_does_not_depend_on_the_order(left: str, right: str) -> None:
    score = title_match(left, right)
    assert score is None or 0.0 <= score <= 1.0
    assert score == title_match(right, left)


@pytest.mark.parametrize("letter", ["第", "(一", "1.", "1,", "ix ", "-", "之一"])
def test_long_hostile_titles_are_cut_and_compared(letter: str) -> None:
    title_match(letter * 100_000, letter * 100_000 + "x")
