"""Bytes become text as in a browser, and wrong declarations do less harm than there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.page.charset import PIECE, decode, is_plain_utf8

ZH = "山路上的石头，它只是在那里，等人绕过去。" * 5


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8", "text/html; charset=utf-8"),
        ("gb18030", "text/html; charset=gb2312"),
        ("gb18030", 'text/html; Charset="GBK"'),
        ("big5", "text/html;charset=big5"),
        ("shift_jis", "text/html; charset=x-sjis"),
        ("euc_kr", "text/html; charset=ks_c_5601-1987"),
        ("utf-16-le", "text/html; charset=utf-16"),
    ],
)
def test_the_charset_of_the_header_counts(encoding: str, content_type: str) -> None:
    texts = {"big5": "山路上的石頭", "shift_jis": "山道の石", "euc_kr": "산길의 돌"}
    text = texts.get(encoding, ZH)
    assert decode(text.encode(encoding), content_type)[0] == text


@pytest.mark.parametrize(
    "meta",
    [
        '<meta charset="gb2312">',
        "<meta charset=gbk>",
        '<meta http-equiv="Content-Type" content="text/html; charset=gb2312"/>',
    ],
)
def test_without_a_header_the_page_declares_itself(meta: str) -> None:
    page = f"<html><head>{meta}</head>{ZH}"
    assert decode(page.encode("gb18030"), "text/html") == (page, "gb18030")


def test_a_rare_character_of_gb18030_is_read_under_the_name_of_gb2312() -> None:
    assert decode("朱镕基 䶮".encode("gb18030"), "text/html; charset=gb2312")[0] == "朱镕基 䶮"


def test_a_byte_order_mark_overrules_the_header() -> None:
    assert decode(b"\xef\xbb\xbf" + ZH.encode(), "text/html; charset=gbk") == (ZH, "utf-8")
    assert decode(b"\xff\xfe" + ZH.encode("utf-16-le"), "text/html; charset=utf-8") == (ZH, "utf-16-le")


def test_the_header_overrules_the_page() -> None:
    page = '<meta charset="utf-8">' + ZH
    assert decode(page.encode("gb18030"), "text/html; charset=gbk")[0] == page


@pytest.mark.parametrize("label", ["gb2312", "big5", "iso-8859-1", "nonsense"])
def test_text_that_is_utf8_is_utf8_whatever_it_is_called(label: str) -> None:
    assert decode(ZH.encode(), f"text/html; charset={label}") == (ZH, "utf-8")


@pytest.mark.parametrize("label", ["hz-gb-2312", "iso-2022-kr", "x-user-defined", "replacement"])
def test_a_label_that_python_has_no_codec_for_leaves_the_bytes_to_speak(label: str) -> None:
    assert decode(ZH.encode("gb18030"), f"text/html; charset={label}") == (ZH, "gb18030")
    page = f'<meta charset="{label}">' + ZH
    assert decode(page.encode("gb18030")) == (page, "gb18030")


def test_utf8_that_was_cut_in_a_character_is_still_utf8() -> None:
    text, charset = decode(ZH.encode()[:-1], "text/html; charset=gb2312")
    assert charset == "utf-8"
    assert text.startswith(ZH[:-1])


def test_a_declared_charset_that_most_bytes_contradict_is_not_believed() -> None:
    page = '<meta charset="utf-8">' + ZH * 5
    assert decode(page.encode("gb18030"))[0] == page


def test_a_wrong_declaration_is_noticed_in_a_page_of_scripts() -> None:
    page = '<meta charset="utf-8">' + "var x = 1;" * 20_000 + ZH
    assert decode(page.encode("gb18030")) == (page, "gb18030")


def test_a_chinese_page_that_declares_nothing_is_detected() -> None:
    assert decode(ZH.encode("gb18030")) == (ZH, "gb18030")


def test_some_bad_bytes_do_not_change_the_charset() -> None:
    text, charset = decode(ZH.encode() + b"\xff\xfe" + ZH.encode() * 4, "text/html; charset=utf-8")
    assert charset == "utf-8"
    assert text.count("\ufffd") == 2


def test_a_declaration_behind_the_first_kilobyte_is_too_late_but_detection_is_not() -> None:
    page = " " * 1100 + '<meta charset="gbk">' + ZH
    assert decode(page.encode("gb18030")) == (page, "gb18030")


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_become_some_text(body: bytes, content_type: str) -> None:
    text, charset = decode(body, content_type)
    assert isinstance(text, str)
    assert charset


@given(st.text(max_size=100))
def test_utf8_is_read_back(text: str) -> None:
    body = text.encode("utf-8", "ignore")
    assert decode(body, "text/html; charset=utf-8")[0] == body.decode().removeprefix("\ufeff")


BYTES = st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda text: text.encode("utf-8", "ignore")))


@given(BYTES, st.sampled_from(["", "utf-8", "gbk", "latin-1", "utf-16"]), BYTES)
def test_plain_utf8_is_what_is_decoded_as_it_and_stays_as_it_is(body: bytes, charset: str, end: bytes) -> None:
    page = body + b"a" * (PIECE - len(body) - 1) + end  # cut between two pieces, wherever that is
    for whole in (body, page):
        text, name = decode(whole, f"text/html; charset={charset}")
        plain = name == "utf-8" and text.encode() == whole
        assert is_plain_utf8(whole, f"text/html; charset={charset}") is plain


def test_a_few_broken_characters_do_not_make_utf_8_another_charset() -> None:
    body = "渡船还没有开，等船的人三三两两地站着说话。".encode() * 5 + b"\xe6\xb8"[:1] + b" end"
    assert decode(body)[1] == "utf-8"


def test_a_declaration_behind_the_first_kilobyte_counts() -> None:
    body = b"<html><head>" + b"<!-- x -->" * 200 + b'<meta charset="iso-8859-2">' + "Żółw i łódź.".encode("iso-8859-2")
    assert decode(body)[0].endswith("Żółw i łódź.")


def test_short_chinese_text_without_a_charset_is_read() -> None:
    assert decode("第一行标题\n\n正文内容。".encode("gb18030"))[0].startswith("第一行标题")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_byte_order_mark_is_read_whatever_it_declares(encoding: str) -> None:
    page = f'<!DOCTYPE html><html><head><meta charset="gbk"></head>{ZH}'
    assert decode(page.encode(encoding), "text/html") == (page, encoding)


def test_japanese_that_declares_nothing_is_detected() -> None:
    page = f"<html>{'渡し船は朝の七時に出る。川にはまだ霧がかかっていて、誰も急がない。' * 3}"
    for encoding in ("cp932", "euc_jp"):
        assert decode(page.encode(encoding), "text/html") == (page, encoding)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", ZH),
        ("big5hkscs", "山路上的石頭，它只是在那裡，等人繞過去。" * 5),
        ("cp1251", "Паром уходит в семь утра. " * 9),
    ],
)
def test_latin_1_is_what_servers_say_by_default_and_the_page_knows_better(encoding: str, text: str) -> None:
    label = {"big5hkscs": "big5", "cp1251": "windows-1251"}.get(encoding, "gb2312")
    page = f"<html><head><meta charset={label}></head>{text}"
    assert decode(page.encode(encoding), "text/html; charset=ISO-8859-1") == (page, encoding)
