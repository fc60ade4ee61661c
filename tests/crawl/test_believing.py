"""Runs that are not believed: portals, filters, cut lines and hijacked names, in virtual time."""

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import httpx
import msgspec
import pytest
import trio
from trio.testing import MockClock

from benchmarks.month import Notebook, alive_page
from crawler.archive import Archive
from crawler.core.config import site_documents
from crawler.core.model import Check, Confidence, Snapshot, State
from crawler.core.settings import ArchiveSettings, FetchSettings, Settings
from crawler.crawl.context import open_archive
from crawler.crawl.job import Job, Memory, Outcome, finish_job, in_line, prepare_job
from crawler.crawl.readers import InlineReader
from crawler.crawl.session import walk_job
from crawler.fetch import Fetcher, open_fetcher
from crawler.notes.links import link_of
from crawler.schedule.plan import Budget
from crawler.sites import load_sites

START = datetime(2026, 6, 1, 3, tzinfo=UTC)
SETTINGS = Settings(fetch=FetchSettings(retries=0))
SITES = load_sites(site_documents(SETTINGS))
HTML = {"Content-Type": "text/html; charset=utf-8"}
PORTAL = "<title>Hotel WiFi</title><h1>Welcome</h1><p>Please accept our terms to go online, it is {clock}.</p>" * 3
NGINX = "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center></body></html>"
HOSTS = [f"www.h{n}.example" for n in range(40)]
WANTED = [f"https://{host}/posts/{n}" for n, host in enumerate(HOSTS)]

Answer = Callable[[httpx.Request], httpx.Response]


def article(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=alive_page(str(request.url)), headers=HTML)


def page(status: int, text: str) -> Answer:
    return lambda request: httpx.Response(
        status, text=text.format(clock=f"{len(request.url.path)}:30", host=request.url.host), headers=HTML
    )


