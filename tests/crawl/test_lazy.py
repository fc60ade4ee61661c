"""Memories that stay in the index answer as a dictionary of all of them would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.archive import Archive
from crawler.core.model import Confidence, Evidence, Fetch, History, Link, Page, State, Verdict
from crawler.core.results import Run
from crawler.core.settings import ArchiveSettings, Schedule
from crawler.core.slots import Politeness
from crawler.crawl.hosts import hosts_of
from crawler.crawl.lazy import Memories, before_of, memories_of, touched
from crawler.crawl.results import build_report, suggestions
from crawler.report import FORMATS, ReportOptions
from crawler.schedule.history import first_seen, remember
from crawler.schedule.plan import Budget, due_at, is_due, make_plan

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOSTS = 7


def link_number(n: int) -> Link:
    host = f"h{n % HOSTS}.example"
    url = f"https://{host}/{n}"
    return Link(url, url, url, "other", host, host)


def remembered(n: int, state: State, age: timedelta) -> History:
    link, at = link_number(n), NOW - age
    verdict = Verdict(state, "any", Confidence.HIGH, Evidence(rule="any", http_status=200))
    return remember(
        first_seen(link.canonical_url, link.url, at), Fetch(link.url, link.url, at, status=200), Page(title=f"t{n}"),
        verdict, at, Schedule(),
    )  # fmt: skip


def kept(path: Path, histories: list[History]) -> Archive:
    archive = Archive.open(path, ArchiveSettings(), now=lambda: NOW)
    links = {link.canonical_url: link for link in map(link_number, range(500))}
    archive.put_histories(histories, links)
    return archive


MIXED = [
    remembered(n, [State.ALIVE, State.DEAD, State.BLOCKED, State.UNKNOWN][n % 4], timedelta(hours=7 * n))
    for n in range(60)
] + [first_seen(link_number(n).canonical_url, link_number(n).url, NOW) for n in range(60, 70)]


def test_a_plan_from_the_index_is_the_plan_from_all_memories(tmp_path: Path) -> None:
    with kept(tmp_path, MIXED) as archive:
        lazy, links = Memories(archive.planning()), [link_number(n) for n in range(70)]
        plain = make_plan(links, archive.histories(), NOW, lambda url: Politeness("any"), Budget())
        due = lazy.index.due(NOW)
        planned = make_plan(links, lazy, NOW, lambda url: Politeness("any"), Budget(), due_keys=due)
        assert planned == plain
        assert 0 < plain.links < len(links)
        unread = Memories(archive.planning())
        none = make_plan(links, unread, NOW, lambda url: Politeness("any"), Budget(), due_keys=set())
        assert (none.links, unread.read) == (0, {}), "where nothing is due, nothing is read"


@given(days=st.floats(-400, 400), interval=st.floats(0, 90 * 86_400))
def test_the_moment_from_which_a_link_is_due_says_what_is_due(days: float, interval: float) -> None:
    history = History("u", NOW, next_due=NOW + timedelta(days=days), interval=interval)
    at = due_at(history)
    assert at is not None
    assert is_due(history, at)
    assert not is_due(history, at - timedelta(microseconds=1))


def test_hosts_answered_when_all_memories_say_so(tmp_path: Path) -> None:
    with kept(tmp_path, MIXED) as archive:
        lazy = hosts_of(Memories(archive.planning()), proxied=False)
        assert lazy.answered == hosts_of(archive.histories(), proxied=False).answered
        assert len(lazy.answered) == HOSTS


def test_what_a_run_learns_does_not_move_what_was_before(tmp_path: Path) -> None:
    with kept(tmp_path, MIXED) as archive:
        memories = Memories(archive.planning())
        key = MIXED[0].canonical_url
        before = before_of(memories)
        memories |= {key: replace(MIXED[0], state=State.DEAD)}
        archive.put_histories([memories[key]])
        assert before[key].state is State.ALIVE
        assert memories[key].state is State.DEAD
        assert list(touched(memories)) == [key]
        assert memories.states()[key] is State.DEAD
        assert memories.get("https://nobody.example/") is None


def test_a_stream_gives_memories_in_order_and_keeps_none(tmp_path: Path) -> None:
    with kept(tmp_path, MIXED) as archive:
        memories = Memories(archive.planning())
        keys = [history.canonical_url for history in reversed(MIXED)] + ["https://nobody.example/"]
        found = list(memories.stream(keys))
        assert [key for key, _ in found] == keys
        assert [history for _, history in found] == [*reversed(MIXED), None]
        assert not memories.read


def test_few_memories_are_read_at_once_and_many_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kept(tmp_path, MIXED) as archive:
        assert memories_of(archive) is None
        monkeypatch.setattr("crawler.crawl.lazy.MANY", 10)
        assert memories_of(archive) is not None
    assert memories_of(object()) is None


def test_an_archive_of_the_version_before_learns_what_is_due(tmp_path: Path) -> None:
    with kept(tmp_path, MIXED) as archive:
        db = archive._db
        due = archive.planning().due(NOW)
        for name in ("noted", "noted_hosts", "noted_stamp", "noted_notes", "noted_in"):
            db.execute(f"DROP TABLE {name}")
        for name in ("due", "seen", "answered", "not_alive", "late", "walls", "told"):
            db.execute(f"DROP INDEX links_{name}")
        for name in ("due", "seen", "answered", "late", "wall", "told"):
            db.execute(f"ALTER TABLE links DROP COLUMN {name}")
        db.execute("PRAGMA user_version = 5")
    with Archive.open(tmp_path, ArchiveSettings(), now=lambda: NOW) as archive:
        assert archive.planning().due(NOW) == due
        assert len(due) < len(MIXED)


def test_a_report_made_while_it_is_read_is_the_report_that_was_made_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.crawl.results.MANY", 10)
    run = Run("r", "run", NOW - timedelta(days=3))
    links = [link_number(n) for n in (*range(0, 75, 2), *range(1, 75, 2))]  # the last five were never seen
    moved = replace(MIXED[1], moved_to="https://new.example/", changed_at=NOW, previous_state=State.ALIVE)
    with kept(tmp_path, MIXED) as archive:
        archive.put_histories([moved])
        histories = archive.histories()
        made = build_report(run, links, histories, NOW, suggestions=suggestions(links, histories))
        memories = Memories(archive.planning())
        lazy = build_report(run, links, memories, NOW, suggestions=suggestions(links, memories))
        assert tuple(lazy.findings) == made.findings
        assert lazy.findings[3] == made.findings[3]
        assert tuple(lazy.findings[2:5]) == made.findings[2:5]
        assert lazy.changes == made.changes != ()
        for name, form in FORMATS.items():
            text = form.render(made, ReportOptions())
            assert form.render(lazy, ReportOptions()) == text, name
            assert "".join(form.stream(lazy, ReportOptions())) == text, name
        assert not memories.read
