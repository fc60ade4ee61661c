"""When notes were written, by all that people name and head them with."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.notes.dates import note_date

COMMIT = datetime(2019, 5, 6, 7, 8, tzinfo=UTC)


def day(path: str, text: str = "", commit: datetime | None = None) -> str:
    found = note_date(path, text, commit)
    return f"{found:%Y-%m-%d}" if found else ""


@pytest.mark.parametrize(
    "path",
    [
        "2018-1-21-x.markdown", "2018-01-21-x.md", "20180121.md", "20180121-x.md", "x-20180121.md", "2018_01_21.md",
        "2018.1.21 x.md", "2018年1月21日.md", "日记/2018年1月21日 周日.md", "2018年01月21号.md", "2018/01/21.md",
        "2018/1/21/x.md", "2018年/1月/21日.md", "2018-01/21.md", "notes/2018-01-21/x.md", "201801211030 zettel.md",
        "2018-01-21T1030.md", "2018/01-January/21.md",
    ],
)  # fmt: skip
def test_names_and_folders_say_the_day(path: str) -> None:
    assert day(path) == "2018-01-21"


@pytest.mark.parametrize(
    "text",
    [
        "---\ndate: 2018-01-21\n---\n", "---\ntitle: x\ndate: 2018-1-21 9:05\n---\n",
        "---\r\ndate: 2018/1/21\r\n---\r\n",
        '---\ndate: "2018-01-21T23:30:00+08:00"\n---\n', "---\npubDate: 'Jan 21 2018'\n---\n",
        "---\nupdated: 2020-01-01\ncreated: 2018-01-21\n---\n", "+++\ndate = 2018-01-21T00:00:00Z\n+++\n",
        '{\n  "title": "x",\n  "date": "2018-01-21"\n}\n\ntext', "Title: x\nDate: 2018-01-21 10:20\n\ntext",
        "#+TITLE: x\n#+DATE: <2018-01-21 Sun>\n", "= Title\n:revdate: 2018-01-21\n",
        "Title\n=====\n\n:date: 2018-01-21\n",
        "---\ndate: Sun, 21 Jan 2018 10:00:00 +0800\n---\n", "---\ndate: 21.01.2018\n---\n",
        "---\n日期: 2018年1月21日\n---\n",
        "\ufeff---\ndate: 2018-01-21\n---\n", '<meta name="date" content="2018-01-21">', "date:: 2018-01-21\n",
    ],
)  # fmt: skip
def test_front_matter_of_every_usual_form_says_the_day(text: str) -> None:
    assert day("x.md", text) == "2018-01-21"


@pytest.mark.parametrize(
    ("path", "commit", "expected"),
    [
        ("x.md", COMMIT, "2019-05-06"),
        ("2019/x.md", COMMIT, "2019-05-06"),
        ("2019/05/x.md", COMMIT, "2019-05-06"),
        ("2018/x.md", COMMIT, "2018-01-01"),
        ("2018/03/x.md", COMMIT, "2018-03-01"),
        ("2018-03/x.md", None, "2018-03-01"),
        ("2018年3月/x.md", None, "2018-03-01"),
        ("2018-03-04-x.md", COMMIT, "2018-03-04"),
        ("x.md", None, ""),
    ],
)
def test_the_first_commit_counts_where_nothing_says_the_day(path: str, commit: datetime | None, expected: str) -> None:
    assert day(path, "", commit) == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("12345678901.md", ""),
        ("10.1093-abc.md", ""),
        ("x.md", "text of 2018-01-21\n"),
        ("x.md", "date: 2018-01-21 in the words of a note\n"),
        ("x.md", "---\ntitle: on 2018-01-21\n---\n"),
    ],
)
def test_numbers_and_sentences_are_no_dates(path: str, text: str) -> None:
    assert day(path, text) in ("", "2018-01-01")


def test_times_are_in_utc() -> None:
    found = note_date("x.md", "", datetime.fromisoformat("2019-05-06T01:00:00+08:00"))
    assert found == datetime(2019, 5, 5, 17, 0, tzinfo=UTC)


@given(st.text(max_size=60), st.text(max_size=200))
def test_no_name_and_no_text_is_an_error(path: str, text: str) -> None:
    note_date(path, text, None)
