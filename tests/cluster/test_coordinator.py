"""Who owns a slot while workers come and go: fakes stand for Dask and for the rest of the run."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio

pytest.importorskip("distributed")

from crawler.cluster.dealing import Dealing
from crawler.cluster.ledger import Ledger, Session
from crawler.cluster.messages import CheckBatch, SlotDone
from crawler.core.model import Check, Fetch, History, Link, Page, State, Verdict
from crawler.core.slots import Politeness, Slot, SlotState
from crawler.crawl.job import CrawlWork

AT = datetime(2026, 1, 1, tzinfo=UTC)


def check(slot: str, n: int) -> Check:
    url = f"https://{slot}/{n}"
    link = Link(url, url, url, "other", slot, slot)
    return Check(
        link, AT, Fetch(url, url, AT, status=200), Page(title="t"), Verdict(State.ALIVE, "ok"), History(url, AT)
    )


CHECKS = [check("a.example", n) for n in range(4)] + [check("b.example", n) for n in range(2)]


def slot_of(key: str) -> Slot:
    return Slot(key, "other", Politeness(key), tuple(one.link for one in CHECKS if one.link.slot == key))


class Part(Dealing):
    """It folds nothing: which history a check makes is not asked here."""

    def _folded(self, check: Check) -> Check:
        return check


class Stage:
    """A coordinator with one worker that owns two slots, and a recorder that takes one check at a time."""

    def __init__(self, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left: list[str] = []
        self.said: list[str] = []
        slots = [slot_of("a.example"), slot_of("b.example")]
        self.all = Ledger(client=None)
        self.send, self.recorded = trio.open_memory_channel[Check](0)

        async def leave(slot: Slot) -> None:
            self.left.append(slot.key)

        async def dask(_: Ledger, call: object) -> None:
            del call

        monkeypatch.setattr(Ledger, "dask", dask)
        self.part = Part(
            self.all,
            CrawlWork(
                cast("Any", SimpleNamespace(now=lambda: AT, observer=SimpleNamespace(say=self.said.append))),
                cast("Any", SimpleNamespace(plan=SimpleNamespace(slots=slots))),
                cast("Any", SimpleNamespace(recall=lambda states: None, hop=None)),
                cast("Any", SimpleNamespace(leave=leave, internal_errors=0, requests=0, given_up=[])),
                cast("Any", None),
            ),
            self.send,
        )
        self.part.nursery = nursery
        self.first = self.joined("first", slots)

    def joined(self, name: str, slots: list[Slot]) -> Session:
        queue = SimpleNamespace(put=lambda item: None)
        session = Session(name, f"tcp://{name}", queue, None, trio.current_time())
        self.all.sessions[session.address] = session
        for slot in slots:
            session.slots[slot.key] = {link.canonical_url: link for link in slot.links}
            self.all.owners[slot.key] = session
        return session


async def test_a_worker_lost_amid_its_batch_loses_the_rest_of_it_to_those_who_ask_again(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trio.open_nursery() as nursery:
        stage = Stage(nursery, monkeypatch)
        done = [SlotDone(key, SlotState(key)) for key in ("a.example", "b.example")]
        nursery.start_soon(stage.part._take, CheckBatch("first", CHECKS, done=done))
        taken = [await stage.recorded.receive()]
        await trio.testing.wait_all_tasks_blocked()  # the second check waits for the recorder
        stage.part._lose(stage.first, "is gone")
        again = list(stage.all.waiting)
        second = stage.joined("second", again)
        with trio.move_on_after(5):
            while True:
                taken.append(await stage.recorded.receive())

        assert [one.link.canonical_url for one in taken] == [one.link.canonical_url for one in CHECKS[:2]]
        assert {link.canonical_url for slot in again for link in slot.links} == {
            one.link.canonical_url for one in CHECKS[2:]
        }
        assert stage.all.owners == {"a.example": second, "b.example": second}
        assert stage.left == []
        assert stage.said == ["worker tcp://first is gone"]


async def test_every_check_of_a_batch_is_recorded_once_and_its_slots_are_left(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trio.open_nursery() as nursery:
        stage = Stage(nursery, monkeypatch)
        done = [SlotDone("a.example", SlotState("a.example"))]
        nursery.start_soon(stage.part._take, CheckBatch("first", [*CHECKS, *CHECKS], done=done))
        taken = []
        with trio.move_on_after(5):
            while True:
                taken.append(await stage.recorded.receive())

        assert taken == CHECKS
        assert stage.left == ["a.example"]
        assert stage.all.owners == {"b.example": stage.first}
