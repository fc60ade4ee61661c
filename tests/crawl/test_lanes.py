"""Shared memory between this process and its readers: whole both ways, and given back."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.crawl.lanes import KEPT, Lane


@pytest.fixture
def lane() -> Iterator[Lane]:
    if not hasattr(os, "memfd_create"):
        pytest.skip("this system has no anonymous files")
    opened = Lane()
    yield opened
    opened.close()


def test_what_is_sent_arrives_also_where_more_was_sent_before(lane: Lane) -> None:
    lane.send(b"x" * 1000)
    assert lane.send(b"question").fetch() == b"question"


@pytest.mark.parametrize("answer", [b"", b"no", b"a longer answer" * 100_000])
def test_an_answer_comes_back_in_place_of_the_question(lane: Lane, answer: bytes) -> None:
    sent = lane.send(b"question")
    assert lane.received(sent.answer(answer)) == answer


def test_an_answer_that_is_not_there_is_an_error(lane: Lane) -> None:
    lane.send(b"question")
    with pytest.raises(OSError, match="missing"):
        lane.received(1000)


def test_a_question_that_is_not_there_is_an_error(lane: Lane) -> None:
    sent = lane.send(b"question")
    os.truncate(sent.path, 3)
    with pytest.raises(OSError, match="missing"):
        sent.fetch()


def test_what_a_very_large_thing_took_is_given_back(lane: Lane) -> None:
    sent = lane.send(b"x" * (KEPT + 1))
    lane.rest()
    assert Path(sent.path).stat().st_size == KEPT
