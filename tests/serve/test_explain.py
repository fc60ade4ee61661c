"""The viewer's plain words about a link: the same case as in the reports, never more than is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.core.model import Confidence, Evidence, History, Mark, Proof, State, Word
from crawler.report.answers import Case, answers_of, case_of_memory
from crawler.report.words import Language
from crawler.serve.explain import explanation

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def marked(word: Word) -> Mark:
    return Mark(word, NOW, State.SUSPECT, "timeout", Confidence.LOW)


def memory(state: State, reason: str, confidence: Confidence = Confidence.HIGH, **more: Any) -> History:
    return History("url:https://a.example/", NOW, "https://a.example/", state, reason, confidence, **more)


MEMORIES = {
    Case.ALIVE: memory(State.ALIVE, "ok"),
    Case.UNCHECKED: memory(State.UNCHECKED, "never-checked"),
    Case.BLOCKED: memory(State.BLOCKED, "captcha"),
    Case.UNKNOWN: memory(State.UNKNOWN, "empty-page"),
    Case.MALFORMED: memory(State.DEAD, "malformed-url", evidence=Evidence(proof=Proof.PAGE)),
    Case.DEAD_PAGE: memory(State.DEAD, "gone", evidence=Evidence(http_status=410, proof=Proof.PAGE)),
    Case.DEAD_ONCE: memory(State.DEAD, "not-found", Confidence.LOW, evidence=Evidence(proof=Proof.PAGE)),
    Case.DEAD_HOST: memory(State.DEAD, "dns-failure", evidence=Evidence(proof=Proof.HOST)),
    Case.DEAD_GUESS: memory(State.DEAD, "soft-404", Confidence.LOW, evidence=Evidence(proof=Proof.PAGE)),
    Case.DEAD_WAY: memory(State.DEAD, "timeout", Confidence.LOW, evidence=Evidence(proof=Proof.WAY)),
    Case.PAGE: memory(State.SUSPECT, "bad-parameters", Confidence.LOW, evidence=Evidence(proof=Proof.PAGE)),
    Case.HOST: memory(State.SUSPECT, "server-error", Confidence.LOW, evidence=Evidence(proof=Proof.HOST)),
    Case.GUESS: memory(State.SUSPECT, "soft-404", Confidence.LOW, evidence=Evidence(proof=Proof.PAGE)),
    Case.CLIENT: memory(State.SUSPECT, "tls-error", Confidence.LOW, evidence=Evidence(proof=Proof.CLIENT)),
    Case.WAY: memory(State.SUSPECT, "timeout", Confidence.LOW, evidence=Evidence(proof=Proof.WAY)),
    Case.UNSEEN: memory(State.SUSPECT, "unreachable-from-here", Confidence.LOW, evidence=Evidence(proof=Proof.WAY)),
    Case.MARKED_FINE: memory(State.ALIVE, "marked", mark=marked(Word.FINE)),
    Case.MARKED_DEAD: memory(State.DEAD, "marked", mark=marked(Word.DEAD)),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("case", list(Case))
def test_every_case_of_the_reports_has_plain_words_in_the_viewer(case: Case, language: Language) -> None:
    remembered = MEMORIES[case]
    words = explanation(remembered, "other", language)

    assert case_of_memory(remembered) is case
    assert words.seen
    assert words.proves
    assert all(words.settles)


def test_what_a_person_said_of_a_link_is_what_the_viewer_says_too() -> None:
    for case in (Case.MARKED_FINE, Case.MARKED_DEAD):
        told = answers_of(MEMORIES[case])
        words = explanation(MEMORIES[case], "other", "en")

        assert (words.proves, words.settles) == (told.proves, (told.settles,))


@pytest.mark.parametrize("case", [Case.DEAD_GUESS, Case.DEAD_WAY, Case.MALFORMED])
def test_a_death_that_no_site_declared_is_never_said_to_be_declared_by_one(case: Case) -> None:
    words = explanation(MEMORIES[case], "other", "en")

    assert "site itself says" not in words.proves
    assert "no such page" not in words.proves
    assert "site itself says" not in answers_of(MEMORIES[case]).proves


def test_failures_of_our_client_are_not_said_to_settle_with_time() -> None:
    words = explanation(MEMORIES[Case.CLIENT], "other", "en")

    assert "never proves" in words.proves
    assert not any("other days" in step for step in words.settles)


def test_a_file_on_the_disk_is_spoken_of_as_a_file() -> None:
    words = explanation(memory(State.DEAD, "missing-file"), "local", "en")

    assert words.proves == "The file was looked for on this disk."
    assert words.settles == ("Put the file there, or mend the note.",)
