"""Text to terms, queries to expressions, snippets: without a database."""

import re
import sqlite3
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.archive.words import (
    characters,
    characters_of,
    expression,
    folded,
    index_terms,
    parse_query,
    snippet,
    terms,
)

CHINESE = st.text(alphabet="语音识别的原理图片一二", min_size=1, max_size=8)


def matches(document: str, query: str, *, numbered: bool = False) -> bool:
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='unicode61 remove_diacritics 2')")
        db.execute("INSERT INTO words (rowid, text) VALUES (1, ?)", (terms(document),))
        return bool(
            db.execute(
                "SELECT 1 FROM words WHERE words MATCH ?", (parse_query(query, numbered=numbered).match,)
            ).fetchall()
        )
    finally:
        db.close()


@pytest.mark.parametrize(
    "query", ["语", "别", "语音", "音识", "语音识别", "GPT", "gpt-4", "transf*", '"gpt-4 的"', "第3章", "ＧＰＴ"]
)
def test_words_of_any_length_are_found(query: str) -> None:
    assert matches("这是语音识别，GPT-4 的 transformers，见第3章节。", query)


@pytest.mark.parametrize("query", ["识音", "语识", "transf", '"的 gpt"', "3节", "语音 -别", "语音识别吗"])
def test_what_is_not_there_is_not_found(query: str) -> None:
    assert not matches("这是语音识别，GPT-4 的 transformers，见第3章节。", query)


@given(CHINESE, CHINESE, CHINESE)
def test_every_substring_of_chinese_is_found(before: str, wanted: str, after: str) -> None:
    assert matches(before + wanted + after, wanted)


@given(CHINESE, CHINESE)
def test_no_chinese_is_found_that_is_no_substring(document: str, wanted: str) -> None:
    assert matches(document, wanted) == (wanted in document)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_query_breaks_the_expression(document: str, query: str) -> None:
    try:
        asked = parse_query(query)
    except ValueError:
        return
    if asked.match:
        matches(document, query)


def test_filters_are_taken_out_of_the_words() -> None:
    asked = parse_query("语音 site:weixin state:dead before:2024-05 after:2023")
    assert (asked.sites, asked.states) == (("weixin",), ("dead",))
    assert (asked.before, asked.after) == (date(2024, 5, 1), date(2023, 1, 1))
    assert asked.match == '"语音"'


def test_a_date_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="before:soon is no date"):
        parse_query("x before:soon")
    with pytest.raises(ValueError, match="month"):
        parse_query("x before:2024-13")


def test_a_query_of_punctuation_asks_for_nothing() -> None:
    assert expression("。，!?") == ""
    assert parse_query('"" * -').match == ""


def test_a_snippet_shows_the_match_and_marks_it() -> None:
    text = "前" * 300 + "语音识别\n\n的原理" + "后" * 300
    line, spans = snippet(text, ["语音识别", "原理"])
    assert [line[start:end] for start, end in spans] == ["语音识别", "原理"]
    assert line.startswith("…")
    assert line.endswith("…")
    assert len(line) < 130


def test_a_snippet_without_match_is_the_beginning() -> None:
    assert snippet("Hello  world", ["语音"]) == ("Hello world", ())
    assert snippet("", ["x"]) == ("", ())


def test_a_large_page_of_one_run_is_indexed_in_time() -> None:
    assert len(terms("语" * 1_000_000)) < 1_000_000
    snippet(" " * 500_000 + "x" * 500_000, ["x " * 100, "y"])


@pytest.mark.parametrize(
    "query",
    [
        *("机器学习？", "机器学习?", "？机器学习！", "“机器学习”", "「机器学习」", "『机器学习』", "«机器学习»"),
        *("《机器学习》", "‘机器学习’", "„机器学习“", "（机器学习）", "机器学习……", "機器學習", "【机器学习】"),
        *("什么是“机器学习”", "机器学习，深度学习", "机器学习、曲线", "ＭＬ", '"机器 学习"', "机器学习/深度学习"),
    ],
)  # fmt: skip
def test_a_query_is_found_as_people_type_it(query: str) -> None:
    assert matches("什么是“机器学习”？ML 即机器学习，深度学习是其中之一，有学习曲线。", query)
    assert matches("什麼是「機器學習」？ML 即機器學習，深度學習是其中之一，有學習曲線。", query)


@pytest.mark.parametrize("document", ["机器 学习", "机器\n学习", "機器\n學習", "机\u200b器学习", "机 器 学 习"])
def test_a_word_broken_by_the_source_is_one_word(document: str) -> None:
    assert matches(f"关于{document}的一切", "机器学习")
    _, spans = snippet(f"关于{document}的一切", ["机器学习"])
    assert len(spans) == (0 if "\u200b" in document else 1), "what is marked is what is seen"


