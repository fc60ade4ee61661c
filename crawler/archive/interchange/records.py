"""A page as WARC records, with what an index says of each: shared by the WARC and the WACZ writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from crawler.archive import warc
from crawler.archive.codec import Gz
from crawler.archive.interchange.source import ExportedPage
from crawler.core.lookahead import in_order
from crawler.core.model import Fetch

AHEAD = 4  # pages for each thread that are packed before the first is taken
MAX_HELD = 64 * 1024 * 1024  # bytes of their records
_RESPONSE = "application/http;msgtype=response"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record; it is empty where it was packed. `status` "": not for the index, nobody looks it up."""

    record: bytes
    url: str
    at: datetime
    mime: str = ""
    status: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """A page's records, each with its gzip member."""

    page: ExportedPage
    entries: Sequence[tuple[Entry, bytes]]


def packed(pages: Iterable[ExportedPage], threads: int) -> Iterator[Packed]:
    """All pages in order. Packing is nearly all that it costs, and goes on in threads, as zlib lets others run."""
    seen: set[tuple[str, str]] = set()
    made = (_Made(page, list(entries(page, seen))) for page in pages)
    with ThreadPoolExecutor(threads) as pool:
        ahead = in_order(
            lambda one: pool.submit(_packed, one), made, AHEAD * threads, size=_Made.size, most_size=MAX_HELD
        )
        yield from (page for _, page in ahead)


class _Made(NamedTuple):
    page: ExportedPage
    entries: Sequence[Entry]

    def size(self) -> int:
        return sum(len(entry.record) for entry in self.entries)


def _packed(made: _Made) -> Packed:
    codec = Gz()
    return Packed(made.page, [(replace(entry, record=b""), codec.pack(entry.record)) for entry in made.entries])


def readable_url(page: ExportedPage) -> str:
    """Where replay tools find the readable copy."""
    return f"urn:readable:{warc.uri(page.capture.url)}"


def start_url(page: ExportedPage) -> str:
    """The address under which a replay of the original page begins."""
    hops = page.capture.redirects
    return warc.uri(hops[0].url if hops else _final_url(page))


def entries(page: ExportedPage, seen: set[tuple[str, str]]) -> Iterator[Entry]:
    """The records of one page; `seen` holds the pictures (URL, digest) that were written before."""
    if page.raw is not None:
        yield from _redirects(page)
        yield _response(page, page.raw)
    if page.text:
        block = page.text.encode("utf-8", "replace")
        yield _made(page, "conversion", f"urn:text:{warc.uri(page.capture.url)}", block, "text/plain")
    if page.readable:
        yield _made(page, "resource", readable_url(page), page.readable.encode("utf-8", "replace"), "text/html")
    for picture in page.pictures:
        if (picture.url, picture.digest) not in seen:
            seen.add((picture.url, picture.digest))
            yield _http(page, picture.url, 200, (("Content-Type", picture.content_type),), picture.body, picture=True)


def _final_url(page: ExportedPage) -> str:
    return page.capture.final_url or page.capture.url


def _redirects(page: ExportedPage) -> Iterator[Entry]:
    """The hops as they were seen: status and target, which is all that is remembered of them."""
    urls = [hop.url for hop in page.capture.redirects]
    for hop, (url, target) in zip(page.capture.redirects, pairwise([*urls, _final_url(page)]), strict=True):
        yield _http(page, url, hop.status, (("Location", target),), b"")


def _response(page: ExportedPage, raw: Fetch) -> Entry:
    return _http(page, _final_url(page), raw.status or 200, raw.headers, raw.body)


def _http(
    page: ExportedPage,
    url: str,
    status: int,
    headers: tuple[tuple[str, str], ...],
    body: bytes,
    *,
    picture: bool = False,
) -> Entry:
    block = warc.response_head(status, headers, len(body)) + body
    target, digest = warc.uri(url, picture=picture), warc.sha256(body)
    fields = [("WARC-Target-URI", target), ("WARC-Payload-Digest", digest)]
    record = warc.format_record("response", warc.record_id(), page.capture.at, block, _RESPONSE, fields)
    mime = next((value for name, value in headers if name.lower() == "content-type"), "")
    return Entry(record, target, page.capture.at, mime.partition(";")[0].strip() or "-", str(status), digest)


def _made(page: ExportedPage, kind: str, url: str, block: bytes, mime: str) -> Entry:
    content_type, at = f"{mime}; charset=utf-8", page.capture.at
    record = warc.format_record(kind, warc.record_id(), at, block, content_type, [("WARC-Target-URI", url)])
    return Entry(record, url, at, mime, "200" if kind == "resource" else "", warc.sha256(block))
