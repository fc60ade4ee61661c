"""When captures of the Internet Archive agree that a page is gone."""

from datetime import UTC, datetime, timedelta

from crawler.judge.opinion import agrees

FAILED = datetime(2026, 6, 1, tzinfo=UTC)


def captures(*found: tuple[int, int]) -> list[tuple[datetime, int]]:
    return [(FAILED + timedelta(days=day), status) for day, status in found]


def test_captures_since_the_first_failure_that_are_all_404_or_410_agree() -> None:
    assert agrees(captures((1, 404)), FAILED) == "wayback"
    assert agrees(captures((-9, 200), (0, 410), (4, 404)), FAILED) == "wayback"


def test_no_capture_since_then_is_no_opinion() -> None:
    assert agrees([], FAILED) == ""
    assert agrees(captures((-1, 404)), FAILED) == ""
    assert agrees(captures((1, 404)), None) == ""


def test_any_other_capture_among_them_speaks_against() -> None:
    for status in (200, 301, 403, 429, 503):
        assert agrees(captures((1, 404), (2, status)), FAILED) == ""
