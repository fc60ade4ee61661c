"""Soft 404s: pages that answer 200 and say that there is no page.

A guess, so a link becomes `suspect` by it and never dead. A whole part of the title says it at any length of the page,
unless paragraphs show that it is an article of that name; a heading or a line says it where menus are all that stands
round it, or in the box in which forums give their notices; a text or JSON that is nothing but this. Bodies of articles
are never searched.
"""

from __future__ import annotations

import json
import re

from crawler.core.model import Confidence, Fetch, Proof, State, Verdict
from crawler.judge.content import (
    SELF_DESCRIPTION,
    before_colons,
    content_text,
    folded,
    has_prose,
    headings,
    notices_of,
    shows_article,
    title_parts,
)
from crawler.judge.missing_words import (
    MAINTENANCE_TITLE,
    MISSING,
    NUMBER_ALONE,
    PLATFORM_LINES,
    SERVER_ERROR_LINE,
    SERVER_ERROR_TITLE,
    STORE_CODES,
    VAGUE_TITLE,
)
from crawler.judge.refresh import refresh_target
from crawler.judge.verdicts import verdict
from crawler.page.document import Document

LITTLE = 800  # visible characters without menus below which a page may be nothing but a notice
MAX_PHRASE = 120  # characters of a line that may be one of these sentences
ANSWER = 2_000  # bytes of a text or JSON that may be nothing but a notice
LINES = 12  # lines at the top of a page that may say it
_STORE_CODE = re.compile(r"<Code>(\w+)</Code>")
_CODE_KEYS = frozenset({"code", "status", "statuscode", "status_code", "errcode", "error_code", "errorcode"})
_WORD_KEYS = frozenset({"message", "msg", "error", "detail", "title", "errmsg", "error_message", "reason", "status"})
_SENTENCE_END = re.compile(r"[.。！!,，;；\n]")


def soft404_of(fetch: Fetch, document: Document) -> Verdict | None:
    """The verdict of a 2xx page that says it is none; None for pages that may be something."""
    if not document.is_html:
        return _store_answer(fetch, document) or _plain_answer(fetch, document)
    if document.body.lstrip()[:1] == b"{" and (found := _plain_answer(fetch, document)) is not None:
        return found
    return _titled(fetch, document) or _noticed(fetch, document) or _headed(fetch, document)


def _store_answer(fetch: Fetch, document: Document) -> Verdict | None:
    """The XML by which object stores (S3, OSS, COS, Azure) say that there is nothing."""
    start = document.body[:1_000].decode("utf-8", "replace")
    if "<Error" not in start or (code := _STORE_CODE.search(start)) is None or code[1] not in STORE_CODES:
        return None
    reason = STORE_CODES[code[1]]
    state = State.BLOCKED if reason == "forbidden" else State.SUSPECT
    return verdict(fetch, state, reason, "generic/object-store", f"answer: {code[1]}")


def _plain_answer(fetch: Fetch, document: Document) -> Verdict | None:
    """A text of one sentence, or the JSON by which a program says the same."""
    kind = document.content_type.partition(";")[0].strip().lower()
    if len(document.body) > ANSWER or not (kind in ("", "text/plain", "text/html") or kind.endswith("json")):
        return None
    text = document.html.strip()
    said = _said_in_json(text) if text.startswith("{") else text
    line = folded(said)
    if said and (says_missing(line) or NUMBER_ALONE.fullmatch(line) or PLATFORM_LINES.fullmatch(line)):
        return _missing(fetch, f"answer: {said}")
    return None


