"""After a run: which links the Internet Archive is asked about or offered, and what is remembered of its answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from crawler.archive.index import pack, unpack_history
from crawler.core.model import Elsewhere, History, Kind, Link, Occurrence, State
from crawler.core.settings import Settings
from crawler.crawl import wayback as lookback
from crawler.crawl.wayback import ask_captures, is_public, offers, questions, remembered, written_at
from crawler.fetch.wayback import ENDPOINT, Ask, SaveOutcome, Service, Submission, WaybackAnswer, WaybackCapture, submit

NOW = datetime(2026, 3, 4, tzinfo=UTC)
SEEN = NOW - timedelta(days=100)


def link(name: str = "page", host: str = "a.example", paths: tuple[str, ...] = ("note.md",)) -> Link:
    url = f"https://{host}/{name}"
    places = tuple(Occurrence(path, 1, 1, url, url, Kind.BARE) for path in paths)
    return Link(url, url, url, "other", host, host, places)


def history(of: Link, state: State = State.DEAD, **others: Any) -> History:
    return replace(History(of.canonical_url, SEEN, url=of.url, state=state, changed_at=SEEN), **others)  # type: ignore[arg-type]  # test shorthand


def asked_about(*histories: History) -> list[str]:
    links = [link(h.url.rpartition("/")[2], h.url.split("/")[2]) for h in histories]
    return [q.url for q in questions(links, {h.canonical_url: h for h in histories}, NOW)]


@pytest.mark.parametrize(
    ("paths", "head", "when"),
    [
        (("_posts/2021-05-06-title.md",), "", datetime(2021, 5, 6, tzinfo=UTC)),
        (("2021/05/06/title.md",), "", datetime(2021, 5, 6, tzinfo=UTC)),
        (("undated.md", "2020-01-02.md"), "", datetime(2020, 1, 2, tzinfo=UTC)),
        (("undated.md",), "---\ntitle: x\ndate: 2019-08-07 10:00:00 +0800\n---\n", datetime(2019, 8, 7, tzinfo=UTC)),
        (("undated.md",), '+++\ndate = "2019-08-07"\n+++\n', datetime(2019, 8, 7, tzinfo=UTC)),
        (("undated.md",), "date: 2019-08-07 in the words of a note\n", SEEN),
        (("undated.md",), "---\ntitle: x\n---\ndate: 2019-08-07\n", SEEN),
        (("2021-99-99.md",), "", SEEN),
    ],
)
def test_a_link_was_written_when_its_note_says(paths: tuple[str, ...], head: str, when: datetime) -> None:
    written = link(paths=paths)
    assert written_at(written, history(written), lambda _: head) == when


def test_without_a_date_the_last_living_look_counts() -> None:
    alive = NOW - timedelta(days=7)
    assert written_at(link(), history(link(), last_alive=alive)) == alive


def test_the_dead_are_asked_about_once_those_that_died_last_first() -> None:
    old, new = link("old"), link("new")
    known = Elsewhere(NOW, "https://web.archive.org/web/2020/x", NOW)
    told = [
        history(old),
        history(new, changed_at=NOW),
        history(link("alive"), State.ALIVE),
        history(link("suspect"), State.SUSPECT),
        history(link("known"), elsewhere=known),
        history(link("none"), elsewhere=Elsewhere(NOW - timedelta(days=1))),
        history(link("secret", "localhost")),
    ]
    assert asked_about(*told) == [new.url, old.url]


def test_a_link_without_a_capture_is_asked_about_again_after_a_month_or_when_it_died_since() -> None:
    long_ago = history(link("long-ago"), elsewhere=Elsewhere(NOW - timedelta(days=31)))
    died_since = history(link("died"), changed_at=NOW, elsewhere=Elsewhere(NOW - timedelta(days=1)))
    assert asked_about(long_ago, died_since) == [died_since.url, long_ago.url]


def test_one_run_asks_about_a_hundred_at_most() -> None:
    assert len(asked_about(*(history(link(str(n))) for n in range(300)))) == lookback.MOST


@pytest.mark.parametrize(
    ("host", "told"),
    [("a.example", True), ("192.168.1.1", False), ("8.8.8.8", False), ("[::1]", False), ("intranet", False),
     ("printer.local", False), ("", False)],
)  # fmt: skip
def test_nobody_hears_of_hosts_of_somebodys_own(host: str, told: bool) -> None:
    assert is_public(link(host=host)) is told


async def test_what_the_archive_answers_is_remembered_also_that_it_has_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    there, nothing, silent = (history(link(name)) for name in ("there", "nothing", "silent"))
    capture = f"{ENDPOINT}/web/20200102030405/{there.url}"

    async def send(ask: Ask) -> WaybackAnswer:
        await trio.lowlevel.checkpoint()
        if ask.url.endswith("there"):
            return WaybackAnswer(302, {"location": capture})
        return WaybackAnswer(404 if ask.url.endswith("nothing") else 503, {})

    told: list[History] = []
    wanted = [lookback.Question(h, h.url, NOW) for h in (there, silent, nothing)]
    await ask_captures(send, wanted, ENDPOINT, lambda: NOW, told.append)

    taken = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [h.elsewhere for h in told] == [Elsewhere(NOW, capture, taken), Elsewhere(NOW)]


async def test_an_archive_that_does_not_answer_is_left_alone(autojump_clock: trio.testing.MockClock) -> None:
    asked: list[Ask] = []

    async def send(ask: Ask) -> WaybackAnswer:
        await trio.lowlevel.checkpoint()
        asked.append(ask)
        return WaybackAnswer(0, {})

    wanted = [lookback.Question(history(link(str(n))), f"https://a.example/{n}", NOW) for n in range(50)]
    await ask_captures(send, wanted, ENDPOINT, lambda: NOW, lambda _: None)
    assert len(asked) == lookback.SILENCES


def test_living_links_that_were_never_offered_are_offered_the_newest_first() -> None:
    old, new = link("old"), link("new")
    links = [old, new, link("dead"), link("known"), link("own", "wiki.example"), link("x", "intranet")]
    histories = {x.canonical_url: history(x, State.ALIVE) for x in links}
    histories[new.url] = replace(histories[new.url], first_seen=NOW)
    histories[links[2].url] = history(links[2])
    histories[links[3].url] = replace(histories[links[3].url], elsewhere=Elsewhere(NOW))
    settings = msgspec.convert({"fetch": {"resolve": {"wiki.example:443": "10.0.0.1:443"}}}, Settings)

    assert list(offers(links, histories, settings)) == [new.url, old.url]
    private = msgspec.convert({"fetch": {"allow_private": True}}, Settings)
    assert offers(links, histories, private) == {}


def test_what_became_of_an_offer_is_remembered_unless_it_may_succeed_later() -> None:
    alive = history(link(), State.ALIVE)
    saved = Submission(alive.url, SaveOutcome.SAVED, capture=WaybackCapture("https://web.archive.org/web/2026/x", NOW))
    after = remembered(saved, alive, NOW)
    assert after is not None
    assert after.elsewhere == Elsewhere(NOW, "https://web.archive.org/web/2026/x", NOW)
    refused = remembered(Submission(alive.url, SaveOutcome.REFUSED, "blocked-url"), alive, NOW)
    assert refused is not None
    assert refused.elsewhere == Elsewhere(NOW)
    for outcome in (SaveOutcome.LATER, SaveOutcome.STOPPED):
        assert remembered(Submission(alive.url, outcome), alive, NOW) is None


async def test_offering_ends_in_time_and_keeps_what_was_saved_until_then(
    autojump_clock: trio.testing.MockClock,
) -> None:
    saved: list[str] = []

    async def send(ask: Ask) -> WaybackAnswer:
        await trio.sleep(1)
        if ask.form:
            return WaybackAnswer(200, {}, json.dumps({"job_id": f"spn2-{len(saved)}"}).encode())
        told = {"status": "success", "timestamp": "20260304050607", "original_url": "https://a.example/"}
        return WaybackAnswer(200, {}, json.dumps(told).encode())

    with trio.move_on_after(lookback.SUBMIT_SECONDS):
        await submit(Service(send), (f"https://a.example/{n}" for n in range(10_000)), lambda s: saved.append(s.url))
    assert 15 <= len(saved) <= 21, "four a minute, for five minutes"


def test_a_memory_of_before_knows_nothing_of_it() -> None:
    told = history(link(), elsewhere=Elsewhere(NOW, "https://web.archive.org/web/2020/x", NOW))
    assert unpack_history(pack(told)) == told
    old = {key: value for key, value in msgspec.to_builtins(told).items() if key != "elsewhere"}
    assert unpack_history(msgspec.msgpack.encode(old)).elsewhere is None
