"""How fast links are found: `python benchmarks/extract.py FOLDER` reads every note below FOLDER.

Prints files, links, characters, the best of five passes in seconds, MB (UTF-8) a second, and the cost of the imports.
Reading the files from disk is timed on its own.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

PASSES = 5
T = TypeVar("T")


def best(work: Callable[[], list[T]]) -> tuple[float, list[T]]:
    """Least processor seconds of some passes, and the result."""
    least, result = float("inf"), []
    for _ in range(PASSES):
        begin = time.process_time()
        result = work()
        least = min(least, time.process_time() - begin)
    return least, result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    begin = time.process_time()
    from crawler.core.model import Note
    from crawler.core.settings import NotesSettings
    from crawler.notes.extract import occurrences
    from crawler.notes.files import find_notes, read_note
    from crawler.notes.formats import markdown

    imports = time.process_time() - begin
    disk, read = best(lambda: [read_note(file) for file in find_notes([folder], NotesSettings(), Path.cwd())])
    notes = [note for note in read if isinstance(note, Note)]
    seconds, found = best(lambda: [occurrences(note) for note in notes])
    parsing, _ = best(lambda: [markdown.read(note.text) for note in notes if note.path.endswith((".md", ".markdown"))])
    links, size = sum(map(len, found)), sum(len(note.text.encode()) for note in notes)
    print(f"files     {len(notes):10,}")
    print(f"links     {links:10,}")
    print(f"MB        {size / 1e6:10.2f}")
    print(f"imports   {imports:10.3f} s")
    print(f"disk      {disk:10.3f} s  (walk, read, decode)")
    print(f"extract   {seconds:10.3f} s  ({parsing:.3f} s without titles and places)")
    print(f"          {size / 1e6 / seconds:10.1f} MB/s, {links / seconds:,.0f} links/s")


if __name__ == "__main__":
    main()
