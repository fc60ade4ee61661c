"""An archive with a handful of pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from export_samples import BAD_TITLE, BLOG, MOVED, PNG, WEIXIN, check

from crawler.archive import Archive
from crawler.archive.interchange.source import CaptureReader
from crawler.core.model import Redirect


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "archive") as opened:
        kept = "https://img.example/a.png?wx=1"
        lost = "https://img.example/lost.png"
        first = opened.record([check(WEIXIN, "标题", "旧的正文。", images=(kept, lost))])
        assert first[0] is not None
        opened.record([check(BLOG, BAD_TITLE, "English words <b>escaped</b>.")])
        opened.record([check(MOVED, "Moved", "Moved here.", redirects=(Redirect(301, MOVED),))])
        second = opened.record([check(WEIXIN, "标题", "新的正文，改过。", day=9, images=(kept, lost))])
        assert second[0] is not None
        for snapshot in (first[0], second[0]):
            opened.put_image(snapshot.id, kept, "image/png", PNG)
        yield opened


@pytest.fixture
def reader(archive: Archive) -> CaptureReader:
    return CaptureReader(archive)
