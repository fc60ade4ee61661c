"""Reports that are several files: what is written, what goes, and what is left alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.cli.pages import write_pages
from crawler.core.marker import HTML_MARK
from crawler.report.html_pages import first_page_link, page_file


def pages(count: int, name: str) -> Iterator[tuple[int, list[str]]]:
    """As a report of so many pages gives them; of one page where it has no name."""
    if not name:
        yield 1, ["alone"]
        return
    for number in range(count, 0, -1):
        yield number, [f"<!doctype html>{HTML_MARK}{first_page_link(name) if number > 1 else ''}", f"{number}/{count}"]


def write(file: Path, count: int) -> None:
    write_pages(file, lambda name: pages(count, name))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_pages_lie_beside_the_first_one_and_go_when_there_are_fewer(tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.html"
    write(file, 3)
    assert names(file.parent) == ["report-2.html", "report-3.html", "report.html"]
    assert (file.parent / "report-3.html").read_text().endswith("3/3")
    write(file, 1)
    assert names(file.parent) == ["report.html"]


def test_reports_of_other_names_are_not_taken_for_pages(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    dated = tmp_path / "report-20260101.html"
    write(dated, 2)
    write(file, 2)
    write(file, 1)
    assert names(tmp_path) == ["report-20260101-2.html", "report-20260101.html", "report.html"]


@pytest.mark.parametrize("theirs", ["<p>mine</p>", f"<!doctype html>{HTML_MARK}{first_page_link('other.html')}"])
def test_what_stands_in_the_place_of_a_page_is_never_written_over(
    tmp_path: Path, theirs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file, taken = tmp_path / "report.html", tmp_path / "report-2.html"
    taken.write_text(theirs)
    write(file, 3)
    assert taken.read_text() == theirs
    assert (names(tmp_path), file.read_text()) == (["report-2.html", "report.html"], "alone")
    assert "report-2.html is no page of report.html and stays" in capsys.readouterr().err


def test_a_link_in_the_place_of_a_page_is_neither_followed_nor_removed(tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "report.html", tmp_path / "elsewhere.html"
    write(elsewhere, 1)
    (tmp_path / "report-2.html").symlink_to(elsewhere)
    before = elsewhere.read_text()
    write(file, 2)
    write(file, 1)
    assert elsewhere.read_text() == before
    assert (tmp_path / "report-2.html").is_symlink()


def test_names_of_pages_keep_their_endings() -> None:
    assert [page_file("my.report.html", n) for n in (1, 2, 10)] == [
        "my.report.html", "my.report-2.html", "my.report-10.html",
    ]  # fmt: skip
