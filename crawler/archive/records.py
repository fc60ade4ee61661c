"""A check as WARC records: what is appended to a segment, and the journal line that tells where it lies.

Nothing is written here: a function to append is given, and what is kept was decided in `keep`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from crawler.archive import warc
from crawler.archive.journal import CONTENT_TYPE, TARGET, CaptureData, CaptureLine, CheckLine, Line, Span, encode
from crawler.archive.keep import Keep
from crawler.archive.warc import redact
from crawler.core.model import Check, Cut, Evidence, Fetch, History, Link, Page, Redirect, Snapshot, State

_RESPONSE = "application/http;msgtype=response"


class Append(Protocol):
    """Appends a record to the open segment; `page` where it holds a whole page."""

    def __call__(self, record: bytes, *, page: bool = False) -> Span:
        """Where it lies."""
        ...


class Content(Protocol):
    """What the records of a capture are made of: a check, or what of it is known before it is one."""

    @property
    def link(self) -> Link: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def fetch(self) -> Fetch: ...  # noqa: D102
    @property
    def page(self) -> Page: ...  # noqa: D102
    @property
    def readable(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Original:
    """The response record that a revisit points at."""

    record_id: str
    target: str
    date: str


def write_capture(
    check: Content, keep: Keep, ident: int, payload: str, original: Original | None, append: Append
) -> CaptureLine:
    """Append the records of a capture: raw response and request, text, readable copy."""
    target = warc.uri(check.fetch.final_url or check.link.url)
    response_id = warc.record_id()
    response = None
    if keep.raw and original:
        append(_revisit(check.fetch, target, payload, original))
    elif keep.raw:
        response = append(_response(check, target, response_id, payload), page=True)
        append(_request(check.fetch, target, response_id))
    refers = response_id if response else ""
    text = append(_text(check, warc.uri(check.link.url), refers)) if keep.text else None
    readable = append(_readable(check, warc.uri(check.link.url), refers)) if keep.text and check.readable else None
    return CaptureLine(
        id=ident,
        data=_data(check),
        notice=keep.notice,
        revisit_of=keep.revisit_of,
        bytes_of=keep.same_bytes,
        digest=check.page.digest,
        payload=payload,
        raw_bytes=len(check.fetch.body) if response else 0,
        response=response,
        text=text,
        readable=readable if keep.text else None,
    )


def line_of(check: Check, capture: CaptureLine | None, history: History) -> CheckLine:
    """The journal line of a check; `history` is what is remembered after it, secrets gone."""
    fetch = check.fetch
    final = redact(fetch.final_url)
    return CheckLine(
        site=check.link.site,
        host=check.link.host,
        run=check.run_id,
        at=check.at,
        verdict=check.verdict.state.value,
        reason=check.verdict.reason,
        rule=check.verdict.evidence.rule,
        history=history,
        status=fetch.status,
        error=fetch.failure.reason if fetch.failure else "",
        final_url="" if final == history.url else final,
        seconds=round(fetch.seconds, 6),
        bytes=len(fetch.body),
        names="\n".join(dict.fromkeys(o.note_title for o in check.link.occurrences if o.note_title)),
        capture=capture,
        said=check.said,
        held=check.held,
    )


def snapshot_of(check: Check, capture: CaptureLine) -> Snapshot:
    """A capture as memory and reports show it."""
    page = check.page
    revisit = capture.revisit_of is not None
    return Snapshot(capture.id, check.at, page.title, len(page.text), page.digest, revisit)


def redacted(history: History, url: str) -> History:
    """Memory as it may be stored: no secrets of sharers in any URL."""
    shown = redact(history.url or url)
    moved_to = redact(history.moved_to) if history.moved_to else history.moved_to
    evidence = _redacted_evidence(history.evidence)
    if (shown, moved_to) == (history.url, history.moved_to) and evidence is history.evidence:
        return history
    return replace(history, url=shown, moved_to=moved_to, evidence=evidence)


def journal_record(lines: list[Line], at: datetime) -> bytes:
    """The metadata record that closes a batch."""
    return warc.format_record(
        "metadata", warc.record_id(), at, encode(lines), CONTENT_TYPE, [("WARC-Target-URI", TARGET)]
    )


def image_record(url: str, content_type: str, body: bytes, at: datetime) -> bytes:
    """A picture as the response that brought it; the little that is known of its head."""
    head = warc.response_head(200, [("Content-Type", content_type)], len(body))
    fields = [("WARC-Target-URI", warc.uri(url, picture=True)), ("WARC-Payload-Digest", warc.sha256(body))]
    return warc.format_record("response", warc.record_id(), at, head, _RESPONSE, fields, body=body)


def image_revisit(url: str, content_type: str, digest: str, size: int, at: datetime, original: Original) -> bytes:
    """A picture that is stored already, under another URL: replay finds it under both."""
    head = warc.response_head(200, [("Content-Type", content_type)], size)
    return _revisit_record(url, at, head, digest, original)


def _redacted_evidence(evidence: Evidence) -> Evidence:
    redirects = tuple(Redirect(hop.status, redact(hop.url)) for hop in evidence.redirects)
    shown = [_redacted_text(said) for said in (evidence.matched, evidence.error, evidence.final_url)]
    if shown == [evidence.matched, evidence.error, evidence.final_url] and redirects == evidence.redirects:
        return evidence
    return replace(evidence, matched=shown[0], error=shown[1], final_url=shown[2], redirects=redirects)


def _redacted_text(said: str) -> str:
    return redact(said) if "=" in said or "@" in said or "%" in said else said


def _data(check: Content) -> CaptureData:
    fetch, page = check.fetch, check.page
    return CaptureData(
        final_url="" if fetch.final_url == check.link.url else redact(fetch.final_url),
        content_type=fetch.header("content-type")[:200],
        status=fetch.status or 0,
        title=page.title,
        author=page.author,
        published=page.published,
        text_chars=len(page.text),
        charset=page.charset,
        lead_image=page.lead_image,
        page_url=redact(page.canonical_url),
        redirects=tuple(Redirect(hop.status, redact(hop.url)) for hop in fetch.redirects),
    )


# WARC 1.1, 5.13.
_TRUNCATED = {Cut.TIMEOUT: "time", Cut.ENDLESS: "time", Cut.RESET: "disconnect", Cut.TOO_LARGE: "length"}


def _response(check: Content, target: str, ident: str, payload: str) -> bytes:
    fetch = check.fetch
    head = warc.response_head(fetch.status or 0, fetch.headers, len(fetch.body))
    fields = [("WARC-Target-URI", target), ("WARC-Payload-Digest", payload)]
    if (identity := warc.uri(check.link.canonical_url)) != target:
        fields.append((warc.IDENTITY, identity))
    if fetch.cut:
        fields.append(("WARC-Truncated", _TRUNCATED.get(fetch.cut, "unspecified")))
    return warc.format_record("response", ident, fetch.started_at, head, _RESPONSE, fields, body=fetch.body)


def _request(fetch: Fetch, target: str, response_id: str) -> bytes:
    block = warc.request_block(fetch.final_url or fetch.url, fetch.request_headers)
    fields = [("WARC-Target-URI", target), ("WARC-Concurrent-To", response_id)]
    kind = "application/http;msgtype=request"
    return warc.format_record("request", warc.record_id(), fetch.started_at, block, kind, fields)


def _revisit(fetch: Fetch, target: str, payload: str, original: Original) -> bytes:
    head = warc.response_head(fetch.status or 0, fetch.headers, len(fetch.body))
    return _revisit_record(target, fetch.started_at, head, payload, original)


def _revisit_record(target: str, at: datetime, head: bytes, payload: str, original: Original) -> bytes:
    """WARC 1.1, 6.7.2: the head as it came this time, the payload by reference."""
    fields = [
        ("WARC-Target-URI", target),
        ("WARC-Profile", warc.REVISIT_PROFILE),
        ("WARC-Payload-Digest", payload),
        ("WARC-Refers-To", original.record_id),
        ("WARC-Refers-To-Target-URI", original.target),
        ("WARC-Refers-To-Date", original.date),
    ]
    return warc.format_record("revisit", warc.record_id(), at, head, _RESPONSE, fields)


def _text(check: Content, url: str, refers_to: str) -> bytes:
    """The text as read, a conversion (WARC 1.1, 6.8) under an address of its own, so that replay tools skip it."""
    block = check.page.text.encode("utf-8", "replace")
    return _made_of("conversion", f"urn:text:{url}", refers_to, check.at, block, "text/plain; charset=utf-8")


def _readable(check: Content, url: str, refers_to: str) -> bytes:
    block = check.readable.encode("utf-8", "replace")
    return _made_of("resource", f"urn:readable:{url}", refers_to, check.at, block, "text/html; charset=utf-8")


def _made_of(kind: str, target: str, refers_to: str, at: datetime, block: bytes, content_type: str) -> bytes:
    fields = [("WARC-Target-URI", target)]
    if refers_to:
        link = "WARC-Refers-To" if kind == "conversion" else "WARC-Concurrent-To"
        fields.append((link, refers_to))
    return warc.format_record(kind, warc.record_id(), at, block, content_type, fields)


def is_snapshot(check: Check, capture: CaptureLine, had_alive: bool) -> bool:
    """Whether a capture becomes what reports offer: an article seen alive is not displaced by what nobody knows."""
    return not capture.notice and (check.verdict.state is State.ALIVE or not had_alive)
