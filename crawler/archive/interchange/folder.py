"""What the folders of HTML and of Markdown share: names that do not clash, pictures, files, what is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from crawler.archive import Capture
from crawler.archive.interchange.names import file_suffix, page_name, picture_name
from crawler.archive.interchange.source import CaptureReader, ExportedPage, write_file

Version = tuple[Capture, str]  # a capture and the name of its file, without suffix
_PAGES = ("text/html", "application/xhtml")


@dataclass(slots=True)
class Folder:
    """A folder in the making."""

    path: Path
    files: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def named(self, captures: list[Capture]) -> list[Version]:
        """Captures with the names of their files, without suffix; those of which nothing was kept are left out."""
        found = []
        for capture in captures:
            if capture.raw or capture.text_chars:
                found.append((capture, self._name(capture)))
            else:
                self.left_out.append(f"{capture.url} of {capture.at:%Y-%m-%d}: neither text nor bytes of it were kept")
        return found

    def _name(self, capture: Capture) -> str:
        found = page_name(capture.canonical_url, capture.at, capture.title)
        if found in self._names:
            found = page_name(capture.canonical_url, capture.at, capture.title, exact=True)
        self._names.add(found)
        return found

    def write(self, name: str, data: bytes) -> None:
        """Write or renew one file."""
        self.files.append(write_file(self.path / name, data))

    def pictures(self, page: ExportedPage) -> dict[str, str]:
        """Write a page's pictures to `images/`; URL -> path from the folder."""
        found: dict[str, str] = {}
        for picture in page.pictures:
            path = f"images/{picture_name(picture.digest, picture.content_type)}"
            write_file(self.path / path, picture.body)
            found[picture.url] = path
        return found

    def original(self, page: ExportedPage, name: str) -> str:
        """Write the bytes of what is no page (a PDF, a picture) to `files/`; the path from the folder, "" for none."""
        kind = page.capture.content_type.lower()
        if page.raw is None or not page.raw.body or kind.startswith(_PAGES) or (not kind and page.text):
            return ""
        path = f"files/{name}.{file_suffix(kind)}"
        write_file(self.path / path, page.raw.body)
        return path

    def everything_left_out(self, reader: CaptureReader) -> tuple[str, ...]:
        """A line for each thing that the folder does not hold."""
        return (*self.left_out, *reader.notices_left_out())
