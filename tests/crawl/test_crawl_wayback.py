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
from crawler.core.model import Elsewhere, Fetch, History, Kind, Link, Occurrence, Page, State
from crawler.core.settings import Settings
from crawler.crawl import wayback as lookback
from crawler.crawl.captures import CaptureQuestion, CaptureSearch, FoundCapture, question_about
from crawler.crawl.wayback import ask_captures, is_public, offers, questions, remembered, written_at
from crawler.fetch.savepage import SaveOutcome, Service, Submission, submit
from crawler.fetch.wayback import ENDPOINT, WaybackAnswer, WaybackCapture, WaybackRequest

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
    return [q.link.url for q in questions(links, {h.canonical_url: h for h in histories}, NOW)]


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


def test_without_a_date_the_last_living_check_counts() -> None:
    alive = NOW - timedelta(days=7)
    assert written_at(link(), history(link(), last_alive=alive)) == alive


def test_the_dead_are_asked_about_once_those_that_died_last_first() -> None:
    old, new = link("old"), link("new")
    known = Elsewhere(NOW, "https://web.archive.org/web/2020/x", NOW, "found")
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


def test_a_capture_that_an_older_version_never_tried_is_asked_for_again() -> None:
    untried = Elsewhere(NOW, "https://web.archive.org/web/2020/x", NOW)
    assert asked_about(history(link("untried"), elsewhere=untried)) == [link("untried").url]
    assert not untried.is_tried


def test_sites_take_turns_and_those_that_nobody_could_tell_of_come_last() -> None:
    silent = history(link("silent", "b.example"), elsewhere=Elsewhere(NOW, outcome="silent"))
    many = [history(link(f"{n}"), changed_at=NOW - timedelta(days=n)) for n in range(3)]
    assert asked_about(silent, *many, history(link("one", "c.example"))) == [
        link("0").url, link("one", "c.example").url, link("1").url, link("2").url, silent.url,
    ]  # fmt: skip


def question(of: Link) -> CaptureQuestion:
    return question_about(of, history(of), NOW)


async def test_what_the_archive_answers_is_remembered_with_its_evidence_also_that_it_has_nothing() -> None:
    there, nothing, silent = link("there"), link("nothing"), link("silent")
    taken = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    capture = WaybackCapture(f"{ENDPOINT}/web/20200102030405/{there.url}", taken, there.url)
    fetched = Fetch(there.url, there.url, taken, status=200)
    answers = {
        there: CaptureSearch("found", FoundCapture(capture, fetched, Page(title="A title"), 0.9)),
        nothing: CaptureSearch("none"),
        silent: CaptureSearch("silent"),
    }

    async def search(asked: CaptureQuestion) -> CaptureSearch:
        await trio.lowlevel.checkpoint()
        return answers[asked.link]

    told: list[History] = []
    await ask_captures(search, [question(x) for x in (there, silent, nothing)], lambda: NOW, told.append)
    assert [h.elsewhere for h in told] == [
        Elsewhere(NOW, capture.url, taken, "found", 200, "A title", 0.9),
        Elsewhere(NOW, outcome="silent"),
        Elsewhere(NOW, outcome="none"),
    ]


async def asked_in_one_go(names: list[str], silent: set[str]) -> list[str]:
    asked: list[str] = []

    async def search(about: CaptureQuestion) -> CaptureSearch:
        await trio.lowlevel.checkpoint()
        asked.append(about.link.url)
        return CaptureSearch("silent" if about.link.host in silent else "none")

    wanted = [question(link(name, host)) for host, _, name in (name.partition("/") for name in names)]
    await ask_captures(search, wanted, lambda: NOW, lambda _: None)
    return [url.removeprefix("https://") for url in asked]


async def test_an_archive_that_does_not_answer_is_left_alone() -> None:
    hosts = [f"h{n}.example" for n in range(50)]
    assert len(await asked_in_one_go([f"{host}/x" for host in hosts], set(hosts))) == lookback.SILENCES


async def test_a_site_that_the_archive_is_silent_about_keeps_nobody_waiting() -> None:
    names = [f"{host}/{n}" for n in range(20) for host in ("slow.example", "fine.example")]
    asked = await asked_in_one_go(names, {"slow.example"})
    assert len([name for name in asked if name.startswith("fine")]) == 20
    assert len([name for name in asked if name.startswith("slow")]) == lookback.SILENCES_OF_A_SITE


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
    assert after.elsewhere == Elsewhere(NOW, "https://web.archive.org/web/2026/x", NOW, "saved")
    refused = remembered(Submission(alive.url, SaveOutcome.REFUSED, "blocked-url"), alive, NOW)
    assert refused is not None
    assert refused.elsewhere == Elsewhere(NOW, outcome="refused")
    for outcome in (SaveOutcome.LATER, SaveOutcome.STOPPED):
        assert remembered(Submission(alive.url, outcome), alive, NOW) is None


async def test_offering_ends_in_time_and_keeps_what_was_saved_until_then(
    autojump_clock: trio.testing.MockClock,
) -> None:
    saved: list[str] = []

    async def send(ask: WaybackRequest) -> WaybackAnswer:
        await trio.sleep(1)
        if ask.form:
            return WaybackAnswer(200, {}, json.dumps({"job_id": f"spn2-{len(saved)}"}).encode())
        told = {"status": "success", "timestamp": "20260304050607", "original_url": "https://a.example/"}
        return WaybackAnswer(200, {}, json.dumps(told).encode())

    with trio.move_on_after(lookback.SUBMIT_SECONDS):
        await submit(Service(send), (f"https://a.example/{n}" for n in range(10_000)), lambda s: saved.append(s.url))
    assert 15 <= len(saved) <= 21, "four a minute, for five minutes"


def test_a_memory_of_before_knows_nothing_of_it() -> None:
    told = history(link(), elsewhere=Elsewhere(NOW, "https://web.archive.org/web/2020/x", NOW, "found", 200, "x", 0.5))
    assert unpack_history(pack(told)) == told
    first = msgspec.to_builtins(told)
    first["elsewhere"] = {key: first["elsewhere"][key] for key in ("asked_at", "url", "captured_at")}
    before = unpack_history(msgspec.msgpack.encode(first)).elsewhere
    assert before == Elsewhere(NOW, "https://web.archive.org/web/2020/x", NOW)
    old = {key: value for key, value in msgspec.to_builtins(told).items() if key != "elsewhere"}
    assert unpack_history(msgspec.msgpack.encode(old)).elsewhere is None
