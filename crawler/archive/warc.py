"""WARC 1.1 records as bytes: written by us, and read back.

Formatting and parsing of one record in memory; packing is `codec`'s, files are `segments`'. Secrets end here: cookies,
authorization and the URLs of sharers are redacted before anything is written.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from crawler.core.errors import ArchiveDamaged
from crawler.core.url import normalize, redact_sharer
from crawler.core.url import redact as redact_url

MAX_HEAD: Final = 256 * 1024  # bytes of one record's or one response's header block
REVISIT_PROFILE: Final = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
REDACTED: Final = "REDACTED"
IDENTITY: Final = "X-Canonical-URL"  # of a response record: the link that it was fetched for

redact = functools.lru_cache(maxsize=256)(redact_url)  # one check names the same URL eight times

_SECRET = frozenset({"cookie", "cookie2", "set-cookie", "set-cookie2", "authorization", "proxy-authorization"})
# Headers that a user configures for an API; the same words as in fetch.credentials, which this room must not know.
_CREDENTIAL = re.compile(r"(?i)auth|cookie|token|secret|session|passw|(?:^|-)key(?:$|-)")
_URLS = frozenset({"location", "referer", "content-location", "refresh", "link"})
_WIRE = frozenset({"content-encoding", "transfer-encoding", "content-length"})
_PHRASE = {status.value: status.phrase for status in HTTPStatus}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
_TOKEN = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: what is no token character


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read: header names in lower case."""

    headers: Mapping[str, str]
    block: bytes

    @property
    def type(self) -> str:
        """WARC-Type."""
        return self.headers.get("warc-type", "").lower()

    @property
    def target(self) -> str:
        """WARC-Target-URI."""
        return self.headers.get("warc-target-uri", "")


def record_id() -> str:
    """A fresh WARC-Record-ID, a random UUID as RFC 9562 has it (three times faster than uuid.uuid4 and str)."""
    r = os.urandom(16).hex()
    return f"<urn:uuid:{r[:8]}-{r[8:12]}-4{r[13:16]}-a{r[17:20]}-{r[20:]}>"


def warc_date(at: datetime) -> str:
    """WARC 1.1 dates may carry fractions of a second."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def sha256(data: bytes, more: bytes = b"") -> str:
    """A digest as WARC headers write it; `more` follows `data`, without a copy of both."""
    made = hashlib.sha256(data)
    if more:
        made.update(more)
    return "sha256:" + made.hexdigest()


def uri(url: str, *, picture: bool = False) -> str:
    """A URL as it may stand in a header: a URI of ASCII alone, secrets redacted, nothing that ends a line."""
    url = redact_sharer(url) if picture else redact(url)
    if not url.isascii():
        try:
            url = normalize(url)
        except ValueError:
            url = quote(url, safe=_ASCII)
    return _UNSAFE.sub(lambda m: f"%{ord(m[0]):02X}", url)


def format_record(
    kind: str, ident: str, at: datetime, block: bytes, content_type: str, headers: Iterable[tuple[str, str]] = (),
    *, body: bytes = b"",
) -> bytes:  # fmt: skip
    """One record, ready to be packed. `headers` come after the mandatory ones; their values are trusted.

    `body` is the rest of the block: large ones are copied once, into the record.
    """
    extra = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: {ident}\r\nWARC-Date: {warc_date(at)}\r\n{extra}"
        f"WARC-Block-Digest: {sha256(block, body)}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(block) + len(body)}\r\n\r\n"
    )
    return b"".join((head.encode(), block, body, b"\r\n\r\n"))


def parse_record(data: bytes) -> Record:
    """The record that `format_record` or another writer made. Raises ArchiveDamaged."""
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD)
    if end < 0 or not data.startswith(b"WARC/1."):
        raise ArchiveDamaged("no WARC record")
    headers = parse_headers(data[:end])
    length = headers.get("content-length", "")
    block = data[end + 4 : -4]
    if not length.isascii() or not length.isdigit() or int(length) != len(block) or not data.endswith(b"\r\n\r\n"):
        raise ArchiveDamaged(f"record says it has {length or 'no'} bytes, and has {len(block)}")
    return Record(headers, block)


def parse_headers(head: bytes) -> dict[str, str]:
    """Named fields of a header block, names in lower case, the first line left out; the last of equal names counts."""
    fields = (line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, colon, value in fields if colon}


def check_digests(record: Record) -> str:
    """What is wrong with a record's digests, "" where they agree or are of a kind that we do not write."""
    said = record.headers.get("warc-block-digest", "")
    if said.startswith("sha256:") and said != sha256(record.block):
        return "block digest differs"
    said = record.headers.get("warc-payload-digest", "")
    if record.type == "response" and said.startswith("sha256:") and said != sha256(split_http(record.block)[2]):
        return "payload digest differs"
    return ""


def request_block(url: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The request as sent, secrets redacted."""
    target = redact(url).partition("#")[0].split("/", 3)
    path = "/" + (target[3] if len(target) > 3 else "")
    shown = ((name, REDACTED if _CREDENTIAL.search(name) else value) for name, value in headers)
    lines = [f"GET {_UNSAFE.sub('', path)} HTTP/1.1", *(_field(name, value) for name, value in shown)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def response_head(status: int, headers: Iterable[tuple[str, str]], length: int) -> bytes:
    """Head of a response whose body is stored decoded: what spoke of the wire is kept as x-orig-*, length restated."""
    lines = [f"HTTP/1.1 {status} {_PHRASE.get(status, '')}".rstrip()]
    for name, value in headers:
        lines.append(_field(f"x-orig-{name}" if name.lower() in _WIRE else name, value))
    lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def split_http(block: bytes) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Status, headers as first sent (x-orig-* undone) and body of a response block. Raises ArchiveDamaged."""
    end = block.find(b"\r\n\r\n", 0, MAX_HEAD)
    lines = block[:end].decode("utf-8", "replace").split("\r\n")
    words = lines[0].split(" ", 2)
    if end < 0 or len(words) < 2 or not words[1].isdigit():
        raise ArchiveDamaged("no HTTP response in the record")
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    restated = any(name.lower().startswith("x-orig-") for name, _ in pairs)
    return int(words[1]), tuple(_as_sent(pairs, restated)), block[end + 4 :]


def _as_sent(pairs: list[tuple[str, str]], restated: bool) -> Iterable[tuple[str, str]]:
    for name, value in pairs:
        lower = name.lower()
        if lower.startswith("x-orig-"):
            yield name[len("x-orig-") :], value
        elif not (restated and lower == "content-length"):
            yield name, value


def _field(name: str, value: str) -> str:
    lower = name.lower()
    if lower in _SECRET:
        value = REDACTED
    elif lower in _URLS:
        value = redact(value)
    return f"{_TOKEN.sub('', name)}: {_CONTROL.sub(' ', value)}"
