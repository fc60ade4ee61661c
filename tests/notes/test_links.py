"""From occurrences to links: grouped by identity, and identities that an archive remembers are not worked out again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from crawler.archive import NoteEntry
from crawler.core.model import Kind, Occurrence
from crawler.core.settings import NotesSettings
from crawler.notes.files import find_notes
from crawler.notes.links import EXTRACTION, MANY, link_up, link_up_remembered, read_notes
from crawler.sites import Identity, Sites, load_sites

T = TypeVar("T")
SITES = load_sites([("a.toml", {"hosts": ["a.example"], "canonical": [{"drop": ["from"]}]})])
CHANGED = load_sites([("a.toml", {"hosts": ["a.example"], "canonical": [{"drop": ["*"]}]})])
SECRET = "https://mp.weixin.qq.com/s?key=abc"


class Shelf:
    """An archive as far as derived values go."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def derived(self, name: str, stamp: str, kind: type[T]) -> list[T]:
        assert (name, kind) == ("identities", Identity)
        return list(self.kept.get(stamp, {}).values())

    def put_derived(self, name: str, stamp: str, values: Mapping[str, object]) -> None:
        assert name == "identities"
        self.kept = {stamp: {**self.kept.get(stamp, {}), **values}}


def written(url: str, path: str = "a.md", kind: Kind = Kind.BARE) -> Occurrence:
    return Occurrence(path, 1, 1, url, url, kind)


def test_occurrences_of_one_identity_are_one_link_in_the_order_of_writing() -> None:
    first, local, again = (
        written("https://a.example/x?from=b"),
        written("x.png", "b/c.md", Kind.LOCAL),
        written("https://a.example/x"),
    )
    links = link_up([first, local, again], SITES)
    assert [link.canonical_url for link in links] == ["https://a.example/x", "local:/b/x.png"]
    assert [link.url for link in links] == [first.url, "x.png"]
    assert [link.occurrences for link in links] == [(first, again), (local,)]
    assert [(link.site, link.host, link.slot) for link in links] == [("a", "a.example", "a"), ("local", "", "local")]


MANY_FOUND = [written(f"https://a.example/{n}?from=b") for n in range(MANY)]


def test_remembered_identities_are_not_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    told = link_up_remembered(MANY_FOUND, SITES, shelf, remember=True)
    assert told == link_up(MANY_FOUND, SITES)

    def never(_: Sites, raw: str) -> Identity:
        raise AssertionError(raw)

    monkeypatch.setattr(Sites, "identify", never)
    assert link_up_remembered(MANY_FOUND, SITES, shelf, remember=True) == told


def test_other_site_files_make_other_identities() -> None:
    shelf = Shelf()
    link_up_remembered(MANY_FOUND, SITES, shelf, remember=True)
    found = [*MANY_FOUND, written("https://a.example/0?c=d")]
    assert link_up_remembered(found, CHANGED, shelf, remember=True) == link_up(found, CHANGED)


def test_secrets_of_sharers_and_what_shall_not_be_remembered_is_not_kept() -> None:
    shelf = Shelf()
    link_up_remembered(MANY_FOUND, SITES, shelf, remember=False)
    assert shelf.kept == {}
    link_up_remembered([*MANY_FOUND, written(SECRET)], SITES, shelf, remember=True)
    assert len(shelf.kept[SITES.stamp]) == MANY
    assert SECRET not in shelf.kept[SITES.stamp]


def test_a_note_that_did_not_change_is_not_opened_unless_another_version_read_it(tmp_path: Path) -> None:
    note = tmp_path / "a.md"
    note.write_text("https://a.example/new", encoding="utf-8")
    (file,) = find_notes([tmp_path], NotesSettings(), tmp_path)
    old = (written("https://a.example/old"),)
    for extraction, wanted in ((EXTRACTION, "https://a.example/old"), (EXTRACTION - 1, "https://a.example/new")):
        known = {"a.md": NoteEntry("a.md", file.size, file.mtime_ns, "", old, extraction)}
        found = read_notes([tmp_path], NotesSettings(), known)
        assert [o.url for o in found.occurrences] == [wanted]
        assert found.read[0].fresh == (extraction != EXTRACTION)