def test_a_snippet_marks_the_other_script_as_the_page_writes_it() -> None:
    line, spans = snippet("介紹機器學習的書", parse_query("机器学习").needles)
    assert [line[start:end] for start, end in spans] == ["機器學習"]


def test_an_unknown_state_names_the_states() -> None:
    with pytest.raises(ValueError, match=r"state:deed is no state.*state:dead"):
        parse_query("x state:deed")


def test_a_filter_may_be_typed_with_a_wide_colon() -> None:
    assert parse_query("语音 site：weixin").sites == ("weixin",)


@given(st.text(alphabet="语音识別的原理GP 1，。\n", max_size=40))
def test_pairs_of_all_runs_at_once_are_the_pairs_of_each(text: str) -> None:
    wanted: list[str] = []
    for run in re.findall("[语音识别的原理]+|[^语音识别的原理]+", folded(text)):
        pairs = [a + b for a, b in pairwise(run)]
        wanted += [*pairs, run[-1]] if run[0] in "语音识别的原理" else re.sub("[，。,]", " ", run).split()
    assert re.sub("[，。,]", " ", terms(text)).split() == wanted


MIXED = st.text(alphabet="语音識別 的\n图ａé\u0301，A1\u200b가ｶﾞ", max_size=12)


@given(MIXED, MIXED, MIXED)
def test_terms_made_ahead_are_those_that_the_index_would_make(title: str, names: str, text: str) -> None:
    ready = index_terms(text)
    assert ready.text == terms(text)
    made = characters_of(title, names, text, ready).split()
    assert sorted(made) == sorted(characters(f"{title}\n{names}\n{text}").split())
    assert len(made) == len(set(made))


@pytest.mark.parametrize(
    ("document", "queries"),
    [
        ("The boat 🚢 came, 👨\u200d👩\u200d👧 went, ❤️ stayed.", ["🚢", "boat 🚢", "❤", "❤️", "👨\u200d👩\u200d👧"]),
        ("The boat 🚢 came", ['"boat came"', "“boat 🚢 came”", "boat 🚢 -🚗"]),
        ("Die Straße, wie sie war", ["strasse", "Straße", "STRASSE"]),
        ("Ёлка стоит, «последний паром» ушёл", ["елка", "ёлка", "ушел", "«последний паром»"]),
    ],
)
def test_emoji_and_letters_that_people_type_as_others_are_found(document: str, queries: list[str]) -> None:
    assert [query for query in queries if not matches(document, query)] == []


@pytest.mark.parametrize(
    ("document", "queries"),
    [
        (
            "Send an e-mail by Wi-Fi, re\u2010use it",
            ["email", "e-mail", "E-Mail", "wifi", "Wi-Fi", "reuse", '"e-mail by"'],
        ),
        ("Send an email by wifi", ["email", "e-mail", "wi-fi", "E\u2011mail"]),
        ("ฉันเรียนภาษาไทยทุกวัน กรุงเทพ", ["ภาษาไทย", "เรียน", "ทุกวัน", "วัน", "กรุงเทพ", '"ภาษาไทยทุกวัน"', "ก"]),
        ("ຂ້ອຍຮຽນພາສາລາວ", ["ພາສາລາວ"]),
        ("ភាសាខ្មែរពិរោះ", ["ខ្មែរ"]),
        ("မြန်မာစာအုပ်", ["စာအုပ်"]),
        ("قال مُحَمَّدٌ: كـــتابٌ جَدِيد في المَدِينَةِ", ["محمد", "مُحَمَّد", "كتاب", "كـتاب", "جديد", "المدينة", "المدينه"]),
        ("محمد إلى أحمد", ["مُحَمَّد", "الى", "احمد", "أَحْمَد"]),
        ("کتاب های من", ["كتاب", "کتاب"]),
        ("שָׁלוֹם עולם", ["שלום", "שָׁלוֹם"]),
    ],
)
def test_words_are_found_as_people_type_them(document: str, queries: list[str]) -> None:
    assert [query for query in queries if not matches(document, query, numbered=True)] == []


