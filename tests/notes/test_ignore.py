"""Comments by which an author takes links out of every check."""

import pytest

from crawler.core.model import Note
from crawler.notes.extract import occurrences

START, END = "<!-- crawler: ignore-start -->", "<!-- crawler: ignore-end -->"


def names(text: str, path: str = "note.md") -> str:
    return "".join(found.url[-1] for found in occurrences(Note(path, text)))


@pytest.mark.parametrize("path", ["note.md", "note.html", "note.txt"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://x.example/a <!-- crawler: ignore -->\n\nhttps://x.example/b", "b"),
        ("<!-- crawler: ignore-next -->\nhttps://x.example/a\n\nhttps://x.example/b", "b"),
        ("<!--crawler:ignore-next-->\n\n\nhttps://x.example/a\nhttps://x.example/b", "b"),
        (f"{START}\nhttps://x.example/a\n\nhttps://x.example/b\n{END}\n\nhttps://x.example/c", "c"),
        ("https://x.example/a\n\n<!-- crawler: ignore-start -->\n\nhttps://x.example/b", "a"),
        ("https://x.example/a\n<!-- crawler: ignore-end -->\n\nhttps://x.example/b", "ab"),
        ("https://x.example/a <!-- crawler: whatever -->", "a"),
    ],
)
def test_comments_take_links_away(text: str, left: str, path: str) -> None:
    assert names(text, path) == left


def test_a_comment_in_code_takes_nothing() -> None:
    assert names("`<!-- crawler: ignore-start -->`\n\nhttps://x.example/a") == "a"


def test_ignored_links_of_every_kind_are_gone() -> None:
    assert names("[a](https://x.example/a) ![](/b) <https://x.example/c> <!-- crawler: ignore -->") == ""
