"""Literals are read out of scripts as the page's own script would read them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.page.scripts import literal, read_object, unescape, variables


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("var ct = '1762338600';", "1762338600"),
        ('var ct="1762338600"', "1762338600"),
        ("window.ct = '1762338600' || '';", "1762338600"),
        ("window.ct = '' || '' || 'last';", "last"),
        ('var ct = ""||"one"|| "";', "one"),
        ('var ct = htmlDecode("a &amp; b");', "a & b"),
        ("var ct = JsDecode('\\x3cp\\x3e\\x26amp;');", "<p>&amp;"),
        ("var ct = 'a&quot;b'.html(false);", 'a"b'),
        ("var ct = 'it\\'s';", "it's"),
        ("var ct = 42;", "42"),
        ("var ct = '7' * 1;", "7"),
        ("var ct = null; var ct = 'later';", "later"),
        ("var ct = start + end; var ct = 'later';", "later"),
        ("var ctrl = 'no'; if (ct == 'no') {}; window.ct = 'yes'", "yes"),
    ],
)
def test_an_assigned_literal_is_read(script: str, value: str) -> None:
    assert next(variables(script, "ct"), "") == value


@pytest.mark.parametrize(
    "script", ["ct: 'no'", "object = 'no'", "var ct = f('no')", "var ct == 'no'", "var ct = ''", ""]
)
def test_what_is_no_assignment_of_a_literal_is_passed_over(script: str) -> None:
    assert list(variables(script, "ct")) == []


def test_the_advertisers_name_before_the_object_is_not_its_name() -> None:
    advertiser = "ad = { nick_name: '广告', mid: '' };"
    script = advertiser + "window.cgi = {\n base: {ret: '0' * 1},\n nick_name: JsDecode('真名'),\n};"
    places = read_object(script, "window.cgi")
    assert [literal(script, place) for place in places["nick_name"]] == ["真名"]
    assert [literal(script, place) for place in places["base.ret"]] == ["0"]


def test_lists_give_every_value_and_what_text_says_is_no_key() -> None:
    script = "window.l = [{u: 'a', in: {u: 'no'}}, {u: 'b', t: \"u: 'no'\"}]; u: 'no'"
    places = read_object(script, "window.l")
    assert [literal(script, place) for place in places["u"]] == ["a", "b"]


@pytest.mark.parametrize(
    "script", ["window.cgi = {", "window.cgi = {a: ", "window.cgi = }", "window.cgi = {a: '", "window.cgi"]
)
def test_a_cut_object_gives_what_is_there(script: str) -> None:
    assert isinstance(read_object(script, "window.cgi"), dict)


def test_pairs_of_surrogates_are_one_character_and_single_ones_none() -> None:
    assert unescape(r"\ud83d\ude00 \ud83d") == "😀 \ufffd"


@given(st.text(max_size=80))
def test_what_json_writes_is_read_back(text: str) -> None:
    script = f"var x = {json.dumps(text)};"
    assert next(variables(script, "x"), "") == text


@pytest.mark.parametrize(
    "script",
    [
        "var x = " * 40_000,
        "var x = '" + "\\" * 300_000,
        "var x = ''||" * 30_000,
        "window.x = {" * 30_000,
        "x=[" * 90_000,
        "window.x = {" + "a: {" * 60_000,
        "window.x = {" + "'\\" * 150_000,
        "window.x = {" + "'\\" * 150_000 + "\n}",
        "window.x = {" + '"\\' * 150_000,
        "window.x = {" + "'a\n" * 90_000,
    ],
)
def test_scripts_made_to_hang_readers_are_read_anyway(script: str) -> None:
    list(variables(script, "x"))
    read_object(script, "window.x")
    read_object(script, "x")


def test_keys_may_be_quoted_as_in_json_and_strings_before_other_colons_are_no_keys() -> None:
    text = """x.a = {"base_resp":{"ret":0, 'msg' : "ok"}, list: [{"u":"1"},{"u":"2"}],
        t: c ? "title": "b", "title":"T\\u4e2d"};"""
    found = read_object(text, "x.a")
    assert {key: [literal(text, at) for at in places] for key, places in found.items()} == {
        "base_resp": [""], "base_resp.ret": ["0"], "base_resp.msg": ["ok"],
        "list": [""], "list.u": ["1", "2"], "t": [""], "title": ["T中"],
    }  # fmt: skip
