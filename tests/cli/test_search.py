"""`crawler search`: which arguments are words, and which are options."""

import pytest

from crawler.cli.search import is_excluded_word


@pytest.mark.parametrize("word", ["-rot", "-quantum", "-open", "-form", "-方", "-a b", "-x", "-1984", "-quiet"])
def test_a_word_behind_a_minus_must_not_occur(word: str) -> None:
    assert is_excluded_word(word)


@pytest.mark.parametrize("option", ["-q", "-v", "-h", "-qv", "-f", "-o", "-fjson", "-", "--", "--limit", "word", "a-b"])
def test_options_and_other_words_stay_what_they_are(option: str) -> None:
    assert not is_excluded_word(option)
