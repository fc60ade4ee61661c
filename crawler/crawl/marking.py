"""A person's word on a link: it stands above whatever checks conclude, until it is taken back.

A use case, callable without a terminal. The word is a line in the segments, so that it outlives the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.core.errors import UsageError
from crawler.core.model import History, Word
from crawler.core.url import is_http
from crawler.notes.links import link_of
from crawler.schedule.history import first_seen, unmarked, with_word

if TYPE_CHECKING:
    from crawler.crawl.context import Context


def mark(context: Context, url: str, word: Word | None) -> History:
    """Say `word` of a link, or with None take back what was said; the memory after it.

    A link that the archive never saw can be marked, too. Raises UsageError for what is no URL that can be fetched, and
    what the archive raises.
    """
    link = link_of(url, context.sites)
    if not is_http(url) or not link.host:
        raise UsageError(f"{url!r} is not a URL that can be fetched")
    now = context.now()
    known = context.archive.history(link.canonical_url)
    history = known or first_seen(link.canonical_url, link.url, now)
    after = with_word(history, word, now) if word else unmarked(history, now)
    if known is None and word is None:
        return after
    context.archive.put_histories([after], {link.canonical_url: link})
    return after
