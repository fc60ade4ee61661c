"""What a job raises: one error of ours, or the user's wish to stop, and no group of them."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio

from crawler.core.errors import ArchiveFull
from crawler.crawl import runner


@pytest.mark.parametrize("error", [ArchiveFull("no space left"), KeyboardInterrupt()])
def test_what_a_nursery_wraps_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """A signal at the end of a run, when search terms are made, comes as KeyboardInterrupt into a nursery."""

    def walked(*_: object) -> None:
        raise BaseExceptionGroup("nursery", [BaseExceptionGroup("nursery", [error])])

    ready = SimpleNamespace(run=None, plan=SimpleNamespace(slots=[1]))
    monkeypatch.setattr(runner, "prepare_job", lambda _: ready)
    monkeypatch.setattr(trio, "run", walked)
    with pytest.raises(type(error)) as caught:
        runner.run_job(cast("Any", SimpleNamespace(reader=object())))
    assert caught.value is error
