"""Kept bytes under better rules: what changes, what is corrected, and what a later check protects."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from crawler.archive import Capture
from crawler.archive.answers import KeptAnswer
from crawler.core.model import Fetch, History, State
from crawler.core.settings import Schedule
from crawler.crawl.examine import examine
from crawler.crawl.kept_tasks import KeptTask, read_kept
from crawler.crawl.rejudge import Rejudged, rejudged
from crawler.crawl.tasks import PageReading
from crawler.notes.links import link_of
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
    link = replace(link_of(URL, rules), canonical_url=blank.canonical_url)
    _, page, verdict = examine(link, fetched, rules)
    history = remember(first_seen(blank.canonical_url, URL, at), fetched, page, verdict, at, Schedule())
    capture = replace(blank, state=verdict.state, reason=verdict.reason, title=page.title)
    return capture, fetched, history


@dataclass
class Remembered:
    """An archive with one link, whose pages all have the same bytes, or none."""

    link: History
    bytes: Fetch | None
    asked: list[int] = field(default_factory=list)

    def answer(self, capture: Capture) -> KeptAnswer | None:
        self.asked.append(capture.id)
        return KeptAnswer(self.bytes) if self.bytes else None

    def fetched(self, ident: int) -> Fetch | None:
        return self.bytes

    def history(self, canonical_url: str) -> History | None:
        return self.link if canonical_url == self.link.canonical_url else None


def judged_here(captures: list[Capture], archive: Remembered, rules: Sites) -> list[Rejudged | None]:
    def read_all(tasks: Iterable[KeptTask]) -> Iterator[tuple[KeptTask, PageReading]]:
        return ((task, read_kept(task, rules)) for task in tasks)

    return list(rejudged(iter(captures), archive, Schedule(), read_all))


def again(capture: Capture, fetched: Fetch, history: History, rules: Sites) -> list[Rejudged | None]:
    return judged_here([capture], Remembered(history, fetched), rules)


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


def test_a_later_check_stands_above_an_old_capture() -> None:
    capture, fetched, history = kept(GONE, sites())
    later = replace(history, checked_at=AT + timedelta(days=9))
    [found] = again(capture, fetched, later, sites(GONE_ROW))
    assert found is not None
    assert found.history is None


def test_captures_without_bytes_are_passed_over() -> None:
    capture, _, history = kept(GONE, sites())
    assert judged_here([replace(capture, raw=False)], Remembered(history, None), sites(GONE_ROW)) == []


def test_a_page_seen_again_is_judged_by_the_bytes_of_its_first_capture() -> None:
    capture, fetched, history = kept(GONE, sites())
    second = replace(capture, id=2, at=AT + timedelta(days=1), raw=False, revisit_of=1)
    archive = Remembered(replace(history, checked_at=second.at), fetched)
    first, again = judged_here([capture, second], archive, sites(GONE_ROW))
    assert first is not None
    assert again is not None
    assert (first.history, again.history is not None, archive.asked) == (None, True, [1])


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
