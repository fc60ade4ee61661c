"""A run as a whole, in virtual time: what is kept, what counts for nothing, and how it stops."""

import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from os import getpid, kill
from typing import Any

import httpx
import pytest
import trio
from trio.testing import MockClock

from benchmarks.month import Notebook, alive_page
from crawler.core.config import site_documents
from crawler.core.errors import ArchiveFull
from crawler.core.model import Check, Confidence, Snapshot, State
from crawler.core.settings import FetchSettings, Host, Settings
from crawler.crawl.job import Job, Outcome, finish_job, in_line, prepare_job, why_unchecked
from crawler.crawl.readers import InlineReader
from crawler.crawl.session import GRACE, WELL_KNOWN, walk_job
from crawler.fetch import Fetcher, open_fetcher
from crawler.notes.links import link_of
from crawler.schedule.plan import Budget
from crawler.schedule.walls import KNOWN
from crawler.sites import load_sites

START = datetime(2026, 6, 1, 3, tzinfo=UTC)
SETTINGS = Settings(fetch=FetchSettings(retries=0))
SITES = load_sites(site_documents(SETTINGS))
HTML = {"Content-Type": "text/html; charset=utf-8"}


@dataclass
class Web(httpx.AsyncBaseTransport):
    """Hosts that are silent, walled or alive; everything else answers with an article."""

    silent: set[str] = field(default_factory=set)
    walled: set[str] = field(default_factory=set)
    walled_urls: set[str] = field(default_factory=set)
    nameless: set[str] = field(default_factory=set)
    seconds: float = 0.2
    log: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.log.append(str(request.url))
        await trio.sleep(self.seconds)
        if request.url.host in self.silent or "*" in self.silent:
            raise httpx.ConnectTimeout("silence")
        if request.url.host in self.nameless:
            raise httpx.ConnectError("no") from socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if request.url.host in self.walled or str(request.url) in self.walled_urls:
            return httpx.Response(403, text="<title>403 Forbidden</title>", headers=HTML)
        return httpx.Response(200, content=alive_page(str(request.url)), headers=HTML)


def urls(*hosts: str, each: int = 1) -> list[str]:
    return [f"https://{host}/posts/{n}" for host in hosts for n in range(each)]


def job(notebook: Notebook, web: Web, addresses: list[str], **options: Any) -> Job:
    links = [link_of(url, SITES) for url in addresses]
    return Job(
        "run", links, options.pop("settings", SETTINGS), SITES, notebook, lambda: START,  # type: ignore[arg-type]
        handle_signals=False, open_fetcher=partial(open_fetcher, transport=web), run_sync=in_line,
        reader=InlineReader(SITES), **options,
    )  # fmt: skip


def run(wanted: Job, *, day: float = 0) -> Outcome:
    async def whole() -> Outcome:
        wanted.now = lambda: START + timedelta(days=day, seconds=trio.current_time())
        ready = prepare_job(wanted)
        done = await walk_job(wanted, ready) if ready.plan.slots else ready.run
        return finish_job(wanted, ready, done)

    return trio.run(whole, clock=MockClock(autojump_threshold=0))


def states(outcome: Outcome) -> dict[str, State]:
    return {history.url: history.state for history in outcome.histories.values()}


def test_a_run_keeps_every_check_and_tells_what_it_cost() -> None:
    notebook, web = Notebook(), Web()
    outcome = run(job(notebook, web, urls("a.example", "b.example", each=2)))
    assert set(states(outcome).values()) == {State.ALIVE}
    assert (outcome.run.fetched, outcome.run.requests, outcome.run.complete) == (4, 4, True)
    assert outcome.run.kept_bytes > 0
    assert notebook.kept == outcome.histories


class SlowToStart(InlineReader):
    """Reads at once, while one more reader takes an hour to start."""

    async def warm_up(self, pages: int) -> None:
        await trio.sleep(3600)


def test_a_run_does_not_wait_for_a_reader_that_nobody_needs_any_more() -> None:
    wanted = job(Notebook(), Web(), urls("a.example", "b.example"))
    wanted.reader = SlowToStart(SITES)
    outcome = run(wanted)
    assert outcome.run.complete
    assert outcome.run.finished_at is not None
    assert outcome.run.finished_at - outcome.run.started_at < timedelta(seconds=10)


