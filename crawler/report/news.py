"""What is sent to a webhook: one JSON document with the news of a run, and nothing where there is no news.

The keys are those of `crawler.report/1`, in a schema of its own, with links only for what changed.
"""

from __future__ import annotations

import msgspec

from crawler.core.model import State
from crawler.core.results import ChangeKind, Report
from crawler.report.document import exact_document
from crawler.report.parts import ChangePart, Count, LinkPart, NoticePart, Part, RunPart, SlotPart
from crawler.report.phrases import FOCUS

MAX_LINKS = 200  # sent in full; receivers refuse large bodies, and the report has them all
SCHEMA = "crawler.news/1"


class News(Part, frozen=True):
    """What is new since the last run. `text` says it in one line, under the key that chat services read."""

    schema: str
    text: str
    run: RunPart
    counts: dict[State, Count]
    changes: tuple[ChangePart, ...]
    new_notices: tuple[NoticePart, ...]
    slots_given_up: tuple[SlotPart, ...]
    links: tuple[LinkPart, ...]


def news_document(report: Report) -> bytes:
    """The news as JSON; b"" where nothing changed, no new notice was seen and no site refused us."""
    document = exact_document(report)
    changes = tuple(change for change in document.changes if change.kind is not ChangeKind.STATE_CHANGED)
    if not (changes or document.new_notices or document.run.slots_given_up):
        return b""
    changed = {change.canonical_url for change in changes}
    links = sorted(
        (link for link in document.links if link.canonical_url in changed), key=lambda link: link.site not in FOCUS
    )
    news = News(
        schema=SCHEMA,
        text=_in_one_line(changes, document.new_notices, document.run),
        run=document.run,
        counts=document.counts,
        changes=changes,
        new_notices=document.new_notices,
        slots_given_up=document.run.slots_given_up,
        links=tuple(links[:MAX_LINKS]),
    )
    return msgspec.json.encode(news)


def _in_one_line(changes: tuple[ChangePart, ...], notices: tuple[NoticePart, ...], run: RunPart) -> str:
    counts = [(kind.value.replace("-", " "), sum(c.kind is kind for c in changes)) for kind in ChangeKind]
    counts += [("unknown messages", len(notices)), ("sites that refused us", len(run.slots_given_up))]
    return "Links: " + ", ".join(f"{count} {what}" for what, count in counts if count)
