"""`--markdown DIR`: a file for each article with front matter, made for git.

Names come from URL, date and title of a capture, so that a new version is a new file, and one that is there stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser

from crawler.archive.interchange.converting import HERE, Conversion, Workers, converted
from crawler.archive.interchange.folder import Folder
from crawler.archive.interchange.source import CaptureReader, Done, ExportedPage
from crawler.core.errors import UsageError
from crawler.core.marker import GENERATOR


def write_markdown(folder: Path, reader: CaptureReader, workers: Workers = HERE) -> Done:
    """Write or renew `<host>/<name>.md`, `images/` and `files/`. Files that say the same as before are not touched.

    Raises UsageError where `folder` is a file or markdownify is not installed, ArchiveError where it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; --markdown needs the name of a folder")
    made = Folder(folder)
    _converter()  # is it there?
    for job, article in converted(reader, article_to_markdown, _conversions(made, reader), workers):
        name, link = job.about
        text = article if job.page.readable and article else _plain(job.page)
        made.write(f"{name}.md", f"{front_matter(job.page)}\n{text}{link}".encode("utf-8", "replace"))
    return Done(len(made.files), tuple(made.files), tuple(reader.damaged), made.everything_left_out(reader))


def _conversions(made: Folder, reader: CaptureReader) -> Iterator[Conversion[tuple[str, str]]]:
    """Every page with the name of its file and the link to what it was made of; its pictures and files are written."""
    for captures in reader.articles():
        for capture, name in made.named(captures):
            if page := reader.load(capture):
                pictures = {url: f"../{path}" for url, path in made.pictures(page).items()}
                original = made.original(page, name)
                yield Conversion(
                    page, pictures, (name, f"\n[The kept file](../{quote(original)})\n" if original else "")
                )


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


def article_to_markdown(readable: str, pictures: Mapping[str, str]) -> str:
    """The article of a readable copy in Markdown; "" for one that is too deep to convert."""
    convert = _converter()
    try:
        return convert(_article(readable, pictures))
    except RecursionError:
        return ""


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
    title = f"# {escaped(page.capture.title)}\n\n" if page.capture.title else ""
    return title + "\n\n".join(escaped(line.strip()) for line in page.text.splitlines() if line.strip()) + "\n"


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&!$=^:@-]|^[+]|^\d{1,9}(?=[.)]))")


def escaped(text: str) -> str:
    """One line of plain text as Markdown that means the same: what could become markup is escaped.

    CommonMark 2.4: any ASCII punctuation may be. Numbers at the beginning of a line get it behind them.
    """
    return _MARKUP.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", text)


def _converter() -> Callable[[str], str]:
    try:
        from markdownify import markdownify
    except ImportError as error:
        raise UsageError("--markdown needs markdownify: pip install 'linkhealth-crawler[markdown]'") from error

    def convert(html: str) -> str:
        text = markdownify(html, heading_style="ATX", bullets="-", escape_misc=True)
        return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip() + "\n"

    return convert