def test_a_second_run_at_once_asks_nothing() -> None:
    notebook, web = Notebook(), Web()
    run(job(notebook, web, urls("a.example", each=3)))
    again = run(job(notebook, web, urls("a.example", each=3)), day=0.01)
    assert (len(web.log), again.run.fetched, again.run.complete) == (3, 0, True)


def test_a_run_in_which_nothing_can_be_reached_counts_for_nothing() -> None:
    outcome = run(job(Notebook(), Web(silent={"*"}), urls("a.example", "b.example")))
    assert set(states(outcome).values()) == {State.UNCHECKED}
    assert (outcome.run.network, outcome.run.stopped_by, outcome.run.complete) == ("down", "network-down", False)


def test_an_outage_leaves_what_was_known_and_is_not_believed_for_ever() -> None:
    """All known hosts fail at once: that night counts for nothing. They fail again while others answer: that counts."""
    notebook = Notebook()
    hosts = [f"h{n}.example" for n in range(4)]
    run(job(notebook, Web(), urls(*hosts)))
    outage = run(job(notebook, Web(silent={"*"}), urls(*hosts), budget=Budget(all=True)), day=1)
    assert set(states(outage).values()) == {State.ALIVE}
    dead = set(hosts[:3])
    later = run(job(notebook, Web(silent=dead), urls(*hosts, "new.example"), budget=Budget(all=True)), day=2)
    assert [states(later)[url] for url in urls(*hosts)] == [State.SUSPECT] * 3 + [State.ALIVE]


def test_a_known_living_link_is_asked_as_a_canary_when_the_only_host_due_is_silent() -> None:
    notebook, web = Notebook(), Web()
    both = urls("old.example", "canary.example")
    run(job(notebook, web, both))
    first = link_of(both[0], SITES).canonical_url
    notebook.kept[first] = replace(notebook.kept[first], next_due=START)
    web.silent, web.log = {"old.example"}, []
    outcome = run(job(notebook, web, both), day=1)
    assert web.log == both
    assert states(outcome) == {both[0]: State.SUSPECT, both[1]: State.ALIVE}
    assert outcome.run.network == "ok"


def test_a_slot_that_refuses_is_left_alone_cools_down_and_its_rest_stays_as_remembered() -> None:
    notebook, web = Notebook(), Web(walled={"wall.example"})
    wanted = urls("wall.example", each=9)
    outcome = run(job(notebook, web, wanted))
    assert len(web.log) == SETTINGS.fetch.patience
    assert [(g.slot, g.left) for g in outcome.run.slots_given_up] == [("wall.example", 4)]
    assert sorted(states(outcome).values()) == [State.BLOCKED] * 5 + [State.UNCHECKED] * 4
    again = run(job(notebook, web, wanted), day=0.02)
    assert len(web.log) == SETTINGS.fetch.patience
    assert "cooling down" in again.run.slots_given_up[0].reason


def test_many_links_of_a_host_that_end_on_one_page_have_no_page() -> None:
    class Herd(Web):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/old/"):
                return httpx.Response(302, headers={"Location": "/archive/all-of-it/index-of-everything.html"})
            return await super().handle_async_request(request)

    wanted = [f"https://herd.example/old/{n}/story-{n}.html" for n in range(5)]
    outcome = run(job(Notebook(), Herd(), wanted))
    assert {h.reason for h in outcome.histories.values()} == {"shared-target"}
    assert set(states(outcome).values()) == {State.SUSPECT}
    assert {h.failures for h in outcome.histories.values()} == {1}


def test_when_the_budget_is_spent_no_new_link_is_begun_and_the_rest_says_why() -> None:
    settings = Settings(fetch=FetchSettings(interval=10.0))  # type: ignore[arg-type]
    outcome = run(job(Notebook(), Web(), urls("a.example", each=9), settings=settings, budget=Budget(seconds=25)))
    assert (outcome.run.stopped_by, outcome.run.complete) == ("budget", False)
    assert 3 <= outcome.run.fetched <= 4
    assert {h.reason for h in why_unchecked(outcome).values()} == {"over-budget"}


def test_a_host_that_the_user_skips_is_excluded() -> None:
    settings = Settings(host={"a.example": Host(skip=True)})
    web = Web()
    outcome = run(job(Notebook(), web, urls("a.example"), settings=settings))
    assert web.log == []
    assert [h.reason for h in why_unchecked(outcome).values()] == ["excluded"]


