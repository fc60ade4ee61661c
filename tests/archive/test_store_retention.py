"""`max_snapshots`: which captures of a link stay."""

from pathlib import Path

from store_samples import check_of, later, link_of, open_archive

from crawler.archive import verify
from crawler.core.model import State

URL = link_of("a").canonical_url
BASE = "一二三四五六七八九十" * 10


def kept(path: Path, texts: list[str], limit: int) -> list[str]:
    with open_archive(path, max_snapshots=limit) as archive:
        for day, text in enumerate(texts):
            archive.record([check_of("a", text=text, at=later(day / 100))])
        return [archive.text(snapshot.id) for snapshot in archive.snapshots(URL)]


def test_first_last_and_the_larger_change_stay(tmp_path: Path) -> None:
    texts = [BASE, BASE + "。", "完全不同的另一篇文章", "完全不同的另一篇文章！"]
    assert kept(tmp_path, texts, 3) == [texts[0], texts[2], texts[3]]
    assert verify(tmp_path).clean


def test_sightings_of_unchanged_text_go_first(tmp_path: Path) -> None:
    assert kept(tmp_path, [BASE, BASE, BASE + "改", BASE + "改", BASE + "改"], 3) == [BASE, BASE + "改", BASE + "改"]


def test_what_the_last_one_stands_on_stays(tmp_path: Path) -> None:
    assert kept(tmp_path, ["甲", "乙", "乙"], 2) == ["甲", "乙", "乙"]


def test_without_a_limit_all_stay(tmp_path: Path) -> None:
    assert kept(tmp_path, ["甲", "乙", "丙", "乙"], 0) == ["甲", "乙", "丙", "乙"]


def test_notices_of_a_death_are_not_counted(tmp_path: Path) -> None:
    with open_archive(tmp_path, max_snapshots=2) as archive:
        for day, text in enumerate(["甲", "乙", "丙"]):
            archive.record([check_of("a", text=text, at=later(day / 100))])
        archive.record([check_of("a", state=State.DEAD, reason="not-found", at=later(0.2))])
        assert [archive.text(snapshot.id) for snapshot in archive.snapshots(URL)] == ["甲", "丙"]
        assert archive.body(4)