def missing(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no") from socket.gaierror(socket.EAI_NONAME, "Name or service not known")


DIGITS = str.maketrans("0123456789", "ghijklmnop")


def chatty(status: int, title: str = "") -> Answer:
    """A page with words that no other request is answered with, of letters alone."""

    def answer(request: httpx.Request) -> httpx.Response:
        words = " ".join(
            f"of the {letter} and of {letter * 3}" for letter in sha256(request.url.host.encode()).hexdigest()
        )
        letters = words.translate(DIGITS)
        return httpx.Response(status, text=f"<title>{title}</title><h1>Today</h1><p>{letters}</p>", headers=HTML)

    return answer


def silence(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("silence")


@dataclass
class Web(httpx.AsyncBaseTransport):
    """Every host answers by `usual`, unless `by_host` or, from request number `turns` on, `then` says otherwise."""

    usual: Answer = article
    by_host: dict[str, Answer] = field(default_factory=dict)
    turns: int = 1_000_000
    then: Answer = article
    names: Answer = missing  # for hosts that nobody registered
    log: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.log.append(str(request.url))
        await trio.sleep(1)
        if request.url.host.endswith(".com"):
            return self.names(request)
        if len(self.log) > self.turns:
            return self.then(request)
        return self.by_host.get(request.url.host, self.usual)(request)


def run(notebook: Memory, web: Web, day: float, wanted: list[str] = WANTED, concurrency: int = 64) -> Outcome:
    settings = Settings(fetch=FetchSettings(retries=0, concurrency=concurrency))
    links = [link_of(url, SITES) for url in wanted]
    job = Job(
        "run", links, settings, SITES, notebook, lambda: START, Budget(all=True), handle_signals=False,
        open_fetcher=partial(open_fetcher, transport=web), run_sync=in_line, reader=InlineReader(SITES),
    )  # fmt: skip

    async def whole() -> Outcome:
        job.now = lambda: START + timedelta(days=day, seconds=trio.current_time())
        ready = prepare_job(job)
        return finish_job(job, ready, await walk_job(job, ready))

    return trio.run(whole, clock=MockClock(autojump_threshold=0))


def states(notebook: Notebook) -> set[State]:
    return {history.state for history in notebook.kept.values()}


def lived() -> Notebook:
    notebook = Notebook()
    run(notebook, Web(), 0)
    assert states(notebook) == {State.ALIVE}
    return notebook


EVERYBODY = [
    page(200, PORTAL),
    page(404, PORTAL),
    page(404, NGINX),
    page(503, PORTAL),
    page(403, PORTAL),
    page(407, "<h1>Proxy</h1><p>The proxy of the company wants to know you.</p>"),
    page(511, PORTAL),
    page(511, "<h1>Network login</h1><p>Sign in to go online.</p>"),
    silence,
    chatty(404),
    chatty(410),
    chatty(503),
    chatty(200, "Hotel WiFi"),
]


@pytest.mark.parametrize(
    "portal",
    EVERYBODY,
    ids=[
        "200",
        "404",
        "stock 404",
        "503",
        "403",
        "407",
        "511",
        "short 511",
        "silence",
        "chatty 404",
        "chatty 410",
        "chatty 503",
        "chatty 200",
    ],
)
def test_one_answer_for_everybody_counts_for_nothing(portal: Answer) -> None:
    notebook = lived()
    before = dict(notebook.kept)
    outcome = run(notebook, Web(usual=portal), 1)
    assert (outcome.run.network, outcome.run.stopped_by, outcome.run.complete) == ("down", "network-down", False)
    assert states(notebook) == {State.ALIVE}
    kept = {key: history.snapshot for key, history in notebook.kept.items()}
    assert kept == {key: history.snapshot for key, history in before.items()}
    assert notebook.held == {}
    for night in (2, 3, 4):  # the same hotel for days, and no name that cannot exist is answered
        assert run(notebook, Web(usual=portal), night).run.network == "down"
        assert states(notebook) == {State.ALIVE}
    assert run(notebook, Web(), 5).run.network == "ok"


@pytest.mark.parametrize("portal", [page(404, PORTAL), page(404, NGINX), chatty(404)], ids=["404", "stock", "chatty"])
def test_where_few_hosts_are_known_one_answer_for_all_of_them_counts_the_second_time(portal: Answer) -> None:
    notebook = Notebook()
    run(notebook, Web(), 0, WANTED[:3])
    assert run(notebook, Web(usual=portal), 1, WANTED[:3]).run.network == "down"
    assert states(notebook) == {State.ALIVE}
    run(notebook, Web(usual=portal), 2, WANTED[:3])
    assert states(notebook) == {State.DEAD}


def test_two_links_that_die_beside_a_living_one_are_dead_at_once() -> None:
    notebook = Notebook()
    run(notebook, Web(), 0, WANTED[:3])
    outcome = run(notebook, Web(by_host=dict.fromkeys(HOSTS[:2], chatty(404))), 1, WANTED[:3])
    assert (outcome.run.network, Counter(h.state for h in notebook.kept.values())) == ("ok", {"dead": 2, "alive": 1})


def test_a_platform_that_closes_is_believed_the_second_time_where_others_answer() -> None:
    notebook = lived()
    closed = Web(by_host=dict.fromkeys(HOSTS[:30], page(404, PORTAL)))
    assert run(notebook, closed, 1).run.network == "down"
    assert run(notebook, closed, 2).run.network == "ok"
    assert Counter(h.state for h in notebook.kept.values()) == {"dead": 30, "alive": 10}


def test_a_portal_revives_no_dead_link() -> None:
    notebook = Notebook()
    for day in (0, 3):
        run(notebook, Web(usual=lambda r: httpx.Response(404, text=f"<p>{r.url}: no such page here")), day)
    assert states(notebook) == {State.DEAD}
    run(notebook, Web(usual=page(200, PORTAL)), 4)
    assert states(notebook) == {State.DEAD}


def test_on_a_first_run_a_name_that_cannot_exist_tells_a_portal() -> None:
    notebook = Notebook()
    outcome = run(notebook, Web(usual=page(200, PORTAL), names=page(200, PORTAL)), 0)
    assert outcome.run.network == "down"
    assert states(notebook) == {State.UNCHECKED}


@pytest.mark.parametrize("gone", [page(404, NGINX), page(404, "<h1>GitHub says: there is no such page</h1>" * 30)])
def test_forty_hosts_with_one_servers_error_page_are_dead_on_a_first_run(gone: Answer) -> None:
    notebook = Notebook()
    outcome = run(notebook, Web(usual=gone), 0)
    assert outcome.run.network == "ok"
    assert states(notebook) == {State.DEAD}


def test_a_portal_that_comes_in_mid_run_spoils_only_what_it_answered() -> None:
    notebook = lived()
    web = Web(turns=12, then=page(200, PORTAL))
    outcome = run(notebook, web, 1, concurrency=1)
    assert outcome.run.network == "down"
    fresh = [h for h in notebook.kept.values() if h.checked_at and h.checked_at > START + timedelta(hours=12)]
    assert {h.state for h in notebook.kept.values()} == {State.ALIVE}
    assert len(fresh) == 12


def test_one_host_that_sends_511_for_ever_does_not_end_the_run() -> None:
    notebook = lived()
    outcome = run(notebook, Web(by_host={HOSTS[0]: page(511, PORTAL)}), 1)
    assert outcome.run.network == "ok"
    assert notebook.kept[link_of(WANTED[0], SITES).canonical_url].reason == "captive-portal"


def test_walls_that_a_rule_knows_are_blocked_and_no_portal() -> None:
    notebook = lived()
    challenge = "<title>Just a moment...</title><script>window._cf_chl_opt={{}}</script>"
    outcome = run(notebook, Web(usual=page(403, challenge)), 1)
    assert (outcome.run.network, states(notebook)) == ("ok", {State.BLOCKED})


def test_a_line_that_is_cut_in_mid_run_spoils_what_failed_after_the_last_answer() -> None:
    notebook = lived()
    outcome = run(notebook, Web(turns=30, then=silence), 1, concurrency=1)
    assert outcome.run.network == "down"
    assert states(notebook) == {State.ALIVE}


def test_hosts_that_fail_last_are_believed_when_a_canary_answers() -> None:
    notebook = lived()
    dead = dict.fromkeys(HOSTS[-6:], silence)
    web = Web(by_host=dict(dead))
    outcome = run(notebook, web, 1, concurrency=1)
    assert outcome.run.network == "ok"
    suspects = {h.url for h in notebook.kept.values() if h.state is State.SUSPECT}
    assert suspects == set(WANTED[-6:])


def test_a_second_look_up_makes_a_missing_name_of_a_new_link_dead_and_of_a_known_one_suspect() -> None:
    notebook = Notebook()
    old, typo, fine = "https://was.example/a", "https://exmaple.example/a", "https://fine.example/a"
    run(notebook, Web(), 0, [old])
    web = Web(by_host=dict.fromkeys(("was.example", "exmaple.example"), missing))
    run(notebook, web, 1, [old, typo, fine])
    known = {h.url: h for h in notebook.kept.values()}
    assert (known[typo].state, known[typo].confidence) == (State.DEAD, Confidence.LOW)
    assert known[old].state is State.SUSPECT
    assert web.log.count(typo) == 2


def test_missing_names_alone_prove_nothing_when_no_other_name_resolves() -> None:
    notebook = Notebook()
    run(notebook, Web(usual=missing), 0, WANTED[:1])
    assert states(notebook) == {State.SUSPECT}


def test_a_host_that_never_answered_is_told_apart_from_one_that_did() -> None:
    notebook = Notebook()
    web = Web(by_host=dict.fromkeys(HOSTS[:1], silence))
    for day in range(0, 200, 7):
        run(notebook, web, day, WANTED[:3])
    first = notebook.kept[link_of(WANTED[0], SITES).canonical_url]
    assert (first.state, first.reason) == (State.SUSPECT, "unreachable-from-here")


def test_dead_names_that_resolve_to_one_advertising_page_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lookup(self: Fetcher, host: str) -> tuple[str, ...]:
        return ("203.0.113.9",) if host.endswith(".com") or host == "gone.example" else ("203.0.113.1",)

    monkeypatch.setattr(Fetcher, "lookup", lookup)
    adverts = page(200, "<title>Find what you need</title><p>Sponsored links for you</p>" * 4)
    wanted = ["https://gone.example/a", "https://own.example/a", "https://live.example/a"]
    notebook = Notebook()
    web = Web(by_host={"gone.example": adverts, "own.example": adverts}, names=adverts)
    for day in (0, 3):
        run(notebook, web, day, wanted)
        found = {h.url: (h.state, h.reason) for h in notebook.kept.values()}
        assert found[wanted[0]] == (State.UNKNOWN, "hijacked-dns")
        assert {found[url][0] for url in wanted[1:]} == {State.ALIVE}


def killed_run(path: Path, web: Web, wanted: list[str], day: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose process ends before it judged what it held."""
    from crawler.crawl import recorder

    async def never(*_: object) -> None:
        """The kill."""

    with monkeypatch.context() as patch, Archive.open(path, now=lambda: START) as archive:
        patch.setattr(recorder.Recorder, "settle", never)
        run(archive, web, day, wanted)


def reopened(path: Path, *, write: bool) -> dict[str, State]:
    settings = Settings(archive=replace_path(path))
    with open_archive(settings, "report", write=write) as archive:
        return {history.url: history.state for history in archive.histories().values()}


def replace_path(path: Path) -> ArchiveSettings:
    return msgspec.structs.replace(Settings().archive, path=str(path))


@pytest.mark.parametrize("write", [True, False])
def test_a_killed_run_loses_nothing_that_is_believed(
    tmp_path: Path, write: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_run(tmp_path, Web(), WANTED[:9], 0, monkeypatch)
    with Archive.open(tmp_path, write=False) as archive:
        assert {history.state for history in archive.histories().values()} == {State.UNCHECKED}
    assert set(reopened(tmp_path, write=write).values()) == {State.ALIVE}
    settings = Settings(archive=replace_path(tmp_path))
    with open_archive(settings, "report", write=write) as archive:
        captures = list(archive.captures())
        assert len(captures) == 9
        assert archive.text(captures[0].id)
        assert archive.search("文章")


@pytest.mark.parametrize("portal", [page(200, PORTAL), chatty(404), chatty(200, "Hotel")], ids=["200", "404", "titled"])
def test_a_killed_run_in_a_portal_counts_for_nothing_when_it_is_opened_next(
    tmp_path: Path, portal: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Archive.open(tmp_path, now=lambda: START) as archive:
        run(archive, Web(), 0)  # type: ignore[arg-type]
    for night in (1, 2):
        killed_run(tmp_path, Web(usual=portal), WANTED, night, monkeypatch)
        assert set(reopened(tmp_path, write=True).values()) == {State.ALIVE}
    with Archive.open(tmp_path, write=False) as archive:
        assert archive.held() == []
        assert not archive.search("Hotel")
        assert len(list(archive.captures())) == len(WANTED)


def test_what_was_never_believed_stays_out_of_an_index_that_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crawler.archive import verify

    with Archive.open(tmp_path, now=lambda: START) as archive:
        run(archive, Web(), 0)  # type: ignore[arg-type]
        run(archive, Web(usual=page(200, PORTAL)), 1)  # type: ignore[arg-type]
    verify(tmp_path, rebuild=True)
    assert set(reopened(tmp_path, write=False).values()) == {State.ALIVE}
    with Archive.open(tmp_path, write=False) as archive:
        assert len(list(archive.captures())) == len(WANTED)
        assert not archive.search("Hotel")


def test_what_counts_is_held_no_longer_than_its_ten_minutes() -> None:
    class Watching(Notebook):
        most = 0

        def record(self, checks: Sequence[Check]) -> list[Snapshot | None]:
            snapshots = super().record(checks)
            Watching.most = max(Watching.most, len(self.held))
            return snapshots

    slow = [f"https://slow.example/posts/{n}" for n in range(1000)]
    notebook = Watching()
    run(notebook, Web(), 0, slow)
    assert states(notebook) == {State.ALIVE}
    assert 500 < Watching.most < 700
