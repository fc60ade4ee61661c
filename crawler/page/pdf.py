"""PDF: title, author, date, text and number of pages, by PDFium (`pypdfium2`, the extra `pdf`).

Without the library, or where PDFium cannot read the file, the page says so in `limited`; so does a scan, which has
pages and no words. Layout, pictures and forms are not read.
"""

from __future__ import annotations

import re
from html import escape

from crawler.core.counts import Counted
from crawler.core.model import Page

MAX_PAGES = 2_000  # read of one file
MAX_TEXT = 2_000_000  # characters
SCAN = 20  # characters a page below which a file has no text worth the name: guess
TITLE = 200  # characters
UNREADABLE = "pdf: cannot be read"  # the `limited` of a file that is damaged

# Names that programs write where nobody named the file.
_NO_TITLE = re.compile(
    r"(?i)^(?:untitled|microsoft (?:word|powerpoint|excel) - .*|document\d*|slide \d+|"
    r".{0,80}\.(?:docx?|pptx?|xlsx?|dvi|tex|indd|pdf|rtf|qxd|html?)|\W*|\(?无标题\)?)$"
)
_HYPHEN = re.compile("[\x02\ufffe](?:\r?\n)?")  # PDFium's mark of a word that is broken at the margin
_DATE = re.compile(r"D?:?(\d{4})(\d{2})(\d{2})")
_ENDS = re.compile(r"[.!?:;。！？：；…”\"')）\]]$")
_STARTS = re.compile(r"^(?:[-•*·–—◦▪]|\(?\d{1,3}[.)、]|[（(][一二三四五六七八九十])")


def read_pdf(body: bytes) -> Page:
    """What a PDF says. Never raises: `limited` says what is missing."""
    try:
        import pypdfium2 as pdfium
    except ImportError:
        return Page(limited="pdf: text not read, install the extra: pip install 'linkhealth-crawler[pdf]'")
    try:
        file = pdfium.PdfDocument(body)
    except pdfium.PdfiumError as error:
        return Page(limited="pdf: needs a password" if "password" in str(error).lower() else UNREADABLE)
    try:
        facts = file.get_metadata_dict()
        count = len(file)
        pages = _texts(file, count, pdfium.PdfiumError)
    except (pdfium.PdfiumError, ValueError):
        return Page(limited=UNREADABLE)
    finally:
        file.close()
    text = "\n".join(filter(None, pages))
    scanned = len(text) < SCAN * max(len(pages), 1)
    return Page(
        title=_title(facts.get("Title", ""), text),
        author=" ".join(facts.get("Author", "").split())[:TITLE],
        published=_date(facts.get("CreationDate", "")),
        text=text,
        html=f"<p>PDF, {Counted(count):page}</p>"
        + "".join(f"<section>{_paragraphs(page)}</section>" for page in pages if page),
        pages=count,
        limited=f"scanned: {Counted(count):page} without text" if scanned and count else "",
    )


def _texts(file: object, count: int, error: type[Exception]) -> list[str]:
    """The text of each page, lines joined to paragraphs; "" for a page that cannot be read."""
    found, size = [], 0
    for number in range(min(count, MAX_PAGES)):
        try:
            page = file[number]  # type: ignore[index]
            textpage = page.get_textpage()
            raw = textpage.get_text_bounded()
            textpage.close()
            page.close()
        except error:
            raw = ""
        found.append(joined_lines(raw))
        size += len(raw)
        if size > MAX_TEXT:
            break
    return found


def joined_lines(raw: str) -> str:
    """Lines of a page as paragraphs: a line that ends in mid-sentence goes on in the next."""
    lines = [" ".join(line.split()) for line in _HYPHEN.sub("", raw).replace("\r", "\n").split("\n")]
    widest = max(map(len, lines), default=0)
    found: list[str] = []
    for line in filter(None, lines):
        before = found[-1] if found else ""
        if before and not _ENDS.search(before) and not _STARTS.match(line) and _is_full(before, widest):
            found[-1] = _joined(before, line)
        else:
            found.append(line)
    return "\n".join(found)


def _is_full(line: str, widest: int) -> bool:
    """Whether a line was broken by the margin and not by its author."""
    last = line.rpartition("\n")[2]
    return len(last) > 0.6 * widest


def _joined(before: str, line: str) -> str:
    if before.endswith("-") and before[-2:-1].isalpha() and line[:1].islower():
        return before[:-1] + line
    wide = ord(before[-1]) > 0x2E7F and ord(line[0]) > 0x2E7F
    return before + line if wide else f"{before} {line}"


def _title(named: str, text: str) -> str:
    """The title of the file's own facts, else its first line."""
    named = " ".join(named.split())[:TITLE]
    if named and not _NO_TITLE.match(named):
        return named
    first = next((line for line in text.splitlines()[:5] if len(line) > 3), "")
    return first if len(first) <= TITLE else ""


def _date(raw: str) -> str:
    match = _DATE.match(raw)
    return (
        f"{match[1]}-{match[2]}-{match[3]}" if match and "01" <= match[2] <= "12" and "01" <= match[3] <= "31" else ""
    )


def _paragraphs(page: str) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in page.split("\n"))
