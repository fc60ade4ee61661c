"""The page of one link: its state with the evidence, history, places and snapshots; and how two snapshots differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from crawler.core.errors import ArchiveDamaged, UsageError
from crawler.core.model import History, State
from crawler.core.url import MAX_URL
from crawler.page.sentences import sentence_diff
from crawler.serve.explain import explanation, rule_of
from crawler.serve.listing import whole_number
from crawler.serve.viewer import Missing

if TYPE_CHECKING:
    from starlette.responses import Response

    from crawler.archive import Capture, PastCheck, StoredImage
    from crawler.archive.browse import ArchiveBrowser
    from crawler.archive.listed import ListedLink
    from crawler.serve.viewer import Visit

MAX_CHECKS: Final = 500  # of one link's history
MAX_CAPTURES: Final = 300  # that are listed
MAX_DIFF: Final = 400_000  # characters of a text that are compared
MAX_NUMBER: Final = 2**62


@dataclass(frozen=True, slots=True)
class SameChecks:
    """Checks in a row that said the same; `changed` where the first of them brought the link into another state."""

    first: PastCheck
    last: PastCheck
    count: int
    changed: bool


def link_page(visit: Visit) -> Response:
    """`GET /link?url=&snapshot=`. Raises Missing, UsageError."""
    entry = entry_of(visit)
    with visit.viewer.library.archive() as archive:
        history = archive.history(entry.key)
        checks = archive.checks(entry.key, MAX_CHECKS + 1)
        captures = captures_of(archive, entry.key)
        shown = _shown_capture(visit, captures)
        images, damage = _pictures(archive, shown)
    remembered = history or History(
        entry.key, visit.now, entry.url, entry.state, entry.reason, entry.confidence, checked_at=entry.checked_at
    )
    return visit.page(
        "link.html",
        entry=entry,
        history=remembered,
        explained=explanation(remembered, entry.site, visit.language),
        rule=rule_of(remembered.evidence),
        places=visit.lists.catalog.places(entry.key),
        captures=captures[:MAX_CAPTURES],
        shown=shown,
        images=images,
        damage=damage,
        distinct=[capture for capture in captures if not capture.revisit][:MAX_CAPTURES],
        stretches=list(stretches(checks[:MAX_CHECKS])),
        checks=len(checks),
        max_checks=MAX_CHECKS,
        mark=remembered.mark,
        due=remembered.next_due is None or remembered.next_due <= visit.now,
    )


def entry_of(visit: Visit) -> ListedLink:
    """The link that the address names, as written or by its identity. Raises Missing, UsageError."""
    url = visit.value("url")
    if not url:
        raise Missing("no_such_link")
    if len(url) > MAX_URL:
        raise UsageError(f"an address of more than {MAX_URL:,} characters is not taken")
    catalog = visit.lists.catalog
    found = catalog.entry(url) or catalog.entry(visit.viewer.library.sites.identify(url).canonical_url)
    if found is None:
        raise Missing("no_such_link", url)
    return found


def captures_of(archive: ArchiveBrowser, key: str) -> list[Capture]:
    """All captures of a link, kept notices included, newest first."""
    return sorted(archive.captures(key), key=lambda capture: (capture.at, capture.id), reverse=True)


def _shown_capture(visit: Visit, captures: Sequence[Capture]) -> Capture | None:
    """The capture that the page frames: the one that was asked for, else the newest that is no notice."""
    wanted = whole_number(visit.value("snapshot"), MAX_NUMBER)
    if wanted:
        found = next((capture for capture in captures if capture.id == wanted), None)
        if found is None:
            raise Missing("no_such_snapshot", str(wanted))
        return found
    articles = [c for c in captures if not c.notice]
    alive = [c for c in articles if c.state is State.ALIVE]
    return next(iter(alive or articles or list(captures)), None)


def _pictures(archive: ArchiveBrowser, shown: Capture | None) -> tuple[list[StoredImage], str]:
    """The pictures of the framed snapshot, and in one line what of it is damaged; "" where it can be read."""
    if shown is None:
        return [], ""
    try:
        archive.readable(shown.id)
        return archive.images(shown.id), ""
    except ArchiveDamaged as error:
        return [], str(error)


def stretches(checks: Sequence[PastCheck]) -> Iterator[SameChecks]:
    """A history, newest first, with checks that said the same taken together."""
    groups = [list(group) for _, group in groupby(checks, key=lambda c: (c.state, c.verdict, c.reason))]
    for number, group in enumerate(groups):
        older = groups[number + 1][0].state if number + 1 < len(groups) else None
        yield SameChecks(group[-1], group[0], len(group), older is not None and older is not group[-1].state)


def diff_page(visit: Visit) -> Response:
    """`GET /diff?url=&from=&to=`: without numbers, the two newest texts that differ. Raises Missing, UsageError."""
    entry = entry_of(visit)
    with visit.viewer.library.archive() as archive:
        captures = captures_of(archive, entry.key)
        distinct = [capture for capture in captures if not capture.revisit]
        new = _chosen(visit, "to", captures) or next(iter(distinct), None)
        old = _chosen(visit, "from", captures) or next((c for c in distinct if new and c.id != new.id), None)
        texts = [archive.text(side.id)[:MAX_DIFF] for side in (old, new) if side]
    edits = sentence_diff(*texts) if old and new else None
    return visit.page(
        "diff.html",
        entry=entry,
        old=old,
        new=new,
        edits=edits,
        same=len(texts) == 2 and texts[0] == texts[1],
        distinct=distinct[:MAX_CAPTURES],
    )


def _chosen(visit: Visit, name: str, captures: Sequence[Capture]) -> Capture | None:
    text = visit.value(name)
    if not text:
        return None
    number = whole_number(text, MAX_NUMBER, -1)
    found = next((capture for capture in captures if capture.id == number), None)
    if found is None:
        raise Missing("no_such_snapshot", text[:100])
    return found
