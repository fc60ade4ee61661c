"""The last step of a run: sealed segments go to the object store; what happens there is a line, never an error."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from crawler.archive import Moved
from crawler.core.errors import StoreError
from crawler.core.settings import ArchiveSettings, Settings
from crawler.crawl.observer import Observer
from crawler.crawl.offload import offload_after


class Listener(Observer):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)

    def warn(self, line: str) -> None:
        self.warned.append(line)


def after_a_run(store: str = "s3://bucket/notes", stopped_by: str | None = None) -> tuple[Listener, list[str]]:
    asked: list[str] = []

    def moving(*, keep_local: bool | None) -> Iterator[Moved]:
        asked.append(store)
        yield Moved("a.warc.zst", 10, sent=True, here=False)
        yield Moved("b.warc.zst", 10, sent=False, here=True, problem="other bytes")
        raise StoreError(f"{store} does not answer in time")

    context: Any = SimpleNamespace(
        settings=Settings(archive=ArchiveSettings(store=store)), archive=SimpleNamespace(offload=moving)
    )
    result: Any = SimpleNamespace(report=SimpleNamespace(run=SimpleNamespace(stopped_by=stopped_by)))
    listener = Listener()
    offload_after(result, context, listener)
    return listener, asked


def test_each_segment_is_told_and_a_store_that_fails_is_a_warning() -> None:
    heard, _ = after_a_run()
    assert heard.said == ["segment a.warc.zst (10 bytes) moved to s3://bucket/notes"]
    assert heard.warned[0] == "segment b.warc.zst stays here: other bytes"
    assert heard.warned[1].startswith("s3://bucket/notes does not answer in time: sealed segments stay here")


@pytest.mark.parametrize("stopped_by", [None, "budget"])
def test_a_run_that_is_over_moves_segments(stopped_by: str | None) -> None:
    assert after_a_run(stopped_by=stopped_by)[1]


@pytest.mark.parametrize("stopped_by", ["signal", "network-down"])
def test_nobody_waits_for_a_store_after_a_signal_or_without_a_network(stopped_by: str) -> None:
    assert not after_a_run(stopped_by=stopped_by)[1]


def test_without_a_store_nothing_is_moved() -> None:
    assert not after_a_run(store="")[1]
