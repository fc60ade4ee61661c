"""`--markdown DIR`: a file for each article with front matter, made for git.

Names come from the URL and contents from the article alone, so that an unchanged article gives an unchanged file,
and a commit shows what authors changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from crawler.archive.interchange.html import write_pictures
from crawler.archive.interchange.names import page_name
from crawler.archive.interchange.source import CaptureReader, Done, ExportedPage, write_file
from crawler.core.errors import UsageError
from crawler.core.marker import GENERATOR


def write_markdown(folder: Path, reader: CaptureReader) -> Done:
    """Write or renew `<host>/<name>.md` and `images/`. Files that say the same as before are not touched.

    Raises UsageError where `folder` is a file or markdownify is not installed, ArchiveError where it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --markdown needs the name of a folder")
    written: list[Path] = []
    for page in reader.latest():
        if page.text or page.readable:
            pictures = {url: f"../{path}" for url, path in write_pictures(folder, page).items()}
            text = f"{front_matter(page)}\n{to_markdown(page, pictures)}"
            name = f"{page_name(page.capture.canonical_url)}.md"
            written.append(write_file(folder / name, text.encode("utf-8", "replace")))
    return Done(len(written), tuple(written), tuple(reader.damaged))


def front_matter(page: ExportedPage) -> str:
    """YAML whose values are JSON strings: any title stays one line, and means itself."""
    capture = page.capture
    fields = {
        "title": capture.title,
        "url": capture.url,
        "author": capture.author,
        "published": capture.published,
        "captured": f"{capture.at:%Y-%m-%dT%H:%M:%SZ}",
        "digest": capture.digest,
        "generator": GENERATOR,
    }
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items() if value)
    return "\n".join(("---", *lines, "---", ""))


def to_markdown(page: ExportedPage, pictures: Mapping[str, str]) -> str:
    """The article in Markdown; its plain text where it has no readable copy, or one too deep to convert."""
    convert = _converter()
    try:
        return convert(_article(page.readable, pictures)) if page.readable else _plain(page)
    except RecursionError:
        return _plain(page)


def _article(readable: str, pictures: Mapping[str, str]) -> str:
    """The article without the header that front matter already is, pictures as files."""
    tree = LexborHTMLParser(readable)
    for node in tree.css("article > header, style, script"):
        node.decompose()
    for image in tree.css("img"):
        source = image.attributes.get("src") or ""
        image.attrs["src"] = pictures.get(source, source)
    article = tree.css_first("article") or tree.body
    return (article.html or "") if article else ""


def _plain(page: ExportedPage) -> str:
    title = f"# {page.capture.title}\n\n" if page.capture.title else ""
    return title + "\n\n".join(line for line in page.text.splitlines() if line.strip()) + "\n"


def _converter() -> Callable[[str], str]:
    try:
        from markdownify import markdownify
    except ImportError as error:
        raise UsageError("--markdown needs markdownify: pip install 'linkhealth-crawler[markdown]'") from error

    def convert(html: str) -> str:
        text = markdownify(html, heading_style="ATX", bullets="-", escape_misc=False)
        return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip() + "\n"

    return convert
