"""Plain WARC files, read back by other people's tools."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_samples import BLOG, MOVED, PNG, WEIXIN, check
from warcio.archiveiterator import ArchiveIterator

from crawler.archive import Archive
from crawler.archive.interchange.source import CaptureReader
from crawler.archive.interchange.warc import write_warc
from crawler.core.errors import ArchiveDamaged, ArchiveError, UsageError
from crawler.core.settings import ArchiveSettings

NOW = datetime(2026, 2, 3, tzinfo=UTC)


def records(path: Path) -> list[tuple[str, str, bytes, Any]]:
    with path.open("rb") as file:
        return [
            (r.rec_type, r.rec_headers.get_header("WARC-Target-URI"), r.content_stream().read(), r.http_headers)
            for r in ArchiveIterator(file)
        ]


def test_every_capture_is_there_with_text_readable_copy_and_pictures(reader: CaptureReader, tmp_path: Path) -> None:
    done = write_warc(tmp_path / "out", reader, NOW)
    assert (done.pages, done.damaged) == (4, ())
    found = records(done.files[0])
    kinds = [kind for kind, *_ in found]
    assert kinds.count("warcinfo") == 1
    assert (kinds.count("resource"), kinds.count("conversion")) == (4, 4)
    bodies = [body for kind, target, body, _ in found if kind == "response" and target == WEIXIN]
    assert ["旧的正文" in body.decode() for body in bodies] == [True, False]
    assert [body for _, target, body, _ in found if target == "https://img.example/a.png?wx=1"] == [PNG]


def test_bytes_that_were_kept_of_a_page_seen_again_are_there_once(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive", ArchiveSettings(keep_raw="all")) as archive:
        for day, more in enumerate((b"", b"<!-- another visitor -->", b"")):
            seen = check(BLOG, "Title", "The same words.", day=day)
            archive.record([replace(seen, fetch=replace(seen.fetch, body=seen.fetch.body + more))])
        done = write_warc(tmp_path / "out", CaptureReader(archive), NOW)
    found = records(done.files[0])
    assert done.pages == 2
    assert [b"another visitor" in body for kind, _, body, _ in found if kind == "response"] == [False, True]
    assert [kind for kind, *_ in found].count("conversion") == 1


def test_a_page_that_was_redirected_keeps_its_hop(reader: CaptureReader, tmp_path: Path) -> None:
    found = records(write_warc(tmp_path, reader, NOW).files[0])
    hop = next(http for kind, target, _, http in found if kind == "response" and target == MOVED)
    assert (hop.get_statuscode(), hop.get_header("Location")) == ("301", f"{MOVED}?landed")


@pytest.mark.slow
def test_other_peoples_checkers_find_nothing_wrong(reader: CaptureReader, tmp_path: Path) -> None:
    done = write_warc(tmp_path, reader, NOW)
    for tool in ("warcio", "fastwarc"):
        command = [str(Path(sys.executable).parent / tool), "check", *map(str, done.files)]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_large_exports_are_cut_into_files(reader: CaptureReader, tmp_path: Path) -> None:
    files = write_warc(tmp_path, reader, NOW, max_size=1500).files
    assert len(files) > 2
    assert [file.name for file in files][:2] == ["20260203000000-0001.warc.gz", "20260203000000-0002.warc.gz"]
    assert {records(file)[0][0] for file in files} == {"warcinfo"}


def test_an_empty_archive_gives_no_file(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "empty") as empty:
        done = write_warc(tmp_path / "out", CaptureReader(empty), NOW)
    assert (done.pages, done.files) == (0, ())


def test_only_what_is_wanted_is_exported(archive: Archive, tmp_path: Path) -> None:
    assert write_warc(tmp_path, CaptureReader(archive, {WEIXIN}), NOW).pages == 2


def test_a_second_export_into_the_same_folder_is_refused(archive: Archive, tmp_path: Path) -> None:
    write_warc(tmp_path, CaptureReader(archive), NOW)
    with pytest.raises(UsageError, match="another folder"):
        write_warc(tmp_path, CaptureReader(archive), NOW)


def test_a_damaged_capture_costs_its_own_page_and_is_told(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = archive.text

    def damaged(ident: int) -> str:
        if ident == 1:
            raise ArchiveDamaged("record 1 does not unpack")
        return whole(ident)

    monkeypatch.setattr(archive, "text", damaged)
    done = write_warc(tmp_path, CaptureReader(archive), NOW)
    assert done.pages == 3
    assert done.damaged == (f"{WEIXIN} of 2026-01-02: record 1 does not unpack",)


def test_a_folder_that_cannot_be_written_is_one_clear_line(reader: CaptureReader, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="cannot be written"):
        write_warc(tmp_path / "file" / "out", reader, NOW)


def test_an_export_that_breaks_off_leaves_nothing_half_written(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(ident: int) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive, "readable", broken)
    with pytest.raises(KeyboardInterrupt):
        write_warc(tmp_path / "out", CaptureReader(archive), NOW)
    assert not list(tmp_path.glob("out/*"))
