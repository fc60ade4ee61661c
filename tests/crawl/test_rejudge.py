"""Kept bytes under better rules: what changes, what is corrected, and what a later look protects."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crawler.archive import Capture
from crawler.core.model import Fetch, History, State
from crawler.core.settings import Schedule
from crawler.crawl.examine import examine
from crawler.crawl.rejudge import Rejudged, link_of_capture, rejudged
from crawler.schedule.history import first_seen, remember
from crawler.sites import Sites, load_sites
from crawler.testing import pages

AT = datetime(2026, 6, 1, tzinfo=UTC)
URL = "https://notes.example/p/1"
HTML = (("Content-Type", "text/html; charset=utf-8"),)
GONE = b"<html><title>x</title><body><div class=oops>This one was taken away.</div></body></html>"


def sites(*rows: str) -> Sites:
    text = "\n".join(['hosts = ["notes.example"]', 'error_zone = [".oops"]', ALIVE_ROW, *rows])
    return load_sites([("notes.toml", tomllib.loads(text))])


ALIVE_ROW = '[[row]]\nid = "article"\nstate = "alive"\nreason = "content"\nhas = ["article"]'
GONE_ROW = '[[row]]\nid = "gone"\nstate = "dead"\nreason = "gone-by-notice"\nnotice = ["taken away"]'


def kept(body: bytes, rules: Sites, at: datetime = AT) -> tuple[Capture, Fetch, History]:
    """A capture, as a run under `rules` left it, with the memory of its link."""
    fetched = Fetch(URL, URL, at, status=200, headers=HTML, body=body)
    blank = Capture(
        1, URL, rules.identify(URL).canonical_url, "notes", "notes.example", at, 200, URL, "text/html", State.UNKNOWN,
        "", raw=True,
    )  # fmt: skip
    _, page, verdict = examine(link_of_capture(blank, rules), fetched, rules)
    history = remember(first_seen(blank.canonical_url, URL, at), fetched, page, verdict, at, Schedule())
    capture = replace(blank, state=verdict.state, reason=verdict.reason, title=page.title)
    return capture, fetched, history


def again(capture: Capture, fetched: Fetch, history: History, rules: Sites) -> list[Rejudged | None]:
    def captures() -> Iterator[Capture]:
        yield capture

    return list(rejudged(captures(), lambda _: fetched, {history.canonical_url: history}, rules, Schedule()))


def test_the_same_rules_change_nothing() -> None:
    assert again(*kept(GONE, sites()), sites()) == [None]


def test_a_new_row_turns_an_unseen_notice_into_a_death_dated_when_it_was_seen() -> None:
    capture, fetched, history = kept(GONE, sites())
    assert (capture.state, capture.reason) == (State.UNKNOWN, "unseen-notice")
    [found] = again(capture, fetched, history, sites(GONE_ROW))
    assert found is not None
    assert found.state_changed
    assert found.verdict.evidence.rule == "notes/gone"
    assert found.history is not None
    assert (found.history.state, found.history.first_failed, found.history.failures) == (State.DEAD, AT, 1)


def test_a_row_that_proves_wrong_gives_the_dead_their_life_back() -> None:
    capture, fetched, history = kept(GONE, sites(GONE_ROW))
    assert history.state is State.DEAD
    [found] = again(capture, fetched, history, sites())
    assert found is not None
    assert found.history is not None
    assert (found.history.state, found.history.failures, found.history.first_failed) == (State.UNKNOWN, 0, None)


def test_a_later_look_stands_above_an_old_capture() -> None:
    capture, fetched, history = kept(GONE, sites())
    later = replace(history, checked_at=AT + timedelta(days=9))
    [found] = again(capture, fetched, later, sites(GONE_ROW))
    assert found is not None
    assert found.history is None


def test_captures_without_bytes_are_passed_over() -> None:
    capture, _, history = kept(GONE, sites())
    memory = {history.canonical_url: history}
    assert list(rejudged([replace(capture, raw=False)], lambda _: None, memory, sites(GONE_ROW), Schedule())) == []


def test_a_page_seen_again_is_judged_by_the_bytes_of_its_first_capture() -> None:
    capture, fetched, history = kept(GONE, sites())
    second = replace(capture, id=2, at=AT + timedelta(days=1), raw=False, revisit_of=1)
    asked: list[int] = []

    def bytes_of(ident: int) -> Fetch:
        asked.append(ident)
        return fetched

    memory = {history.canonical_url: replace(history, checked_at=second.at)}
    first, again = rejudged([capture, second], bytes_of, memory, sites(GONE_ROW), Schedule())
    assert first is not None
    assert again is not None
    assert (first.history, again.history is not None, asked) == (None, True, [1])


@pytest.mark.parametrize("build", [pages.weixin_article, pages.zhihu_column, pages.blog_article])
def test_what_the_demonstration_serves_is_read_the_same_twice(build) -> None:  # type: ignore[no-untyped-def]
    rules = sites()
    article = pages.Article("https://zhuanlan.zhihu.com/p/12345678", "题目", "作者", ("一段文字。" * 20,))
    assert again(*kept(build(article), rules), rules) == [None]


def test_a_correction_that_stands_in_the_memory_is_not_counted_again() -> None:
    capture, fetched, history = kept(GONE, sites())
    better = sites(GONE_ROW)
    [found] = again(capture, fetched, history, better)
    assert found is not None
    assert found.history is not None
    [second] = again(capture, fetched, found.history, better)
    assert second is not None, "the capture itself still says what was concluded on its day"
    assert second.history is None
    told = replace(capture, state=found.verdict.state, reason=found.verdict.reason, title=found.title)
    assert again(told, fetched, found.history, better) == [None]
