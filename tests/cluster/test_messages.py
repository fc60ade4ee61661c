"""What travels between a coordinator and its workers, and what an address may be."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import pytest

pytest.importorskip("distributed")

from crawler.cluster import worker
from crawler.cluster.dask import quiet
from crawler.cluster.messages import BATCH, CheckBatch, HopAsked, RunSetup, packed, unpacked
from crawler.core.config import site_documents
from crawler.core.errors import ClusterError
from crawler.core.model import Check, Fetch, History, Link, Page, State, Verdict
from crawler.core.settings import Settings
from crawler.crawl.tasks import Depth
from crawler.fetch import Request

AT = datetime(2026, 1, 1, tzinfo=UTC)


def check(n: int) -> Check:
    url = f"https://a.example/{n}"
    fetch = Fetch(url, url, AT, status=200, body=b"x" * 10)
    link = Link(url, url, url, "other", "a.example", "a.example")
    return Check(link, AT, fetch, Page(title="t"), Verdict(State.ALIVE, "ok"), History(url, AT))


def test_a_batch_and_a_setup_come_out_as_they_went_in() -> None:
    batch = CheckBatch("s", [check(n) for n in range(BATCH)], hops=[HopAsked("1", Request("https://b.example/"))])
    assert unpacked(packed(batch)) == batch
    setup = RunSetup("r", Settings(), site_documents(Settings()), Depth.PAGE)
    assert unpacked(packed(setup)) == setup


def test_a_worker_of_another_version_says_which_and_takes_no_part() -> None:
    assert worker.serve("0.0.0-other", "s", "up", "down", b"") == worker.version()


async def test_checks_gather_into_one_batch_and_what_somebody_waits_for_does_not(autojump_clock: object) -> None:
    import trio

    send, receive = trio.open_memory_channel[worker.Item](200)
    for n in range(BATCH + 3):
        send.send_nowait(check(n))
    assert len(await worker.gathered(receive)) == BATCH
    assert len(await worker.gathered(receive)) == 3
    send.send_nowait(check(1))
    send.send_nowait(HopAsked("1", Request("https://b.example/")))
    send.send_nowait(check(2))
    assert len(await worker.gathered(receive)) == 2


def test_without_the_extra_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterError, match=r"pip install 'linkhealth-crawler\[cluster\]'"):
        quiet()
