"""What a check does to what we remember: confirmation of failures, intervals, changes of state.

Only the fold of one check into one `History` lives here. What each kind of failing check counts, resets and can become
is the table of `proof`; whether a run may be believed at all is `outage`'s question, and what is due `plan`'s.

* A dead link stays dead until it is seen alive, or a person or a better rule says otherwise.
* A person's word (`Mark`) stands above all; what checks conclude is remembered beneath it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from crawler.core.model import Confidence, Evidence, Fetch, History, Mark, Page, Proof, State, Verdict, Word
from crawler.core.proof import GUESSES, NEVER_ANSWERED, proof_of_record
from crawler.core.settings import DAY, Schedule
from crawler.schedule.proof import (
    EFFECTS,
    PLAIN,
    SILENT_CHECKS,
    Circumstances,
    Dies,
    Effect,
    Knowledge,
    host_answered,
    knowledge_of,
)
from crawler.schedule.walls import is_known_wall

GROWTH = 2.0  # of the interval of a page that steadily lives, and of a wall that steadily refuses; a guess
EARLY = 0.5  # of its interval; a check that comes sooner does not make the interval grow
SHELL = 4  # times less text than a browser read make a plain answer a shell; a guess
SPREAD = 0.25  # the share of an interval over which a hash spreads the next check, so that nothing comes in waves
_UNSEEN_REASONS = frozenset(("timeout", "connection-reset", "unreachable", NEVER_ANSWERED))


def remember(
    history: History,
    fetch: Fetch,
    page: Page,
    verdict: Verdict,
    now: datetime,
    schedule: Schedule,
    *,
    title_match: float | None = None,
    around: Circumstances = PLAIN,
    said: str = "",
) -> History:
    """Fold one check into the memory of its link.

    `around` is what is known of its host and of our line, `said` the fingerprint of what was answered.
    """
    beneath = _unmarked(history)
    concluded = _conclude(beneath, verdict, now, schedule, around)
    interval = float(_interval(beneath, concluded, now, schedule))
    changes: dict[str, Any] = {
        "checked_at": now,
        "doubted_at": None,
        "said": said or history.said,
        **_refusals(history, verdict),
    }  # at once: a new memory costs 7 µs each time
    if verdict.state is State.ALIVE and fetch.status != 304:
        changes |= {
            "page_title": page.title or history.page_title,
            "page_author": page.author or history.page_author,
            "rendered": by_browser(fetch) or (history.rendered and is_poor_beside(history, page)),
            "title_match": title_match,
            "etag": fetch.header("etag"),
            "last_modified": fetch.header("last-modified"),
            "honours_validators": honours_validators(history, fetch, page),
        }
    due = now + timedelta(seconds=_spread(concluded, interval))
    shown = marked(concluded, history.mark.word, history.mark.at) if history.mark else concluded
    if shown.state is not history.state:
        changes |= {"previous_state": history.state, "changed_at": now}
    return replace(shown, **changes, interval=interval, next_due=due)


def by_browser(fetch: Fetch) -> bool:
    """Whether a browser showed the page, and did not just fetch it."""
    return bool(fetch.header("x-rendered-by"))


def is_poor_beside(history: History, page: Page) -> bool:
    """Whether a page has far less text than the kept one that a browser read: without its scripts it is a shell."""
    kept = history.snapshot.text_chars if history.snapshot is not None else 0
    return SHELL * len(page.text) < kept


def remember_past(
    history: History, fetch: Fetch, page: Page, verdict: Verdict, at: datetime, schedule: Schedule
) -> History:
    """Fold a capture of the time `at`, which a person brings, into the memory of its link.

    It proves that the page lived then, and nothing else: what was concluded by a check stays where the capture is
    older or no article, and only a link that nobody ever looked at takes its state from it whatever that is.
    """
    if history.checked_at is None or (history.checked_at < at and verdict.state is State.ALIVE):
        after = remember(history, fetch, page, verdict, at, schedule, title_match=history.title_match)
        waits = history.checked_at is None or (history.next_due is not None and history.next_due <= at)
        return replace(after, next_due=at) if waits else after  # what waits for a check of ours is due as before
    if verdict.state is not State.ALIVE:
        return history
    lived = max(at, history.last_alive or at)
    return replace(history, last_alive=lived, page_title=history.page_title or page.title)


def honours_validators(history: History, fetch: Fetch, page: Page) -> bool:
    """Whether this link has proved that its validators follow its text, so that the next check may be conditional.

    The proof is the same validator with the same text on two full checks; a changed text under an unchanged
    validator is the disproof. A host that sends a new validator every time proves nothing, and costs nothing.
    """
    if not fetch.header("etag") and not fetch.header("last-modified"):
        return False
    same = (history.etag, history.last_modified) == (fetch.header("etag"), fetch.header("last-modified"))
    if not same or history.snapshot is None:
        return history.honours_validators
    return page.digest == history.snapshot.digest


def _conclude(history: History, verdict: Verdict, now: datetime, schedule: Schedule, around: Circumstances) -> History:
    """State, reason, confidence and counters after this check; the times of the next one come later."""
    knowledge = knowledge_of(verdict, history, around)
    effect = EFFECTS[knowledge]
    silence = _silence(history, effect, verdict, now, around)
    if effect.resets:
        alive = {"last_alive": now, "first_failed": None, "failures": 0, "guesses": 0, "counted_at": None}
        return _judged(history, verdict, State.ALIVE, verdict.confidence, **alive, **silence)
    counted = replace(history, **silence) if silence else history
    if knowledge is Knowledge.NOTHING:
        return counted if history.state is State.DEAD else _judged(counted, verdict, verdict.state, verdict.confidence)
    counted = _count(counted, verdict, effect, now, schedule)
    verdict = _narrowed(verdict, effect, knowledge, history, around)
    if history.state is State.DEAD:
        return _still_dead(history, counted, verdict, effect, schedule)
    if _dies(counted, verdict, effect, now, schedule):
        sure = effect.dies is Dies.AT_ONCE and verdict.confidence is Confidence.HIGH
        return _judged(counted, verdict, State.DEAD, Confidence.HIGH if sure else effect.confidence or Confidence.LOW)
    return _judged(counted, verdict, State.SUSPECT, verdict.confidence)


def _dies(history: History, verdict: Verdict, effect: Effect, now: datetime, schedule: Schedule) -> bool:
    """Whether this check makes the link dead."""
    match effect.dies:
        case Dies.AT_ONCE:
            return True
        case Dies.CONFIRMED:
            return _proved(history) >= (verdict.confirmations or schedule.confirmations)
        case Dies.SILENT:
            since = history.silent_since or now
            return history.silent >= SILENT_CHECKS and (now - since).total_seconds() >= schedule.silent
        case Dies.NEVER:
            return False


def _proved(history: History) -> int:
    """Counted failing checks in a row that may make a link dead."""
    return history.failures - history.guesses


def _still_dead(before: History, counted: History, verdict: Verdict, effect: Effect, schedule: Schedule) -> History:
    """A failing check of a dead link: it may make the death surer, and never doubts it."""
    if verdict.state is State.DEAD:
        agreed = before.evidence.proof in (Proof.PAGE, None) and counted.failures > before.failures
        sure = before.confidence is Confidence.HIGH or agreed or verdict.confidence is Confidence.HIGH
        return _judged(counted, verdict, State.DEAD, Confidence.HIGH if sure else Confidence.MEDIUM)
    confirmed = effect.dies is not Dies.NEVER and _proved(counted) >= (verdict.confirmations or schedule.confirmations)
    if before.confidence is Confidence.LOW and confirmed:
        confidence = Confidence.MEDIUM if verdict.reason in GUESSES else Confidence.HIGH
        return _judged(counted, verdict, State.DEAD, confidence)
    return counted


def _narrowed(
    verdict: Verdict, effect: Effect, knowledge: Knowledge, history: History, around: Circumstances
) -> Verdict:
    """The verdict as what is known of the host makes it: another kind of proof, or a host never seen from here."""
    if verdict.evidence.proof is not effect.proof and effect.proof is not None:
        verdict = replace(verdict, evidence=replace(verdict.evidence, proof=effect.proof))
    again = history.silent > 0 and around.others_answer
    if knowledge is Knowledge.NEVER_SEEN and again and verdict.reason in _UNSEEN_REASONS:
        return replace(verdict, reason=NEVER_ANSWERED)
    return verdict


def _judged(history: History, verdict: Verdict, state: State, confidence: Confidence, **more: Any) -> History:
    return replace(
        history,
        state=state,
        reason=verdict.reason,
        confidence=confidence,
        evidence=verdict.evidence,
        moved_to=verdict.moved_to,
        **more,
    )


def _count(history: History, verdict: Verdict, effect: Effect, now: datetime, schedule: Schedule) -> History:
    """One more failing check; it counts when the one counted before is old enough."""
    if not effect.counts:
        return replace(history, first_failed=history.first_failed or now)
    days = verdict.state is State.DEAD or verdict.confirmations
    apart = DAY if days else schedule.confirm_after
    counts = history.counted_at is None or (now - history.counted_at).total_seconds() >= apart
    return replace(
        history,
        first_failed=history.first_failed or now,
        failures=history.failures + counts,
        guesses=history.guesses + (counts and effect.dies is Dies.NEVER),
        counted_at=now if counts else history.counted_at,
    )


def _silence(
    history: History, effect: Effect, verdict: Verdict, now: datetime, around: Circumstances
) -> dict[str, Any]:
    """How long the host has been silent, after this check: any link of it that was answered since ends the silence."""
    if effect.silence == "adds":
        since, heard = history.silent_since, around.host_answered_at
        if since is None or (heard and heard >= since):
            return {"silent": 1, "silent_since": now, "silent_at": now}
        another_day = history.silent_at is None or history.silent_at.date() != now.date()
        return {"silent": history.silent + 1, "silent_at": now} if another_day else {}
    if not host_answered(verdict) and not effect.resets:
        return {}
    return {"silent": 0, "silent_since": None, "silent_at": None, "answered_at": now}


def _refusals(history: History, verdict: Verdict) -> dict[str, int]:
    """Walls met in a row after this check; what failed on the way says nothing of walls."""
    if verdict.state is State.BLOCKED:
        return {"refused": history.refused + 1}
    if verdict.evidence.proof is Proof.WAY:
        return {}
    return {"refused": 0, "walled": 0}


def _grown(history: History, now: datetime) -> float:
    """The interval of a page that lives on; a check long before its time (a canary, --all) does not make it grow."""
    waited = (now - history.checked_at).total_seconds() if history.checked_at else history.interval
    return history.interval * (GROWTH if waited >= EARLY * history.interval else 1.0)


def _interval(history: History, after: History, now: datetime, schedule: Schedule) -> float:
    """Seconds that may pass before the next check."""
    steady = history.state is after.state and history.interval > 0
    match after.state:
        case State.ALIVE:
            grown = _grown(history, now) if steady else schedule.alive
            return min(max(grown, schedule.alive), schedule.alive_max)
        case State.DEAD:  # one check is no proof yet, so the second comes sooner
            unsure = after.confidence is not Confidence.HIGH and after.evidence.proof is not Proof.WAY
            settled = after.confidence is Confidence.MEDIUM and after.reason in GUESSES
            return min(schedule.confirm_after, schedule.dead) if unsure and not settled else schedule.dead
        case State.SUSPECT:
            return _suspect_interval(history, after, schedule, steady=steady)
        case State.BLOCKED | State.UNKNOWN | State.UNCHECKED:
            grown = history.interval * GROWTH if steady else schedule.blocked
            known = after.state is State.BLOCKED and is_known_wall(history)
            longest = schedule.alive_max if known else schedule.alive
            return min(max(grown, schedule.blocked), max(longest, schedule.blocked))


def _suspect_interval(history: History, after: History, schedule: Schedule, *, steady: bool) -> float:
    """What counts is confirmed soon; what no repetition confirms is asked ever more rarely, as a wall is."""
    if after.evidence.proof not in (Proof.CLIENT, Proof.WAY):
        return schedule.suspect
    same = steady and history.evidence.proof is after.evidence.proof
    grown = history.interval * GROWTH if same else schedule.suspect
    return min(max(grown, schedule.suspect), max(schedule.alive, schedule.suspect))


def _spread(after: History, interval: float) -> float:
    """The interval shortened by a share that depends on the link, so that one night's harvest falls apart.

    Failing links are not spread: their checks are counted in whole days, and a shortened one might not count. Nor are
    known walls: three of them a night are asked, however many are due.
    """
    if after.state in (State.SUSPECT, State.DEAD) or (after.state is State.BLOCKED and is_known_wall(after)):
        return interval
    share = crc32(f"{after.canonical_url}|{interval}".encode("utf-8", "surrogatepass")) / 2**32
    return interval * (1 - SPREAD * share)


def first_seen(canonical_url: str, url: str, now: datetime) -> History:
    """The memory of a link that was never looked at."""
    return History(canonical_url=canonical_url, url=url, first_seen=now, evidence=Evidence())


def marked(history: History, word: Word, at: datetime) -> History:
    """A person's word laid over what the checks conclude."""
    beneath = _unmarked(history)
    mark = Mark(word, at, beneath.state, beneath.reason, beneath.confidence)
    state = State.ALIVE if word is Word.FINE else State.DEAD
    return replace(beneath, state=state, reason=f"marked-{word}", confidence=Confidence.HIGH, mark=mark)


