"""What counts against the author of an edit, and what does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.core.model import Confidence, Failure, Fetch, History, Link, Run, State
from crawler.crawl import edit as checking
from crawler.crawl.edit import graded, has_no_host, is_offline, malformed, to_ask, twice_without_host
from crawler.judge.status import judge_failure

NOW = datetime(2026, 1, 2, tzinfo=UTC)
URL = "https://a.example/"
LINK = Link(URL, URL, URL, "other", "a.example", "a.example")
NO_HOST = judge_failure(Fetch(URL, URL, NOW, failure=Failure.NO_SUCH_HOST), Failure.NO_SUCH_HOST).evidence
NO_ANSWER = judge_failure(Fetch(URL, URL, NOW, failure=Failure.DNS), Failure.DNS).evidence


def history(state: State, confidence: Confidence = Confidence.HIGH, **facts: Any) -> History:
    known = History(URL, NOW, url=URL, state=state, reason="x", confidence=confidence, checked_at=NOW)
    return replace(known, **facts)  # type: ignore[arg-type]  # a test's shorthand


def test_the_judges_rules_for_names_are_those_that_are_looked_for() -> None:
    assert NO_HOST.rule == checking.NO_SUCH_HOST
    assert NO_ANSWER.rule == checking.LOOKUP_FAILED


def test_an_old_link_fails_only_when_its_death_is_confirmed() -> None:
    before, doubtful = history(State.ALIVE), history(State.DEAD, Confidence.MEDIUM)
    assert graded(doubtful, before, is_new=False).state is State.SUSPECT
    assert graded(history(State.DEAD), before, is_new=False).state is State.DEAD


@pytest.mark.parametrize("before", [None, History(URL, NOW)])
def test_a_link_that_nobody_looked_at_before_fails_at_once(before: History | None) -> None:
    assert graded(history(State.DEAD, Confidence.MEDIUM), before, is_new=False).state is State.DEAD
    assert graded(history(State.DEAD, Confidence.MEDIUM), history(State.ALIVE), is_new=True).state is State.DEAD


def test_a_domain_is_gone_when_two_looks_say_so() -> None:
    missing, slow = history(State.SUSPECT, evidence=NO_HOST), history(State.SUSPECT)
    assert (has_no_host(missing), has_no_host(slow), has_no_host(None)) == (True, False, False)
    assert twice_without_host(missing, missing).reason == "dns-failure"
    assert twice_without_host(missing, missing).state is State.DEAD
    assert twice_without_host(missing, slow) is slow
    assert twice_without_host(missing, None) is missing


def test_what_memory_knows_well_enough_is_not_asked() -> None:
    def asked(known: History | None, *, everything: bool = False, age: float = 60) -> bool:
        known_by = {} if known is None else {URL: known}
        return bool(to_ask([LINK], known_by, NOW + timedelta(seconds=age), 100, everything=everything))

    assert not asked(history(State.ALIVE))
    assert not asked(history(State.DEAD))
    assert asked(history(State.ALIVE), everything=True)
    assert asked(history(State.ALIVE), age=101)
    assert asked(history(State.SUSPECT))
    assert asked(None)


def test_a_malformed_address_is_known_without_asking() -> None:
    broken = Link("http://[x", "http://[x", "http://[x", "other", "", "")
    assert {key: found.reason for key, found in malformed([LINK, broken], NOW).items()} == {
        "http://[x": "malformed-url"
    }


def test_our_line_is_down_when_no_name_could_be_looked_up() -> None:
    run, failed = (
        Run("1", "check", NOW),
        history(State.SUSPECT, evidence=NO_ANSWER),
    )
    assert is_offline(run, [LINK], {URL: failed})
    assert not is_offline(run, [LINK], {URL: history(State.SUSPECT, evidence=NO_HOST)})
    assert not is_offline(run, [], {})
    assert is_offline(replace(run, network="down"), [LINK], {})
