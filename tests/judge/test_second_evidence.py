"""A guess that a page is gone needs a second kind of evidence, other than the one that raised it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crawler.core.model import Evidence, History, Page, Proof, State, Verdict
from crawler.judge.second_evidence import with_second_evidence

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FRONT = Page(title="Acme", text="All our products and news, sorted by year.")
NEVER = History("u", NOW)
LIVED = replace(NEVER, last_alive=NOW, page_title="How rivers bend")
PROBED = Verdict(State.SUSPECT, "soft-404")


def guess(reason: str = "redirected-to-home", rule: str = "generic/redirected-to-home") -> Verdict:
    return Verdict(State.SUSPECT, reason, evidence=Evidence(rule=rule, proof=Proof.HOST))


def agreed(verdict: Verdict, *titles: str, history: History = NEVER, page: Page = FRONT, probe: bool = False) -> str:
    return with_second_evidence(verdict, titles, history, page, PROBED if probe else None).evidence.agreed


def test_without_any_other_evidence_a_guess_stays_alone() -> None:
    assert agreed(guess()) == ""
    assert agreed(guess(), "here", "https://acme.example/x", "更多") == ""


def test_a_title_of_the_note_that_the_page_shows_nowhere_agrees() -> None:
    assert agreed(guess(), "How rivers bend") == "title"
    assert agreed(guess(), "河流为什么会拐弯") == "title"


@pytest.mark.parametrize(
    "page",
    [
        Page(title="How rivers bend | Acme", text="x"),
        Page(title="Acme", text="Today: how rivers bend, and other questions."),
    ],
)
def test_a_title_that_the_page_still_shows_speaks_against(page: Page) -> None:
    assert agreed(guess(), "How rivers bend", page=page) == ""
    assert agreed(guess(), history=LIVED, page=page) == ""


def test_one_of_several_titles_that_fits_is_enough_to_speak_against() -> None:
    assert agreed(guess(), "How rivers bend", "All our products") == ""


def test_words_of_a_page_once_seen_alive_that_are_gone_agree() -> None:
    assert agreed(guess(), history=LIVED) == "words"
    assert agreed(guess(), history=replace(LIVED, last_alive=None)) == ""


def test_what_raised_a_guess_cannot_support_it() -> None:
    probe = guess("soft-404", "generic/probe")
    assert agreed(probe, probe=True) == ""
    assert agreed(probe, "How rivers bend", probe=True) == "title"
    shared = guess("shared-target", "generic/shared-target")
    assert agreed(shared, "How rivers bend") == ""
    assert agreed(shared, history=LIVED) == "words"
    assert agreed(guess(), probe=True) == "probe"


def test_only_guesses_are_supported() -> None:
    notice = Verdict(State.DEAD, "not-found", evidence=Evidence(proof=Proof.PAGE))
    assert with_second_evidence(notice, ["How rivers bend"], LIVED, FRONT, PROBED) is notice
