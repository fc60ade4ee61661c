"""What an answer says, as one word: equal for one page that many hosts show, different for different pages."""

import re
from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from crawler.core.model import Failure, Fetch
from crawler.schedule import fingerprint as masks
from crawler.schedule.fingerprint import fingerprint, forms, sort_of, speaks_against

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def shown(host: str, text: str, *, status: int = 200, path: str = "/a", title: str = "") -> str:
    url = f"https://{host}{path}"
    return fingerprint(Fetch(url, url, NOW, status=status), title, text)


def test_the_page_of_a_portal_is_one_page_whatever_host_path_and_clock_it_names() -> None:
    text = "Welcome! You asked for {}, on 2026-06-01 at {}. Your ticket is 0123456789abcdef0123. Please log in."
    pages = {
        shown(f"h{n}.example", text.format(f"h{n}.example/p/{n}", f"0{n}:1{n}:00"), path=f"/p/{n}") for n in range(5)
    }
    assert len(pages) == 1


def test_counters_tickets_and_minutes_left_make_no_two_pages_of_a_portals_one() -> None:
    text = "Room {0} of 400. Session s-{0}f, seat {0}, {0} minutes left at 10.0.0.{0}. Please enter your voucher."
    assert len({shown(f"h{n}.example", text.format(n)) for n in range(1, 30)}) == 1


def test_articles_that_differ_by_their_words_or_by_the_number_in_the_title_are_different_pages() -> None:
    rivers, roads = (shown("a.example", f"Chapter 12: {word} and 40 bridges") for word in ("rivers", "roads"))
    assert rivers != roads
    twelve, thirteen = (shown("a.example", "Rivers and 40 bridges", title=f"Chapter {n}") for n in (12, 13))
    assert twelve != thirteen
    assert shown("a.example", "The same words here", status=404) != shown("a.example", "The same words here")


def test_a_missing_name_says_nothing_that_could_be_everybodys() -> None:
    assert fingerprint(failure(Failure.NO_SUCH_HOST), "", "") == ""
    assert fingerprint(failure(Failure.TIMEOUT), "", "") == "failure:timeout"


def failure(what: Failure) -> Fetch:
    return Fetch("u", "u", NOW, failure=what)


TICKETS = st.text("0123456789abcdefghijklmnopqrstuvwxyz-_", min_size=4, max_size=40)


@given(TICKETS, TICKETS)
def test_tickets_that_hold_a_digit_are_one_whatever_runs_of_digits_they_hold(one: str, other: str) -> None:
    assume(any(letter.isdigit() for letter in one) and any(letter.isdigit() for letter in other))
    assert shown("a.example", f"Your ticket is {one} here") == shown("b.example", f"Your ticket is {other} here")


def test_the_sort_of_an_error_is_its_status_and_of_a_page_its_title() -> None:
    words = ("Of rivers and bridges, a long way from here", "Of roads and their dust, all summer long")
    errors = {sort_of(shown("a.example", text, status=404, title=text)) for text in words}
    assert errors == {"404"}
    pages = {sort_of(shown("a.example", text, title="Hotel")) for text in words}
    assert len(pages) == 1
    assert sort_of(shown("a.example", words[0], title="Inn")) not in pages
    assert sort_of(shown("a.example", words[0])) == ""
    assert sort_of("failure:timeout") == sort_of("") == sort_of("404:of-an-older-form") == ""


@given(st.sampled_from(["", "failure:timeout", "404:a.b", "404~:.b", "200:a.b", "200:.b", "404:older"]))
def test_a_sort_is_its_own_and_only_form(said: str) -> None:
    assert forms(said) <= {said, sort_of(said)}
    if sort := sort_of(said):
        assert forms(sort) == {sort}


def test_only_an_answer_of_another_form_speaks_against() -> None:
    assert speaks_against("200:a.b", "404")
    assert not speaks_against("404:a.b", "404")
    assert not speaks_against("failure:timeout", "404")
    assert not speaks_against("", "404")


PLAIN_TIMES = re.compile(
    r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}:\d{2}(?::\d{2})?|\d{1,2} \w{3} \d{4}|\d{9,}|[0-9a-f]{16,}"
)
PLAIN_COUNTERS = re.compile(r"(?<![a-z0-9_#-])[a-z0-9_#-]*[\d#][a-z0-9_#-]*")
PIECES = st.sampled_from(
    ["2026-06-01", "1.2.2026", "2026年6月1日", "12:30", "7:05:09", "1 jun 2026", "1234567890", "0123456789abcdef",
     "fade", "deadbeefdeadbeefd", "a-1_b", "no-number", "七", "٣", "x٣y", "年", " ", ":", "-", "z", "９" * 9]
)  # fmt: skip


@given(st.lists(PIECES | st.text("0123456789abcdefz文٣ -_:", max_size=20), max_size=20).map("".join))
def test_patterns_that_look_ahead_mask_what_plain_ones_mask(text: str) -> None:
    assert masks._TIMES.sub("#", text) == PLAIN_TIMES.sub("#", text)
    assert masks._COUNTERS.sub("#", text) == PLAIN_COUNTERS.sub("#", text)


def test_of_two_addresses_that_hold_each_other_the_asked_one_is_masked_first() -> None:
    """Readers of one night and of the next hash strings differently: a set of the two had any order."""
    ends = ["https://a.example/posts", "https://a.example/posts/1/", "https://a.example/p", "https://a.example/posts/1"]
    for asked in ends:
        for final in ends:
            own = masks._own_addresses(Fetch(asked, final, NOW, status=200))
            assert own[0] == asked
            assert final in own
