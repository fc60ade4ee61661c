"""When a second opinion is asked, and what counts as agreeing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crawler.core.model import Evidence, History, Proof, State, Verdict
from crawler.core.settings import Schedule
from crawler.crawl.opinion import archive_agrees, wants_opinion
from crawler.fetch.wayback import Lookup, LookupOutcome, WaybackCapture

NOW = datetime(2026, 6, 1, tzinfo=UTC)
URL = "https://a.example/x"


def verdict(
    reason: str = "timeout", proof: Proof | None = Proof.WAY, state: State = State.SUSPECT, agreed: str = ""
) -> Verdict:
    return Verdict(state, reason, evidence=Evidence(proof=proof, agreed=agreed))


def history(days: float | None) -> History:
    return History(URL, NOW, first_failed=None if days is None else NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("about", "days", "wanted"),
    [
        (verdict(), 4, True),
        (verdict("soft-404", Proof.HOST), 4, True),
        (verdict(), 1, False),
        (verdict(), None, False),
        (verdict("tls-error", Proof.CLIENT), 4, False),
        (verdict("dns-failure", Proof.HOST), 4, False),
        (verdict("soft-404", Proof.HOST, agreed="title"), 4, False),
        (verdict(state=State.ALIVE), 4, False),
        (verdict("captcha", None, State.BLOCKED), 4, False),
    ],
)
def test_others_are_asked_where_their_word_could_settle_it(about: Verdict, days: float | None, wanted: bool) -> None:
    assert wants_opinion(about, history(days), NOW, Schedule()) is wanted


@pytest.mark.parametrize(
    ("statuses", "agrees"),
    [
        ((404,), True),
        ((404, 410), True),
        ((), False),
        ((404, 200), False),
        ((403,), False),
        ((404, None), False),
        ((301,), False),
    ],
)
def test_the_archive_agrees_where_it_saw_nothing_but_absence(statuses: tuple[int | None, ...], agrees: bool) -> None:
    found = Lookup(LookupOutcome.FOUND, tuple(WaybackCapture("x", NOW, URL, status) for status in statuses))
    assert archive_agrees(found, URL) is agrees
    assert not archive_agrees(Lookup(LookupOutcome.FOUND, (WaybackCapture("x", NOW, "https://b.example/", 404),)), URL)