@pytest.mark.parametrize(
    ("document", "queries"),
    [
        ("React v18.2.1 was released", ["18.2", "v18.2", "18.2.1", "v18.2.1", "react 18.2"]),
        ("React 18.2 and later", ["18.2", "v18.2", "react 18.2", "react18.2"]),
        ("下载Python3.11.4安装", ["3.11", "3.11.4", "python3.11", "python 3.11", "Python-3.11.4", "python"]),
        ("3.5mm plugs at 2.4GHz, CUDA12.1+cuDNN, iOS17.4更新", ["3.5", "2.4", "12.1", "cuda 12.1", "ios 17.4"]),
        ("GPT-4o, H.264 and COVID-19", ["gpt4o", "gpt 4o", "GPT-4", "h264", "H.264", "covid19", "covid 19"]),
        ("GPT4o, H264 and COVID19", ["gpt-4o", "gpt 4o", "gpt-4", "h.264", "covid-19", "covid 19"]),
        ("iPhone15Pro", ["iphone 15", "iphone15", "iphone-15", "iphone"]),
        ("Node.js, Vue.js", ["nodejs", "node.js", "vuejs", "Vue.JS"]),
        ("NodeJS", ["node.js"]),
        ("学习C++，C#和F#；用Notepad++ on .NET", ["C++", "c#", "F#", "notepad++", ".net", "(C++)", "C++,"]),
        ("C++11 and C", ["C++", "c++11", "c"]),
        ("2026-01-05", ["2026-1-5", "2026/01/05", "2026年1月5日", "2026年01月05日", "2026.01.05"]),
        ("于2026年1月5日发布", ["2026-01-05", "2026-1-5", "2026/1/5"]),
        ("call 13800138000", ["138-0013-8000"]),
        ("TCP/IP, 192.168.1.10, my_func(a_b), getElementById, /etc/a.conf, #tag, k8s",
         ["tcp/ip", "192.168.1.10", "192.168", "my_func", "a_b", "getelementbyid", "/etc/a", "a.conf", "#tag", "k8s"]),
    ],
)  # fmt: skip
def test_names_with_numbers_and_marks_are_found_as_people_type_them(document: str, queries: list[str]) -> None:
    assert [query for query in queries if not matches(document, query, numbered=True)] == []


@pytest.mark.parametrize(
    ("document", "query"),
    [
        ("v18.2.1", "18.3"), ("v18.2.1", "8.2"), ("Python3.11.4", "python 3.1"), ("Python3.11.4 v18.2", "4.18"),
        ("Python3.11.4 v18.2", '"4 18"'), ("11 x", "v11"), ("C and more", "C# -more"), ("iPhone 16", "iphone 15"),
        ("2026-01-05", "2026-05-01"), ("iphone 🚢 16", "iphone 🚢 15"),
    ],
)  # fmt: skip
def test_other_versions_are_not_found(document: str, query: str) -> None:
    assert not matches(document, query, numbered=True)


@pytest.mark.parametrize(("document", "query"), [("C and C#", "C++"), ("the net", ".NET"), ("C++", "C#")])
def test_a_name_with_its_marks_is_first_asked_for_with_them(document: str, query: str) -> None:
    assert not matches(document, query)
    assert matches(document, query, numbered=True)
    assert parse_query(query, simplify=False).match == parse_query(query.strip("+#.")).match  # an index without them


def test_a_name_with_its_marks_is_left_out_alone() -> None:
    assert matches("a language, C", "language -C++")
    assert not matches("a language, C++", "language -C++")


@given(st.text(alphabet='aC3.-+#v1 /年月日"*🚢()|语\u2010', max_size=24))
def test_whatever_is_typed_can_be_asked_for_and_is_found_no_less_than_as_it_stands(query: str) -> None:
    document = "a C++ v1.3 3a, C#, a-a.js 语年1月"
    try:
        plain = matches(document, query)
    except ValueError:
        return
    except sqlite3.OperationalError:
        assert not parse_query(query).match
        return
    assert matches(document, query, numbered=True) or not plain


@pytest.mark.parametrize(
    ("document", "query"),
    [
        ("กินข้าว", "กัน"),  # vowels are marks, and make another word
        ("ทุกวัน", "ทกวน"),
        ("state-of-the-art", "oftheart"),
        ("2024-05-31", "20240531"),
        ("كتب", "كتاب"),
        ("an e mail", "email"),
    ],
)
def test_other_words_are_not_found(document: str, query: str) -> None:
    assert not matches(document, query, numbered=True)


THAI = st.text(alphabet="กนัิุเวาทย", min_size=1, max_size=6)


@given(THAI, THAI)
def test_thai_is_found_where_it_stands_and_nowhere_else(document: str, wanted: str) -> None:
    assert matches(document, wanted) == (wanted in document)


def test_a_snippet_marks_a_word_with_its_points() -> None:
    text = "قال مُحَمَّد لنا"
    line, ((start, end),) = snippet(text, parse_query("محمد").needles)
    assert line[start:end] == "مُحَمَّد"


@pytest.mark.parametrize("query", ["🚗", "-🚢 boat", "boat 🚗"])
def test_another_emoji_is_not_found(query: str) -> None:
    assert not matches("The boat 🚢 came", query)


def test_a_snippet_marks_the_emoji_that_was_asked_for() -> None:
    line, spans = snippet("The boat 🚢 came.", parse_query("🚢").needles)
    assert [line[start:end] for start, end in spans] == ["🚢"]
