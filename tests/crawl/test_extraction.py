"""Notes in HTML are parsed by a reader: one that no parser gets through is skipped and named, the others are read."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from crawler.core.model import Note
from crawler.core.settings import ReadSettings, Seconds, Settings
from crawler.crawl.extraction import SMALL, guarded
from crawler.notes.extract import occurrences
from crawler.notes.files import SkippedNote
from crawler.notes.links import read_notes

SETTINGS = Settings(read=ReadSettings(processes=1, seconds=Seconds(0.5)))
LINK = '<a href="https://a.example/x">A page</a>'
BOMB = LINK + "<div>" * 60_000
LONG = LINK + "<p>Words of a long note.</p>" * 1_000


def test_a_note_past_the_limits_is_skipped_and_named_and_the_others_are_read(tmp_path: Path) -> None:
    for name, text in {"bomb.html": BOMB, "long.html": LONG, "a.md": "[b](https://b.example/)"}.items():
        (tmp_path / name).write_text(text)
    with guarded(SETTINGS) as extract:
        found = read_notes([tmp_path], SETTINGS.notes, extract=extract)
    assert [o.url for o in found.occurrences] == ["https://b.example/", "https://a.example/x"]
    assert [note.path for note in found.skipped] == ["bomb.html"]
    seconds = r"not read within (?:0\.5 s of CPU|5 s)"  # on a busy machine the limit of wall time may come first
    assert re.match(rf"too complex to be read \({seconds}\)", found.skipped[0].why)


@pytest.mark.parametrize("code", [False, True])
def test_a_reader_finds_the_links_that_this_process_finds(code: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    note = Note("a.html", LONG + "<code>https://c.example/</code>", "utf-8")
    here = occurrences(note, code=code)
    monkeypatch.setattr("crawler.notes.formats.html.read", None)  # would break in this process
    with guarded(SETTINGS) as extract:
        assert extract(note, code) == here
    assert len(here) == 1 + code


def test_small_notes_and_other_formats_start_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> Callable[[], None]:
        raise AssertionError("a reader is started")

    monkeypatch.setattr("crawler.crawl.syncreaders.open_sync_readers", start)
    with guarded(SETTINGS) as extract:
        small = extract(Note("a.htm", LINK + " " * (SMALL - len(LINK)), "utf-8"), False)
        other = extract(Note("b.md", BOMB, "utf-8"), False)
    assert not isinstance(small, SkippedNote)
    assert not isinstance(other, SkippedNote)
    assert [o.url for o in (*small, *other)] == ["https://a.example/x"] * 2
