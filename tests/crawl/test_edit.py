"""What counts against the author of an edit, and what does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from crawler.core.model import Confidence, Failure, Fetch, History, Link, State
from crawler.core.results import Run
from crawler.crawl import edit as checking
from crawler.crawl.edit import is_offline, malformed, to_ask
from crawler.judge.status import judge_failure

NOW = datetime(2026, 1, 2, tzinfo=UTC)
URL = "https://a.example/"
LINK = Link(URL, URL, URL, "other", "a.example", "a.example")
NO_HOST = judge_failure(Fetch(URL, URL, NOW, failure=Failure.NO_SUCH_HOST), Failure.NO_SUCH_HOST).evidence
NO_ANSWER = judge_failure(Fetch(URL, URL, NOW, failure=Failure.DNS), Failure.DNS).evidence


def history(state: State, confidence: Confidence = Confidence.HIGH, **facts: Any) -> History:
    known = History(URL, NOW, url=URL, state=state, reason="x", confidence=confidence, checked_at=NOW)
    return replace(known, **facts)  # type: ignore[arg-type]  # a test's shorthand


def test_the_judges_rule_for_names_is_the_one_that_is_looked_for() -> None:
    assert NO_ANSWER.rule == checking.LOOKUP_FAILED


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