def test_a_malformed_url_is_dead_at_once_and_asks_nothing() -> None:
    web = Web()
    outcome = run(job(Notebook(), web, ["http://exa mple/x", *urls("a.example")]))
    assert states(outcome)["http://exa mple/x"] is State.DEAD
    assert len(web.log) == 1


def test_a_first_signal_ends_a_run_within_its_grace_and_keeps_what_was_done() -> None:
    class Signalling(Web):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if len(self.log) == 2:
                kill(getpid(), signal.SIGTERM)
                await trio.sleep(0)
            return await super().handle_async_request(request)

    notebook = Notebook()
    wanted = job(notebook, Signalling(), urls("a.example", each=200))
    wanted.handle_signals = True
    outcome = run(wanted)
    assert (outcome.run.stopped_by, outcome.run.complete) == ("signal", False)
    assert 2 <= outcome.run.fetched < 200
    assert outcome.run.finished_at is not None
    assert outcome.run.finished_at - outcome.run.started_at < timedelta(seconds=GRACE + 30)
    assert sum(state is State.ALIVE for state in states(outcome).values()) == outcome.run.fetched


def test_a_disk_that_is_full_in_mid_run_is_one_clear_error() -> None:
    class Full(Notebook):
        def record(self, checks: Sequence[Check]) -> list[Snapshot | None]:
            raise ArchiveFull("archive: no space left; what was kept before is safe")

    with pytest.raises(BaseException) as caught:  # noqa: PT011 (a group or the error itself; run_job unwraps it)
        run(job(Full(), Web(), urls("a.example", each=3)))
    assert caught.group_contains(ArchiveFull) if isinstance(caught.value, BaseExceptionGroup) else True


async def only_well_known(self: Fetcher, host: str) -> tuple[str, ...]:
    return ("198.51.100.1",) if host in WELL_KNOWN else ()


def test_a_new_name_that_does_not_exist_is_dead_after_two_look_ups_where_names_resolve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web = Web(nameless={"typo.example"})
    assert set(states(run(job(Notebook(), web, urls("typo.example")))).values()) == {State.SUSPECT}
    monkeypatch.setattr(Fetcher, "lookup", only_well_known)
    web.log.clear()
    outcome = run(job(Notebook(), web, urls("typo.example")))
    assert [(h.state, h.reason, h.confidence) for h in outcome.histories.values()] == [
        (State.DEAD, "dns-failure", Confidence.LOW)
    ]
    assert (len(web.log), outcome.run.network) == (2, "ok")


def test_two_names_that_do_not_exist_are_no_dead_line_where_other_names_resolve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web, addresses = Web(nameless={"typo.example", "tpyo.example"}), urls("typo.example", "tpyo.example")
    assert run(job(Notebook(), web, addresses)).run.network == "down"
    monkeypatch.setattr(Fetcher, "lookup", only_well_known)
    outcome = run(job(Notebook(), web, addresses))
    assert outcome.run.network == "ok"
    assert set(states(outcome).values()) == {State.DEAD}


def test_a_link_that_once_lived_does_not_die_of_two_look_ups() -> None:
    notebook = Notebook()
    run(job(notebook, Web(), urls("here.example", "there.example")))
    outcome = run(job(notebook, Web(nameless={"here.example"}), urls("here.example", "there.example")), day=8)
    assert states(outcome)["https://here.example/posts/0"] is State.SUSPECT


def test_a_run_that_a_limit_cut_short_is_not_complete_and_says_why_of_each_link() -> None:
    wanted = job(Notebook(), Web(), urls("here.example", each=5), budget=Budget(links=2))
    outcome = run(wanted)
    assert (outcome.run.fetched, outcome.run.complete, outcome.run.stopped_by) == (2, False, None)
    assert {h.reason for h in why_unchecked(outcome).values()} == {"over-budget"}
    assert run(job(Notebook(), Web(), urls("here.example", each=2), budget=Budget(links=2))).run.complete


def test_known_walls_are_remembered_by_whole_runs_and_cost_a_slot_no_patience() -> None:
    addresses = urls("walled.example", each=8)
    web = Web(walled_urls=set(addresses[:6]))
    notebook = Notebook()
    for day in range(6):
        run(job(notebook, web, addresses), day=day)
    assert {url: notebook.kept[url].walled >= KNOWN for url in addresses} == {
        url: url in web.walled_urls for url in addresses
    }
    assert all(notebook.kept[url].state is State.ALIVE for url in addresses[6:])
