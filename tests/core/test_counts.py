"""Counts with their nouns."""

import pytest

from crawler.core.counts import Counted


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"{Counted(0):link}", "0 links"),
        (f"{Counted(1):link}", "1 link"),
        (f"{Counted(13663):link}", "13,663 links"),
        (f"{Counted(1):copy|copies}", "1 copy"),
        (f"{Counted(2):copy|copies}", "2 copies"),
        (f"{Counted(2):link waits|links wait} still", "2 links wait still"),
        (f"{Counted(1234)}", "1,234"),
    ],
)
def test_a_count_is_written_with_its_noun_in_singular_or_plural(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("template", "expected"), [("{n:link} left", "1 link left"), ("还有 {n} 个链接", "还有 1 个链接")]
)
def test_a_template_of_any_language_takes_a_count_with_or_without_a_noun(template: str, expected: str) -> None:
    assert template.format(n=Counted(1)) == expected