def unmarked(history: History, now: datetime) -> History:
    """A person's word taken back: what the checks conclude shows again, and the link is due."""
    return _dated(history, replace(_unmarked(history), next_due=None), now)


def with_word(history: History, word: Word, now: datetime) -> History:
    """The memory after a person said `word` of the link."""
    return _dated(history, marked(history, word, now), now)


def _unmarked(history: History) -> History:
    mark = history.mark
    if mark is None:
        return history
    return replace(history, state=mark.state, reason=mark.reason, confidence=mark.confidence, mark=None)


def _dated(before: History, after: History, now: datetime) -> History:
    changed = after.state is not before.state
    return replace(after, previous_state=before.state, changed_at=now) if changed else after


def revised(history: History) -> History:
    """A memory of an older version under the table of today; the same object where nothing changes.

    Older versions called a link dead after three failing checks of any kind. What was no knowledge of page or host, a
    guess that nothing else agreed with, or a record that cannot tell, is suspect again, due, and starts to count anew.
    """
    evidence = history.evidence
    if evidence.proof is not None or history.mark or history.state not in (State.DEAD, State.SUSPECT):
        return history
    proof = proof_of_record(evidence.rule, history.reason, evidence.http_status, evidence.error)
    guess = history.reason in GUESSES and not evidence.agreed
    refused = history.reason == "connection-refused" and history.last_alive is None
    if proof in (Proof.PAGE, Proof.HOST) and not guess and not refused:
        return history
    if history.state is State.SUSPECT and not history.failures:
        return history
    anew = replace(history, evidence=replace(evidence, proof=proof), failures=0, guesses=0, counted_at=None)
    if history.state is State.SUSPECT:
        return anew
    return replace(anew, state=State.SUSPECT, confidence=Confidence.LOW, previous_state=State.DEAD, next_due=None)
