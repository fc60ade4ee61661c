"""Links of unchanged notes that stay in the index give the plans, reports and canaries that a list of them gives."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from closing import closed
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.archive import Archive
from crawler.archive.noted import NotedLinks, NoteState
from crawler.core.model import LOCAL, Confidence, Evidence, Fetch, History, Kind, Link, Occurrence, Page, State, Verdict
from crawler.core.results import Change, ChangeKind, Report, Run
from crawler.core.settings import ArchiveSettings, NotesSettings, Schedule, Settings
from crawler.core.slots import Politeness
from crawler.crawl.context import Context, sites_of
from crawler.crawl.lazy import Memories, named, overdue
from crawler.crawl.listing import Listing, most_recent
from crawler.crawl.reading import FoundLinks, read_links
from crawler.crawl.results import build_report, place_of, suggestions
from crawler.crawl.run import run
from crawler.notes.files import read_note
from crawler.report import FORMATS, ReportOptions
from crawler.report.document import standing_of
from crawler.schedule.history import first_seen, remember
from crawler.schedule.outage import canaries
from crawler.schedule.plan import Budget, make_plan, overdue_links
from crawler.schedule.walls import KNOWN

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STATES = [State.ALIVE, State.ALIVE, State.ALIVE, State.DEAD, State.BLOCKED, State.UNKNOWN]
SKIPPED = "h5.example"


def link_number(n: int) -> Link:
    """Seven hosts, of which two share a slot; every tenth is a file."""
    place = Occurrence(f"{n // 28}.md", n + 1, 1, f"/{n}", f"/{n}", Kind.BARE, f"title {n}", n, n + 1)
    if n % 10 == 9:
        return Link(f"/{n}", f"local:/{n}", f"local:/{n}", LOCAL, "", LOCAL, (place,))
    host = f"h{n % 7}.example"
    slot = "pair" if n % 7 < 2 else host
    url = f"https://{host}/{n}"
    return Link(url, url, url, "pair" if slot == "pair" else "other", host, slot, (place,))


LINKS = [link_number(n) for n in range(140)]


def remembered(n: int) -> History:
    """Mixed states and ages; some known walls, titles that differ, notices, and links that were never checked."""
    link, at = LINKS[n], NOW - timedelta(hours=11 * n)
    history = first_seen(link.canonical_url, link.url, at)
    if n % 13 == 0:
        return history
    verdict = Verdict(STATES[n % 6], "any", Confidence.HIGH, Evidence(rule="any", http_status=200))
    fetch = Fetch(link.url, link.url, at, status=200)
    match = 0.1 if n % 11 == 0 else 1.0
    history = remember(history, fetch, Page(title=f"t{n}"), verdict, at, Schedule(), title_match=match)
    if STATES[n % 6] is State.BLOCKED and n % 4 == 0:
        return replace(history, walled=KNOWN, refused=3)
    if n % 17 == 0:
        return replace(history, evidence=replace(history.evidence, notice="a wording that nobody knows"))
    return history


LOCAL_HISTORIES = {
    x.canonical_url: History(x.canonical_url, NOW, state=[State.ALIVE, State.DEAD][n % 2], reason="ok")
    for n, x in enumerate(LINKS)
    if x.site == LOCAL
}
HISTORIES = {LINKS[n].canonical_url: remembered(n) for n in range(130) if LINKS[n].site != LOCAL}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive", ArchiveSettings(), now=lambda: NOW) as opened:
        opened.put_histories(HISTORIES.values(), {link.canonical_url: link for link in LINKS})
        opened.put_noted("stamp", [NoteState(f"{n}.md", 1, 1) for n in range(5)], reversed(LINKS))
        yield opened


def listed(archive: Archive) -> NotedLinks:
    kept = archive.noted("stamp")
    assert kept is not None
    return kept


def rules(url: str) -> Politeness:
    return Politeness("any", patience=3, skip=SKIPPED in url, interval=2.0 if "h3" in url else 1.0)


def test_listed_links_are_the_links_in_their_order(archive: Archive) -> None:
    links = listed(archive)
    assert list(links) == LINKS
    assert (len(links), links[3], links[-1], links[2:5]) == (140, LINKS[3], LINKS[-1], LINKS[2:5])
    assert list(links.in_place()) == sorted(LINKS, key=place_of)
    assert links.of({LINKS[50].canonical_url, LINKS[2].canonical_url, "https://nobody.example/"}) == [
        LINKS[2], LINKS[50],
    ]  # fmt: skip
    assert links.local() == [x for x in LINKS if x.site == LOCAL]
    assert links.new() == [x for x in LINKS[130:] if x.site != LOCAL]
    assert list(links.of_slot("pair")) == [x for x in LINKS if x.slot == "pair"]
    assert archive.noted("another stamp") is None


@pytest.mark.parametrize("budget", [Budget(), Budget(links=5), Budget(all=True), Budget(seconds=20)])
def test_a_plan_from_the_index_is_the_plan_from_the_list(archive: Archive, budget: Budget) -> None:
    memories = Memories(archive.planning())
    due = memories.index.due(NOW) | {x.canonical_url for x in listed(archive).new()}
    listing = Listing(listed(archive), memories, named(listed(archive), due))
    plain = make_plan(LINKS, HISTORIES, NOW, rules, budget)
    found = make_plan(listing, memories, NOW, rules, budget)
    assert replace(found, skipped=()) == replace(plain, skipped=())
    assert set(found.skipped) == set(plain.skipped)
    assert plain.skipped
    assert 0 < plain.links < len(LINKS)
    if budget == Budget():
        assert any(slot.walls for slot in plain.slots)
        assert any(slot.canaries for slot in plain.slots)


def test_links_are_overdue_and_hosts_are_canaries_as_among_all(archive: Archive) -> None:
    memories = Memories(archive.planning())
    late = overdue_links(LINKS, HISTORIES, NOW)
    assert overdue(listed(archive), memories, NOW) == overdue(LINKS, memories, NOW) == late
    assert 0 < len(late) < len(LINKS)
    assert not memories.read
    asked = {"h1.example", "h2.example"}
    wanted = canaries(LINKS, HISTORIES, asked, 3)
    few = most_recent(listed(archive), memories, asked, 3)
    assert canaries(few, memories, asked, 3) == wanted
    assert len(few) == len(wanted) == 3


@pytest.mark.parametrize("verbose", [False, True])
def test_a_report_from_the_index_is_the_report_from_the_list(archive: Archive, verbose: bool) -> None:
    moment, changed = Run("r", "run", NOW - timedelta(days=3)), LINKS[6].canonical_url
    learned = replace(HISTORIES[changed], state=State.SUSPECT, previous_state=State.ALIVE, changed_at=NOW)
    told = [Change(ChangeKind.TITLE_CHANGED, LINKS[12].canonical_url, NOW, "a", "b")]
    whole = HISTORIES | {changed: learned} | LOCAL_HISTORIES
    offers = suggestions(LINKS, whole)
    plain = build_report(moment, LINKS, whole, NOW, suggestions=offers, changes=told)
    memories = Memories(archive.planning()) | {changed: learned} | LOCAL_HISTORIES
    made = build_report(moment, listed(archive), memories, NOW, changes=told)
    assert not isinstance(made.findings, tuple)
    assert list(made.findings) == list(plain.findings)
    assert [made.findings[0], *made.findings[3:9], made.findings[-1]] == [
        plain.findings[0], *plain.findings[3:9], plain.findings[-1],
    ]  # fmt: skip
    assert +standing_of(made.findings) == standing_of(plain.findings)
    for name, form in FORMATS.items():
        options = ReportOptions(verbose=verbose)
        assert written(form.stream(made, options)) == written(form.stream(plain, options)), name


def written(pieces: Iterator[str]) -> str:
    return "".join(pieces)


# From notes


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lazy", "reading", "results"):
        monkeypatch.setattr(f"crawler.crawl.{module}.MANY", 5)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    notes = tmp_path / "notes"
    notes.mkdir()
    for name in "abc":
        lines = [f"https://{name}{n}.example/x\n\nTitle {n}\n" for n in range(4)]
        (notes / f"{name}.md").write_text("".join([*lines, "[file](missing.md)\n"]), encoding="utf-8")
    settings = Settings(notes=NotesSettings(paths=(str(notes),)))
    with Archive.open(tmp_path / "archive", settings.archive, now=lambda: NOW) as archive:
        yield Context(settings, sites_of(settings), archive, lambda: NOW)


def again(context: Context) -> FoundLinks:
    return read_links(context, (), listed=True)


@pytest.mark.usefixtures("few_are_many")
def test_unchanged_notes_are_listed_and_not_unpacked(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = read_links(context, (), remember=False)
    assert not isinstance(plain.links, NotedLinks)
    first = again(context)
    assert list(first.links) == list(plain.links)

    def unpacked() -> None:
        raise AssertionError("notes are unpacked")

    monkeypatch.setattr(Archive, "notes", lambda _: unpacked())
    second = again(context)
    assert isinstance(second.links, NotedLinks)
    assert list(second.links) == list(first.links)
    assert second.local_histories == first.local_histories == plain.local_histories
    assert (second.notes.occurrences, bool(first.notes.occurrences)) == ([], True)
    assert [note.file for note in second.notes.read] == [note.file for note in first.notes.read]


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("change", ["edited", "gone", "new", "touched", "ignored", "damaged", "unreadable"])
def test_whatever_changes_links_changes_the_list(
    context: Context, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "defg":
        (tmp_path / "notes" / f"{name}.md").write_text("https://b1.example/x\n", encoding="utf-8")
    again(context)
    note = tmp_path / "notes" / "b.md"
    match change:
        case "edited":
            note.write_text(note.read_text(encoding="utf-8") + "https://one-more.example/\n", encoding="utf-8")
        case "gone":
            note.unlink()
        case "new":
            note.with_name("bb.md").write_text("https://one-more.example/\n", encoding="utf-8")
        case "touched":
            os.utime(note, ns=(0, 1))
        case "ignored":
            ignoring = NotesSettings(paths=context.settings.notes.paths, ignore=("b1",))
            context = replace(context, settings=Settings(notes=ignoring))
        case "damaged":
            note.write_bytes(note.read_bytes() + "文章标题".encode() * 20 + b"\xe4\xb8\n")
        case _:
            note.write_bytes(note.read_bytes() + b"\0" * 20)
    plain = read_links(context, (), remember=False)
    opened: list[str] = []
    monkeypatch.setattr("crawler.notes.links.read_note", lambda file: opened.append(file.name) or read_note(file))  # type: ignore[func-returns-value]  # None goes on
    for night in range(2):
        found = again(context)
        assert list(found.links) == list(plain.links)
        assert found.local_histories == plain.local_histories
        is_named = bool(found.notes.damaged or found.notes.skipped)
        assert is_named == (change in ("damaged", "unreadable")), "also in the second night"
        assert (found.notes.damaged, found.notes.skipped) == (plain.notes.damaged, plain.notes.skipped)
        one = {"new": ["bb.md"], "gone": [], "ignored": []}.get(change, ["b.md"])
        assert opened == (one if night == 0 or is_named else []), "no other note is opened"
        opened.clear()


@pytest.mark.parametrize("many", [True, False])
def test_links_of_a_folder_that_may_not_be_read_stay_known(
    context: Context, many: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if many:
        request.getfixturevalue("few_are_many")
    notes = tmp_path / "notes"
    put = {"private/x.md": "https://x.example/1\n\n[to](y.md)\n", "private/deep/y.md": "https://y.example/1\n"}
    for name, text in put.items():
        (notes / name).parent.mkdir(parents=True, exist_ok=True)
        (notes / name).write_text(text, encoding="utf-8")
    before = list(again(context).links)
    for _ in range(2):
        with closed(notes / "private"):
            found = again(context)
        assert isinstance(found.links, NotedLinks) == many
        assert list(found.links) == before
        assert [(note.path, note.unseen) for note in found.notes.skipped] == [("private", True)]
        reasons = {history.url: history.reason for history in found.local_histories.values()}
        assert reasons == {"missing.md": "missing-file", "y.md": "unreadable-folder"}
    (notes / "private/x.md").unlink()
    after = again(context)
    assert {link.url for link in before} - {link.url for link in after.links} == {"https://x.example/1", "y.md"}
    assert not after.notes.skipped
    with closed(notes / "b.md"):
        os.utime(notes / "b.md", ns=(0, 1))
        found = again(context)
    assert list(found.links) == list(after.links), "as of a folder, so of a note"
    assert [note.path for note in found.notes.skipped] == ["b.md"]


URLS = [
    *(f"https://h{n % 3}.example/{n}" for n in range(6)), "http://h1.example/1", "https://h2.example/2#part",
    "https://mp.weixin.qq.com/s/0000000000000000000001", "missing.md", "/a.md",
]  # fmt: skip
notes_written = st.dictionaries(
    st.sampled_from(["a.md", "b.md", "b/a.md", "c.md", "文.md", "z.md"]),
    st.lists(st.sampled_from(URLS), max_size=6),
    max_size=6,
)


@given(nights=st.lists(notes_written, min_size=2, max_size=4))
@settings(deadline=None, max_examples=60)
def test_after_any_edits_the_kept_links_are_those_of_notes_read_anew(nights: list[dict[str, list[str]]]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory() as folder:
        for module in ("lazy", "reading", "results"):
            monkeypatch.setattr(f"crawler.crawl.{module}.MANY", 0)
        notes = Path(folder, "notes")
        configured = Settings(notes=NotesSettings(paths=(str(notes),)))
        sites = sites_of(configured)
        with Archive.open(Path(folder, "archive"), configured.archive, now=lambda: NOW) as archive:
            for number, night in enumerate(nights):
                shutil.rmtree(notes, ignore_errors=True)
                for name, urls in {"always.md": [URLS[0]], **night}.items():
                    file = notes / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    lines = [f"[to {at}]({url}) and [again]({url})" for at, url in enumerate(urls)]
                    file.write_text("\n\n".join(lines), encoding="utf-8")
                    os.utime(file, ns=(1, hash(tuple(urls)) % 2**60))
                context = Context(configured, sites, archive, lambda: NOW)
                monkeypatch.setattr("crawler.crawl.reading.FEW", 99.0 if number else 0.0)
                found, plain = again(context), read_links(context, (), remember=False)
                assert isinstance(found.links, NotedLinks)
                assert kept_in(found.links) == kept_in_a_list(plain.links)
                assert found.local_histories == plain.local_histories
                with Archive.open(Path(folder, "anew", str(number)), configured.archive, now=lambda: NOW) as another:
                    anew = again(replace(context, archive=another))
                    assert isinstance(anew.links, NotedLinks)
                    assert kept_in(found.links) == kept_in(anew.links)
                    assert isinstance(anew.links, NotedLinks)
                    assert list(found.links.hosts()) == list(anew.links.hosts())


def kept_in(links: Sequence[Link]) -> tuple[object, ...]:
    assert isinstance(links, NotedLinks)
    keys = [link.canonical_url for link in links]
    placed = links.placed(keys)
    slots = {slot: list(links.of_slot(slot)) for slot in sorted({link.slot for link in links})}
    return (
        len(links), list(links), list(links.in_place()), sorted(keys, key=lambda key: (placed[key][0], key)),
        slots, links.local(), links.new(), links.sites(),
    )  # fmt: skip


def kept_in_a_list(links: Sequence[Link]) -> tuple[object, ...]:
    in_place = sorted(links, key=place_of)
    slots = {slot: [x for x in links if x.slot == slot] for slot in sorted({link.slot for link in links})}
    local = [x for x in links if x.site == LOCAL]
    return (
        len(links), list(links), in_place, [x.canonical_url for x in in_place], slots, local,
        [x for x in links if x.site != LOCAL], dict(Counter(x.site for x in links)),
    )  # fmt: skip


def test_a_night_with_nothing_due_gives_one_report_from_the_list_and_from_the_index(
    context: Context, request: pytest.FixtureRequest
) -> None:
    found = read_links(context, (), remember=False)
    web = [link for link in found.links if link.site != LOCAL]
    alive = Verdict(State.ALIVE, "ok", Confidence.HIGH, Evidence(rule="generic/ok", http_status=200))
    told = [
        remember(
            first_seen(link.canonical_url, link.url, NOW), Fetch(link.fetch_url, link.fetch_url, NOW, status=200),
            Page(title="Title"), alive, NOW, Schedule(),
        )
        for link in web
    ]  # fmt: skip
    context.archive.put_histories(told, {link.canonical_url: link for link in web})
    night = run(context)
    request.getfixturevalue("few_are_many")
    for _ in range(2):  # the links are kept, then read
        next_night = run(context)
        assert isinstance(next_night.found.links, NotedLinks)
        assert json_of(next_night.report, night.report) == json_of(night.report, night.report)
        assert night.outcome.plan == next_night.outcome.plan


def json_of(report: Report, of: Report) -> str:
    return FORMATS["json"].render(replace(report, run=of.run, trend=of.trend), ReportOptions())