def _said_in_json(text: str) -> str:
    """The code or the sentence for "there is nothing", of a JSON object or of the objects in it; "" for none."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    for part in (answer, *(value for value in answer.values() if isinstance(value, dict))):
        for key, value in part.items():
            if key.lower() in _CODE_KEYS and str(value) in ("404", "410"):
                return "404"
            if key.lower() in _WORD_KEYS and isinstance(value, str) and says_missing(folded(value.replace("_", " "))):
                return value.replace("_", " ")
    return ""


def _titled(fetch: Fetch, document: Document) -> Verdict | None:
    """What a whole part of the title says: the first or the last, since sites write their name on either side."""
    parts = title_parts(document.title)
    ends = [folded(part) for part in dict.fromkeys((*parts[:2], *parts[-1:]))]
    cut = [folded(part) for part in before_colons(parts)]
    said = next((part for part in (*ends, *cut[:2], *cut[-1:]) if says_missing(part)), "")
    if not said and ends and NUMBER_ALONE.fullmatch(ends[0]) and _shows_little(document):
        said = ends[0]
    if said and (_shows_little(document) or not has_prose(document)):
        return _missing(fetch, f"title: {said}")
    if not ends or shows_article(document) or not _shows_little(document):  # what takes longest is asked last
        return None
    if SERVER_ERROR_TITLE.fullmatch(ends[0]):
        return _unable(fetch, "server-error", "error-title", f"title: {document.title}")
    if MAINTENANCE_TITLE.fullmatch(ends[0]) or (len(ends) > 1 and MAINTENANCE_TITLE.fullmatch(ends[-1])):
        return _unable(fetch, "temporarily-unavailable", "maintenance-title", f"title: {document.title}")
    return None


def _shows_little(document: Document) -> bool:
    return len(content_text(document, LITTLE + 1)) <= LITTLE


def _noticed(fetch: Fetch, document: Document) -> Verdict | None:
    """A forum's notice in the place of the thread, whatever stands round it."""
    for text in notices_of(document):
        for sentence in _SENTENCE_END.split(text)[:LINES]:
            if says_missing(line := sentence.strip()):
                return _missing(fetch, f"notice: {line}")
    return None


def _headed(fetch: Fetch, document: Document) -> Verdict | None:
    """A heading, or a line at the top, of a page that has little else to say."""
    content = content_text(document, LITTLE + 1)
    if len(content) > LITTLE:
        return None
    named = [folded(heading) for heading in headings(document)]
    said = next((h for h in named if says_missing(h)), "") or next(
        (h for h in named[:2] if NUMBER_ALONE.fullmatch(h)), ""
    )
    parts = title_parts(document.title)
    lines = [folded(line) for line in content.splitlines()[:LINES]]
    if lines and SERVER_ERROR_LINE.fullmatch(lines[0]):
        return _unable(fetch, "server-error", "error-line", f"text: {lines[0]}")
    nothing_else = len(content) < LITTLE / 4
    if nothing_else and not _may_be_a_post(document) and refresh_target(fetch, document) is None:
        lines = [sentence for line in lines for sentence in _sentences(line)][: 2 * LINES]
        if (unable := _unable_by(fetch, [*named[:2], *lines[:3]])) is not None:
            return unable
    said = said or next((line for line in lines if PLATFORM_LINES.fullmatch(line)), "")
    if not said and (not parts or VAGUE_TITLE.fullmatch(folded(parts[0])) or nothing_else):
        said = next((line for line in lines if says_missing(line)), "")
    return _missing(fetch, f"text: {said}") if said else None


def _may_be_a_post(document: Document) -> bool:
    """Whether a page of few words describes itself, as short posts do and notices do not."""
    return shows_article(document) or document.tree.css_first(SELF_DESCRIPTION) is not None


def _sentences(line: str) -> list[str]:
    """A line as a whole, and what it says between its full stops and commas; who "has moved" says next where to."""
    parts = (part.strip() for part in _SENTENCE_END.split(line))
    return [line, *(part for part in parts if part and not part.endswith("moved"))]


def _unable_by(fetch: Fetch, said: list[str]) -> Verdict | None:
    """What headings and first sentences say of the site, where a page says nothing else."""
    for line in said:
        if SERVER_ERROR_TITLE.fullmatch(line):
            return _unable(fetch, "server-error", "error-line", f"text: {line}")
        if MAINTENANCE_TITLE.fullmatch(line):
            return _unable(fetch, "temporarily-unavailable", "maintenance-line", f"text: {line}")
    return None


def says_missing(line: str) -> bool:
    """Whether a folded line is, as a whole, a sentence that says there is no such page."""
    return len(line) <= MAX_PHRASE and MISSING.fullmatch(line) is not None


def _missing(fetch: Fetch, matched: str) -> Verdict:
    return _suspect(fetch, "soft-404", "soft-404", matched)


def _suspect(fetch: Fetch, reason: str, rule: str, matched: str, proof: Proof | None = None) -> Verdict:
    return verdict(fetch, State.SUSPECT, reason, f"generic/{rule}", matched, confidence=Confidence.LOW, proof=proof)


def _unable(fetch: Fetch, reason: str, rule: str, matched: str) -> Verdict:
    """The site could not answer this time: as a 503 says nothing of the page, however often it is seen."""
    return _suspect(fetch, reason, rule, matched, Proof.WAY)
