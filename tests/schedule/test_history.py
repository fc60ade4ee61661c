"""What checks do to memory: years of a link's life in milliseconds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import Confidence, Evidence, Failure, Fetch, History, Page, Proof, Snapshot, State, Verdict
from crawler.core.settings import DAY, Schedule, Seconds
from crawler.schedule.history import first_seen, remember

START = datetime(2026, 1, 1, 3, tzinfo=UTC)
URL = "https://example.org/a"
SCHEDULE = Schedule()

ALIVE = Verdict(State.ALIVE, "ok", Confidence.HIGH)
NOTICE = Verdict(State.DEAD, "deleted-by-author")
MISSING = Verdict(State.SUSPECT, "dns-failure", evidence=Evidence(proof=Proof.HOST))
TIMEOUT = Verdict(State.SUSPECT, "timeout", evidence=Evidence(proof=Proof.WAY))
TLS = Verdict(State.SUSPECT, "tls-error", evidence=Evidence(proof=Proof.CLIENT))
CAPTCHA = Verdict(State.BLOCKED, "captcha")
STRANGE = Verdict(State.UNKNOWN, "no-rule-matched")
PRIVATE = Verdict(State.SUSPECT, "private", confirmations=2, evidence=Evidence(proof=Proof.PAGE))


def fetched(at: datetime, *headers: tuple[str, str], status: int = 200) -> Fetch:
    return Fetch(URL, URL, at, status=status, headers=headers)


def live(*checks: tuple[float, Verdict], schedule: Schedule = SCHEDULE) -> History:
    """The memory after checks at (days since the start, verdict)."""
    history = first_seen(URL, URL, START)
    for day, verdict in checks:
        at = START + timedelta(days=day)
        history = remember(history, fetched(at), Page(), verdict, at, schedule)
    return history


def test_a_living_page_is_asked_ever_more_rarely_up_to_the_longest_interval() -> None:
    history, at, intervals = first_seen(URL, URL, START), START, []
    for _ in range(8):
        history = remember(history, fetched(at), Page(), ALIVE, at, SCHEDULE)
        intervals.append(history.interval / DAY)
        assert history.next_due is not None
        at = history.next_due
    assert intervals == [7, 14, 28, 56, 90, 90, 90, 90]


def test_a_check_never_comes_later_than_the_allowed_interval() -> None:
    history = live((0, ALIVE))
    assert history.next_due is not None
    assert timedelta(days=5) < history.next_due - START <= timedelta(days=7)


def test_first_checks_of_one_night_do_not_come_due_in_one_wave() -> None:
    due = set()
    for number in range(200):
        history = first_seen(f"{URL}{number}", URL, START)
        history = remember(history, fetched(START), Page(), ALIVE, START, SCHEDULE)
        assert history.next_due is not None
        due.add(history.next_due.date())
    assert len(due) > 1


def test_a_sites_own_notice_is_dead_at_once_with_medium_confidence() -> None:
    history = live((0, ALIVE), (7, NOTICE))
    assert (history.state, history.confidence) == (State.DEAD, Confidence.MEDIUM)
    assert history.first_failed == START + timedelta(days=7)


def test_a_second_notice_on_another_day_makes_death_certain() -> None:
    assert live((0, NOTICE), (3, NOTICE)).confidence is Confidence.HIGH


def test_a_second_notice_an_hour_later_does_not() -> None:
    assert live((0, NOTICE), (0.04, NOTICE)).confidence is Confidence.MEDIUM


def test_the_second_look_at_a_notice_comes_within_days_and_later_ones_rarely() -> None:
    once, twice = live((0, NOTICE)), live((0, NOTICE), (3, NOTICE))
    assert once.interval == SCHEDULE.confirm_after
    assert twice.interval == SCHEDULE.dead


def test_a_host_that_fails_is_suspect_until_three_counted_checks_agree() -> None:
    assert live((0, MISSING)).state is State.SUSPECT
    assert live((0, MISSING), (3, MISSING)).state is State.SUSPECT
    history = live((0, MISSING), (3, MISSING), (6, MISSING))
    assert (history.state, history.reason, history.confidence) == (State.DEAD, "dns-failure", Confidence.HIGH)


def test_failures_closer_together_than_confirm_after_count_once() -> None:
    history = live((0, MISSING), (1, MISSING), (2, MISSING), (2.9, MISSING))
    assert (history.state, history.failures) == (State.SUSPECT, 1)


def test_one_living_look_forgets_all_failures() -> None:
    history = live((0, MISSING), (3, MISSING), (4, ALIVE), (6, MISSING), (9, MISSING))
    assert (history.state, history.failures) == (State.SUSPECT, 2)


def test_a_private_page_is_dead_when_seen_so_on_two_days() -> None:
    assert live((0, PRIVATE), (0.5, PRIVATE)).state is State.SUSPECT
    assert live((0, PRIVATE), (1, PRIVATE)).state is State.DEAD


@pytest.mark.parametrize("quiet", [CAPTCHA, STRANGE])
def test_a_wall_counts_neither_towards_death_nor_towards_life(quiet: Verdict) -> None:
    assert live((0, MISSING), (3, quiet), (6, quiet), (9, quiet)).failures == 1
    assert live((0, MISSING), (3, quiet), (6, MISSING), (9, MISSING)).state is State.DEAD
    assert live((0, NOTICE), (3, quiet)).state is State.DEAD


def test_a_wall_that_stands_is_asked_more_rarely_but_within_the_interval_of_the_living() -> None:
    history = live((0, CAPTCHA), (1, CAPTCHA), (3, CAPTCHA), (7, CAPTCHA), (14, CAPTCHA))
    assert history.interval == SCHEDULE.alive


def test_a_dead_link_stays_dead_through_a_timeout_and_lives_again_when_seen() -> None:
    dead = ((0, NOTICE), (3, NOTICE), (33, TIMEOUT))
    assert (live(*dead).state, live(*dead).reason) == (State.DEAD, "deleted-by-author")
    risen = live(*dead, (63, ALIVE))
    assert (risen.state, risen.previous_state, risen.failures) == (State.ALIVE, State.DEAD, 0)


def test_a_change_of_state_is_dated_and_no_change_is_not() -> None:
    assert live((0, ALIVE), (7, ALIVE)).changed_at == START
    assert live((0, ALIVE), (7, NOTICE)).changed_at == START + timedelta(days=7)


def test_validators_are_trusted_only_after_the_same_text_came_with_the_same_validator() -> None:
    etag, page = ("ETag", '"1"'), Page(text="x", digest="sha256:1")
    history = remember(first_seen(URL, URL, START), fetched(START, etag), page, ALIVE, START, SCHEDULE)
    assert not history.honours_validators
    history = replace(history, snapshot=Snapshot(1, START, "", 1, "sha256:1"))
    proved = remember(history, fetched(START, etag), page, ALIVE, START, SCHEDULE)
    assert proved.honours_validators
    lied = remember(proved, fetched(START, etag), Page(text="y", digest="sha256:2"), ALIVE, START, SCHEDULE)
    assert not lied.honours_validators


def test_a_not_modified_answer_keeps_title_and_validators() -> None:
    etag, page = ("ETag", '"1"'), Page(title="T", text="x", digest="sha256:1")
    history = remember(first_seen(URL, URL, START), fetched(START, etag), page, ALIVE, START, SCHEDULE)
    after = remember(history, fetched(START, status=304), Page(), ALIVE, START, SCHEDULE)
    assert (after.page_title, after.etag) == ("T", '"1"')


def test_intervals_that_the_user_sets_to_zero_stay_possible() -> None:
    schedule = Schedule(alive=Seconds(0), alive_max=Seconds(0), blocked=Seconds(0))
    assert live((0, ALIVE), schedule=schedule).next_due == START


VERDICTS = st.sampled_from([ALIVE, NOTICE, MISSING, TIMEOUT, TLS, CAPTCHA, STRANGE, PRIVATE])


@given(st.lists(st.tuples(st.floats(0.01, 40), VERDICTS), max_size=40))
def test_no_life_of_a_link_breaks_the_promises(steps: list[tuple[float, Verdict]]) -> None:
    """Over any life: death has a cause, life has a witness, and the next check is never before this one."""
    history, at = first_seen(URL, URL, START), START
    for days, verdict in steps:
        at += timedelta(days=days)
        history = remember(history, fetched(at), Page(), verdict, at, SCHEDULE)
        assert history.next_due is not None
        assert history.next_due >= at
        assert history.failures == 0 or history.first_failed is not None
        if history.state is State.ALIVE:
            assert (history.last_alive, history.failures) == (at, 0)
        if history.state is State.DEAD:
            assert history.first_failed is not None
            assert history.last_alive is None or history.last_alive < history.first_failed


def test_an_internal_error_says_nothing_of_the_page() -> None:
    crashed = Verdict(State.UNKNOWN, Failure.INTERNAL, Confidence.LOW)
    assert live((0, NOTICE), (3, crashed)).state is State.DEAD
