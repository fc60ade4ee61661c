"""The sentences of a text, and which of them changed."""

from hypothesis import given
from hypothesis import strategies as st

from crawler.page.sentences import SentenceChange, sentence_diff, sentences


def test_sentences_end_where_chinese_and_english_ones_do() -> None:
    text = "他说：“走吧！”我没有动。Version 3.5 is out, e.g. for Debian. It works!\n标题\n\n最后……完"
    assert sentences(text) == [
        "他说：“走吧！”", "我没有动。", "Version 3.5 is out, e.g. for Debian.", "It works!", "标题", "最后……", "完",
    ]  # fmt: skip


def test_a_changed_sentence_stands_between_the_ones_that_stayed() -> None:
    edits = sentence_diff("第一句。第二句。第三句。", "第一句。第二句改了。第三句。又一句。")
    assert [(e.change, e.old, e.new) for e in edits] == [
        (SentenceChange.SAME, ("第一句。",), ("第一句。",)),
        (SentenceChange.REPLACED, ("第二句。",), ("第二句改了。",)),
        (SentenceChange.SAME, ("第三句。",), ("第三句。",)),
        (SentenceChange.ADDED, (), ("又一句。",)),
    ]


@given(st.text("甲乙。. A\n", max_size=60))
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert all(edit.change is SentenceChange.SAME for edit in sentence_diff(text, text))


@given(st.text("甲乙。. A\n", max_size=60), st.text("甲乙。. A\n", max_size=60))
def test_a_difference_tells_both_texts_whole(old: str, new: str) -> None:
    edits = sentence_diff(old, new)
    assert [s for e in edits for s in e.old] == sentences(old)
    assert [s for e in edits for s in e.new] == sentences(new)
    assert all(bool(e.old) >= (e.change is SentenceChange.REMOVED) for e in edits)


def test_a_text_of_a_megabyte_of_stops_is_no_trouble() -> None:
    old, new = "。" * 500_000 + "x. " * 100_000, "甲。" * 100_000
    assert sentence_diff(old, new)  # a quadratic comparison takes hours
