"""What an answer says, as one short word that can be remembered and compared: its fingerprint.

Host, path, times and tickets are masked, so that one page shown for every host is one page. Nothing is decided here:
what equal fingerprints of different hosts mean is `stretch`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote, urlsplit

from crawler.core.model import Failure, Fetch
from crawler.core.proof import NO_SUCH_HOST

STOCK = 400  # visible characters of an error page below which it may be a server's own: nginx's, Apache's, GitHub's
COMPARED = 4_000  # characters of a page that its fingerprint is made of
FAILED = "failure:"  # how the fingerprint of a failure begins

# Looks ahead for what a match begins with first: tried in full at every letter, these cost a third of reading a page.
_TIMES = re.compile(
    r"(?=[\da-f])(?:(?=\d)(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}:\d{2}(?::\d{2})?|\d{1,2} \w{3} \d{4}"
    r"|\d{9,}|[0-9a-f]{16,})|[a-f][0-9a-f]{15,})"
)  # dates, clocks, seconds since 1970, and what identifies one request
# Every word that holds a digit, or a time that was masked in it: counters, tickets, addresses, minutes left. Articles
# that differ by a number alone have it in their titles, where it counts.
_COUNTERS = re.compile(r"(?=[a-z0-9_\d#-])(?<![a-z0-9_#-])[a-z0-9_#-]*[\d#][a-z0-9_#-]*")
_NOT_SAID = frozenset({Failure.NO_SUCH_HOST, Failure.HELD_BACK, Failure.ROBOTS, Failure.INTERNAL, Failure.NOT_PUBLIC,
                       Failure.UNSUPPORTED_SCHEME, Failure.MALFORMED_URL})  # fmt: skip


def fingerprint(fetch: Fetch, title: str, text: str) -> str:
    """What was answered, so that equal answers of different hosts are equal: host, path and times masked.

    "<status>:<title>.<text>", the last two as digests, "~" after the status of a short error page; "failure:<slug>" for
    failures; "" for what no line of ours explains: a missing name, and what was never asked.
    """
    if fetch.failure is not None:
        unsaid = fetch.failure in _NOT_SAID or fetch.error.startswith(NO_SUCH_HOST)
        return "" if unsaid else f"{FAILED}{fetch.failure}"
    shown = text if len(text) >= 12 else fetch.body[: 4 * COMPARED].decode("latin-1")
    own = _own_addresses(fetch)
    head, words = _masked(title[:COMPARED], own), _COUNTERS.sub("#", _masked(shown[:COMPARED], own))
    stock = "~" if (fetch.status or 0) >= 400 and len(text) <= STOCK else ""
    return f"{fetch.status}{stock}:{_digest(head, 8) if head else ''}.{_digest(words, 16)}"


def sort_of(said: str) -> str:
    """An answer's sort: "404" for an error, "200:<title>" for a page with a title; "" where a fingerprint has none."""
    status, page = said[:3], said.rpartition(".")[0]
    if not status.isdigit() or not page:
        return ""
    if status >= "400":
        return status
    return "" if page.endswith(":") else page


def forms(said: str) -> set[str]:
    """What an answer is counted as: its page, and its sort."""
    return {said, sort_of(said)} - {""}


def speaks_against(answer: str, said: str) -> bool:
    """Whether an answer shows that not everybody is answered with what was said."""
    return bool(answer) and not answer.startswith(FAILED) and said not in forms(answer)


def _digest(text: str, length: int) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:length]


def _own_addresses(fetch: Fetch) -> list[str]:
    """How a page may name where it stands, casefolded: its addresses, their hosts and paths."""
    own = []
    for url in dict.fromkeys((fetch.url, fetch.final_url)):  # in this order every night: one may hold the other
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        host = (parts.hostname or "").removeprefix("www.")
        known = (url, quote(url, safe=""), host, f"{parts.path}?{parts.query}", parts.path)
        own += [name.casefold() for name in known if len(name) > 3]
    return own


def _masked(text: str, own: Iterable[str]) -> str:
    text = text.casefold()
    for name in own:
        text = text.replace(name, "@")
    return " ".join(_TIMES.sub("#", text).split())
