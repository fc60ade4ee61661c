"""The table by which a link dies, walked whole: what counts, what resets, what a link can become."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.model import (
    Confidence,
    Evidence,
    Failure,
    Fetch,
    History,
    Page,
    Proof,
    Redirect,
    State,
    Verdict,
    Word,
)
from crawler.core.proof import GUESSES, NEVER_ANSWERED, PROOF_OF_FAILURE, proof_of_status
from crawler.core.settings import DAY, Schedule
from crawler.schedule.history import first_seen, marked, remember, revised, unmarked, with_word
from crawler.schedule.proof import EFFECTS, PLAIN, Circumstances, Dies, Knowledge, answers_by_host, knowledge_of, table

START = datetime(2026, 1, 1, 3, tzinfo=UTC)
URL = "https://example.org/a"
SCHEDULE = Schedule()
DOCS = Path(__file__).parent.parent.parent / "docs" / "judgement.md"


def suspect(reason: str, proof: Proof | None, *, status: int | None = None, agreed: str = "") -> Verdict:
    return Verdict(State.SUSPECT, reason, evidence=Evidence(proof=proof, http_status=status, agreed=agreed))


ALIVE = Verdict(State.ALIVE, "ok", evidence=Evidence(http_status=200))
NOTICE = Verdict(State.DEAD, "not-found", evidence=Evidence(proof=Proof.PAGE, http_status=404))
HIDDEN = Verdict(State.SUSPECT, "hidden-by-platform", evidence=Evidence(proof=Proof.PAGE, http_status=200))
NO_NAME = suspect("dns-failure", Proof.HOST)
REFUSED = suspect("connection-refused", Proof.HOST)
BROKEN = suspect("server-error", Proof.HOST, status=500)
GUESS = suspect("soft-404", Proof.HOST, status=200)
SUPPORTED = suspect("soft-404", Proof.HOST, status=200, agreed="title")
TLS = suspect("tls-error", Proof.CLIENT)
TEAPOT = suspect("client-error", Proof.CLIENT, status=426)
TIMEOUT = suspect("timeout", Proof.WAY)
GATEWAY = suspect("server-error", Proof.WAY, status=503)
OPINION = suspect("timeout", Proof.WAY, agreed="wayback")
CAPTCHA = Verdict(State.BLOCKED, "captcha", evidence=Evidence(http_status=403))
STRANGE = Verdict(State.UNKNOWN, "no-rule-matched", evidence=Evidence(http_status=200))
HELD_BACK = Verdict(State.UNCHECKED, "held-back")
EVERY = (
    ALIVE, NOTICE, HIDDEN, NO_NAME, REFUSED, BROKEN, GUESS, SUPPORTED, TLS, TEAPOT, TIMEOUT, GATEWAY, OPINION, CAPTCHA,
    STRANGE, HELD_BACK,
)  # fmt: skip


def check(history: History, verdict: Verdict, day: float, around: Circumstances = PLAIN) -> History:
    at = START + timedelta(days=day)
    failure = None if verdict.evidence.http_status else Failure.TIMEOUT
    fetch = Fetch(URL, URL, at, status=verdict.evidence.http_status, failure=failure)
    return remember(history, fetch, Page(), verdict, at, SCHEDULE, around=around)


def live(*checks: tuple[float, Verdict], around: Circumstances = PLAIN) -> History:
    history = first_seen(URL, URL, START)
    for day, verdict in checks:
        history = check(history, verdict, day, around)
    return history


def nightly(verdict: Verdict, nights: int, around: Circumstances = PLAIN, *, alive: bool = True) -> History:
    """A link that lived, or was never seen, and then fails the same way every night."""
    history = live((-1, ALIVE)) if alive else first_seen(URL, URL, START)
    for night in range(nights):
        history = check(history, verdict, night, around)
    return history


def test_every_failure_and_every_status_has_its_kind_of_knowledge() -> None:
    assert PROOF_OF_FAILURE.keys() == set(Failure)
    assert [proof_of_status(s) for s in (404, 410)] == [Proof.PAGE] * 2
    assert [proof_of_status(s) for s in (500, 501, 505)] == [Proof.HOST] * 3
    assert [proof_of_status(s) for s in (400, 408, 409, 421, 426, 302, 700)] == [Proof.CLIENT] * 7
    assert [proof_of_status(s) for s in (502, 503, 504, 508, 511, 520, 599)] == [Proof.WAY] * 7


@pytest.mark.parametrize("verdict", [TLS, TEAPOT, GUESS], ids=["tls", "status 426", "guess"])
def test_what_is_no_knowledge_of_page_or_host_never_dies_by_repetition(verdict: Verdict) -> None:
    history = nightly(verdict, 400)
    assert (history.state, history.last_alive) == (State.SUSPECT, START - timedelta(days=1))


@pytest.mark.parametrize("verdict", [NO_NAME, REFUSED, BROKEN], ids=["no name", "refused", "status 500"])
def test_a_host_that_once_answered_dies_at_the_third_counted_check(verdict: Verdict) -> None:
    assert nightly(verdict, 6).state is State.SUSPECT
    assert (nightly(verdict, 7).state, nightly(verdict, 7).confidence) == (State.DEAD, Confidence.HIGH)


def test_a_guess_dies_only_when_a_second_kind_of_evidence_agrees() -> None:
    assert nightly(SUPPORTED, 7).state is State.DEAD
    assert nightly(SUPPORTED, 7).confidence is Confidence.MEDIUM
    mixed = live((0, GUESS), (3, GUESS), (6, BROKEN), (9, BROKEN))
    assert (mixed.state, mixed.failures) == (State.SUSPECT, 4)
    assert check(mixed, BROKEN, 12).state is State.DEAD


def test_a_silent_host_that_once_answered_dies_only_after_silent_with_low_confidence() -> None:
    assert nightly(TIMEOUT, 90).state is State.SUSPECT
    history = nightly(TIMEOUT, 91)
    assert (history.state, history.confidence, history.reason) == (State.DEAD, Confidence.LOW, "timeout")


def test_a_long_silence_needs_six_checks_on_six_days() -> None:
    five = live((-1, ALIVE), *((day, TIMEOUT) for day in (0, 0.1, 0.2, 0.3, 20, 60, 91, 100)))
    assert (five.state, five.silent) == (State.SUSPECT, 5)
    assert check(five, TIMEOUT, 101).state is State.DEAD


@pytest.mark.parametrize("heard", [CAPTCHA, TLS, STRANGE, GUESS, ALIVE], ids=lambda v: v.reason)
def test_any_answer_of_the_host_ends_its_silence(heard: Verdict) -> None:
    history = check(nightly(TIMEOUT, 80), heard, 80)
    for night in range(81, 165):
        history = check(history, TIMEOUT, night)
    assert history.state is not State.DEAD


def test_an_answer_to_another_link_of_the_host_ends_its_silence_too() -> None:
    history = nightly(TIMEOUT, 80)
    elsewhere = Circumstances(host_answered_at=START + timedelta(days=80))
    for night in range(81, 165):
        history = check(history, TIMEOUT, night, elsewhere)
    assert history.state is State.SUSPECT


@pytest.mark.parametrize("verdict", [TIMEOUT, REFUSED, GATEWAY], ids=["timeout", "refused", "status 503"])
def test_a_host_that_never_answered_from_here_never_dies(verdict: Verdict) -> None:
    history = nightly(verdict, 400, alive=False)
    assert (history.state, history.evidence.proof) == (State.SUSPECT, Proof.WAY)


def test_a_host_that_never_answered_while_others_did_is_told_apart() -> None:
    assert nightly(TIMEOUT, 1, alive=False).reason == "timeout"
    assert nightly(TIMEOUT, 2, alive=False).reason == NEVER_ANSWERED
    assert nightly(TIMEOUT, 2, Circumstances(others_answer=False), alive=False).reason == "timeout"
    assert nightly(TIMEOUT, 9).reason == "timeout"
    assert nightly(NO_NAME, 9, alive=False).reason == "dns-failure"


def test_a_second_opinion_makes_a_death_of_the_way_with_low_confidence() -> None:
    history = live((-1, ALIVE), (0, TIMEOUT), (1, OPINION))
    assert (history.state, history.confidence) == (State.DEAD, Confidence.LOW)


def test_a_missing_name_is_dead_at_once_only_when_looked_up_twice_and_never_alive() -> None:
    twice = Circumstances(no_such_name=True)
    new = live((0, NO_NAME), around=twice)
    assert (new.state, new.confidence) == (State.DEAD, Confidence.LOW)
    assert live((0, NO_NAME)).state is State.SUSPECT
    assert check(live((-1, ALIVE)), NO_NAME, 0, twice).state is State.SUSPECT
    sure = check(check(new, NO_NAME, 3, twice), NO_NAME, 6, twice)
    assert (sure.state, sure.confidence) == (State.DEAD, Confidence.HIGH)


def test_a_name_that_a_proxy_does_not_find_is_of_the_way() -> None:
    assert nightly(NO_NAME, 80, Circumstances(proxied=True)).state is State.SUSPECT


def test_behind_a_redirect_only_the_links_own_life_tells_whether_the_host_answered() -> None:
    behind = replace(REFUSED, evidence=replace(REFUSED.evidence, redirects=(Redirect(302, URL),)))
    around = Circumstances(host_answered_at=START)
    assert knowledge_of(behind, first_seen(URL, URL, START), around) is Knowledge.NEVER_SEEN
    assert knowledge_of(behind, live((0, ALIVE)), around) is Knowledge.HOST


@pytest.mark.parametrize(
    "later", [v for v in EVERY if v.state not in (State.ALIVE, State.DEAD)], ids=lambda v: v.reason
)
def test_a_dead_link_stays_dead_until_it_is_seen_alive(later: Verdict) -> None:
    dead = live((0, NOTICE), (3, NOTICE))
    after = check(check(dead, later, 33), later, 63)
    assert (after.state, after.reason, after.confidence) == (State.DEAD, "not-found", Confidence.HIGH)
    assert check(after, ALIVE, 64).state is State.ALIVE


def test_another_kind_in_between_neither_counts_nor_resets() -> None:
    for between in (TLS, TIMEOUT, CAPTCHA, STRANGE, HELD_BACK):
        history = live((-1, ALIVE), (0, BROKEN), (3, BROKEN), (4, between))
        assert (history.failures, check(history, BROKEN, 7).state) == (2, State.DEAD)


STEPS = st.lists(
    st.tuples(st.floats(0.01, 50), st.sampled_from(EVERY), st.booleans(), st.booleans(), st.booleans()), max_size=60
)


@given(STEPS)
def test_no_life_breaks_the_table(steps: list[tuple[float, Verdict, bool, bool, bool]]) -> None:
    """Whatever happens, each step does what the row of its check says, and nothing else makes a link dead."""
    history, day = first_seen(URL, URL, START), 0.0
    for days, verdict, heard, proxied, twice in steps:
        day += days
        at = START + timedelta(days=day)
        around = Circumstances(at - timedelta(hours=1) if heard else None, True, proxied, twice)
        effect = EFFECTS[knowledge_of(verdict, history, around)]
        before, history = history, check(history, verdict, day, around)
        assert history.next_due is not None
        assert history.next_due >= at
        if effect.resets:
            assert (history.state, history.failures, history.first_failed) == (State.ALIVE, 0, None)
            continue
        assert history.failures - before.failures in ((0, 1) if effect.counts else (0,))
        if before.state is State.DEAD:
            assert history.state is State.DEAD
        elif history.state is State.DEAD:
            assert effect.dies is not Dies.NEVER
            counted = history.failures - history.guesses
            match effect.dies:
                case Dies.CONFIRMED:
                    assert counted >= SCHEDULE.confirmations
                    assert history.evidence.proof in (Proof.PAGE, Proof.HOST)
                case Dies.SILENT:
                    assert history.silent_since is not None
                    assert (at - history.silent_since).total_seconds() >= SCHEDULE.silent
                    assert history.silent >= 6
                    assert history.confidence is Confidence.LOW
        else:
            assert history.state is (verdict.state if verdict.state is not State.DEAD else State.SUSPECT)


@given(STEPS, st.sampled_from(Word), st.integers(0, 59))
def test_a_persons_word_stands_above_all_and_what_is_beneath_goes_on(
    steps: list[tuple[float, Verdict, bool, bool, bool]], word: Word, when: int
) -> None:
    plain = spoken = first_seen(URL, URL, START)
    day = 0.0
    for number, (days, verdict, *_) in enumerate(steps):
        day += days
        if number == when:
            spoken = with_word(spoken, word, START + timedelta(days=day))
        plain, spoken = check(plain, verdict, day), check(spoken, verdict, day)
        if spoken.mark:
            assert spoken.state is (State.ALIVE if word is Word.FINE else State.DEAD)
            assert (spoken.mark.state, spoken.mark.reason) == (plain.state, plain.reason)
    back = unmarked(spoken, START + timedelta(days=day))
    assert (back.state, back.reason, back.confidence, back.mark) == (plain.state, plain.reason, plain.confidence, None)


def test_a_word_is_laid_over_a_word_and_not_over_its_shadow() -> None:
    history = live((0, NOTICE))
    twice = marked(marked(history, Word.FINE, START), Word.DEAD, START)
    assert twice.mark is not None
    assert (twice.reason, twice.mark.reason) == ("marked-dead", "not-found")


def old(rule: str, reason: str, *, status: int | None = None, error: str = "", alive: bool = True) -> History:
    return History(
        URL, START, state=State.DEAD, reason=reason, confidence=Confidence.HIGH, failures=3, checked_at=START,
        evidence=Evidence(rule=rule, http_status=status, error=error), last_alive=START if alive else None,
        next_due=START + timedelta(days=30),
    )  # fmt: skip


@pytest.mark.parametrize(
    "death",
    [
        old("failure/timeout", "timeout"),
        old("failure/tls-error", "tls-error"),
        old("failure/protocol-error", "protocol-error"),
        old("failure/dns-failure", "dns-failure", error="name lookup failed for now: x"),
        old("failure/connection-refused", "connection-refused", alive=False),
        old("generic/status-426", "client-error", status=426),
        old("generic/status-503", "server-error", status=503),
        old("generic/soft-404", "soft-404", status=200),
        old("weibo/home", "redirected-to-home", status=200),
        old("generic/shared-target", "shared-target", status=200),
        old("", "timeout"),
    ],
    ids=lambda h: h.evidence.rule or "no record",
)
def test_a_death_that_an_older_version_did_not_prove_is_suspect_again_and_due(death: History) -> None:
    after = revised(death)
    assert (after.state, after.failures, after.next_due) == (State.SUSPECT, 0, None)
    assert revised(after) is after


@pytest.mark.parametrize(
    "death",
    [
        old("generic/status-404", "not-found", status=404),
        old("generic/status-500", "server-error", status=500),
        old("weixin/deleted-by-author", "deleted-by-author", status=200),
        old("failure/malformed-url", "malformed-url"),
        old("failure/dns-failure", "dns-failure", error="no such host"),
        old("failure/connection-refused", "connection-refused"),
        marked(old("", "timeout"), Word.DEAD, START),
    ],
    ids=lambda h: h.evidence.rule or "a person's word",
)
def test_a_death_of_page_or_host_that_an_older_version_saw_stays(death: History) -> None:
    assert revised(death) is death


def test_counts_that_an_older_version_made_of_other_checks_are_forgotten() -> None:
    counted = replace(old("failure/timeout", "timeout"), state=State.SUSPECT, failures=2)
    assert revised(counted).failures == 0


def test_hosts_are_known_by_the_last_answer_of_any_of_their_links() -> None:
    early, late = live((0, ALIVE)), live((5, STRANGE))
    silent = live((9, TIMEOUT))
    assert answers_by_host([("h", early), ("h", late), ("h", silent), ("x", silent)]) == {
        "h": START + timedelta(days=5)
    }


def test_what_no_repetition_confirms_is_asked_ever_more_rarely() -> None:
    gaps = [nightly(TLS, n).interval / DAY for n in (1, 2, 3, 4, 5)]
    assert gaps == [1, 2, 4, 7, 7]
    assert nightly(BROKEN, 5).interval == SCHEDULE.suspect


def test_the_table_is_printed_in_the_docs_as_it_is() -> None:
    assert table() in DOCS.read_text(encoding="utf-8")


def test_all_guesses_are_of_the_host() -> None:
    assert {GUESS.reason} < GUESSES
    assert EFFECTS[Knowledge.GUESS].proof is Proof.HOST
